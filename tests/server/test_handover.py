"""Threads that change hands in `serve`: from cassettes to the fake graph, over a real socket."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.http.pacing import parse_pace
from mockserver.server import modes
from mockserver.server.log import Log
from mockserver.server.settings import Settings

T, MINE = "01a21ba4-1ad6-7314-89cc-cdb4387c5f5b", "01a21ba4-1ad6-7314-89cc-000000000001"
CHECKPOINT = "1f1ea29d-101b-66cc-8005-fc04fdc71b70"


def message(kind: str, text: str) -> dict[str, Any]:
    return {"type": kind, "content": text, "id": f"id of {text}"}


HUMAN, AI = message("human", "hi"), message("ai", "hello")


def exchange(method: str, path: str, body: Any, answer: Any) -> str:
    head = f"---\nrequest:\n  method: {method}\n  path: {path}\n"
    sent = "" if body is None else f"  body: {json.dumps(body)}\n"
    return f"{head}{sent}response:\n  body: {json.dumps(answer)}\n"


def run(text: str) -> dict[str, Any]:
    return {
        "assistant_id": "agent",
        "input": {"messages": [{"role": "human", "content": text, "id": f"id of {text}"}]},
    }


STATE: dict[str, Any] = {
    "values": {"messages": [HUMAN, AI]},
    "next": [],
    "tasks": [],
    "metadata": {"step": 1, "source": "loop"},
    "created_at": "2026-11-27T06:15:12+00:00",
    "checkpoint": {"thread_id": T, "checkpoint_id": CHECKPOINT, "checkpoint_ns": ""},
    "parent_checkpoint": None,
}
CHAT = "mockserver: 1\n" + "".join(
    (
        exchange("POST", "/threads", {}, {"thread_id": T, "metadata": {"user": 7}}),
        exchange("POST", f"/threads/{T}/runs/wait", run("hi"), {"messages": [HUMAN, AI]}),
        exchange("POST", f"/threads/{T}/history", {"limit": 10}, [STATE]),
    )
)

Client = TestClient[Any, Any]


@pytest.fixture(params=["instant", "recorded"])
async def client(
    request: pytest.FixtureRequest, aiohttp_client: AiohttpClient, tmp_path: Path
) -> Client:
    """A client of a server that serves the cassette CHAT, and the fake graph."""
    (tmp_path / "chat.yaml").write_text(CHAT)
    options = modes.ServerOptions(Settings(), parse_pace(request.param, None))
    server = modes.create_serve_server([tmp_path], options, Log(lambda line: None))
    return await aiohttp_client(RawTestServer(server.app.handle))


async def ask(
    client: Client, method: str, path: str, body: Any = None, source: str = "fake"
) -> Any:
    async with client.request(method, path, json=body) as response:
        answer = await response.json()
        assert response.status == 200, answer
        assert response.headers["x-mockserver-source"] == source, answer
        return answer


def texts(state: Any) -> list[str]:
    return [one["content"] for one in state["messages"]]


async def test_a_created_thread_goes_on_in_the_fake_graph(client: Client) -> None:
    thread = (await ask(client, "POST", "/threads", {}, "cassette"))["thread_id"]

    said = await ask(client, "POST", f"/threads/{thread}/runs/wait", run("My name is Ada"))

    assert texts(said)[0] == "My name is Ada"
    assert (await ask(client, "GET", f"/threads/{thread}"))["metadata"]["user"] == 7
    state = await ask(client, "GET", f"/threads/{thread}/state")
    assert state["values"] == said


async def test_both_turns_are_in_the_state_after_a_handover(client: Client) -> None:
    thread = (await ask(client, "POST", "/threads", {"metadata": {"of": "me"}}))["thread_id"]
    assert await ask(client, "POST", f"/threads/{thread}/history", {}) == []

    first = await ask(client, "POST", f"/threads/{thread}/runs/wait", run("hi"), "cassette")
    second = await ask(client, "POST", f"/threads/{thread}/runs/wait", run("My name is Ada"))

    assert texts(first) == ["hi", "hello"]
    assert texts(second)[:3] == ["hi", "hello", "My name is Ada"]
    assert (await ask(client, "GET", f"/threads/{thread}/state"))["values"] == second
    record = await ask(client, "GET", f"/threads/{thread}")
    assert record["metadata"]["of"] == "me"
    assert record["metadata"]["graph_id"] == "agent"


async def test_reads_that_were_not_recorded_do_not_end_the_conversation(client: Client) -> None:
    thread = (await ask(client, "POST", "/threads", {}, "cassette"))["thread_id"]
    assert await ask(client, "POST", f"/threads/{thread}/history", {}) == []

    await ask(client, "POST", f"/threads/{thread}/runs/wait", run("hi"), "cassette")
    state = await ask(client, "GET", f"/threads/{thread}/state")
    history = await ask(client, "POST", f"/threads/{thread}/history", {"limit": 10}, "cassette")

    assert texts(state["values"]) == ["hi", "hello"]
    assert texts(history[0]["values"]) == ["hi", "hello"]


async def test_a_recorded_checkpoint_is_known_to_the_fake_graph(client: Client) -> None:
    checkpoint = CHECKPOINT
    for _ in range(2):  # under other ids the second time
        thread = (await ask(client, "POST", "/threads", {}, "cassette"))["thread_id"]
        await ask(client, "POST", f"/threads/{thread}/runs/wait", run("hi"), "cassette")
        path = f"/threads/{thread}/history"
        [shown] = await ask(client, "POST", path, {"limit": 10}, "cassette")
        checkpoint = shown["checkpoint"]["checkpoint_id"]

        body = {**run("My name is Ada"), "checkpoint": {"checkpoint_id": checkpoint}}
        said = await ask(client, "POST", f"/threads/{thread}/runs/wait", body)

        assert texts(said)[:3] == ["hi", "hello", "My name is Ada"]
    assert checkpoint != CHECKPOINT


async def test_search_and_count_agree_with_the_session(client: Client) -> None:
    thread = (await ask(client, "POST", "/threads", {}, "cassette"))["thread_id"]
    await ask(client, "POST", f"/threads/{thread}/runs/wait", run("hi"), "cassette")

    [found] = await ask(client, "POST", "/threads/search", {"metadata": {"graph_id": "agent"}})

    assert found["thread_id"] == thread
    assert texts(found["values"]) == ["hi", "hello"]
    assert await ask(client, "POST", "/threads/count", {}) == 1


async def test_a_thread_that_the_fake_graph_has_changed_stays_there(client: Client) -> None:
    thread = (await ask(client, "POST", "/threads", {}, "cassette"))["thread_id"]
    await ask(client, "POST", f"/threads/{thread}/runs/wait", run("My name is Ada"))

    said = await ask(client, "POST", f"/threads/{thread}/runs/wait", run("hi"))

    assert texts(said)[0] == "My name is Ada"


async def test_a_visit_after_a_handover_plays_the_recording_again(client: Client) -> None:
    threads = []
    for _ in range(3):
        thread = (await ask(client, "POST", "/threads", {}, "cassette"))["thread_id"]
        said = await ask(client, "POST", f"/threads/{thread}/runs/wait", run("hi"), "cassette")
        assert texts(said) == ["hi", "hello"]
        await ask(client, "POST", f"/threads/{thread}/runs/wait", run("My name is Ada"))
        threads.append(thread)

    assert threads[0] == T
    assert len(set(threads)) == 3


async def test_the_journal_says_why_the_fake_graph_answered(client: Client) -> None:
    thread = (await ask(client, "POST", "/threads", {}, "cassette"))["thread_id"]
    await ask(client, "GET", f"/threads/{thread}/state")
    await ask(client, "POST", f"/threads/{thread}/runs/wait", run("My name is Ada"))
    await ask(client, "GET", f"/threads/{thread}/state")
    async with client.get("/__mockserver__/journal") as response:
        calls = [call.get("conversation") for call in (await response.json())["requests"]]

    place = {
        "conversation": "chat.yaml thread 1, #1-#3",
        "progress": "0 of 1 turns",
        "next": "chat.yaml#2",
    }
    where = "chat.yaml thread 1 (#1-#3), 0 of 1 turns played"
    assert calls == [
        {**place, "why": "created"},
        {**place, "why": f"answered by the fake graph: no such request was recorded in {where}"},
        {**place, "why": f"answered by the fake graph: the next turn of {where}, differs"},
        {"why": "answered by the fake graph: the fake graph has taken over this thread"},
    ]


async def test_a_recorded_thread_gets_the_date_of_the_fake_graph(
    aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text(CHAT)
    options, now = modes.ServerOptions(), datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    server = modes.create_serve_server([tmp_path], options, Log(lambda line: None), fake_now=now)
    client: Client = await aiohttp_client(RawTestServer(server.app.handle))
    async with client.post("/threads", json={}) as response:
        thread = (await response.json())["thread_id"]

    async with client.get(f"/threads/{thread}") as response:
        record = await response.json()

    assert record["created_at"] == "2026-11-27T09:30:00.000000+00:00"
