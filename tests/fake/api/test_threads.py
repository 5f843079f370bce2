"""The endpoints of threads, their runs and the store in process; `tests/real` holds what they say beside the real server."""

import json
import re
from typing import Any

import pytest

from mockserver.fake.api import database
from mockserver.fake.api.database import Database
from mockserver.fake.api.recorded_threads import RecordedThread, adopt_thread
from mockserver.fake.api.routes import Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.response import Response
from mockserver.fake.script.model import Fail, Interrupt, Pause, Rule, Script, Speak
from mockserver.http.messages import Request

SCRIPT = Script(
    (
        Rule((Speak("Well."), Pause(3.0), Fail("ValueError", "no")), re.compile("fail")),
        Rule((Speak("Well."), Pause(3.0), Interrupt("?"), Speak("So: {answer}"))),
    )
)
T, U = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
RUN = {"assistant_id": "agent", "input": {"messages": "hi"}}


class Client:
    """Asks the API as one session, at the moment *now*."""

    def __init__(self) -> None:
        self.database = Database()
        self.now = 0.0
        self._api = Api(RunEngine(SCRIPT))
        self._count = 0

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        self._count += 1
        raw = b"" if body is None else json.dumps(body).encode()
        fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        request = Request(method, path, fields, raw)
        return self._api.handle(request, IdGenerator(f"{self._count}"), self.database, self.now)

    def ask(
        self, method: str, path: str, body: Any = None, status: int = 200, **headers: str
    ) -> Any:
        answer = self.raw(method, path, body, **headers)
        assert answer.status == status, answer
        if isinstance(answer.body, bytes):
            return json.loads(answer.body) if answer.body else None
        assert not hasattr(answer.body, "steps")
        raw, more = answer.body.read(self.now)
        assert more is None
        return json.loads(raw) if raw[:1] == b"{" else raw.decode()

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        return self.ask("POST", path, body, status)


@pytest.fixture
def client() -> Client:
    made = Client()
    made.post("/threads", {"thread_id": T, "metadata": {"of": "T"}})
    return made


def begun(client: Client, seconds: float = 100.0, **body: Any) -> str:
    """Begin a run, let *seconds* go by, and return its path."""
    reply = client.post(f"/threads/{T}/runs", {**RUN, **body})
    client.now += seconds
    return f"/threads/{T}/runs/{reply['run_id']}"


def test_a_finished_run_is_shown(client: Client) -> None:
    one = begun(client)

    reply = client.ask("GET", one)
    assert (reply["status"], reply["kwargs"]["temporary"]) == ("success", False)
    assert reply["kwargs"]["config"]["metadata"]["langgraph_plan"] == "enterprise"
    assert client.ask("GET", f"/threads/{T}/runs") == [reply]
    assert client.ask("GET", f"/threads/{T}/runs?status=error") == []
    assert client.ask("GET", f"/threads/{T}/runs?select=status") == [{"status": "success"}]


def test_a_delayed_run_is_pending_until_it_is_due(client: Client) -> None:
    late, now = begun(client, 0.0, after_seconds=60), begun(client, 1.0)

    def statuses() -> list[tuple[str, str]]:
        runs = client.ask("GET", f"/threads/{T}/runs")
        return [(f"/threads/{T}/runs/{one['run_id']}", one["status"]) for one in runs]

    assert statuses() == [(late, "pending"), (now, "running")]
    client.now = 59.0
    assert statuses() == [(late, "pending"), (now, "success")]
    client.now = 61.0
    assert statuses() == [(late, "running"), (now, "success")]


def test_a_run_can_be_joined_from_any_event(client: Client) -> None:
    one = begun(client, stream_resumable=True, stream_mode=["updates", "values"])
    whole = client.ask("GET", f"{one}/stream", last_event_id="-1")
    identity = whole.split("\r\n\r\n")[1].rpartition("id: ")[2]

    rest = client.ask("GET", f"{one}/stream", last_event_id=identity)
    assert whole.endswith(rest)
    assert rest.count("event: ") == whole.count("event: ") - 2
    assert client.ask("GET", f"{one}/stream", last_event_id="1-1") == ""
    assert client.ask("GET", f"{one}/stream") == ""
    only = client.ask("GET", f'{one}/stream?stream_mode=["updates"]', last_event_id="-")
    assert {line for line in only.split("\r\n") if line.startswith("event")} == {"event: updates"}


def test_a_run_that_is_not_resumable_is_not_streamed_again(client: Client) -> None:
    assert client.ask("GET", f"{begun(client)}/stream", last_event_id="-1") == ""


FAILING: dict[str, Any] = {"input": {"messages": "fail"}, "stream_resumable": True}


def names(text: str) -> list[str]:
    return [line[7:] for line in text.split("\r\n") if line.startswith("event: ")]


