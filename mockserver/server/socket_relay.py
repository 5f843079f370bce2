"""Relay a WebSocket with the events of a thread to the upstream, and record it as the requests that it means.

A command and its answer become a `POST …/commands`. The events become one `POST …/stream/events`, whose filter is the union of
the subscriptions.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
from aiohttp import WSCloseCode, WSMsgType, web

from mockserver.cassette.model import Ending
from mockserver.cassette.recorder import Recorder
from mockserver.formats import sse
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.http.messages import Reply, ReplySource, Request
from mockserver.server.event_socket import PING_SECONDS, request_on_thread
from mockserver.server.recording import Recording

CLOSE_TIMEOUT = 1.0
"""How many seconds each side has to confirm the end of the socket."""

_BROKEN = (None, WSCloseCode.ABNORMAL_CLOSURE)
"""How a side was closed that closed its connection only."""

_JSON = (("content-type", "application/json"),)
_EVENT_STREAM = (
    ("cache-control", "no-store"),
    ("x-accel-buffering", "no"),
    ("content-type", "text/event-stream; charset=utf-8"),
)
_ANSWERS = ("success", "error")

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse[bool]
Report = Callable[[Request, Reply, float], None]
Take = Callable[[str], "asyncio.Task[None] | None"]


@dataclass(slots=True)
class _Exchange:
    """An exchange that is being recorded; *number* is that of its request, which came at *started*."""

    number: int
    started: float
    request: Request
    recorder: Recorder


class SocketRelay:
    """A WebSocket that *opening* has asked for, and the same one at the *upstream*.

    *recording_started* is when the recording started. *report* is called with each recorded request, its reply, and its duration in seconds.
    """

    def __init__(
        self,
        opening: Request,
        upstream: aiohttp.ClientWebSocketResponse[bool],
        recording: Recording,
        recording_started: float,
        report: Report,
    ) -> None:
        self._opening = opening
        self._upstream = upstream
        self._recording = recording
        self._recording_started = recording_started
        self._report = report
        self._client = web.WebSocketResponse(
            heartbeat=PING_SECONDS,
            max_msg_size=0,
            timeout=CLOSE_TIMEOUT,
            protocols=[upstream.protocol] if upstream.protocol else (),
        )
        self._abandoned = asyncio.Event()
        self._is_complete = False
        self._code: int = WSCloseCode.GOING_AWAY
        self._commands: dict[int, _Exchange] = {}
        self._asked: dict[int, tuple[_Exchange, dict[str, Json]]] = {}
        self._subscriptions: list[dict[str, Json]] = []
        self._events: _Exchange | None = None
        self._saves: set[asyncio.Task[None]] = set()

    def is_complete(self) -> bool:
        """Return whether the socket has ended."""
        return self._is_complete

    def abandon(self) -> None:
        """Relay nothing more: the client has left, or the recording stops."""
        self._abandoned.set()

    async def forward(self, request: web.BaseRequest) -> None:
        """Relay until one side ends, and record all; raise HTTPException if *request* is no handshake."""
        try:
            await self._client.prepare(request)
        except BaseException:
            await self._upstream.close()
            raise
        client = asyncio.create_task(_relay(self._client, self._upstream, self._take_command))
        upstream = asyncio.create_task(_relay(self._upstream, self._client, self._take_message))
        abandoned = asyncio.create_task(self._abandoned.wait())
        parts = (client, upstream, abandoned)
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        codes = [side.result() for side in (client, upstream) if side in done]
        code = codes[0] if codes else WSCloseCode.GOING_AWAY
        is_cut = code in _BROKEN and client not in done
        self._code = WSCloseCode.INTERNAL_ERROR if code in _BROKEN else code or WSCloseCode.OK
        self._is_complete = True
        if self._events is not None:
            await self._save_events(self._events, Ending.CUT if is_cut else Ending.OPEN)
        for command in self._commands.values():
            self._recording.skip_unanswered(command.request)
        await asyncio.gather(*self._saves)

    async def close(self) -> web.WebSocketResponse:
        """Close both sides, with the code with which one was closed."""
        for side in (self._upstream, self._client):
            with suppress(ConnectionResetError):
                await side.close(code=self._code)
        return self._client

    def _take_command(self, text: str) -> None:
        """Note a message of the client."""
        command = _parse(text)
        number, method = command.get("id"), command.get("method")
        if not isinstance(number, int) or not isinstance(method, str):
            return
        if method.startswith("subscription."):
            params = command.get("params")
            selected = params if isinstance(params, dict) else {}
            self._asked[number] = (self._begin("/stream/events", ""), selected)
        else:
            self._commands[number] = self._begin("/commands", text)

    def _take_message(self, text: str) -> "asyncio.Task[None] | None":
        """Note a message of the upstream; return what must be done before the client gets it."""
        message = _parse(text)
        kind, number = message.get("type"), message.get("id")
        if kind == "event":
            self._take_event(text, message)
        elif kind in _ANSWERS and number in self._asked:
            exchange, params = self._asked.pop(number)
            if kind == "success" and "channels" in params:
                self._subscriptions.append(params)
                self._events = self._events or exchange
        elif kind in _ANSWERS and number in self._commands:
            exchange = self._commands.pop(number)
            exchange.recorder.start_response(200, "OK", _JSON)
            exchange.recorder.feed(text.encode(), time.monotonic())
            return self._save(exchange, Ending.CLOSED)
        return None

    def _take_event(self, text: str, envelope: dict[str, Json]) -> None:
        """Note an event, as the server would write it into a stream."""
        self._events = self._events or self._begin("/stream/events", "")
        line = dumps(envelope) if "\n" in text or "\r" in text else text
        raw = sse.encode_message(str(envelope.get("method")), line, str(envelope.get("seq")))
        self._events.recorder.feed(raw, time.monotonic())

    def _begin(self, path: str, body: str) -> _Exchange:
        request = request_on_thread(self._opening, path, body)
        now = time.monotonic()
        recorder = Recorder(request, now, now - self._recording_started)
        return _Exchange(self._recording.next_number(), now, request, recorder)

    def _save_events(self, exchange: _Exchange, how: Ending) -> "asyncio.Task[None]":
        body = dumps(_join(self._subscriptions))
        exchange.request = request_on_thread(self._opening, "/stream/events", body)
        exchange.recorder.request = exchange.request
        exchange.recorder.start_response(200, "OK", _EVENT_STREAM)
        return self._save(exchange, how)

    def _save(self, exchange: _Exchange, how: Ending) -> "asyncio.Task[None]":
        now = time.monotonic()
        reply = Reply(200, source=ReplySource.UPSTREAM)
        self._report(exchange.request, reply, now - exchange.started)
        task = asyncio.create_task(
            self._recording.save(exchange.number, exchange.request, exchange.recorder, now, how)
        )
        self._saves.add(task)
        task.add_done_callback(self._saves.discard)
        return task


async def _relay(source: Socket, target: Socket, take: Take) -> int | None:
    """Send each message of *source* to *target*, after what *take* returns for it is done.

    Return the code with which *source* was closed, or None if *target* is gone.
    """
    async for message in source:
        try:
            if message.type is WSMsgType.TEXT:
                if task := take(message.data):
                    await asyncio.shield(task)
                await target.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)
        except ConnectionResetError:
            return None
    return source.close_code


def _join(subscriptions: list[dict[str, Json]]) -> dict[str, Json]:
    """Return the filter that selects what *subscriptions* select: their channels, in the order first seen; namespaces and depth if all have the same."""
    channels = (name for one in subscriptions for name in one["channels"])
    joined: dict[str, Json] = {"channels": list(dict.fromkeys(channels))}
    for name in ("namespaces", "depth"):
        values = [one.get(name) for one in subscriptions]
        if values and values[0] is not None and all(value == values[0] for value in values):
            joined[name] = values[0]
    return joined


def _parse(text: str) -> dict[str, Json]:
    """Return the JSON object in *text*; an empty one if it is something else."""
    try:
        value = loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
