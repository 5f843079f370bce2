"""Parses the JSON of request bodies and validates it against schemas. No I/O."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from mockserver.formats import json_text
from mockserver.formats.json_text import Json

MAX_DEPTH = 255
"""The nesting depth at which the real server's validator gives up."""

MAX_PARSED_DEPTH = 1024
"""The nesting depth at which the real server's JSON parser gives up."""

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*(?:"|(?P<open>\\?\Z))', re.DOTALL)
"""A JSON string; the group `open` matches the end of the text if the string is not closed."""


class HTTPError(Exception):
    """The request gets an error response with *status* and *detail*."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Schema:
    """The rules for a value. Properties that are not in *properties* are allowed."""

    types: tuple[str, ...] = ()
    any_of: tuple["Schema", ...] = ()
    all_of: tuple["Schema", ...] = ()
    enum: tuple[str | bool, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_properties: int | None = None
    required: tuple[str, ...] = ()
    properties: Mapping[str, "Schema"] = field(default_factory=dict)
    additional: "Schema | None" = None
    """The rules for each property that is not in *properties*."""
    items: "Schema | None" = None


def parse_json(body: bytes) -> Json:
    """Return the value of the JSON *body*; raise HTTPError if it is invalid or nested too deeply."""
    text = ""
    try:
        text = body.decode()
        value = json.loads(
            text, parse_int=_integer, parse_float=_number, parse_constant=_reject_constant
        )
        if "\\u" in text:
            json_text.dumps(value).encode()
    except RecursionError:
        if _bracket_depth(text) > MAX_PARSED_DEPTH:
            raise HTTPError(422, "Invalid JSON in request body") from None
        raise HTTPError(400, "Recursion limit reached") from None
    except ValueError:
        raise HTTPError(422, "Invalid JSON in request body") from None
    if len(body) > MAX_DEPTH and json_text.depth(value) > MAX_DEPTH:
        raise HTTPError(400, "Recursion limit reached")
    return value


def validate(schema: Schema, value: Json) -> Json:
    """Return *value*; raise RefusalError, with status 422, if it does not match *schema*."""
    problem = next(_problems(schema, value, "body"), None)
    if problem is not None:
        raise HTTPError(422, problem)
    return value


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


def _reject_constant(word: str) -> Json:
    raise ValueError(f"{word} is not JSON")


def _bracket_depth(text: str) -> int:
    deepest = depth = 0
    for bracket in re.findall(
        r"[\[\]{}]", _STRING.sub(lambda found: found[0] if found.lastgroup else "", text)
    ):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _has_type(value: Json, kind: str) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def _problems(schema: Schema, value: Json, path: str) -> Iterator[str]:
    """Yield what is wrong with the *value* at *path*, in the order in which the real server checks it."""
    if schema.types and not any(_has_type(value, kind) for kind in schema.types):
        yield f"{path} must be of type {' or '.join(schema.types)}"
        return
    for part in schema.all_of:
        yield from _problems(part, value, path)
    if schema.any_of and not any(_matches(part, value) for part in schema.any_of):
        yield f"{path} has none of the allowed forms"
    if schema.enum and value not in schema.enum:
        yield f"{path} must be one of {', '.join(map(json_text.dumps, schema.enum))}"
    match value:
        case str():
            yield from _text_problems(schema, value, path)
        case list():
            yield from _list_problems(schema, value, path)
        case dict():
            yield from _object_problems(schema, value, path)
        case int() | float():
            yield from _number_problems(schema, value, path)
        case _:
            pass


def _matches(schema: Schema, value: Json) -> bool:
    return next(_problems(schema, value, ""), None) is None


def _number_problems(schema: Schema, value: int | float, path: str) -> Iterator[str]:
    if schema.minimum is not None and value < schema.minimum:
        yield f"{path} must be at least {schema.minimum}"
    if schema.maximum is not None and value > schema.maximum:
        yield f"{path} must be at most {schema.maximum}"


def _text_problems(schema: Schema, value: str, path: str) -> Iterator[str]:
    if schema.min_length is not None and len(value) < schema.min_length:
        yield f"{path} is too short: the minimum length is {schema.min_length}"
    if schema.max_length is not None and len(value) > schema.max_length:
        yield f"{path} is too long: the maximum length is {schema.max_length}"


def _list_problems(schema: Schema, value: list[Json], path: str) -> Iterator[str]:
    if schema.min_items is not None and len(value) < schema.min_items:
        yield f"{path} has too few items: the minimum is {schema.min_items}"
    if schema.items is not None:
        for index, part in enumerate(value):
            yield from _problems(schema.items, part, f"{path}[{index}]")


def _object_problems(schema: Schema, value: dict[str, Json], path: str) -> Iterator[str]:
    if schema.max_properties is not None and len(value) > schema.max_properties:
        yield f"{path} has too many keys: the maximum is {schema.max_properties}"
    for name in schema.required:
        if name not in value:
            yield f"{path}.{name} is required"
    for name in sorted(value):
        rules = schema.properties.get(name, schema.additional)
        if rules is not None:
            yield from _problems(rules, value[name], f"{path}.{name}")
