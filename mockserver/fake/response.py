"""Responses of the fake graph, as values. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from mockserver.fake.server_json import to_server_json
from mockserver.formats.json_text import Json
from mockserver.http.fault import Fault
from mockserver.http.messages import Headers

KEEPALIVE_SECONDS = 5.0
"""The server sends a keepalive at this interval, counted from the start of the response."""

HEARTBEAT = b": heartbeat\r\n\r\n"
"""The keepalive of event streams."""

JSON_HEADER = ("content-type", "application/json")

STREAM_HEADERS = (
    ("cache-control", "no-store"),
    ("x-accel-buffering", "no"),
    ("content-type", "text/event-stream; charset=utf-8"),
)


class BodyReader(Protocol):
    """A body that is produced as time passes; *now* is the current time of the clock, in seconds."""

    keepalive: ClassVar[bytes]
    """The bytes to send every five seconds."""

    def read(self, now: float) -> tuple[bytes, float | None]:
        """Return the bytes since the last call, and the time at which more are expected; None after the end."""

    def client_left(self, now: float) -> None:
        """Handle a client that disconnects before the end."""

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call *changed* when the expected time is no longer valid; return a function that unsubscribes."""


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and body of one response."""

    status: int
    headers: Headers
    body: bytes | BodyReader
    note: str | None = None
    """A remark for the log."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong with it on demand."""


def json_response(value: Json, status: int = 200, headers: Headers = ()) -> Response:
    return Response(
        status, (*headers, JSON_HEADER), to_server_json(value).encode("utf-8", "replace")
    )


def error_response(status: int, detail: Json, headers: Headers = ()) -> Response:
    """Return an error response with *detail*."""
    answer = json_response({"detail": detail}, status, headers)
    return replace(answer, note=f"{status} {detail}".partition("\n")[0])
