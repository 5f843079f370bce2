"""What is answered where no exchange is: the explained miss."""

from mockserver.http.messages import Reply, Request, Source
from mockserver.server.responders.chain import JSON, failure
from mockserver.server.responders.replay import Cassettes


class Explain:
    """Answers what *cassettes* left over: the explained miss."""

    def __init__(self, cassettes: Cassettes) -> None:
        self._cassettes = cassettes

    async def respond(self, request: Request) -> Reply | None:
        """Return a 404 that says why, and what was nearest."""
        if is_browser_noise(request):
            return failure(404, "Not Found", Source.MISS, counted=False)
        miss = self._cassettes.miss(request)
        words, facts = miss.to_text(), miss.to_json()
        return Reply(
            404, JSON, miss.to_body(), "Not Found", Source.MISS, note=words, miss_details=facts
        )


class Misnamed:
    """Explains the miss of a request that names a cassette which is not there, and leaves all others to the next."""

    def __init__(self, cassettes: Cassettes) -> None:
        self._cassettes = cassettes
        self._explain = Explain(cassettes)

    async def respond(self, request: Request) -> Reply | None:
        """Return a 404 that says which cassettes there are."""
        return await self._explain.respond(request) if self._cassettes.misnamed(request) else None


def is_browser_noise(request: Request) -> bool:
    """Tell whether *request* is one that browsers make by themselves."""
    path = request.path.partition("?")[0]
    return path in ("/", "/favicon.ico") or path.startswith("/.well-known/")
