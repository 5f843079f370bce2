"""Connections that answer malformed requests, and bugs of ours, without showing what the client has sent."""

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

LONGEST_LINE = 1 << 16
_SECRET_LENGTH = 4

_PARSER_REASON = re.compile(r"(?:Bad status line:\n +)?(?P<reason>[A-Z][\w `'/.-]{4,70}):\n\n +b")
"""How the parser begins, before it quotes the line."""

_QUOTE_NOTHING = (
    "Can not decode content-encoding",
    "Duplicate '",
    "Missing 'Host'",
    "Not enough data",
    "Too many headers",
)
_KINDS = (
    (LineTooLong, f"a line is longer than {LONGEST_LINE} bytes"),
    (TransferEncodingError, "invalid chunk"),
    (InvalidHeader, "invalid header"),
    (InvalidURLError, "invalid URL"),
    (BadHttpMethod, "invalid method"),
    (BadStatusLine, "invalid request line"),
)
_HINTS = {
    "Received HTTPS traffic on an HTTP port": "TLS is not spoken here, use http://",
    "Pause on PRI/Upgrade": "HTTP/2 is not spoken here, use HTTP/1.1",
}


def reason(error: BaseException) -> str:
    """Return what is malformed according to *error*, without a byte of what the client has sent."""
    if isinstance(error, web.RequestPayloadError) and error.__cause__ is not None:
        error = error.__cause__
    message = error.message if isinstance(error, HttpProcessingError) else ""
    if message in _HINTS:
        return _HINTS[message]
    if message.startswith(_QUOTE_NOTHING):
        return message.partition("\n")[0]
    if not isinstance(error, TransferEncodingError) and (found := _PARSER_REASON.match(message)):
        return _HINTS.get(found["reason"], found["reason"])
    return next((text for kind, text in _KINDS if isinstance(error, kind)), "not HTTP/1.1")


class Server(web.Server):
    """Handles the requests of all connections by *handler*."""

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], log: Log
    ) -> None:
        super().__init__(
            handler,
            handler_cancellation=True,
            access_log=None,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        self._log = log

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return _Connection(self, self._log, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """One connection; in *log* it has one line at most about what is malformed."""

    def __init__(self, server: Server, log: Log, **options: Any) -> None:
        super().__init__(server, **options)
        self._log = log
        self._is_told = False

    def data_received(self, data: bytes) -> None:
        """Take *data*; where it breaks the body of the request under way, end the wait for the rest."""
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
            self._tell_malformed(exc)
            status, detail = 400, f"malformed request: {reason(exc)}"
        else:
            self._tell_bug(exc or sys.exception(), request)
            status, detail = 500, "a bug in mockserver: its stderr has the traceback"
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun already")
        response = refusal(status, detail)
        response.force_close()
        return response

    def log_exception(self, *_: Any, exc_info: BaseException | None = None, **__: Any) -> None:
        """Log what went wrong beside a handler, such as a body that is malformed."""
        if isinstance(exc_info, web.RequestPayloadError):
            self._tell_malformed(exc_info)
        else:
            self._tell_bug(exc_info or sys.exception(), None)

    def _tell_malformed(self, error: BaseException) -> None:
        if not self._is_told:
            self._is_told = True
            peer = self.peername[0] if isinstance(self.peername, tuple) else "a client"
            self._log.malformed(f"malformed request from {peer}: {reason(error)}")

    def _tell_bug(self, error: BaseException | None, request: web.BaseRequest | None) -> None:
        values = request.headers.values() if request is not None else ()
        words = {word for value in values for word in (value, *value.split())}
        redactor = Redactor(word for word in words if len(word) >= _SECRET_LENGTH)
        self._log.tell(redactor.text("".join(traceback.format_exception(error))).rstrip())


def refusal(status: int, detail: str) -> web.Response:
    """Return the response of *status* that says *detail*; no page may read it."""
    headers = {"x-mockserver-source": "error"}
    return web.json_response({"detail": detail}, status=status, headers=headers)
