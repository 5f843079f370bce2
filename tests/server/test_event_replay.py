"""Replay of event streams over real sockets: recorded from the fake graph, played to the clients of later."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.event_recorder import event_recorder
from tests.processes import Mockserver, running
from tests.scripted import WITHIN
from tests.server.test_event_streams import (
    SCRIPT,
    Thread,
    is_end,
    statuses,
    thread,
)

Visit = Callable[[Thread], Coroutine[Any, Any, list[Any]]]
SPEEDS = ("instant", "4")


async def two_turns(on: Thread) -> list[Any]:
    """Return the events of a chat of two turns."""
    await on.start("hi")
    await on.until("completed")
    await on.start("and you?")
    return await all_of(on, 2)


async def asked(on: Thread) -> list[Any]:
    """Return the events of a run that asks, and of its answer."""
    await on.start("ask")
    [question] = [
        one for one in await on.until("interrupted") if one["method"] == "input.requested"
    ]
    identity = question["params"]["data"]["interrupt_id"]
    await on.command("input.respond", interrupt_id=identity, response="no", namespace=[])
    return await on.until("completed")


async def stopped(on: Thread) -> list[Any]:
    """Return the events of a run that is stopped after its first message, and of the next turn."""
    run = await on.start("long")
    async with asyncio.timeout(WITHIN), aclosing(on.events()) as events:
        async for event in events:
            if event["params"]["data"].get("event") == "message-finish":
                break
        cancel = f"{on.path}/runs/{run}/cancel?wait=0&action=interrupt"
        async with on.session.post(cancel) as done:
            assert done.status == 202
        async for event in events:
            if is_end(event, "interrupted"):
                break
    await on.start("hi")
    return await on.until("completed")


async def all_of(on: Thread, runs: int) -> list[Any]:
    """Return the events of a new stream until so many runs have completed."""
    seen: list[Any] = []
    async with asyncio.timeout(WITHIN), aclosing(on.events()) as events:
        async for event in events:
            seen.append(event)
            if statuses(seen).count("completed") == runs:
                break
    return seen


VISITS: dict[str, Visit] = {"turns": two_turns, "asked": asked, "stopped": stopped}


class Recorded:
    """A cassette, and what the clients saw while it was recorded."""

    def __init__(self, folder: Path) -> None:
        self.cassette = folder / "events.yaml"
        self.seen: dict[str, list[Any]] = {}
        self.threads: dict[str, str] = {}
        (folder / "script.yaml").write_text(SCRIPT)
        options = ("--script", "script.yaml", "--speed", "4")
        with running("serve", *options, folder=folder) as upstream:
            asyncio.run(self._record(upstream))

    async def _record(self, upstream: Mockserver) -> None:
        async with event_recorder(upstream.url, self.cassette) as recorder:
            for name, visit in VISITS.items():
                async with thread(recorder) as on:
                    self.threads[name] = on.path
                    self.seen[name] = await visit(on)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return Recorded(tmp_path_factory.mktemp("recorded"))


def plain(events: list[Any]) -> list[Any]:
    """Return what *events* say, without ids."""
    seen: dict[str, str] = {}

    def renamed(value: Any) -> Any:
        match value:
            case dict():
                return {
                    name: seen.setdefault(part, f"id {len(seen)}")
                    if name == "id" and isinstance(part, str)
                    else renamed(part)
                    for name, part in value.items()
                    if name not in ("event_id", "timestamp")
                }
            case list():
                return [renamed(part) for part in value]
            case _:
                return value

    return [renamed(event) for event in events]


def ids(events: list[Any]) -> set[str]:
    """Return the ids of the runs and of the messages of the model in *events*."""
    texts = json.dumps(events)
    runs = {one["event_id"].split(":")[1] for one in events if one["method"] == "lifecycle"}
    return runs | {part.split('"')[0] for part in texts.split('"id": "lc_run--')[1:]}


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("name", VISITS)
async def test_every_visit_sees_what_was_recorded(
    recorded: Recorded, name: str, speed: str, tmp_path: Path
) -> None:
    visits: list[list[Any]] = []
    with running("replay", recorded.cassette, "--speed", speed, folder=tmp_path) as server:
        for _ in range(3):
            async with thread(server) as on:
                visits.append(await VISITS[name](on))

    wanted = recorded.seen[name]
    assert [plain(visit) for visit in visits] == [plain(wanted)] * 3
    assert ids(visits[0]) == ids(wanted)
    assert len(ids(visits[0]) | ids(visits[1]) | ids(visits[2])) == 3 * len(ids(wanted))
