from typing import Any

import pytest

from mockserver.fake.graph.metadata import Scope
from mockserver.fake.graph.stream_modes import (
    StreamModes,
    parse_event_names,
    sends_updates_early,
)
from mockserver.fake.messages.message_json import Message, create_ai_message
from mockserver.fake.server_json import JsonText
from tests.fake.plays import IDS, Log, run_request

OUTER = Scope("R", (), (), "agent", 2, "T")
WITHIN = Scope("R", ("researcher:X",), (), "agent", 2, "T")


class ModesRecorder:
    """Modes, and the events they have sent."""

    def __init__(self, *modes: str, **given: Any) -> None:
        self._log = Log()
        self._log.now = 1.5
        self.modes = StreamModes(run_request("hi", *modes, **given), IDS, self._log)

    @property
    def events(self) -> list[tuple[str, Any]]:
        return self._log.shown


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
    modes.send("values", scope.namespace, {"n": 1})
    modes.send("updates", scope.namespace, {"agent": {"n": 1}})
    modes.send("custom", scope.namespace, 5)
    modes.send_task(scope, {})
    modes.send_result(scope, {})
    modes.send_checkpoint(scope.namespace, 1, {"saved": 1}, {"full": 1})
    modes.send_message(scope, create_ai_message("x", "1"), {})


def test_events_are_those_of_the_server() -> None:
    recorder = ModesRecorder("values", "updates", "custom", "checkpoints", "debug")
    recorder.modes.send("values", (), {"n": 1})
    recorder.modes.send("updates", (), {"agent": None})
    recorder.modes.send("custom", (), [5])
    recorder.modes.send_checkpoint((), 1, {"saved": 1}, {"full": 1})
    recorder.modes.send_error({"error": "ValueError", "message": "no"})

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
    recorder.modes.send_task(OUTER, {"n": 1})
    recorder.modes.send_result(OUTER, {"n": 2})
    recorder.modes.send_result(OUTER, None, error={"error": "ValueError"})
    recorder.modes.send_result(OUTER, None, interrupts=({"value": 1},))
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
    recorder.modes.send_result(OUTER, {})
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
    recorder.modes.send_interrupts((), {"n": 1}, interrupts)

    assert recorder.events == events


CHUNK, SO_FAR, NEW = (
    create_ai_message("b", "1"),
    create_ai_message("ab", "1"),
    create_ai_message("x", "2"),
)


def messages(modes: StreamModes, scope: Scope = OUTER) -> None:
    modes.mark_sent([create_ai_message("old", "0")])
    modes.send_message(scope, create_ai_message("old", "0"), {})
    for piece in (CHUNK, CHUNK):
        modes.send_token(scope, piece, lambda: SO_FAR, JsonText('{"m":1}'))
    for message in (SO_FAR, NEW, NEW):
        modes.send_message(scope, message, {"m": 2})


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


@pytest.mark.parametrize(
    ("modes", "subgraphs", "early"),
    [
        (["updates"], False, False),
        (["updates"], True, True),
        (["updates", "custom"], False, True),
        (["updates", "custom", "events"], True, False),
        (["updates", "custom", "messages"], False, False),
        (["updates", "messages-tuple"], True, False),
    ],
)
def test_updates_come_early_where_no_mode_shows_tokens(
    modes: list[str], subgraphs: bool, early: bool
) -> None:
    assert sends_updates_early(modes, subgraphs) is early


PARTIALS = ("messages", "messages/partial", "messages/complete", "messages/metadata")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", None),
        ("values", {"values"}),
        ('["values", 1]', {"values", "1"}),
        ("7", {"7"}),
        ("messages-tuple", {"messages-tuple", *PARTIALS}),
        ('["messages"]', set(PARTIALS)),
    ],
)
def test_the_query_selects_events_by_mode(text: str, names: set[str] | None) -> None:
    assert parse_event_names(text) == names
