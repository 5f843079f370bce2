"""Event streams of the real server, recorded: what clients do with them, and what is in the cassette."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mockserver.cassette.model import Ending, Exchange, Policy
from mockserver.cassette.model import Stream as RecordedStream
from mockserver.store.library import Library
from tests.processes import Mockserver, running
from tests.real.event_streams import CHANNELS, EVERYTHING, Real, Stream, start
from tests.real.scenarios import said
from tests.real.test_event_clients import TRANSPORTS, Transport, python_thread


@contextmanager
def recording(agent_server: str, folder: Path) -> Iterator[Mockserver]:
    with running("record", "a.yaml", "--upstream", agent_server, folder=folder) as recorder:
        yield recorder


def read(folder: Path) -> tuple[list[dict[str, Any]], list[Exchange]]:
    """Return the commands and the event streams in the cassette; all streams are of one thread."""
    library = Library([folder / "a.yaml"], Policy(), pytest.fail)
    (cassette,) = library.index.cassettes
    exchanges = [library.load_exchange(entry) for entry in cassette.entries]
    paths = {one.request.path for one in exchanges if "/stream/events" in one.request.path}
    assert len(paths) == 1
    commands = [
        json.loads(one.request.body) for one in exchanges if one.request.path.endswith("/commands")
    ]
    return commands, [one for one in exchanges if one.request.path in paths]


def envelopes(exchange: Exchange) -> list[Any]:
    """Return the events of a stream that was open at the end; each is as its envelope says."""
    response = exchange.response
    assert isinstance(response.content, RecordedStream)
    assert response.end is not None
    assert response.end.how is Ending.OPEN
    events = [dict(timed.event.fields) for timed in response.content.events]
    found = [json.loads(event["data"]) for event in events]
    assert [(event["event"], event["id"]) for event in events] == [
        (one["method"], str(one["seq"])) for one in found
    ]
    return found


def ends(events: list[Any]) -> list[str]:
    """Return how the runs in *events* ended or went on."""
    return [
        one["params"]["data"]["event"]
        for one in events
        if one["method"] == "lifecycle" and not one["params"]["namespace"]
    ]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_conversation_of_the_python_sdk_is_recorded(
    agent_server: str, transport: Transport, tmp_path: Path
) -> None:
    with recording(agent_server, tmp_path) as recorder:
        async with python_thread(recorder.url, transport) as thread:
            await thread.run.start(input=said("interrupt"))
            states = [state async for state in thread.values]
            await thread.run.respond("send")
            output = await thread.output
        assert recorder.stop() == 0

    commands, streams = read(tmp_path)
    logs = [envelopes(one) for one in streams]
    assert states
    assert output["messages"][-1]["content"][0]["text"] == "You decided: send"
    assert [one["method"] for one in commands] == ["run.start", "input.respond"]
    assert json.loads(streams[0].request.body) == {"channels": ["lifecycle", "input"]}
    assert ends(logs[0]) == ["running", "interrupted", "running", "completed"]
    assert {one["method"] for log in logs for one in log} >= {"values", "input.requested"}
    assert "not recorded" not in recorder.errors
    assert "no event stream shows" not in recorder.errors


def test_streams_of_one_thread_are_recorded_each(agent_server: str, tmp_path: Path) -> None:
    with recording(agent_server, tmp_path) as recorder:
        with closing(Real(recorder.url)) as player:
            start(player, "delegate")
            wide = player.events(1)
            narrow = player.replay(channels=["lifecycle", "values"], namespaces=[[]], depth=0)
        assert recorder.stop() == 0

    _, (first, second) = read(tmp_path)
    assert json.loads(first.request.body) == {"channels": CHANNELS}
    # Times of lifecycle events are those of each stream.
    assert [one["event_id"] for one in envelopes(first)] == [one["event_id"] for one in wide]
    assert [one["event_id"] for one in envelopes(second)] == [one["event_id"] for one in narrow]


def test_a_stop_keeps_open_streams_and_reports_a_run_without_an_end(
    agent_server: str, tmp_path: Path
) -> None:
    with recording(agent_server, tmp_path) as recorder, closing(Real(recorder.url)) as player:
        start(player, "now and then")
        with closing(Stream(recorder.url, player.thread, EVERYTHING)) as other:
            other.until(bool)
            assert recorder.stop() == 0

    _, streams = read(tmp_path)
    logs = [envelopes(one) for one in streams]
    assert len(logs) == 2
    assert ends(logs[1]) == ["running"]
    assert f"the end of 1 run on /threads/{player.thread}: " in recorder.errors
    assert "not recorded:" not in recorder.errors
