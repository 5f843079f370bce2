"""The fake's API beside the real server's: both get the same requests, and their responses are equal except for ids and times."""

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import jsonschema_rs
import pytest

from mockserver.cassette.normalize import Normalizer
from mockserver.fake.api.database import Database
from mockserver.fake.api.routes import Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.response import Response
from mockserver.fake.script.model import Script
from mockserver.http.messages import Request
from tests.agentserver import GRAPHS
from tests.real import thread_asks
from tests.real.twins import steps_of
from tests.real.wire import NOT_KEPT, Ask

DECLARED = tuple(json.loads((GRAPHS / "langgraph.json").read_text())["graphs"])
SCRIPTED = "fd238eb7-ab9f-578c-83b2-cf96df4460ab"
"""The id of the own assistant of the fake graph's twin."""

UNKNOWN = "99999999-1111-4111-8111-ABCDEFABCDEF"
NOTHING: tuple[Any, ...] = (
    None,
    1,
    "x",
    True,
    [],
    {},
    [1],
    ["x"],
    [{}],
    1.5,
    -1,
    {"a": [1, "é😀\n"]},
)
"""What a key may wrongly hold."""

BROKEN = (
    *(b"", b"null", b"[]", b"1", b'"x"', b"true", b"{", b"NaN", b"{'a':1}", b"\x00", b'{"a":1}x'),
    *(b'{"a":NaN}', b'{"a":1e400}', b'{"a":-Infinity}', b'{"a":"\\ud800"}', b'{"a":01}'),
    *(b'{"a":"\t"}', b'\xef\xbb\xbf{"a":1}', '{"a":1}'.encode("utf-16"), b'{"a":"\xff"}', b"[1,]"),
    b'{"a":' + b"[" * 254 + b"]" * 254 + b"}",
    b'{"a":' + b"[" * 255 + b"]" * 255 + b"}",
    b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"a":"' + b"[" * 2000 + b'"}',
)
RUN_KEYS = (
    *("assistant_id", "command", "metadata", "config", "context", "stream_mode", "feedback_keys"),
    *("stream_subgraphs", "stream_resumable", "on_completion", "on_disconnect", "after_seconds"),
    *("checkpoint_during", "durability", "webhook", "multitask_strategy", "if_not_exists"),
)
BODIES = {
    "/runs": ("assistant_id", "config", "on_disconnect"),
    "/runs/stream": RUN_KEYS,
    "/runs/wait": ("assistant_id", "config", "on_disconnect"),
    "/runs/batch": (),
    "/assistants": (
        "graph_id",
        "assistant_id",
        "config",
        "context",
        "metadata",
        "if_exists",
        "name",
    ),
    "/assistants/search": (
        "limit",
        "offset",
        "sort_by",
        "sort_order",
        "select",
        "graph_id",
        "name",
    ),
    "/assistants/count": ("metadata", "graph_id", "name"),
    "/threads": ("thread_id", "metadata", "if_exists", "ttl", "supersteps"),
    "/threads/search": ("ids", "limit", "offset", "status", "sort_by", "select", "extract"),
    "/threads/count": ("metadata", "status", "values"),
}
NOPE: dict[str, Any] = {"assistant_id": "nope"}
A: dict[str, Any] = {"assistant_id": "silent"}


def each(of: dict[str, Any], name: str, *values: Any) -> tuple[dict[str, Any], ...]:
    """Return *of* once for each of *values*, which it then has as *name*."""
    return tuple({**of, name: value} for value in values)


