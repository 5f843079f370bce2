"""All that we use of the private side of aiohttp: attributes and methods that it does not document.

Tried with aiohttp 3.14.5 and 3.14.0. The parser of 3.14.0 rejects the method QUERY, and ends the connection on a malformed URL.
A release can change them without notice. When one does, only this module has to follow: test_connections.py,
test_response_writer.py, test_relay.py, test_lenient.py and test_upstream_faults.py in tests/server check what it does. (`connections` knows the words of
the parser's errors too; words that it does not know are not shown.)
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import aiohttp
from aiohttp import http, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler

from mockserver.http.response_head import find_head_end, is_informational, repair_head

MAX_RESPONSE_FIELD = 1 << 20
"""The maximum size of a header field of a response, and of a head that is repaired."""
MAX_RESPONSE_FIELDS = 1 << 12


class ErrorHandler(Protocol):
    """What happens with the errors of connections."""

    def respond(
        self, error: BaseException | None, request: web.BaseRequest, connection: "Connection"
    ) -> web.Response:
        """Return the response to a malformed request, or to one whose handler failed with *error*."""

    def log(self, error: BaseException | None, connection: "Connection") -> None:
        """Log an *error* outside of a handler, such as a malformed body."""


class Server(web.Server):
    """Passes the requests of all connections to *handler*, and their errors to *errors*."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        errors: ErrorHandler,
        **options: Any,
    ) -> None:
        super().__init__(handler, **options)
        self._errors = errors

    def __call__(self) -> web.RequestHandler:
        return Connection(self._errors, self, loop=self._loop, **self._kwargs)


class Connection(web.RequestHandler):
    """One connection of a client; *errors* handles its errors."""

    def __init__(self, errors: ErrorHandler, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._errors = errors
        self.has_logged_malformed = False
        """Whether a malformed request was logged."""

    def data_received(self, data: bytes) -> None:
        """Process *data*; if it breaks the current request body, stop waiting for the rest."""
        super().data_received(data)
        request = self._current_request
        if request is None or not self._messages or request.content.is_eof():
            return
        message = self._messages[0][0]
        if not isinstance(message, http.RawRequestMessage):
            error = web.RequestPayloadError()
            error.__cause__ = message.exc
            request.content.set_exception(error)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response = self._errors.respond(exc or sys.exception(), request, self)
        if request.writer.output_size > 0:
            raise ConnectionError("the response has already started")
        response.force_close()
        return response

    def log_exception(self, *_: Any, exc_info: BaseException | None = None, **__: Any) -> None:
        self._errors.log(exc_info or sys.exception(), self)


class Runner(web.ServerRunner):
    """Runs *server*; a stop awaits *finish* while the connections in use are still open."""

    def __init__(
        self, server: web.Server, finish: Callable[[], Awaitable[None]], *, shutdown_timeout: float
    ) -> None:
        super().__init__(server, shutdown_timeout=shutdown_timeout)
        self._finish = finish
        self._watching: asyncio.Future[None] | None = None

    def watch(self, watching: Awaitable[None]) -> None:
        """Run *watching* until the stop."""
        self._watching = asyncio.ensure_future(watching)

    async def shutdown(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        await self._finish()


class RawResponse(web.StreamResponse):
    """A response to *request* whose head and body we write ourselves, with `writer`: aiohttp neither extends nor inspects it."""

    def __init__(self, request: web.BaseRequest, *, keep_alive: bool) -> None:
        super().__init__()
        self.writer = request.writer
        self._is_reusable = keep_alive

    @property
    def keep_alive(self) -> bool:
        return self._is_reusable

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Return the writer; everything is already written."""
        return self.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: everything is already written."""


class LenientConnector(aiohttp.TCPConnector):
    """Connections whose responses are read as leniently as browsers do."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(_create_responses, self._loop)


class _LenientResponses(ResponseHandler):
    """Gives aiohttp's parser the head of each response by itself, and repaired.

    The parser discards all that it has read from the same piece of data as an error: a bad chunk would take the head and the events before it along.
    """

    _head: bytes | None = None
    """What has come of a head; None within a body."""

    def set_response_params(self, **parameters: Any) -> None:
        """Expect the head of the next response."""
        self._head = b""
        super().set_response_params(**parameters)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Continue to read after a pause; aiohttp calls this for each chunk, and without a pause that only takes time."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def data_received(self, data: bytes) -> None:
        """Process *data*, the next piece of a head or of a body."""
        if self._head is None or self._parser is None:
            super().data_received(data)
            return
        self._head += data
        end = find_head_end(self._head, MAX_RESPONSE_FIELD)
        if end is None:
            return
        head, rest = self._head[:end], self._head[end:]
        self._head = b"" if is_informational(head) else None
        super().data_received(repair_head(head))
        if rest:
            self.data_received(rest)


def _create_responses(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return _LenientResponses(loop)


def fail_on_disconnect(response: aiohttp.ClientResponse) -> None:
    """Let reading the body of *response* fail if its connection closes before the end.

    aiohttp does so itself, except after an invalid chunk: then its parser closes the connection and the reader waits forever.
    """
    connection = response.connection
    if connection is None or connection.protocol is None:
        return
    content = response.content

    def fail_body(closed: asyncio.Future[None] | None) -> None:
        if closed is not None and not closed.cancelled():
            closed.exception()  # mark the exception as retrieved
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    closed = connection.protocol.closed
    if closed is None:
        fail_body(None)
        return

    def stop_watching() -> None:
        closed.remove_done_callback(fail_body)

    closed.add_done_callback(fail_body)
    content.on_eof(stop_watching)


def read_rest(content: aiohttp.StreamReader) -> bytes:
    """Return the bytes that arrived in *content* before its error: it still holds them, but raises the error instead."""
    content.set_exception(None)  # type: ignore[arg-type]
    return content.read_nowait()
