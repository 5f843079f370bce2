"""Event streams over real sockets: what takes time, who leaves, resets, and WebSockets."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.processes import Mockserver, running
from tests.scripted import WITHIN

SCRIPT = """\
rules:
- when: {human: long}
  steps: [{say: one two three}, {pause: 60}, {say: never said}]
- when: {human: ask}
  steps: [{say: Well.}, {interrupt: "Yes?"}, {say: "You said {answer}."}]
- steps: [{say: "You said: {message}"}]
"""
BUNDLED = Path(__file__).parents[2] / "cassettes"
ALL = ["values", "messages", "lifecycle", "input"]
GONE = (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, ConnectionResetError)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mockserver]:
    """A server that takes its time."""
    folder = tmp_path_factory.mktemp("events")
    (folder / "script.yaml").write_text(SCRIPT)
    with running("serve", "--script", "script.yaml", folder=folder) as server:
        yield server


class Thread:
    """A thread whose id a client has made."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.path = f"/threads/{uuid4()}"

    async def command(self, method: str, **params: Any) -> Any:
        body = {"id": 1, "method": method, "params": params}
        async with self.session.post(f"{self.path}/commands", json=body) as answer:
            return await answer.json()

    async def start(self, text: str, **params: Any) -> Any:
        answer = await self.command(
            "run.start", **{"assistant_id": "agent", "input": said(text), **params}
        )
        return answer["result"]["run_id"]

    async def blocks(self, *channels: str, **selected: Any) -> AsyncGenerator[str, None]:
        """Yield the blocks of an event stream."""
        body = {"channels": list(channels or ALL), **selected}
        async with self.session.post(f"{self.path}/stream/events", json=body) as answer:
            assert answer.status == 200
            raw = b""
            async for chunk in answer.content.iter_any():
                *blocks, raw = (raw + chunk).split(b"\r\n\r\n")
                for block in blocks:
                    yield block.decode()

    async def events(self, *channels: str, **selected: Any) -> AsyncGenerator[Any, None]:
        """Yield the envelopes of an event stream."""
        async with aclosing(self.blocks(*channels, **selected)) as blocks:
            async for block in blocks:
                if block.startswith("event: "):
                    yield json.loads(block.split("\r\n")[1].removeprefix("data: "))

    async def until(self, status: str, *channels: str, **selected: Any) -> list[Any]:
        """Return the envelopes of an event stream until the run has that *status*."""
        seen = []
        async with asyncio.timeout(WITHIN), aclosing(self.events(*channels, **selected)) as events:
            async for event in events:
                seen.append(event)
                if is_end(event, status):
                    break
        return seen


def said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "human", "content": text}]}


def is_end(event: Any, status: str) -> bool:
    return bool(event["method"] == "lifecycle" and event["params"]["data"]["event"] == status)


def statuses(events: list[Any]) -> list[str]:
    return [one["params"]["data"]["event"] for one in events if one["method"] == "lifecycle"]


@asynccontextmanager
async def thread(server: Mockserver, session: str = "") -> AsyncIterator[Thread]:
    headers = {"x-mockserver-session": session} if session else {}
    async with aiohttp.ClientSession(server.url, headers=headers) as client:
        yield Thread(client)


@pytest.mark.slow
async def test_an_idle_stream_is_held_open_and_wakes_up(server: Mockserver) -> None:
    async with thread(server) as on, asyncio.timeout(WITHIN), aclosing(on.blocks()) as blocks:
        heartbeat = await anext(blocks)
        await on.start("hi")
        first = await anext(blocks)

    assert heartbeat == ": heartbeat"
    assert first.startswith("event: lifecycle\r\n")
    assert first.endswith("\r\nid: 1")


async def test_all_streams_of_a_thread_agree(server: Mockserver) -> None:
    async with thread(server) as on:
        early = asyncio.create_task(on.until("completed"))
        await on.start("hi")
        during = await on.until("completed")
        late = await on.until("completed")

        assert await early == during == late
    assert [one["seq"] for one in late] == list(range(1, len(late) + 1))