FAULTY: tuple[Any, ...] = (
    *({}, {"config": 1, "context": 1, "zz": 1}, {"zz": [{"b": 1, "a": 2}], "webhook": 1}),
    *({"assistant_id": 1, "config": 1}, {"assistant_id": 1, "after_seconds": "x"}),
    *({**NOPE, "webhook": 1, "after_seconds": "x"}, {**NOPE, "stream_mode": 1, "stream_subgraphs": 1}),
    *({**NOPE, "on_disconnect": 1, "webhook": 1}, {**NOPE, "webhook": ""}, {**NOPE, "webhook": "x" * 65537}),
    *({**NOPE, "config": {"tags": 1, "recursion_limit": "x"}}, {**NOPE, "config": {"tags": ["a", 1]}}),
    *each(NOPE, "config", {"tags": None}, {"recursion_limit": None}, {"configurable": None}),
    *each(NOPE, "config", *each({}, "recursion_limit", 1.0, 1.5, True, 10**30, -1)),
    *each(NOPE, "command", *each({}, "goto", 1, None, "a", [], ["a"], [{}], {"node": "a"}, {"node": "a", "input": None})),
    *each(NOPE, "command", *each({}, "update", 1, None, [], {}, "x")),
    *({**NOPE, "stream_mode": mode} for mode in ("tools", "lifecycle", ["values", "x"], ["debug"], "")),
    *({**NOPE, "durability": word} for word in ("sync", "nope", "")),
    *({**NOPE, "metadata": number} for number in (1e22, 1.0, 1e-7, 1.5e-5, -1e-5, 2**63, 2**64, -(2**63) - 1)),
    *({**NOPE, "metadata": number} for number in (1e15, 1e16, 0.1, -0.0, 123456789.12345679, 5e-324)),
    *({"assistant_id": name} for name in ("", " agent", "it's", 'a"b', "Agent", "é\n", "\u2028", "\x7f")),
    *({"assistant_id": UNKNOWN}, {"assistant_id": UNKNOWN.lower().replace("-", "")}),
    *({"assistant_id": UNKNOWN, "command": {"resume": 1}}, {**NOPE, "command": {"resume": 1}}),
)  # fmt: skip
CRASHES: dict[str, tuple[dict[str, Any], ...]] = {
    "it reads the checkpoint as an object": each(A, "checkpoint", 1, True),
    "it reads the id as text": each(A, "checkpoint_id", 1, True, [1]),
    "it reads the tracer as an object": each(A, "langsmith_tracer", 1, "x"),
    "it merges the metadata with the run's": each(A, "config", {"metadata": 1}),
    "it looks for the values in threads that have none": ({"values": {"a": [1, "é😀\n"]}},),
}
"""Why the real server answers 500, and to which bodies; here such a run is refused, and such threads are not found."""

CRASHING = tuple(body for bodies in CRASHES.values() for body in bodies)
REFUSED = (
    *(body for body in CRASHING if "assistant_id" in body),
    *each(A, "command", *each({}, "resume", 1, "yes", True, {"a": 1}, [0])),
    {**A, "context": {"a": 1}, "config": {"configurable": {"a": 1}}},
    {**A, "context": {"a": 1}, "config": {"configurable": {"a": 1}}, "command": {"resume": 1}},
    *({**A, "checkpoint_id": "x"}, {**A, "checkpoint_id": "x", "command": {"resume": 1}}),
    *({**A, "webhook": hook} for hook in ("x", "ftp://x/y", "http://127.0.0.1:1/x", "http://[::1]/x")),
    *({**A, "webhook": hook} for hook in ("http://[::1", "http://localhost/x", "https://8.8.8.8:99999/")),
)  # fmt: skip
CONFIG = {
    "tags": ["a"],
    "recursion_limit": 7,
    "metadata": {"cm": 1, "assistant_id": "q"},
    "zz": 2,
    "configurable": {"user_id": "u", "graph_id": "g", "langgraph_auth_user": 1, "__x": 1},
}
RUNS: tuple[dict[str, Any], ...] = (
    A,
    {**A, "input": None},
    *each(A, "input", {}, [1], "x", 5, False, {"a": 1e30, "b": 10**20}),
    {**A, "config": CONFIG, "metadata": {"rm": 1, "run_id": 1, "created_by": "me"}},
    {**A, "context": {"u": 1, "__y": 2}, "stream_mode": [], "config": {}},
    {**A, "context": {}, "config": {"configurable": {}, "tags": ["x"]}},
    {**A, "stream_mode": "updates", "stream_subgraphs": True, "stream_resumable": True},
    {**A, "stream_mode": ["values", "debug", "values"], "feedback_keys": ["f"]},
    {**A, "interrupt_before": ["agent"], "interrupt_after": "*", "on_completion": "keep"},
    {**A, "multitask_strategy": "reject", "if_not_exists": "create", "on_disconnect": "cancel"},
    {**A, "checkpoint_during": False},
    {**A, "checkpoint_during": False, "durability": "sync"},
    {**A, "durability": "exit", "after_seconds": 0.25},
    {**A, "checkpoint_id": "AAAAAAAA-1111-1111-8111-111111111111", "command": {}},
    {
        **A,
        "checkpoint": {"thread_id": "t", "checkpoint_ns": "n", "zz": 1},
        "command": {"goto": "x"},
    },
    {**A, "command": {"update": {"a": 1}, "resume": None, "zz": 1}, "webhook": "https://8.8.8.8/a"},
    {**A, "langsmith_tracer": {"project_name": "p"}},
    *each(A, "command", *each({}, "resume", None, "", False, 0, {}, [])),
    {"assistant_id": "2B712C57-6621-5E24-A563-43AE02CCAF49"},
    {"assistant_id": "urn:uuid:2b712c5766215e24a56343ae02ccaf49"},
)
MINE = "11111111-1111-4111-8111-0123456789AB"
OTHER = "11111111-1111-4111-8111-0123456789cd"
TABLE = {"metadata": {"table": "fake api"}}


