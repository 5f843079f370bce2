"""What a run tells event streams; `tests/real/test_event_truth.py` compares it with the real server."""

from typing import Any

import pytest

from mockserver.fake.graph.checkpoint_store import History
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.script.model import (
    Custom,
    Delegate,
    Fail,
    Interrupt,
    Speak,
    Step,
    ToolCall,
    Update,
)
from tests.fake.plays import IDS, run_request, script


def played(*steps: Step, **given: Any) -> list[tuple[str, str, Any]]:
    """Return the events of a run as (namespace, method, what it says), without those of messages."""
    request = run_request(for_event_streams=True, subgraphs=True, **given)
    events = RunEngine(script(*steps)).play(request, IDS, History()).stream_events
    return [
        (
            "|".join(part.partition(":")[0] for part in event.namespace),
            event.method,
            _gist(event.method, event.params["data"]),
        )
        for _, event in events
        if event.method != "messages"
    ]


def _gist(method: str, payload: Any) -> Any:
    match method:
        case "values":
            return len(payload["messages"]) if "messages" in payload else payload
        case "lifecycle" | "tools":
            return payload["event"]
        case _:
            return payload["payload"]


def test_a_run_begins_with_its_input_and_ends() -> None:
    assert played(Speak("Hi.")) == [
        ("", "lifecycle", "running"),
        ("", "values", 1),
        ("", "values", 2),
        ("", "lifecycle", "completed"),
    ]


def test_a_custom_event_is_silent() -> None:
    assert played(Custom(1), Speak("Well.")) == played(Speak("Well."))


def test_a_tool_starts_and_finishes() -> None:
    assert played(Speak(calls=(ToolCall("search", {}, "found"),)), Speak("Well."))[2:] == [
        ("", "values", 2),
        ("", "tools", "tool-started"),
        ("", "tools", "tool-finished"),
        ("", "values", 3),
        ("", "values", 4),
        ("", "lifecycle", "completed"),
    ]


def test_a_tool_that_asks_starts_again_when_it_is_answered() -> None:
    events = played(Speak(calls=(ToolCall("search", {}, "found", ask="Search?"),)))

    assert [what for _, method, what in events if method == "tools"] == ["tool-started"]


@pytest.mark.parametrize("result", ["found", [{"type": "text", "text": "found"}]])
def test_the_message_of_a_tool_has_a_namespace_of_its_own(result: Any) -> None:
    request = run_request(for_event_streams=True)
    engine = RunEngine(script(Speak(calls=(ToolCall("search", {}, result),))))
    events = [event for _, event in engine.play(request, IDS, History()).stream_events]
    payloads = [event.params["data"] for event in events if event.namespace]
    call = next(event for event in events if event.method == "tools").params["data"]["tool_call_id"]
    text = result if isinstance(result, str) else '[{"type":"text","text":"found"}]'

    assert {event.namespace for event in events if event.namespace} == {(f"tools:{call}",)}
    assert payloads[0] == {
        "event": "message-start",
        "role": "tool",
        "id": f"tool-{call}",
        "tool_call_id": call,
    }
    assert payloads[-2]["content"] == {"type": "text", "text": text}


def test_a_state_without_messages_is_shown_as_it_is() -> None:
    assert played(Update({"a": 2}), input={"a": 1})[1:3] == [
        ("", "values", {"a": 1}),
        ("", "values", {"a": 2}),
    ]


def test_a_subgraph_is_announced_after_its_first_state() -> None:
    assert played(Speak("I ask."), Delegate((Speak("I am asked."),)), Speak("Done."))[3:] == [
        ("researcher", "values", 2),
        ("researcher", "lifecycle", "started"),
        ("researcher", "values", 3),
        ("researcher", "lifecycle", "completed"),
        ("", "values", 3),
        ("", "values", 4),
        ("", "lifecycle", "completed"),
    ]


def test_an_interrupt_within_is_asked_once() -> None:
    steps = (Speak("I ask."), Delegate((Speak("May I?"), Interrupt("?"), Speak("Thanks."))))

    assert played(*steps)[5:] == [
        ("researcher", "values", 3),
        ("researcher", "input.requested", "?"),
        ("", "lifecycle", "interrupted"),
        ("researcher", "values", 3),
        ("", "values", 2),
        ("researcher", "lifecycle", "interrupted"),
    ]


@pytest.mark.parametrize("within", [False, True])
def test_an_error_ends_the_graphs_in_which_it_happens(within: bool) -> None:
    failing: tuple[Step, ...] = (Speak("So far."), Fail("ValueError", "no"))
    events = played(Speak("I ask."), Delegate(failing) if within else failing[1])

    ended = [(where, what) for where, method, what in events if method == "lifecycle"]
    inner = [("researcher", "started"), ("researcher", "failed")] if within else []
    assert ended == [("", "running"), *inner, ("", "failed")]


def test_events_have_ids_and_times_of_their_own() -> None:
    request = run_request(for_event_streams=True)
    engine = RunEngine(script(Speak("one two")))
    events = [event for _, event in engine.play(request, IDS, History()).stream_events]
    again = [event for _, event in engine.play(request, IDS, History()).stream_events]

    assert events == again
    assert len({event.identity for event in events}) == len(events)
    assert events[0].identity == "synth:RUN:lc||running"
    assert events[-1].params["timestamp"] - events[0].params["timestamp"] == 2000
