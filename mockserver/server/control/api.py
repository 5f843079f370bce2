"""The control API below `/__mockserver__/`, for tests and for the page. Never forwarded, never recorded, without CORS."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from aiohttp import web

from mockserver.cassette.model import Policy
from mockserver.errors import MockServerError, NotFoundError, RequestError
from mockserver.formats.json_text import Json
from mockserver.http.access import Access
from mockserver.http.messages import (
    CONTROL_PREFIX,
    SESSION_HEADER,
    Headers,
    Request,
    cassette_name,
    session_name,
)
from mockserver.matching.index import Index
from mockserver.redaction.redactor import RedactionRules
from mockserver.server.control.routes import ROUTES, ControlRequest
from mockserver.server.faults import Faults
from mockserver.server.journal import Journal
from mockserver.server.responders.replay import ReplayResponder

if TYPE_CHECKING:
    from mockserver.server.control.exchanges import Exchanges
    from mockserver.server.control.journal_stream import JournalStreams


@dataclass
class ControlApi:
    """The control API of a server in *mode*; *replay* plays the cassettes; it is None if the server only records.

    *rules* redact what is shown. *access* says who may use the API. With *has_page*, it has the page too. The linter obeys *policy*.
    """

    mode: str = "replay"
    journal: Journal = field(default_factory=Journal)
    replay: ReplayResponder | None = None
    rules: RedactionRules = field(default_factory=RedactionRules)
    access: Access = field(default_factory=Access)
    policy: Policy = field(default_factory=Policy)
    has_page: bool = True
    faults: Faults | None = None
    """The faults of requests; None while recording."""
    on_reset: list[Callable[[str | None], None]] = field(default_factory=list)
    """Called with the session at each reset, or with None for all sessions."""

    def reset(self, session: str | None = None) -> None:
        """Forget the calls, plays and fake state of *session*, or of all sessions if it is None."""
        if self.replay is not None:
            self.replay.sessions.reset(session)
        if self.faults is not None:
            self.faults.reset(session)
        for call in self.on_reset:
            call(session)
        self.journal.clear(session)

    def close(self) -> None:
        """End the responses that would delay a stop."""
        if "journal_streams" in self.__dict__:
            self.journal_streams.close()

    async def respond(
        self, request: web.BaseRequest, path: str, prefix_headers: Headers, body: bytes = b""
    ) -> web.StreamResponse:
        """Return the response to a *request* with *body* for *path*, which starts with CONTROL_PREFIX; *prefix_headers* stand for the prefixes of its URL."""
        if reason := self._check_access(request):
            return _create_error(403, reason)
        target, _, query = path.partition("?")
        if self.has_page and (file := self._find_page_file(request, target)):
            return file
        name = target.removeprefix(CONTROL_PREFIX)
        found = [
            (route, place) for route in ROUTES if (place := route.find_place(name)) is not None
        ]
        if not found:
            known = ", ".join(f"{route.method} {CONTROL_PREFIX}{route.path}" for route in ROUTES)
            return _create_error(404, f"unknown path {target}; the control API has {known}")
        method = "GET" if request.method == "HEAD" else request.method
        chosen = next((pair for pair in found if pair[0].method == method), None)
        if chosen is None:
            allowed = ", ".join(route.method for route, _ in found)
            return _create_error(405, f"use {allowed} for {name}", allow=allowed)
        route, place = chosen
        try:
            parameters = _parse_parameters(query, prefix_headers, route.parameters)
            answer = await route.answer(self, ControlRequest(request, parameters, place, body))
        except MockServerError as error:
            return _create_error(error.status, str(error))
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)

    def open_page(self, request: web.BaseRequest) -> web.Response | None:
        """Return a redirect to the page if *request*, one for `/`, is of a browser that opens a page; None if a cassette holds it."""
        opens = request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "document"
        if not opens or not self.has_page or self.replay is None or self.mode == "record":
            return None
        if self.replay.index.has_route("GET", "/"):
            return None
        from mockserver.server.control.page_files import redirect_to_page

        return redirect_to_page(request.raw_path)

    def report(self, session: str | None = None) -> str:
        """Return a web page about *session*, or about all sessions if it is None: requests, misses, and what was played."""
        from mockserver.server.control.report import create_report

        return create_report(self, session)

    @cached_property
    def exchanges(self) -> "Exchanges":
        """The recorded exchanges; RequestError if the server only records."""
        from mockserver.server.control.exchanges import Exchanges

        if self.replay is None:
            raise NotFoundError("this server only records: it replays no exchanges")
        return Exchanges(self.replay, self.policy, self.rules)

    @cached_property
    def journal_streams(self) -> "JournalStreams":
        """The clients that follow the journal."""
        from mockserver.server.control.calls import view_call
        from mockserver.server.control.journal_stream import JournalStreams

        return JournalStreams(self.journal, lambda entry: view_call(entry, self.rules))

    def health(self) -> dict[str, Json]:
        """Return what the server is."""
        from importlib.metadata import version  # its import is slow

        index = self.replay.index if self.replay else Index()
        return {
            "ok": True,
            "mode": self.mode,
            "version": version("langgraph-mockserver"),
            "cassettes": len(index.cassettes),
            "exchanges": len(index.entries),
        }

    def _find_page_file(self, request: web.BaseRequest, target: str) -> web.Response | None:
        from mockserver.server.control.page_files import find_page_file

        return find_page_file(target) if request.method in ("GET", "HEAD") else None

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
