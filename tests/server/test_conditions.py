"""Clients that have cached something: what they ask for is recorded whole."""

from pathlib import Path

from tests.passage import Sent, record_and_replay
from tests.scripted import Wire

PAGE = b"<!doctype html><p>hello</p>"
CONDITIONS = {
    "etag": (b'If-None-Match: "1"',),
    "date": (b"If-Modified-Since: Wed, 21 Oct 2026 07:28:00 GMT",),
    "range": (b"Range: bytes=0-3",),
    "range-of-a-version": (b"Range: bytes=0-3", b'If-Range: "1"'),
    "another-version": (b'if-match: "2"',),
    "not-since": (b"if-unmodified-since: Wed, 21 Oct 2015 07:28:00 GMT",),
}


async def _static_files(wire: Wire) -> None:
    """Answer as a server of static files does."""
    names = {name.lower() for name, _ in wire.request.headers}
    line, body = b"200 OK", PAGE
    if names & {b"if-match", b"if-unmodified-since"}:
        line, body = b"412 Precondition Failed", b""
    elif names & {b"if-none-match", b"if-modified-since"}:
        line, body = b"304 Not Modified", b""
    elif b"range" in names:
        line, body = b"206 Partial Content\r\ncontent-range: bytes 0-3/27", PAGE[:4]
    head = b'HTTP/1.1 %b\r\ncontent-type: text/html\r\netag: "1"\r\ncontent-length: %d\r\n'
    await wire.send(head % (line, len(body)) + b"connection: close\r\n\r\n" + body)


async def test_a_read_with_a_condition_is_recorded_whole(tmp_path: Path) -> None:
    requests = [
        Sent("GET", f"/{name}", sent)
        for name, headers in CONDITIONS.items()
        for sent in (headers, ())
    ]
    passage = await record_and_replay(tmp_path, _static_files, *requests)

    for answers in (passage.recorded, passage.played):
        for request, answer in zip(requests, answers, strict=True):
            assert (answer.line, answer.body) == (b"HTTP/1.1 200 OK", PAGE), request


async def test_a_write_keeps_its_condition(tmp_path: Path) -> None:
    request = Sent("PUT", "/item", (b'If-Match: "2"',), b"{}")
    passage = await record_and_replay(tmp_path, _static_files, request)

    assert (b'"2"') in dict(passage.received[0].headers).values()
    assert passage.recorded[0].line == b"HTTP/1.1 412 Precondition Failed"
