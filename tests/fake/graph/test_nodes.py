"""The nodes alone: what they say, ask and wait for; their streams are the matter of the modes and callbacks."""

from collections.abc import Iterable
from typing import Any

import pytest

from mockserver.fake.graph.events_mode import Callbacks
from mockserver.fake.graph.metadata import Scope
from mockserver.fake.graph.nodes import Nodes
from mockserver.fake.graph.stream_modes import StreamModes
from mockserver.fake.messages.message_json import create_ai_message, create_message
from mockserver.fake.run_errors import RunFailed, RunInterrupted
from mockserver.fake.script.model import (
    Custom,
    Delegate,
    Fail,
    Interrupt,
    Pause,
    Script,
    Speak,
    Step,
    ToolCall,
    Update,
)
from mockserver.fake.script.plan import Visit
from mockserver.formats.json_text import Json
from tests.fake.plays import IDS, PACE, Log, run_request

PLACE = Scope("R", (), (), "agent", 1, "T")
STATE = {"messages": [create_message("human", "hi", "1")]}


class Played:
    """Nodes, the events they have sent, and how long they waited."""

    def __init__(self, *modes: str, answers: Iterable[Json] = ()) -> None:
        self.log = Log()
        request = run_request("hi", *modes)
        self.nodes = Nodes(
            request,
            IDS,
            Script((), PACE),
            self.log,
            StreamModes(request, IDS, self.log),
            Callbacks(request, self.log),
            {PLACE.task: tuple(answers)},
        )

    def agent(self, *steps: Step) -> dict[str, Any]:
        return self.nodes.run_agent(PLACE, STATE, Visit(steps))

    def tools(self, *calls: ToolCall) -> list[str]:
        """Return what the tools say to *calls*."""
        made = [{"name": c.tool, "args": c.args, "id": f"c{n}"} for n, c in enumerate(calls)]
        state = {"messages": [create_ai_message("", "2", made)]}
        update = self.nodes.run_tools(PLACE, state, calls)
        return [message["content"] for message in update["messages"]]


@pytest.mark.parametrize(
    ("steps", "update"),
    [
        pytest.param((), {}, id="nothing"),
        pytest.param((Custom(1), Pause(1)), {}, id="nothing for the state"),
        pytest.param((Update({"n": 1, "m": 2}), Update({"n": 3})), {"n": 3, "m": 2}, id="values"),
    ],
)
def test_the_agent_returns_its_update(steps: tuple[Step, ...], update: Any) -> None:
    assert Played().agent(*steps) == update


def test_the_agent_speaks() -> None:
    [message] = Played().agent(Speak("Hello!"))["messages"]

    assert (message["content"], message["type"]) == ("Hello!", "ai")


@pytest.mark.parametrize(
    ("modes", "steps", "waits"),
    [
        pytest.param((), (Pause(6.0),), [6.0], id="a pause"),
        pytest.param((), (Speak("Hello you!"),), [1.0, 1.0], id="all tokens at once"),
        pytest.param(("messages",), (Speak("Hello you!"),), [1.0, 0, 0.5, 0.5], id="each token"),
        pytest.param((), (Speak("Hello you!", every=2.0),), [1.0, 4.0], id="its own pace"),
    ],
)
def test_the_agent_takes_its_time(
    modes: tuple[str, ...], steps: tuple[Step, ...], waits: list[float]
) -> None:
    played = Played(*modes)
    played.agent(*steps)

    assert played.log.waits == waits


def test_what_is_custom_goes_out_at_once() -> None:
    played = Played("custom")
    played.agent(Custom({"percent": 50}), Custom(None))

    assert played.log.shown == [("custom", {"percent": 50}), ("custom", None)]


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        pytest.param(Fail("ValueError", "no"), "no", id="most say it as it is"),
        pytest.param(Fail("KeyError", "no"), "'no'", id="a KeyError quotes its key"),
    ],
)
def test_a_failure_ends_the_run(fail: Fail, message: str) -> None:
    with pytest.raises(RunFailed) as rejected:
        Played().agent(fail, Speak("never said"))

    assert (rejected.value.kind, rejected.value.message) == (fail.kind, message)


