"""Queries of calls on threads: what means the same is one."""

from itertools import combinations

import pytest

from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize

T = "/threads/t"
SAME = (
    (f"{T}/state", f"{T}/state?subgraphs=false", f"{T}/state?subgraphs=0", f"{T}/state?subgraphs=True&subgraphs=no"),
    (f"{T}/state?subgraphs=true", f"{T}/state?subgraphs=True"),
    (f"{T}/state/c", f"{T}/state/c?subgraphs=false"),
    (f"{T}/runs", f"{T}/runs?limit=10", f"{T}/runs?limit=10&offset=0"),
    (f"{T}/history", f"{T}/history?limit=1"),
    (f"{T}/runs/r/join", f"{T}/runs/r/join?cancel_on_disconnect=0", f"{T}/runs/r/join?cancel_on_disconnect=false"),
    (f"{T}/runs/r/stream?cancel_on_disconnect=1", f"{T}/runs/r/stream?cancel_on_disconnect=true"),
    (f"{T}/runs/r/cancel", f"{T}/runs/r/cancel?wait=0&action=interrupt", f"{T}/runs/r/cancel?wait=false"),
    (f"{T}/runs/r/cancel?action=rollback", f"{T}/runs/r/cancel?wait=no&action=rollback"),
    (f"/api{T}/state", f"/api{T}/state?subgraphs=false", f"/api/{T}/state"),
    (f"{T}/history?limit=10",),
    (f"{T}/runs?limit=11",),
    (f"{T}/runs?status=success",),
    ("/assistants/a/graph?subgraphs=false",),
    ("/assistants/a/graph",),
)  # fmt: skip
"""Each line means one thing, and each another."""


def form(target: str) -> object:
    return canonicalize(Request("GET", target))


@pytest.mark.parametrize("targets", SAME, ids=lambda targets: targets[0])
def test_one_meaning_has_one_form(targets: tuple[str, ...]) -> None:
    for target in targets[1:]:
        assert form(target) == form(targets[0])


def test_another_meaning_has_another() -> None:
    for (one, *_), (other, *_) in combinations(SAME, 2):
        assert form(one) != form(other)


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        (f"{T}/history", b"{}", b'{"limit":1,"metadata":{},"before":{}}'),
        (f"{T}/state/checkpoint", b'{"checkpoint":{}}', b'{"checkpoint":{},"subgraphs":false}'),
        (f"{T}/state", b'{"values":{}}', b'{"values":{},"checkpoint":{}}'),
    ],
)
def test_so_has_a_body(path: str, one: bytes, other: bytes) -> None:
    forms = [canonicalize(Request("POST", path, (), body)) for body in (one, other)]

    assert forms[0] == forms[1]