def post(path: str, body: Any) -> Ask:
    return Ask("POST", path, body)


def posts(path: str, bodies: Sequence[Any], rest: dict[str, Any] | None = None) -> tuple[Ask, ...]:
    """Return a request for each of *bodies*, with *rest* in it where it does not say otherwise."""
    return tuple(post(path, {**rest, **body} if rest else body) for body in bodies)


def patch(path: str, body: Any) -> Ask:
    return Ask("PATCH", path, body)


def patches(path: str, bodies: Sequence[Any]) -> tuple[Ask, ...]:
    return tuple(patch(path, body) for body in bodies)


def get(*paths: str) -> tuple[Ask, ...]:
    return tuple(Ask("GET", path) for path in paths)


def delete(path: str) -> Ask:
    return Ask("DELETE", path)


def wrong_values() -> Iterator[Ask]:
    """One key at a time that holds what it should not; runs are not created."""
    for path, names in BODIES.items():
        rest = (
            {"graph_id": "nope"} if path == "/assistants" else NOPE if path[:5] == "/runs" else {}
        )
        for name in names:
            for value in NOTHING:
                yield post(path, {**rest, name: value})


ASSISTANT = (
    post("/assistants", {"graph_id": "silent", "assistant_id": MINE, "config": {"tags": ["a"], "configurable": {"k": 1}}, "metadata": {"m": 1, "run_id": 1}, "description": "d"}),
    post("/assistants", {"graph_id": "silent", "assistant_id": MINE}),
    post("/assistants", {"graph_id": "nested", "assistant_id": MINE, "if_exists": "do_nothing", "name": "other"}),
    *get(f"/assistants/{MINE}", f"/assistants/{MINE}/", f"/assistants/{MINE}?x=1"),
    *patches(f"/assistants/{MINE}", (
        {}, {"name": "New"}, {"graph_id": "nope"}, {"graph_id": "scripted"}, {"metadata": {"m": 2, "n": {}}}, {"metadata": {}},
        {"config": {"tags": ["b"]}}, {"config": {"configurable": {"z": 1}}}, {"context": {"y": 1}}, {"context": {}}, {"config": {}},
        {"context": {"y": 1}, "config": {"configurable": {"z": 1}}}, {"config": {"tags": ["q"]}, "context": {"z": 1}},
        {"config": {"tags": [1]}}, {"config": {"tags": []}, "context": {}}, {"config": {"configurable": {}}}, {"description": ""},
        {"description": None}, {"name": ""}, {"name": 1}, b"x",
    )),
    *posts(f"/assistants/{MINE}/versions", ({}, {"limit": 2}, {"offset": 3, "limit": 1}, {"metadata": {"m": 1}}, {"limit": 0}, b"")),
    *posts(f"/assistants/{MINE}/latest", ({"version": 1}, {}, {"version": 99}, {"version": "1"}, {"version": 3.0}, {"version": 1e30}, b"")),
    patch(f"/assistants/{MINE}", {"name": "after"}),
    post("/runs", {"assistant_id": MINE, "config": {"tags": ["rt"], "configurable": {"k": 2}}, "metadata": {"m": 3}}),
    post("/runs", {"assistant_id": MINE.lower(), "context": {"d": 2}}),
    *get(f"/assistants/{MINE}/graph"),
    post("/assistants/search", {"metadata": {"m": 1}, "select": ["name", "version", "assistant_id"]}),
    Ask("DELETE", f"/assistants/{MINE}"), Ask("DELETE", f"/assistants/{MINE}"), *get(f"/assistants/{MINE}"),
    post("/runs", {"assistant_id": MINE}),
)  # fmt: skip
ASSISTANTS = (
    *posts("/assistants", (
        {}, {"assistant_id": ""}, {"name": ""}, {"name": "Zoë"}, {"context": {"c": 1}}, {"config": {"configurable": {}}, "context": {"c": 1}},
        {"config": {"recursion_limit": 1.0}}, {"description": None}, {"context": {"a": 1}, "config": {"configurable": {"a": 1}}},
        {"config": {"tags": 1}}, {"config": {"tags": 1}, "name": 1}, {"config": {"tags": 1}, "context": {"a": 1}},
        {"assistant_id": "x", "config": {"tags": 1}}, {"graph_id": "nope", "assistant_id": "x"}, {"graph_id": "nope", "config": {"tags": 1}},
        {"graph_id": "nope", "context": {"a": 1}, "config": {"configurable": {"a": 1}}}, {"graph_id": ""}, {"graph_id": "it's"},
    ), {"graph_id": "silent", **TABLE}),
    *posts("/assistants/search", (
        {}, {"limit": 1}, {"limit": 2, "offset": 1}, {"offset": 100}, {"sort_by": "name"}, {"sort_by": "name", "sort_order": "asc"},
        {"sort_by": "created_at", "sort_order": "asc"}, {"sort_order": "asc"}, {"name": "zO"}, {"name": "%"}, {"graph_id": "agent"}, {"graph_id": "nope"},
        {"metadata": {"table": "x"}}, {"limit": 1.0}, {"select": ["description"]}, {"select": []}, {"limit": 6}, {"limit": 7},
    ), {"select": ["name", "config", "graph_id"], **TABLE}),
    *posts("/assistants/search", ({}, {"limit": 3}, {"graph_id": "scripted"}, {"sort_by": "assistant_id"}), {"metadata": {"created_by": "system"}}),
    *posts("/assistants/count", ({}, {"name": "u"}, {"graph_id": "nope"}, {"graph_id": "agent"}), TABLE),
    post("/assistants", {"graph_id": "silent", "assistant_id": SCRIPTED}),
    post("/assistants", {"graph_id": "silent", "assistant_id": SCRIPTED, "if_exists": "do_nothing"}),
)  # fmt: skip
STEPS = [{"updates": [{"as_node": "agent", "values": {"messages": []}}]}]
THREAD = (
    *posts("/threads", (
        {}, {"thread_id": ""}, {"thread_id": OTHER.upper(), "metadata": {"a": {"b": 1, "c": 2}}}, {"thread_id": OTHER}, {"thread_id": OTHER, "if_exists": "raise"},
        {"thread_id": OTHER, "if_exists": "do_nothing", "metadata": {"z": 1}}, {"ttl": {}}, {"ttl": {"ttl": 5, "strategy": "keep_latest"}},
        {"ttl": {"strategy": "x"}}, {"ttl": {"ttl": "x"}}, {"supersteps": []}, {"supersteps": [{}]}, {"supersteps": [{"updates": 1}]},
        {"supersteps": [{"updates": [{}]}]}, {"supersteps": [{"updates": [{"as_node": 1}]}]}, {"supersteps": [{"updates": [{"as_node": "a", "values": 1}]}]},
        {"supersteps": STEPS}, {"metadata": {"thread_id": "x", "assistant_id": "y", "run_id": "z", "owner": "o", "graph_id": "g"}},
    )),
    *get(f"/threads/{OTHER}", f"/threads/{OTHER.upper()}", f"/threads/{OTHER}?include=ttl", f"/threads/{OTHER}/", "/threads/{thread_id}"),
    *patches(f"/threads/{OTHER}", ({}, {"metadata": {"d": 1}}, {"metadata": {"a": {"b": None}, "run_id": 1}}, {"metadata": None}, {"ttl": 1}, {"ttl": {"ttl": 10}}, b"", [])),
    delete(f"/threads/{OTHER}"), delete(f"/threads/{OTHER}"), *get(f"/threads/{OTHER}", f"/threads/{OTHER.upper()}"),
)  # fmt: skip
DEEP: dict[str, Any] = {"table": "deep", "deep": {"x": [1, {"y": 2}], "n": 1}}
PATHS = (
    *(
        "metadata",
        "metadata.deep.x[0]",
        "metadata.deep.x[1].y",
        "metadata.deep.x[-1]",
        "values.a",
        "metadata.",
    ),
    *("metadata..n", "metadata[0]", "config.x", "interrupts", "", "metadatax", "metadata.deep.x.0"),
    *("metadata.deep.x[9]", "status", "metadata.a b"),
)
WANTED: tuple[dict[str, Any], ...] = (
    *(
        {"n": 1},
        {"n": "1"},
        {"n": None},
        {"deep": {"n": 1}},
        {"deep": {"x": [1]}},
        {"deep": {"x": 1}},
    ),
    *({"deep": {"x": [1, {"y": 2}]}}, {"deep": {}}, {"n": 1.0}, {"n": True}),
)
THREADS = (
    *posts("/threads", each({}, "metadata", *({"table": "deep", "n": n, "deep": {"x": [1, {"y": n}], "n": n}} for n in range(4)))),
    *posts("/threads/search", (
        {}, {"limit": 1}, {"limit": 1, "offset": 1}, {"limit": 4}, {"limit": 3, "offset": 1}, {"limit": 2, "offset": 100},
        {"sort_by": "created_at", "sort_order": "asc"}, {"sort_order": "asc"}, {"status": "busy"}, {"status": "idle", "limit": 1}, {"values": {}, "limit": 1},
        {"select": ["values", "metadata", "interrupts"]}, {"select": ["thread_id", "thread_id"]}, {"ids": []}, {"ids": ["x"]}, {"ids": [UNKNOWN]},
        *each({"limit": 2}, "extract", *each({"l": "metadata.n"}, "k", *PATHS)),
        {"extract": {"": "metadata"}}, {"extract": {"a b": "metadata"}}, {"extract": dict.fromkeys("abcdefghijk", "values")}, {"extract": {"k": "values"}, "select": ["status"]},
    ), {"metadata": {"table": "deep"}}),
    *posts("/threads/search", each({"select": ["metadata"]}, "metadata", *({"table": "deep", **wanted} for wanted in WANTED))),
    *posts("/threads/count", ({"metadata": {"table": "deep"}}, {"metadata": DEEP}, {"metadata": {"table": "deep"}, "status": "error"})),
)  # fmt: skip
MISSES = (b"x", {"name": 1, "metadata": 1}, {"graph_id": "nope"})
HELD = ("", "/graph", "/schemas", "/subgraphs", "/subgraphs/x", "/zzz")
ELSEWHERE = (
    *("/", "/ok", "/info", "/runs", "/runs/", "/runs/stream", "/runs/stream/", "/runs/wait", "/runs/batch", "/runs/x", f"/runs/{UNKNOWN}"),
    *(f"/runs/{UNKNOWN}/stream", "/runs/cancel", "/runs/crons", "/runs/crons/search", "/assistants", "/assistants/", "/assistants/search"),
    *("/assistants/count", "/assistants/nope", "/threads", "/threads/search", "/threads/count", "/threads/prune", "/threads/nope", "/zzz", "/zzz/"),
    *("/ok/", "/ok/x", "/OK", "/runs/?a=b&c=%20", "/threads/x//", "/assistants/%C3%A9/", "/assistants/x%2Fy", "/info/?x", "/runs%2F"),
    *(f"/assistants/{SCRIPTED}/{part}" for part in ("versions", "latest", "zzz")),
    *(f"/threads/{UNKNOWN}/{part}" for part in ("state", "state/x", "state/checkpoint", "history", "copy", "runs", "runs/stream", "runs/wait", "runs/x")),
    *(f"/threads/{UNKNOWN}/{part}" for part in ("runs/x/join", "runs/x/stream", "runs/x/cancel", "runs/crons", "storage", "commands", "stream/events")),
    *("/store/items", "/store/items/search", "/store/namespaces"),
)  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def methods() -> Iterator[Ask]:
    """Every path with every method, without a body."""
    for path in ELSEWHERE:
        for method in METHODS:
            yield Ask(method, path, b"" if method in ("POST", "PUT", "PATCH") else None)


