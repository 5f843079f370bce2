"""JSON of request bodies, checked as the real server does it, with its words for what is wrong. No I/O."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from mockserver.fake.json_format import spelled_float
from mockserver.formats import json_text
from mockserver.formats.json_text import Json

DEPTH = 255
"""How many lists and objects the real server's validator follows into each other."""

PARSED_DEPTH = 1024
"""How many its JSON parser does."""

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*(?:"|(?P<open>\\?\Z))', re.DOTALL)
"""A string; as `open`, one that does not end, with the rest of the text: no string ends in that."""


class RefusalError(Exception):
    """A request that is answered with *status* and *detail*."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Schema:
    """What a value must be like; the real server looks at the parts in the order in which they stand here."""

    types: tuple[str, ...] = ()
    any_of: tuple["Schema", ...] = ()
    one_of: tuple["Schema", ...] = ()
    all_of: tuple["Schema", ...] = ()
    enum: tuple[str | bool, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    shortest: int | None = None
    longest: int | None = None
    fewest: int | None = None
    most: int | None = None
    required: tuple[str, ...] = ()
    properties: Mapping[str, "Schema"] = field(default_factory=dict)
    others: "Schema | None" = None
    """What every property that *properties* does not name must be like."""
    items: "Schema | None" = None
    component: str | None = None
    """Its name, if the server's document refers to it by name."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the schema, and where in the instance."""

    schema: str = "schema"
    instance: str = "instance"

    def within(self, schema: Schema, *, keyword: str, at: str | int | None = None) -> "_Place":
        path = self.schema + keyword
        if schema.component is not None:
            path = f'schema["components"]["schemas"]["{schema.component}"]'
        return _Place(path, self.instance if at is None else f"{self.instance}[{spelled(at)}]")


@dataclass(frozen=True, slots=True)
class _Fault:
    words: str
    keyword: str
    value: Json
    place: _Place

    def __str__(self) -> str:
        return (
            f'{self.words}\n\nFailed validating "{self.keyword}" in {self.place.schema}'
            f"\n\nOn {self.place.instance}:\n    {spelled(self.value)}"
        )


def parsed(body: bytes) -> Json:
    """Return the value of the JSON *body*; RefusalError where it is none, or nests too deep."""
    text = ""
    try:
        text = body.decode()
        value = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_no_json)
        if "\\u" in text:
            json_text.dumps(value).encode()
    except RecursionError:
        if _brackets(text) > PARSED_DEPTH:
            raise RefusalError(422, "Invalid JSON in request body") from None
        raise RefusalError(400, "Recursion limit reached") from None
    except ValueError:
        raise RefusalError(422, "Invalid JSON in request body") from None
    if len(body) > DEPTH and json_text.depth(value) > DEPTH:
        raise RefusalError(400, "Recursion limit reached")
    return value


def checked(schema: Schema, value: Json) -> Json:
    """Return *value*; RefusalError where it is not as *schema* wants it."""
    fault = next(_faults(schema, value, _Place()), None)
    if fault is not None:
        raise RefusalError(422, str(fault))
    return value


