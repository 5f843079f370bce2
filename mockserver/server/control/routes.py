"""The paths of the control API, and what answers them.

Modules are imported when a path needs them, so that a server starts fast.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from aiohttp import web

from mockserver.errors import NotFoundError, RequestError
from mockserver.formats.json_text import Json
from mockserver.http.messages import EVENT_STREAM, SESSION_HEADER
from mockserver.server.faults import list_or_change_faults
from mockserver.server.journal import JournalEntry

if TYPE_CHECKING:
    from mockserver.server.control.api import ControlApi


class ControlRequest(NamedTuple):
    """A request to the control API: *place* is what stands behind the name of its path, such as `chat.yaml/3`."""

    http: web.BaseRequest
    parameters: dict[str, str]
    place: str = ""
    body: bytes = b""

    @property
    def session(self) -> str | None:
        return self.parameters.get("session")


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the control API: what `answer` returns is sent as JSON, unless it is a response."""

    path: str
    """The path; words in capital letters stand for a place."""
    answer: Callable[["ControlApi", ControlRequest], Awaitable[Json | web.StreamResponse]]
    parameters: tuple[str, ...] = ()
    method: str = "GET"

    @property
    def name(self) -> str:
        """The path up to the place."""
        return self.path.partition("/")[0]

    def find_place(self, path: str) -> str | None:
        """Return the place in *path*; empty if this route has none; None if this is not the route of *path*."""
        if "/" not in self.path:
            return "" if path == self.path else None
        name, _, place = path.partition("/")
        return place if name == self.name and place else None


async def answer_health(api: "ControlApi", request: ControlRequest) -> Json:
    return api.health()


async def answer_journal(api: "ControlApi", request: ControlRequest) -> Json | web.StreamResponse:
    from mockserver.server.control.calls import parse_sources, view_journal

    accepted = request.http.headers.get("Accept", "")
    if request.http.method == "HEAD" or EVENT_STREAM not in accepted:
        return await asyncio.to_thread(view_journal, api.journal, request.parameters, api.rules)
    sources = parse_sources(request.parameters.get("source"))

    def selects(entry: JournalEntry) -> bool:
        return entry.call.source in sources and request.session in (None, entry.call.session)

    return await api.journal_streams.serve(request.http, selects)


async def answer_call(api: "ControlApi", request: ControlRequest) -> Json:
    from mockserver.server.control.calls import parse_number, view_whole_call

    number = parse_number({"number": request.place}, "number")
    entry = api.journal.find(number)
    if entry is None:
        raise NotFoundError(f"no request {number} in the journal")
    return await asyncio.to_thread(view_whole_call, entry, api.rules)


async def answer_misses(api: "ControlApi", request: ControlRequest) -> web.Response:
    """Return the explanations of misses and errors; status 409 if there are any, so that `curl --fail` fails."""
    from mockserver.server.control.calls import explain_misses

    text = explain_misses(api.journal.calls(request.session))
    return web.Response(text=f"{text or 'no misses'}\n", status=409 if text else 200)


async def answer_exchanges(api: "ControlApi", request: ControlRequest) -> Json:
    if api.replay is None:
        return {"exchanges": [], "total": 0}
    return api.exchanges.view_list(request.parameters)


async def answer_exchange(api: "ControlApi", request: ControlRequest) -> Json:
    return await api.exchanges.view_one(request.place, request.session)


async def answer_cassettes(api: "ControlApi", request: ControlRequest) -> Json:
    rows = api.exchanges.view_cassettes(request.session) if api.replay else []
    return {"cassettes": rows}


async def answer_lint(api: "ControlApi", request: ControlRequest) -> Json:
    if api.replay is None:
        return {"findings": []}
    return {"findings": await api.exchanges.view_findings(request.parameters.get("cassette"))}


async def answer_compare(api: "ControlApi", request: ControlRequest) -> Json:
    if not {"left", "right"} <= request.parameters.keys():
        raise RequestError("compare needs two exchanges: ?left=chat.yaml%231&right=chat.yaml%232")
    left, right = request.parameters["left"], request.parameters["right"]
    return {"differences": await asyncio.to_thread(api.exchanges.compare, left, right)}


async def answer_sessions(api: "ControlApi", request: ControlRequest) -> Json:
    from mockserver.server.control.live_sessions import view_sessions

    return view_sessions(api.journal, api.replay)


async def answer_report(api: "ControlApi", request: ControlRequest) -> web.Response:
    page = await asyncio.to_thread(api.report, request.session)
    return web.Response(text=page, content_type="text/html")


async def answer_faults(api: "ControlApi", request: ControlRequest) -> Json:
    named = request.http.headers.get(SESSION_HEADER)
    session = request.parameters.get("session", named and unquote(named))
    return list_or_change_faults(api.faults, request.http.method, session, request.body)


async def answer_reset(api: "ControlApi", request: ControlRequest) -> Json:
    api.reset(request.session)
    return {"ok": True}


ROUTES = (
    Route("health", answer_health),
    Route("journal", answer_journal, ("session", "source", "limit", "before")),
    Route("journal/NUMBER", answer_call),
    Route(
        "exchanges",
        answer_exchanges,
        ("session", "cassette", "search", "page", "per_page"),
    ),
    Route("exchanges/FILE/NUMBER", answer_exchange, ("session",)),
    Route("cassettes", answer_cassettes, ("session",)),
    Route("lint", answer_lint, ("cassette",)),
    Route("compare", answer_compare, ("left", "right")),
    Route("sessions", answer_sessions),
    Route("misses", answer_misses, ("session",)),
    Route("report", answer_report, ("session",)),
    Route("faults", answer_faults, ("session",)),
    Route("faults", answer_faults, ("session",), "POST"),
    Route("faults", answer_faults, ("session",), "DELETE"),
    Route("reset", answer_reset, ("session",), "POST"),
)
"""A new path is a row here, and a function above."""
