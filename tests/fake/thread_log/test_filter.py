"""Filters: what they select, and which of them are refused. `tests/real/test_event_truth.py` compares them with the real server."""

from typing import Any

import pytest

from mockserver.fake.thread_log.filter import CHANNELS, Filter, FilterError, parse_filter
from tests.fake.thread_log.test_event import event


@pytest.mark.parametrize(
    ("channels", "method", "data", "fits"),
    [
        pytest.param(["values"], "values", None, True, id="same"),
        pytest.param(["values"], "messages", None, False, id="other"),
        pytest.param(["input"], "input.requested", None, True, id="input"),
        pytest.param(["custom"], "custom", {"name": "a"}, True, id="all custom"),
        pytest.param(["custom:a"], "custom", {"name": "a"}, True, id="custom by name"),
        pytest.param(["custom:a"], "custom", {"name": "b"}, False, id="custom by another name"),
        pytest.param(["custom:a"], "custom", 1, False, id="custom without name"),
    ],
)
def test_a_filter_selects_by_channel(
    channels: list[str], method: str, data: Any, fits: bool
) -> None:
    assert parse_filter({"channels": channels}).selects(event(method, data)) is fits


@pytest.mark.parametrize(
    ("namespaces", "depth", "namespace", "fits"),
    [
        pytest.param([], None, ("a:1",), True, id="none selects all"),
        pytest.param([[]], None, ("a:1", "b:2"), True, id="root selects all"),
        pytest.param([[]], 0, ("a:1",), False, id="too deep for the root alone"),
        pytest.param([[]], 1, ("a:1",), True, id="one level"),
        pytest.param([[]], 1, ("a:1", "b:2"), False, id="two levels"),
        pytest.param([["a"]], None, ("a:1",), True, id="name without id"),
        pytest.param([["a"]], None, ("ab:1",), False, id="start of a name"),
        pytest.param([["a:1"]], None, ("a:1", "b:2"), True, id="with id"),
        pytest.param([["a:1"]], None, ("a:2",), False, id="another id"),
        pytest.param([["a:1"]], None, (), False, id="shorter than the prefix"),
        pytest.param([["x"], ["a", "b"]], 0, ("a:1", "b:2"), True, id="one of several"),
    ],
)
def test_a_filter_selects_by_namespace(
    namespaces: list[list[str]], depth: int | None, namespace: tuple[str, ...], fits: bool
) -> None:
    selected = parse_filter({"channels": ["values"], "namespaces": namespaces, "depth": depth})

    assert selected.selects(event("values", None, namespace)) is fits


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"namespaces": "a", "depth": True, "since": False}, id="booleans"),
        pytest.param({"namespaces": ["a", [1]], "depth": -1, "since": -1}, id="negative numbers"),
        pytest.param({"namespaces": None, "depth": "1", "since": 1.5}, id="other types"),
    ],
)
def test_other_parts_that_are_invalid_do_not_count(odd: dict[str, Any]) -> None:
    assert parse_filter({"channels": ["tools"], **odd}) == Filter(frozenset(["tools"]))


@pytest.mark.parametrize("body", [None, [], {}, {"channels": []}, {"channels": "values"}])
def test_channels_are_required(body: Any) -> None:
    with pytest.raises(FilterError, match="channels is required and must be a non-empty array"):
        parse_filter(body)


def test_unknown_channels_are_refused_and_named() -> None:
    with pytest.raises(FilterError) as refused:
        parse_filter({"channels": ["values", "debug", 1, "custom:", "a", "b", "c"]})

    assert str(refused.value) == (
        "channels contains unsupported entries: debug, 1, custom:, a, b. Allowed: values, updates, messages, tools, "
        "custom, lifecycle, input, tasks, or any `custom:<name>`."
    )


def test_all_channels_may_be_asked_for() -> None:
    assert parse_filter({"channels": list(CHANNELS), "since": 4}).since == 4