async def test_an_interrupt_is_answered(server: Mockserver) -> None:
    async with thread(server) as on:
        await on.start("ask")
        [asked] = [
            one for one in await on.until("interrupted") if one["method"] == "input.requested"
        ]
        identity = asked["params"]["data"]["interrupt_id"]
        await on.command("input.respond", interrupt_id=identity, response="no", namespace=[])
        last = (await on.until("completed", "values", "lifecycle"))[-2]

    content = last["params"]["data"]["messages"][-1]["content"]
    assert content == [{"type": "text", "text": "You said no.", "index": 0}]


async def test_stop_reaches_the_open_streams(server: Mockserver) -> None:
    async with thread(server) as on:
        followed = asyncio.create_task(on.until("interrupted"))
        run = await on.start("long")
        await on.until("running")
        cancel = f"{on.path}/runs/{run}/cancel?wait=0&action=interrupt"
        async with on.session.post(cancel) as answer:
            assert answer.status == 202

        assert statuses(await followed) == ["running", "interrupted"]


@pytest.mark.slow
async def test_a_reset_ends_the_streams_of_its_session(server: Mockserver) -> None:
    async with thread(server, "one") as on, thread(server, "other") as other:
        stream, kept = on.events(), other.events()
        await on.start("hi")
        await other.start("hi")
        await anext(stream)
        await anext(kept)
        async with on.session.post("/__mockserver__/reset?session=one") as answer:
            assert answer.status < 300
        with pytest.raises(GONE):
            async with asyncio.timeout(WITHIN):
                while True:
                    await anext(stream)

        assert (await anext(kept))["seq"] == 2
        await kept.aclose()
        assert [one async for one in _first(on)] == []


async def _first(on: Thread) -> AsyncIterator[Any]:
    """Yield the events that a new stream has before its first heartbeat."""
    async with asyncio.timeout(WITHIN), aclosing(on.blocks()) as blocks:
        async for block in blocks:
            if block == ": heartbeat":
                return
            yield block


