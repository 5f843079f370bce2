"""Many clients on one server, each in a session of its own."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from mockserver import MockServer
from tests.real.scenarios import said
from tests.replaying import cassette

SESSIONS = 100
AT_ONCE = 25
RUN = {"stream_mode": ["updates", "messages-tuple"]}


@dataclass
class Client:
    """One client: the requests and responses so far, and the ids that it received."""

    url: str
    heard: list[tuple[int, str, str | None, bytes]] = field(default_factory=list)
    thread: str = ""
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, session: aiohttp.ClientSession, method: str, path: str, body: Any) -> None:
        """Ask for *path*, in which THREAD stands for the thread that was made."""
        url = self.url + path.replace("THREAD", self.thread)
        async with session.request(method, url, json=body) as response:
            raw = await response.read()
            source = response.headers["x-mockserver-source"]
            exchange = response.headers.get("x-mockserver-exchange")
            self.heard.append((response.status, source, exchange, raw))
            if path == "/threads":
                self.thread = (await response.json())["thread_id"]


def run(text: str, **rest: Any) -> dict[str, Any]:
    return {"assistant_id": "agent", "input": said(text), **rest}


SCRIPT: list[tuple[str, str, Any]] = [
    ("POST", "/runs/wait", run("hi")),
    ("POST", "/runs/stream", run("Tell me a joke", **RUN)),
    ("POST", "/threads", {}),
    ("POST", "/runs/wait", run("hi")),
    ("POST", "/threads/THREAD/runs/stream", run("Use some tools", **RUN)),
    ("GET", "/threads/THREAD/state", None),
    ("POST", "/threads/THREAD/runs/wait", run("Ask me something")),
    ("POST", "/runs/wait", run("hi")),
    ("POST", "/threads/THREAD/runs/wait", {"assistant_id": "agent", "command": {"resume": "tea"}}),
    ("POST", "/threads/THREAD/history", {"limit": 20}),
    ("POST", "/threads/search", {}),
    ("PUT", "/store/items", {"namespace": ["a"], "key": "k", "value": {"n": 1}}),
    ("POST", "/store/items/search", {"namespace_prefix": []}),
    ("POST", "/runs/wait", run("hi")),
]


async def converse(server: MockServer, names: list[str], order: list[str]) -> dict[str, Client]:
    """Play the script in the sessions *names*, their steps in this *order*, many at once."""
    clients = {name: Client(server.url_for(session=name)) for name in names}
    steps = {name: iter(SCRIPT) for name in names}
    async with aiohttp.ClientSession() as session:

        async def step(name: str) -> None:
            async with clients[name].busy:
                await clients[name].ask(session, *next(steps[name]))

        left = iter(order)
        while some := list(islice(left, AT_ONCE)):
            await asyncio.gather(*map(step, some))
    return clients


@pytest.mark.slow
async def test_a_hundred_sessions_each_see_their_own(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(
        cassette(("hi", "one"), ("hi", "two"), ("hi", "three"), header="repeat: cycle\n")
    )
    names = [f"session {number}" for number in range(SESSIONS)]
    order = [name for name in names for _ in SCRIPT]
    Random(5).shuffle(order)
    async with MockServer(tmp_path, fallback="fake") as server:
        alone = (await converse(server, ["alone"], ["alone"] * len(SCRIPT)))["alone"]
        clients = await converse(server, names, order)
        journal = defaultdict(list)
        for call in server.calls:
            journal[call.session].append((call.status, call.source, call.exchange))

    answers = [exchange for _, source, exchange, _ in alone.heard if source == "cassette"]
    assert answers == ["chat.yaml#1", "chat.yaml#2", "chat.yaml#3", "chat.yaml#1"]
    assert {source for _, source, _, _ in alone.heard} == {"cassette", "fake"}
    assert {status for status, _, _, _ in alone.heard} <= {200, 204}
    for name in names:
        assert clients[name].heard == alone.heard
        assert journal[name] == [heard[:3] for heard in alone.heard]


async def test_a_session_that_is_reset_begins_again(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one"), ("hi", "two")))
    heard = []
    async with MockServer(tmp_path, fallback="fake") as server:
        for _ in range(2):
            heard.append((await converse(server, ["one"], ["one"] * len(SCRIPT)))["one"].heard)
            server.reset("one")

    assert heard[0] == heard[1]
