import json
from typing import Any

import pytest

from mockserver.cassette.model import Body, Exchange, Response, Stream, TimedEvent
from mockserver.cassette.thread_streams import (
    RunCounter,
    ShownRuns,
    asks_for_thread_events,
    find_shown_runs,
    match_thread_call,
)
from mockserver.formats.sse import Event
from mockserver.http.messages import Request


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/threads/t1/stream/events", True),
        ("POST", "/base/threads/t1/stream/events/?a=1", True),
        ("GET", "/threads/t1/stream/events", True),
        ("PUT", "/threads/t1/stream/events", False),
        ("POST", "/threads/t1/stream", False),
        ("GET", "/threads/t1/stream?stream_mode=values", True),
        ("GET", "/threads/t1/runs/r1/stream", False),
        ("POST", "/threads/t1/commands", False),
        ("POST", "/threads/stream/events", False),
    ],
)
def test_event_streams_are_recognized(method: str, path: str, expected: bool) -> None:
    assert asks_for_thread_events(Request(method, path)) is expected


def test_the_thread_of_a_command_is_found() -> None:
    assert match_thread_call("/threads/t1/commands", "commands") == "/threads/t1"
    assert match_thread_call("/threads/t1/commands", "stream/events") is None


def command(method: str, answer: str = "success") -> Exchange:
    """Return the exchange of a command on the thread t1."""
    body = json.dumps({"id": 1, "method": method}).encode()
    response = Response(content=Body(json.dumps({"type": answer, "id": 1}).encode()))
    return Exchange(Request("POST", "/threads/t1/commands", (), body), response)


def lifecycle(identity: str, status: str, *namespace: str) -> tuple[str, Any]:
    """Return name and data of a lifecycle event."""
    params = {"namespace": namespace, "data": {"event": status}}
    return "lifecycle", {"event_id": identity, "params": params}


def stream(*events: tuple[str, Any]) -> Exchange:
    """Return an event stream of the thread t1."""
    timed = (
        TimedEvent(0.0, Event((("event", name), ("data", json.dumps(data)))))
        for name, data in events
    )
    request = Request("POST", "/threads/t1/stream/events")
    return Exchange(request, Response(content=Stream(tuple(timed))))


BEGIN = lifecycle("1", "running")
END = lifecycle("9", "completed")


@pytest.mark.parametrize(
    ("exchanges", "expected"),
    [
        pytest.param([command("run.start"), stream(BEGIN, END)], {}, id="ended"),
        pytest.param([command("run.start"), stream(BEGIN)], {"/threads/t1": 1}, id="no end"),
        pytest.param([command("run.start")], {"/threads/t1": 1}, id="no stream"),
        pytest.param([command("run.start", "error")], {}, id="refused"),
        pytest.param([command("agent.getTree")], {}, id="another command"),
        pytest.param(
            [command("run.start"), stream(BEGIN), stream(BEGIN, END), stream(END)],
            {},
            id="the end is in one of several streams",
        ),
        pytest.param(
            [
                command("run.start"),
                stream(BEGIN, lifecycle("9", "interrupted")),
                command("input.respond"),
                stream(BEGIN, lifecycle("9", "interrupted"), lifecycle("10", "running")),
            ],
            {"/threads/t1": 1},
            id="no end after the answer",
        ),
        pytest.param(
            [command("run.start"), stream(BEGIN, lifecycle("9", "completed", "inner:1"))],
            {"/threads/t1": 1},
            id="only a subgraph ended",
        ),
        pytest.param([stream(BEGIN)], {"/threads/t1": 1}, id="a run that another client started"),
        pytest.param([stream(("lifecycle", "odd"), ("lifecycle", {}))], {}, id="odd events"),
        pytest.param(
            [Exchange(Request("POST", "/threads/t1/commands"), Response())], {}, id="no JSON"
        ),
    ],
)
def test_runs_without_an_end_are_counted(
    exchanges: list[Exchange], expected: dict[str, int]
) -> None:
    count = RunCounter()
    for exchange in exchanges:
        marks = find_shown_runs(exchange)
        assert marks is not None
        count.add(marks)

    assert count.find_unended() == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/runs/stream"), ("POST", "/threads/t1/runs"), ("GET", "/threads/t1/commands")],
)
def test_other_requests_show_no_runs(method: str, path: str) -> None:
    assert find_shown_runs(Exchange(Request(method, path), Response())) is None


def test_a_refused_stream_shows_no_runs() -> None:
    request = Request("POST", "/threads/t1/stream/events")

    assert find_shown_runs(Exchange(request, Response(400))) is None


def test_marks_hold_the_ids_of_begins_and_ends() -> None:
    marks = ShownRuns("/threads/t1", 0, frozenset("1"), frozenset("9"))

    assert find_shown_runs(stream(BEGIN, ("values", {}), END)) == marks
