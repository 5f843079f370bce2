"""Requests to the endpoints of threads and of the store, except runs: each scenario in order, on threads of its own."""

from typing import Any

from tests.real.wire import Ask

UNKNOWN = "99999999-1111-4111-8111-ABCDEFABCDEF"
WRONG: tuple[Any, ...] = (None, 1, "x", True, [], {}, [1], ["x"], 1.5, -1)
"""What a key may wrongly hold."""

BROKEN = (b"", b"null", b"[]", b"1", b'"x"', b"{", b'{"a":NaN}')
NOPE: dict[str, Any] = {"assistant_id": "nope"}
HERE = "/threads/{thread_id}"
IDS = ("nope", UNKNOWN)


def asks(method: str, *paths: str) -> tuple[Ask, ...]:
    return tuple(Ask(method, path) for path in paths)


def posts(path: str, *bodies: Any) -> tuple[Ask, ...]:
    return tuple(Ask("POST", path, body) for body in bodies)


def each(of: dict[str, Any], *names: str) -> tuple[dict[str, Any], ...]:
    """Return *of* once for each wrong value of each of *names*."""
    return tuple({**of, name: value} for name in names for value in WRONG)


NEW = Ask("POST", "/threads", {"metadata": {"made": "for asks"}})
RUN_KEYS = (
    *("checkpoint", "interrupt_before", "interrupt_after", "multitask_strategy", "if_not_exists"),
    *("on_disconnect", "durability", "stream_mode", "command", "on_completion", "input"),
)
PLACES: tuple[dict[str, Any], ...] = (
    *({"checkpoint_id": 5}, {"thread_id": 5}, {"checkpoint_ns": 5}, {"checkpoint_map": 5}),
)
RUNS: tuple[Any, ...] = (
    *BROKEN,
    {},
    *each(NOPE, *RUN_KEYS),
    *({**NOPE, "checkpoint": place} for place in PLACES),
    *({**NOPE, "interrupt_before": nodes} for nodes in ("*", "all", ["a", 1])),
    {"assistant_id": "scripted", "checkpoint_id": "x"},
    {"assistant_id": "scripted", "context": {"a": 1}, "config": {"configurable": {"a": 1}}},
    {"assistant_id": "scripted", "webhook": "ftp://x/y", "command": {"resume": 1}},
    {"assistant_id": UNKNOWN},
    {"assistant_id": "scripted"},
)
LISTS = ("limit=x", "limit=", "offset=1.5", "limit=-1", "offset=-1", "status=bogus", "status=")
STATES: tuple[Any, ...] = (
    *BROKEN,
    *each({}, "values", "as_node", "checkpoint"),
    *({"checkpoint": place} for place in PLACES),
)
HISTORIES: tuple[Any, ...] = (
    *BROKEN,
    *each({}, "limit", "metadata", "checkpoint", "before"),
    *({"limit": limit} for limit in (0, 1, 1000, 1001, 1.0)),
    *({"checkpoint": place} for place in PLACES),
    {"before": {"configurable": {"checkpoint_id": "zz"}}, "limit": 2},
)
POINTS: tuple[Any, ...] = (
    *BROKEN,
    *each({}, "checkpoint", "subgraphs"),
    *({"checkpoint": {}, "subgraphs": wrong} for wrong in WRONG),
    *({"checkpoint": place} for place in (*PLACES, {"checkpoint_id": UNKNOWN}, {"checkpoint_ns": "zz"})),
)  # fmt: skip
CANCELS: tuple[Any, ...] = (
    *BROKEN,
    *each({}, "status"),
    {"thread_id": UNKNOWN},
    {"run_ids": [UNKNOWN]},
    {"thread_id": UNKNOWN, "run_ids": [UNKNOWN]},
    {"thread_id": UNKNOWN, "run_ids": []},
    {"thread_id": "x", "run_ids": [UNKNOWN]},
    {"thread_id": UNKNOWN, "run_ids": ["x"]},
    {"status": "all", "thread_id": UNKNOWN},
)


def below(name: str) -> tuple[Ask, ...]:
    """Send every request to the thread *name*, which does not exist."""
    at = f"/threads/{name}"
    runs = tuple(f"{at}/runs/{run}" for run in IDS)
    return (
        *asks("GET", at, f"{at}/state", f"{at}/state/{UNKNOWN}", f"{at}/history", f"{at}/runs"),
        *asks("GET", *runs, *(f"{run}/join" for run in runs), *(f"{run}/stream" for run in runs)),
        *asks("DELETE", *runs, at),
        *asks("POST", *(f"{run}/cancel?wait=1" for run in runs), f"{at}/copy"),
        *posts(f"{at}/state", {}, b"x", {"values": 1}),
        *posts(f"{at}/state/checkpoint", {"checkpoint": {}}, b"x", {}),
        *posts(f"{at}/history", {}, b"x", {"limit": 0}),
        *posts(f"{at}/runs", {"assistant_id": "scripted"}, NOPE, {}, b"x"),
        *posts(f"{at}/runs/stream", {"assistant_id": "scripted"}, NOPE, {}, b"x"),
        *posts(f"{at}/runs/wait", {"assistant_id": "scripted"}, NOPE, {}, b"x"),
    )


