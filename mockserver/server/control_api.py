"""`/__mockserver__/…`: what a test asks of mockserver itself. Never proxied, never recorded, without CORS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from urllib.parse import parse_qs

from aiohttp import web

from mockserver.errors import RequestError
from mockserver.formats.json_text import Json, loads
from mockserver.http.access import Access
from mockserver.http.messages import (
    SESSION_HEADER,
    Headers,
    Request,
    Source,
    cassette_name,
    session_name,
)
from mockserver.http.request_target import CONTROL_PREFIX
from mockserver.matching.index import Index
from mockserver.redaction.redactor import RedactionRules, redacted_request
from mockserver.server.journal import Call, Journal
from mockserver.server.responders.replay import Cassettes


@dataclass(frozen=True, slots=True)
class Control:
    """Answers the control paths of a server in *mode*; without *cassettes* nothing is played.

    *rules* are what is redacted of the requests that the journal tells. *access* says who may ask.
    """

    mode: str = "replay"
    journal: Journal = field(default_factory=Journal)
    cassettes: Cassettes | None = None
    rules: RedactionRules = field(default_factory=RedactionRules)
    access: Access = field(default_factory=Access)

    def reset(self, session: str | None = None) -> None:
        """Forget what was asked, played and made in *session*; in all if it is None."""
        self.journal.clear(session)
        if self.cassettes is not None:
            self.cassettes.sessions.reset(session)

    def answer(self, request: web.BaseRequest, path: str, named: Headers) -> web.Response:
        """Return the answer to a *request* for *path*, which is below PREFIX; *named* is what its URL names before that."""
        if refusal := self._refusal(request):
            return _said(403, refusal)
        target, _, query = path.partition("?")
        routes: dict[str, tuple[str, Callable[[_Asked], Json]]] = {
            "health": ("GET", self._health),
            "journal": ("GET", self._journal),
            "exchanges": ("GET", self._exchanges),
            "reset": ("POST", self._reset),
        }
        name = target.removeprefix(CONTROL_PREFIX)
        if name not in routes:
            there = ", ".join(
                f"{verb} {CONTROL_PREFIX}{known}" for known, (verb, _) in routes.items()
            )
            return _said(404, f"there is no {target}; there are {there}")
        method, told = routes[name]
        if request.method != method and (request.method, method) != ("HEAD", "GET"):
            return _said(405, f"{name} is a {method}", allow=method)
        try:
            return web.json_response(told(_Asked(query, named)))
        except RequestError as error:
            return _said(error.status, str(error))

    def _health(self, asked: "_Asked") -> Json:
        asked.only()
        index = self.cassettes.index if self.cassettes else Index()
        return {
            "ok": True,
            "mode": self.mode,
            "version": version("langgraph-mockserver"),
            "cassettes": len(index.cassettes),
            "exchanges": index.count,
        }

    def _journal(self, asked: "_Asked") -> Json:
        sources = asked.only("session", "source").get("source", ",".join(Source)).split(",")
        if unknown := [one for one in sources if one not in list(Source)]:
            raise RequestError(f"source={unknown[0]}: there are {', '.join(Source)}")
        calls = self.journal.calls(asked.session)
        told = [self._told(call) for call in calls if call.source in sources]
        return {"requests": told, "forgotten": self.journal.forgotten}

    def _told(self, call: Call) -> dict[str, Json]:
        shown = redacted_request(call.request, self.rules)
        return {
            "when": call.when.isoformat(timespec="milliseconds"),
            "session": call.session,
            "method": call.method,
            "path": shown.path,
            **_body(shown.body),
            "status": call.status,
            "source": str(call.source),
            "exchange": call.exchange,
            "ids": dict(call.ids),
            **({"note": call.note} if call.note else {}),
            **({"miss": call.miss} if call.miss else {}),
        }

    def _exchanges(self, asked: "_Asked") -> Json:
        asked.only("session", "cassette")
        if self.cassettes is None:
            return {"exchanges": []}
        index = self.cassettes.index_of(asked.cassette)
        if index is None:
            raise RequestError(f"there is no cassette {asked.cassette!r}")
        plays = self.cassettes.sessions.plays(asked.session)
        told = [
            {
                "exchange": entry.label,
                "method": entry.route[0],
                "path": entry.route[1],
                "played": plays.get(entry.label, 0),
            }
            for cassette in index.cassettes
            for entry in cassette.entries
        ]
        return {"exchanges": told}

    def _reset(self, asked: "_Asked") -> Json:
        asked.only("session")
        self.reset(asked.session)
        return {"ok": True}

    def _refusal(self, request: web.BaseRequest) -> str | None:
        """Keep out pages of other origins, and names that were made to point at this machine (DNS rebinding)."""
        origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
        if origin is not None and origin.partition("://")[2] != host:
            return f"a page of {origin} may not control mockserver"
        return self.access.host_refusal(host)


class _Asked:
    """What a request asks for: by its parameters, or else by what its URL names."""

    def __init__(self, query: str, named: Headers) -> None:
        self._given = {name: values[-1] for name, values in parse_qs(query, True).items()}
        url = Request("GET", "/", named)
        self.session = self._given.get("session", _session(url))
        self.cassette = self._given.get("cassette", cassette_name(url))

    def only(self, *names: str) -> Mapping[str, str]:
        """Return the parameters; RequestError if there are others than *names*."""
        for name in self._given:
            if name not in names:
                known = f"there are {', '.join(names)}" if names else "it takes none"
                raise RequestError(f"there is no parameter {name!r} here: {known}")
        return self._given


def _session(url: Request) -> str | None:
    return None if url.header(SESSION_HEADER) is None else session_name(url)


def _body(raw: bytes) -> dict[str, Json]:
    """Return *raw* as JSON where it is some, else as text; nothing where it is empty."""
    if not raw:
        return {}
    text = raw.decode("utf-8", "replace")
    try:
        return {"body": loads(text)}
    except ValueError:
        return {"text": text}


def _said(status: int, detail: str, **headers: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status, headers=headers)
