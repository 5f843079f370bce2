"""HTTP connections: malformed requests and bugs get an error response that does not quote what the client sent."""

import re
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import http, web
from aiohttp.http_exceptions import (
    BadHttpMethod,
    BadStatusLine,
    HttpProcessingError,
    InvalidHeader,
    InvalidURLError,
    LineTooLong,
    TransferEncodingError,
)

from mockserver.redaction.redactor import Redactor
from mockserver.server.log import Log

MAX_LINE = 1 << 16
_MIN_SECRET_LENGTH = 4

_PARSER_REASON = re.compile(r"(?:Bad status line:\n +)?(?P<reason>[A-Z][\w `'/.-]{4,70}):\n\n +b")
"""The start of a parser message, before it quotes the line."""

_SAFE_MESSAGES = (
    "Can not decode content-encoding",
    "Duplicate '",
    "Missing 'Host'",
    "Not enough data",
    "Too many headers",
)
_DESCRIPTIONS = (
    (LineTooLong, f"a line is longer than {MAX_LINE} bytes"),
    (TransferEncodingError, "invalid chunk"),
    (InvalidHeader, "invalid header"),
    (InvalidURLError, "invalid URL"),
    (BadHttpMethod, "invalid method"),
    (BadStatusLine, "invalid request line"),
)
_HINTS = {
    "Received HTTPS traffic on an HTTP port": "this server does not support TLS, use http://",
    "Pause on PRI/Upgrade": "this server does not support HTTP/2, use HTTP/1.1",
}


def describe_error(error: BaseException) -> str:
    """Return what is malformed according to *error*, without quoting what the client sent."""
    if isinstance(error, web.RequestPayloadError) and error.__cause__ is not None:
        error = error.__cause__
    message = error.message if isinstance(error, HttpProcessingError) else ""
    if message in _HINTS:
        return _HINTS[message]
    if message.startswith(_SAFE_MESSAGES):
        return message.partition("\n")[0]
    if not isinstance(error, TransferEncodingError) and (match := _PARSER_REASON.match(message)):
        return _HINTS.get(match["reason"], match["reason"])
    return next((text for kind, text in _DESCRIPTIONS if isinstance(error, kind)), "not HTTP/1.1")


class Server(web.Server):
    """Passes the requests of all connections to *handler*."""

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], log: Log
    ) -> None:
        super().__init__(
            handler,
            handler_cancellation=True,
            access_log=None,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
        )
        self._log = log

    def __call__(self) -> web.RequestHandler:
        """Return the protocol for a new connection."""
        return _Connection(self, self._log, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """One connection; it logs at most one malformed request."""

    def __init__(self, server: Server, log: Log, **options: Any) -> None:
        super().__init__(server, **options)
        self._log = log
        self._has_logged_malformed = False

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
        """Return the response to a malformed request, or to one whose handler failed."""
        if isinstance(exc, HttpProcessingError):
            self._log_malformed(exc)
            status, detail = 400, f"malformed request: {describe_error(exc)}"
        else:
            self._log_bug(exc or sys.exception(), request)
            status, detail = 500, "a bug in mockserver: see the traceback on its stderr"
        if request.writer.output_size > 0:
            raise ConnectionError("the response has already started")
        response = error_response(status, detail)
        response.force_close()
        return response

    def log_exception(self, *_: Any, exc_info: BaseException | None = None, **__: Any) -> None:
        """Log an error outside of a handler, such as a malformed body."""
        if isinstance(exc_info, web.RequestPayloadError):
            self._log_malformed(exc_info)
        else:
            self._log_bug(exc_info or sys.exception(), None)

    def _log_malformed(self, error: BaseException) -> None:
        if not self._has_logged_malformed:
            self._has_logged_malformed = True
            peer = self.peername[0] if isinstance(self.peername, tuple) else "a client"
            self._log.count_malformed(f"malformed request from {peer}: {describe_error(error)}")

    def _log_bug(self, error: BaseException | None, request: web.BaseRequest | None) -> None:
        values = request.headers.values() if request is not None else ()
        words = {word for value in values for word in (value, *value.split())}
        redactor = Redactor(word for word in words if len(word) >= _MIN_SECRET_LENGTH)
        self._log.write(redactor.text("".join(traceback.format_exception(error))).rstrip())


def error_response(status: int, detail: str) -> web.Response:
    """Return an error response with *status* and *detail*; it has no CORS headers, so pages cannot read it."""
    headers = {"x-mockserver-source": "error"}
    return web.json_response({"detail": detail}, status=status, headers=headers)
