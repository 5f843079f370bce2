"""Conversations with the real Agent Server, recorded through the SDK, replay in any order, under other ids, again and again."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from langgraph_sdk import get_client

from mockserver.cassette.model import Exchange, Policy
from mockserver.cassette.playback import encode_body
from mockserver.conversations.conversation import ConversationStart
from mockserver.conversations.conversation_index import ConversationIndex
from mockserver.matching.index import Index
from mockserver.store.cassette_file import CassetteFile
from tests.processes import running

GRAPH = "scripted"
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_VARIES = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(?:\+00:00|Z)?|\b1[5-9]\d{11}\b|call_[0-9a-f]+")
"""Times, and the ids of tool calls: conversations that went alike differ in them."""


def said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "human", "content": text}]}


async def drain(stream: AsyncIterator[Any]) -> None:
    async for _ in stream:
        pass


async def two_turns(client: Any, thread: str, city: str) -> None:
    modes = ["values", "messages-tuple"]
    await drain(client.runs.stream(thread, GRAPH, input=said("hi"), stream_mode=modes))
    await client.threads.get_state(thread)
    await client.threads.get_history(thread)
    question = said(f"tools of {city}")
    await drain(client.runs.stream(thread, GRAPH, input=question, stream_mode=["updates"]))
    [head, *_] = await client.threads.get_history(thread)
    await client.threads.get_state(thread, checkpoint_id=head["checkpoint"]["checkpoint_id"])


async def fork(client: Any, thread: str) -> None:
    await client.runs.wait(thread, GRAPH, input=said("hi"))
    [head, *_] = await client.threads.get_history(thread)
    checkpoint = head["checkpoint"]["checkpoint_id"]
    await client.runs.wait(thread, GRAPH, input=said("other"), checkpoint_id=checkpoint)
    await client.threads.update_state(thread, said("edited"))
    await client.threads.get_state(thread)
    await client.threads.copy(thread)


async def background(client: Any, thread: str) -> None:
    run = await client.runs.create(thread, GRAPH, input=said("hi"))
    await client.runs.join(thread, run["run_id"])
    await client.runs.get(thread, run["run_id"])
    await client.runs.list(thread)
    run = await client.runs.create(thread, GRAPH, input=said("hi"))
    await drain(client.runs.join_stream(thread, run["run_id"]))
    await client.threads.get(thread)


async def interrupt(client: Any, thread: str) -> None:
    await drain(client.runs.stream(thread, GRAPH, input=said("interrupt"), stream_mode="values"))
    await client.threads.get_state(thread)
    resumed = {"resume": "tea"}
    await drain(client.runs.stream(thread, GRAPH, command=resumed, stream_mode="values"))
    await client.threads.get(thread)
    await client.threads.delete(thread)


async def update(client: Any, thread: str) -> None:
    await client.threads.update(thread, metadata={"title": "x"})
    await client.runs.wait(thread, GRAPH, input=said("hi"))
    await client.threads.update(thread, metadata={"title": "y"})
    await client.threads.get(thread)


async def converse(url: str) -> None:
    """Have one conversation of each kind; two of them begin alike, and one client makes the id of its thread."""
    client: Any
    async with get_client(url=url) as client:
        for city in ("Paris", "Rome"):
            await two_turns(client, (await client.threads.create())["thread_id"], city)
        own = str(uuid4())
        await client.threads.create(thread_id=own, if_exists="do_nothing")
        await two_turns(client, own, "Oslo")
        for kind in (fork, background, interrupt, update):
            await kind(client, (await client.threads.create())["thread_id"])


@pytest.fixture(scope="module")
def recording(agent_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conversations")
    path = folder / "chat.yaml"
    with running("record", path, "--upstream", agent_server, folder=folder) as recorder:
        asyncio.run(converse(recorder.url))
        assert recorder.stop() == 0, recorder.errors
    return path


def conversations(path: Path) -> list[list[Exchange]]:
    """Return the exchanges of each conversation in the cassette *path*."""
    file = CassetteFile(path, path.name, Policy(), 1 << 30)
    found: list[list[Exchange]] = []
    for one in ConversationIndex(Index((file.cassette,)), file.load_exchange).all:
        creation = one.creation if one.began is ConversationStart.CREATED else None
        entries = [*([creation] if creation else []), *(entry for entry, _ in one.requests)]
        found.append([file.load_exchange(entry) for entry in entries])
    return [exchanges for exchanges in found if exchanges]


class Visit:
    """A client that sends the requests of one conversation with the ids that it gets, and checks each response."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        self.left = list(exchanges)
        self._live: dict[str, str] = {}

    def _renamed(self, text: str) -> str:
        return _UUID.sub(lambda found: self._live.get(found[0], found[0]), text)

    async def step(self, session: aiohttp.ClientSession, url: str) -> None:
        one = self.left.pop(0)
        body = one.request.body.decode()
        if one.request.path == "/threads" and "thread_id" in body:
            self._live[json.loads(body)["thread_id"]] = str(uuid4())
        path, raw = self._renamed(one.request.path), self._renamed(body).encode()
        headers = {"content-type": "application/json"}
        async with session.request(
            one.request.method, url + path, data=raw or None, headers=headers
        ) as response:
            got = await response.text()
            assert response.headers["x-mockserver-source"] == "cassette", got
        wanted = encode_body(one.response.content).decode()
        for recorded, live in zip(_UUID.findall(wanted), _UUID.findall(got), strict=True):
            assert self._live.setdefault(recorded, live) == live, path
        assert _VARIES.sub("", self._renamed(wanted)) == _VARIES.sub("", got)


@pytest.mark.parametrize("speed", ["instant", "20"])
async def test_any_order_three_times(recording: Path, tmp_path: Path, speed: str) -> None:
    recorded, random = conversations(recording), Random(7)
    with running("replay", recording, "--speed", speed, folder=tmp_path) as player:
        async with aiohttp.ClientSession() as session:
            for _ in range(3):
                visits = [Visit(exchanges) for exchanges in recorded]
                random.shuffle(visits)
                for visit in visits:
                    while visit.left:
                        await visit.step(session, player.url)
        assert player.stop() == 0, player.errors


async def test_interleaved_three_times(recording: Path, tmp_path: Path) -> None:
    recorded, random = conversations(recording), Random(7)
    with running("replay", recording, "--speed", "instant", folder=tmp_path) as player:
        async with aiohttp.ClientSession() as session:
            for _ in range(3):
                visits = [Visit(exchanges) for exchanges in recorded]
                while visits:
                    visit = random.choice(visits)
                    await visit.step(session, player.url)
                    visits = [one for one in visits if one.left]
        assert player.stop() == 0, player.errors