PLACE = {"namespace": ["asks", "a"], "key": "k"}
PUTS: tuple[Any, ...] = (
    *BROKEN,
    *({}, {"namespace": ["asks"]}, {"key": "k"}, {"namespace": ["asks"], "key": "k"}),
    *each({**PLACE, "value": {}}, "namespace", "key", "value", "index", "ttl"),
    *({**PLACE, "value": {}, "namespace": labels} for labels in (["a.b"], [""], ["langgraph", "x"], ["it's."])),
    {**PLACE, "value": {"n": 1e-7, "color": "red", "size": 3}},
)  # fmt: skip
FILTERS: tuple[Any, ...] = (
    *({"color": "red"}, {"color": "blue"}, {"size": 3}, {"size": 3.0}, {"none": None}, {"size": {"x": 1}}),
    *({"size": {op: 3}} for op in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in")),
    *({"size": {"$gt": 2, "$lt": 4}}, {"size": {"$gt": "2"}}, {"none": {"$ne": 1}}),
)  # fmt: skip
STORE = (
    *(Ask("PUT", "/store/items", {"namespace": ["filtered"], "key": str(n), "value": {"size": n, "color": "red"}}) for n in range(5)),
    *(Ask("PUT", "/store/items", body) for body in PUTS),
    Ask("PUT", "/store/items", {"namespace": ["asks", "b"], "key": "z", "value": {"size": 9, "color": "red"}}),
    Ask("PUT", "/store/items", {"namespace": ["asks", "b"], "key": "y", "value": {"size": 1}}),
    Ask("PUT", "/store/items", {"namespace": ["asks", "b"], "key": "z", "value": {"size": 10}}),
    Ask("PUT", "/store/items", {"namespace": ["asks"], "key": "", "value": {}}),
    *asks("GET", *(f"/store/items?{query}" for query in (
        "namespace=asks.a&key=k", "namespace=asks.b&key=z", "namespace=asks&key=none", "namespace=asks&key=", "namespace=asks", "key=k",
        "namespace=&key=k", "namespace=asks..a&key=k", "namespace=x&namespace=asks.a&key=k", "namespace=asks.a&key=k&refresh_ttl=x",
    ))),
    *posts("/store/items/search", *(b for b in BROKEN), *each({"namespace_prefix": ["asks"]}, "filter", "query", "refresh_ttl"),
        *({"namespace_prefix": ["asks"], **page} for page in ({}, {"limit": 1}, {"limit": 0}, {"offset": 1}, {"limit": -1}, {"limit": 1.5}, {"limit": None}, {"offset": "x"})),
        *({"namespace_prefix": prefix} for prefix in (["asks", "b"], ["asks", "zz"], ["ask"], ["a.b"], [1], "asks", 5)),
        *({"namespace_prefix": ["filtered"], "filter": wanted} for wanted in FILTERS)),
    *posts("/store/namespaces", *BROKEN, *each({"prefix": ["asks"]}, "suffix", "max_depth"), *(body for body in each({}, "prefix") if body["prefix"] != []),
        *({"prefix": ["asks"], **more} for more in ({}, {"limit": 1}, {"limit": 0}, {"offset": 1}, {"limit": -1}, {"max_depth": 1}, {"suffix": ["b"]}, {"suffix": ["*"]}, {"max_depth": 1.5})),
        {"prefix": ["*", "b"], "suffix": ["b"]}, {"prefix": ["a.b"]}),
    *(Ask("DELETE", "/store/items", body) for body in (*BROKEN, *each(PLACE, "namespace", "key"), PLACE, PLACE, {"key": "k"}, {"namespace": ["asks"]})),
    *asks("GET", "/store/items?namespace=asks.a&key=k"),
    *posts("/store/items/search", {"namespace_prefix": ["asks"]}),
)  # fmt: skip

SCENARIOS: dict[str, tuple[Ask, ...]] = {
    **{
        f"runs on a thread: {how or 'start'}": (NEW, *posts(f"{HERE}/runs{how}", *RUNS[:-1]))
        for how in ("", "/stream", "/wait")
    },
    "lists of runs": (NEW, *asks("GET", f"{HERE}/runs", *(f"{HERE}/runs?{q}" for q in LISTS))),
    "states": (NEW, *posts(f"{HERE}/state", *STATES)),
    "histories": (
        NEW,
        *asks("GET", *(f"{HERE}/history{q}" for q in ("", "?limit=x", "?limit=", "?limit=0", "?before=x"))),
        *posts(f"{HERE}/history", *HISTORIES),
    ),
    "points": (
        NEW,
        *asks("GET", f"{HERE}/state/{UNKNOWN}", f"{HERE}/state/x", f"{HERE}/state?subgraphs=x"),
        *posts(f"{HERE}/state/checkpoint", *POINTS),
    ),
    "runs that there are not": (NEW, *below("{thread_id}")[:20]),
    "threads that there are not": tuple(ask for name in IDS for ask in below(name)),
    "runs to cancel": posts("/runs/cancel", *CANCELS),
    "threads to prune": posts(
        "/threads/prune", *BROKEN, {}, *each({"thread_ids": []}, "thread_ids", "strategy"), {"thread_ids": [UNKNOWN]}
    ),
    "store": STORE,
}  # fmt: skip
