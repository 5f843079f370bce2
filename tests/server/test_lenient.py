"""Responses that strict parsers reject, and browsers and curl accept: what came is passed on, recorded and played."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.passage import Sent, record_and_replay
from tests.processes import run
from tests.scripted import EVENTS, LAST, Script, Wire, chunk, say

ONE = b"data: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
GET = Sent("GET", "/x")


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"what?\r\n", id="no size"),
        pytest.param(b"-5\r\nabcde\r\n", id="a negative size"),
        pytest.param(b"fffffffffffffffffffff\r\n", id="an endless size"),
    ],
)
async def test_events_before_a_bad_chunk_are_kept(rest: bytes, tmp_path: Path) -> None:
    """All of it comes in one piece, of which aiohttp would discard everything."""
    passage = await record_and_replay(tmp_path, say(EVENTS + chunk(ONE) + rest), GET)

    for answer in (*passage.recorded, *passage.played):
        assert answer.line == b"HTTP/1.1 200 OK"
        assert answer.body == ONE
        assert not answer.whole
    assert passage.cassette.endswith("how: cut}\n")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"content-length: 7\r\ncontent-length: 7", id="a length twice"),
        pytest.param(b"content-length: 7, 7", id="a length twice in one field"),
        pytest.param(b"content-length: 7\r\ntransfer-encoding: identity", id="identity"),
        pytest.param(b"content-length: 7\r\nx-broken", id="no colon"),
        pytest.param(b"content-length: 7\r\nx broken: 1", id="a space in a name"),
        pytest.param(b"content-length : 7", id="a space before a colon"),
        pytest.param(b"content-length: 7\r\nx-long: " + b"a" * 70_000, id="70 kB"),
        pytest.param(
            b"content-length: 7\r\n" + b"\r\n".join(b"x-%d: a" % n for n in range(200)),
            id="200 fields",
        ),
    ],
)
async def test_a_head_that_browsers_accept_is_accepted(head: bytes, tmp_path: Path) -> None:
    passage = await record_and_replay(tmp_path, say(OK + head + b'\r\n\r\n{"a":1}'), GET)

    for answer in (*passage.recorded, *passage.played):
        assert answer.line == b"HTTP/1.1 200 OK"
        assert answer.body == b'{"a":1}'
        assert answer.whole
    recorded, played = passage.recorded[0], passage.played[0]
    assert recorded.end_to_end == played.end_to_end
    assert len(recorded.end_to_end) >= head.count(b"x-") - head.count(b"x-broken")


async def test_the_bytes_of_a_header_are_kept(tmp_path: Path) -> None:
    fields = [(b"x-latin", b"caf\xe9"), (b"x-utf8", b"caf\xc3\xa9"), (b"location", b"/\xe9?a=\xff")]
    head = b"".join(b"%b: %b\r\n" % field for field in fields)
    request = Sent("POST", "/x", (b"x-sent: caf\xe9",), b"{}")
    passage = await record_and_replay(
        tmp_path, say(OK.replace(b"content-type", b"x-type") + head + b"\r\n{}"), request
    )

    for answer in (*passage.recorded, *passage.played):
        assert answer.end_to_end == [(b"x-type", b"application/json"), *fields]
    assert dict(passage.received[0].headers)[b"x-sent"] == b"caf\xc3\xa9"
    assert "x-latin: café\n" in run("show", "chat.yaml", "1", folder=tmp_path).stdout


async def test_a_length_of_a_chunked_body_does_not_count(tmp_path: Path) -> None:
    head = OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n"
    passage = await record_and_replay(tmp_path, say(head + chunk(b'{"a":1}') + LAST), GET)

    for answer in (*passage.recorded, *passage.played):
        assert answer.body == b'{"a":1}'
        assert answer.whole


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"connection: close\r\ncontent-length: 2\r\n\r\n{}", id="with its length"),
        pytest.param(b"transfer-encoding: chunked\r\n\r\n" + chunk(b"{}") + LAST, id="chunked"),
        pytest.param(b"\r\n{}", id="without its length"),
    ],
)
@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_the_body_of_a_response_that_has_none_is_ignored(
    status: bytes, rest: bytes, tmp_path: Path
) -> None:
    passage = await record_and_replay(
        tmp_path, say(b"HTTP/1.1 " + status + b"\r\n" + rest), Sent("DELETE", "/x")
    )

    for answer in (*passage.recorded, *passage.played):
        assert answer.line == b"HTTP/1.1 " + status
        assert answer.body == b""


def in_single_bytes(raw: bytes) -> Script:
    """Return the script that sends *raw* byte by byte."""

    async def script(wire: Wire) -> None:
        for number in range(len(raw)):
            await wire.send(raw[number : number + 1])
            await asyncio.sleep(0)

    return script


@pytest.mark.parametrize("script", [say, in_single_bytes], ids=["in one piece", "in single bytes"])
async def test_heads_before_the_head_are_skipped(
    script: Callable[[bytes], Script], tmp_path: Path
) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    raw = hints + OK + b'content-length: 7\r\n\r\n{"a":1}'
    passage = await record_and_replay(tmp_path, script(raw), GET)

    assert passage.recorded[0].line == b"HTTP/1.1 200 OK"
    assert passage.recorded[0].body == b'{"a":1}'
