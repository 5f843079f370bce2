"""A recorder whose upstream leads back to itself, over real sockets: the first request shows it."""

import json
import logging
import socket
from pathlib import Path

import aiohttp
import pytest

from mockserver import MockServer
from tests.scripted import Answer, ask, say, upstream

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def loop(url: str) -> str:
    return f"the upstream {url} leads back to this recorder: --upstream must be the URL of the Agent Server"


def detail(answer: Answer) -> str:
    assert answer.line == b"HTTP/1.1 508 Loop Detected"
    assert answer.header(b"x-mockserver-source") == b"error"
    return str(json.loads(answer.body)["detail"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_recorder_of_itself_is_refused_at_the_first_request(
    host: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    url = f"http://{host}:{port}"
    path = tmp_path / "chat.yaml"
    with caplog.at_level(logging.WARNING, "mockserver"):
        async with MockServer(path, upstream=url, port=port) as server:
            answer = await ask(server.url)
            [call] = server.calls

    assert detail(answer) == loop(url)
    assert caplog.messages == [f"error: POST /runs/stream: {loop(url)}"]
    assert call.status == 508
    assert not path.exists()


async def test_a_loop_through_a_second_recorder_is_refused(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with (
        MockServer(tmp_path / "b.yaml", upstream=url) as second,
        MockServer(tmp_path / "a.yaml", upstream=second.url, port=port) as first,
    ):
        answer = await ask(first.url)
        calls = [len(first.calls), len(second.calls)]
        expected = loop(second.url)

    assert detail(answer) == expected
    assert calls == [1, 1]


async def test_a_websocket_into_a_loop_is_refused(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with (
        MockServer(tmp_path / "chat.yaml", upstream=url, port=port) as server,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"{server.url}/threads/t/stream/events")
        [call] = server.calls

    assert caught.value.status == 508
    assert call.note == loop(url)


async def test_a_recorder_of_a_recorder_is_no_loop(tmp_path: Path) -> None:
    async with (
        upstream(say(OK)) as agent,
        MockServer(tmp_path / "b.yaml", upstream=agent.url) as second,
        MockServer(tmp_path / "a.yaml", upstream=second.url) as first,
    ):
        answer = await ask(first.url, "POST", "/x", b"", b"via: 1.1 front")

    assert answer.body == b"{}"
    [via] = [value for name, value in agent.requests[0].headers if name.lower() == b"via"]
    hops = via.decode().split(", ")
    assert hops[0] == "1.1 front"
    assert [hop[:15] for hop in hops[1:]] == ["1.1 mockserver-", "1.1 mockserver-"]
    assert hops[1] != hops[2]
