"""The events of a recorded thread: one log of many streams, cut by turns."""

from dataclasses import replace
from typing import Any

import pytest

from mockserver.cassette.model import Exchange
from mockserver.conversations.recorded_events import RecordedEvents
from tests.conversations.event_scenes import (
    ALL,
    command,
    envelope,
    respond,
    start,
    status,
    statuses,
    stream,
    values,
)
from tests.conversations.scenes import exchange, index_conversations, made

T = made(1, 1)
R1, R2, R3 = (made(2, number) for number in (1, 2, 3))
ASKED = envelope(3, "input.requested", {"interrupt_id": "i" * 32, "payload": "?"})


def events_of(*exchanges: Exchange) -> RecordedEvents:
    [conversation] = index_conversations(exchanges).all
    return conversation.events


def shown(recorded: RecordedEvents) -> dict[int, list[int]]:
    """Return the numbers of the events by turn."""
    return {
        progress: [one.seq for one in turn_events.events]
        for progress, turn_events in recorded.by_turn.items()
    }


def test_streams_of_a_thread_are_one_log() -> None:
    first = (0.5, status(1, R1, "running")), (2.0, status(4, R1, "completed"))
    second = (0.1, status(1, R1, "running")), (0.1, values(2)), (0.2, values(3))
    recorded = events_of(
        start(T, "hi", R1, at=0.0), stream(T, 0.2, *first), stream(T, 1.0, *second)
    )

    assert shown(recorded) == {1: [1, 2, 3, 4]}
    assert [one.at for one in recorded.by_turn[1].events] == pytest.approx([0.6, 1.0, 1.1, 2.1])
    assert recorded.by_turn[1].seconds == pytest.approx(2.1)


def test_the_copy_with_the_error_of_a_run_is_kept() -> None:
    failed = status(2, R1, "failed")
    whole = status(2, R1, "failed", error="boom")
    for order in ((failed, whole), (whole, failed)):
        streams = [stream(T, 1.0, (1.0, one)) for one in order]
        [event] = events_of(start(T, "hi", R1, at=0.0), *streams).by_turn[1].events

        assert event.event.params["data"]["error"] == "boom"
        assert event.at == pytest.approx(1.9)


TWO_RUNS = (
    (0.1, status(1, R1, "running")),
    (0.2, status(2, R1, "completed")),
    (5.1, status(3, R2, "running")),
    (5.2, status(4, R2, "completed")),
)


def test_each_turn_has_its_run() -> None:
    recorded = events_of(
        start(T, "hi", R1, at=0.0), stream(T, 0.1, *TWO_RUNS), start(T, "more", R2, at=5.0)
    )

    assert shown(recorded) == {1: [1, 2], 2: [3, 4]}
    assert recorded.by_turn[2].events[0].at == pytest.approx(0.1)


def test_runs_from_before_the_recording_come_first() -> None:
    recorded = events_of(stream(T, 0.1, *TWO_RUNS), start(T, "more", R2, at=5.0))

    assert shown(recorded) == {0: [1, 2], 1: [3, 4]}


def test_a_run_that_never_started_has_no_events() -> None:
    recorded = events_of(
        start(T, "hi", R1), start(T, "dropped", R3), start(T, "more", R2), stream(T, 1.0, *TWO_RUNS)
    )

    assert shown(recorded) == {1: [1, 2], 3: [3, 4]}


ANSWERED = (
    (0.1, status(1, R1, "running")),
    (0.2, ASKED),
    (0.2, status(4, R1, "interrupted")),
    (3.1, status(5, R2, "running")),
    (3.2, status(6, R2, "completed")),
)


@pytest.mark.parametrize(
    ("exchanges", "turns"),
    [
        pytest.param([start(T, "ask", R1)], {1: [1, 3, 4, 5, 6]}, id="not answered"),
        pytest.param(
            [start(T, "ask", R1), respond(T, "i" * 32)], {1: [1, 3, 4], 2: [5, 6]}, id="answered"
        ),
        pytest.param([respond(T, "i" * 32)], {0: [1, 3, 4], 1: [5, 6]}, id="asked before"),
        pytest.param(
            [
                respond(T, "i" * 32),
                command(T, "agent.getTree", {}, {}, None, 4),
                exchange(
                    "POST",
                    f"/threads/{T}/commands",
                    {"id": 5, "method": "run.start", "params": {}},
                    {"type": "error", "id": 5, "error": "invalid_argument", "message": "no"},
                ),
            ],
            {0: [1, 3, 4], 1: [5, 6]},
            id="what starts no run is no turn",
        ),
    ],
)
def test_an_answer_to_an_interrupt_is_a_turn_without_the_name_of_its_run(
    exchanges: list[Exchange], turns: dict[int, list[int]]
) -> None:
    recorded = events_of(*exchanges, stream(T, None, *ANSWERED))

    assert shown(recorded) == turns
    assert all(turn_events.waits_at is None for turn_events in recorded.by_turn.values())


