"""A response as it comes on the socket, byte for byte."""

import json
import socket
from urllib.parse import urlsplit

from tests.real.wire import Ask


def on_the_socket(url: str, ask: Ask) -> bytes:
    """Return all that comes back on the connection: status line, headers and body."""
    place = urlsplit(url)
    body = b"" if ask.body is None else json.dumps(ask.body).encode()
    head = (
        f"{ask.method} {ask.path} HTTP/1.1\r\nHost: replay\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))
