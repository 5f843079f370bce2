"""Exchanges as the text of their documents."""

from mockserver.cassette.model import Body, End, Exchange, Header, Response
from mockserver.cassette.yaml_codec import dump_exchange
from mockserver.http.messages import Request

HEADER = Header(recorded="2026-11-22T15:36:36Z")


HEAD = "mockserver: 1\nrecorded: 2026-11-22T15:36:36Z\n"


def exchange(path: str, text: str = "") -> bytes:
    content = Body(text.encode())
    response = Response(200, None, (), content, End())
    return dump_exchange(Exchange(Request("POST", path), response)).encode()


def document(path: str) -> str:
    return f"""\
---
request:
  method: POST
  path: {path}
response:
  status: 200
  headers: {{}}
  end: {{after: 0, how: closed}}
"""
