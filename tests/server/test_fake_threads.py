"""Threads of the fake graph over real sockets: what takes time, who leaves, and what is the same every time."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.processes import Mockserver, running
from tests.scripted import WITHIN

SCRIPT = """\
rules:
- when: {human: long}
  steps: [{say: one, every: 0.2}, {custom: 1}, {pause: 3}, {custom: 2}, {pause: 30}, {say: never said}]
- when: {human: silence}
  steps: [{pause: 5.5}, {say: That was long.}]
- when: {human: short}
  steps: [{pause: 0.7}, {say: "Short, turn {turn}."}]
- when: {human: slow}
  steps: [{pause: 4}, {say: "Slow, turn {turn}."}]
- when: {human: ask}
  steps: [{interrupt: "Yes?"}, {say: "You said {answer}."}]
- steps: [{say: "You said: {message}"}]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mockserver]:
    """A server that takes its time."""
    folder = tmp_path_factory.mktemp("threads")
    (folder / "script.yaml").write_text(SCRIPT)
    with running("serve", "--script", "script.yaml", folder=folder) as server:
        yield server


FRAMING = ("Content-Length", "Transfer-Encoding")
"""How the bytes go out: at once or not."""


class Thread:
    """A client's thread."""

    def __init__(self, session: aiohttp.ClientSession, path: str) -> None:
        self.session = session
        self.path = path

    async def ask(self, method: str, path: str = "", body: Any = None, status: int = 200) -> Any:
        async with self.session.request(method, self.path + path, json=body) as answer:
            assert answer.status == status, await answer.text()
            raw = await answer.read()
            return json.loads(raw) if raw else None

    async def begin(self, text: str, **body: Any) -> str:
        reply = await self.ask("POST", "/runs", run(text, **body))
        return f"/runs/{reply['run_id']}"

    async def stream(self, text: str, second: asyncio.Event | None = None, **body: Any) -> str:
        async with self.session.post(f"{self.path}/runs/stream", json=run(text, **body)) as answer:
            assert answer.status == 200
            return await _read(answer, second)

    async def follow(self, path: str, second: asyncio.Event | None = None, **headers: str) -> str:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(f"{self.path}{path}/stream", headers=names) as answer:
            return await _read(answer, second)

    async def becomes(self, path: str, status: str) -> None:
        """Wait until what is at *path* has that *status*."""
        await self.until(path, lambda reply: reply["status"] == status)

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """Wait until the response at *path* *holds*, and return it."""
        reply = None
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                while True:
                    reply = await self.ask("GET", path)
                    if holds(reply):
                        return reply
                    await asyncio.sleep(0.02)
        raise AssertionError(reply)


async def _read(response: aiohttp.ClientResponse, second: asyncio.Event | None) -> str:
    """Return the body of *response*; set *second* when its event with the data 2 has come."""
    raw = b""
    async for block in response.content.iter_any():
        raw += block
        if second is not None and b"\r\ndata: 2\r\n" in raw:
            second.set()
    return raw.decode()


def run(text: str, **body: Any) -> dict[str, Any]:
    said = {"messages": [{"role": "human", "content": text}]}
    return {"assistant_id": "agent", "input": said, "stream_mode": ["custom", "updates"], **body}


@asynccontextmanager
async def thread(server: Mockserver) -> AsyncIterator[Thread]:
    async with aiohttp.ClientSession(server.url) as session:
        async with session.post("/threads", json={}) as answer:
            identity = (await answer.json())["thread_id"]
        yield Thread(session, f"/threads/{identity}")


def events(text: str) -> list[str]:
    return [line.partition(": ")[2] for line in text.split("\r\n") if line.startswith("event: ")]


@pytest.mark.slow
async def test_a_run_that_is_cancelled_closes_all_who_follow_it(server: Mockserver) -> None:
    async with thread(server) as on:
        seconds = [asyncio.Event() for _ in range(3)]
        streamed = asyncio.create_task(on.stream("long", seconds[0], stream_resumable=True))
        await on.becomes("", "busy")
        [reply] = await on.ask("GET", "/runs")
        one = f"/runs/{reply['run_id']}"
        again = asyncio.create_task(on.follow(one, seconds[1], Last_Event_ID="-1"))
        later = asyncio.create_task(on.follow(one, seconds[2]))
        joined = asyncio.create_task(on.ask("GET", f"{one}/join"))
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in seconds)), WITHIN)
        await on.ask("POST", f"{one}/cancel", status=202)
        texts = await asyncio.wait_for(asyncio.gather(streamed, again, later), WITHIN)

        heard = [events(text) for text in texts]
        assert heard[0] == heard[1] == ["metadata", "updates", "custom", "custom"]
        assert heard[2] == heard[0][-len(heard[2]) :] != heard[0]
        assert len((await asyncio.wait_for(joined, WITHIN))["messages"]) == 2
        assert (await on.ask("GET", one))["status"] == "interrupted"
        state = await on.ask("GET")
        assert (state["status"], state["error"]["error"]) == ("interrupted", "UserInterrupt")
        assert "You said: on" in await on.stream("on")
        assert (await on.ask("GET"))["status"] == "idle"


