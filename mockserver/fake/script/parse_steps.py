"""Parses the steps of a script from YAML. No I/O."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from mockserver.errors import ReadError, RequestError
from mockserver.fake.script.model import (
    Custom,
    Delegate,
    EnterNode,
    Fail,
    Interrupt,
    Pause,
    Speak,
    Step,
    Update,
)
from mockserver.fake.script.parse_messages import MESSAGE_STEPS
from mockserver.formats.strict_yaml import (
    Mapping,
    check_keys,
    get_items,
    get_seconds,
    get_typed,
    map_items,
)
from mockserver.http.fault import Cut, Stall, StatusFault, parse_fault

_MAX_PAUSE = 3600
"""Limit for a pause and a stall, in seconds."""

_EXCEPTION = re.compile(r"(?:\w|\{\w+\})+")


@dataclass(frozen=True, slots=True)
class _PlacedStep:
    step: Step
    kind: str
    line: int
    node: str | None = None


def parse_steps(part: Mapping, key: str) -> tuple[Step, ...]:
    """Return the steps under *key* of *part*; ReadError where they make no sense."""
    placed_steps: list[_PlacedStep] = []
    for one in map_items(get_items(part, key, "steps"), _parse_step):
        joined = _join(placed_steps[-1], one) if placed_steps else None
        placed_steps[-1:] = [joined] if joined else [*placed_steps[-1:], one]
    _check_order(placed_steps, is_inner=key == "delegate")
    _check_end(placed_steps)
    return tuple(_enter_nodes(placed_steps))


def _enter_nodes(placed_steps: list[_PlacedStep]) -> Iterator[Step]:
    """Yield the steps, and an EnterNode before each that begins another node."""
    current: str | None = None
    for one in placed_steps:
        if isinstance(one.step, Delegate):
            yield replace(one.step, node=one.node)
            continue
        if one.node not in (None, current):
            current = one.node
            yield EnterNode(one.node)
        yield one.step


def _join(previous: _PlacedStep, following: _PlacedStep) -> _PlacedStep | None:
    """Return both steps as one message (reasoning, then text, then calls), or None if they are two messages."""
    first, second = previous.step, following.step
    if not isinstance(first, Speak) or not isinstance(second, Speak):
        return None
    if first.calls or second.reasoning or (first.has_content and not second.calls):
        return None
    if following.node not in (None, previous.node):
        return None
    message = replace(
        first if first.has_content else second,
        reasoning=first.reasoning,
        calls=second.calls,
        every=first.every if second.every is None else second.every,
        tool_node=second.tool_node,
    )
    return replace(following, step=message, node=previous.node)


def _check_order(placed_steps: list[_PlacedStep], *, is_inner: bool) -> None:
    """Raise ReadError for a step that cannot be at its place; *is_inner*: within a delegate."""
    after_message, after_error = False, False
    for one in placed_steps:
        if after_error:
            raise ReadError("a step after `error` is never played", line=one.line)
        match one.step:
            case Delegate() if is_inner:
                raise ReadError("a delegate cannot contain another delegate", line=one.line)
            case Delegate() if not after_message and one.node is None:  # no message leads to it
                raise ReadError("a delegate needs a `say` before it", line=one.line)
            case StatusFault() if is_inner or len(placed_steps) > 1:
                raise ReadError("`status` must be the only step of a rule", line=one.line)
            case Delegate() | Speak():
                after_message = _is_final_text(one.step)
            case Fail():
                after_error = True
            case _:
                pass


def _check_end(placed_steps: list[_PlacedStep]) -> None:
    """Raise ReadError if the steps do not end with a message, an error or a step with a node of its own."""
    for one in reversed(placed_steps):
        if isinstance(one.step, Fail) or _is_final_text(one.step) or one.node is not None:
            return
        if isinstance(one.step, Delegate | Interrupt | Speak):
            raise ReadError(f"add a `say` after `{one.kind}`", line=one.line)


def _is_final_text(step: Step) -> bool:
    return isinstance(step, Speak) and step.has_content and not step.calls


def _parse_step(item: Any, line: int) -> _PlacedStep:
    kinds = [key for key in item if key in _STEPS] if isinstance(item, Mapping) else []
    kinds = [key for key in kinds if not any(key in _STEPS[other][0] for other in kinds)]
    if len(kinds) != 1:
        given = ", ".join(item) if isinstance(item, Mapping) else ""
        why = f"a step is a mapping with one of {', '.join(_STEPS)}; this has {given or 'none'}"
        raise ReadError(why, line=line)
    [kind] = kinds
    keys, read = _STEPS[kind]
    check_keys(item, (kind, *keys, "node"), f"a step with `{kind}`")
    return _PlacedStep(read(item), kind, line, get_typed(item, "node", str))


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
    inner = parse_steps(item, "delegate")
    if not any(isinstance(step, Speak | Fail | EnterNode) for step in inner):
        raise ReadError("a delegate needs a `say` among its steps", line=item.line)
    return Delegate(inner)


def _parse_status(item: Mapping) -> Step:
    try:
        fault = parse_fault(item)
    except RequestError as error:
        raise ReadError(str(error), line=item.line) from None
    assert isinstance(fault, StatusFault)
    return fault


def _parse_cut(item: Mapping) -> Step:
    if item["cut"] is not True:
        raise ReadError("write `cut: true`", line=item.lines["cut"])
    return Cut(0)


_STEPS: dict[str, tuple[tuple[str, ...], Callable[[Mapping], Step]]] = {
    **MESSAGE_STEPS,
    "custom": ((), lambda item: Custom(item["custom"])),
    "update": ((), _parse_update),
    "interrupt": ((), lambda item: Interrupt(item["interrupt"])),
    "error": ((), _parse_fail),
    "pause": ((), lambda item: Pause(get_seconds(item, "pause", _MAX_PAUSE))),
    "delegate": ((), _parse_delegate),
    "status": (("headers", "body"), _parse_status),
    "stall": ((), lambda item: Stall(0, get_seconds(item, "stall", _MAX_PAUSE))),
    "cut": ((), _parse_cut),
}
"""Each kind of step by its key: the other keys that it may have, and what reads it."""
