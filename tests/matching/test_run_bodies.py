"""Requests of runs that differ in their stream modes only."""

from typing import Any

import pytest

from mockserver.formats.json_text import dumps
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize
from mockserver.matching.run_bodies import drop_stream_modes, find_run_modes

BODY = {"assistant_id": "agent", "input": {"messages": "hi"}}


def form(path: str, body: Any, method: str = "POST") -> dict[str, Any]:
    return canonicalize(Request(method, path, (), dumps(body).encode()))


@pytest.mark.parametrize(
    ("path", "body", "modes"),
    [
        ("/runs/stream", BODY, ["values"]),
        ("/runs/wait", {**BODY, "stream_mode": "values"}, ["values"]),
        ("/runs/stream", {**BODY, "stream_mode": ["updates", "custom"]}, ["custom", "updates"]),
        ("/threads/t/runs/stream", {**BODY, "stream_mode": "events"}, ["events"]),
        ("/threads/t/runs/wait", BODY, ["values"]),
    ],
)
def test_a_run_has_modes(path: str, body: Any, modes: list[str]) -> None:
    assert find_run_modes(form(path, body)) == modes


@pytest.mark.parametrize(
    ("path", "body", "method"),
    [
        pytest.param("/runs", BODY, "POST", id="in the background"),
        pytest.param("/runs/batch", [BODY], "POST", id="batch"),
        pytest.param("/threads/t/runs", BODY, "POST", id="in the background of a thread"),
        pytest.param("/threads/t/history", BODY, "POST", id="another call"),
        pytest.param("/runs/stream", BODY, "PUT", id="another method"),
        pytest.param("/runs/stream", [BODY], "POST", id="a list"),
        pytest.param("/runs/stream", {**BODY, "stream_mode": None}, "POST", id="a null mode"),
        pytest.param("/runs/stream", {**BODY, "stream_mode": [1]}, "POST", id="a number as mode"),
    ],
)
def test_other_requests_have_none(path: str, body: Any, method: str) -> None:
    assert find_run_modes(form(path, body, method)) is None
    assert drop_stream_modes(form(path, body, method)) is None


def test_a_request_without_a_body_has_none() -> None:
    assert drop_stream_modes(canonicalize(Request("POST", "/runs/stream"))) is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/runs/stream", BODY),
        ("/runs/wait", BODY),
        ("/runs/stream", {**BODY, "stream_mode": ["updates", "custom"]}),
        ("/runs/wait", {**BODY, "stream_mode": "values", "stream_subgraphs": False}),
    ],
)
def test_modes_and_waiting_do_not_count(path: str, body: Any) -> None:
    stateless, on_thread = form(path, body), form(f"/threads/t{path}", body)

    assert drop_stream_modes(stateless) == form("/runs/stream", BODY)
    assert drop_stream_modes(on_thread) == form("/threads/t/runs/stream", BODY)


@pytest.mark.parametrize(
    "body",
    [
        {**BODY, "stream_subgraphs": True},
        {**BODY, "stream_resumable": True},
        {**BODY, "assistant_id": "other"},
        {**BODY, "input": None},
    ],
)
def test_all_else_counts(body: Any) -> None:
    assert drop_stream_modes(form("/runs/stream", body)) != drop_stream_modes(
        form("/runs/stream", BODY)
    )