@pytest.mark.parametrize(
    ("how", "status"),
    [
        pytest.param({"on_disconnect": "cancel"}, "interrupted", id="cancel"),
        pytest.param({"on_disconnect": "continue"}, "success", id="continue"),
        pytest.param({}, "success", id="nothing said"),
    ],
)
async def test_a_client_that_leaves(server: Mockserver, how: dict[str, str], status: str) -> None:
    text = "long" if status == "interrupted" else "short"  # long: it is cancelled while it runs
    async with thread(server) as on:
        async with on.session.post(f"{on.path}/runs/stream", json=run(text, **how)) as answer:
            await answer.content.readline()
            [reply] = await on.ask("GET", "/runs")
            answer.close()
        one = f"/runs/{reply['run_id']}"
        await on.becomes(one, status)

        assert (await on.ask("GET"))["status"] == ("idle" if status == "success" else status)


@pytest.mark.slow
async def test_runs_wait_for_each_other(server: Mockserver) -> None:
    async with thread(server) as on:
        first = asyncio.create_task(on.stream("slow"))
        await on.becomes("", "busy")
        second = asyncio.create_task(on.stream("short"))
        runs = await on.until("/runs", lambda runs: len(runs) == 2)

        assert [one["status"] for one in runs] == ["pending", "running"]
        await on.ask("POST", "/runs/wait", run("x", multitask_strategy="reject"), status=409)
        assert "Slow, turn 1." in await first
        assert "Short, turn 2." in await second
        assert [one["status"] for one in await on.ask("GET", "/runs")] == ["success", "success"]


async def test_what_waits_begins_when_what_it_waits_for_is_cancelled(server: Mockserver) -> None:
    async with thread(server) as on:
        one = await on.begin("long")
        waiting = asyncio.create_task(on.stream("short"))
        await on.until("/runs", lambda runs: len(runs) == 2)
        await on.ask("POST", f"{one}/cancel?wait=true&action=rollback")

        assert "Short, turn 1." in await asyncio.wait_for(waiting, WITHIN)


async def test_one_run_takes_the_place_of_another(server: Mockserver) -> None:
    async with thread(server) as on:
        first = asyncio.create_task(on.stream("long"))
        await on.becomes("", "busy")
        second = await on.stream("short", multitask_strategy="interrupt")

        assert "Short, turn 2." in second
        assert "never said" not in await first
        assert [r["status"] for r in await on.ask("GET", "/runs")] == ["success", "interrupted"]


@pytest.mark.slow
async def test_a_run_may_begin_later(server: Mockserver) -> None:
    async with thread(server) as on:
        one = await on.begin("hi", after_seconds=3)

        assert (await on.ask("GET", one))["status"] == "pending"
        assert (await on.ask("GET"))["status"] == "busy"
        assert (await on.ask("GET", f"{one}/join"))["messages"][1]["content"] == "You said: hi"


async def test_a_thread_that_goes_takes_its_runs_along(server: Mockserver) -> None:
    async with thread(server) as on:
        streamed = asyncio.create_task(on.stream("long"))
        await on.becomes("", "busy")
        await on.ask("DELETE", status=204)

        assert "never said" not in await asyncio.wait_for(streamed, WITHIN)
        await on.ask("GET", status=404)


@pytest.mark.slow
async def test_who_waits_hears_that_the_server_is_there(server: Mockserver) -> None:
    async with thread(server) as one, thread(server) as other:
        streamed, waited = await asyncio.gather(
            one.stream("silence"),
            other.session.post(
                f"{other.path}/runs/wait", json=run("silence", stream_mode="values")
            ),
        )
        raw = await waited.read()

    assert events(streamed) == ["metadata", "updates"]
    assert streamed.count(": heartbeat\r\n\r\n") == 1
    assert raw.startswith(b'\n{"messages"')


async def conversation(server: Mockserver) -> bytes:
    """Have one that shows all that is made up; return every byte of it."""
    said: list[bytes] = []
    async with thread(server) as on:
        for method, path, body in (
            ("POST", "/runs/stream", run("hi", stream_mode=["values", "debug"], stream_resumable=True)),
            ("POST", "/runs/wait", run("ask")),
            ("GET", "/state", None),
            ("POST", "/runs/stream", {**run(""), "input": None, "command": {"resume": "yes"}}),
            ("POST", "/state", {"values": {"n": 1}}),
            ("POST", "/history", {"limit": 100}),
            ("POST", "/copy", None),
            ("GET", "/runs", None),
            ("GET", "", None),
        ):  # fmt: skip
            async with on.session.request(method, on.path + path, json=body) as answer:
                headers = [pair for pair in answer.headers.items() if pair[0] not in FRAMING]
                said += [repr(sorted(headers)).encode(), await answer.read()]
        async with on.session.post("/threads/search", json={}) as answer:
            said.append(await answer.read())
    return b"\n".join(said)


@pytest.mark.slow
async def test_a_conversation_is_the_same_in_every_process_and_at_any_pace(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text(SCRIPT)
    conversations: list[bytes] = []
    for seed, speed in (("1", "instant"), ("2", "instant"), ("3", "8")):
        arguments = ("serve", "--script", "script.yaml", "--speed", speed)
        with running(*arguments, folder=tmp_path, environment={"PYTHONHASHSEED": seed}) as server:
            conversations.append(await conversation(server))
            assert server.stop() == 0

    assert conversations[0] == conversations[1] == conversations[2]