def test_a_failed_run_is_joined_without_its_error(client: Client) -> None:
    one = begun(client, **FAILING)

    whole = client.ask("GET", f"{one}/stream", last_event_id="-1")
    assert names(whole) == ["metadata", "values", "values"]
    identity = whole.split("\r\n\r\n")[1].rpartition("id: ")[2]
    assert names(client.ask("GET", f"{one}/stream", last_event_id=identity)) == ["values"]
    assert "__error__" in client.ask("GET", f"{one}/join")


def test_a_run_that_has_ended_is_joined_with_the_outcome_of_its_thread(client: Client) -> None:
    assert list(client.ask("GET", f"{begun(client)}/join")) == ["__interrupt__"]


def test_the_error_reaches_those_who_join_before_it(client: Client) -> None:
    one = begun(client, 2.0, **FAILING)
    readers = [
        client.raw("GET", f"{one}/stream", last_event_id="-1").body,
        client.raw("GET", f"{one}/stream").body,
    ]

    heard = [reader.read(100.0)[0].decode() for reader in readers]  # type: ignore[union-attr]

    assert [names(text) for text in heard] == [["metadata", "values", "values", "error"], ["error"]]


def test_messages_are_streamed_on_request(client: Client) -> None:
    one = begun(client, stream_resumable=True, stream_mode=["messages"])

    reply = client.ask("GET", f"{one}/stream?stream_mode=messages", last_event_id="0")
    assert "event: messages/partial" in reply
    assert "event: metadata" not in reply


def test_an_unknown_run_is_an_error_of_its_stream(client: Client) -> None:
    assert "404: Run not found" in client.raw("GET", f"/threads/{T}/runs/{U}/stream").body.decode()  # type: ignore[union-attr]
    assert "__error__" in client.ask("GET", f"/threads/{U}/runs/{U}/join")


def test_runs_are_cancelled_one_by_one_or_together(client: Client) -> None:
    one, two = begun(client, 0.5), begun(client, 0.5)
    client.ask("POST", f"{two}/cancel", status=202)
    assert client.ask("GET", two)["status"] == "interrupted"
    ids = {"thread_id": T, "run_ids": [one.rpartition("/")[2]]}
    client.post("/runs/cancel", ids, 204)

    assert client.ask("GET", f"/threads/{T}")["error"]["message"].endswith("/runs/cancel")
    client.post("/runs/cancel", ids, 404)
    begun(client, 0.5)
    client.post("/runs/cancel", {"status": "pending"}, 404)
    client.post("/runs/cancel", {"status": "running"}, 204)


def test_a_run_that_is_deleted_takes_its_checkpoints_along(client: Client) -> None:
    one, two = begun(client), begun(client, 0.5)
    client.ask("DELETE", two, status=204)
    client.ask("DELETE", one, status=204)

    assert client.post(f"/threads/{T}/history", {"limit": 10}) == []
    client.ask("DELETE", one, status=404)


def test_a_state_is_not_written_while_a_run_is_on(client: Client) -> None:
    begun(client, 0.5)

    assert "has active runs" in client.post(f"/threads/{T}/state", {}, 409)["detail"]


def test_a_state_can_be_looked_at_from_everywhere(client: Client) -> None:
    begun(client)
    head, *_, first = client.post(f"/threads/{T}/history", {"limit": 10})
    path = f"/threads/{T}/state"

    assert client.ask("GET", path) == head
    assert client.ask("GET", f"{path}/{first['checkpoint_id']}")["values"] == {"messages": []}
    assert client.post(f"{path}/checkpoint", {"checkpoint": {"thread_id": T}}) == head
    assert client.ask("GET", f"{path}/{U}")["checkpoint"] == {"checkpoint_id": U, "thread_id": T}
    [found] = client.ask("GET", f"/threads/{T}/history?before={head['checkpoint_id']}")
    assert found["metadata"]["step"] == head["metadata"]["step"] - 1
    before = {"before": {"checkpoint_id": head["checkpoint_id"]}}
    assert client.post(f"/threads/{T}/history", before) == [found]
    assert client.post(f"/threads/{T}/history", {"metadata": {"step": -1}}) == [first]


def test_threads_are_found_by_what_changed_last(client: Client) -> None:
    client.post("/threads", {"thread_id": U})
    assert [one["thread_id"] for one in client.post("/threads/search", {})] == [U, T]
    begun(client)

    assert [one["thread_id"] for one in client.post("/threads/search", {})] == [T, U]
    times = {"sort_by": "created_at", "sort_order": "asc"}
    assert [one["thread_id"] for one in client.post("/threads/search", times)] == [T, U]
    assert client.post("/threads/count", {"status": "interrupted"}) == 1


def test_a_copy_can_be_resumed_by_itself(client: Client) -> None:
    begun(client)
    copy = client.post(f"/threads/{T}/copy")["thread_id"]
    client.now += 1
    reader = client.raw("POST", f"/threads/{copy}/runs/wait", {**RUN, "command": {"resume": "yes"}})
    client.now += 100

    said = json.loads(reader.body.read(client.now)[0])["messages"]  # type: ignore[union-attr]
    assert said[-1]["content"] == "So: yes"
    assert client.ask("GET", f"/threads/{T}")["status"] == "interrupted"


