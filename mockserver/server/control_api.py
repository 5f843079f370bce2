"""The control API for tests below `/__mockserver__/`. Never forwarded, never recorded, without CORS."""

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
from mockserver.redaction.redactor import RedactionRules, Redactor, redacted_request
from mockserver.server.journal import Call, Journal
from mockserver.server.responders.replay import Cassettes


@dataclass(frozen=True, slots=True)
class ControlApi:
    """The control API of a server in *mode*; *cassettes* is None if it only records.

    *rules* redact the requests in the journal. *access* says who may use the API.
    """

    mode: str = "replay"
    journal: Journal = field(default_factory=Journal)
    cassettes: Cassettes | None = None
    rules: RedactionRules = field(default_factory=RedactionRules)
    access: Access = field(default_factory=Access)
    on_reset: list[Callable[[str | None], None]] = field(default_factory=list)
    """Called with the session at each reset, or with None for all sessions."""

    def reset(self, session: str | None = None) -> None:
        """Forget the calls, plays and fake state of *session*, or of all sessions if it is None."""
        self.journal.clear(session)
        if self.cassettes is not None:
            self.cassettes.sessions.reset(session)
        for call in self.on_reset:
            call(session)

    def respond(self, request: web.BaseRequest, path: str, prefix_headers: Headers) -> web.Response:
        """Return the response to a *request* for *path*, which starts with PREFIX; *prefix_headers* stand for the prefixes of its URL."""
        if reason := self._rejection_reason(request):
            return _error(403, reason)
        target, _, query = path.partition("?")
        routes: dict[str, tuple[str, Callable[[_Parameters], Json]]] = {
            "health": ("GET", self._health),
            "journal": ("GET", self._journal),
            "exchanges": ("GET", self._exchanges),
            "reset": ("POST", self._reset),
        }
        name = target.removeprefix(CONTROL_PREFIX)
        if name not in routes:
            known = ", ".join(
                f"{verb} {CONTROL_PREFIX}{route}" for route, (verb, _) in routes.items()
            )
            return _error(404, f"unknown path {target}; the control API has {known}")
        method, handler = routes[name]
        if request.method != method and (request.method, method) != ("HEAD", "GET"):
            return _error(405, f"use {method} for {name}", allow=method)
        try:
            return web.json_response(handler(_Parameters(query, prefix_headers)))
        except RequestError as error:
            return _error(error.status, str(error))

    def _health(self, parameters: "_Parameters") -> Json:
        parameters.check()
        index = self.cassettes.index if self.cassettes else Index()
        return {
            "ok": True,
            "mode": self.mode,
            "version": version("langgraph-mockserver"),
            "cassettes": len(index.cassettes),
            "exchanges": index.count,
        }

    def _journal(self, parameters: "_Parameters") -> Json:
        sources = parameters.check("session", "source").get("source", ",".join(Source)).split(",")
        if unknown := [each for each in sources if each not in list(Source)]:
            raise RequestError(
                f"source={unknown[0]}: unknown source; the sources are {', '.join(Source)}"
            )
        calls = self.journal.calls(parameters.session)
        requests = [self._call_facts(call) for call in calls if call.source in sources]
        return {"requests": requests, "forgotten": self.journal.forgotten}

    def _call_facts(self, call: Call) -> dict[str, Json]:
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
            **({"how": call.how} if call.how else {}),
            **({"conversation": call.conversation} if call.conversation else {}),
            **({"note": call.note} if call.note else {}),
            **({"miss": call.miss} if call.miss else {}),
        }

    def _exchanges(self, parameters: "_Parameters") -> Json:
        parameters.check("session", "cassette")
        if self.cassettes is None:
            return {"exchanges": []}
        index = self.cassettes.index_of(parameters.cassette)
        if index is None:
            raise RequestError(f"unknown cassette {parameters.cassette!r}")
        plays = self.cassettes.sessions.plays(parameters.session)
        redactor = Redactor((), self.rules)
        exchanges = [
            {
                "exchange": entry.label,
                "method": entry.route[0],
                "path": redactor.text(entry.route[1]),
                "played": plays.get(entry.label, 0),
            }
            for cassette in index.cassettes
            for entry in cassette.entries
        ]
        return {"exchanges": exchanges}

    def _reset(self, parameters: "_Parameters") -> Json:
        parameters.check("session")
        self.reset(parameters.session)
        return {"ok": True}

    def _rejection_reason(self, request: web.BaseRequest) -> str | None:
        """Return why *request* is rejected: it is from a page of another origin, or its host name may be DNS rebinding; else None."""
        origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
        if origin is not None and origin.partition("://")[2] != host:
            return f"a page of {origin} may not control mockserver"
        return self.access.host_refusal(host)


class _Parameters:
    """The query parameters of a request; their defaults are the session and the cassette that its URL names."""

    def __init__(self, query: str, prefix_headers: Headers) -> None:
        self._values = {name: values[-1] for name, values in parse_qs(query, True).items()}
        url = Request("GET", "/", prefix_headers)
        self.session = self._values.get("session", _session(url))
        self.cassette = self._values.get("cassette", cassette_name(url))

    def check(self, *names: str) -> Mapping[str, str]:
        """Return the parameters; raise RequestError if one of them is not in *names*."""
        for name in self._values:
            if name not in names:
                known = f"the parameters are {', '.join(names)}" if names else "it takes none"
                raise RequestError(f"unknown parameter {name!r}: {known}")
        return self._values


def _session(url: Request) -> str | None:
    return None if url.header(SESSION_HEADER) is None else session_name(url)


def _body(raw: bytes) -> dict[str, Json]:
    """Return the body *raw* under the key `body` if it is JSON, else under `text`; an empty dict if it is empty."""
    if not raw:
        return {}
    text = raw.decode("utf-8", "replace")
    try:
        return {"body": loads(text)}
    except ValueError:
        return {"text": text}


def _error(status: int, detail: str, **headers: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status, headers=headers)
