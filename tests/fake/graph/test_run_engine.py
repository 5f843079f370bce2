import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.fake.graph.checkpoint_store import History
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.script.model import (
    Custom,
    Delegate,
    Fail,
    Interrupt,
    Pause,
    Rule,
    Script,
    Speak,
    ToolCall,
    Update,
)
from mockserver.fake.threads.run_readers import build_outcome
from mockserver.formats import sse
from tests.fake.plays import IDS, events_of, play, run_request, script, stream
from tests.strategies import values

HELLO = script(Speak("Hello you!"))
HUMAN = {"type": "human", "content": "hi", "id": "1"}


def test_a_stream_is_byte_for_byte() -> None:
    assert stream(HELLO, run_request([HUMAN])).decode() == (
        'event: metadata\r\ndata: {"run_id":"RUN","attempt":1}\r\n\r\n'
        'event: values\r\ndata: {"messages":[{"content":"hi","additional_kwargs":{},'
        '"response_metadata":{},"type":"human","name":null,"id":"1"}]}\r\n\r\n'
        'event: values\r\ndata: {"messages":[{"content":"hi","additional_kwargs":{},'
        '"response_metadata":{},"type":"human","name":null,"id":"1"},'
        '{"content":"Hello you!","additional_kwargs":{},"response_metadata":{},"type":"ai","name":null,'
        '"id":"lc_run--019b76da-a800-7bb4-abf0-f5c9e3c1b9ed-0","tool_calls":[],"invalid_tool_calls":[],'
        '"usage_metadata":null}]}\r\n\r\n'
    )


def test_each_event_has_its_time() -> None:
    result = play(HELLO, run_request("hi", "messages-tuple"))

    assert [event.at for event in result.events] == [0, 1.0, 1.5, 2.0]
    assert result.end == 2.0


def test_a_stream_may_end_after_its_last_event() -> None:
    result = play(script(Speak("A."), Pause(6.0)), run_request("hi", "custom"))

    assert (result.events[-1].at, result.end) == (0, 7.5)


def test_a_resumable_stream_has_ids_in_order() -> None:
    request = run_request("hi", "messages-tuple", "custom", resumable=True)
    text = stream(script(Custom(1), Speak("Hello")), request, IdGenerator("seed", 2)).decode()

    assert [line for line in text.split("\r\n") if line.startswith("id")] == [
        "id: 1767225602000-0",
        "id: 1767225602000-1",
        "id: 1767225603000-0",
        "id: 1767225603500-0",
    ]


def waited(played: Script, *modes: str, **given: Any) -> Any:
    return json.loads(build_outcome(play(played, run_request([HUMAN], *modes, **given)).events))


def test_the_outcome_is_the_last_state() -> None:
    assert [one["content"] for one in waited(HELLO)["messages"]] == ["hi", "Hello you!"]


ASKED = {"value": "?", "id": "80b40e1ff7a32818336dc1194f98a92c", "response_schema": None}
ASKS = script(Speak("A."), Interrupt("?"), Speak("B."))


@pytest.mark.parametrize(
    ("modes", "given", "value"),
    [
        pytest.param(("updates",), {}, {"__interrupt__": [ASKED]}, id="updates"),
        pytest.param(("updates", "values"), {}, {"__interrupt__": [ASKED, ASKED]}, id="both"),
        pytest.param(("custom",), {}, {}, id="neither"),
        pytest.param(("values",), {"interrupt_before": "*"}, {"messages": [1]}, id="by request"),
    ],
)
def test_waiting_returns_the_interrupts(modes: tuple[str, ...], given: Any, value: Any) -> None:
    outcome = waited(ASKS, *modes, **given)
    if "messages" in value:
        outcome["messages"] = [1] * len(outcome["messages"])

    assert outcome == value


def test_waiting_returns_the_state_beside_the_interrupts() -> None:
    outcome = waited(ASKS, "values")

    assert list(outcome) == ["messages", "__interrupt__"]
    assert outcome["__interrupt__"] == [ASKED]


