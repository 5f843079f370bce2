"""HTTP connections: malformed requests and bugs get an error response that does not quote what the client sent."""

import re
import traceback
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.http_exceptions import (
    HttpProcessingError,
    InvalidURLError,
    LineTooLong,
    TransferEncodingError,
)

from mockserver.redaction.redactor import Redactor
from mockserver.server.aiohttp_private import Connection, Server
from mockserver.server.log import Log

MAX_LINE = 1 << 16
_MIN_SECRET_LENGTH = 4

_PARSER_REASON = re.compile(r"(?:Bad status line:\n +)?(?P<reason>[A-Z][\w `'/.-]{4,70}):\n\n +b")
"""The start of a parser message, before it quotes the line."""

_SAFE_MESSAGES = (
    "Duplicate '",
    "Missing 'Host'",
    "Not enough data",
    "Too many headers",
)
_DESCRIPTIONS = (
    (LineTooLong, f"a line is longer than {MAX_LINE} bytes"),
    (TransferEncodingError, "invalid chunk"),
    (InvalidURLError, "invalid URL"),
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


class _Errors:
    """Responds to malformed requests and bugs, and logs them: at most one malformed request of a connection."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def respond(
        self, error: BaseException | None, request: web.BaseRequest, connection: Connection
    ) -> web.Response:
        if isinstance(error, HttpProcessingError):
            self._log_malformed(error, connection)
            return error_response(400, f"malformed request: {describe_error(error)}")
        self._log_bug(error, request.headers)
        return error_response(500, "a bug in mockserver: see the traceback on its stderr")

    def log(self, error: BaseException | None, connection: Connection) -> None:
        if isinstance(error, web.RequestPayloadError):
            self._log_malformed(error, connection)
        else:
            self._log_bug(error, {})

    def _log_malformed(self, error: BaseException, connection: Connection) -> None:
        if not connection.has_logged_malformed:
            connection.has_logged_malformed = True
            peer = connection.peername
            client = peer[0] if isinstance(peer, tuple) else "a client"
            line = f"malformed request from {client}: {describe_error(error)}"
            self._log.count_bad_request("malformed", line)

    def _log_bug(self, error: BaseException | None, headers: Mapping[str, str]) -> None:
        words = {word for value in headers.values() for word in (value, *value.split())}
        redactor = Redactor(word for word in words if len(word) >= _MIN_SECRET_LENGTH)
        self._log.write(redactor.rewrite_text("".join(traceback.format_exception(error))).rstrip())


def create_server(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], log: Log
) -> web.Server:
    """Return a server that passes the requests of all connections to *handler*."""
    return Server(
        handler,
        _Errors(log),
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
    )


def error_response(status: int, detail: str) -> web.Response:
    """Return an error response with *status* and *detail*; it has no CORS headers, so pages cannot read it."""
    headers = {"x-mockserver-source": "error"}
    return web.json_response({"detail": detail}, status=status, headers=headers)
