"""The chain of responders: each mode has a list, and the first reply is sent."""

from typing import Protocol

from mockserver.errors import MockServerError
from mockserver.formats.json_text import dumps
from mockserver.http.messages import Reply, ReplySource, Request, standard_reason

JSON = (("content-type", "application/json"),)


class Responder(Protocol):
    """Something that can answer requests."""

    async def respond(self, request: Request) -> Reply | None:
        """Return the reply to *request*; None to leave it to the next responder."""


class FirstOf:
    """Asks *responders* in order, and answers health checks itself."""

    def __init__(self, *responders: Responder) -> None:
        self._responders = responders

    async def respond(self, request: Request) -> Reply:
        """Return the first reply to *request*; a MockServerError becomes an error reply."""
        if (
            request.path.startswith(_HEALTH_PATH)
            and request.method != "POST"
            and _is_health(request)
        ):
            return HEALTHY
        try:
            for responder in self._responders:
                if reply := await responder.respond(request):
                    return reply
        except MockServerError as error:
            return error_reply(error.status, str(error))
        return error_reply(404, "Not Found")


_HEALTH_PATH = "/ok"
HEALTHY = Reply(200, JSON, b'{"ok":true,"services":{}}', source=ReplySource.FAKE, is_counted=False)
"""The reply of a healthy Agent Server to `GET /ok`, the same in all modes."""


def _is_health(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and request.path.partition("?")[0] == _HEALTH_PATH


def error_reply(
    status: int, detail: str, source: ReplySource = ReplySource.ERROR, *, counted: bool = True
) -> Reply:
    """Return a reply with our own error: *status* and *detail*."""
    body = dumps({"detail": detail}).encode("utf-8", "replace")
    reason = standard_reason(status)
    return Reply(status, JSON, body, reason, source, note=detail, is_counted=counted)
