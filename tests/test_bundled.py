"""The bundled cassettes."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from mockserver.cassette.model import Policy
from mockserver.store.library import Library
from tests.processes import running
from tests.recordings import HELLO, MODES, threaded

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def library() -> Library:
    return Library([ROOT / "cassettes"], Policy(), pytest.fail)


def test_every_bundled_exchange_can_be_played(library: Library) -> None:
    entries = [entry for cassette in library.index.cassettes for entry in cassette.entries]

    assert len(entries) == 39
    for entry in entries:
        exchange = library.load_exchange(entry)
        assert exchange.response.end is not None
        assert not exchange.response.end.cut


async def test_the_documented_conversation_is_there_in_every_mode(tmp_path: Path) -> None:
    state = {"messages": [{"role": "human", "content": HELLO}]}
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        async with aiohttp.ClientSession(server.url) as session:
            for mode in MODES:
                run = {"assistant_id": "agent", "input": state, "stream_mode": mode}
                async with session.post("/runs/stream", json=run) as response:
                    assert response.status == 200
                    assert (await response.text()).startswith("event: metadata\r\n")
            async with session.post(
                "/runs/wait", json={"assistant_id": "agent", "input": state}
            ) as response:
                assert "Hello Bagatur!" in await response.text()
            for path in ("/assistants/search", "/threads"):
                async with session.post(path, json={}) as response:
                    assert response.status == 200
        assert server.stop() == 0


async def test_the_conversation_on_a_thread_replays_under_any_id(tmp_path: Path) -> None:
    """As it was recorded, but for the id; and as the README has it, from the middle."""
    from langgraph_sdk import get_client  # takes most of a second

    thread = str(uuid4())
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        async with get_client(url=server.url, api_key=None) as client:
            await threaded(client, thread)
            state: Any = await client.threads.get_state(thread)
        assert server.stop() == 0, server.errors

    said = [message["content"] for message in state["values"]["messages"]]
    assert said[:3] == [
        "When do you ship?",
        "Draft: we ship on Monday.",
        "The human decided: send",
    ]
    assert state["checkpoint"]["thread_id"] == thread
    assert state["tasks"][0]["interrupts"][0]["value"]["question"] == "Send this reply?"
