"""The journal as it happens, over server-sent events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.formats.json_text import loads
from mockserver.http.messages import Reply, Request
from mockserver.server.app import App
from mockserver.server.control import journal_stream
from mockserver.server.control.api import ControlApi
from mockserver.server.control.journal_stream import MAX_WAITING, JournalFollower
from mockserver.server.journal import Journal
from mockserver.server.log import Log
from tests.replaying import Server, Start, cassette

EVENTS = {"Accept": "text/event-stream"}


@asynccontextmanager
async def follow(server: Server, query: str = "") -> AsyncIterator[ClientResponse]:
    """Follow the journal from now on."""
    path = f"/__mockserver__/journal{query}"
    async with server.client.get(path, headers=EVENTS) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert await response.content.readuntil(b"\n\n") == b": the journal from now on\n\n"
        yield response


async def take(response: ClientResponse) -> tuple[str, Any]:
    """Return name and data of the next event."""
    block = b":"
    while block.startswith(b":"):
        block = await response.content.readuntil(b"\n\n")
    name, data = block.decode().strip().split("\n")
    return name.removeprefix("event: "), loads(data.removeprefix("data: "))


async def test_calls_are_told_as_they_come(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    async with follow(server) as news:
        await server.ask("hi")

        name, call = await take(news)
        assert (name, call["number"], call["exchange"]) == ("call", 1, "chat.yaml#1")
        name, finished = await take(news)
        assert (name, finished["number"]) == ("finished", 1)
        assert finished["seconds"] >= 0


async def test_resets_are_told(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    async with follow(server) as news:
        for query in ("?session=t1", ""):
            async with server.client.post(f"/__mockserver__/reset{query}"):
                pass

        assert await take(news) == ("reset", {"session": "t1"})
        assert await take(news) == ("reset", {"session": None})


async def test_a_session_or_a_source_is_followed_alone(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    async with follow(server, "?session=t1&source=miss") as news:
        await server.ask("hi", x_mockserver_session="t1")
        await server.ask("ho")
        await server.ask("ho", x_mockserver_session="t1")

        name, call = await take(news)
        assert (name, call["number"]) == ("call", 3)


async def test_news_have_no_secrets(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    async with follow(server) as news:
        await server.ask("my key is sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789")

        _, call = await take(news)
        assert "abcdefghijklm" not in str(call)


async def test_a_slow_listener_is_told_to_load_the_journal_again() -> None:
    journal, listener = Journal(), JournalFollower()
    journal.listeners.append(listener)
    for _ in range(MAX_WAITING + 2):
        journal.append(Request("GET", "/ok"), Reply(200))

    waiting = await listener.take()

    assert [name for name, _ in waiting] == ["reload", "call", "call"]


async def test_a_comment_comes_when_nothing_happens(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_stream, "HEARTBEAT_SECONDS", 0.01)
    server = await start(chat=cassette(("hi", "one")))
    async with follow(server) as response:
        assert await response.content.readuntil(b"\n\n") == b": nothing happened\n\n"


async def test_a_stop_ends_the_news(aiohttp_client: AiohttpClient) -> None:
    log = Log(lambda line: None)
    app = App((), log, ControlApi("record", log.journal))
    client: TestClient[Any, Any] = await aiohttp_client(RawTestServer(app.handle))
    async with client.get("/__mockserver__/journal", headers=EVENTS) as response:
        assert await response.content.readuntil(b"\n\n")

        await app.finish()

        assert (await response.content.read()).startswith(b": ")