def test_where_events_name_no_run_the_order_decides() -> None:
    def javascript(seq: int, name: str) -> dict[str, Any]:
        return envelope(seq, "lifecycle", {"event": name}, str(seq))

    events = [
        (float(seq), javascript(seq, name))
        for seq, name in enumerate(("running", "completed") * 3, 1)
    ]
    recorded = events_of(stream(T, None, *events), start(T, "hi", R1), start(T, "more", R2))

    assert shown(recorded) == {0: [1, 2], 1: [3, 4], 2: [5, 6]}


STOPPED = (
    (0.5, status(1, R1, "running")),
    (0.6, values(2)),
    (2.6, status(3, R1, "interrupted")),
    (2.7, values(4)),
)


def test_what_a_cancellation_caused_waits_for_it() -> None:
    cancel = exchange("POST", f"/threads/{T}/runs/{R1}/cancel", None, "", status=202, at=2.5)
    recorded = events_of(start(T, "long", R1, at=0.0), stream(T, 0.0, *STOPPED), cancel)
    turn_events = recorded.by_turn[1]

    assert turn_events.waits_at == 2
    assert [one.at for one in turn_events.events] == pytest.approx([0.4, 0.5, 0.1, 0.2])


def test_what_the_next_turn_caused_waits_for_it() -> None:
    recorded = events_of(
        start(T, "long", R1, at=0.0), stream(T, 0.0, *STOPPED), start(T, "hi", R2, at=2.5)
    )

    assert recorded.by_turn[1].waits_at == 2


def test_a_run_that_was_interrupted_before_the_next_turn_does_not_wait_for_it() -> None:
    recorded = events_of(
        start(T, "long", R1, at=0.0), stream(T, 0.0, *STOPPED), start(T, "hi", R2, at=9.0)
    )

    assert recorded.by_turn[1].waits_at is None


def test_refused_streams_and_other_events_do_not_count() -> None:
    odd = stream(T, 0.0, (0.1, {"method": "values", "seq": 1}))
    refused = stream(T, 0.0, (0.1, values(9)), code=400)
    invalid = stream(T, 0.0, (0.1, values(9)), selected={"channels": []})
    recorded = events_of(start(T, "hi", R1), odd, refused, invalid)

    assert recorded.by_turn == {}
    assert [one.to_json() for one in recorded.filters] == [{"channels": sorted(ALL["channels"])}]


def test_events_that_say_the_same_have_the_same_digest() -> None:
    def digest(run: str, text: str, at: float) -> bytes:
        message = ("ai", text, f"lc_run--{run}")
        events = (at, status(1, run, "running")), (at, values(2, message))
        return events_of(start(T, "hi", run), stream(T, None, *events)).by_turn[1].digest

    assert digest(R1, "hello", 1.0) == digest(R2, "hello", 2.0) != digest(R1, "bye", 1.0)
    assert statuses(events_of(start(T, "hi", R1), stream(T, 0.0, *STOPPED)).by_turn[1].events)


def test_events_that_later_streams_do_not_show_are_not_lasting() -> None:
    """The server shows a run that no command has started only to the streams that are open."""
    runs = exchange("POST", f"/threads/{T}/runs", {"assistant_id": "agent"}, {"run_id": R1}, at=0.0)
    headers = (("content-location", f"/threads/{T}/runs/{R1}"),)
    rest = replace(runs, response=replace(runs.response, headers=headers))
    first = [status(1, R1, "running"), values(2), status(3, R1, "completed")]
    second = [status(4, R2, "running"), status(5, R2, "completed")]
    wide = stream(T, 0.0, *((1.0, one) for one in first), *((4.0, one) for one in second))
    later = stream(T, 2.0, (2.0, status(1, R2, "running")), (2.0, status(2, R2, "completed")))
    recorded = events_of(rest, wide, start(T, "hi", R2, at=3.0), later)

    assert shown(recorded) == {1: [1, 2, 3], 2: [4, 5]}
    assert [one.lasting for one in recorded.by_turn[1].events] == [False] * 3
    assert [one.lasting for one in recorded.by_turn[2].events] == [True] * 2
    assert recorded.by_turn[1].seconds == pytest.approx(1.0)


def test_a_stream_that_shows_nothing_later_hides_nothing() -> None:
    """It was closed before its first event."""
    first = stream(T, 0.0, (1.0, status(1, R1, "running")), (1.0, status(2, R1, "completed")))
    recorded = events_of(start(T, "hi", R1, at=0.0), first, stream(T, 2.0))

    assert [one.lasting for one in recorded.by_turn[1].events] == [True] * 2
