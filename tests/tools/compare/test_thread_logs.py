"""Compare event streams: the logs of threads, not the connections."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mockserver.cassette.model import Body, Exchange, Policy
from mockserver.tools.compare import change_report
from mockserver.tools.compare.diff import ExchangePair, compare_sources
from tests.conversations.event_scenes import status, stream
from tests.conversations.scenes import made
from tests.tools.event_cassettes import INNER, below, cassette, conversation, tokens, turn

HI = conversation(1, "hi", turn(1, "hi", "Good day", ("Good", " day")))


def compared(
    before: list[Exchange], after: list[Exchange], *, exact: bool = False
) -> list[ExchangePair]:
    pairs = compare_sources(cassette(before), cassette(after), Policy(), exact=exact)
    return [pair for pair in pairs if pair.differs]


def lines(before: list[Exchange], after: list[Exchange]) -> list[str]:
    return [
        line
        for pair in compared(before, after)
        for changed in change_report.format_changes(pair.changes)
        for line in changed
    ]


def several(events: list[dict[str, Any]], number: int = 1) -> list[Exchange]:
    """Return *events* of a thread as three streams, the last of which came first and shows the beginning again."""
    begun, *streams = conversation(number, "hi", events)
    timed = [(1.0 + 0.2 * place, one) for place, one in enumerate(events)]
    thread = made(1, number)
    return [begun, *streams[::-1], stream(thread, 0.4, *timed[:5]), stream(thread, 9.0)]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(HI, id="the same"),
        pytest.param(conversation(2, "hi", turn(2, "hi", "Good day", ("Good", " day"))), id="other ids"),
        pytest.param(conversation(1, "hi", turn(1, "hi", "Good day", ("G", "ood", " d", "ay"))), id="other pieces"),
        pytest.param(several(turn(2, "hi", "Good day"), 2), id="other streams"),
    ],
)  # fmt: skip
def test_two_recordings_of_a_conversation_do_not_differ(other: list[Exchange]) -> None:
    assert compared(HI, other) == []
    assert compared(other, HI) == []


def test_a_changed_event_is_named() -> None:
    other = conversation(2, "hi", turn(2, "hi", "Good night", ("Good", " night")))

    assert lines(HI, other) == [
        "events[4] messages content-block-delta data.delta.text",
        '- "Good day"',
        '+ "Good night"',
        "events[7] values data.messages[1].content",
        '- "Good day"',
        '+ "Good night"',
    ]


def test_a_missing_and_a_new_event_are_named() -> None:
    events = turn(1, "hi", "Good day", ("Good", " day"))
    failed = status(8, made(2, 1), "failed", error="boom")
    other = conversation(1, "hi", [*events[:-1], failed])

    assert lines(HI, other) == [
        "events[8] lifecycle completed",
        '- {"event":"completed","graph_name":"agent"}',
        "events[8] lifecycle failed",
        '+ {"event":"failed","error":"boom"}',
    ]


def test_graphs_that_run_at_the_same_time_may_take_turns_in_another_way() -> None:
    first, second = (
        [below(one, INNER % number) for one in tokens(4, *texts)]
        for number, texts in ((1, ("a", "b")), (2, ("c", "d")))
    )
    begin, *_, end = turn(1, "hi", "")
    logs: list[list[dict[str, Any]]] = [
        [begin, first[0], second[0], second[1], first[1], end],
        [begin, first[0], first[1], second[0], second[1], end],
    ]
    numbered = [
        [{**one, "seq": seq, "event_id": str(seq)} for seq, one in enumerate(log, 1)]
        for log in logs
    ]
    one, other = (conversation(1, "hi", log) for log in numbered)
    changed = [below(event, INNER % 3) if event["seq"] == 5 else event for event in numbered[1]]

    assert compared(one, other) == []
    assert lines(other, conversation(1, "hi", changed)) == [
        "events[4] messages content-block-delta in inner data.delta.text",
        '- "cd"',
        '+ "c"',
        "events[5] messages content-block-delta in inner",
        '+ {"event":"content-block-delta","index":0,"delta":{"type":"text-delta","text":"d"}}',
    ]


def test_the_number_of_a_command_makes_no_difference() -> None:
    begun, *streams = HI
    body = {**json.loads(begun.request.body), "id": 7}
    answer = {"type": "success", "id": 7, "result": {"run_id": made(2, 1)}, "meta": {"x": 1}}
    renumbered = replace(
        begun,
        request=replace(begun.request, body=json.dumps(body).encode()),
        response=replace(begun.response, content=Body(json.dumps(answer).encode())),
    )

    assert compared(HI, [renumbered, *streams]) == []
    assert compared(HI, [renumbered, *streams], exact=True) != []


def test_a_thread_that_one_recording_lacks_is_a_difference() -> None:
    more = [*HI, *conversation(2, "bye", turn(2, "bye", "Bye"))]
    pairs = [(pair.request, pair.before, pair.after) for pair in compared(more, HI)]

    thread = f"/threads/{made(1, 2)}"
    assert pairs == [
        (f"POST {thread}/commands", 4, None),
        (f"POST {thread}/stream/events", 5, None),
    ]
    assert [(pair.before, pair.after) for pair in compared(HI, more)] == [(None, 4), (None, 5)]


def test_an_exact_comparison_is_one_of_connections() -> None:
    assert compared(HI, several(turn(1, "hi", "Good day", ("Good", " day"))), exact=True) != []


def test_threads_may_be_recorded_in_another_order() -> None:
    one, other = (
        conversation(number, text, turn(number, text, text))
        for number, text in ((1, "a"), (2, "b"))
    )

    assert compared([*one, *other], [*other, *one]) == []
    moved = [
        conversation(number, text, turn(number, text, text))
        for number, text in ((3, "b"), (4, "a"))
    ]
    assert compared([*one, *other], [*moved[0], *moved[1]]) == []
