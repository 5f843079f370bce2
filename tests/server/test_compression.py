"""Bodies that are compressed although nobody asked for it: decoded where that is possible, else passed on with their header."""

import gzip
from pathlib import Path

from tests.passage import Sent, record_and_replay
from tests.processes import running
from tests.scripted import LAST, Script, Wire, ask, chunk, exchanges, say

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
GET = Sent("GET", "/x")
TEXT = b'{"a":1}'


def packed(coding: bytes, body: bytes) -> bytes:
    length = b"content-length: %d\r\n\r\n" % len(body)
    return HEAD + b"content-encoding: %b\r\n" % coding + length + body


def numbered(count: int) -> list[Sent]:
    return [Sent("GET", f"/{number}") for number in range(count)]


def one_of(*responses: tuple[bytes, ...]) -> Script:
    """Return the script that sends the response whose number is the path, in its parts."""

    async def script(wire: Wire) -> None:
        await say(*responses[int(wire.request.path[1:])])(wire)

    return script


GZIP = {
    b"x-gzip": gzip.compress(TEXT),
    b"gzip, gzip": gzip.compress(gzip.compress(TEXT)),
    b"GZip, identity": gzip.compress(TEXT),
    b"gzip": gzip.compress(TEXT) + b"\0\0",
}
"""Bodies by their coding; the last one has bytes after its end."""


async def test_gzip_is_decoded_by_all_its_names(tmp_path: Path) -> None:
    script = one_of(*((packed(*one),) for one in GZIP.items()))
    passage = await record_and_replay(tmp_path, script, *numbered(len(GZIP)))

    for answers in (passage.recorded, passage.played):
        for coding, answer in zip(GZIP, answers, strict=True):
            assert answer.body == TEXT, coding
            assert answer.whole, coding
            assert answer.header(b"content-encoding") is None, coding
    assert passage.cassette.count("  body:\n    a: 1\n") == len(GZIP)


async def test_what_cannot_be_decoded_keeps_its_header(tmp_path: Path) -> None:
    codings = [b"compress", b"gzip, compress", b"aes128gcm"]
    body = b"\x1f\x9d\x90{D\x84\xd1\x11"
    script = one_of(*((packed(coding, body),) for coding in codings))
    passage = await record_and_replay(tmp_path, script, *numbered(len(codings)))

    for answers in (passage.recorded, passage.played):
        assert [answer.header(b"content-encoding") for answer in answers] == codings
        assert [answer.body for answer in answers] == [body] * len(codings)
        assert all(answer.whole for answer in answers)
    assert passage.cassette.count("  base64: H52Qe0SE0RE=\n") == len(codings)
    for number in range(len(codings)):
        line = f"GET /{number}: the response is recorded as it is, compressed ("
        assert passage.errors.count(line) == 1


async def test_a_compressed_body_that_ends_early_is_cut(tmp_path: Path) -> None:
    """One with its length, and one in chunks."""
    short = gzip.compress(TEXT)[:-3]
    chunked = HEAD + b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
    script = one_of((packed(b"gzip", short),), (chunked, chunk(short), LAST))
    passage = await record_and_replay(tmp_path, script, *numbered(2))

    for answer in (*passage.recorded, *passage.played):
        assert answer.body == TEXT
        assert not answer.whole
    assert passage.cassette.count("how: cut}\n") == 2
    for number in range(2):
        line = f"GET /{number}: the upstream sent an incomplete compressed body\n"
        assert line in passage.errors


async def test_a_body_that_is_not_what_it_says_is_cut(tmp_path: Path) -> None:
    passage = await record_and_replay(tmp_path, say(packed(b"gzip", TEXT)), GET)

    assert not passage.recorded[0].whole
    assert "GET /x: the upstream sent a damaged compressed body\n" in passage.errors


REFUSAL = b'{"detail":"Invalid JSON in request body"}'
REFUSED = b"HTTP/1.1 422 Unprocessable Entity\r\ncontent-type: application/json\r\n"
CLOSED = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(REFUSAL)


async def test_a_compressed_request_is_passed_on_and_answered_as_the_server_does(
    tmp_path: Path,
) -> None:
    body = gzip.compress(b'{"assistant_id":"agent"}', mtime=0)
    request = Sent("POST", "/runs/wait", (b"Content-Encoding: gzip",), body)
    passage = await record_and_replay(tmp_path, say(REFUSED + CLOSED + REFUSAL), request)

    (received,) = passage.received
    assert received.body == body
    assert (b"content-encoding", b"gzip") in [(n.lower(), v) for n, v in received.headers]
    for answer in (*passage.recorded, *passage.played):
        assert answer.line == b"HTTP/1.1 422 Unprocessable Entity"
        assert answer.body == REFUSAL
    (recorded,) = exchanges(passage.cassette)
    assert "  headers:\n    content-encoding: gzip\n  base64: H4sI" in recorded


async def test_a_compressed_request_matches_by_its_content(tmp_path: Path) -> None:
    """The head of a gzip file holds the time at which it was made."""
    bodies = [gzip.compress(b'{"assistant_id":"agent"}', mtime=time) for time in (1, 2)]
    requests = [Sent("POST", "/runs/wait", (b"Content-Encoding: gzip",), body) for body in bodies]
    other = Sent("POST", "/runs/wait", (), b'{"assistant_id":"agent"}')
    script = say(REFUSED + CLOSED + REFUSAL)
    await record_and_replay(tmp_path, script, requests[0])
    with running("replay", "chat.yaml", folder=tmp_path) as player:
        answers = [await request.ask(player.url) for request in (requests[1], other)]

    assert [answer.line[9:12] for answer in answers] == [b"422", b"404"]


async def test_the_fake_server_refuses_a_compressed_request(tmp_path: Path) -> None:
    body = gzip.compress(b'{"assistant_id":"agent"}')
    with running("serve", folder=tmp_path) as server:
        answer = await ask(server.url, "POST", "/runs/wait", body, b"Content-Encoding: gzip")

    assert answer.line == b"HTTP/1.1 422 Unprocessable Entity"
    assert answer.body == REFUSAL
