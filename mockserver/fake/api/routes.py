"""Routes each request to the endpoint of the fake server. No I/O."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mockserver.fake.api import schemas, store
from mockserver.fake.api.assistants import Assistants
from mockserver.fake.api.cancel_runs import RunCancellation
from mockserver.fake.api.create_run import Body, pending, stateless_run_request
from mockserver.fake.api.database import Database
from mockserver.fake.api.endpoint import Call
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

Endpoint = Callable[[Call], Response]

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
NO_COMMANDS = "the fake graph does not support /commands and /stream/events: use /threads/{thread_id}/runs/stream"
NO_THREAD_STREAM = "the fake graph does not stream whole threads: use GET /threads/{thread_id}/runs/{run_id}/stream"
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
        self._assistants = Assistants(graphs)
        self._threads = Threads(runs)
        self._states = ThreadStates(self._threads, runs)
        self._on_thread = ThreadRuns(runs, self._threads, self._assistants)
        self._joining = ExistingRuns(runs, self._threads)
        self._cancelling = RunCancellation(self._threads)
        self._routes = self._all_routes()

    def handle(self, request: Request, ids: Ids, database: Database, now: float = 0.0) -> Response:
        """Return the response to *request* with ids from *ids*, and update *database*; *now* is the time of the clock, in seconds."""
        self._assistants.open(database)
        try:
            return self._answer(request, ids, database, now)
        except HTTPError as why:
            return error_response(why.status, why.detail)

    def _answer(self, request: Request, ids: Ids, database: Database, now: float) -> Response:
        raw, _, query = request.path.partition("?")
        path = unquote(raw)
        if path in _META:
            known = request.method in ("GET", "HEAD")
            return _META[path] if known else error_response(404, "Not Found")
        matching = [
            (route, found) for route in self._routes if (found := route.path.fullmatch(path))
        ]
        for route, found in matching:
            if request.method in route.methods:
                return route.endpoint(Call(request, ids, database, found.groups(), now))
        if matching:
            allowed = ", ".join(matching[0][0].methods)
            return error_response(405, "Method Not Allowed", (("allow", allowed),))
        shorter = path.rstrip("/")
        if shorter != path and any(route.path.fullmatch(shorter) for route in self._routes):
            return _moved(request, shorter, query)
        return error_response(404, "Not Found")

    def _stream(self, call: Call) -> Response:
        body = call.body(schemas.RUN_AWAITED)
        run = self._asked(body, call)
        if not run.keeps_thread:
            return self._runs.stream(run, call.ids)
        return self._on_thread.stream_stateless(call, run, body)

    def _wait(self, call: Call) -> Response:
        body = call.body(schemas.RUN_AWAITED)
        run = self._asked(body, call)
        if not run.keeps_thread:
            return self._runs.wait(run, call.ids)
        return self._on_thread.wait_stateless(call, run, body)

    def _start(self, call: Call) -> Response:
        body = call.body(schemas.RUN)
        run = self._asked(body, call)
        told = self._started(call, run, body)
        return json_response(told, headers=(("content-location", f"/runs/{run.run_id}"),))

    def _started(self, call: Call, run: RunRequest, body: Body) -> Json:
        """Return the record of the stateless *run*; it is played only if its thread is kept."""
        if run.keeps_thread:
            return self._on_thread.keep(call, run, body)[1].record
        return pending(run, body, call.ids)

    def _batch(self, call: Call) -> Response:
        asked = call.body(schemas.RUNS)
        runs = [self._asked(body, call, index) for index, body in enumerate(asked)]
        return json_response(
            [self._started(call, run, body) for run, body in zip(runs, asked, strict=True)]
        )

    def _asked(self, body: Body, call: Call, *names: int) -> RunRequest:
        def resolve(name: str) -> str:
            return self._assistants.resolve(name, call.database, call.ids)

        request_id = call.request.header("x-request-id")
        return stateless_run_request(
            body, call.database, resolve, call.ids, *names, request_id=request_id
        )

    def _all_routes(self) -> tuple[Route, ...]:
        """Return all routes in the real server's order: the first match of a path decides the methods of a 405."""
        own, threads, states, on = self._assistants, self._threads, self._states, self._on_thread
        there, cancelling = self._joining, self._cancelling
        no_crons = _absent(NO_CRONS)
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
            _route("POST", "/assistants", own.create),
            _route("POST", "/assistants/search", own.search),
            _route("POST", "/assistants/count", own.count),
            _route("GET", "/assistants/*", own.get),
            _route("PATCH", "/assistants/*", own.patch),
            _route("DELETE", "/assistants/*", own.delete),
            _route("GET", "/assistants/*/graph", own.graph),
            _route("GET", "/assistants/*/schemas", own.schemas),
            _route("GET", "/assistants/*/subgraphs", own.subgraphs),
            _route("GET", "/assistants/*/subgraphs/*", own.subgraphs),
            _route("POST", "/assistants/*/versions", own.versions),
            _route("POST", "/assistants/*/latest", own.latest),
            _route("POST", "/threads", threads.create),
            _route("POST", "/threads/search", threads.search),
            _route("POST", "/threads/count", threads.count),
            _route("POST", "/threads/prune", threads.prune),
            _route("GET", "/threads/*", threads.get),
            _route("PATCH", "/threads/*", threads.patch),
            _route("DELETE", "/threads/*", threads.delete),
            _route("POST", "/threads/*/copy", threads.copy),
            _route("POST", "/threads/*/(?:commands|stream/events)", _absent(NO_COMMANDS)),
            _route("GET", "/threads/*/stream", _absent(NO_THREAD_STREAM)),
            _route("GET", "/threads/*/storage", _absent(NO_STORAGE)),
            _route("GET", "/threads/*/state", states.get),
            _route("POST", "/threads/*/state", states.update),
            _route("GET", "/threads/*/history", states.history),
            _route("POST", "/threads/*/history", states.history),
            _route("GET", "/threads/*/state/*", states.get),
            _route("POST", "/threads/*/state/checkpoint", states.at_checkpoint),
            _route("POST", "/threads/*/runs", on.start),
            _route("GET", "/threads/*/runs", there.listed),
            _route("GET", "/threads/*/runs/*", there.get),
            _route("DELETE", "/threads/*/runs/*", there.delete),
            _route("GET", "/threads/*/runs/*/join", there.join),
            _route("GET", "/threads/*/runs/*/stream", there.follow),
            _route("POST", "/threads/*/runs/*/cancel", cancelling.cancel),
            _route("POST", "/threads/*/runs/stream", on.stream),
            _route("POST", "/threads/*/runs/wait", on.wait),
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


def _absent(why: str) -> Endpoint:
    return lambda call: error_response(404, why)


def _moved(request: Request, path: str, query: str) -> Response:
    host = request.header("host")
    place = (f"http://{host}" if host else "") + quote(path) + (f"?{query}" if query else "")
    return Response(307, (("location", place),), b"")


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