def uuid(text: str) -> str | None:
    """Return the UUID that *text* spells, in its usual form; None where it spells none."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


def spelled(value: Json) -> str:
    """Return *value* as the validator writes it into its messages: keys sorted, numbers in their own spelling."""
    match value:
        case dict():
            return (
                "{"
                + ",".join(f"{spelled(key)}:{spelled(part)}" for key, part in sorted(value.items()))
                + "}"
            )
        case list():
            return "[" + ",".join(map(spelled, value)) + "]"
        case float():
            return spelled_float(value)
        case _:
            return json_text.dumps(value)


def _integer(text: str) -> int | float:
    value = int(text) if len(text) < 25 else None
    return value if value is not None and -(1 << 63) <= value < 1 << 64 else _number(text)


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("too large")
    return value


def _no_json(word: str) -> Json:
    raise ValueError(f"{word} is not JSON")


def _brackets(text: str) -> int:
    deepest = depth = 0
    for bracket in re.findall(
        r"[\[\]{}]", _STRING.sub(lambda found: found[0] if found.lastgroup else "", text)
    ):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _is(value: Json, kind: str) -> bool:
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


def _faults(schema: Schema, value: Json, place: _Place) -> Iterator[_Fault]:
    if not schema.types or any(_is(value, kind) for kind in schema.types):
        yield from _faults_of_value(schema, value, place)
    else:
        types = "type" if len(schema.types) == 1 else "types"
        kinds = ", ".join(f'"{kind}"' for kind in sorted(schema.types))
        yield _Fault(f"{spelled(value)} is not of {types} {kinds}", "type", value, place)


def _faults_of_value(schema: Schema, value: Json, place: _Place) -> Iterator[_Fault]:
    fault = partial(_Fault, value=value, place=place)
    for index, part in enumerate(schema.all_of):
        yield from _faults(part, value, place.within(part, keyword=f'["allOf"][{index}]'))
    for keyword, parts in (("anyOf", schema.any_of), ("oneOf", schema.one_of)):
        if parts and not any(_fits(part, value) for part in parts):
            words = f"is not valid under any of the schemas listed in the '{keyword}' keyword"
            yield fault(f"{spelled(value)} {words}", keyword)
    if schema.enum and value not in schema.enum:
        yield fault(f"{spelled(value)} is not one of {_candidates(schema.enum)}", "enum")
    match value:
        case str():
            yield from _faults_of_text(schema, value, fault)
        case list():
            yield from _faults_of_list(schema, value, place, fault)
        case dict():
            yield from _faults_of_object(schema, value, place, fault)
        case int() | float():
            yield from _faults_of_number(schema, value, fault)
        case _:
            pass


def _fits(schema: Schema, value: Json) -> bool:
    return next(_faults(schema, value, _Place()), None) is None


def _faults_of_number(
    schema: Schema, value: int | float, fault: "partial[_Fault]"
) -> Iterator[_Fault]:
    if schema.minimum is not None and value < schema.minimum:
        yield fault(f"{spelled(value)} is less than the minimum of {schema.minimum}", "minimum")
    if schema.maximum is not None and value > schema.maximum:
        yield fault(f"{spelled(value)} is greater than the maximum of {schema.maximum}", "maximum")


def _faults_of_text(schema: Schema, value: str, fault: "partial[_Fault]") -> Iterator[_Fault]:
    if schema.shortest is not None and len(value) < schema.shortest:
        many = _many(schema.shortest, "character")
        yield fault(f"{spelled(value)} is shorter than {many}", "minLength")
    if schema.longest is not None and len(value) > schema.longest:
        many = _many(schema.longest, "character")
        yield fault(f"{spelled(value)} is longer than {many}", "maxLength")


def _faults_of_list(
    schema: Schema, value: list[Json], place: _Place, fault: "partial[_Fault]"
) -> Iterator[_Fault]:
    if schema.fewest is not None and len(value) < schema.fewest:
        yield fault(f"{spelled(value)} has less than {_many(schema.fewest, 'item')}", "minItems")
    if schema.items is not None:
        for index, part in enumerate(value):
            inside = place.within(schema.items, keyword='["items"]', at=index)
            yield from _faults(schema.items, part, inside)


def _faults_of_object(
    schema: Schema, value: dict[str, Json], place: _Place, fault: "partial[_Fault]"
) -> Iterator[_Fault]:
    if schema.most is not None and len(value) > schema.most:
        yield fault(f"{spelled(value)} has more than {schema.most} properties", "maxProperties")
    for name in schema.required:
        if name not in value:
            yield fault(f'"{name}" is a required property', "required")
    for name in sorted(value):
        if name in schema.properties:
            part, keyword = schema.properties[name], f'["properties"]["{name}"]'
        elif schema.others is not None:
            part, keyword = schema.others, '["additionalProperties"]'
        else:
            continue
        yield from _faults(part, value[name], place.within(part, keyword=keyword, at=name))


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _candidates(values: tuple[Json, ...]) -> str:
    if len(values) > 3:
        first, second, *rest = values
        return f"{spelled(first)}, {spelled(second)} or {len(rest)} other candidates"
    *before, last = map(spelled, values)
    return f"{', '.join(before)} or {last}"
