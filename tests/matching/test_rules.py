"""What `ignore` and `volatile` leave of a request; paths of `ignore` are in test_canonical."""

import json
from typing import Any

import pytest

from mockserver.errors import SlowPatternError, UsageError
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize
from mockserver.matching.rules import MatchRules, apply_rules, merge_rules

A, B = "0a9f2f0c-7d0e-4a9f-8f5b-1c2d3e4f5a6b", "1B9f2f0c-7d0e-4a9f-8f5b-1c2d3e4f5a6b"

SLOW = "(a+)+$"


def form(path: str = "/x", body: Any = None, raw: bytes = b"") -> Any:
    return canonicalize(Request("POST", path, (), raw or json.dumps(body).encode()))


def masked(value: Any, *volatile: str) -> Any:
    return apply_rules(form(body=[value]), merge_rules(MatchRules((), volatile)))["body"][0]


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        ("uuid", f"a {A}.", f"a {B}.", True),
        ("uuid", f"run_{A}", f"run_{B}", True),
        ("uuid", A.replace("-", ""), B.replace("-", ""), True),
        ("uuid", f"{A} {B}", A, False),
        ("uuid", "0" * 32, "1" * 32, False),
        ("uuid", "2026-11-27T10:00:00Z", "2026-11-28T10:00:00Z", False),
        ("iso-datetime", "at 2026-11-27T10:00:00Z", "at 2025-01-02T03:04:05.678901+01:00", True),
        ("iso-datetime", "2026-11-27 10:00:00,123 ok", "2026-11-27 10:00 ok", True),
        ("iso-datetime", "20261127T100000Z", "20261128T100000Z", True),
        ("iso-datetime", "on 2026-11-27", "on 2026-11-28", False),
        ("iso-datetime", "at 10:00", "at 11:00", False),
        ("epoch", "t=1712345678", "t=1812345678901", True),
        ("epoch", 1712345678.25, 1712345679, True),
        ("epoch", "s_1712345678901_x", "s_1712345678902_x", True),
        ("epoch", 0.1712345678, 0.1812345678, False),
        ("epoch", "12345678901", "12345678902", False),
        ("epoch", 12, 13, False),
        (r"s-\w+", "s-ab of s-cd", "s-x of s-yz", True),
        (r"s-\w+", "s-ab", "t-ab", False),
        ("x*", "axb", "axxb", True),
        ("true", True, False, False),
    ],
)
def test_matches_of_a_volatile_pattern_are_equal(
    name: str, one: Any, other: Any, same: bool
) -> None:
    assert one != other
    assert (masked(one, name) == masked(other, name)) is same


def test_named_patterns_come_before_those_of_the_user() -> None:
    patterns = "uuid", "-[0-9a-f]{4}"

    assert masked(f"item {A} of day-ab12", *patterns) == "item \0 of day\0"


def test_other_texts_stay() -> None:
    assert masked({"a": [None, True, 1.5, "x"], A: A}, "uuid") == {
        "a": [None, True, 1.5, "x"],
        A: "\0",
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(form(f"/app/{A}/x"), form(f"/app/{B}/x"), True, id="path"),
        pytest.param(form(f"/x?a={A}&b=1"), form(f"/x?a={B}&b=1"), True, id="query"),
        pytest.param(form(f"/x?a={A}&b=1"), form(f"/x?a={A}&b=2"), False, id="rest of the query"),
        pytest.param(form(raw=A.encode()), form(raw=B.encode()), True, id="text"),
        pytest.param(form("/threads", {"metadata": {"a": A}}), form("/threads", {"metadata": {"a": B}}), True, id="metadata"),
        # The ids of the server are matched by their own rules, and a graph is no volatile value.
        pytest.param(form(f"/threads/{A}/runs"), form(f"/threads/{B}/runs"), False, id="thread"),
        pytest.param(form(f"/assistants/{A}"), form(f"/assistants/{B}"), False, id="assistant"),
        pytest.param(form("/threads", {"thread_id": A}), form("/threads", {"thread_id": B}), False, id="thread in a body"),
        pytest.param(form("/runs/wait", {"assistant_id": "a"}), form("/runs/wait", {"assistant_id": "b"}), False, id="graph"),
    ],
)  # fmt: skip
def test_volatile_values_count_in_texts_but_not_as_ids_of_the_server(
    one: Any, other: Any, same: bool
) -> None:
    rules = MatchRules((), ("uuid",))

    assert (apply_rules(one, rules) == apply_rules(other, rules)) is same


def test_rules_are_merged() -> None:
    merged = merge_rules(MatchRules(("body.b",), ("uuid",)), MatchRules(("body.a",), ("uuid", "a")))

    assert merged == MatchRules(("body.a", "body.b"), ("a", "uuid"))


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        merge_rules(MatchRules((), ("(",)))

    assert str(caught.value) == (
        "volatile: '(' is not a regular expression: missing ), unterminated subpattern at position 0"
        " (nor one of the names uuid, iso-datetime, epoch)"
    )


def test_a_pattern_has_a_time_limit() -> None:
    with pytest.raises(SlowPatternError) as caught:
        masked("a" * 5000 + "b", SLOW)

    assert str(caught.value) == f"volatile: pattern '{SLOW}' took longer than 0.2 s: simplify it"
