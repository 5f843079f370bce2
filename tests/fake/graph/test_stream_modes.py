import json
from typing import Any

import pytest

from mockserver.fake.graph.metadata import Scope
from mockserver.fake.graph.stream_modes import StreamModes
from mockserver.fake.json_format import JsonText
from mockserver.fake.messages.model import Message, ai
from tests.fake.plays import IDS, run_request

OUTER = Scope("R", (), (), "agent", 2, "T")
WITHIN = Scope("R", ("researcher:X",), (), "agent", 2, "T")


class ModesRecorder:
    """Modes, and the events they have sent."""

    def __init__(self, *modes: str, **given: Any) -> None:
        self.events: list[tuple[str, Any]] = []
        self.modes = StreamModes(run_request("hi", *modes, **given), IDS, self.emit, lambda: 1.5)

    def emit(self, name: str, value: Any) -> None:
        self.events.append((name, json.loads(value.text) if isinstance(value, JsonText) else value))


ALL = ("values", "updates", "custom", "tasks", "debug", "checkpoints", "messages")


@pytest.mark.parametrize("mode", ALL)
def test_a_mode_that_was_not_requested_sends_nothing(mode: str) -> None:
    recorder = ModesRecorder(*{*ALL} - {mode})
    everything(recorder.modes, OUTER)

    assert mode not in {name.partition("/")[0] for name, _ in recorder.events}
    assert recorder.events


@pytest.mark.parametrize("mode", [mode for mode in ALL if mode != "messages"])
def test_a_subgraph_is_streamed_on_request(mode: str) -> None:
    quiet, loud = ModesRecorder(mode), ModesRecorder(mode, subgraphs=True)
    everything(quiet.modes, WITHIN)
    everything(loud.modes, WITHIN)

    assert quiet.events == []
    assert {name for name, _ in loud.events} == {f"{mode}|researcher:X"}


def everything(modes: StreamModes, scope: Scope) -> None:
    modes.values(scope.namespace, {"n": 1})
    modes.updates(scope.namespace, "agent", {"n": 1})
    modes.custom(scope.namespace, 5)
    modes.task(scope, {})
    modes.result(scope, {})
    modes.checkpoint(scope.namespace, 1, {"saved": 1}, {"full": 1})
    modes.message(scope, ai("x", "1"), {})


def test_events_are_those_of_the_server() -> None:
    recorder = ModesRecorder("values", "updates", "custom", "checkpoints", "debug")
    recorder.modes.values((), {"n": 1})
    recorder.modes.updates((), "agent", None)
    recorder.modes.custom((), [5])
    recorder.modes.checkpoint((), 1, {"saved": 1}, {"full": 1})
    recorder.modes.error({"error": "ValueError", "message": "no"})

    assert recorder.events == [
        ("values", {"n": 1}),
        ("updates", {"agent": None}),
        ("custom", [5]),
        ("checkpoints", {"saved": 1}),
        (
            "debug",
            {
                "step": 1,
                "timestamp": "2026-01-01T00:00:01.500000+00:00",
                "type": "checkpoint",
                "payload": {"full": 1},
            },
        ),
        ("error", {"error": "ValueError", "message": "no"}),
    ]


def test_a_task_has_an_event_at_its_start_and_its_end() -> None:
    recorder = ModesRecorder("tasks")
    recorder.modes.task(OUTER, {"n": 1})
    recorder.modes.result(OUTER, {"n": 2})
    recorder.modes.result(OUTER, None, error={"error": "ValueError"})
    recorder.modes.result(OUTER, None, interrupts=({"value": 1},))
    begun, *ended = [value for _, value in recorder.events]

    assert {**begun, "metadata": None} == {
        "id": "T",
        "name": "agent",
        "input": {"n": 1},
        "triggers": ["branch:to:agent"],
        "metadata": None,
    }
    of_task: dict[str, Any] = {
        "id": "T",
        "name": "agent",
        "error": None,
        "result": {},
        "interrupts": [],
    }
    assert ended == [
        of_task | {"result": {"n": 2}},
        of_task | {"error": {"error": "ValueError"}},
        of_task | {"interrupts": [{"value": 1}]},
    ]


