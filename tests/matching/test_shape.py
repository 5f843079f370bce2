"""The shape of a request: which ids it has, and what remains without them."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.formats.server_ids import default_assistant_id
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize
from mockserver.matching.shape import RequestShape, find_shape

AGENT = default_assistant_id("agent")
A, B, C, D = (f"0b1e5c4e-7f7a-4f0e-8d5c-00000000000{n}" for n in "1234")


def request(path: str, body: Any = None, method: str = "POST") -> Request:
    return Request(method, path, (), b"" if body is None else json.dumps(body).encode())


def shape_of(path: str, body: Any = None, method: str = "POST") -> RequestShape | None:
    return find_shape(canonicalize(request(path, body, method)))


def ids_of(*requests: Any) -> tuple[str, ...]:
    found = shape_of(*requests)
    return found.ids if found else ()


@pytest.mark.parametrize(
    ("path", "body", "ids"),
    [
        pytest.param(f"/threads/{A}", None, (A,), id="a thread in the path"),
        pytest.param(f"/threads/{A.upper()}/state", None, (A,), id="in capitals"),
        pytest.param(f"/threads/{A}/runs/{B}/join", None, (A, B), id="a run too"),
        pytest.param(f"/threads/{A}/state/{B}", None, (A, B), id="a checkpoint"),
        pytest.param("/threads", {"thread_id": A}, (A,), id="in the body"),
        pytest.param(
            f"/threads/{A}/history", {"before": {"configurable": {"checkpoint_id": B}}}, (B, A), id="deep in it"
        ),
        pytest.param(
            "/threads/x/state/checkpoint", {"checkpoint": {"checkpoint_ns": f"a:{A}|b:{B}"}}, (A, B), id="a namespace"
        ),
        pytest.param("/runs/cancel", {"run_ids": [A, B], "thread_id": C}, (A, B, C), id="lists"),
        pytest.param("/threads/search?thread_id=" + A, {}, (A,), id="the query"),
        pytest.param("/runs/wait", {"input": {"note": A}}, (), id="not just any text"),
        pytest.param(f"/assistants/{A}", None, (A,), id="an assistant"),
        pytest.param("/runs/wait", {"assistant_id": A}, (A,), id="which runs"),
        pytest.param(f"/assistants/{AGENT}", None, (), id="not one of a graph's own"),
        pytest.param("/runs/wait", {"assistant_id": AGENT}, (), id="nor which runs"),
        pytest.param(
            "/runs/wait", {"config": {"metadata": {"langgraph_checkpoint_ns": f"r:{A}"}}}, (A,), id="within a graph"
        ),
        pytest.param(f"/store/items?key={A}", None, (A,), id="an item of the store"),
        pytest.param(
            "/store/items", {"namespace": ["of", A], "value": {"id": B}}, (A,), id="not in its value"
        ),
        pytest.param(f"/items?key={A}", None, (), id="not a key"),
        pytest.param("/threads", {"thread_id": "mine"}, (), id="not what is no UUID"),
        pytest.param("/threads", {"thread_id": 5}, (), id="nor text"),
    ],
)  # fmt: skip
def test_ids_are_found_where_the_server_has_them(path: str, body: Any, ids: Any) -> None:
    assert ids_of(path, body) == ids


def test_requests_that_differ_in_ids_have_one_shape() -> None:
    text = {"input": {"messages": [{"role": "human", "content": f"on {A}"}]}}
    other = json.loads(json.dumps(text).replace(A, B))
    one, same = (shape_of(f"/threads/{n}/runs/wait", b) for n, b in ((A, text), (B, other)))
    unlike = shape_of(f"/threads/{B}/runs/wait", text)

    assert one and same and unlike
    assert (one.key, one.ids, same.ids) == (same.key, (A,), (B,))
    assert unlike.key != one.key


def test_which_ids_are_equal_is_part_of_the_shape() -> None:
    bodies = ({"checkpoint": {"thread_id": A}}, {"checkpoint": {"thread_id": B}})
    shapes = [shape_of(f"/threads/{A}/state/checkpoint", body) for body in bodies]

    assert shapes[0] and shapes[1]
    assert shapes[0].key != shapes[1].key


uuids = st.uuids(version=4).map(str)


@given(st.lists(uuids, min_size=6, max_size=6, unique=True), st.text(max_size=20))
def test_any_ids_have_the_same_shape(names: list[str], said: str) -> None:
    def named(thread: str, run: str, point: str) -> RequestShape | None:
        body = {
            "checkpoint": {"thread_id": thread, "checkpoint_id": point},
            "input": {"said": said},
        }
        return shape_of(f"/threads/{thread}/runs/{run}/x", body)

    one, other = named(*names[:3]), named(*names[3:])

    assert one and other
    assert one.key == other.key
    pairs = dict(zip(one.ids, other.ids, strict=True))
    assert pairs == dict(zip(names[:3], names[3:], strict=True))


def test_a_uuid_is_what_uuid_says_it_is() -> None:
    assert ids_of(f"/threads/{UUID(A)}") == (A,)


def test_a_request_whose_path_is_ignored_has_a_shape() -> None:
    form = canonicalize(request("/threads", {"thread_id": A}))
    del form["path"]

    found = find_shape(form)

    assert found is not None
    assert found.ids == (A,)
