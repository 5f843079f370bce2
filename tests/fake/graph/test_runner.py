import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.fake.graph.runner import RunEngine
from mockserver.fake.ids import Ids
from mockserver.fake.replies import ScheduledBody
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
from mockserver.formats import sse
from tests.fake.plays import IDS, body, events_of, run_request, script, timed
from tests.strategies import values

HELLO = script(Speak("Hello you!"))
HUMAN = {"type": "human", "content": "hi", "id": "1"}


def test_a_stream_is_byte_for_byte() -> None:
    answer = RunEngine(HELLO).stream(run_request([HUMAN], "values", "messages"), IDS)

    assert answer.status == 200
    assert answer.headers == (
        ("location", "/runs/RUN/stream"),
        ("content-location", "/runs/RUN"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("content-type", "text/event-stream; charset=utf-8"),
    )
    assert body(RunEngine(HELLO).stream(run_request([HUMAN]), IDS)).decode() == (
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
    stream = timed(RunEngine(HELLO).stream(run_request("hi", "messages-tuple"), IDS))

    assert [at for at, _ in stream.steps] == [0, 1.0, 1.5, 2.0]
    assert (stream.end, stream.keepalive) == (2.0, b": heartbeat\r\n\r\n")


def test_a_stream_may_end_after_its_last_event() -> None:
    stream = timed(
        RunEngine(script(Speak("A."), Pause(6.0))).stream(run_request("hi", "custom"), IDS)
    )

    assert (stream.steps[-1][0], stream.end) == (0, 7.5)


def test_a_resumable_stream_has_ids_in_order() -> None:
    request = run_request("hi", "messages-tuple", "custom", resumable=True)
    stream = body(RunEngine(script(Custom(1), Speak("Hello"))).stream(request, Ids("seed", 2)))

    assert [line for line in stream.decode().split("\r\n") if line.startswith("id")] == [
        "id: 1767225602000-0",
        "id: 1767225602000-1",
        "id: 1767225603000-0",
        "id: 1767225603500-0",
    ]


def waited(played: Script, *modes: str, **given: Any) -> Any:
    return json.loads(body(RunEngine(played).wait(run_request([HUMAN], *modes, **given), IDS)))


def test_waiting_gives_the_last_state() -> None:
    answer = RunEngine(HELLO).wait(run_request([HUMAN]), IDS)

    assert answer.headers == (
        ("location", "/threads/THREAD/runs/RUN/join"),
        ("content-location", "/threads/THREAD/runs/RUN"),
        ("content-type", "application/json"),
    )
    assert [one["content"] for one in waited(HELLO)["messages"]] == ["hi", "Hello you!"]


def test_waiting_takes_its_time() -> None:
    answer = timed(RunEngine(HELLO).wait(run_request([HUMAN]), IDS))
    [(at, _)] = answer.steps

    assert (at, answer.end, answer.keepalive) == (2.0, 2.0, b"\n")


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
    stream = timed(RunEngine(script).stream(run, IDS))
    blocks, rest = sse.split_blocks(body(RunEngine(script).stream(run, IDS)))
    events = [dict(sse.decode(block, sse.CRLF).fields) for block in blocks]

    assert rest == b""
    assert events[0]["event"] == "metadata"
    assert all(set(event) - {"id"} == {"event", "data"} for event in events)
    for event in events:
        json.loads(event["data"])
    assert len({event["id"] for event in events}) == len(events) if run.resumable else True
    times = [at for at, _ in stream.steps]
    assert times == sorted(times)
    assert stream.end >= times[-1]


@given(played, runs)
def test_the_same_run_gives_the_same_bytes(script: Script, run: Any) -> None:
    assert RunEngine(script).stream(run, Ids("a", 1)) == RunEngine(script).stream(run, Ids("a", 1))
    assert RunEngine(script).wait(run, Ids("a", 1)) == RunEngine(script).wait(run, Ids("a", 1))


@given(played, runs)
def test_waiting_always_gives_an_object(script: Script, run: Any) -> None:
    answer = RunEngine(script).wait(run, IDS)

    assert isinstance(answer.body, ScheduledBody)
    assert isinstance(json.loads(body(answer)), dict)


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


def test_a_delayed_run_begins_later() -> None:
    request = run_request(["hi"], delay=3.0)

    assert timed(RunEngine(HELLO).stream(request, IDS)).steps[0][0] == 3.0
    assert timed(RunEngine(HELLO).wait(request, IDS)).end > 3.0


def test_a_script_that_says_nothing_to_it_is_noted() -> None:
    silent = Script((Rule((Speak("a"),), human=re.compile("never")),))

    assert RunEngine(silent).wait(run_request([HUMAN]), IDS).note == (
        "no rule of the script matches, so the graph sends no message"
    )
    assert RunEngine(HELLO).wait(run_request([HUMAN]), IDS).note is None


def test_another_script_is_played_from_then_on() -> None:
    runs = RunEngine(HELLO)
    runs.use_script(script(Speak("Something else.")))

    assert b"Something else." in body(runs.wait(run_request([HUMAN]), IDS))