def test_debug_holds_a_task_and_its_step() -> None:
    recorder = ModesRecorder("debug", "tasks")
    recorder.modes.result(OUTER, {})
    (_, payload), (_, debug) = recorder.events

    assert debug == {
        "step": 2,
        "timestamp": "2026-01-01T00:00:01.500000+00:00",
        "type": "task_result",
        "payload": payload,
    }


@pytest.mark.parametrize(
    ("interrupts", "events"),
    [
        pytest.param((), [("updates", {"__interrupt__": []})], id="as the request wants it"),
        pytest.param(
            ({"value": 1},),
            [
                ("updates", {"__interrupt__": [{"value": 1}]}),
                ("values", {"n": 1, "__interrupt__": [{"value": 1}]}),
            ],
            id="as the script wants it",
        ),
    ],
)
def test_a_stop_is_streamed(interrupts: Any, events: Any) -> None:
    recorder = ModesRecorder("updates", "values")
    recorder.modes.interrupted((), {"n": 1}, interrupts)

    assert recorder.events == events


CHUNK, SO_FAR, NEW = ai("b", "1"), ai("ab", "1"), ai("x", "2")


def messages(modes: StreamModes, scope: Scope = OUTER) -> None:
    modes.mark_sent([ai("old", "0")])
    modes.message(scope, ai("old", "0"), {})
    for piece in (CHUNK, CHUNK):
        modes.token(scope, piece, lambda: SO_FAR, JsonText('{"m":1}'))
    for message in (SO_FAR, NEW, NEW):
        modes.message(scope, message, {"m": 2})


@pytest.mark.parametrize(
    ("modes", "events"),
    [
        pytest.param(("values",), [], id="neither"),
        pytest.param(
            ("messages",),
            [
                ("messages/metadata", {"1": {"metadata": {"m": 1}}}),
                ("messages/partial", [SO_FAR]),
                ("messages/partial", [SO_FAR]),
                ("messages/metadata", {"2": {"metadata": {"m": 2}}}),
                ("messages/complete", [NEW]),
            ],
            id="messages",
        ),
        pytest.param(
            ("messages-tuple",),
            [
                ("messages", [CHUNK, {"m": 1}]),
                ("messages", [CHUNK, {"m": 1}]),
                ("messages", [NEW, {"m": 2}]),
            ],
            id="messages-tuple",
        ),
        pytest.param(
            ("messages", "messages-tuple"),
            [
                ("messages", [CHUNK, {"m": 1}]),
                ("messages", [CHUNK, {"m": 1}]),
                ("messages", [NEW, {"m": 2}]),
            ],
            id="both",
        ),
    ],
)
def test_each_message_is_streamed_once_token_by_token_or_whole(
    modes: tuple[str, ...], events: list[tuple[str, list[Message]]]
) -> None:
    recorder = ModesRecorder(*modes)
    messages(recorder.modes)

    assert recorder.events == events


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        pytest.param("messages-tuple", {"messages|researcher:X"}, id="messages-tuple"),
        pytest.param(
            "messages",
            {"messages/metadata", "messages/partial", "messages/complete"},
            id="messages has no names for graphs within",
        ),
    ],
)
def test_messages_of_a_subgraph_are_streamed_on_request(mode: str, names: set[str]) -> None:
    quiet, loud = ModesRecorder(mode), ModesRecorder(mode, subgraphs=True)
    messages(quiet.modes, WITHIN)
    messages(loud.modes, WITHIN)

    assert quiet.events == []
    assert {name for name, _ in loud.events} == names


@pytest.mark.parametrize(
    ("modes", "subgraphs", "streams", "hurries"),
    [
        pytest.param(("values",), False, False, False, id="values"),
        pytest.param(("values",), True, False, True, id="with subgraphs"),
        pytest.param(("custom", "values"), False, False, True, id="custom"),
        pytest.param(("messages", "custom"), True, True, False, id="messages"),
        pytest.param(("messages-tuple",), False, True, False, id="messages-tuple"),
        pytest.param(("values", "events"), False, True, False, id="events"),
    ],
)
def test_the_model_streams_where_somebody_listens(
    modes: tuple[str, ...], subgraphs: bool, streams: bool, hurries: bool
) -> None:
    recorder = ModesRecorder(*modes, subgraphs=subgraphs)

    assert (recorder.modes.streams_tokens, recorder.modes.sends_updates_early) == (streams, hurries)
