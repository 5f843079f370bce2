"""`client.threads.stream` of both SDKs, over SSE and WebSocket: on the fake graph it gives what it gives on the real server."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pytest
from langgraph_sdk import get_client, get_sync_client

from tests.agentserver import GRAPHS
from tests.conftest import tool
from tests.processes import Mockserver, running
from tests.real.clients import installed
from tests.real.scenarios import said
from tests.real.test_event_truth import stable

Transport = Literal["sse", "websocket"]
TRANSPORTS: tuple[Transport, ...] = ("sse", "websocket")
SPEEDS = ("instant", "2")
TEXTS = ("hi", "tools of Rome", "delegate", "fail at once")


@pytest.fixture(scope="module", params=SPEEDS)
def fake(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mockserver]:
    """The fake graph with the script of its twin, without pauses and at the pace of a model."""
    folder = tmp_path_factory.mktemp("clients")
    script = GRAPHS / "script.yaml"
    options = ("--script", script, "--graph", "scripted", "--speed", request.param)
    with running("serve", *options, folder=folder) as server:
        yield server


def by_js(url: str, transport: Transport, texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what the projections of the JavaScript SDK give for each of *texts*, with sorted names."""
    script = Path("events.mjs")
    flags = ("--experimental-websocket", "--no-warnings", str(script))
    done = subprocess.run(
        [tool("node"), *flags, "sdk-1", url, transport, *texts],
        cwd=installed(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return {text: dict(sorted(given.items())) for text, given in shown.items()}


@cache
def by_js_from_the_real_server(url: str, transport: Transport) -> dict[str, dict[str, Any]]:
    return by_js(url, transport, TEXTS)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_javascript_sdk_sees_no_difference(
    fake: Mockserver, agent_server: str, transport: Transport
) -> None:
    shown = by_js(fake.url, transport, [*TEXTS, "interrupt"])
    asked = shown.pop("interrupt")
    wanted = by_js_from_the_real_server(agent_server, transport)

    assert stable([*shown.items()]) == stable([*wanted.items()])
    # Whether it still shows what follows its answer is a race, on the real server too.
    assert asked["asked"] == {"question": "Send it?", "choices": ["send", "drop"]}
    assert asked["messages"][0] == "I would send it."


@asynccontextmanager
async def python_thread(url: str, transport: Transport) -> AsyncIterator[Any]:
    async with get_client(url=url) as client:
        stream = client.threads.stream(
            thread_id=str(uuid4()), assistant_id="scripted", transport=transport
        )
        async with stream as thread:
            yield thread


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_python_sdk_gets_states_an_interrupt_and_the_output(
    fake: Mockserver, transport: Transport
) -> None:
    async with python_thread(fake.url, transport) as thread:
        await thread.run.start(input=said("interrupt"))
        states = [state async for state in thread.values]
        asked = list(thread.interrupts)
        await thread.run.respond("send")
        output = await thread.output

    # Which state is the last one before the interrupt is a race between two of its connections.
    assert states[-1]["messages"][0]["content"] == "interrupt"
    assert len(asked) == 1
    assert output["messages"][-1]["content"][0]["text"] == "You decided: send"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_python_sdk_raises_the_error_of_a_run(
    fake: Mockserver, transport: Transport
) -> None:
    async with python_thread(fake.url, transport) as thread:
        await thread.run.start(input=said("fail at once"))
        with pytest.raises(RuntimeError, match="kaboom"):
            await thread.output


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_synchronous_python_sdk_gets_messages(fake: Mockserver, transport: Transport) -> None:
    with get_sync_client(url=fake.url) as client:
        stream = client.threads.stream(
            thread_id=str(uuid4()), assistant_id="scripted", transport=transport
        )
        with stream as thread:
            thread.run.start(input=said("tools of Rome"))
            texts = [str(message.text) for message in thread.messages]

    assert texts == ["Let me look.", "It is sunny in Rome, turn 1 on scripted."]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_python_sdk_gets_tool_calls_and_subgraphs(
    fake: Mockserver, transport: Transport
) -> None:
    async with python_thread(fake.url, transport) as thread:
        await thread.run.start(input=said("tools of Rome"))
        calls = [call async for call in thread.tool_calls]
        results = [(call.name, (await call.output)["content"]) for call in calls]
    async with python_thread(fake.url, transport) as thread:
        await thread.run.start(input=said("delegate"))
        names = [graph.graph_name async for graph in thread.subgraphs]

    assert results == [("get_weather", "It is 21 °C and sunny in Rome.")]
    assert names == ["researcher"]
