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


BAD_SIZES = [b"what?\r\n", b"-5\r\nabcde\r\n", b"fffffffffffffffffffff\r\n"]


def one_of(*responses: bytes) -> Script:
    """Return the script that sends the response whose number is the path."""

    async def script(wire: Wire) -> None:
        await wire.send(responses[int(wire.request.path[1:])])

    return script


def numbered(method: str, count: int) -> list[Sent]:
    return [Sent(method, f"/{number}") for number in range(count)]


async def test_events_before_a_bad_chunk_are_kept(tmp_path: Path) -> None:
    """All of it comes in one piece, of which aiohttp would discard everything."""
    script = one_of(*(EVENTS + chunk(ONE) + size for size in BAD_SIZES))
    passage = await record_and_replay(tmp_path, script, *numbered("GET", len(BAD_SIZES)))

    for answer in (*passage.recorded, *passage.played):
        assert answer.line == b"HTTP/1.1 200 OK"
        assert answer.body == ONE
        assert not answer.whole
    assert passage.cassette.count("how: cut}\n") == len(BAD_SIZES)


HEADS = {
    "a length twice": b"content-length: 7\r\ncontent-length: 7",
    "a length twice in one field": b"content-length: 7, 7",
    "identity": b"content-length: 7\r\ntransfer-encoding: identity",
    "no colon": b"content-length: 7\r\nx-broken",
    "a space in a name": b"content-length: 7\r\nx broken: 1",
    "a space before a colon": b"content-length : 7",
    "70 kB": b"content-length: 7\r\nx-long: " + b"a" * 70_000,
    "200 fields": b"content-length: 7\r\n" + b"\r\n".join(b"x-%d: a" % n for n in range(200)),
}


async def test_a_head_that_browsers_accept_is_accepted(tmp_path: Path) -> None:
    script = one_of(*(OK + head + b'\r\n\r\n{"a":1}' for head in HEADS.values()))
    passage = await record_and_replay(tmp_path, script, *numbered("GET", len(HEADS)))

    answers = zip(passage.recorded, passage.played, strict=True)
    for (name, head), (recorded, played) in zip(HEADS.items(), answers, strict=True):
        for answer in (recorded, played):
            assert answer.line == b"HTTP/1.1 200 OK", name
            assert answer.body == b'{"a":1}', name
            assert answer.whole, name
        assert recorded.end_to_end == played.end_to_end, name
        count = head.count(b"x-") - head.count(b"x-broken")
        assert len(recorded.end_to_end) >= count, name


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


BODIES = [
    b"connection: close\r\ncontent-length: 2\r\n\r\n{}",
    b"transfer-encoding: chunked\r\n\r\n" + chunk(b"{}") + LAST,
    b"\r\n{}",
]
WITHOUT_BODY = [b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified"]


async def test_the_body_of_a_response_that_has_none_is_ignored(tmp_path: Path) -> None:
    lines = [line for line in WITHOUT_BODY for _ in BODIES]
    script = one_of(*(line + b"\r\n" + body for line in WITHOUT_BODY for body in BODIES))
    passage = await record_and_replay(tmp_path, script, *numbered("DELETE", len(lines)))

    for answers in (passage.recorded, passage.played):
        assert [answer.line for answer in answers] == lines
        assert [answer.body for answer in answers] == [b""] * len(lines)


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
