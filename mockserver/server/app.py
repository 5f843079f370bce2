"""Read each HTTP request, ask the responders, and write the reply, on aiohttp's low-level server."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from aiohttp import hdrs, web

from mockserver.errors import MockServerError, RequestError
from mockserver.http.messages import (
    FAULT_HEADER,
    JSON,
    PrebuiltBody,
    Reply,
    ReplySource,
    Request,
    StreamingBody,
    error_reply,
    find_url_prefix,
    is_own_path,
    lowercase_names,
    session_name,
    split_target,
)
from mockserver.server import connection_errors
from mockserver.server.control.api import ControlApi
from mockserver.server.event_socket import EventSocket, is_event_socket
from mockserver.server.faults import refuse_fault
from mockserver.server.faulty_body import with_faulty_body
from mockserver.server.in_flight import InFlight
from mockserver.server.journal import JournalEntry
from mockserver.server.log import Log
from mockserver.server.own_urls import with_own_urls
from mockserver.server.response_writer import preflight_response, whole_response, with_origin
from mockserver.server.sending import OpenStreams, Sender, journal_chunks

if TYPE_CHECKING:
    from mockserver.server.socket_relay import Report, SocketRelay

OpenRelay = Callable[[Request, "Report"], Awaitable["SocketRelay"]]

_HEALTH_PATH = "/ok"
_HEALTHY = Reply(200, JSON, b'{"ok":true,"services":{}}', source=ReplySource.FAKE, is_counted=False)
"""The reply of a healthy Agent Server to `GET /ok`, the same in all modes."""


class Responder(Protocol):
    """Something that can answer requests."""

    async def respond(self, request: Request) -> Reply | None:
        """Return the reply to *request*; None to leave it to the next responder."""


class App:
    """Serves the replies of *responders*: the first one that has a reply to a request answers it.

    *survives_disconnect* returns whether the response to a request continues after the client has disconnected. Without it no response
    continues, and a stop waits for none. *open_relay* returns the relay of a WebSocket; without it the responders answer what a WebSocket means.
    *watch* checks the files of the server until it is cancelled. *prefix* is removed from paths; then *strip_prefix* returns the request target without a further one. *forwards_as* is the name of this server in the `via` of requests that it forwards.
    """

    def __init__(
        self,
        responders: Sequence[Responder],
        log: Log,
        control: ControlApi | None = None,
        survives_disconnect: Callable[[Request], bool] | None = None,
        open_relay: OpenRelay | None = None,
        watch: Callable[[], Awaitable[None]] | None = None,
        *,
        prefix: str = "",
        strip_prefix: Callable[[str], str] | None = None,
        forwards_as: str | None = None,
    ) -> None:
        self._responders = responders
        self._log = log
        self._control = control or ControlApi()
        self._faults = self._control.faults
        self._access = self._control.access
        self._in_flight = InFlight(log, survives_disconnect) if survives_disconnect else None
        self._open_relay = open_relay
        self.watch = watch
        self._forwards_as = forwards_as
        self.prefix = prefix
        self._strip_prefix = strip_prefix
        self._streams = OpenStreams()
        self._sender = Sender(log, self._streams, self._in_flight)
        self._control.on_reset.append(self._streams.end)

    @property
    def log(self) -> Log:
        """The log of its requests."""
        return self._log

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the response to *request*; a streamed one has been sent already."""
        started = asyncio.get_running_loop().time()
        if self._access.guarded and (rejection := self._reject(request.headers)):
            return rejection
        method, content = request.method, request.content
        if method == "OPTIONS" and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
            return preflight_response(request, self._allowed_origin(request))
        try:
            # Most bodies have arrived together with the head.
            body = content.read_nowait() if content.is_eof() else await content.read()
        except web.RequestPayloadError as error:
            why = (
                f"the body of the request cannot be read: {connection_errors.describe_error(error)}"
            )
            reply = with_origin(error_reply(400, why), self._allowed_origin(request))
            return await self._sender.send(request, Request(method, request.raw_path), reply, 0.0)
        path, prefix_headers = split_target(request.raw_path, self.prefix)
        if is_own_path(path):
            return await self._control.respond(request, path, prefix_headers, body)
        if (path == "/" or path.startswith("/?")) and (page := self._control.open_page(request)):
            return page
        if self._strip_prefix is not None:
            path = self._strip_prefix(path)
        incoming = Request(
            method, path, (*prefix_headers, *lowercase_names(request.headers.items())), body
        )
        answering = (
            self._serve_socket(request, incoming)
            if hdrs.UPGRADE in request.headers and is_event_socket(request, path)
            else self._find_and_send(request, incoming, started)
        )
        if self._in_flight is not None:
            return await self._in_flight.run(request, incoming, answering)
        return await answering

    async def finish(self) -> None:
        """Finish the requests that are being recorded, in a limited time."""
        self._control.close()
        if self._in_flight is not None:
            await self._in_flight.finish()

    def _reject(self, headers: Mapping[str, str]) -> web.Response | None:
        """Return an error for a request with these *headers* that may not be forwarded, or None."""
        if self._forwards_as and self._forwards_as in headers.get(hdrs.VIA, ""):
            # The sender, which is this server, or another recorder on the way, reports the loop.
            return connection_errors.error_response(
                508, "this request has been here: its upstreams form a loop"
            )
        host = headers.get(hdrs.HOST)
        why = self._access.check_host(host) if host is not None else None
        why = why or self._access.check_origin(
            headers.get(hdrs.ORIGIN), headers.get("Sec-Fetch-Site")
        )
        if why is None:
            return None
        self._log.count_bad_request("rejected", why)
        return connection_errors.error_response(403, why)

    def _allowed_origin(self, request: web.BaseRequest) -> str | None:
        """Return the origin of the page that sent *request*, if it is allowed."""
        origin = request.headers.get(hdrs.ORIGIN)
        return origin if origin is not None and self._access.allows_origin(origin) else None

    async def _find_and_send(
        self, request: web.BaseRequest, incoming: Request, started: float
    ) -> web.StreamResponse:
        reply = await self._find_reply(incoming)
        if reply.page_of is not None or 300 <= reply.status < 400:
            start = find_url_prefix(request.raw_path, incoming.path)
            reply = with_own_urls(reply, incoming, start)
        if reply.faults:
            reply = with_faulty_body(reply)
        entry = self._start_entry(incoming, reply)
        if hdrs.ORIGIN in request.headers:
            reply = with_origin(reply, self._allowed_origin(request))
        now = asyncio.get_running_loop().time
        if isinstance(reply.body, PrebuiltBody):
            self._finish_entry(incoming, reply, now() - started, entry)
            return whole_response(request, reply, reply.body)
        reply = journal_chunks(reply, self._log.journal, entry, started)
        try:
            return await self._sender.send(request, incoming, reply, started)
        finally:
            self._finish_entry(incoming, reply, now() - started, entry)

    async def _serve_socket(
        self, request: web.BaseRequest, incoming: Request
    ) -> web.StreamResponse:
        try:
            session = session_name(incoming)
        except RequestError as error:
            return await self._sender.send(
                request, incoming, error_reply(error.status, str(error)), 0.0
            )
        if self._open_relay is not None:
            return await self._relay_socket(request, incoming, self._open_relay)
        with self._streams.keep(session, request):
            return await EventSocket(incoming, self._answer_message).serve(request)

    async def _relay_socket(
        self, request: web.BaseRequest, incoming: Request, open_relay: OpenRelay
    ) -> web.StreamResponse:
        try:
            refuse_fault(incoming)
            relay = await open_relay(incoming, self._journal_message)
        except MockServerError as error:
            reply = error_reply(error.status, str(error))
            self._start_entry(incoming, reply)
            return await self._sender.send(request, incoming, reply, 0.0)
        assert self._in_flight is not None
        self._in_flight.response_started(relay)
        await relay.forward(request)
        self._in_flight.response_recorded()
        return await relay.close()

    def _journal_message(self, request: Request, reply: Reply, seconds: float) -> None:
        """Log that *reply* was sent for a *request* that a message on a WebSocket means, after *seconds*."""
        entry = self._start_entry(request, reply)
        self._finish_entry(request, reply, seconds, entry)

    async def _answer_message(self, incoming: Request) -> Reply:
        """Return the reply to *incoming*, which a message on a WebSocket means, and log that it starts."""
        started = asyncio.get_running_loop().time()
        reply = await self._find_reply(incoming)
        entry = self._start_entry(incoming, reply)
        if entry is not None and not isinstance(reply.body, StreamingBody):
            self._log.journal.finish(entry, asyncio.get_running_loop().time() - started)
        return journal_chunks(reply, self._log.journal, entry, started)

    def _start_entry(self, request: Request, reply: Reply) -> JournalEntry | None:
        """Keep *reply*, which is about to be sent for *request*, in the journal, and log what it says; return its entry."""
        if not reply.is_counted:
            return None
        entry = self._log.journal.append(request, reply)
        if reply.note:
            self._log.write_note(entry)
        return entry

    def _finish_entry(
        self, request: Request, reply: Reply, seconds: float, entry: JournalEntry | None
    ) -> None:
        """Note in the *entry* of the journal that *reply* to *request* was sent after *seconds*; if verbose, log it."""
        if entry is not None:
            self._log.journal.finish(entry, seconds)
        if self._log.verbose:
            self._log.write_request(request, reply, seconds)

    async def _find_reply(self, incoming: Request) -> Reply:
        """Return the reply to *incoming*, with a fault if one is asked for; a MockServerError becomes an error reply."""
        faults = self._faults
        try:
            if faults is None:
                refuse_fault(incoming)
            elif faults.armed or faults.faulty_runs or incoming.header(FAULT_HEADER) is not None:
                return await faults.respond(incoming, self._ask_responders)
            return await self._ask_responders(incoming)
        except MockServerError as error:
            return error_reply(error.status, str(error))

    async def _ask_responders(self, incoming: Request) -> Reply:
        """Return the first reply to *incoming*."""
        if incoming.path.partition("?")[0] == _HEALTH_PATH and incoming.method in ("GET", "HEAD"):
            return _HEALTHY
        for responder in self._responders:
            if reply := await responder.respond(incoming):
                return reply
        return error_reply(404, "Not Found")
