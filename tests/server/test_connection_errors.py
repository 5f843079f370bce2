"""Malformed requests and bugs of ours, over real sockets: each is said, and nothing that the client has sent."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.http_exceptions import (
    BadHttpMessage,
    BadHttpMethod,
    InvalidURLError,
    LineTooLong,
    TransferEncodingError,
)

from mockserver.http.messages import Reply, Request
from mockserver.server import runner
from mockserver.server.app import App
from mockserver.server.connection_errors import describe_error
from mockserver.server.log import Log
from tests.processes import Mockserver, running
from tests.scripted import Answer, Client, ask

KEY = b"hunter2hunter2"
LINE = "malformed request from 127.0.0.1: "
POST = b"POST /x HTTP/1.1\r\nhost: localhost\r\nx-api-key: " + KEY + b"\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
GET = POST.replace(b"POST", b"GET")

MALFORMED = {
    "a line": (b"%b nonsense\r\n\r\n" % KEY, "Invalid method encountered"),
    "a version": (b"GET / HTTP/9.9\r\nx-api-key: %b\r\n\r\n" % KEY, "Invalid HTTP version"),
    "a URL": (b"GET http://[%b/ HTTP/1.1\r\nhost: a\r\n\r\n" % KEY, "invalid URL"),
    "a header": (GET + b"authorization %b\r\n\r\n" % KEY, "Invalid header token"),
    "a control character": (GET + b"a: %b\x00\r\n\r\n" % KEY, "Invalid header value char"),
    "a folded header": (GET + b"a: b\r\n %b\r\n\r\n" % KEY, "Unexpected whitespace after header value"),
    "line feeds alone": (GET.replace(b"\r", b"") + b"\n", "Expected CRLF after version"),
    "a long header": (GET + b"a: %b\r\n\r\n" % (KEY * 6000), "a line is longer than 65536 bytes"),
    "a long URL": (b"GET /%b HTTP/1.1\r\n\r\n" % (KEY * 6000), "a line is longer than 65536 bytes"),
    "many headers": (GET + b"a: %b\r\n" % KEY * 200 + b"\r\n", "Too many headers received"),
    "two hosts": (GET + b"host: %b\r\n\r\n" % KEY, "Duplicate 'Host' header found."),
    "no host": (b"GET / HTTP/1.1\r\na: %b\r\n\r\n" % KEY, "Missing 'Host' header in request."),
    "a length": (POST + b"content-length: %b\r\n\r\n" % KEY, "Invalid character in Content-Length"),
    "a coding": (POST + b"transfer-encoding: %b\r\n\r\n" % KEY, "Request has invalid `Transfer-Encoding`"),
    "a chunk": (CHUNKED + b"%b\r\n" % KEY, "Invalid character in chunk size"),
    "garbage": (bytes(range(256)) + KEY, "Invalid method encountered"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + KEY, "this server does not support HTTP/2, use HTTP/1.1"),
}  # fmt: skip
GROUPS = [list(MALFORMED)[first::4] for first in range(4)]
"""A server logs five of them, and counts the others."""


@pytest.fixture(params=["serve", "record"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mockserver]:
    """A server that gets no well-formed request."""
    record = ("record", "chat.yaml", "--upstream", "http://127.0.0.1:1")
    command = record if request.param == "record" else ("serve",)
    with running(*command, folder=tmp_path) as made:
        yield made


def refused(answer: Answer) -> str:
    """Return why *answer* refuses."""
    assert answer.line.endswith(b" 400 Bad Request")
    assert answer.header(b"x-mockserver-source") == b"error"
    assert KEY not in answer.body
    return str(json.loads(answer.body)["detail"])


def lines(server: Mockserver, count: int) -> list[str]:
    """Return what *server* has said of *count* malformed requests."""
    assert server.stop() == 0
    *said, summary = server.errors.splitlines()
    assert summary.startswith(f"no responses; {count} malformed request")
    return said


@pytest.mark.parametrize("names", GROUPS, ids=", ".join)
async def test_a_malformed_request_is_one_line(server: Mockserver, names: list[str]) -> None:
    said: list[str] = []
    for name in names:
        async with Client(server.url) as client:
            await client.send(MALFORMED[name][0])
            said.append(refused(await client.answer()))

    words = [MALFORMED[name][1] for name in names]
    assert said == [f"malformed request: {text}" for text in words]
    assert lines(server, len(names)) == [LINE + text for text in words]


async def test_a_malformed_body_is_one_line(server: Mockserver) -> None:
    words = "Invalid character in chunk size"
    async with Client(server.url) as client:
        await client.send(CHUNKED + b"3\r\nabc\r\n")
        await ask(server.url, "GET", "/ok")  # by whose answer the head has been read
        await client.send(b"%b\r\n" % KEY)
        answer = await client.answer()

    assert refused(answer) == f"the body of the request cannot be read: {words}"
    assert lines(server, 1) == [LINE + words]


async def test_a_tls_client_gets_advice_in_the_log(server: Mockserver) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection(host, int(port), ssl=ssl.create_default_context())

    assert lines(server, 1) == [f"{LINE}this server does not support TLS, use http://"]


async def test_what_follows_an_upgrade_that_is_none_is_one_line(tmp_path: Path) -> None:
    with running("serve", folder=tmp_path) as server:
        async with Client(server.url) as client:
            await client.send(GET + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n\x81" + KEY)
            answer = await client.answer()
        server.stop()

    assert answer.line == b"HTTP/1.1 404 Not Found"
    assert b"HTTP/1.0 400 Bad Request" in answer.body
    assert KEY not in answer.body
    assert server.errors.splitlines()[1] == f"{LINE}Invalid method encountered"


@pytest.mark.parametrize("header", [b"expect: nonsense", b"expect: 100-continue", b"upgrade: h2c"])
async def test_what_need_not_be_understood_is_answered(tmp_path: Path, header: bytes) -> None:
    with running("serve", folder=tmp_path) as server:
        answer = await ask(server.url, "GET", "/ok", b"", header)
        server.stop()

    assert answer.line == b"HTTP/1.1 200 OK"
    assert server.errors == "no responses\n"


async def test_a_flood_of_malformed_requests_is_counted(tmp_path: Path) -> None:
    with running("serve", folder=tmp_path) as server:
        for _ in range(20):
            async with Client(server.url) as client:
                await client.send(b"nonsense\r\n\r\n")
                await client.answer()
        server.stop()

    assert server.errors.splitlines() == [
        f"{LINE}Invalid method encountered",
        "no responses; 20 malformed requests",
    ]


@asynccontextmanager
async def broken() -> AsyncIterator[tuple[str, list[str]]]:
    """Run a server whose responder has a bug; yield its URL and what it logs."""
    logged: list[str] = []

    class Broken:
        async def respond(self, request: Request) -> Reply | None:
            if request.path == "/slow":
                raise TimeoutError("no time")
            raise KeyError(f"no {request.header('x-api-key')} in {request.header('authorization')}")

    running = await runner.start(App([Broken()], Log(logged.append)), "127.0.0.1", 0)
    try:
        yield runner.format_url(running, "127.0.0.1"), logged
    finally:
        await running.cleanup()


async def test_a_bug_is_seen_with_its_traceback_and_without_header_values() -> None:
    async with broken() as (url, logged):
        headers = b"x-api-key: " + KEY, b"authorization: Basic tops3cret"
        answer = await ask(url, "GET", "/x", b"", *headers)

    assert answer.line == b"HTTP/1.1 500 Internal Server Error"
    assert answer.header(b"x-mockserver-source") == b"error"
    assert json.loads(answer.body) == {
        "detail": "a bug in mockserver: see the traceback on its stderr"
    }
    [traceback] = logged
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert ", in respond\n" in traceback
    assert traceback.endswith("KeyError: 'no REDACTED in REDACTED'")


async def test_a_timeout_that_nobody_expects_is_a_bug_too() -> None:
    async with broken() as (url, logged):
        answer = await ask(url, "GET", "/slow")

    assert answer.line == b"HTTP/1.1 500 Internal Server Error"
    assert logged[0].endswith("TimeoutError: no time")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BadHttpMethod("\x16\x03\x01 hunter2"), "this server does not support TLS, use http://"),
        (BadHttpMethod("hunter2"), "not HTTP/1.1"),
        (InvalidURLError("http://[hunter2"), "invalid URL"),
        (LineTooLong(b"hunter2", 65536), "a line is longer than 65536 bytes"),
        (TransferEncodingError("Hunter2 hunter2:\n\n  b'"), "invalid chunk"),
        (BadHttpMessage("hunter2"), "not HTTP/1.1"),
        (BadHttpMessage("Invalid header token:\n\n  b'hunter2'\n  ^"), "Invalid header token"),
        (web.RequestPayloadError("hunter2"), "not HTTP/1.1"),
    ],
)
def test_a_reason_quotes_nothing(error: Exception, words: str) -> None:
    assert describe_error(error) == words
