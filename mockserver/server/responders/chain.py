"""Who answers a request. A mode is a list of responders; the first that answers wins."""

from typing import Protocol

from mockserver.errors import MockServerError
from mockserver.formats.json_text import dumps
from mockserver.http.messages import Reply, Request, Source, standard_reason

JSON = (("content-type", "application/json"),)


class Responder(Protocol):
    """The one swap point."""

    async def respond(self, request: Request) -> Reply | None:
        """Return the answer to *request*, None to leave it to the next."""


class FirstOf:
    """Asks *responders* in order."""

    def __init__(self, *responders: Responder) -> None:
        self._responders = responders

    async def respond(self, request: Request) -> Reply:
        """Return the first answer to *request*; our own errors are answers too, and so is health."""
        if request.path.startswith(_OK) and request.method != "POST" and _is_health(request):
            return HEALTHY
        try:
            for responder in self._responders:
                if reply := await responder.respond(request):
                    return reply
        except MockServerError as error:
            return failure(error.status, str(error))
        return failure(404, "Not Found")


_OK = "/ok"
HEALTHY = Reply(200, JSON, b'{"ok":true,"services":{}}', source=Source.FAKE, is_counted=False)
"""What a healthy Agent Server says to `GET /ok`; it is always answered, and always alike."""


def _is_health(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and request.path.partition("?")[0] == _OK


def failure(
    status: int, detail: str, source: Source = Source.ERROR, *, counted: bool = True
) -> Reply:
    """Return our own answer that something is wrong."""
    body = dumps({"detail": detail}).encode("utf-8", "replace")
    reason = standard_reason(status)
    return Reply(status, JSON, body, reason, source, note=detail, is_counted=counted)
