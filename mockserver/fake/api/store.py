"""The endpoints of the store: items by namespace and key. No I/O."""

import operator
from collections.abc import Callable

from mockserver.fake.api import request_schemas
from mockserver.fake.api.api_call import ApiCall
from mockserver.fake.api.database import MAX_ITEMS, Namespace, Record
from mockserver.fake.api.pagination import get_page
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.response import Response, json_response
from mockserver.formats.json_text import Json

_OPERATORS: dict[str, Callable[[Json, Json], bool]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": lambda value, wanted: _number(value) > _number(wanted),
    "$gte": lambda value, wanted: _number(value) >= _number(wanted),
    "$lt": lambda value, wanted: _number(value) < _number(wanted),
    "$lte": lambda value, wanted: _number(value) <= _number(wanted),
}


def put(call: ApiCall) -> Response:
    body = call.body(request_schemas.ITEM)
    if error := _label_error(body["namespace"]):
        return error
    namespace = tuple(body["namespace"])
    if not namespace:
        raise HTTPError(400, "Namespace cannot be empty.")
    if namespace[0] == "langgraph":
        raise HTTPError(400, f'Root label for namespace cannot be "langgraph". Got: {namespace}')
    now = call.ids.at(call.database.next_time()).time()
    key = body["key"]
    call.database.items.setdefault(namespace, {})[key] = {
        "namespace": list(namespace),
        "key": key,
        "value": body["value"],
        "created_at": now,
        "updated_at": now,
    }
    _drop_oldest(call.database.items)
    return Response(204, (), b"")


def get(call: ApiCall) -> Response:
    """`GET /store/items`: return one item, or null if it does not exist."""
    labels = call.query("namespace").split(".")
    if error := _label_error(labels):
        return error
    key = call.query("key")
    if not key:
        return json_response({"error": "Key is required"}, 400)
    return json_response(call.database.items.get(tuple(labels), {}).get(key))


def delete(call: ApiCall) -> Response:
    body = call.body(request_schemas.ITEM_KEY)
    if error := _label_error(body.get("namespace", [])):
        return error
    call.database.items.get(tuple(body.get("namespace", ())), {}).pop(body["key"], None)
    return Response(204, (), b"")


def search(call: ApiCall) -> Response:
    body = call.body(request_schemas.ITEMS)
    prefix = tuple(body.get("namespace_prefix") or ())
    if error := _label_error(list(prefix)):
        return error
    wanted = body.get("filter") or {}
    found = [
        {**item, "score": None}
        for namespace, items in call.database.items.items()
        if namespace[: len(prefix)] == prefix
        for item in items.values()
        if all(_matches(item["value"].get(name), part) for name, part in wanted.items())
    ]
    return json_response({"items": get_page(found, {**body, "limit": body.get("limit") or 10})})


def namespaces(call: ApiCall) -> Response:
    body = call.body(request_schemas.NAMESPACES)
    for part in ("prefix", "suffix"):
        if error := _label_error(body.get(part, [])):
            return error
    prefix, suffix = body.get("prefix", []), body.get("suffix", [])
    depth = body.get("max_depth")
    found = {
        namespace if depth is None else namespace[: int(depth)]
        for namespace in call.database.items
        if _starts_with(namespace, prefix) and _starts_with(namespace[::-1], suffix[::-1])
    }
    return json_response({"namespaces": get_page([list(one) for one in sorted(found)], body, 100)})


def _label_error(labels: list[str]) -> Response | None:
    """Return the error response for an invalid label, or None; the real server sends it as text without a content type."""
    for label in labels:
        if not label or "." in label:
            words = f"Namespace label {label!r} must be a non-empty string without periods"
            return Response(422, (), words.encode("utf-8", "replace"))
    return None


def _starts_with(namespace: Namespace, labels: list[str]) -> bool:
    """Return whether *namespace* begins with *labels*; `*` matches any label."""
    return len(labels) <= len(namespace) and all(
        wanted in ("*", label) for wanted, label in zip(labels, namespace, strict=False)
    )


def _matches(value: Json, wanted: Json) -> bool:
    """Return whether *value* equals *wanted*, or satisfies its operators."""
    if not isinstance(wanted, dict) or not any(name.startswith("$") for name in wanted):
        return bool(value == wanted)
    for name, part in wanted.items():
        if name not in _OPERATORS:
            raise HTTPError(400, f"Unsupported operator: {name}")
        if value is None and name not in ("$eq", "$ne"):
            return False
        if not _OPERATORS[name](value, part):
            return False
    return True


def _number(value: Json) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise HTTPError(400, str(error)) from None


def _drop_oldest(items: dict[Namespace, dict[str, Record]]) -> None:
    """Drop the oldest items above the limit, and namespaces that become empty."""
    while sum(map(len, items.values())) > MAX_ITEMS:
        namespace, held = next(iter(items.items()))
        held.pop(next(iter(held), ""), None)
        if not held:
            del items[namespace]
