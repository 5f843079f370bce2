"""Event streams over WebSocket: commands and events on one socket.

A socket means the same as requests: each command is a `POST …/commands`, and all its subscriptions together are one
`POST …/stream/events`, so that their events come in order. The responders answer them, whatever the mode is.
Source: langgraph-api 0.16.7, `api/event_streaming`, and the WebSocket transports of the SDKs.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from uuid import uuid4

from aiohttp import WSMsgType, hdrs, web

from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.fake.thread_log.filter import Filter, is_channel, parse_filter
from mockserver.formats import sse
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.http.messages import Reply, Request
from mockserver.server.faulty_body import body_chunks, with_faulty_body
from mockserver.server.sending import close_connection

PING_SECONDS = 20.0

_PATH = re.compile(r"(?P<thread>/threads/[^/?]+)/stream/events/?(?:\?.*)?")
_HTTP_STATUS = 4000
"""The SDKs take a code of at least 4000 as this and an HTTP status."""
_MAX_REASON = 100
_NOT_JSON = "Protocol commands must be valid JSON."
_NOT_A_COMMAND = "Protocol commands must include an integer id and string method."

Ask = Callable[[Request], Awaitable[Reply]]


def is_event_socket(request: web.BaseRequest, path: str) -> bool:
    """Return whether *request* for *path* opens a WebSocket with the events of a thread."""
    upgrade = request.headers.get(hdrs.UPGRADE, "").lower()
    return upgrade == "websocket" and _PATH.fullmatch(path) is not None


class EventSocket:
    """A WebSocket that *opening* has asked for; *ask* returns the reply to a request that a command means."""

    def __init__(self, opening: Request, ask: Ask) -> None:
        self._opening = opening
        self._ask = ask
        self._socket = web.WebSocketResponse(heartbeat=PING_SECONDS, max_msg_size=0)
        self._subscriptions: dict[str, Filter] = {}
        self._stream: asyncio.Task[None] | None = None
        self._sent: set[int] = set()
        self._break_connection: Callable[[], None] = lambda: None

    async def serve(self, request: web.BaseRequest) -> web.WebSocketResponse:
        """Answer commands and send events until the client closes the socket."""
        await self._socket.prepare(request)
        self._break_connection = partial(close_connection, request)
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._send(await self._answer(message.data))
        except ConnectionAbortedError:  # a fault
            self._break_connection()
        finally:
            await self._end_stream()
        return self._socket

    async def _answer(self, text: str) -> Json:
        """Return the envelope that answers the command in *text*."""
        try:
            command = loads(text)
        except ValueError:
            return _error(None, "invalid_argument", _NOT_JSON)
        fields = command if isinstance(command, dict) else {}
        number, method = fields.get("id"), fields.get("method")
        if not isinstance(number, int) or not isinstance(method, str):
            return _error(number, "invalid_argument", _NOT_A_COMMAND)
        params = fields.get("params")
        given = params if isinstance(params, dict) else {}
        match method:
            case "subscription.subscribe" | "subscription.reconnect":
                return await self._subscribe(number, method, given)
            case "subscription.unsubscribe":
                return self._unsubscribe(number, given)
            case _:
                return await self._pass_on(number, text)

    async def _subscribe(self, number: int, method: str, params: dict[str, Json]) -> Json:
        """Send the events that *params* select too; they follow the answer."""
        channels, since = params.get("channels"), params.get("since")
        if not isinstance(channels, list) or not channels:
            why = f"{method} requires a non-empty channels array."
            return _error(number, "invalid_argument", why)
        if not all(map(is_channel, channels)):
            why = f"{method} received an unsupported channel."
            return _error(number, "invalid_argument", why)
        # The server obeys `since` only when a client reconnects.
        names = ["channels", "namespaces", "depth"]
        if method == "subscription.reconnect":
            if not isinstance(since, int) or isinstance(since, bool) or since < 0:
                why = f"{method} requires a non-negative integer since."
                return _error(number, "invalid_argument", why)
            names.append("since")
        given = params.get("subscription_id")
        identity = given if isinstance(given, str) and given else str(uuid4())
        selected = {name: params[name] for name in names if name in params}
        self._subscriptions[identity] = parse_filter(selected)
        if not await self._open_stream():
            return None
        return self._success(number, {"subscription_id": identity, "replayed_events": 0})

    def _unsubscribe(self, number: int, params: dict[str, Json]) -> Json:
        identity = params.get("subscription_id")
        if not isinstance(identity, str):
            why = "subscription.unsubscribe requires a subscription_id."
            return _error(number, "invalid_argument", why)
        if identity not in self._subscriptions:
            return _error(number, "no_such_subscription", f"Unknown subscription: {identity}")
        del self._subscriptions[identity]
        return self._success(number, {})

    async def _open_stream(self) -> bool:
        """Begin again with a stream for all subscriptions; close the socket and return False if it is refused."""
        channels = sorted(set().union(*(one.channels for one in self._subscriptions.values())))
        parts = [one.to_json() for one in self._subscriptions.values()]
        body = dumps({"channels": channels, "subscriptions": parts})
        reply = await self._ask(request_on_thread(self._opening, "/stream/events", body))
        if reply.status >= 400:
            why = (await _whole(reply)).decode("utf-8", "replace")
            await self._socket.close(code=_HTTP_STATUS + reply.status, message=_reason(why))
            return False
        await self._end_stream()
        self._stream = asyncio.create_task(self._send_events(reply))
        return True

    async def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            await asyncio.gather(self._stream, return_exceptions=True)

    async def _pass_on(self, number: int, text: str) -> Json:
        """Return the answer to a command that is not about this socket."""
        reply = await self._ask(request_on_thread(self._opening, "/commands", text))
        raw = await _whole(reply)
        try:
            answer = loads(raw.decode())
        except ValueError:
            answer = {"detail": raw.decode("utf-8", "replace")}
        if isinstance(answer, dict) and "type" in answer:
            if "meta" in answer:
                answer["meta"]["applied_through_seq"] = max(self._sent, default=0)
            return answer
        why = answer.get("detail") if isinstance(answer, dict) else answer
        return _error(number, "unknown_error", f"{reply.status}: {why}")

    async def _send_events(self, reply: Reply) -> None:
        """Send each event in *reply* that a subscription selects and that was not sent on this socket before."""
        rest = b""
        async with aclosing(body_chunks(with_faulty_body(reply))) as chunks:
            try:
                async for chunk in chunks:
                    events, rest = sse.decode_received(rest + chunk)
                    for event in events:
                        await self._send_event(dict(event.fields))
            except ConnectionAbortedError:  # a fault
                self._break_connection()

    async def _send_event(self, fields: dict[str, str]) -> None:
        if "data" not in fields:
            return
        try:
            envelope = loads(fields["data"])
        except ValueError:  # a fault
            await self._socket.send_str(fields["data"])
            return
        seq = envelope["seq"]
        event = ThreadEvent(envelope["event_id"], envelope["method"], envelope["params"])
        selected = any(
            seq > one.since and one.selects(event) for one in self._subscriptions.values()
        )
        if selected and seq not in self._sent:
            self._sent.add(seq)
            await self._socket.send_str(fields["data"])

    async def _send(self, answer: Json) -> None:
        if answer is not None:
            await self._socket.send_str(dumps(answer))

    def _success(self, number: int, result: Json) -> Json:
        meta = {"applied_through_seq": max(self._sent, default=0)}
        return {"type": "success", "id": number, "result": result, "meta": meta}


def request_on_thread(opening: Request, path: str, body: str) -> Request:
    """Return the request for *path* on the thread that a message means on the WebSocket that *opening* has asked for.

    It has the headers of the client, without those of the handshake.
    """
    found = _PATH.fullmatch(opening.path)
    assert found is not None
    headers = tuple(
        (name, value)
        for name, value in opening.headers
        if name not in ("connection", "upgrade") and not name.startswith("sec-websocket-")
    )
    headers = (*headers, ("content-type", "application/json"))
    raw = body.encode("utf-8", "replace")
    return replace(opening, method="POST", path=found["thread"] + path, headers=headers, body=raw)


def _error(number: Json, code: str, message: str) -> Json:
    return {"type": "error", "id": number, "error": code, "message": message}


def _reason(text: str) -> bytes:
    """Return *text* as the reason of a close, which may have at most 123 bytes."""
    return text[:_MAX_REASON].encode("ascii", "replace")


async def _whole(reply: Reply) -> bytes:
    return b"".join([chunk async for chunk in body_chunks(with_faulty_body(reply))])
