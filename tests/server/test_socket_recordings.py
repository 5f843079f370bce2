"""Recordings of WebSockets with event streams: what is relayed, and what is in the cassette."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from mockserver import MockServer
from mockserver.server import in_flight, socket_relay
from tests.processes import Mockserver, running
from tests.scripted import WITHIN, ask, exchanges

PATH = "/threads/t1/stream/events"
EVENT = '{"type":"event","event_id":"%d","seq":%d,"method":"%s","params":{"namespace":[]}}'
RUN = {"id": 1, "method": "run.start", "params": {"assistant_id": "agent"}}
FILTER: dict[str, Any] = {"channels": ["values", "lifecycle"], "namespaces": [[]], "depth": 1}

Socket = web.WebSocketResponse
Script = Callable[[Socket], Awaitable[None]]


@asynccontextmanager
async def upstream(script: Script) -> AsyncIterator[str]:
    """Serve WebSockets that *script* plays; other requests get a 404."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if "upgrade" not in request.headers:
            return web.json_response({}, status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await script(socket)
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


def record(url: str, folder: Path) -> AbstractContextManager[Mockserver]:
    return running("record", "chat.yaml", "--upstream", url, folder=folder)


@asynccontextmanager
async def connected(
    recorder: Mockserver, **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Connect to the *recorder*."""
    async with (
        asyncio.timeout(WITHIN),
        aiohttp.ClientSession(recorder.url) as session,
        session.ws_connect(PATH, headers=headers) as socket,
    ):
        yield socket


async def stop(recorder: Mockserver) -> int:
    return await asyncio.to_thread(recorder.stop)


def subscribe(number: int, **selected: Any) -> dict[str, Any]:
    return {"id": number, "method": "subscription.subscribe", "params": selected}


def event(number: int, method: str = "values") -> str:
    return EVENT % (number, number, method)


async def serve(socket: Socket) -> None:
    """Answer each command, and send events after the second subscription."""
    subscriptions = 0
    async for message in socket:
        command = json.loads(message.data)
        number, method = command["id"], command["method"]
        await socket.send_json({"type": "success", "id": number, "result": {"method": method}})
        subscriptions += method == "subscription.subscribe"
        if subscriptions == 2:
            await socket.send_str(event(1, "lifecycle"))
            await socket.send_str(event(7))


async def test_a_socket_is_recorded_as_the_requests_that_it_means(tmp_path: Path) -> None:
    async with upstream(serve) as url:
        with record(url, tmp_path) as recorder:
            async with connected(recorder) as socket:
                await socket.send_json(RUN)
                await socket.send_json(subscribe(2, **FILTER))
                await socket.send_json(subscribe(3, channels=["lifecycle", "input"]))
                received = [await socket.receive_json() for _ in range(5)]
            assert await stop(recorder) == 0

    assert [one.get("id", one.get("event_id")) for one in received] == [1, 2, 3, "1", "7"]
    assert exchanges((tmp_path / "chat.yaml").read_text()) == [
        """\
request:
  method: POST
  path: /threads/t1/commands
  body:
    id: 1
    method: run.start
    params:
      assistant_id: agent
response:
  status: 200
  headers:
    content-type: application/json
  text: |-
    {"type": "success", "id": 1, "result": {"method": "run.start"}}
  end: {how: closed}
""",
        f"""\
request:
  method: POST
  path: {PATH}
  body:
    channels:
    - values
    - lifecycle
    - input
response:
  status: 200
  headers:
    cache-control: no-store
    x-accel-buffering: 'no'
    content-type: text/event-stream; charset=utf-8
  events:
  - event: lifecycle
    data: |-
      {event(1, "lifecycle")}
    id: '1'
  - event: values
    data: |-
      {event(7)}
    id: '7'
  end: {{how: open}}
""",
    ]
    assert recorder.errors.endswith(
        "responses: 2 from the upstream; recorded 2 exchanges into chat.yaml\n"
    )


async def test_a_command_is_in_the_journal_while_the_socket_is_open(tmp_path: Path) -> None:
    async with upstream(serve) as url:
        with record(url, tmp_path) as recorder:
            async with connected(recorder) as socket:
                await socket.send_json(RUN)
                await socket.receive()
                journal = await ask(recorder.url, "GET", "/__mockserver__/journal")
            assert await stop(recorder) == 0

    assert b'"path":"/threads/t1/commands"' in journal.body.replace(b'": "', b'":"')


async def test_equal_namespaces_and_depth_are_kept(tmp_path: Path) -> None:
    async with upstream(serve) as url:
        with record(url, tmp_path) as recorder:
            async with connected(recorder) as socket:
                for number in (1, 2):
                    await socket.send_json(subscribe(number, **FILTER, since=3))
                    await socket.receive_json()
            assert await stop(recorder) == 0

    text = (tmp_path / "chat.yaml").read_text()
    assert "    namespaces:\n    - []\n    depth: 1\nat:" in text
    assert "since" not in text


async def test_a_stop_ends_the_socket_and_keeps_what_came(tmp_path: Path) -> None:
    async with upstream(serve) as url:
        with record(url, tmp_path) as recorder:
            async with connected(recorder) as socket:
                for number in (1, 2):
                    await socket.send_json(subscribe(number, **FILTER))
                received = [await socket.receive_json() for _ in range(4)]
                status = asyncio.create_task(stop(recorder))
                end = await socket.receive()
                assert await status == 0

    assert received[-1]["seq"] == 7
    assert (end.type, end.data) == (WSMsgType.CLOSE, 1001)
    (document,) = exchanges((tmp_path / "chat.yaml").read_text())
    assert document.endswith("    id: '7'\n  end: {how: open}\n")


async def test_a_client_that_closes_closes_the_upstream_likewise(tmp_path: Path) -> None:
    closed = asyncio.get_running_loop().create_future()

    async def script(socket: Socket) -> None:
        async for message in socket:
            await socket.send_bytes(message.data)
        closed.set_result(socket.close_code)

    async with upstream(script) as url:
        with record(url, tmp_path) as recorder:
            async with connected(recorder) as socket:
                await socket.send_bytes(b"\0")
                assert await socket.receive_bytes() == b"\0"
                await socket.close(code=4001)
            assert await asyncio.wait_for(closed, WITHIN) == 4001
            assert await stop(recorder) == 0

    assert not (tmp_path / "chat.yaml").exists()


async def test_a_client_that_vanishes_releases_the_upstream(tmp_path: Path) -> None:
    closed = asyncio.Event()

    async def script(socket: Socket) -> None:
        await serve(socket)
        closed.set()

    async with upstream(script) as url:
        with record(url, tmp_path) as recorder:
            async with connected(recorder) as socket:
                for number in (1, 2):
                    await socket.send_json(subscribe(number, **FILTER))
                assert [await socket.receive_json() for _ in range(4)]
                transport = socket.get_extra_info("socket")
                assert transport is not None
                transport.shutdown(2)
                await asyncio.wait_for(closed.wait(), WITHIN)
            assert await stop(recorder) == 0

    assert (tmp_path / "chat.yaml").read_text().endswith("how: open}\n")


@pytest.mark.parametrize(
    ("code", "received", "how"),
    [pytest.param(4409, 4409, "open", id="closed"), pytest.param(None, 1011, "cut", id="cut")],
)
async def test_the_end_of_the_upstream_reaches_the_client(
    code: int | None, received: int, how: str, tmp_path: Path
) -> None:
    async def script(socket: Socket) -> None:
        await socket.receive()
        await socket.send_str(event(1))
        if code is not None:
            await socket.close(code=code)
        else:
            transport = socket.get_extra_info("socket")
            assert transport is not None
            transport.shutdown(2)

    async with upstream(script) as url:
        with record(url, tmp_path) as recorder:
            async with connected(recorder) as socket:
                await socket.send_json(RUN)
                assert (await socket.receive_json())["seq"] == 1
                end = await socket.receive()
            assert await stop(recorder) == 0

    assert (end.type, end.data) == (WSMsgType.CLOSE, received)
    assert (tmp_path / "chat.yaml").read_text().endswith(f"how: {how}}}\n")
    assert recorder.errors.startswith(
        "not recorded: POST /threads/t1/commands had no response yet\nresponses: 1 from the upstream"
    )


async def test_messages_that_mean_nothing_are_only_relayed(tmp_path: Path) -> None:
    async def script(socket: Socket) -> None:
        async for message in socket:
            await socket.send_str(message.data)

    messages = [
        *("no JSON", "[]", '{"id":null,"method":"run.start"}', '{"type":"success","id":9}'),
        '{"type":"error","id":1,"method":"subscription.subscribe"}',
    ]
    async with upstream(script) as url:
        with record(url, tmp_path) as recorder:
            async with connected(recorder) as socket:
                for message in messages:
                    await socket.send_str(message)
                received = [await socket.receive_str() for _ in messages]
            assert await stop(recorder) == 0

    assert received == messages
    assert not (tmp_path / "chat.yaml").exists()


async def test_a_refusal_of_the_upstream_reaches_the_client(tmp_path: Path) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({}, status=403)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        with record(str(server.make_url("")), tmp_path) as recorder:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with connected(recorder):
                    pass
            assert await stop(recorder) == 0

    assert refused.value.status == 403
    assert "refused the WebSocket with status 403\n" in recorder.errors


async def test_a_malformed_handshake_leaves_no_socket_at_the_upstream(tmp_path: Path) -> None:
    closed = asyncio.Event()

    async def script(socket: Socket) -> None:
        await serve(socket)
        closed.set()

    async with upstream(script) as url:
        with record(url, tmp_path) as recorder:
            answer = await ask(recorder.url, "GET", PATH, b"", b"upgrade: websocket")
            await asyncio.wait_for(closed.wait(), WITHIN)
            assert await stop(recorder) == 0

    assert answer.line == b"HTTP/1.1 400 Bad Request"
    assert recorder.errors == "no responses; nothing to record\n"


async def test_a_page_of_another_origin_gets_no_socket(tmp_path: Path) -> None:
    async with upstream(serve) as url:
        with record(url, tmp_path) as recorder:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with connected(recorder, origin="https://elsewhere.example"):
                    pass
            assert await stop(recorder) == 0

    assert refused.value.status == 403
    assert recorder.errors.endswith("no responses; 1 rejected request; nothing to record\n")


async def test_the_headers_of_the_client_and_its_protocol_reach_the_upstream(
    tmp_path: Path,
) -> None:
    seen: list[tuple[str | None, str | None]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["two"])
        await socket.prepare(request)
        seen.append((request.headers.get("x-one"), socket.ws_protocol))
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        with record(str(server.make_url("")), tmp_path) as recorder:
            async with (
                aiohttp.ClientSession(recorder.url) as session,
                session.ws_connect(
                    PATH, protocols=["one", "two"], headers={"x-one": "1"}
                ) as socket,
            ):
                protocol = socket.protocol
                await socket.receive()
            assert await stop(recorder) == 0

    assert protocol == "two"
    assert seen == [("1", "two")]


async def test_a_malformed_message_of_the_upstream_closes_the_socket(tmp_path: Path) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.write(b"\xff\xff")
        await socket.receive()
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        with record(str(server.make_url("")), tmp_path) as recorder:
            async with connected(recorder) as socket:
                end = await socket.receive()
            assert await stop(recorder) == 0

    assert (end.type, end.data) == (WSMsgType.CLOSE, 1002)


async def test_a_relay_ends_when_its_target_is_gone() -> None:
    class Source:
        async def __aiter__(self) -> AsyncIterator[aiohttp.WSMessage]:
            yield aiohttp.WSMessage(WSMsgType.TEXT, "{}", None)

    class Gone:
        async def send_str(self, text: str) -> None:
            raise ConnectionResetError

    relaying = socket_relay._relay(Source(), Gone(), lambda text: None)  # type: ignore[arg-type]

    assert await relaying is None


async def test_a_socket_that_does_not_end_in_time_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(in_flight, "RESPONSE_GRACE", 0.0)
    async with upstream(serve) as url, aiohttp.ClientSession() as session:
        async with MockServer(tmp_path / "chat.yaml", upstream=url) as recorder:
            socket = await session.ws_connect(f"{recorder.url}{PATH}")
            await socket.send_json(RUN)
            await socket.receive()
        await socket.close()

    line = f"not recorded: GET {PATH} was still being answered 0 s after the stop"
    assert line in caplog.messages
