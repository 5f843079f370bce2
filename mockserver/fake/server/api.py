"""The fake graph's HTTP API: which endpoint a request is for, and what the others say. No I/O."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mockserver.fake.answers import Answer, json_answer, refusal
from mockserver.fake.ids import Ids
from mockserver.fake.request import RunRequest
from mockserver.fake.run.place import API_VERSION, LANGGRAPH_VERSION
from mockserver.fake.server import bodies, threads
from mockserver.fake.server.asked import Body, pending, run_request
from mockserver.fake.server.assistants import Assistants
from mockserver.fake.server.endpoint import Call
from mockserver.fake.server.validation import RefusalError
from mockserver.fake.server.world import World
from mockserver.messages import Request

Play = Callable[[RunRequest, Ids], Answer]
Endpoint = Callable[[Call], Answer]

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

NO_THREADS = (
    "runs on a thread are not there yet: the fake graph answers stateless runs, "
    "POST /runs/stream and /runs/wait"
)
NO_CRONS = "the fake graph has no crons: nothing runs by itself in it"
NO_STORE = "the fake graph has no store"
NO_CANCEL = "there is nothing to cancel: a run of the fake graph is over when it is answered"


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint, and the requests it is for."""

    methods: tuple[str, ...]
    path: re.Pattern[str]
    endpoint: Endpoint


class Api:
    """Answers every request. *graphs* are the graphs there are; none declared, there is any that is asked for.

    *stream* and *wait* play the runs.
    """

    def __init__(self, stream: Play, wait: Play, graphs: tuple[str, ...] = ()) -> None:
        self._assistants = Assistants(graphs)
        self._stream = stream
        self._wait = wait
        self._routes = self._all_routes()

    def handle(self, request: Request, ids: Ids, world: World) -> Answer:
        """Return the answer to *request*, of which *ids* makes the ids, and have *world* be as it is after that."""
        self._assistants.open(world)
        try:
            return self._answer(request, ids, world)
        except RefusalError as why:
            return refusal(why.status, why.detail)

    def _answer(self, request: Request, ids: Ids, world: World) -> Answer:
        raw, _, query = request.path.partition("?")
        path = unquote(raw)
        if path in _META:
            known = request.method in ("GET", "HEAD")
            return _META[path] if known else refusal(404, "Not Found")
        matching = [
            (route, found) for route in self._routes if (found := route.path.fullmatch(path))
        ]
        for route, found in matching:
            if request.method in route.methods:
                return route.endpoint(Call(request, ids, world, found.groups()))
        if matching:
            allowed = ", ".join(matching[0][0].methods)
            return refusal(405, "Method Not Allowed", (("allow", allowed),))
        shorter = path.rstrip("/")
        if shorter != path and any(route.path.fullmatch(shorter) for route in self._routes):
            return _moved(request, shorter, query)
        return refusal(404, "Not Found")

    def _run(self, play: Play, call: Call) -> Answer:
        run = self._asked(call.body(bodies.RUN_AWAITED), call)
        return play(run, call.ids)

    def _start(self, call: Call) -> Answer:
        body = call.body(bodies.RUN)
        run = self._asked(body, call)
        at = (("content-location", f"/runs/{run.run_id}"),)
        return json_answer(pending(run, body, call.ids), headers=at)

    def _batch(self, call: Call) -> Answer:
        asked = call.body(bodies.RUNS)
        runs = [self._asked(body, call, index) for index, body in enumerate(asked)]
        return json_answer(
            [pending(run, body, call.ids) for run, body in zip(runs, asked, strict=True)]
        )

    def _asked(self, body: Body, call: Call, *names: int) -> RunRequest:
        def resolve(name: str) -> str:
            return self._assistants.resolve(name, call.world, call.ids)

        request_id = call.request.header("x-request-id")
        return run_request(body, call.world, resolve, call.ids, *names, request_id=request_id)

    def _all_routes(self) -> tuple[Route, ...]:
        """Return all routes in the real server's order: the first of a path names the methods of a 405."""
        own = self._assistants
        no_threads, no_crons, no_store = _absent(NO_THREADS), _absent(NO_CRONS), _absent(NO_STORE)
        return (
            _route("POST", "/runs", self._start),
            _route("POST", "/runs/stream", lambda call: self._run(self._stream, call)),
            _route("POST", "/runs/wait", lambda call: self._run(self._wait, call)),
            _route("POST", "/runs/batch", self._batch),
            _route("POST", "/runs/cancel", _absent(NO_CANCEL)),
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
            _route("POST", "/threads/prune", no_threads),
            _route("GET", "/threads/*", threads.get),
            _route("PATCH", "/threads/*", threads.patch),
            _route("DELETE", "/threads/*", threads.delete),
            _route("POST", "/threads/*/(?:copy|commands|stream/events)", no_threads),
            _route("GET", "/threads/*/(?:state|history|storage|stream)", no_threads),
            _route("GET", "/threads/*/state/*", no_threads),
            _route("POST", "/threads/*/(?:state|state/checkpoint|history)", no_threads),
            _route("POST", "/threads/*/runs", no_threads),
            _route("GET", "/threads/*/(?:runs|runs/*|runs/*/join|runs/*/stream)", no_threads),
            _route("POST", "/threads/*/runs/(?:stream|wait|crons|*/cancel)", no_threads),
            _route("DELETE", "/threads/*/runs/*", no_threads),
            _route("PUT", "/store/items", no_store),
            _route("GET DELETE", "/store/items", no_store),
            _route("POST", "/store/(?:items/search|namespaces)", no_store),
        )


def _route(methods: str, path: str, endpoint: Endpoint) -> Route:
    names = methods.replace("GET", "GET HEAD").split()
    return Route(tuple(names), re.compile(path.replace("*", "([^/]+)")), endpoint)


def _absent(why: str) -> Endpoint:
    return lambda call: refusal(404, why)


def _moved(request: Request, path: str, query: str) -> Answer:
    host = request.header("host")
    place = (f"http://{host}" if host else "") + quote(path) + (f"?{query}" if query else "")
    return Answer(307, (("location", place),), b"")


_META = {
    "/": json_answer(OK),
    "/ok": json_answer(OK),
    "/info": json_answer(INFO),
    "/docs": refusal(404, "the fake graph has no docs: https://docs.langchain.com/langsmith"),
    "/openapi.json": refusal(404, "the fake graph has no /openapi.json"),
    "/metrics": refusal(404, "the fake graph has no metrics"),
}
