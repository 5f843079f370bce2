"""RemoteGraph over event streams: on the fake graph, through the recorder and in replay it gives what it gives on the real server."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from langgraph.pregel.remote import RemoteGraph
from langgraph.types import Command
from langgraph_sdk import get_client, get_sync_client

from tests.agentserver import GRAPHS
from tests.processes import running
from tests.real.scenarios import said
from tests.real.test_event_truth import stable

WITHIN = 60


def contents(state: Any) -> list[str]:
    return [json.dumps(message["content"]) for message in state["messages"]]


async def asked_and_answered(graph: RemoteGraph) -> list[Any]:
    """Return the question of a run, and what the messages are after the answer."""
    config: Any = {"configurable": {"thread_id": str(uuid4())}}
    async with await graph.astream_events(said("interrupt"), config, version="v3") as run:
        async for _ in run.values:
            if await run.interrupted():
                break
        questions = await run.interrupts()
    async with await graph.astream_events(Command(resume="send"), config, version="v3") as run:
        state = await run.output()
        return [len(questions), contents(state), await run.interrupted()]


async def tools(graph: RemoteGraph) -> list[Any]:
    """Return the messages after a run with a tool call."""
    async with await graph.astream_events(said("tools of Rome"), version="v3") as run:
        state = await run.output()
        return [contents(state), await run.interrupted()]


def synchronous(graph: RemoteGraph) -> list[Any]:
    """Return the messages after a run, and their texts as they were streamed."""
    with graph.stream_events(said("hi"), version="v3") as run:
        texts = [str(message.text) for message in run.messages]
        return [texts, contents(run.output), run.interrupted]


async def played(url: str) -> list[Any]:
    """Return what a RemoteGraph shows of the server at *url*."""
    async with asyncio.timeout(WITHIN), get_client(url=url) as client:
        with get_sync_client(url=url) as sync_client:
            graph = RemoteGraph("scripted", client=client, sync_client=sync_client)
            return [
                await asked_and_answered(graph),
                await tools(graph),
                await asyncio.to_thread(synchronous, graph),
            ]


@pytest.mark.parametrize("speed", ["instant", "2"])
async def test_the_fake_graph_is_like_the_real_server(
    agent_server: str, tmp_path: Path, speed: str
) -> None:
    options = ("--script", GRAPHS / "script.yaml", "--graph", "scripted", "--speed", speed)
    with running("serve", *options, folder=tmp_path) as server:
        shown = await played(server.url)

    assert stable(shown) == stable(await played(agent_server))


async def test_a_recording_is_replayed(agent_server: str, tmp_path: Path) -> None:
    cassette = tmp_path / "remote.yaml"
    with running("record", cassette, "--upstream", agent_server, folder=tmp_path) as recorder:
        wanted = await played(recorder.url)
        assert recorder.stop() == 0
    shown = []
    for speed in ("instant", "2"):
        with running("replay", cassette, "--speed", speed, folder=tmp_path) as server:
            shown += [await played(server.url) for _ in range(2)]
            assert server.stop() == 0
        assert "miss" not in server.errors

    assert shown == [wanted] * 4
