"""Routes each request to the endpoint of the fake server. No I/O."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from mockserver.fake.api import (
    assistants,
    crons,
    event_streams,
    existing_runs,
    start_runs,
    store,
    thread_state,
    threads,
)
from mockserver.fake.api.api_call import ApiCall
from mockserver.fake.api.database import Database, Record
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.graph.metadata import API_VERSION, LANGGRAPH_VERSION
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.response import Response, error_response, json_response
from mockserver.fake.run_errors import RunRefused
from mockserver.fake.threads.event_stream_reader import EventSource
from mockserver.http.messages import Request

Endpoint = Callable[[ApiCall], Response]

INFO = {
    "version": API_VERSION,
    "langgraph_py_version": LANGGRAPH_VERSION,
    "flags": {
        "assistants": True,
        "crons": True,
        "langsmith": False,
        "langsmith_tracing_replicas": True,
        "langsmith_tracing_session_on_runs": True,
    },
    "host": {
        "kind": "self-hosted",
        "project_id": None,
        "host_revision_id": None,
        "revision_id": None,
        "tenant_id": None,
    },
}
OK = {"ok": True, "services": {}}

NO_THREAD_STREAM = (
    "the fake graph does not support GET /threads/{thread_id}/stream, which is deprecated: "
    "use POST /threads/{thread_id}/stream/events or GET /threads/{thread_id}/runs/{run_id}/stream"
)
NO_STORAGE = "the fake graph does not support /threads/{thread_id}/storage"


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint with its methods and path."""

    methods: tuple[str, ...]
    path: re.Pattern[str]
    endpoint: Endpoint


class Api:
    """Responds to every request. Only declared *graphs* exist; with none declared, any graph name is valid."""

    def __init__(self, runs: RunEngine, graphs: tuple[str, ...] = ()) -> None:
        self._runs = runs
        self._graphs = graphs

    def handle(
        self,
        request: Request,
        ids: IdGenerator,
        database: Database,
        now: float = 0.0,
        before_run: Callable[[], None] = lambda: None,
    ) -> Response:
        """Return the response to *request* with ids from *ids*, and update *database*; *now* is the time of the clock, in seconds.

        *before_run* is called before a run is added to a thread, but not if it is refused.
        """
        assistants.add_defaults(self._graphs, database, ids)
        call = ApiCall(request, ids, database, self._runs, self._graphs, (), now, before_run)
        try:
            return self._answer(call)
        except HTTPError as why:
            return error_response(why.status, why.detail)
        except RunRefused as refused:
            return Response(refused.fault.status, (), b"", faults=(refused.fault,))

    def _answer(self, call: ApiCall) -> Response:
        request = call.request
        raw, _, query = request.path.partition("?")
        path = unquote(raw)
        if path in _META:
            is_allowed = request.method in ("GET", "HEAD")
            return _META[path] if is_allowed else error_response(404, "Not Found")
        methods: tuple[str, ...] = ()
        for route in ROUTES:
            if found := route.path.fullmatch(path):
                if request.method in route.methods:
                    return route.endpoint(replace(call, path=found.groups()))
                methods = methods or route.methods
        if methods:
            allow = (("allow", ", ".join(methods)),)
            return error_response(405, "Method Not Allowed", allow)
        shorter = path.rstrip("/")
        if shorter != path and any(route.path.fullmatch(shorter) for route in ROUTES):
            return _redirect(request, shorter, query)
        return error_response(404, "Not Found")

    def adopt_assistant(self, record: Record, database: Database, ids: IdGenerator) -> None:
        """Add the recorded assistant *record* to *database*, unless its graph is not declared."""
        assistants.adopt(record, self._graphs, database, ids)

    def find_event_source(self, database: Database, thread: str) -> EventSource | None:
        """Return the events of *thread* in *database*, or None if it does not exist yet."""
        return event_streams.find_source(database, thread, self._runs)


def _route(methods: str, path: str, endpoint: Endpoint) -> Route:
    names = methods.replace("GET", "GET HEAD").split()
    return Route(tuple(names), re.compile(path.replace("*", "([^/]+)")), endpoint)


def _unsupported(why: str) -> Endpoint:
    return lambda call: error_response(404, why)


