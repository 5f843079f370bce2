"""Parses the JSON of request bodies and validates it against schemas. No I/O."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from mockserver.formats import json_text
from mockserver.formats.json_text import Json, reject_constant

MAX_DEPTH = 255
"""The nesting depth at which the real server's validator gives up."""


class HTTPError(Exception):
    """The request gets an error response with *status* and *detail*."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Schema:
    """The rules for a value."""

    types: tuple[str, ...] = ()
    any_of: tuple["Schema", ...] = ()
    enum: tuple[str | bool, ...] = ()
    minimum: int | None = None
    """The least number, or the least length of a text, list or object."""
    maximum: int | None = None
    required: tuple[str, ...] = ()
    properties: Mapping[str, "Schema"] = field(default_factory=dict)
    others: "Schema | None" = None
    """The rules for each property that is not in *properties*, and for each item of a list; None allows any."""


_TYPES: dict[str, type | tuple[type, ...]] = {
    "null": type(None),
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "string": str,
    "array": list,
    "object": dict,
}


def parse_json(body: bytes) -> Json:
    """Return the value of the JSON *body*; raise HTTPError if it is invalid or nested too deeply."""
    try:
        text = body.decode()
        value = json.loads(
            text, parse_int=_integer, parse_float=_number, parse_constant=reject_constant
        )
        if "\\u" in text:
            json_text.dumps(value).encode()
    except (RecursionError, ValueError):
        raise HTTPError(422, "Invalid JSON in request body") from None
    if len(body) > MAX_DEPTH and json_text.depth(value) > MAX_DEPTH:
        raise HTTPError(400, "Recursion limit reached")
    return value


def validate(schema: Schema, value: Json) -> Json:
    """Return *value*; raise HTTPError if it does not match *schema*."""
    problem = find_problem(schema, value, "body")
    if problem is not None:
        raise HTTPError(422, problem)
    return value


def find_problem(schema: Schema, value: Json, path: str) -> str | None:
    """Return why the *value* at *path* does not match *schema*, or None if it does."""
    return next(_problems(schema, value, path), None)


def parse_uuid(text: str) -> str | None:
    """Return the UUID in *text* in canonical form, or None if it is not a UUID."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _integer(text: str) -> int | float:
    value = int(text) if len(text) < 25 else None
    return value if value is not None and -(1 << 63) <= value < 1 << 64 else _number(text)


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("too large")
    return value


def _has_type(value: Json, name: str) -> bool:
    if isinstance(value, bool) or name == "boolean":
        return isinstance(value, bool) and name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _problems(schema: Schema, value: Json, path: str) -> Iterator[str]:
    """Yield what is wrong with the *value* at *path*."""
    if schema.types and not any(_has_type(value, name) for name in schema.types):
        yield f"{path} must be of type {' or '.join(schema.types)}"
        return
    if schema.any_of and all(any(_problems(part, value, path)) for part in schema.any_of):
        yield f"{path} has none of the allowed forms"
    if schema.enum and value not in schema.enum:
        yield f"{path} must be one of {', '.join(map(json_text.dumps, schema.enum))}"
    is_sized = isinstance(value, str | list | dict)
    size, measured = (len(value), f"the length of {path}") if is_sized else (value, path)
    if schema.minimum is not None and size < schema.minimum:
        yield f"{measured} must be at least {schema.minimum}"
    if schema.maximum is not None and size > schema.maximum:
        yield f"{measured} must be at most {schema.maximum}"
    if isinstance(value, list) and schema.others:
        for index, part in enumerate(value):
            yield from _problems(schema.others, part, f"{path}[{index}]")
    if isinstance(value, dict):
        yield from (f"{path}.{name} is required" for name in schema.required if name not in value)
        for name, part in sorted(value.items()):
            if rules := schema.properties.get(name, schema.others):
                yield from _problems(rules, part, f"{path}.{name}")
