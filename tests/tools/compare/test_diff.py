"""Compare two recordings: matching exchanges, changes, and the ids and times that are ignored."""

from typing import Any

import pytest

from mockserver.cassette.model import Policy
from mockserver.tools.cassette_source import parse_source
from mockserver.tools.compare import change_report
from mockserver.tools.compare.alignment import align, align_events
from mockserver.tools.compare.comparator import Comparator
from mockserver.tools.compare.diff import ExchangePair, compare_sources
from tests.tools.cassettes import HEALTHY, edited

ONE, TWO, THREE = (f"1f000000-0000-4000-8000-00000000000{n}" for n in "123")


def compared(before: str, after: str, *, exact: bool = False) -> list[ExchangePair]:
    one, other = (parse_source("chat.yaml", text.encode()) for text in (before, after))
    return [pair for pair in compare_sources(one, other, Policy(), exact=exact) if pair.differs]


def lines(before: str, after: str, *, exact: bool = False) -> list[str]:
    return [
        line
        for pair in compared(before, after, exact=exact)
        for path, *values in change_report.format_changes(pair.changes)
        for line in (path, *(f"  {value}" for value in values))
    ]


def test_a_recording_does_not_differ_from_itself() -> None:
    assert compared(HEALTHY, HEALTHY) == []
    assert compared(HEALTHY, HEALTHY, exact=True) == []


@pytest.mark.parametrize(
    "edit, expected",
    [
        pytest.param(("status: 200", "status: 500"), ["status", "  - 200", "  + 500"], id="a status"),
        pytest.param(('"Hello!"', '"Hi!"'), ["events[2] updates agent.messages[0].content", '  - "Hello!"', '  + "Hi!"'], id="a value in an event"),
        pytest.param(('"attempt":1', '"attempt":1,"new":[]'), ["events[0] metadata new", "  + []"], id="a new field"),
        pytest.param((',"attempt":1', ""), ["events[0] metadata attempt", "  - 1"], id="a field that is gone"),
        pytest.param(('"attempt":1', '"attempt":"1"'), ["events[0] metadata attempt", "  - 1", '  + "1"'], id="another type"),
        pytest.param(('"attempt":1', '"attempt":true'), ["events[0] metadata attempt", "  - 1", "  + true"], id="true is not 1"),
        pytest.param(("content-type: application/json", "content-type: text/plain"), ["headers.content-type", '  - "application/json"', '  + "text/plain"'], id="a header"),
        pytest.param(("    version: 0.16.7", "    version: 0.17.0"), ["body.version", '  - "0.16.7"', '  + "0.17.0"'], id="a body"),
        pytest.param(("how: closed", "how: cut"), ["end", '  - "closed"', '  + "cut"'], id="an end"),
        pytest.param(("  end: {after: 0.002", "  tail: x\n  end: {after: 0.002"), ["tail", '  - ""', '  + "x"'], id="a tail"),
        pytest.param(("    event: updates", "    event: values"), ['events[2] updates', '  - {"agent":{"messages":[{"content":"Hello!","type":"ai"}]}}', "events[2] values", '  + {"agent":{"messages":[{"content":"Hello!","type":"ai"}]}}'], id="an event's name"),
    ],
)  # fmt: skip
def test_a_change_is_reported_with_its_path(edit: tuple[str, str], expected: list[str]) -> None:
    assert lines(HEALTHY, edited(edit)) == expected


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("after: 0.912", "after: 3"), id="a time between"),
        pytest.param(("  - after: 4.088\n    comment: heartbeat\n", ""), id="a heartbeat"),
    ],
)
def test_times_are_ignored_unless_exact(edit: tuple[str, str]) -> None:
    assert compared(HEALTHY, edited(edit)) == []
    assert compared(HEALTHY, edited(edit), exact=True) != []


def test_consistently_renamed_ids_are_ignored() -> None:
    text = HEALTHY.replace("01a203e6-f289-748b-b15d-124a4b30ec1b", ONE)

    assert compared(HEALTHY, text) == []
    assert lines(HEALTHY, text, exact=True)[:3] == [
        "headers.location",
        '  - "/runs/01a203e6-f289-748b-b15d-124a4b30ec1b/stream"',
        f'  + "/runs/{ONE}/stream"',
    ]


def test_an_id_with_two_partners_is_a_change() -> None:
    text = edited(('{"run_id":"01a203e6-f289-748b-b15d-124a4b30ec1b"', f'{{"run_id":"{ONE}"'))

    assert lines(HEALTHY, text) == [
        "events[0] metadata run_id",
        '  - "01a203e6-f289-748b-b15d-124a4b30ec1b"',
        f'  + "{ONE}"',
    ]