def _redirect(request: Request, path: str, query: str) -> Response:
    host = request.header("host")
    location = (f"http://{host}" if host else "") + quote(path) + (f"?{query}" if query else "")
    return Response(307, (("location", location),), b"")


_META = {
    "/": json_response(OK),
    "/ok": json_response(OK),
    "/info": json_response(INFO),
    "/docs": error_response(
        404, "the fake graph has no docs: https://docs.langchain.com/langsmith"
    ),
    "/openapi.json": error_response(404, "the fake graph has no /openapi.json"),
    "/metrics": error_response(404, "the fake graph has no metrics"),
}

ROUTES = (
    _route("POST", "/runs", start_runs.start_stateless),
    _route("POST", "/runs/stream", start_runs.stream_stateless),
    _route("POST", "/runs/wait", start_runs.wait_stateless),
    _route("POST", "/runs/batch", start_runs.start_batch),
    _route("POST", "/runs/cancel", existing_runs.cancel_many),
    _route("POST", "/runs/crons", crons.create),
    _route("POST", "/runs/crons/search", crons.search),
    _route("POST", "/runs/crons/count", crons.count),
    _route("GET", "/runs/crons/*", crons.find),
    _route("PATCH", "/runs/crons/*", crons.patch),
    _route("DELETE", "/runs/crons/*", crons.find),
    _route("POST", "/assistants", assistants.create),
    _route("POST", "/assistants/search", assistants.search),
    _route("POST", "/assistants/count", assistants.count),
    _route("GET", "/assistants/*", assistants.get),
    _route("PATCH", "/assistants/*", assistants.patch),
    _route("DELETE", "/assistants/*", assistants.delete),
    _route("GET", "/assistants/*/graph", assistants.graph),
    _route("GET", "/assistants/*/schemas", assistants.schemas),
    _route("GET", "/assistants/*/subgraphs", assistants.subgraphs),
    _route("GET", "/assistants/*/subgraphs/*", assistants.subgraphs),
    _route("POST", "/assistants/*/versions", assistants.versions),
    _route("POST", "/assistants/*/latest", assistants.latest),
    _route("POST", "/threads", threads.create),
    _route("POST", "/threads/search", threads.search),
    _route("POST", "/threads/count", threads.count),
    _route("POST", "/threads/prune", threads.prune),
    _route("GET", "/threads/*", threads.get),
    _route("PATCH", "/threads/*", threads.patch),
    _route("DELETE", "/threads/*", threads.delete),
    _route("POST", "/threads/*/copy", threads.copy),
    _route("POST", "/threads/*/commands", event_streams.command),
    _route("POST", "/threads/*/stream/events", event_streams.stream),
    _route("GET", "/threads/*/stream", _unsupported(NO_THREAD_STREAM)),
    _route("GET", "/threads/*/storage", _unsupported(NO_STORAGE)),
    _route("GET", "/threads/*/state", thread_state.get),
    _route("POST", "/threads/*/state", thread_state.update),
    _route("GET", "/threads/*/history", thread_state.history),
    _route("POST", "/threads/*/history", thread_state.history),
    _route("GET", "/threads/*/state/*", thread_state.get),
    _route("POST", "/threads/*/state/checkpoint", thread_state.at_checkpoint),
    _route("POST", "/threads/*/runs", start_runs.start),
    _route("GET", "/threads/*/runs", existing_runs.list_runs),
    _route("GET", "/threads/*/runs/*", existing_runs.get),
    _route("DELETE", "/threads/*/runs/*", existing_runs.delete),
    _route("GET", "/threads/*/runs/*/join", existing_runs.join),
    _route("GET", "/threads/*/runs/*/stream", existing_runs.stream),
    _route("POST", "/threads/*/runs/*/cancel", existing_runs.cancel),
    _route("POST", "/threads/*/runs/stream", start_runs.stream),
    _route("POST", "/threads/*/runs/wait", start_runs.wait),
    _route("POST", "/threads/*/runs/crons", crons.create),
    _route("PUT", "/store/items", store.put),
    _route("GET", "/store/items", store.get),
    _route("DELETE", "/store/items", store.delete),
    _route("POST", "/store/items/search", store.search),
    _route("POST", "/store/namespaces", store.namespaces),
)
"""All routes in the real server's order: the first match of a path decides the methods of a 405."""
