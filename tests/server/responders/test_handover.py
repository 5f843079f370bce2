import json
from typing import Any

import pytest

from mockserver.http.messages import Reply, Request, StreamingBody, TimedBody
from mockserver.server.responders.handover import KEPT, Handover, thread_of

A = "0b1e5c4e-7f7a-4f0e-8d5c-000000000001"
STATE = {"messages": [{"type": "human", "content": "hi"}], "n": 1}
EVENT = f"event: values\r\ndata: {json.dumps(STATE)}\r\n\r\n".encode()
OLDER = b'event: values\r\ndata: {"messages":[]}\r\n\r\n'


def told(path: str, body: Any, method: str = "POST", status: int = 200) -> Handover:
    handover = Handover()
    handover.note(Request(method, path), Reply(status, (), body))
    return handover


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(f"/threads/{A}/runs/wait", json.dumps(STATE).encode(), id="a wait"),
        pytest.param(f"/threads/{A}/runs/stream", OLDER + EVENT, id="a stream"),
        pytest.param(f"/threads/{A}/runs/stream", TimedBody(((0.0, OLDER), (1.0, EVENT), (2.0, b": x\n")), 3.0), id="in its time"),
        pytest.param(f"/threads/{A.upper()}/runs/wait", json.dumps({**STATE, "__interrupt__": []}).encode(), id="without what is asked"),
    ],
)  # fmt: skip
def test_the_last_state_that_was_told_is_known(path: str, body: Any) -> None:
    handover = told(path, body)

    assert handover.knows(A)
    assert handover.state(A) == STATE


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(f"/threads/{A}/state", json.dumps(STATE).encode(), id="another call"),
        pytest.param(f"/threads/{A}/runs/stream", b"event: updates\r\ndata: {}\r\n\r\n", id="no values"),
        pytest.param(f"/threads/{A}/runs/wait", b'{"__error__":{}}', id="an error"),
        pytest.param(f"/threads/{A}/runs/wait", b"not JSON", id="no JSON"),
        pytest.param(f"/threads/{A}/runs/wait", b'{"messages":5}', id="no conversation"),
        pytest.param("/threads", json.dumps({"thread_id": A, "values": None}).encode(), id="a new thread"),
    ],
)  # fmt: skip
def test_a_thread_may_be_known_without_its_state(path: str, body: bytes) -> None:
    handover = told(path, body)

    assert handover.knows(A)
    assert handover.state(A) is None


def test_a_later_answer_without_a_state_leaves_it() -> None:
    handover = told(f"/threads/{A}/runs/wait", json.dumps(STATE).encode())
    handover.note(Request("GET", f"/threads/{A}/state"), Reply(200, (), b"{}"))

    assert handover.state(A) == STATE


async def nothing() -> Any:
    return
    yield


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/runs/wait", json.dumps(STATE).encode(), 200),
        (f"/threads/{A}", b'{"detail":"x"}', 404),
        ("/threads/search", f'[{{"thread_id":"{A}"}}]'.encode(), 200),
        (f"/threads/{A}/runs/wait", StreamingBody(nothing()), 200),
    ],
)
def test_other_answers_tell_of_no_thread(path: str, body: Any, status: int) -> None:
    assert not told(path, body, status=status).knows(A)


def test_the_oldest_thread_is_forgotten() -> None:
    handover = told(f"/threads/{A}/state", b"{}")
    for number in range(KEPT):
        path = f"/threads/{A[:-4]}{number + 1000:04d}/state"
        handover.note(Request("GET", path), Reply(200, (), b"{}"))

    assert not handover.knows(A)


@pytest.mark.parametrize("path", [f"/threads/{A}", f"/threads/{A}/runs", f"/threads/{A}?x=1"])
def test_a_path_names_its_thread(path: str) -> None:
    assert thread_of(Request("GET", path)) == A


@pytest.mark.parametrize("path", ["/threads", "/threads/x", f"/assistants/{A}", f"/threads/{A}x"])
def test_other_paths_name_none(path: str) -> None:
    assert thread_of(Request("GET", path)) is None
