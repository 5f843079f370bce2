"""Replay of event streams over real sockets: recorded from the fake graph, played to the clients of later."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Mockserver, running
from tests.scripted import WITHIN
from tests.server.test_event_streams import (
    ALL,
    GONE,
    SCRIPT,
    Thread,
    is_end,
    said,
    socket,
    statuses,
    thread,
)

Visit = Callable[[Thread], Coroutine[Any, Any, list[Any]]]
SPEEDS = ("instant", "4")


async def two_turns(on: Thread) -> list[Any]:
    """Return the events of a chat of two turns."""
    await on.start("hi")
    return await rest_of_two_turns(on)


async def rest_of_two_turns(on: Thread) -> list[Any]:
    await on.until("completed")
    async with on.session.get(f"{on.path}/state") as answer:
        assert answer.status == 200
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


async def without_command(on: Thread) -> list[Any]:
    """Return the events of a turn, and of a run that another request starts while the stream is open."""
    await on.start("by command")
    seen: list[Any] = []
    async with asyncio.timeout(WITHIN), aclosing(on.events()) as events:
        async for event in events:
            seen.append(event)
            completed = statuses(seen).count("completed")
            if completed == 2:
                break
            if is_end(event, "completed"):
                body = {"assistant_id": "chat", "input": said("and you?")}
                async with on.session.post(f"{on.path}/runs", json=body) as started:
                    assert started.status == 200
    return seen


async def all_of(on: Thread, runs: int) -> list[Any]:
    """Return the events of a new stream until so many runs have completed."""
    seen: list[Any] = []
    async with asyncio.timeout(WITHIN), aclosing(on.events()) as events:
        async for event in events:
            seen.append(event)
            if statuses(seen).count("completed") == runs:
                break
    return seen


VISITS: dict[str, Visit] = {
    "turns": two_turns,
    "asked": asked,
    "stopped": stopped,
    "without a command": without_command,
}


async def visit_together(server: Mockserver) -> dict[str, list[Any]]:
    """Return the events of each visit. All visits are on *server* at the same time, since each of them waits most of its time."""

    async def visit(name: str) -> list[Any]:
        async with thread(server) as on:
            return await VISITS[name](on)

    return dict(zip(VISITS, await asyncio.gather(*map(visit, VISITS)), strict=True))


class Recorded:
    """A cassette, and what the clients saw while it was recorded."""

    def __init__(self, folder: Path) -> None:
        self.cassette = folder / "events.yaml"
        (folder / "script.yaml").write_text(SCRIPT)
        options = ("--script", "script.yaml", "--speed", "4")
        with running("serve", *options, folder=folder) as upstream:
            record = ("record", self.cassette, "--upstream", upstream.url)
            with running(*record, folder=folder) as recorder:
                self.seen = asyncio.run(visit_together(recorder))
                assert recorder.stop() == 0


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
async def test_every_visit_sees_what_was_recorded(
    recorded: Recorded, speed: str, tmp_path: Path
) -> None:
    with running("replay", recorded.cassette, "--speed", speed, folder=tmp_path) as server:
        first = await visit_together(server)
        second = await visit_together(server)

    for name, wanted in recorded.seen.items():
        assert plain(first[name]) == plain(second[name]) == plain(wanted)
        assert ids(first[name]) == ids(wanted)
        assert len(ids(first[name]) | ids(second[name])) == 2 * len(ids(wanted))


async def test_a_recording_over_sse_replays_over_websocket(
    recorded: Recorded, tmp_path: Path
) -> None:
    with running("replay", recorded.cassette, folder=tmp_path) as server:
        async with thread(server) as on, socket(on) as opened:
            subscribed = await opened.command("subscription.subscribe", channels=ALL)
            started = await opened.command("run.start", assistant_id="agent", input=said("hi"))
            events = list(await opened.until("completed"))

    assert subscribed["type"] == "success"
    assert started["id"] == 2
    assert events == recorded.seen["turns"][: len(events)]


@pytest.mark.slow
async def test_a_stream_may_be_open_before_the_thread_is_known(
    recorded: Recorded, tmp_path: Path
) -> None:
    with running("replay", recorded.cassette, "--speed", "instant", folder=tmp_path) as server:
        async with thread(server) as on, aclosing(on.blocks()) as blocks:
            idle = await anext(blocks)
            await on.start("hi")
            first = await anext(blocks)

    assert idle == ": heartbeat"
    assert first.endswith("\r\nid: 1")


async def test_what_no_stream_was_recorded_with_is_a_miss(
    recorded: Recorded, tmp_path: Path
) -> None:
    with running("replay", recorded.cassette, folder=tmp_path) as server:
        async with thread(server) as on:
            await on.start("hi")
            body = {"channels": ["values", "checkpoints"]}
            async with on.session.post(f"{on.path}/stream/events", json=body) as answer:
                missed = answer.status, (await answer.json())["detail"]
            async with on.session.post(f"{on.path}/stream/events", json={}) as answer:
                invalid = answer.status, (await answer.json())["detail"]

    assert missed[0] == invalid[0] == 404
    assert "was recorded with the channel `checkpoints`" in missed[1]
    assert "channels is required" in invalid[1]


async def test_a_state_that_was_recorded_after_the_run_comes_when_the_run_ends(
    recorded: Recorded, tmp_path: Path
) -> None:
    """A page that is reloaded during the run would take a miss as a new thread."""
    with running("replay", recorded.cassette, "--speed", "1", folder=tmp_path) as server:
        async with thread(server) as on:
            followed = asyncio.create_task(on.until("completed"))
            await on.start("hi")
            await on.until("running")
            async with on.session.get(f"{on.path}/state") as answer:
                state = await answer.json()
            events = await followed

    assert answer.status == 200
    assert statuses(events) == ["running", "completed"]
    assert [one["type"] for one in state["values"]["messages"]] == ["human", "ai"]


async def test_a_reset_ends_the_streams(recorded: Recorded, tmp_path: Path) -> None:
    with running("replay", recorded.cassette, folder=tmp_path) as server:
        async with thread(server) as on:
            stream = on.events()
            await on.start("hi")
            await anext(stream)
            async with on.session.post("/__mockserver__/reset") as answer:
                assert answer.status < 300
            with pytest.raises(GONE):
                async with asyncio.timeout(WITHIN):
                    while True:
                        await anext(stream)
            again = await on.until("completed") if await on.start("hi") else []

    assert again == recorded.seen["turns"][: len(again)]


@pytest.mark.parametrize("speed", SPEEDS)
async def test_the_fake_graph_goes_on_in_the_open_streams(
    recorded: Recorded, speed: str, tmp_path: Path
) -> None:
    options = (recorded.cassette, "--speed", speed)
    with running("serve", *options, folder=tmp_path) as server:
        async with thread(server) as on:
            followed = asyncio.create_task(all_of(on, 2))
            await on.start("hi")
            await on.until("completed")
            await on.start("What did I say?")
            seen = await followed
            late = await all_of(on, 2)
            async with on.session.get(f"{on.path}/state") as answer:
                state = await answer.json()

    first = recorded.seen["turns"]
    assert seen == late
    assert [one["seq"] for one in seen] == sorted({one["seq"] for one in seen})
    assert statuses(seen) == ["running", "completed"] * 2
    assert seen[: len(seen) // 4] == first[: len(seen) // 4]
    texts = [one["content"] for one in state["values"]["messages"]]
    assert texts[0] == "hi"
    assert len(texts) == 4


@pytest.mark.parametrize("speed", SPEEDS)
async def test_the_fake_graph_answers_what_was_not_recorded(
    recorded: Recorded, speed: str, tmp_path: Path
) -> None:
    with running("serve", recorded.cassette, "--speed", speed, folder=tmp_path) as server:
        async with thread(server) as on:
            followed = asyncio.create_task(on.until("completed"))
            await on.start("My name is Ada")
            seen = await followed

    assert "Ada" in json.dumps(seen[-2])


@pytest.mark.parametrize("speed", SPEEDS)
async def test_the_fake_graph_takes_another_answer_to_a_recorded_interrupt(
    recorded: Recorded, speed: str, tmp_path: Path
) -> None:
    with running("serve", recorded.cassette, "--speed", speed, folder=tmp_path) as server:
        async with thread(server) as on:
            await on.start("ask")
            events = await on.until("interrupted")
            [question] = [one for one in events if one["method"] == "input.requested"]
            identity = question["params"]["data"]["interrupt_id"]
            unknown = await on.command("input.respond", interrupt_id="0" * 32, response="yes")
            given = await on.command("input.respond", interrupt_id=identity, response="yes")
            seen = await on.until("completed")

    assert unknown["error"] == "no_such_interrupt"
    assert given["type"] == "success"
    assert seen[: len(events)] == events
    assert statuses(seen) == ["running", "interrupted", "running", "completed"]


async def test_streams_that_were_never_opened_are_not_played(
    recorded: Recorded, tmp_path: Path
) -> None:
    with running("replay", recorded.cassette, folder=tmp_path) as server:
        async with thread(server) as on:
            await on.start("hi")
            before = await unplayed(on)
            await on.until("completed")
            after = await unplayed(on)

    assert len(after) < len(before)


async def unplayed(on: Thread) -> set[str]:
    """Return the exchanges that were not played yet."""
    async with on.session.get("/__mockserver__/exchanges") as answer:
        found = await answer.json()
    return {one["exchange"] for one in found["exchanges"] if not one["played"]}


async def test_a_thread_goes_back_only_if_nobody_follows_it(
    recorded: Recorded, tmp_path: Path
) -> None:
    start = {"assistant_id": "agent", "input": said("hi")}
    with running("replay", recorded.cassette, "--speed", "instant", folder=tmp_path) as server:
        async with thread(server) as on:
            await on.start("hi")
            async with aclosing(on.events()) as events:
                await anext(events)
                refused = await on.command("run.start", **start)
        async with thread(server) as on:
            await two_turns(on)
            async with asyncio.timeout(WITHIN):
                while "result" not in await on.command("run.start", **start):
                    pass  # the server does not know yet that the stream is closed
            again = await rest_of_two_turns(on)

    assert "the next turn of events.yaml thread" in refused["detail"]
    assert plain(again) == plain(recorded.seen["turns"])


async def test_a_command_that_was_cut_is_repeated_while_its_events_are_followed(
    recorded: Recorded, tmp_path: Path
) -> None:
    with running("replay", recorded.cassette, "--speed", "instant", folder=tmp_path) as player:
        async with thread(player) as on:
            params = {"assistant_id": "agent", "input": said("hi")}
            body = {"id": 1, "method": "run.start", "params": params}
            headers = {"x-mockserver-fault": '{"cut": 1}'}
            async with on.session.post(f"{on.path}/commands", json=body, headers=headers) as answer:
                with pytest.raises(GONE):
                    await answer.read()
            seen: list[Any] = []
            async with asyncio.timeout(WITHIN), aclosing(on.events()) as events:
                async for event in events:
                    seen.append(event)
                    if not is_end(event, "completed"):
                        continue
                    if statuses(seen).count("completed") == 2:
                        break
                    await on.start("hi")
                    async with on.session.get(f"{on.path}/state") as state:
                        assert state.status == 200
                    await on.start("and you?")
        assert player.stop() == 0

    assert plain(seen) == plain(recorded.seen["turns"])
