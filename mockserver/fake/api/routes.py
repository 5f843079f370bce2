"""Routes each request to the endpoint of the fake server. No I/O."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mockserver.fake.api import schemas, store
from mockserver.fake.api.assistants import Assistants
from mockserver.fake.api.cancel_runs import RunCancellation
from mockserver.fake.api.create_run import Body, create_run_record, create_stateless_request
from mockserver.fake.api.database import Database
from mockserver.fake.api.endpoint import ApiCall
from mockserver.fake.api.event_streams import EventStreams
from mockserver.fake.api.existing_runs import ExistingRuns
from mockserver.fake.api.thread_runs import ThreadRuns
from mockserver.fake.api.thread_state import ThreadStates
from mockserver.fake.api.threads import Threads
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.graph.metadata import API_VERSION, LANGGRAPH_VERSION
from mockserver.fake.graph.runner import RunEngine
from mockserver.fake.ids import Ids
from mockserver.fake.replies import Response, error_response, json_response
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json
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

NO_CRONS = "the fake graph does not support crons"
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
        self.assistants = Assistants(graphs)
        self._threads = Threads(runs)
        self._states = ThreadStates(self._threads, runs)
        self._on_thread = ThreadRuns(runs, self._threads, self.assistants)
        self.event_streams = EventStreams(runs, self._threads, self._on_thread)
        self._joining = ExistingRuns(runs, self._threads)
        self._cancelling = RunCancellation(self._threads)
        self._routes = self._all_routes()

    def handle(self, request: Request, ids: Ids, database: Database, now: float = 0.0) -> Response:
        """Return the response to *request* with ids from *ids*, and update *database*; *now* is the time of the clock, in seconds."""
        self.assistants.add_defaults(database, ids)
        try:
            return self._answer(request, ids, database, now)
        except HTTPError as why:
            return error_response(why.status, why.detail)

    def _answer(self, request: Request, ids: Ids, database: Database, now: float) -> Response:
        raw, _, query = request.path.partition("?")
        path = unquote(raw)
        if path in _META:
            is_allowed = request.method in ("GET", "HEAD")
            return _META[path] if is_allowed else error_response(404, "Not Found")
        matching = [
            (route, found) for route in self._routes if (found := route.path.fullmatch(path))
        ]
        for route, found in matching:
            if request.method in route.methods:
                return route.endpoint(ApiCall(request, ids, database, found.groups(), now))
        if matching:
            allowed = ", ".join(matching[0][0].methods)
            return error_response(405, "Method Not Allowed", (("allow", allowed),))
        shorter = path.rstrip("/")
        if shorter != path and any(route.path.fullmatch(shorter) for route in self._routes):
            return _redirect(request, shorter, query)
        return error_response(404, "Not Found")

    def _stream(self, call: ApiCall) -> Response:
        body = call.body(schemas.RUN_AWAITED)
        run = self._run_request(call, body)
        if not run.keeps_thread:
            return self._runs.stream(run, call.ids)
        return self._on_thread.stream_stateless(call, run, body)

    def _wait(self, call: ApiCall) -> Response:
        body = call.body(schemas.RUN_AWAITED)
        run = self._run_request(call, body)
        if not run.keeps_thread:
            return self._runs.wait(run, call.ids)
        return self._on_thread.wait_stateless(call, run, body)

    def _start(self, call: ApiCall) -> Response:
        record = self._start_run(call, call.body(schemas.RUN))
        return json_response(record, headers=(("content-location", f"/runs/{record['run_id']}"),))

    def _batch(self, call: ApiCall) -> Response:
        bodies = call.body(schemas.RUNS)
        for body in bodies:  # a batch with an invalid run starts none
            self._run_request(call, body)
        return json_response(
            [self._start_run(call, body, number) for number, body in enumerate(bodies)]
        )

    def _start_run(self, call: ApiCall, body: Body, *names: int) -> dict[str, Json]:
        """Return the record of a new stateless run; it is played only if its thread is kept."""
        run = self._run_request(call, body, *names)
        if run.keeps_thread:
            return self._on_thread.start_stateless(call, run, body)[1].record
        return create_run_record(run, body, call.ids)

    def _run_request(self, call: ApiCall, body: Body, *names: int) -> RunRequest:
        assistant = self.assistants.resolve(body["assistant_id"], call.database, call.ids)
        return create_stateless_request(call, body, assistant, *names)

    def _all_routes(self) -> tuple[Route, ...]:
        """Return all routes in the real server's order: the first match of a path decides the methods of a 405."""
        assistants, threads, states = self.assistants, self._threads, self._states
        thread_runs, existing_runs = self._on_thread, self._joining
        cancelling = self._cancelling
        no_crons = _unsupported(NO_CRONS)
        return (
            _route("POST", "/runs", self._start),
            _route("POST", "/runs/stream", self._stream),
            _route("POST", "/runs/wait", self._wait),
            _route("POST", "/runs/batch", self._batch),
            _route("POST", "/runs/cancel", cancelling.cancel_many),
            _route("POST", "/runs/crons", no_crons),
            _route("POST", "/runs/crons/(?:search|count)", no_crons),
            _route("GET", "/runs/crons/*", no_crons),
            _route("PATCH DELETE", "/runs/crons/*", no_crons),
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
            _route("POST", "/threads/*/commands", self.event_streams.command),
            _route("POST", "/threads/*/stream/events", self.event_streams.stream),
            _route("GET", "/threads/*/stream", _unsupported(NO_THREAD_STREAM)),
            _route("GET", "/threads/*/storage", _unsupported(NO_STORAGE)),
            _route("GET", "/threads/*/state", states.get),
            _route("POST", "/threads/*/state", states.update),
            _route("GET", "/threads/*/history", states.history),
            _route("POST", "/threads/*/history", states.history),
            _route("GET", "/threads/*/state/*", states.get),
            _route("POST", "/threads/*/state/checkpoint", states.at_checkpoint),
            _route("POST", "/threads/*/runs", thread_runs.start),
            _route("GET", "/threads/*/runs", existing_runs.list_runs),
            _route("GET", "/threads/*/runs/*", existing_runs.get),
            _route("DELETE", "/threads/*/runs/*", existing_runs.delete),
            _route("GET", "/threads/*/runs/*/join", existing_runs.join),
            _route("GET", "/threads/*/runs/*/stream", existing_runs.stream),
            _route("POST", "/threads/*/runs/*/cancel", cancelling.cancel),
            _route("POST", "/threads/*/runs/stream", thread_runs.stream),
            _route("POST", "/threads/*/runs/wait", thread_runs.wait),
            _route("POST", "/threads/*/runs/crons", no_crons),
            _route("PUT", "/store/items", store.put),
            _route("GET", "/store/items", store.get),
            _route("DELETE", "/store/items", store.delete),
            _route("POST", "/store/items/search", store.search),
            _route("POST", "/store/namespaces", store.namespaces),
        )


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