def test_a_patch_may_want_no_answer(client: Client) -> None:
    path = f"/threads/{T}"

    assert (
        client.ask("PATCH", path, {"metadata": {"n": 1}}, prefer="return=minimal", status=204)
        is None
    )
    assert client.ask("GET", path)["metadata"] == {"of": "T", "n": 1}


def test_several_threads_are_forgotten_together(client: Client) -> None:
    assert client.post("/threads/prune", {"thread_ids": [T, U]}) == {"pruned_count": 1}
    client.post("/threads/prune", {"thread_ids": [], "strategy": "keep_latest"}, 422)


def test_a_stateless_run_may_leave_its_thread_behind(client: Client) -> None:
    reply = client.post("/runs", {**RUN, "on_completion": "keep"})
    client.now += 100

    assert client.ask("GET", f"/threads/{reply['thread_id']}")["status"] == "interrupted"
    reader = client.raw("POST", "/runs/stream", {**RUN, "on_completion": "keep"})
    assert reader.headers[1][1].startswith("/runs/")
    assert client.post("/threads/count", {}) == 3
    [batched] = client.post("/runs/batch", [{**RUN, "on_completion": "keep"}])
    assert client.ask("GET", f"/threads/{batched['thread_id']}")["status"] == "busy"


def test_a_thread_from_elsewhere_goes_on_as_it_was_left(client: Client) -> None:
    state = {"messages": [{"type": "human", "content": "hi", "id": "1"}], "n": 1}
    record = {"metadata": {"graph_id": "agent"}}
    adopt_thread(client.database, RecordedThread(U, record, state))

    assert client.ask("GET", f"/threads/{U}")["values"]["n"] == 1
    assert client.ask("GET", f"/threads/{U}")["metadata"] == {"graph_id": "agent"}
    assert client.ask("GET", f"/threads/{U}/state")["values"]["messages"][0]["content"] == "hi"
    [found] = client.post("/threads/search", {"metadata": {"graph_id": "agent"}})
    assert (found["thread_id"], found["status"]) == (U, "idle")


def test_a_thread_from_elsewhere_may_have_no_state(client: Client) -> None:
    adopt_thread(client.database, RecordedThread(U))

    assert client.ask("GET", f"/threads/{U}/state")["checkpoint"] is None


def test_the_checkpoints_of_a_thread_from_elsewhere_are_known(client: Client) -> None:
    first, second = (f"1f1ea29d-101b-66cc-800{number}-fc04fdc71b70" for number in (1, 2))
    points = (
        {
            "checkpoint": {"checkpoint_id": first},
            "values": {"messages": []},
            "metadata": {"step": 0},
        },
        {
            "checkpoint": {"checkpoint_id": second},
            "parent_checkpoint": {"checkpoint_id": first},
            "values": {"messages": ["a"]},
            "metadata": {"step": 1},
        },
    )
    adopt_thread(client.database, RecordedThread(U, {}, {"messages": ["a"]}, points))

    history = client.post(f"/threads/{U}/history", {"limit": 10})
    assert [one["checkpoint"]["checkpoint_id"] for one in history] == [second, first]
    assert client.ask("GET", f"/threads/{U}/state/{first}")["values"] == {"messages": []}


def test_items_are_stored_found_and_forgotten(client: Client) -> None:
    place = {"namespace": ["a", "b"], "key": "k"}
    client.ask("PUT", "/store/items", {**place, "value": {"n": 1}}, status=204)
    first = client.ask("GET", "/store/items?namespace=a.b&key=k")
    client.ask("PUT", "/store/items", {**place, "value": {"n": 2}}, status=204)

    assert (first["value"], client.ask("GET", "/store/items?namespace=a.b&key=k")["value"]) == ({"n": 1}, {"n": 2})  # fmt: skip
    [found] = client.post("/store/items/search", {"namespace_prefix": ["a"], "filter": {"n": {"$gte": 2}}})["items"]  # fmt: skip
    assert (found["key"], found["score"]) == ("k", None)
    assert client.post("/store/namespaces", {"max_depth": 1}) == {"namespaces": [["a"]]}
    client.ask("DELETE", "/store/items", place, status=204)
    assert client.ask("GET", "/store/items?namespace=a.b&key=k") is None


@pytest.mark.slow
def test_the_store_has_room_for_so_many(client: Client) -> None:
    for number in range(database.MAX_ITEMS + 1):
        body = {"namespace": ["n", str(number % 2)], "key": str(number), "value": {}}
        client.ask("PUT", "/store/items", body, status=204)

    assert client.ask("GET", "/store/items?namespace=n.0&key=0") is None
    assert client.ask("GET", f"/store/items?namespace=n.0&key={database.MAX_ITEMS}") is not None
