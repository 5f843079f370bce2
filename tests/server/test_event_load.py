"""Two hundred event streams at the same time, and clients that do not read theirs."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.processes import Mockserver, running
from tests.scripted import WITHIN, Client
from tests.server.test_event_streams import GONE, SCRIPT, Thread, is_end

pytestmark = pytest.mark.slow

THREADS = 10
STREAMS = 20
"""So many are open on each thread: one half over SSE, the other over WebSocket."""
CHANNELS = ["values", "messages", "lifecycle"]
SERVE = ("serve", "--script", "script.yaml", "--speed", "4")
REPLAY = ("replay", "chat.yaml", "--speed", "4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script of the fake graph, and a recorded chat of one turn."""
    folder = tmp_path_factory.mktemp("load")
    (folder / "script.yaml").write_text(SCRIPT)
    with (
        running(*SERVE, folder=folder) as upstream,
        running("record", "chat.yaml", "--upstream", upstream.url, folder=folder) as recorder,
    ):
        asyncio.run(_chat(recorder))
        assert recorder.stop() == 0
    return folder


async def _chat(server: Mockserver) -> None:
    async with aiohttp.ClientSession(server.url) as client:
        on = Thread(client)
        await on.start("hi")
        await on.until("completed", *CHANNELS)


async def over_socket(on: Thread) -> AsyncGenerator[Any, None]:
    """Yield the envelopes of a subscription."""
    async with on.session.ws_connect(f"{on.path}/stream/events") as socket:
        subscribe = {"id": 1, "method": "subscription.subscribe", "params": {"channels": CHANNELS}}
        await socket.send_json(subscribe)
        async for message in socket:
            frame = json.loads(message.data)
            if frame["type"] == "event":
                yield frame


async def until_completed(events: AsyncGenerator[Any, None]) -> list[Any]:
    """Return the envelopes until the run has completed."""
    seen = []
    async for event in events:
        seen.append(event)
        if is_end(event, "completed"):
            break
    return seen


async def completed(on: Thread, runs: int) -> list[Any]:
    """Return the statuses of all runs, after so many have completed."""
    seen: list[Any] = []
    async with asyncio.timeout(WITHIN), aclosing(on.events("lifecycle")) as events:
        async for event in events:
            seen.append(event["params"]["data"]["event"])
            if seen.count("completed") == runs:
                break
    return seen


def resident(server: Mockserver) -> int:
    """Return how many bytes of memory *server* has."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


async def rest(events: AsyncGenerator[Any, None]) -> int:
    """Return how many more envelopes come before the server closes the stream."""
    count = 0
    try:
        async for _ in events:
            count += 1
    except GONE:
        pass
    return count


@pytest.mark.parametrize("command", [SERVE, REPLAY], ids=["serve", "replay"])
async def test_all_streams_get_their_events_until_a_reset(
    folder: Path, command: tuple[str, ...]
) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    with running(*command, folder=folder) as server:
        async with (
            asyncio.timeout(WITHIN),
            AsyncExitStack() as stack,
            aiohttp.ClientSession(server.url, connector=connector) as client,
        ):
            threads = [Thread(client) for _ in range(THREADS)]
            streams = [
                await stack.enter_async_context(aclosing(stream))
                for on in threads
                for _ in range(STREAMS // 2)
                for stream in (on.events(*CHANNELS), over_socket(on))
            ]
            following = [asyncio.create_task(until_completed(stream)) for stream in streams]
            await asyncio.gather(*(on.start("hi") for on in threads))
            seen = await asyncio.gather(*following)
            closing = [asyncio.create_task(rest(stream)) for stream in streams]
            async with client.post("/__mockserver__/reset") as answer:
                assert answer.status < 300
            left = await asyncio.gather(*closing)

    by_thread = [seen[start : start + STREAMS] for start in range(0, len(seen), STREAMS)]
    assert all(stream == streams[0] for streams in by_thread for stream in streams)
    assert len({json.dumps(streams[0]) for streams in by_thread}) == THREADS
    assert left == [0] * THREADS * STREAMS


async def test_open_streams_delay_no_stop(folder: Path) -> None:
    with running(*REPLAY, folder=folder) as server:
        async with aiohttp.ClientSession(server.url) as client:
            on = Thread(client)
            streams = [on.events(*CHANNELS), over_socket(on)]
            await on.start("hi")
            for stream in streams:
                await anext(stream)
            assert await asyncio.to_thread(server.stop) == 0
            left = [await rest(stream) for stream in streams]

    assert len(left) == 2


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux shows the memory")
async def test_clients_that_do_not_read_hold_up_nobody_and_fill_no_memory(tmp_path: Path) -> None:
    """Each of their streams has 12 MB."""
    (tmp_path / "script.yaml").write_text("rules: [{steps: [{say: ok}]}]")
    options = ("--script", "script.yaml", "--speed", "instant")
    with running("serve", *options, folder=tmp_path) as server:
        async with (
            aiohttp.ClientSession(server.url, read_bufsize=1 << 24) as client,
            AsyncExitStack() as stack,
        ):
            on = Thread(client)
            for _ in range(4):
                await on.start("x" * 500_000)
            await completed(on, 4)
            before = resident(server)
            body = json.dumps({"channels": ["values"]}).encode()
            for _ in range(10):
                reader = await stack.enter_async_context(Client(server.url))
                await reader.ask("POST", f"{on.path}/stream/events", body)
                await reader.until(b"\r\n\r\n")
            await on.start("hi")
            seen = await completed(on, 5)
            after = resident(server)

    assert seen == ["running", "completed"] * 5
    assert after - before < 80_000_000
