"""Compare the events of a live server with recorded ones, and wait until they are as far."""

from typing import Any

import pytest

from mockserver.cassette.model import Exchange
from mockserver.conversations.recorded_events import join_streams
from mockserver.tools.compare.comparator import Comparator
from mockserver.tools.compare.stream_progress import (
    is_endless,
    measure,
    select_seen,
    split_subscriptions,
)
from mockserver.tools.compare.thread_logs import compare_live_logs, pair_ids_in_streams
from mockserver.tools.readable_events import starts_run
from tests.conversations.event_scenes import command, envelope, start, status, stream, values
from tests.conversations.scenes import exchange, made
from tests.tools.event_cassettes import conversation, said, tokens, turn

T = made(1, 1)
HI = turn(1, "hi", "Good day", ("Good", " day"))


def log(*events: dict[str, Any], selected: Any = None) -> Exchange:
    """Return a stream of *events*, one after each second."""
    timed = [(float(second), one) for second, one in enumerate(events, 1)]
    return stream(T, 0.0, *timed, **({"selected": selected} if selected else {}))


def found(
    before: list[dict[str, Any]], after: list[dict[str, Any]], *, exact: bool = False
) -> list[str]:
    return list(compare_live_logs([log(*before)], [log(*after)], Comparator(), values=exact))


def test_other_texts_in_other_pieces_are_the_same() -> None:
    assert found(HI, turn(2, "hi", "Good evening", ("G", "ood", " evening"))) == []


def test_other_texts_are_other_values() -> None:
    assert found(HI, turn(2, "hi", "Good evening"), exact=True) == [
        'events[4] messages content-block-delta data.delta.text - "Good day" + "Good evening"',
        'events[7] values data.messages[1].content - "Good day" + "Good evening"',
    ]


@pytest.mark.parametrize(
    "after, expected",
    [
        pytest.param([*HI[:-1], status(8, made(2, 1), "failed", error="x")], ["events of run 1 were … values, lifecycle completed, now … values, lifecycle failed"], id="another end"),
        pytest.param([HI[0], *HI[2:]], ["events of run 1 were lifecycle running, values, messages message-start, messages content-block-delta, messages message-finish …, now lifecycle running, messages message-start, messages content-block-delta, messages message-finish, values …"], id="less"),
        pytest.param([], ["events of run 1 were lifecycle running, values, messages message-start, messages content-block-delta …, now none"], id="nothing"),
        pytest.param([*HI[:6], envelope(7, "values", {"messages": 1}), HI[7]], ["values: messages was a list, now a number"], id="another field"),
    ],
)  # fmt: skip
def test_a_difference_is_named(after: list[dict[str, Any]], expected: list[str]) -> None:
    assert found(HI, after)[:1] == expected


def test_of_a_run_whose_end_was_not_recorded_only_the_beginning_counts() -> None:
    assert found(HI[:4], HI) == []
    assert found(HI[:4], HI, exact=True) == []
    assert found(HI, HI[:4]) != []


def test_runs_that_the_recording_does_not_show_do_not_count() -> None:
    assert found(HI, [*HI, status(9, made(2, 2), "running")]) == []


def test_tokens_are_one_step_of_a_run() -> None:
    recorded, live = (measure(join_streams([log(*each)])) for each in (HI[:5], HI[:4]))

    assert live.has_reached(recorded)
    assert not measure(join_streams([log(*HI[:3])])).has_reached(recorded)
    assert measure(join_streams([log(*HI)])).has_reached(recorded)


def test_what_follows_the_end_of_a_run_comes_after_its_last_mark() -> None:
    late = measure(join_streams([log(*HI, values(9))]))

    assert late.is_over
    assert not measure(join_streams([log(*HI)])).has_reached(late)
    assert measure(join_streams([log(*HI)])).has_reached(late.last_mark)


def test_what_a_client_had_seen_is_known_by_the_time_or_by_the_number_of_runs() -> None:
    first, second = HI, [{**one, "seq": one["seq"] + 8, "event_id": f"x{one['seq']}"} for one in HI]
    recorded = log(*first, *second)

    assert [one.seq for one in select_seen(recorded, 3.0, 9)] == [1, 2, 3]
    assert len(select_seen(recorded, None, 1)) == 8
    assert len(select_seen(recorded, None, 2)) == 16
    assert select_seen(recorded, None, 0) == []


def test_each_subscription_of_a_socket_is_a_stream() -> None:
    ends, texts = {"channels": ["lifecycle"]}, {"channels": ["messages"]}
    union = {"channels": ["lifecycle", "messages"], "subscriptions": [ends, texts]}
    recorded = log(*HI, selected=union)

    parts = split_subscriptions(recorded)

    assert [one.request.body for one in parts] == [
        b'{"channels":["lifecycle"]}',
        b'{"channels":["messages"]}',
    ]
    assert [[event.seq for event in join_streams([one])] for one in parts] == [[1, 8], [3, 4, 5, 6]]
    assert join_streams([parts[0]])[1].at == 8.0
    assert split_subscriptions(log(*HI)) == [log(*HI)]


def test_ids_of_events_are_paired() -> None:
    comparator = Comparator()
    asked = [envelope(2, "input.requested", {"interrupt_id": name * 32}) for name in "ab"]
    recorded, live = (
        [log(status(1, made(2, number), "running"), event)]
        for number, event in zip((1, 2), asked, strict=True)
    )
    pair_ids_in_streams(recorded, live, comparator)

    assert comparator.translate("a" * 32) == "b" * 32
    assert comparator.translate(made(2, 1)) == made(2, 2)


def test_a_stream_that_was_refused_ends() -> None:
    refused = exchange("POST", f"/threads/{T}/stream/events", {}, {"detail": "?"}, status=400)

    assert is_endless(log(*HI))
    assert not is_endless(refused)
    assert not is_endless(start(T, "hi", made(2, 1)))


def test_a_refused_command_starts_no_run() -> None:
    assert starts_run(start(T, "hi", made(2, 1)))
    assert not starts_run(command(T, "subscription.subscribe", {}, {}, None, 1))
    assert not starts_run(conversation(1, "hi", HI)[1])


def test_the_beginning_of_a_message_is_a_step() -> None:
    begun = [said(1, "message-start"), *tokens(2, "a", "b", "c"), said(5, "message-finish")]

    assert measure(join_streams([log(*begun)])).steps == 3