@pytest.mark.parametrize(
    ("played", "given", "error"),
    [
        pytest.param(
            script(Speak("A."), Fail("ValueError", "no")),
            {},
            {"error": "ValueError", "message": "no"},
            id="an error",
        ),
        pytest.param(
            HELLO,
            {"input": None},
            {"error": "EmptyInputError", "message": "Received no input for __start__"},
            id="no input",
        ),
    ],
)
def test_waiting_gives_the_error(played: Script, given: Any, error: Any) -> None:
    assert waited(played, **given) == {"__error__": error}


WEATHER = ToolCall("weather", {"city": "{message}"}, {"t": 1})
MAIL = ToolCall("mail", {}, "sent", "May I?")
SCRIPTS = [
    HELLO,
    Script(),
    script(Update({"n": 1}), Custom(1)),
    script(Speak("{message}", "Well.", (WEATHER, WEATHER)), Speak("It is cold.")),
    script(Speak("A."), Delegate((Speak("B.", calls=(WEATHER,)), Speak("C."))), Speak("D.")),
    script(Speak("A.", calls=(MAIL,)), Speak("B.")),
    ASKS,
    script(Speak("A."), Fail("OSError", "no")),
]
MODES = [
    *("values", "updates", "messages", "messages-tuple", "events", "debug", "tasks"),
    *("checkpoints", "custom"),
]
played = st.sampled_from(SCRIPTS)
modes = st.lists(st.sampled_from(MODES), min_size=1, max_size=3, unique=True).map(tuple)
known = st.sampled_from(["human", "ai", "tool", "system", "remove", "user"])
message = st.fixed_dictionaries(
    {"type": known, "content": values}, optional={"id": values, "tool_calls": values}
)
inputs = (
    values
    | st.dictionaries(st.text(max_size=5), values, max_size=2)
    | st.fixed_dictionaries({"messages": st.lists(message | values, max_size=4) | values})
)
runs = st.builds(
    lambda value, modes, **given: run_request(modes=modes, input=value, **given),
    inputs,
    modes,
    subgraphs=st.booleans(),
    resumable=st.booleans(),
    on_completion=st.sampled_from(["keep", "delete"]),
)


@given(played, runs)
def test_any_input_gives_a_whole_stream(script: Script, run: Any) -> None:
    result = play(script, run)
    blocks, rest = sse.split_blocks(stream(script, run))
    events = [dict(sse.decode(block, sse.CRLF).fields) for block in blocks]

    assert rest == b""
    assert events[0]["event"] == "metadata"
    assert all(set(event) - {"id"} == {"event", "data"} for event in events)
    for event in events:
        json.loads(event["data"])
    assert len({event["id"] for event in events}) == len(events) if run.resumable else True
    times = [event.at for event in result.events]
    assert times == sorted(times)
    assert result.end >= times[-1]


@given(played, runs)
def test_the_same_run_gives_the_same_bytes(script: Script, run: Any) -> None:
    assert stream(script, run, IdGenerator("a", 1)) == stream(script, run, IdGenerator("a", 1))


@given(played, runs)
def test_waiting_always_gives_an_object(script: Script, run: Any) -> None:
    assert isinstance(json.loads(build_outcome(play(script, run).events)), dict)


def test_a_command_takes_the_place_of_the_input() -> None:
    command = {"update": {"messages": ["again"]}, "goto": ["agent"]}

    told_values = [
        [message["content"] for message in data["messages"]]
        for _, data in events_of(HELLO, run_request(["unheard"], command=command))
    ]

    assert told_values == [["again", "again"], ["again", "again", "Hello you!"]]


def test_a_command_stands_in_the_events_as_it_is() -> None:
    (_, first), *_ = events_of(HELLO, run_request([], "events", command={"goto": "agent"}))

    assert first["data"] == {
        "input": {"graph": None, "update": None, "resume": None, "goto": ["agent"]}
    }


def test_a_script_that_says_nothing_to_it_is_noted() -> None:
    silent = Script((Rule((Speak("a"),), human=re.compile("never")),))

    assert play(silent, run_request([HUMAN])).note == (
        "no rule of the script matches, so the graph sends no message"
    )
    assert play(HELLO, run_request([HUMAN])).note is None


def test_another_script_is_played_from_then_on() -> None:
    runs = RunEngine(HELLO)
    runs.use_script(script(Speak("Something else.")))

    result = runs.play(run_request([HUMAN]), IDS, History())
    assert b"Something else." in result.events[-1].raw
