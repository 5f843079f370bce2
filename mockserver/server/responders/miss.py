"""Reply to a request that no exchange matches: a 404 with an explanation."""

from mockserver.http.messages import Reply, Request, Source
from mockserver.server.responders.chain import JSON, error_reply
from mockserver.server.responders.replay import Cassettes


class ExplainMiss:
    """Explains why *cassettes* do not hold a request."""

    def __init__(self, cassettes: Cassettes) -> None:
        self._cassettes = cassettes

    async def respond(self, request: Request) -> Reply | None:
        """Return a 404 with the reason and the nearest recorded requests."""
        if is_browser_noise(request):
            return error_reply(404, "Not Found", Source.MISS, counted=False)
        miss = self._cassettes.miss(request)
        words, facts = miss.to_text(), miss.to_json()
        return Reply(
            404, JSON, miss.to_body(), "Not Found", Source.MISS, note=words, miss_details=facts
        )


class RejectUnknownCassette:
    """Explains the miss of a request that names an unknown cassette; leaves other requests to the next responder."""

    def __init__(self, cassettes: Cassettes) -> None:
        self._cassettes = cassettes
        self._explain = ExplainMiss(cassettes)

    async def respond(self, request: Request) -> Reply | None:
        """Return a 404 that lists the known cassettes, or None."""
        return (
            await self._explain.respond(request)
            if self._cassettes.has_unknown_cassette(request)
            else None
        )


def is_browser_noise(request: Request) -> bool:
    """Return whether *request* is one that browsers send on their own."""
    path = request.path.partition("?")[0]
    return path in ("/", "/favicon.ico") or path.startswith("/.well-known/")