class Socket:
    """A client's end of a WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.events: list[Any] = []
        self._count = 0

    async def receive(self) -> Any:
        return json.loads(await self._socket.receive_str(timeout=WITHIN))

    async def send(self, text: str) -> Any:
        """Send *text* and return the answer."""
        await self._socket.send_str(text)
        return await self._answer()

    async def command(self, method: str, **params: Any) -> Any:
        self._count += 1
        return await self.send(json.dumps({"id": self._count, "method": method, "params": params}))

    async def until(self, status: str) -> list[Any]:
        """Return the events so far, after the run has got that *status*."""
        while not any(is_end(one, status) for one in self.events):
            self.events.append(await self.receive())
        return self.events

    async def _answer(self) -> Any:
        while (frame := await self.receive())["type"] == "event":
            self.events.append(frame)
        return frame


@asynccontextmanager
async def socket(on: Thread) -> AsyncIterator[Socket]:
    async with on.session.ws_connect(f"{on.path}/stream/events") as opened:
        yield Socket(opened)


async def test_a_socket_takes_commands_and_sends_the_events_of_a_stream(
    server: Mockserver,
) -> None:
    async with thread(server) as on, socket(on) as opened:
        subscribed = await opened.command("subscription.subscribe", channels=ALL)
        started = await opened.command("run.start", assistant_id="agent", input=said("hi"))
        events = await opened.until("completed")

        assert subscribed["result"].keys() == {"subscription_id", "replayed_events"}
        assert events == await on.until("completed")
        again = await opened.command("input.respond", interrupt_id="0", response=1)
        assert again["error"] == "no_such_interrupt"
        meta = (await opened.command("subscription.subscribe", channels=["tools"]))["meta"]
        assert meta == {"applied_through_seq": events[-1]["seq"]}
    assert started["result"]["run_id"] in events[0]["event_id"]


async def test_an_event_comes_once_and_in_order_however_many_subscriptions_select_it(
    server: Mockserver,
) -> None:
    async with thread(server) as on, socket(on) as opened:
        await opened.command("run.start", assistant_id="agent", input=said("hi"))
        await opened.command("subscription.subscribe", channels=["lifecycle", "messages"])
        await opened.command("subscription.subscribe", channels=["lifecycle", "values"])
        events = await opened.until("completed")

        assert events == await on.until("completed")


async def test_a_client_that_reconnects_gets_what_it_missed(server: Mockserver) -> None:
    async with thread(server) as on:
        await on.start("hi")
        everything = await on.until("completed")
        async with socket(on) as opened:
            await opened.command("subscription.reconnect", channels=ALL, since=3)

            assert await opened.until("completed") == everything[3:]


async def test_a_subscription_can_be_ended(server: Mockserver) -> None:
    async with thread(server) as on, socket(on) as opened:
        first = await opened.command("subscription.subscribe", channels=["values"])
        identity = first["result"]["subscription_id"]
        ended = await opened.command("subscription.unsubscribe", subscription_id=identity)
        unknown = await opened.command("subscription.unsubscribe", subscription_id=identity)
        await opened.command("subscription.subscribe", channels=["lifecycle"])
        await opened.command("run.start", assistant_id="agent", input=said("hi"))
        events = await opened.until("completed")

    assert ended["type"] == "success"
    assert unknown["error"] == "no_such_subscription"
    assert {one["method"] for one in events} == {"lifecycle"}


@pytest.mark.parametrize(
    ("text", "number", "error"),
    [
        ("{", None, "invalid_argument"),
        ("[]", None, "invalid_argument"),
        ('{"id": 1}', 1, "invalid_argument"),
        ('{"id": 2, "method": "odd"}', 2, "unknown_command"),
        ('{"id": 3, "method": "subscription.subscribe"}', 3, "invalid_argument"),
        (
            '{"id": 4, "method": "subscription.subscribe", "params": {"channels": ["debug"]}}',
            4,
            "invalid_argument",
        ),
        ('{"id": 5, "method": "subscription.unsubscribe"}', 5, "invalid_argument"),
        (
            '{"id": 6, "method": "subscription.reconnect", "params": {"channels": ["values"]}}',
            6,
            "invalid_argument",
        ),
    ],
)
async def test_a_wrong_command_gets_an_error(
    server: Mockserver, text: str, number: int | None, error: str
) -> None:
    async with thread(server) as on, socket(on) as opened:
        answer = await opened.send(text)

    assert (answer["type"], answer["id"], answer["error"]) == ("error", number, error)


async def test_a_reset_closes_the_sockets_of_its_session(server: Mockserver) -> None:
    async with thread(server, "third") as on:
        path = f"/__mockserver__/session/third{on.path}/stream/events"
        async with on.session.ws_connect(path) as opened:
            async with on.session.post("/__mockserver__/reset?session=third") as answer:
                assert answer.status < 300

            assert (await opened.receive(timeout=WITHIN)).type is aiohttp.WSMsgType.CLOSED


async def test_the_name_of_a_session_is_checked(server: Mockserver) -> None:
    async with thread(server, "x" * 300) as on:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await on.session.ws_connect(f"{on.path}/stream/events")

    assert refused.value.status == 400


async def test_in_a_replay_a_miss_closes_the_socket(tmp_path: Path) -> None:
    with running("replay", BUNDLED, folder=tmp_path) as server:
        async with (
            thread(server) as on,
            on.session.ws_connect(f"{on.path}/stream/events") as opened,
        ):
            started = {"id": 1, "method": "run.start", "params": {"assistant_id": "agent"}}
            await opened.send_json(started)
            answer = json.loads(await opened.receive_str(timeout=WITHIN))
            params = {"channels": ["values"]}
            subscribe = {"id": 2, "method": "subscription.subscribe", "params": params}
            await opened.send_json(subscribe)
            closed = await opened.receive(timeout=WITHIN)

    assert answer["error"] == "unknown_error"
    assert answer["message"].startswith("404: ")
    assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 4404)