SCENARIOS: dict[str, tuple[Ask, ...]] = {
    "bodies that are broken": tuple(post(path, body) for path in BODIES for body in BROKEN if path != "/threads"),
    "wrong values": tuple(wrong_values()),
    "faulty runs": tuple(post(path, body) for path in ("/runs", "/runs/stream", "/runs/wait") for body in FAULTY),
    "runs that are refused": tuple(post(path, body) for path in ("/runs", "/runs/stream", "/runs/wait") for body in REFUSED),
    "batches": (*(post("/runs/batch", [body]) for body in FAULTY), *posts("/runs/batch", (
        [1], [NOPE, 1], [NOPE, {}], [NOPE, {**NOPE, "config": {"tags": [1]}}], [A, NOPE], [{**A, "command": {"resume": 1}}, A], [A, {"assistant_id": UNKNOWN}], [A, {**A, "on_completion": "keep"}],
    ))),
    "runs": tuple(post("/runs", body) for body in RUNS),
    "assistant": ASSISTANT,
    "assistants": ASSISTANTS,
    "thread": THREAD,
    "threads": THREADS,
    "unknown ids": (
        *(Ask(method, f"/{kind}/{name}", {} if method == "PATCH" else None) for kind in ("assistants", "threads") for name in (UNKNOWN, "nope", "%C3%A9") for method in ("GET", "HEAD", "PATCH", "DELETE")),
        *get(*(f"/assistants/{name}{part}" for name in (UNKNOWN, "nope") for part in HELD)),
        *(ask for name in (UNKNOWN, "nope") for part in ("versions", "latest") for ask in posts(f"/assistants/{name}/{part}", ({}, b"x"))),
        *patches(f"/assistants/{UNKNOWN}", MISSES), *patches("/assistants/nope", MISSES), *patches("/threads/nope", MISSES),
    ),
    "graphs": get(*(f"/assistants/{name}/graph{query}" for name in (SCRIPTED, "scripted", UNKNOWN, "nope") for query in (
        "", "?xray=", "?xray=1", "?xray=2", "?xray=true", "?xray=True", "?xray=false", "?xray=False", "?xray=0", "?xray=-1", "?xray=x", "?xray=TRUE", "?xray=1.5", "?xray=1&xray=0", "?xray", "?XRAY=0", "?xray=%201", "?xray=%2B1",
    ))),
    "crons": (
        *posts("/runs/crons/search", (
            {}, {"limit": 10, "offset": 0}, {"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"assistant_id": "x"}, {"thread_id": "x"}, {"thread_id": 5}, {"enabled": 1},
            {"assistant_id": UNKNOWN, "thread_id": UNKNOWN}, {"sort_by": "x"}, {"sort_by": "next_run_date", "sort_order": "desc"}, {"select": ["cron_id"]}, {"select": ["x"]},
            {"x": 1}, {"metadata": 1}, [], b"{", b"",
        )),
        *posts("/runs/crons/count", ({}, {"assistant_id": UNKNOWN}, {"assistant_id": "x"}, {"thread_id": "x"}, {"thread_id": 5}, {"x": 1}, {"metadata": {"a": 1}}, {"metadata": 1}, b"")),
        *(Ask(method, f"/runs/crons/{name}") for name in (UNKNOWN, "x") for method in ("GET", "DELETE")),
        *patches(f"/runs/crons/{UNKNOWN}", ({}, {"schedule": "* * * * *"}, b"x")),
        post(f"/threads/{UNKNOWN}/runs/crons", {"assistant_id": "scripted", "schedule": "* * * * *"}),
    ),
    "methods": tuple(methods()),
    **thread_asks.SCENARIOS,
}  # fmt: skip


def is_built(ask: Ask) -> bool:
    """Tell whether the fake has the endpoint that *ask* is for."""
    path = urlsplit(ask.path).path.rstrip("/")
    return not path.endswith(("/storage", "/commands", "/stream/events"))


def crashing(ask: Ask) -> bool:
    """Tell whether the real server answers 500: see CRASHES."""
    return ask.body in CRASHING and ask.path != "/threads/search"


def leaves_open(name: str, ask: Ask, status: int) -> bool:
    """Tell whether only the status is compared: other scenarios make threads and assistants meanwhile, so a list of all differs."""
    of_all = name in ("bodies that are broken", "wrong values") and not ask.path.startswith("/runs")
    described = "/schemas" in ask.path or "/subgraphs" in ask.path
    return status == 200 and (of_all or described)


class Fake:
    """The fake in this process, with a client that fills in paths as `wire` does."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._api = Api(RunEngine(Script()), DECLARED)
        self._headers = (("host", host),)
        self._database = Database()
        self._known: dict[str, Any] = {}
        self._counts: dict[str, int] = {}

    def ask(self, ask: Ask) -> Response:
        path, raw = ask.path.format(**self._known), sent(ask)
        seed = f"{ask.method} {path} {raw!r}"
        count = self._counts[seed] = self._counts.get(seed, -1) + 1
        answer = self._api.handle(
            Request(ask.method, path, self._headers, raw), IdGenerator(seed, count), self._database
        )
        body = b"".join(chunk for _, chunk in steps_of(answer.body))
        self._known |= filled_in(answer.headers, body)
        return replace(answer, body=body)


Said = tuple[int, tuple[tuple[str, str], ...], bytes]
"""Status, headers and body of an answer."""


class Real:
    """The real server, with a client that follows no redirect and leaves paths as they are."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._known: dict[str, Any] = {}

    def close(self) -> None:
        self._connection.close()

    def ask(self, ask: Ask) -> Said:
        path = ask.path.format(**self._known)
        self._connection.request(ask.method, path, sent(ask))
        response = self._connection.getresponse()
        body = response.read()
        if response.status == 500:
            self._connection.close()  # So does the server, but it does not say so.
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        self._known |= filled_in(headers, body)
        return response.status, headers, body


def sent(ask: Ask) -> bytes:
    body = b"" if ask.body is None else ask.body
    return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()


def filled_in(headers: tuple[tuple[str, str], ...], body: bytes) -> dict[str, Any]:
    """Return what later paths may hold of an answer."""
    value = json.loads(body) if body and ("content-type", "application/json") in headers else None
    return value if isinstance(value, dict) else {}


@pytest.fixture(scope="module")
def answers(agent_server: str) -> Iterator[dict[str, list[Said]]]:
    """What the real server answers to all scenarios, which leave no assistants there."""

    def answer(asks: tuple[Ask, ...]) -> list[Said]:
        with closing(Real(agent_server)) as real:
            return [real.ask(ask) for ask in asks]

    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        yield dict(zip(SCENARIOS, pool.map(answer, SCENARIOS.values()), strict=True))
    with closing(Real(agent_server)) as real:
        _, _, found = real.ask(post("/assistants/search", {"limit": 1000}))
        for assistant in json.loads(found):
            if assistant["metadata"].get("created_by") != "system":
                real.ask(delete(f"/assistants/{assistant['assistant_id']}"))


OF_THE_APP = (*NOT_KEPT, "vary", "access-control-allow-private-network")
"""The headers that the fake leaves to the connection and the app."""


VERSION = re.compile(r'("(?:version|langgraph_py_version)":)"\d+\.\d+\.\d+"')
"""What `/info` says of the packages, which are newer on some machines than those that the fake was made after."""


def normalize(status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> str:
    compared = [(name, value) for name, value in headers if name not in OF_THE_APP]
    head = "".join(
        # The hash seed of the real server's process decides in which order it allows methods.
        f"{name}: {', '.join(sorted(value.split(', '))) if name == 'allow' else value}\n"
        for name, value in compared
    )
    text = VERSION.sub(r'\1"…"', body.decode())
    return f"{status}\n{head}{text}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_fake_says_what_the_real_server_says(
    name: str, answers: dict[str, list[Said]], agent_server: str
) -> None:
    fake = Fake(urlsplit(agent_server).netloc)
    differences, crashes = [], []
    real_ids, fake_ids = Normalizer(), Normalizer()

    for ask, (status, headers, raw) in zip(SCENARIOS[name], answers[name], strict=True):
        answer = fake.ask(ask)
        assert isinstance(answer.body, bytes)
        body = b"" if ask.method == "HEAD" else answer.body
        if status == 500:
            assert answer.status == (422 if "assistant_id" in ask.body else 200)
            crashes.append(ask)
            continue
        if leaves_open(name, ask, status):
            assert answer.status == status
            continue
        if list(value_or_none(raw)) == ["detail"]:
            # The fake words errors in its own way: only the status and the shape are compared.
            detail = value_or_none(body).get("detail")
            assert isinstance(detail, str) and detail
            raw = body = b""
        real = real_ids.normalize_text(normalize(status, headers, raw))
        own = fake_ids.normalize_text(normalize(answer.status, answer.headers, body))
        if real != own and (is_built(ask) or answer.status != 404):
            differences.append((ask.method, ask.path, str(ask.body)[:200], real[:1500], own[:1500]))
    assert differences == []
    assert crashes == [ask for ask in SCENARIOS[name] if crashing(ask)]


def value_or_none(raw: bytes) -> dict[str, Any]:
    """Return the JSON object *raw*, or an empty one if it is something else."""
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def of_class(schema: Any) -> Any:
    """Return *schema* without the prose that describes the classes, and the keys that only the twin's state has."""
    match schema:
        case dict():
            return {
                key: "…" if key == "description" else of_class(part)
                for key, part in schema.items()
                if key not in ("question", "answer", "notes", "count")
            }
        case list():
            return [of_class(part) for part in schema]
        case _:
            return schema


@pytest.mark.parametrize(
    "path",
    ["schemas", "subgraphs", "subgraphs/researcher", "subgraphs/nope", "subgraphs?recurse=1"],
)
def test_the_state_is_described_as_that_of_the_twin(path: str, agent_server: str) -> None:
    with urlopen(f"{agent_server}/assistants/{SCRIPTED}/{path}") as response:
        real = json.load(response)

    answer = Fake().ask(Ask("GET", f"/assistants/{SCRIPTED}/{path}"))

    assert isinstance(answer.body, bytes)
    assert json.dumps(of_class(json.loads(answer.body))) == json.dumps(of_class(real))


def test_answers_are_as_the_real_openapi_document_says(agent_server: str) -> None:
    with urlopen(f"{agent_server}/openapi.json") as response:
        document = json.load(response)
    validators: dict[str, jsonschema_rs.Validator] = {}

    for asks in SCENARIOS.values():
        fake = Fake()
        for ask in asks:
            answer = fake.ask(ask)
            template = template_of(ask.path, document)
            schema = response_schema(document, template, ask.method, answer.status)
            if "select" in str(ask.body) or template in CONTRADICTED:
                continue
            is_json = ("content-type", "application/json") in answer.headers
            if schema is not None and answer.body and is_json:
                name = f"{ask.method} {template} {answer.status}"
                if name not in validators:
                    whole = {**schema, "components": document["components"]}
                    validators[name] = jsonschema_rs.validator_for(whole)
                validators[name].validate(without_null_values(value_of(answer)))

    assert {line for line in validators if line.endswith(" 200")} >= {
        "POST /runs 200",
        "POST /runs/batch 200",
        "POST /assistants 200",
        "POST /assistants/search 200",
        "GET /assistants/{assistant_id} 200",
        "GET /assistants/{assistant_id}/graph 200",
        "POST /threads 200",
        "POST /threads/search 200",
        "GET /threads/{thread_id} 200",
    }


CONTRADICTED = (
    *("/assistants/{assistant_id}/versions", "/info", "/store/items", "/store/namespaces"),
    *("/threads/{thread_id}/state", "/threads/{thread_id}/commands"),
    *("/threads/{thread_id}/state/{checkpoint_id}", "/threads/{thread_id}/state/checkpoint"),
)
"""Where the real server does not say what its document says it does; nor does it where the body has `select`."""


def value_of(answer: Response) -> Any:
    assert isinstance(answer.body, bytes)
    return json.loads(answer.body)


def without_null_values(value: Any) -> Any:
    """Return *value* without the values of threads that have none: the real server says null, against its own document."""
    if isinstance(value, list):
        return [without_null_values(part) for part in value]
    if isinstance(value, dict) and value.get("values", {}) is None:
        return {name: part for name, part in value.items() if name != "values"}
    return value


def template_of(path: str, document: Any) -> str:
    """Return the path of *document* that *path* is one of, or an empty text."""
    parts = urlsplit(path).path.split("/")
    for template in sorted(document["paths"]):
        wanted = template.split("/")
        if len(wanted) == len(parts) and all(
            w in (p, w[:1] == "{" and w) for w, p in zip(wanted, parts, strict=True)
        ):
            return str(template)
    return ""


def response_schema(document: Any, template: str, method: str, status: int) -> Any:
    """Return the schema that *document* has for the answer, or None."""
    operation = document["paths"].get(template, {}).get(method.lower(), {})
    content = operation.get("responses", {}).get(str(status), {}).get("content", {})
    return content.get("application/json", {}).get("schema")
