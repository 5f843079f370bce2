"""What passes through `record`: each chunk at once, everything unchanged but what concerns one connection only."""

import asyncio
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.passage import Sent, record_and_replay
from tests.processes import Mockserver, running
from tests.scripted import (
    EVENTS,
    LAST,
    Answer,
    Client,
    Upstream,
    Wire,
    ask,
    chunk,
    exchanges,
    say,
    upstream,
)

CLOSE = b"connection: close\r\n\r\n"
ONE = b"data: 1\r\n\r\n"
TWO = b"data: 2\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n" + CLOSE + b"{}"


@contextmanager
def recording(server: Upstream, folder: Path, *more: str) -> Iterator[Mockserver]:
    with running("record", "chat.yaml", "--upstream", server.url, *more, folder=folder) as mock:
        yield mock


async def _echo(wire: Wire) -> None:
    """Answer with the request's own method and body."""
    method = wire.request.line.split(b" ")[0]
    body = b'["%b","%b"]' % (method, wire.request.body)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b"
    await wire.send(head % (len(body), CLOSE) + (b"" if method == b"HEAD" else body))


STATUS_LINES = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 Fine by me",
    b"HTTP/1.1 200 ",
    b"HTTP/1.1 299 Odd",
    b"HTTP/1.1 404 Nobody here",
    b"HTTP/1.1 422 Unprocessable Entity",
    b"HTTP/1.1 422 Unprocessable Content",
    b"HTTP/1.1 599 Far \xe2\x80\x94 out",
]
EMPTY = [b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified"]
METHODS = {
    ("GET", b""): b'["GET",""]',
    ("GET", b"12"): b'["GET","12"]',
    ("POST", b""): b'["POST",""]',
    ("PUT", b"12"): b'["PUT","12"]',
    ("PATCH", b"12"): b'["PATCH","12"]',
    ("DELETE", b""): b'["DELETE",""]',
    ("DELETE", b"12"): b'["DELETE","12"]',
    ("OPTIONS", b""): b'["OPTIONS",""]',
    ("QUERY", b"12"): b'["QUERY","12"]',
    ("HEAD", b""): b"",
}
TARGETS = [
    "/store/items?key=a%2Fb",
    "/threads/a%2Fb/state",
    "/a%20b?q=c+d&q=e%20f&q=",
    "/caf%C3%A9?q=%E2%80%94",
    "/a//b/../c/./d",
    "/a?b=%zz&=&&c",
    "/%7Euser/~user",
    "/a;b=1,2?c=[1]",
    "/%2e%2e/a",
    "/a:b@c",
]
LOCATIONS = {
    "/docs/": "/docs/",
    "docs": "docs",
    "https://elsewhere.example/a": "https://elsewhere.example/a",
    "{upstream}/docs/?a=1#b": "/docs/?a=1#b",
    "{upstream}": "/",
    "{upstream}0/docs/": "{upstream}0/docs/",
}


@dataclass
class Passage:
    """The answers by method, path and body while they were recorded, and played; the requests that the upstream received."""

    upstream: Upstream
    recorded: dict[tuple[str, str, bytes], Answer]
    played: dict[tuple[str, str, bytes], Answer]


async def _answer(wire: Wire, url: str) -> None:
    kind, _, number = wire.request.path.removeprefix("/").partition("/")
    if kind == "status":
        line = STATUS_LINES[int(number)] + b"\r\ncontent-type: application/json\r\n"
        await wire.send(line + b"content-length: 2\r\n" + CLOSE + b"{}")
    elif kind == "empty":
        await wire.send(EMPTY[int(number)] + b'\r\netag: "1"\r\n' + CLOSE)
    elif kind == "location":
        there = list(LOCATIONS)[int(number)].format(upstream=url).encode()
        line = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: " + there
        await wire.send(line + b"\r\ncontent-length: 0\r\n" + CLOSE)
    else:
        await _echo(wire)


async def _passage(folder: Path) -> Passage:
    requests = [
        *(("POST", f"/status/{n}", b"") for n in range(len(STATUS_LINES))),
        *(("GET", f"/empty/{n}", b"") for n in range(len(EMPTY))),
        *(("GET", f"/location/{n}", b"") for n in range(len(LOCATIONS))),
        *((method, "/method", body) for method, body in METHODS),
        *(("GET", target, b"") for target in TARGETS),
    ]
    async with upstream(lambda wire: _answer(wire, server.url)) as server:
        with recording(server, folder, "--record-errors") as mockserver:
            recorded = {
                (method, path, body): await ask(mockserver.url, method, path, body)
                for method, path, body in requests
            }
            assert mockserver.stop() == 0
    with running("replay", "chat.yaml", folder=folder) as player:
        played = {
            (method, path, body): await ask(player.url, method, path, body)
            for method, path, body in requests
        }
    return Passage(server, recorded, played)


@pytest.fixture(scope="module")
def passage(tmp_path_factory: pytest.TempPathFactory) -> Passage:
    return asyncio.run(_passage(tmp_path_factory.mktemp("passage")))


@pytest.mark.parametrize("number", range(len(STATUS_LINES)))
def test_status_and_reason_are_passed_on_recorded_and_played(passage: Passage, number: int) -> None:
    request = ("POST", f"/status/{number}", b"")

    assert passage.recorded[request].line == STATUS_LINES[number]
    assert passage.recorded[request].body == b"{}"
    assert passage.played[request].line == STATUS_LINES[number]
    assert passage.played[request].body == b"{}"


@pytest.mark.parametrize("number", range(len(EMPTY)))
def test_an_answer_without_a_body_is_passed_on_recorded_and_played(
    passage: Passage, number: int
) -> None:
    for answers in (passage.recorded, passage.played):
        answer = answers["GET", f"/empty/{number}", b""]
        assert answer.line == EMPTY[number]
        assert answer.body == b""
        assert answer.end_to_end == [(b"etag", b'"1"')]


@pytest.mark.parametrize("number", range(len(LOCATIONS)), ids=list(LOCATIONS))
def test_a_redirect_is_passed_on_and_one_to_the_upstream_leads_here(
    passage: Passage, number: int
) -> None:
    passed_on = list(LOCATIONS.values())[number].format(upstream=passage.upstream.url).encode()

    for answers in (passage.recorded, passage.played):
        answer = answers["GET", f"/location/{number}", b""]
        assert answer.line == b"HTTP/1.1 307 Temporary Redirect"
        assert answer.header(b"location") == passed_on


@pytest.mark.parametrize(("method", "body"), METHODS)
def test_every_method_is_passed_on_recorded_and_played(
    passage: Passage, method: str, body: bytes
) -> None:
    for answers in (passage.recorded, passage.played):
        answer = answers[method, "/method", body]
        assert answer.line == b"HTTP/1.1 200 OK"
        assert answer.body == METHODS[method, body]
        assert answer.whole


def test_a_head_answer_keeps_its_content_length(passage: Passage) -> None:
    for answers in (passage.recorded, passage.played):
        assert answers["HEAD", "/method", b""].header(b"content-length") == b"11"


@pytest.mark.parametrize("speed", ["instant", "recorded"])
@pytest.mark.parametrize(
    ("head", "length"),
    [
        pytest.param(b"content-length: 0", b"0", id="empty"),
        pytest.param(b"transfer-encoding: chunked", None, id="unknown"),
        pytest.param(b"content-length: 20\r\ncontent-encoding: gzip", None, id="compressed"),
    ],
)
async def test_a_head_answer_has_the_length_of_the_recorded_one(
    head: bytes, length: bytes | None, speed: str, tmp_path: Path
) -> None:
    script = say(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n" + head + b"\r\n" + CLOSE)
    passage = await record_and_replay(tmp_path, script, Sent("HEAD", "/page"), speed=speed)

    for answer in (*passage.recorded, *passage.played):
        assert answer.header(b"content-length") == length
        assert answer.body == b""


@pytest.mark.parametrize("target", TARGETS)
def test_path_and_query_are_passed_on_as_they_came(passage: Passage, target: str) -> None:
    lines = [request.line for request in passage.upstream.requests]

    assert f"GET {target} HTTP/1.1".encode() in lines
    assert passage.recorded["GET", target, b""].body == b'["GET",""]'
    assert passage.played["GET", target, b""].body == b'["GET",""]'


async def test_each_chunk_arrives_before_the_next_is_sent(tmp_path: Path) -> None:
    arrived = [asyncio.Event() for _ in range(4)]

    async def script(wire: Wire) -> None:
        await wire.send(EVENTS)
        for number, event in enumerate(arrived):
            await event.wait()
            await wire.send(chunk(b"data: %d" % number))
        await wire.send(LAST)

    async with upstream(script) as server:
        with recording(server, tmp_path) as mockserver:
            async with Client(mockserver.url) as client:
                await client.ask()
                await client.until(b"\r\n\r\n")
                for number, event in enumerate(arrived):
                    event.set()
                    await client.until(b"data: %d\r\n" % number)
                assert await client.until(LAST) == LAST


async def test_a_slow_stream_does_not_hold_up_another(tmp_path: Path) -> None:
    done = asyncio.Event()

    async def script(wire: Wire) -> None:
        await say(EVENTS, chunk(ONE))(wire)
        if wire.request.path == "/slow":
            await done.wait()
        await wire.send(LAST)

    async with upstream(script) as server:
        with recording(server, tmp_path) as mockserver:
            async with Client(mockserver.url) as slow:
                await slow.ask("POST", "/slow")
                await slow.until(ONE)
                quick = await ask(mockserver.url, "POST", "/quick")
                done.set()
                await slow.until(LAST)

    assert quick.whole
    assert quick.body == ONE


async def test_end_to_end_headers_are_passed_on_and_those_of_the_connection_are_not(
    tmp_path: Path,
) -> None:
    script = say(
        b"HTTP/1.1 200 OK\r\n"
        b"content-type: application/json\r\n"
        b"location: /runs/1/stream\r\n"
        b"content-location: /runs/1\r\n"
        b"set-cookie: a=1\r\n"
        b"set-cookie: b=2; Expires=Wed, 21 Oct 2015 07:28:00 GMT\r\n"
        b"x-twice: one\r\n"
        b"x-twice: two\r\n"
        b"x-empty:\r\n"
        b"x-odd: caf\xc3\xa9, \"q\" \r\n"
        b"date: Wed, 21 Oct 2015 07:28:00 GMT\r\n"
        b"server: there\r\n"
        b"keep-alive: timeout=5\r\n"
        b"proxy-authenticate: Basic\r\n"
        b"trailer: x-sum\r\n"
        b"upgrade: h2c\r\n"
        b"x-hop: 1\r\n"
        b"content-length: 2\r\n"
        b"connection: close, X-Hop\r\n\r\n{}"
    )  # fmt: skip
    async with upstream(script) as server:
        with recording(server, tmp_path) as mockserver:
            answer = await ask(mockserver.url)

    assert [(name.lower(), value) for name, value in answer.end_to_end] == [
        (b"content-type", b"application/json"),
        (b"location", b"/runs/1/stream"),
        (b"content-location", b"/runs/1"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2; Expires=Wed, 21 Oct 2015 07:28:00 GMT"),
        (b"x-twice", b"one"),
        (b"x-twice", b"two"),
        (b"x-empty", b""),
        (b"x-odd", b'caf\xc3\xa9, "q"'),
        (b"date", b"Wed, 21 Oct 2015 07:28:00 GMT"),
        (b"server", b"there"),
    ]
    assert answer.header(b"content-length") == b"2"
    assert answer.header(b"x-mockserver-source") == b"upstream"


async def test_nothing_is_added_to_an_answer_that_has_little(tmp_path: Path) -> None:
    script = say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", CLOSE, b"{}")
    async with upstream(script) as server:
        with recording(server, tmp_path) as mockserver:
            answer = await ask(mockserver.url)

    assert answer.end_to_end == []
    assert answer.body == b"{}"


async def test_a_request_is_passed_on_without_the_headers_of_the_connection(tmp_path: Path) -> None:
    headers = (
        b"accept-encoding: gzip, br",
        b"x-twice: one",
        b"x-twice: two",
        b"x-odd: caf\xc3\xa9",
        b"x-empty:",
        b"cookie: a=1",
        b"cookie: b=2",
        b"authorization: Bearer key",
        b"x-mockserver-session: one",
        b"te: trailers",
        b"keep-alive: 5",
        b"proxy-authorization: Basic x",
        b"upgrade: h2c",
        b"x-hop: 1",
        b"connection: x-hop",
        b"x-api-key: wrong",
    )
    async with upstream(say(OK)) as server:
        with recording(server, tmp_path, "--upstream-header", "x-api-key: right") as mockserver:
            await ask(mockserver.url, "POST", "/runs/wait", b'{"a":1}', *headers)

    (request,) = server.requests
    received = [
        (name.lower(), value)
        for name, value in request.headers
        if name.lower() not in (b"host", b"content-length", b"via")
    ]
    assert request.line == b"POST /runs/wait HTTP/1.1"
    assert request.body == b'{"a":1}'
    assert dict(request.headers)[b"Host"].decode() == server.url.removeprefix("http://")
    assert dict(request.headers)[b"Content-Length"] == b"7"
    assert sorted(received) == sorted(
        [
            (b"x-twice", b"one"),
            (b"x-twice", b"two"),
            (b"x-odd", b"caf\xc3\xa9"),
            (b"x-empty", b""),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
            (b"authorization", b"Bearer key"),
            (b"content-type", b"application/json"),
            (b"x-api-key", b"right"),
        ]
    )


async def test_a_key_that_is_an_ordinary_word_is_removed_from_its_header_alone(
    tmp_path: Path,
) -> None:
    body = b'{"assistant_id":"chat-agent"}'
    async with upstream(say(OK)) as server:
        with recording(server, tmp_path) as mockserver:
            for _ in range(2):
                await ask(mockserver.url, "POST", "/runs/wait", body, b"x-api-key: chat-agent")
            assert mockserver.stop() == 0

    text = (tmp_path / "chat.yaml").read_text()
    assert text.count("assistant_id: chat-agent") == 2
    assert "REDACTED" not in text
    assert "x-api-key" not in text
    assert mockserver.errors.count("the credential in x-api-key is short or an ordinary word") == 1


async def test_an_unrequested_compression_is_decoded(
    tmp_path: Path,
) -> None:
    packed = gzip.compress(b'{"a":1}')
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n"
    async with upstream(
        say(head, b"content-length: %d\r\n" % len(packed), CLOSE, packed)
    ) as server:
        with recording(server, tmp_path) as mockserver:
            answer = await ask(mockserver.url, "GET", "/info2", b"", b"accept-encoding: gzip")
            assert mockserver.stop() == 0

    assert answer.body == b'{"a":1}'
    assert answer.whole
    assert answer.header(b"content-encoding") is None
    assert exchanges((tmp_path / "chat.yaml").read_text()) == [
        """\
request:
  method: GET
  path: /info2
response:
  status: 200
  headers:
    content-type: application/json
  body:
    a: 1
  end: {how: closed}
"""
    ]


async def test_a_compressed_stream_arrives_event_by_event(tmp_path: Path) -> None:
    arrived = asyncio.Event()
    packed = gzip.compress(ONE)

    async def script(wire: Wire) -> None:
        await wire.send(EVENTS.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"))
        await wire.send(chunk(packed))
        await arrived.wait()
        await wire.send(LAST)

    async with upstream(script) as server:
        with recording(server, tmp_path) as mockserver:
            async with Client(mockserver.url) as client:
                await client.ask()
                await client.until(ONE)
                arrived.set()
                await client.until(LAST)


@pytest.mark.slow
async def test_a_large_request_reaches_the_upstream_whole(tmp_path: Path) -> None:
    body = b'"' + Random(1).randbytes(2_500_000).hex().encode() + b'"'
    async with upstream(say(OK)) as server:
        with recording(server, tmp_path) as mockserver:
            answer = await ask(mockserver.url, "POST", "/runs/wait", body)
            assert mockserver.stop() == 0

    assert answer.body == b"{}"
    assert server.requests[0].body == body
    assert body.decode().strip('"') in (tmp_path / "chat.yaml").read_text()


@pytest.mark.slow
async def test_a_large_answer_reaches_the_client_whole_and_is_played_whole(tmp_path: Path) -> None:
    body = Random(1).randbytes(5 << 20)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n"
    async with upstream(say(head, b"content-length: %d\r\n" % len(body), CLOSE, body)) as server:
        with recording(server, tmp_path) as mockserver:
            recorded = await ask(mockserver.url, "GET", "/large")
            assert await asyncio.to_thread(mockserver.stop) == 0
    with running("replay", "chat.yaml", folder=tmp_path) as player:
        played = await ask(player.url, "GET", "/large")

    assert recorded.whole
    assert recorded.body == body
    assert played.whole
    assert played.body == body


async def test_a_body_that_ends_with_the_connection_is_whole(tmp_path: Path) -> None:
    head = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    async with upstream(say(head, ONE, TWO)) as server:
        with recording(server, tmp_path) as mockserver:
            answer = await ask(mockserver.url)
            assert mockserver.stop() == 0

    assert answer.whole
    assert answer.body == ONE + TWO
    assert (tmp_path / "chat.yaml").read_text().endswith("how: closed}\n")


async def test_the_path_of_the_upstream_comes_before_that_of_the_request(tmp_path: Path) -> None:
    async with upstream(say(OK)) as server:
        server.url += "/base%2F1/"
        with recording(server, tmp_path) as mockserver:
            await ask(mockserver.url, "GET", "/threads?a=1")

    assert server.requests[0].line == b"GET /base%2F1/threads?a=1 HTTP/1.1"


async def test_a_chunked_request_reaches_the_upstream_whole(tmp_path: Path) -> None:
    async with upstream(say(OK)) as server:
        with recording(server, tmp_path) as mockserver:
            async with Client(mockserver.url) as client:
                await client.send(
                    b"POST /runs/wait HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n"
                    + CLOSE
                )
                await client.send(chunk(b'{"a"') + chunk(b":1}") + LAST)
                answer = await client.answer()

    assert answer.body == b"{}"
    assert server.requests[0].body == b'{"a":1}'


async def test_health_is_answered_here_and_not_recorded(tmp_path: Path) -> None:
    async with upstream(say(OK)) as server:
        with recording(server, tmp_path) as mockserver:
            answer = await ask(mockserver.url, "GET", "/ok")
            assert mockserver.stop() == 0

    assert answer.line == b"HTTP/1.1 200 OK"
    assert server.requests == []
    assert not (tmp_path / "chat.yaml").exists()


@pytest.mark.slow
async def test_a_hundred_streams_at_once_are_recorded_whole_and_not_mixed(tmp_path: Path) -> None:
    everyone_is_here = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(EVENTS)
        if len(server.requests) == 100:
            everyone_is_here.set()
        await everyone_is_here.wait()
        for number in range(20):
            await wire.send(chunk(b"data: [%b,%d]\r\n\r\n" % (wire.request.body, number)))
            await asyncio.sleep(0)
        await wire.send(LAST)

    bodies = [
        b"".join(b"data: [%d,%d]\r\n\r\n" % (client, number) for number in range(20))
        for client in range(100)
    ]
    async with upstream(script) as server:
        with recording(server, tmp_path) as mockserver:
            recorded = await asyncio.gather(
                *(ask(mockserver.url, body=b"%d" % n) for n in range(100))
            )
            assert await asyncio.to_thread(mockserver.stop) == 0
    with running("replay", "chat.yaml", "--speed", "instant", folder=tmp_path) as player:
        played = await asyncio.gather(*(ask(player.url, body=b"%d" % n) for n in range(100)))

    assert [answer.body for answer in recorded] == bodies
    assert all(answer.whole for answer in recorded)
    assert [answer.body for answer in played] == bodies
    assert mockserver.errors.startswith(
        "responses: 100 from the upstream; recorded 100 exchanges into "
    )
