"""A conversation over event streams as one timeline."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from mockserver.cassette.model import Exchange
from mockserver.tools.timeline import find_timelines
from tests.conversations.event_scenes import (
    command,
    envelope,
    respond,
    start,
    status,
    stream,
    values,
)
from tests.conversations.scenes import exchange, made
from tests.tools.event_cassettes import INNER, below, conversation, said, tokens, turn

T, RUN = made(1, 1), made(2, 1)
HELLO = values(1, ("human", "hi", "1"))


def lines(exchanges: Iterable[Exchange], *, whole: bool = False) -> list[str]:
    [timeline] = find_timelines(list(enumerate(exchanges, 1)), whole=whole)
    return [f"{one.name}: {one.text}" for one in timeline.entries]


def events(*found: dict[str, Any]) -> list[str]:
    """Return the timeline of a stream of these events."""
    return lines([stream(T, None, *((float(second), one) for second, one in enumerate(found, 1)))])


def test_the_streams_of_a_thread_and_its_requests_are_one_timeline() -> None:
    state = exchange("GET", f"/threads/{T}/state", None, {}, at=5.0)
    exchanges = [*conversation(1, "hi", turn(1, "hi", "Good day", ("Good", " day"))), state]
    other = exchange("GET", "/info", None, {})
    [timeline] = find_timelines(list(enumerate([other, *exchanges], 1)), whole=False)

    assert timeline.title == f"#2-#4 /threads/{T}, 2 event streams"
    assert timeline.numbers == (2, 3, 4)
    assert [(one.at, one.name, one.text) for one in timeline.entries] == [
        (0.0, "> run.start", '"hi" (#2)'),
        (pytest.approx(1.2), "lifecycle running", "agent"),
        (pytest.approx(1.3), "values", '1 message, the last one human "hi"'),
        (pytest.approx(1.4), "messages", 'ai "Good day"'),
        (pytest.approx(1.8), "values", '2 messages, the last one ai "Good day"'),
        (pytest.approx(1.9), "lifecycle completed", "agent"),
        (5.0, "> GET /state", "200 (#5)"),
    ]


def test_without_times_a_command_is_before_its_run() -> None:
    run = [status(1, RUN, "running"), status(2, RUN, "interrupted")]
    again = [status(3, made(2, 2), "running"), status(4, made(2, 2), "completed")]
    timed = [(float(second), one) for second, one in enumerate([*run, *again])]
    exchanges = [
        start(T, "hi", RUN),
        stream(T, None, *timed),
        respond(T, "i" * 32),
        start(T, "more", made(2, 3), number=3),
    ]

    assert [line.partition(":")[0] for line in lines(exchanges)] == [
        "> run.start",
        "lifecycle running",
        "lifecycle interrupted",
        "> input.respond",
        "lifecycle running",
        "lifecycle completed",
        "> run.start",
    ]


def test_messages_of_two_graphs_are_told_apart() -> None:
    inner, other = INNER % 1, INNER % 2
    both = [
        said(1, "message-start", role="ai"),
        below(said(2, "message-start", role="ai"), inner),
        *tokens(3, "a"),
        below(tokens(4, "x")[0], inner),
        *tokens(5, "b"),
        below(tokens(6, "y")[0], inner, other),
        below(tokens(7, "z")[0], inner),
        said(8, "message-finish"),
    ]

    assert events(*both) == [
        'messages: ai "ab"',
        'messages in inner:01a20005: ai "xz" (unfinished)',
        'messages in inner:01a20005/inner:01a20005: ai "y" (unfinished)',
    ]


@pytest.mark.parametrize(
    "event, expected",
    [
        pytest.param(envelope(1, "input.requested", {"interrupt_id": "i", "payload": "?"}), 'input.requested: {"interrupt_id":"i","payload":"?"}', id="an interrupt"),
        pytest.param(status(1, RUN, "failed", graph_name="agent", error="boom"), "lifecycle failed: agent boom", id="a failed run"),
        pytest.param(envelope(1, "tools", {"event": "tool-started", "tool_call_id": "c", "tool_name": "search", "input": {"q": 1}}), 'tools tool-started: search {"q":1}', id="a tool"),
        pytest.param(envelope(1, "tools", {"event": "tool-finished", "tool_call_id": "c", "output": {"content": "Rain."}}), 'tools tool-finished: "Rain."', id="the output of a tool"),
        pytest.param(envelope(1, "values", {"messages": [], "n": 1}), 'values: {"messages":[],"n":1}', id="a state without messages"),
        pytest.param(envelope(1, "custom", [1, "x"]), 'custom: [1,"x"]', id="another event"),
        pytest.param(envelope(1, "custom", "x" * 500), f'custom: "{"x" * 159}…', id="a long one"),
        pytest.param(said(1, "content-block-finish", index=0, content={"type": "reasoning", "reasoning": "Why?"}), 'messages: ai reasoning "Why?" (unfinished)', id="reasoning"),
        pytest.param(said(1, "content-block-finish", index=1, content={"type": "tool_call", "id": "c", "name": "search", "args": {"q": 1}}), 'messages: ai search {"q":1} (unfinished)', id="a tool call"),
        pytest.param(said(1, "content-block-finish", index=1, content={"type": "image"}), 'messages: ai {"type":"image"} (unfinished)', id="another block"),
        pytest.param(values(1, ("human", "a", "1"), ("ai", "b", "2")), 'values: 2 messages, the last one ai "b"', id="a state"),
    ],
)  # fmt: skip
def test_an_event_says_what_happened(event: dict[str, Any], expected: str) -> None:
    assert events(event) == [expected]


def test_commands_say_what_they_ask_for() -> None:
    refused = command(T, "agent.getTree", {"a": 1}, {}, None, 4)
    answer = exchange(
        "POST",
        refused.request.path,
        {"id": 4, "method": "agent.getTree", "params": {"a": 1}},
        {"type": "error", "id": 4, "error": "no_such_run", "message": "No run."},
    )
    broken = replace(refused, request=replace(refused.request, body=b"{"))

    assert lines([stream(T, None), respond(T, "i" * 32), answer, broken]) == [
        '> input.respond: "yes" (#2)',
        '> agent.getTree: {"a":1} refused: No run. (#3)',
        "> POST /commands: 200 (#4)",
    ]


def test_the_whole_text_is_shown_on_request() -> None:
    state = values(1, ("ai", "x" * 500, "1"))

    assert lines([stream(T, None, (0.0, state))], whole=True) == [
        f'values: {{"messages":[{{"type":"ai","content":"{"x" * 500}","id":"1"}}]}}'
    ]


def test_without_event_streams_there_is_no_timeline() -> None:
    assert find_timelines([(1, start(T, "hi", RUN))], whole=False) == []


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(stream(T, None, (0.0, {"method": "x", "seq": 1})), id="another event"),
        pytest.param(stream(T, None, (0.0, HELLO), selected={}), id="no filter"),
    ],
)
def test_what_no_timeline_can_show_is_in_none(odd: Exchange) -> None:
    assert find_timelines([(1, odd)], whole=False) == []