def threads(*ids: str) -> str:
    """Return a recording of several conversations on threads of these *ids*, one after the other."""
    made = "".join(
        f"---\nrequest: {{path: /threads, body: {{}}}}\nresponse: {{body: {{thread_id: {one}}}}}\n"
        for one in ids
    )
    exchanges = "".join(
        f"---\nrequest: {{path: /threads/{one}/runs/wait, body: {{assistant_id: agent}}}}\n"
        f"response: {{body: {{thread: {number}}}}}\n"
        for number, one in enumerate(ids)
    )
    return f"mockserver: 1\n{made}{exchanges}"


def test_requests_with_paired_ids_match() -> None:
    before, after = threads(ONE, TWO), threads(TWO, THREE)

    assert compared(before, after) == []


def test_exchanges_match_in_any_order() -> None:
    parts = HEALTHY.split("---\n")
    moved = "---\n".join([parts[0], parts[3], parts[1], parts[2]])

    assert compared(HEALTHY, moved) == []


def test_a_missing_exchange_is_reported() -> None:
    less = HEALTHY[: HEALTHY.rindex("---\n")]

    assert compared(HEALTHY, less) == [ExchangePair("GET /info", 3, None)]
    assert compared(less, HEALTHY) == [ExchangePair("GET /info", None, 3)]


def test_a_request_that_changed_is_matched_by_its_path() -> None:
    (pair,) = compared(HEALTHY, edited(("content: hello", "content: goodbye")))

    assert (pair.before, pair.after) == (1, 1)
    assert list(change_report.format_changes(pair.changes)) == [
        ["request.body.input.messages[0].content", '- "hello"', '+ "goodbye"']
    ]


def test_a_missing_exchange_does_not_shift_identical_requests() -> None:
    def exchanges(*answers: int) -> str:
        made = (f"---\nrequest: {{path: /x}}\nresponse: {{body: {one}}}\n" for one in answers)
        return f"mockserver: 1\n{''.join(made)}"

    assert compared(exchanges(1, 2, 3), exchanges(2, 3)) == [ExchangePair("POST /x", 1, None)]
    assert [pair.before for pair in compared(exchanges(1, 2, 3), exchanges(1, 9, 3))] == [2]


@pytest.mark.parametrize(
    "edit, expected",
    [
        pytest.param(("response:\n  status: 200", "response:\n  status: 200\n  reason: Fine"), ["reason", '  + "Fine"'], id="a reason"),
        pytest.param(("response:\n", "repeat: error\nresponse:\n"), ["repeat", '  + "error"'], id="a repeat"),
        pytest.param(("ignore:\n", "repeat: cycle\nignore:\n"), ["repeat", '  + "cycle"'], id="a repeat of all"),
        pytest.param(("ignore:\n", "ignore:\n- body.metadata\n"), ["ignore[0]", '  + "body.metadata"'], id="what is ignored"),
        pytest.param(("    event: updates\n", "    event: updates\n    id: 1-0\n"), ["events[2] updates id", '  + "…"'], id="an id"),
    ],
)  # fmt: skip
def test_what_changes_a_replay_is_a_change(edit: tuple[str, str], expected: list[str]) -> None:
    assert lines(HEALTHY, edited(edit)) == expected


def test_a_query_that_changed_is_matched_by_its_path() -> None:
    (pair,) = compared(HEALTHY, edited(("  path: /info", "  path: /info?x=1")))

    assert (pair.before, pair.after) == (3, 3)
    assert [change.path[:2] for change in pair.changes] == [("request", "query")]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("{after: 0.002", "{after: 0.003"), id="when it ended"),
        pytest.param(('"attempt":1', '"attempt":1.0'), id="the spelling of a number"),
        pytest.param(('"attempt":1', '"attempt": 1'), id="white space"),
    ],
)
def test_spelling_and_times_count_if_exact(
    edit: tuple[str, str],
) -> None:
    assert compared(HEALTHY, edited(edit)) == []
    assert compared(HEALTHY, edited(edit), exact=True) != []


def test_a_stream_that_became_a_body_is_reported() -> None:
    start, end = HEALTHY.index("  events:"), HEALTHY.index("  end:")
    text = f"{HEALTHY[:start]}  body: {{}}\n{HEALTHY[end:]}"

    assert lines(HEALTHY, text) == ["body", '  - "events"', '  + "a body"']


def test_the_time_of_a_body_counts_if_exact() -> None:
    assert lines(HEALTHY, edited(("  after: 0.5\n", "  after: 0.75\n")), exact=True) == [
        "after",
        "  - 0.5",
        "  + 0.75",
    ]


def test_binary_bodies_are_compared() -> None:
    text = HEALTHY.replace("  body:\n    version: 0.16.7\n", "  base64: /////w==\n")

    assert lines(text, text.replace("/////w==", "/////g==")) == [
        "body",
        '  - "base64 /////w=="',
        '  + "base64 /////g=="',
    ]


