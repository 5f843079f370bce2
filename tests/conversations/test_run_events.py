"""The events of a recorded run: which are known, and which stream modes send them."""

import pytest

from mockserver.cassette.model import Body, End, Ending, Response, Stream, TimedEvent
from mockserver.conversations.run_events import (
    RunEvent,
    has_model_ids_only,
    is_sent_in,
    read_events,
)
from mockserver.formats.sse import Event

HEARTBEAT = TimedEvent(5.0, Event((("comment", "heartbeat"),)))
VALUES = TimedEvent(0.5, Event((("event", "values"), ("data", '{"count":1}'), ("id", "17-0"))))
WITHIN = TimedEvent(0.0, Event((("event", "updates|inner:1"), ("data", '{"node":null}'))))
LOCATION = ("location", "/runs/r/stream")
CONTENT_LOCATION = ("content-location", "/runs/r")


def test_an_event_has_its_name_its_namespace_and_its_value() -> None:
    response = Response(content=Stream((HEARTBEAT, VALUES, WITHIN)), end=End())

    assert read_events(response) == [
        RunEvent(HEARTBEAT),
        RunEvent(VALUES, "values", True, '{"count":1}', {"count": 1}, "17-0"),
        RunEvent(WITHIN, "updates", False, '{"node":null}', {"node": None}, ""),
    ]


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(Response(content=Body(b"{}")), id="no stream"),
        pytest.param(Response(422, content=Stream((VALUES,))), id="an error"),
        pytest.param(Response(content=Stream((VALUES,)), end=End(0.0, Ending.CUT)), id="cut"),
        pytest.param(Response(content=Stream((VALUES,), tail=b"event: v")), id="incomplete"),
        pytest.param(
            Response(headers=(CONTENT_LOCATION,), content=Stream((VALUES,))), id="JavaScript server"
        ),
        *(
            pytest.param(Response(content=Stream((TimedEvent(0.0, Event(fields)),))), id=name)
            for name, fields in {
                "unknown name": (("event", "end"), ("data", "{}")),
                "no JSON": (("event", "values"), ("data", "{")),
                "no data": (("event", "values"),),
                "no name": (("data", "{}"),),
                "raw": (("raw", "event:values\r\ndata:{}\r\n\r\n"),),
            }.items()
        ),
    ],
)
def test_other_streams_are_not_read(response: Response) -> None:
    assert read_events(response) is None


def test_a_stream_of_the_python_server_is_read() -> None:
    headers = (LOCATION, CONTENT_LOCATION)

    assert read_events(Response(headers=headers, content=Stream((VALUES,)))) is not None


@pytest.mark.parametrize(
    ("name", "modes"),
    [
        ("", set()),
        ("metadata", set()),
        ("error", set()),
        ("values", {"values"}),
        ("updates", {"updates"}),
        ("messages", {"messages-tuple"}),
        ("messages/metadata", {"messages"}),
        ("messages/partial", {"messages"}),
        ("messages/complete", {"messages"}),
        ("events", {"events"}),
        ("debug", {"debug"}),
        ("tasks", {"tasks"}),
        ("checkpoints", {"checkpoints"}),
        ("custom", {"custom"}),
    ],
)
def test_an_event_belongs_to_one_mode_or_to_all(name: str, modes: set[str]) -> None:
    event = RunEvent(VALUES, name)

    assert is_sent_in(event, modes)
    assert is_sent_in(event, {"nothing"}) is (not modes)


MODEL = {"type": "ai", "content": "hi", "id": "lc_run--1"}
TOOL = {"type": "tool", "content": "found", "id": None}
HUMAN = {"type": "human", "content": "hi", "id": "1"}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("updates", {"agent": {"messages": [MODEL]}}, True),
        ("updates", {"tools": {"messages": [MODEL, TOOL]}}, False),
        ("updates", {"agent": {"answer": 42, "messages": HUMAN}}, False),
        ("updates", {"agent": None}, True),
        ("tasks", {"input": {"messages": [HUMAN]}, "triggers": []}, True),
        ("tasks", {"result": {"messages": [TOOL]}, "interrupts": []}, False),
        ("debug", {"type": "task", "payload": {"input": {"messages": [HUMAN]}}}, True),
        ("debug", {"type": "task_result", "payload": {"result": {"messages": [TOOL]}}}, False),
        ("values", {"messages": [HUMAN]}, True),
    ],
)
def test_ids_count_in_the_output_of_nodes(name: str, value: object, expected: bool) -> None:
    assert has_model_ids_only(RunEvent(VALUES, name, value=value)) is expected
