"""Faults: what goes wrong with a response on demand. JSON in, values out. No I/O."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from mockserver.errors import RequestError
from mockserver.formats.json_text import Json, dumps, loads
from mockserver.http.messages import (
    CONTROL,
    HEADER_NAME,
    HOP_BY_HOP,
    JSON,
    Headers,
    Reply,
    ReplySource,
    first_value,
    lowercase_names,
    standard_reason,
)

_EXAMPLE = 'write one such as {"status": 429}, {"cut": 3}, {"stall": 3, "seconds": 30}, {"split": 7} or {"garbage": 2}'
_MAX_SECONDS = 86_400
_TEXT: Headers = (("content-type", "text/plain; charset=utf-8"),)


@dataclass(frozen=True, slots=True)
class StatusFault:
    """A response with this *status* in place of the real one, before its first byte; by default with a `detail` as the server writes it."""

    status: int
    headers: Headers = ()
    body: Json = None


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks after so many *events*."""

    events: int


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing comes for *seconds* after so many *events*; then the response goes on."""

    events: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Split:
    """The body comes in chunks of *size* bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Garbage:
    """An event that is not JSON comes after so many *events*."""

    events: int


Fault = StatusFault | Cut | Stall | Split | Garbage


def parse_fault_text(text: str) -> Fault:
    """Return the fault in the JSON *text*; RequestError if it is none."""
    try:
        value = loads(text)
    except ValueError as error:
        raise RequestError(f"the fault is not JSON ({error}): {_EXAMPLE}") from None
    return parse_fault(value)


def parse_fault(value: Json) -> Fault:
    """Return the fault that *value* describes; RequestError, which says what is wrong, if it describes none."""
    if not isinstance(value, Mapping):
        raise RequestError(f"the fault {dumps(value)[:40]} is not an object: {_EXAMPLE}")
    kinds = [key for key in value if key in _KINDS]
    if not kinds:
        check_keys(value, _KINDS, "a fault")
    if len(kinds) != 1:
        found = f"has {' and '.join(kinds)}" if kinds else "does not say what goes wrong"
        raise RequestError(f"the fault {found}: {_EXAMPLE}")
    [kind] = kinds
    keys, read = _KINDS[kind]
    check_keys(value, (kind, *keys), f"a fault with `{kind}`")
    return read(value)


def fault_to_json(fault: Fault) -> dict[str, Json]:
    """Return the JSON form of *fault*, which `parse_fault` reads."""
    match fault:
        case StatusFault(status, headers, body):
            form = {"status": status, "headers": dict(headers) or None, "body": body}
            return {key: part for key, part in form.items() if part is not None}
        case Cut(events):
            return {"cut": events}
        case Stall(events, seconds):
            return {"stall": events, "seconds": seconds}
        case Split(size):
            return {"split": size}
        case Garbage(events):
            return {"garbage": events}


def status_reply(fault: StatusFault) -> Reply:
    """Return the reply that is sent in place of the real one."""
    reason = standard_reason(fault.status)
    body: Json = {"detail": reason or "fault"} if fault.body is None else fault.body
    text = body if isinstance(body, str) else dumps(body)
    headers = fault.headers
    if first_value(headers, "content-type") is None:
        headers = (*(_TEXT if isinstance(body, str) else JSON), *headers)
    raw = text.encode("utf-8", "replace")
    return Reply(fault.status, headers, raw, reason, ReplySource.FAULT, faults=(fault,))


def check_keys(value: Mapping[str, Json], keys: Collection[str], where: str) -> None:
    """Raise RequestError if *value* has a key that is not in *keys*; *where* names it in the message."""
    for key in value:
        if key not in keys:
            like = get_close_matches(str(key), keys, 1)
            hint = f"did you mean `{like[0]}`?" if like else f"the keys are {', '.join(keys)}"
            raise RequestError(f"{where} has no key `{key}`: {hint}")


def parse_number(
    value: Mapping[str, Json], key: str, least: int, most: int = 1_000_000_000, default: int = 0
) -> int:
    """Return the whole number in *key*; RequestError if it is not one from *least* to *most*."""
    number = value.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        bounds = f"of at least {least}" if most == 1_000_000_000 else f"from {least} to {most}"
        raise RequestError(f"`{key}` must be a whole number {bounds}, not {dumps(number)[:40]}")
    return number


def _parse_seconds(value: Mapping[str, Json]) -> float:
    seconds: Json = value.get("seconds")
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not (is_number and 0 <= seconds <= _MAX_SECONDS):
        raise RequestError(
            'a fault with `stall` needs `seconds`, a number up to 86400: {"stall": 3, "seconds": 30}'
        )
    return float(seconds)


_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character, which JSON can hold, but UTF-8 cannot."""


def _parse_headers(value: Json) -> Headers:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise RequestError('`headers` must be an object of texts: {"retry-after": "7"}')
    headers = lowercase_names(value.items())
    for name, text in headers:
        if not HEADER_NAME.fullmatch(name) or CONTROL.search(text) or _SURROGATE.search(text):
            raise RequestError(f"`headers`: {name!r} is not a header that can be sent")
        if name in HOP_BY_HOP or name == "content-length":
            raise RequestError(f"`headers`: the server itself sets {name}")
    return headers


def _parse_status(value: Mapping[str, Json]) -> StatusFault:
    status = parse_number(value, "status", 200, 599)
    return StatusFault(status, _parse_headers(value.get("headers", {})), value.get("body"))


_KINDS: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Json]], Fault]]] = {
    "status": (("headers", "body"), _parse_status),
    "cut": ((), lambda value: Cut(parse_number(value, "cut", 0))),
    "stall": (
        ("seconds",),
        lambda value: Stall(parse_number(value, "stall", 0), _parse_seconds(value)),
    ),
    "split": ((), lambda value: Split(parse_number(value, "split", 1))),
    "garbage": ((), lambda value: Garbage(parse_number(value, "garbage", 0))),
}
"""Each kind of fault by its key: the other keys that it may have, and what reads it."""
