"""What goes out on the socket, byte for byte."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from mockserver.http.messages import Reply, Request, StreamingBody, TimedBody
from mockserver.server import response_writer, runner
from mockserver.server.app import App
from mockserver.server.log import Log

HEAD = (
    b"access-control-allow-origin: *\r\n"
    b"access-control-expose-headers: x-pagination-total, x-pagination-next, content-location, x-mockserver-source, x-mockserver-how, x-mockserver-exchange\r\n"
    b"vary: Origin\r\nx-mockserver-source: cassette\r\n"
)
ENDING = b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
"""Asked behind each request, so that the connection ends."""

ENDED = b"HTTP/1.1 204 No Content\r\n" + HEAD + b"Connection: close\r\n\r\n"
LARGE = b"x" * (4 << 20)


async def live() -> AsyncGenerator[bytes, None]:
    yield b"a"
    yield b"bc"


class Answers:
    """Answers with what the path names."""

    async def respond(self, request: Request) -> Reply | None:
        match request.path:
            case "/bytes":
                return Reply(200, body=b"abc")
            case "/prebuilt":
                return response_writer.prebuild(Reply(200, body=b"abc"))
            case "/paced":
                return Reply(200, body=TimedBody(((0.0, b"a"), (0.01, b"bc")), 0.02))
            case "/large":
                return Reply(200, body=TimedBody(((0.0, LARGE), (0.01, LARGE)), 0.02))
            case "/cut":
                return Reply(200, body=TimedBody(((0.0, b"a"),), 0.01, cut=True))
            case "/live":
                return Reply(200, body=StreamingBody(live()))
            case "/measured":
                return Reply(200, (("content-length", "3"),), StreamingBody(live()))
            case _:
                return Reply(204)


async def raw_response(
    path: str, method: str = "GET", version: str = "1.1", *headers: str
) -> bytes:
    """Return all that the server sends until it ends the connection."""
    app = App([Answers()], Log(pytest.fail))
    running = await runner.start(app, "127.0.0.1", 0)
    try:
        host, port = running.addresses[0][:2]
        reader, writer = await asyncio.open_connection(host, port)
        lines = [f"{method} {path} HTTP/{version}", "host: x", *headers, "", ""]
        ends = version == "1.0" or "connection: close" in headers
        stays = "connection: keep-alive" in headers
        writer.write("\r\n".join(lines).encode() + (ENDING if stays or not ends else b""))
        async with asyncio.timeout(20):
            said = await reader.read()
        writer.close()
        return said.removesuffix(ENDED)
    finally:
        await running.cleanup()


@pytest.mark.parametrize("path", ["/bytes", "/prebuilt"])
async def test_a_whole_answer(path: str) -> None:
    assert await raw_response(path) == (
        b"HTTP/1.1 200 OK\r\n" + HEAD + b"Content-Length: 3\r\n\r\nabc"
    )


@pytest.mark.parametrize("path", ["/bytes", "/prebuilt"])
async def test_a_head_has_no_body(path: str) -> None:
    assert await raw_response(path, "HEAD") == (
        b"HTTP/1.1 200 OK\r\n" + HEAD + b"Content-Length: 3\r\n\r\n"
    )


@pytest.mark.parametrize("path", ["/bytes", "/prebuilt"])
async def test_an_old_client_gets_an_old_answer(path: str) -> None:
    assert await raw_response(path, "GET", "1.0") == (
        b"HTTP/1.0 200 OK\r\n" + HEAD + b"Content-Length: 3\r\n\r\nabc"
    )
    assert b"Connection: keep-alive\r\n" in await raw_response(
        path, "GET", "1.0", "connection: keep-alive"
    )


async def test_a_connection_that_ends_says_close() -> None:
    assert b"Connection: close\r\n" in await raw_response(
        "/prebuilt", "GET", "1.1", "connection: close"
    )


@pytest.mark.parametrize("path", ["/paced", "/live"])
async def test_a_stream_comes_in_chunks(path: str) -> None:
    assert await raw_response(path) == (
        b"HTTP/1.1 200 OK\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
    )


@pytest.mark.parametrize("path", ["/paced", "/live"])
async def test_to_an_old_client_it_ends_with_the_connection(path: str) -> None:
    assert await raw_response(path, "GET", "1.0") == b"HTTP/1.0 200 OK\r\n" + HEAD + b"\r\nabc"


@pytest.mark.parametrize("path", ["/paced", "/live"])
async def test_the_head_of_a_stream_alone(path: str) -> None:
    said = await raw_response(path, "HEAD")

    assert said == b"HTTP/1.1 200 OK\r\n" + HEAD + b"\r\n"


async def test_a_known_length_stays() -> None:
    said = await raw_response("/measured")

    assert said == b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n" + HEAD + b"\r\nabc"


async def test_an_answer_that_was_cut_is_cut() -> None:
    assert (await raw_response("/cut")).endswith(b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n")


async def test_an_answer_without_content_has_no_length() -> None:
    assert await raw_response("/nothing") == b"HTTP/1.1 204 No Content\r\n" + HEAD + b"\r\n"


async def test_a_slow_client_gets_all_of_it() -> None:
    said = await raw_response("/large")

    head, _, body = said.partition(b"\r\n\r\n")
    assert b"chunked" in head
    assert body == (b"%x\r\n%b\r\n" % (len(LARGE), LARGE)) * 2 + b"0\r\n\r\n"
