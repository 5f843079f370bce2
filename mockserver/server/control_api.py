"""The control API for tests below `/__mockserver__/`. Never forwarded, never recorded, without CORS."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from aiohttp import web

from mockserver.errors import RequestError
from mockserver.formats.json_text import Json
from mockserver.http.access import Access
from mockserver.http.messages import (
    SESSION_HEADER,
    Headers,
    ReplySource,
    Request,
    cassette_name,
    session_name,
)
from mockserver.http.request_target import CONTROL_PREFIX
from mockserver.matching.index import Index
from mockserver.matching.summary import body_to_json, describe_request
from mockserver.redaction.redactor import RedactionRules, Redactor, redacted_request
from mockserver.server.faults import Faults, answer
from mockserver.server.log import Call, Journal
from mockserver.server.report import render_report
from mockserver.server.responders.replay import Cassettes

_ROUTES = {
    "health": ("GET", ()),
    "journal": ("GET", ("session", "source")),
    "exchanges": ("GET", ("session", "cassette")),
    "misses": ("GET", ("session",)),
    "report": ("GET", ("session",)),
    "faults": ("GET, POST, DELETE", ("session",)),
    "reset": ("POST", ("session",)),
}
"""For each path the methods and the query parameters."""


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
    faults: Faults | None = None
    """The faults of requests; None while recording."""
    on_reset: list[Callable[[str | None], None]] = field(default_factory=list)
    """Called with the session at each reset, or with None for all sessions."""

    def reset(self, session: str | None = None) -> None:
        """Forget the calls, plays and fake state of *session*, or of all sessions if it is None."""
        self.journal.clear(session)
        if self.cassettes is not None:
            self.cassettes.sessions.reset(session)
        if self.faults is not None:
            self.faults.reset(session)
        for call in self.on_reset:
            call(session)

    def respond(
        self, request: web.BaseRequest, path: str, prefix_headers: Headers, body: bytes = b""
    ) -> web.Response:
        """Return the response to a *request* with *body* for *path*, which starts with PREFIX; *prefix_headers* stand for the prefixes of its URL."""
        if reason := self._check_access(request):
            return _create_error(403, reason)
        target, _, query = path.partition("?")
        name = target.removeprefix(CONTROL_PREFIX)
        if name not in _ROUTES:
            known = ", ".join(
                f"{verb} {CONTROL_PREFIX}{route}"
                for route, (verbs, _) in _ROUTES.items()
                for verb in verbs.split(", ")
            )
            return _create_error(404, f"unknown path {target}; the control API has {known}")
        methods, parameter_names = _ROUTES[name]
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods.split(", "):
            return _create_error(405, f"use {methods} for {name}", allow=methods)
        try:
            parameters = _parse_parameters(query, prefix_headers, parameter_names)
            if name == "faults":
                named = request.headers.get(SESSION_HEADER)
                session = parameters.get("session", named and unquote(named))
                return web.json_response(answer(self.faults, method, session, body))
            return self._answer(name, parameters)
        except RequestError as error:
            return _create_error(error.status, str(error))

    def report(self, session: str | None = None) -> str:
        """Return a web page about *session*, or about all sessions if it is None: requests, misses, and what was played."""
        return render_report(
            f"mockserver {self.mode}",
            map(self._show_call, self.journal.calls(session)),
            self._show_exchanges(session, None)["exchanges"],
            self.cassettes.unplayed if self.cassettes else (),
        )

    def _answer(self, name: str, parameters: dict[str, str]) -> web.Response:
        session = parameters.get("session")
        match name:
            case "health":
                return web.json_response(self._show_health())
            case "journal":
                return web.json_response(self._show_journal(session, parameters.get("source")))
            case "exchanges":
                exchanges = self._show_exchanges(session, parameters.get("cassette"))
                return web.json_response(exchanges)
            case "misses":
                return self._explain_misses(session)
            case "report":
                return web.Response(text=self.report(session), content_type="text/html")
            case _:
                self.reset(session)
                return web.json_response({"ok": True})

    def _show_health(self) -> Json:
        from importlib.metadata import version  # its import is slow

        index = self.cassettes.index if self.cassettes else Index()
        return {
            "ok": True,
            "mode": self.mode,
            "version": version("langgraph-mockserver"),
            "cassettes": len(index.cassettes),
            "exchanges": index.count,
        }

    def _explain_misses(self, session: str | None) -> web.Response:
        """Return the explanations of misses and errors; status 409 if there are any, so that `curl --fail` fails."""
        problems = [str(call) for call in self.journal.calls(session) if call.is_problem]
        if not problems:
            return web.Response(text="no misses\n")
        return web.Response(status=409, text="\n\n".join(problems) + "\n")

    def _show_journal(self, session: str | None, source: str | None) -> Json:
        sources = list(ReplySource) if source is None else source.split(",")
        if unknown := [each for each in sources if each not in list(ReplySource)]:
            raise RequestError(
                f"source={unknown[0]}: unknown source; the sources are {', '.join(ReplySource)}"
            )
        calls = self.journal.calls(session)
        requests = [self._show_call(call) for call in calls if call.source in sources]
        return {"requests": requests, "forgotten": self.journal.forgotten}

    def _show_call(self, call: Call) -> dict[str, Json]:
        request = redacted_request(call.request, self.rules)
        body = body_to_json(request.body.decode("utf-8", "replace").encode())
        optional = {
            name: getattr(call, name) for name in ("how", "conversation", "note", "miss", "fault")
        }
        optional["asked"] = describe_request(request.path, body.get("body"))
        return {
            "when": call.when.isoformat(timespec="milliseconds"),
            "session": call.session,
            "method": call.method,
            "path": request.path,
            **body,
            "status": call.status,
            "source": str(call.source),
            "exchange": call.exchange,
            "ids": dict(call.ids),
            **{name: value for name, value in optional.items() if value},
        }

    def _show_exchanges(self, session: str | None, cassette: str | None) -> Json:
        if self.cassettes is None:
            return {"exchanges": []}
        index = self.cassettes.index.for_cassette(cassette)
        if index is None:
            raise RequestError(f"unknown cassette {cassette!r}")
        plays = self.cassettes.sessions.plays(session)
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

    def _check_access(self, request: web.BaseRequest) -> str | None:
        """Return why *request* is rejected: it is from a page of another origin, or its host name may be DNS rebinding; else None."""
        origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
        if origin is not None and origin.partition("://")[2] != host:
            return f"a page of {origin} may not control mockserver"
        return self.access.check_host(host)


def _parse_parameters(
    query: str, prefix_headers: Headers, names: tuple[str, ...]
) -> dict[str, str]:
    """Return the parameters in *query*; the defaults are the session and the cassette that the URL names.

    Raise RequestError for a parameter that is not in *names*.
    """
    given = {name: values[-1] for name, values in parse_qs(query, True).items()}
    for name in given:
        if name not in names:
            known = f"the parameters are {', '.join(names)}" if names else "it takes none"
            raise RequestError(f"unknown parameter {name!r}: {known}")
    url = Request("GET", "/", prefix_headers)
    defaults: dict[str, str] = {}
    if url.header(SESSION_HEADER) is not None:
        defaults["session"] = session_name(url)
    if (cassette := cassette_name(url)) is not None:
        defaults["cassette"] = cassette
    return defaults | given


def _create_error(status: int, detail: str, **headers: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status, headers=headers)