def test_long_texts_are_cut_around_the_difference() -> None:
    long = "word " * 100
    before, after = (edited(("content: hello", f"content: {long}{end}")) for end in "ab")

    _, old, new = lines(before, after)
    assert old.endswith('word a" (503 characters)')
    assert new.endswith('word b" (503 characters)')


def test_control_characters_are_escaped() -> None:
    _, old, _ = lines(edited(('"Hello!"', r'"a\u009b\u202eb"')), HEALTHY)

    assert old == r'  - "a\u009b\u202eb"'


def test_an_added_event_does_not_shift_the_others() -> None:
    text = edited(("  events:\n", "  events:\n  - event: custom\n    data: '{}'\n"))

    assert lines(HEALTHY, text) == ["events[0] custom", "  + {}"]


def test_equal_changes_in_many_events_are_grouped() -> None:
    def stream(version: str) -> str:
        events = "".join(
            f'  - event: messages\n    data: \'[{{"content":"{word}"}},{{"version":"{version}"}}]\'\n'
            for word in "abc"
        )
        return edited(("  events:\n", f"  events:\n{events}"))

    assert lines(stream("1"), stream("2")) == [
        "events[*] messages [1].version  (3 times)",
        '  - "1"',
        '  + "2"',
    ]
    (pair,) = compared(stream("1"), stream("2"))
    assert change_report.changes_to_json(pair.changes) == [
        {"path": "events[*] messages [1].version", "before": "1", "after": "2", "times": 3}
    ]


def test_an_absent_value_has_no_key_in_json() -> None:
    (pair,) = compared(HEALTHY, edited((',"attempt":1', "")))

    assert change_report.changes_to_json(pair.changes) == [
        {"path": "events[0] metadata attempt", "before": 1}
    ]


@pytest.mark.parametrize(
    "before, after, same",
    [
        pytest.param(f"run {ONE}", f"run {TWO}", True, id="ids in texts"),
        pytest.param(f"run {ONE}", f"walk {TWO}", False, id="other texts around ids"),
        pytest.param("2026-11-22T15:36:36Z", "2027-01-01T00:00:00.5+00:00", True, id="times"),
        pytest.param(ONE, "2026-11-22T15:36:36Z", False, id="an id is no time"),
        pytest.param("http://127.0.0.1:2024/x", "http://localhost:99/x", True, id="addresses"),
        pytest.param(1790000000.5, 1790000001, True, id="moments"),
        pytest.param(1, 1.0, True, id="one number"),
        pytest.param(1, True, False, id="true"),
        pytest.param(0, None, False, id="null"),
        pytest.param("call_abcdefghijklmnop1", "call_bbcdefghijklmnop2", True, id="calls"),
    ],
)
def test_values_are_equal_apart_from_ids_and_times(before: Any, after: Any, same: bool) -> None:
    assert Comparator().is_same(before, after) is same
    assert Comparator(exact=True).is_same(before, after) is (before == after and same)


def test_different_texts_pair_no_ids() -> None:
    comparator = Comparator()

    assert comparator.is_same(f"{ONE}", f"{TWO}")
    assert not comparator.is_same(f"{THREE} {ONE}", f"{ONE} {THREE}")
    assert comparator.is_same(THREE, THREE)


def test_keys_that_are_ids_are_paired_too() -> None:
    changes = list(Comparator().compare({ONE: {"n": 1}, "a": 1}, {TWO: {"n": 2}, "a": 1}))

    assert [(one.path, one.before, one.after) for one in changes] == [((ONE, "n"), 1, 2)]


@pytest.mark.parametrize(
    "before, after, pairs",
    [
        pytest.param("abc", "abc", [(0, 0), (1, 1), (2, 2)], id="the same"),
        pytest.param("abc", "axc", [(0, 0), (1, 1), (2, 2)], id="one other"),
        pytest.param("abc", "xabc", [(None, 0), (0, 1), (1, 2), (2, 3)], id="one more"),
        pytest.param("abc", "c", [(0, None), (1, None), (2, 0)], id="two less"),
        pytest.param("", "a", [(None, 0)], id="from nothing"),
    ],
)
def test_lists_are_align(before: str, after: str, pairs: list[Any]) -> None:
    assert list(align(before, after)) == pairs


def test_events_with_different_names_are_never_paired() -> None:
    def sign(event: Any) -> tuple[str, str]:
        return event[0], event

    assert list(align_events(["a1", "b2", "c3"], ["a1", "x2", "c4", "c3"], sign)) == [
        ("a1", "a1"), ("b2", None), (None, "x2"), (None, "c4"), ("c3", "c3"),
    ]  # fmt: skip
