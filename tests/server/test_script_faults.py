"""Faults that a script describes: refused runs, stalls and cuts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver import MockServer

SCRIPT = """\
rules:
- when: {human: busy}
  steps: [{status: 429, headers: {retry-after: "7"}, body: {detail: slow down}}]
- when: {human: flaky}
  steps: [{say: one two}, {stall: 0.01}, {cut: true}]
- steps: [{say: fine}]
"""
REFUSAL = {
    "status": 429,
    "headers": {"retry-after": "7"},
    "body": {"detail": "slow down"},
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[MockServer]:
    (tmp_path / "script.yaml").write_text(SCRIPT)
    async with MockServer(fallback="fake", script=tmp_path / "script.yaml") as server:
        yield server


@pytest.fixture
async def client(server: MockServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as client:
        yield client


def body(text: str, **fields: Any) -> dict[str, Any]:
    message = {"role": "human", "content": text, "id": "m1"}
    return {"assistant_id": "agent", "input": {"messages": [message]}, **fields}


async def ask(
    client: aiohttp.ClientSession, path: str, text: str, **fields: Any
) -> tuple[int, bytes, bool]:
    """Return the status, the bytes of the body, and whether it was cut."""
    received = b""
    async with client.post(path, json=body(text, **fields)) as response:
        try:
            async for chunk in response.content.iter_any():
                received += chunk
        except aiohttp.ClientPayloadError:
            return response.status, received, True
        return response.status, received, False


async def get(client: aiohttp.ClientSession, path: str) -> Any:
    async with client.get(path) as response:
        return await response.json()


async def create_thread(client: aiohttp.ClientSession) -> str:
    async with client.post("/threads", json={}) as response:
        return f"/threads/{(await response.json())['thread_id']}"


@pytest.mark.parametrize("path", ["/runs/stream", "/runs/wait"])
async def test_a_script_refuses_a_run(
    server: MockServer, client: aiohttp.ClientSession, path: str
) -> None:
    async with client.post(path, json=body("busy")) as response:
        assert (response.status, response.headers["retry-after"]) == (429, "7")
        assert await response.json() == {"detail": "slow down"}

    [call] = server.calls
    assert (call.source, call.fault, call.note) == ("fault", REFUSAL, None)


@pytest.mark.parametrize("path", ["/runs/stream", "/runs/wait", "/runs"])
async def test_a_refused_run_changes_nothing_on_its_thread(
    client: aiohttp.ClientSession, path: str
) -> None:
    thread = await create_thread(client)
    before = await get(client, thread)
    refused = await ask(client, thread + path, "busy")
    after = await get(client, thread)
    runs = await get(client, f"{thread}/runs")
    accepted = await ask(client, thread + "/runs/wait", "hi")

    assert refused[:2] == (429, b'{"detail":"slow down"}')
    assert after == before
    assert runs == []
    assert accepted[0] == 200


async def test_a_refused_run_creates_no_thread(client: aiohttp.ClientSession) -> None:
    thread = "/threads/00000000-0000-4000-8000-000000000001"
    refused = await ask(client, f"{thread}/runs/wait", "busy", if_not_exists="create")
    async with client.get(thread) as response:
        assert response.status == 404

    assert refused[0] == 429


async def test_a_refused_run_stays_refused_on_a_thread_with_turns(
    client: aiohttp.ClientSession,
) -> None:
    thread = await create_thread(client)
    await ask(client, f"{thread}/runs/wait", "hi")
    before = await get(client, f"{thread}/state")
    refused = await ask(client, f"{thread}/runs/wait", "busy")

    assert refused[0] == 429
    assert await get(client, f"{thread}/state") == before


async def test_a_stream_stalls_and_breaks_where_the_script_says(
    server: MockServer, client: aiohttp.ClientSession
) -> None:
    thread = await create_thread(client)
    _, received, cut = await ask(
        client, f"{thread}/runs/stream", "flaky", stream_mode=["messages-tuple", "updates"]
    )
    state = await get(client, f"{thread}/state")

    assert cut
    assert b'two"' in received
    assert b"event: updates" not in received
    assert state["values"]["messages"][-1]["content"] == "one two"
    events = received.count(b"event: ")
    assert server.calls[1].fault == {"stall": events, "seconds": 0.01, "cut": events}
    assert server.calls[1].source == "fault"


async def test_another_body_breaks_in_its_middle(client: aiohttp.ClientSession) -> None:
    status, received, cut = await ask(client, "/runs/wait", "flaky")

    assert (status, cut) == (200, True)
    assert received.startswith(b'{"messages":')


async def test_the_same_turn_breaks_again(client: aiohttp.ClientSession) -> None:
    thread = await create_thread(client)
    cuts = [(await ask(client, f"{thread}/runs/stream", "flaky"))[2] for _ in range(2)]

    assert cuts == [True, True]


async def test_a_run_in_the_background_has_no_connection_to_break(
    client: aiohttp.ClientSession,
) -> None:
    thread = await create_thread(client)
    async with client.post(f"{thread}/runs", json=body("flaky")) as response:
        run = (await response.json())["run_id"]
    joined = await get(client, f"{thread}/runs/{run}/join")

    assert joined["messages"][-1]["content"] == "one two"
