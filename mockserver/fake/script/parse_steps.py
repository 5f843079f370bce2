"""Parses the steps of a script from YAML. No I/O."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from mockserver.errors import ReadError
from mockserver.fake.script.model import (
    Custom,
    Delegate,
    Fail,
    Interrupt,
    Pause,
    Speak,
    Step,
    Update,
)
from mockserver.fake.script.parse_messages import (
    CALL_KEYS,
    MESSAGE_KEYS,
    parse_call,
    parse_calls,
    parse_say,
    parse_text,
)
from mockserver.formats.strict_yaml import (
    Mapping,
    Sequence,
    check_keys,
    get_seconds,
    get_typed,
    map_items,
)

_MAX_PAUSE = 3600
"""Limit for a pause, in seconds."""

_EXCEPTION = re.compile(r"(?:\w|\{\w+\})+")


@dataclass(frozen=True, slots=True)
class _PlacedStep:
    step: Step
    kind: str
    line: int


def parse_steps(part: Mapping, key: str, line: int) -> tuple[Step, ...]:
    """Return the steps under *key* of *part*, which starts on *line*; ReadError where they make no sense."""
    items = get_typed(part, key, Sequence)
    if not items:
        raise ReadError(f"`{key}` must be a list of steps", line=part.lines.get(key, line))
    placed_steps: list[_PlacedStep] = []
    for one in map_items(items, _parse_step):
        joined = _join(placed_steps[-1].step, one.step) if placed_steps else None
        if joined:
            placed_steps[-1] = _PlacedStep(joined, one.kind, one.line)
        else:
            placed_steps.append(one)
    _check_delegates(placed_steps)
    for one, following in pairwise(placed_steps):
        if isinstance(one.step, Fail):
            raise ReadError("a step after `error` is never played", line=following.line)
    _check_end(placed_steps)
    return tuple(one.step for one in placed_steps)


def _join(previous: Step, step: Step) -> Speak | None:
    """Return both steps as one message (reasoning, then text, then calls), or None if they are two messages."""
    if not isinstance(previous, Speak) or not isinstance(step, Speak):
        return None
    if previous.calls or step.reasoning or (previous.has_content and not step.calls):
        return None
    every = previous.every if step.every is None else step.every
    message = previous if previous.has_content else step
    return replace(message, reasoning=previous.reasoning, calls=step.calls, every=every)


def _check_delegates(placed_steps: list[_PlacedStep]) -> None:
    """Raise ReadError for a delegate without a message before it: the graph enters the subgraph from a message."""
    after_message = False
    for one in placed_steps:
        if isinstance(one.step, Delegate) and not after_message:
            raise ReadError("a delegate needs a `say` before it", line=one.line)
        if isinstance(one.step, Delegate | Speak):
            after_message = _is_final_text(one.step)


def _check_end(placed_steps: list[_PlacedStep]) -> None:
    """Raise ReadError if the steps do not end with a message or an error."""
    for one in reversed(placed_steps):
        if isinstance(one.step, Fail) or _is_final_text(one.step):
            return
        if isinstance(one.step, Delegate | Interrupt | Speak):
            raise ReadError(f"add a `say` after `{one.kind}`", line=one.line)


def _is_final_text(step: Step) -> bool:
    return isinstance(step, Speak) and step.has_content and not step.calls


def _parse_step(item: Any, line: int) -> _PlacedStep:
    kinds = [key for key in item if key in _STEPS] if isinstance(item, Mapping) else []
    if len(kinds) != 1:
        given = ", ".join(item) if isinstance(item, Mapping) else ""
        why = f"a step is a mapping with one of {', '.join(_STEPS)}; this has {given or 'none'}"
        raise ReadError(why, line=line)
    [kind] = kinds
    keys, read = _STEPS[kind]
    check_keys(item, (kind, *keys), f"a step with `{kind}`")
    return _PlacedStep(read(item), kind, line)


def _parse_update(item: Mapping) -> Step:
    values = get_typed(item, "update", Mapping)
    if not values or "messages" in values:
        why = "update: write a mapping of state keys to values, without messages"
        raise ReadError(why, line=item.lines["update"])
    return Update(values)


def _parse_fail(item: Mapping) -> Step:
    error = item["error"]
    if isinstance(error, str):
        return Fail("ValueError", error)
    if not isinstance(error, Mapping):
        raise ReadError("error: write a message, or type and message", line=item.lines["error"])
    check_keys(error, ("type", "message"), "error")
    kind = get_typed(error, "type", str) or "ValueError"
    if not _EXCEPTION.fullmatch(kind):
        why = "error: type must be the name of an exception, such as ValueError"
        raise ReadError(why, line=error.lines["type"])
    return Fail(kind, get_typed(error, "message", str) or "")


def _parse_delegate(item: Mapping) -> Step:
    inner = parse_steps(item, "delegate", item.line)
    if not any(isinstance(step, Speak | Fail) for step in inner):
        raise ReadError("a delegate needs a `say` among its steps", line=item.line)
    for part, line in zip(item["delegate"], item["delegate"].lines, strict=True):
        if "delegate" in part:
            raise ReadError("a delegate cannot contain another delegate", line=line)
    return Delegate(inner)


_STEPS: dict[str, tuple[tuple[str, ...], Callable[[Mapping], Step]]] = {
    "say": (("every", *MESSAGE_KEYS), parse_say),
    "reason": ((), lambda item: Speak(reasoning=parse_text(item, "reason"))),
    "call": (CALL_KEYS, lambda item: Speak(calls=(parse_call(item),))),
    "calls": (MESSAGE_KEYS, parse_calls),
    "custom": ((), lambda item: Custom(item["custom"])),
    "update": ((), _parse_update),
    "interrupt": ((), lambda item: Interrupt(item["interrupt"])),
    "error": ((), _parse_fail),
    "pause": ((), lambda item: Pause(get_seconds(item, "pause", _MAX_PAUSE))),
    "delegate": ((), _parse_delegate),
}
"""Each kind of step by its key: the other keys that it may have, and what reads it."""