def test_an_interrupt_stops_the_agent() -> None:
    with pytest.raises(RunInterrupted) as stopped:
        Played().agent(Custom(1), Interrupt({"question": "May I?"}))

    assert stopped.value.interrupts == (
        {
            "value": {"question": "May I?"},
            "id": "ba58e2f34c2dd61770d3e45f38caaf05",
            "response_schema": None,
        },
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param("yes", "So: yes", id="text"),
        pytest.param({"ja": "é"}, 'So: {"ja": "é"}', id="JSON"),
        pytest.param(None, "So: null", id="null is an answer too"),
    ],
)
def test_the_agent_goes_on_with_what_a_human_said(answer: Json, said: str) -> None:
    [message] = Played(answers=[answer]).agent(Interrupt("?"), Speak("So: {answer}"))["messages"]

    assert message["content"] == said


def test_a_second_question_needs_a_second_answer() -> None:
    steps = (Interrupt("1?"), Custom("{answer}"), Interrupt("2?"), Custom("{answer}"))
    twice, once = Played("custom", answers=["a", "b"]), Played("custom", answers=["a"])
    twice.agent(*steps)
    with pytest.raises(RunInterrupted) as stopped:
        once.agent(*steps)

    assert twice.log.shown == [("custom", "a"), ("custom", "b")]
    assert stopped.value.interrupts[0]["value"] == "2?"


def test_a_graph_within_is_none_of_the_agent_s_steps() -> None:
    with pytest.raises(AssertionError):
        Played().agent(Delegate((Speak("x"),)))


@pytest.mark.parametrize(
    ("result", "content"),
    [
        pytest.param("It is é.", "It is é.", id="text"),
        pytest.param({"a": "é", "b": [1]}, '{"a": "é", "b": [1]}', id="JSON"),
        pytest.param(None, "null", id="null"),
        pytest.param([1], "[1]", id="a list"),
        pytest.param(
            ["a", {"type": "text", "text": "b"}],
            ["a", {"type": "text", "text": "b"}],
            id="a list that is content",
        ),
        pytest.param([{"type": "x"}], '[{"type": "x"}]', id="a list of something else"),
    ],
)
def test_a_tool_says_its_result(result: Json, content: Json) -> None:
    played = Played()

    assert played.tools(ToolCall("weather", {}, result)) == [content]
    assert played.log.waits == [2.0]


def test_tools_answer_each_call_in_turn() -> None:
    played = Played()

    assert played.tools(ToolCall("one", {}, "1"), ToolCall("two", {}, "2")) == ["1", "2"]
    assert played.log.waits == [2.0, 2.0]


def test_what_a_tool_says_has_an_id_from_the_start_where_it_streams() -> None:
    state = {"messages": [create_ai_message("", "2", [{"name": "f", "args": {}, "id": "c"}])]}
    calls = (ToolCall("f", {}, "x"),)
    ids = [
        Played(*modes).nodes.run_tools(PLACE, state, calls)["messages"][0]["id"]
        for modes in (("values",), ("messages",))
    ]

    assert ids == [None, "4392b959-7422-4533-b7c5-d3180f9cc67a"]


MAIL = ToolCall("mail", {"to": "Ann"}, {"sent": "{answer}"}, {"may": "I?"})


def test_a_tool_that_asks_stops_too() -> None:
    played = Played("events")
    with pytest.raises(RunInterrupted):
        played.tools(MAIL)
    started, failed = [event for _, event in played.log.shown]

    assert (started["event"], started["data"]) == ("on_tool_start", {"input": {"to": "Ann"}})
    assert (failed["event"], failed["name"]) == ("on_tool_error", "mail")
    assert failed["data"] == {
        "error": {"error": "GraphInterrupt", "message": "the tool waits for an answer"},
        "input": {"to": "Ann"},
        "tool_call_id": "c0",
    }


def test_a_tool_goes_on_with_what_a_human_said() -> None:
    assert Played(answers=["yes"]).tools(MAIL) == ['{"sent": "yes"}']


def test_each_tool_that_asks_needs_an_answer_of_its_own() -> None:
    assert Played(answers=["yes", "no"]).tools(MAIL, MAIL) == [
        '{"sent": "yes"}',
        '{"sent": "no"}',
    ]
    with pytest.raises(RunInterrupted):
        Played(answers=["yes"]).tools(MAIL, MAIL)
