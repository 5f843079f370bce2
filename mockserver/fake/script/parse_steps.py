"""Parses the steps of a script from YAML. No I/O."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from mockserver.errors import ReadError
from mockserver.fake.script.faults import Refuse, parse_cut, parse_stall, parse_status
from mockserver.fake.script.model import (
    Custom,
    Delegate,
    Enter,
    Fail,
    Interrupt,
    Pause,
    Speak,
    Step,
    ToolCall,
    Update,
)
from mockserver.fake.script.topology import TOOLS
from mockserver.formats.strict_yaml import (
    Mapping,
    Sequence,
    check_keys,
    get_only_key,
    get_seconds,
    get_typed,
    map_items,
)

MAX_DELAY = 60
"""Limit for each time in `pace` and for `every`, in seconds."""

_CALL_KEYS = ("args", "result", "fails", "ask")

_TOOL_NODE = "tools"
"""The key of `call` and `calls` that names the node of the tools."""

_MAX_PAUSE = 3600
"""Limit for a pause, in seconds."""

_EXCEPTION = re.compile(r"(?:\w|\{\w+\})+")


@dataclass(frozen=True, slots=True)
class _PlacedStep:
    step: Step
    kind: str
    line: int
    node: str | None = None

    def joined_with(self, following: "_PlacedStep") -> "_PlacedStep | None":
        """Return this step and the *following* one as one message, or None if they are two."""
        joined = _join(self.step, following.step)
        if joined is None or following.node not in (None, self.node):
            return None
        return _PlacedStep(joined, following.kind, following.line, self.node)


def parse_steps(part: Mapping, key: str, line: int) -> tuple[Step, ...]:
    """Return the steps under *key* of *part*, which starts on *line*; ReadError where they make no sense."""
    items = get_typed(part, key, Sequence)
    if not items:
        raise ReadError(f"`{key}` must be a list of steps", line=part.lines.get(key, line))
    placed_steps: list[_PlacedStep] = []
    for one in map_items(items, _parse_step):
        joined = placed_steps[-1].joined_with(one) if placed_steps else None
        if joined:
            placed_steps[-1] = joined
        else:
            placed_steps.append(one)
    _check_delegates(placed_steps)
    for one, following in pairwise(placed_steps):
        if isinstance(one.step, Fail):
            raise ReadError("a step after `error` is never played", line=following.line)
    _check_end(placed_steps)
    refusal = next((one for one in placed_steps if isinstance(one.step, Refuse)), None)
    if refusal is not None and (len(placed_steps) > 1 or key != "steps"):
        raise ReadError("`status` must be the only step of a rule", line=refusal.line)
    return tuple(_enter_nodes(placed_steps))


def _enter_nodes(placed_steps: list[_PlacedStep]) -> Iterator[Step]:
    """Yield the steps, and an Enter before each that begins another node."""
    current: str | None = None
    for one in placed_steps:
        if isinstance(one.step, Delegate):
            yield replace(one.step, node=one.node)
            continue
        if one.node not in (None, current):
            current = one.node
            yield Enter(one.node)
        yield one.step


def _join(previous: Step, step: Step) -> Speak | None:
    """Return both steps as one message (reasoning, then text, then calls), or None if they are two messages."""
    if not isinstance(previous, Speak) or not isinstance(step, Speak):
        return None
    if previous.calls or step.reasoning or (previous.text and not step.calls):
        return None
    every = previous.every if step.every is None else step.every
    return Speak(previous.text + step.text, previous.reasoning, step.calls, every, step.tool_node)


def _check_delegates(placed_steps: list[_PlacedStep]) -> None:
    """Raise ReadError for a delegate without a message before it: the agent enters the subgraph from a message."""
    after_message = False
    for one in placed_steps:
        if isinstance(one.step, Delegate) and not after_message and one.node is None:
            raise ReadError("a delegate needs a `say` before it", line=one.line)
        if isinstance(one.step, Delegate | Speak):
            after_message = _is_final_text(one.step)


def _check_end(placed_steps: list[_PlacedStep]) -> None:
    """Raise ReadError if the steps do not end with a message, an error or a step with a node of its own."""
    for one in reversed(placed_steps):
        if isinstance(one.step, Fail) or _is_final_text(one.step) or one.node is not None:
            return
        if isinstance(one.step, Delegate | Interrupt | Speak):
            raise ReadError(f"add a `say` after `{one.kind}`", line=one.line)


def _is_final_text(step: Step) -> bool:
    return isinstance(step, Speak) and bool(step.text) and not step.calls


def _parse_step(item: Any, line: int) -> _PlacedStep:
    kinds = [key for key in item if key in _STEPS] if isinstance(item, Mapping) else []
    if len(kinds) != 1:
        given = ", ".join(item) if isinstance(item, Mapping) else ""
        why = f"a step is a mapping with one of {', '.join(_STEPS)}; this has {given or 'none'}"
        raise ReadError(why, line=line)
    [kind] = kinds
    keys, read = _STEPS[kind]
    check_keys(item, (kind, *keys, "node"), f"a step with `{kind}`")
    return _PlacedStep(read(item), kind, line, get_typed(item, "node", str))


def _parse_say(item: Mapping) -> Step:
    every = get_seconds(item, "every", MAX_DELAY) if "every" in item else None
    return Speak(text=_parse_text(item, "say"), every=every)


def _parse_text(item: Mapping, key: str) -> str:
    text = get_typed(item, key, str)
    if not text:
        raise ReadError(f"`{key}` must be a text", line=item.lines[key])
    return text


def _parse_call(item: Mapping) -> ToolCall:
    args = get_typed(item, "args", Mapping)
    outcome = get_only_key(item, ("result", "fails"), "a call")
    if outcome is None:
        why = "a call needs a `result`: what the tool says (or `fails`: what went wrong)"
        raise ReadError(why, line=item.line)
    result = item[outcome] if outcome == "result" else _parse_text(item, outcome)
    return ToolCall(
        _parse_text(item, "call"), args or {}, result, item.get("ask"), outcome == "fails"
    )


def _parse_calls(item: Mapping) -> Step:
    items = get_typed(item, "calls", Sequence)
    if not items:
        raise ReadError("`calls` must be a list of calls", line=item.lines["calls"])
    return _call_tools(item, map_items(items, _parse_one_call))


def _call_tools(item: Mapping, calls: tuple[ToolCall, ...]) -> Step:
    return Speak(calls=calls, tool_node=get_typed(item, _TOOL_NODE, str) or TOOLS)


def _parse_one_call(item: Any, line: int) -> ToolCall:
    if not isinstance(item, Mapping) or "call" not in item:
        raise ReadError("`calls` must be a list of calls", line=line)
    check_keys(item, ("call", *_CALL_KEYS), "a call")
    return _parse_call(item)


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
    if not any(isinstance(step, Speak | Fail | Enter) for step in inner):
        raise ReadError("a delegate needs a `say` among its steps", line=item.line)
    for part, line in zip(item["delegate"], item["delegate"].lines, strict=True):
        if "delegate" in part:
            raise ReadError("a delegate cannot contain another delegate", line=line)
    return Delegate(inner)


_STEPS: dict[str, tuple[tuple[str, ...], Callable[[Mapping], Step]]] = {
    "say": (("every",), _parse_say),
    "reason": ((), lambda item: Speak(reasoning=_parse_text(item, "reason"))),
    "call": (
        (*_CALL_KEYS, _TOOL_NODE),
        lambda item: _call_tools(item, (_parse_call(item),)),
    ),
    "calls": ((_TOOL_NODE,), _parse_calls),
    "custom": ((), lambda item: Custom(item["custom"])),
    "update": ((), _parse_update),
    "interrupt": ((), lambda item: Interrupt(item["interrupt"])),
    "error": ((), _parse_fail),
    "pause": ((), lambda item: Pause(get_seconds(item, "pause", _MAX_PAUSE))),
    "delegate": ((), _parse_delegate),
    "status": (("headers", "body"), parse_status),
    "stall": ((), parse_stall),
    "cut": ((), parse_cut),
}
"""Each kind of step by its key: the other keys that it may have, and what reads it."""
