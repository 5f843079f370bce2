"""A script from its YAML text. No I/O."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mockserver import strict
from mockserver.errors import ReadError
from mockserver.fake.script import (
    PLACEHOLDERS,
    Call,
    Custom,
    Delegate,
    Fail,
    Interrupt,
    Pace,
    Pause,
    Rule,
    Script,
    Speak,
    Step,
    Update,
)
from mockserver.fields import known, seconds, typed
from mockserver.strict import Mapping, Sequence

T = TypeVar("T")

_STEPS: dict[str, tuple[str, ...]] = {
    "say": ("say", "every"),
    "reason": ("reason",),
    "call": ("call", "args", "result", "ask"),
    "calls": ("calls",),
    "custom": ("custom",),
    "update": ("update",),
    "interrupt": ("interrupt",),
    "error": ("error",),
    "pause": ("pause",),
    "delegate": ("delegate",),
}
"""Each kind of step by the key that names it, and the keys that may stand beside it."""

_PACE = ("first", "token", "tool")
_PAUSE = 3600
_DELAY = 60
"""In seconds: the longest pause, and the longest time of any pace."""

_EXCEPTION = re.compile(r"(?:\w|\{\w+\})+")


@dataclass(frozen=True, slots=True)
class _Placed:
    """A step, the key that names it, and the line where it stands."""

    step: Step
    kind: str
    line: int


def script(text: str, extended: Callable[[], Script]) -> Script:
    """Return the script that the YAML *text* holds; where it says so, it goes on with *extended*.

    ReadError, with the line, where it makes no sense.
    """
    document = strict.read(text)
    if not isinstance(document, Mapping):
        raise ReadError("a script is a mapping with `rules`", line=1)
    known(document, ("extends", "pace", "rules"), "a script")
    extends = document.get("extends")
    if extends not in (None, "built-in"):
        raise ReadError(
            "extends: write `built-in`, or leave it out", line=document.lines["extends"]
        )
    before = Script() if extends is None else extended()
    rules = typed(document, "rules", Sequence)
    if not rules and (rules is not None or extends is None):
        raise ReadError(
            "a script needs `rules`, at least one", line=document.lines.get("rules", document.line)
        )
    own = _each(rules, _rule) if rules else ()
    return Script((*own, *before.rules), _pace(document, before.pace))


def _each(items: Sequence, read: Callable[[Any, int], T]) -> tuple[T, ...]:
    return tuple(read(item, line) for item, line in zip(items, items.lines, strict=True))


def _pace(document: Mapping, before: Pace) -> Pace:
    part = typed(document, "pace", Mapping)
    if part is None:
        return before
    known(part, _PACE, "pace")
    return Pace(
        *(_time(part, key, _DELAY) if key in part else getattr(before, key) for key in _PACE)
    )


def _time(part: Mapping, key: str, longest: int) -> float:
    time = seconds(part, key)
    if time > longest:
        raise ReadError(f"{key} must be at most {longest} seconds", line=part.lines[key])
    return time


def _rule(part: Any, line: int) -> Rule:
    if not isinstance(part, Mapping):
        raise ReadError("a rule is a mapping with `when` and `steps`", line=line)
    known(part, ("when", "steps"), "a rule")
    when = typed(part, "when", Mapping) or Mapping(line)
    known(when, ("human", "graph", "turn"), "when")
    turn = typed(when, "turn", int)
    if turn is not None and turn < 1:
        raise ReadError("turn counts from 1", line=when.lines["turn"])
    steps = _steps(part, "steps", line)
    return Rule(steps, _pattern(when), typed(when, "graph", str), turn)


def _pattern(when: Mapping) -> re.Pattern[str] | None:
    text = typed(when, "human", str)
    if text is None:
        return None
    line = when.lines["human"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a pattern that means something else in the next Python
            pattern = re.compile(text, re.IGNORECASE)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise ReadError(f"human: not a regular expression: {error}", line=line) from None
    for name in PLACEHOLDERS:
        if name in pattern.groupindex:
            raise ReadError(f"human: {{{name}}} has a meaning: name the group otherwise", line=line)
    return pattern


def _steps(part: Mapping, key: str, line: int) -> tuple[Step, ...]:
    items = typed(part, key, Sequence)
    if not items:
        raise ReadError(f"`{key}` must be a list of steps", line=part.lines.get(key, line))
    placed: list[_Placed] = []
    for one in _each(items, _step):
        joined = _joined(placed[-1].step, one.step) if placed else None
        if joined:
            placed[-1] = _Placed(joined, one.kind, one.line)
        else:
            placed.append(one)
    _check_delegates(placed)
    _check_end(placed)
    return tuple(one.step for one in placed)


def _joined(previous: Step, step: Step) -> Speak | None:
    """Return the message that both are parts of: reasoning, then text, then calls; None where they are two."""
    if not isinstance(previous, Speak) or not isinstance(step, Speak):
        return None
    if previous.calls or step.reasoning or (previous.text and not step.calls):
        return None
    every = previous.every if step.every is None else step.every
    return Speak(previous.text + step.text, previous.reasoning, step.calls, every)


def _check_delegates(placed: list[_Placed]) -> None:
    """Raise ReadError for a delegate that the graph around it would not come to: it goes there from a message."""
    said = False
    for one in placed:
        if isinstance(one.step, Delegate) and not said:
            raise ReadError("a delegate needs a `say` before it", line=one.line)
        if isinstance(one.step, Delegate | Speak):
            said = _says(one.step)


def _check_end(placed: list[_Placed]) -> None:
    """Raise ReadError where the steps leave open what the assistant says in the end."""
    for one in reversed(placed):
        if isinstance(one.step, Fail) or _says(one.step):
            return
        if isinstance(one.step, Delegate | Interrupt | Speak):
            raise ReadError(f"behind `{one.kind}`, a `say` is missing", line=one.line)


def _says(step: Step) -> bool:
    return isinstance(step, Speak) and bool(step.text) and not step.calls


def _step(item: Any, line: int) -> _Placed:
    kinds = [key for key in item if key in _STEPS] if isinstance(item, Mapping) else []
    if len(kinds) != 1:
        keys = ", ".join(item) if isinstance(item, Mapping) else ""
        raise ReadError(
            f"a step is a mapping with one of {', '.join(_STEPS)}; this has {keys or 'none'}",
            line=line,
        )
    [kind] = kinds
    known(item, _STEPS[kind], f"a step with `{kind}`")
    return _Placed(_READERS[kind](item), kind, line)


def _say(item: Mapping) -> Step:
    every = _time(item, "every", _DELAY) if "every" in item else None
    return Speak(text=_text(item, "say"), every=every)


def _text(item: Mapping, key: str) -> str:
    text = typed(item, key, str)
    if not text:
        raise ReadError(f"`{key}` must be a text", line=item.lines[key])
    return text


def _call(item: Mapping) -> Call:
    args = typed(item, "args", Mapping)
    if "result" not in item:
        raise ReadError("a call needs a `result`: what the tool says", line=item.line)
    return Call(_text(item, "call"), args or {}, item["result"], item.get("ask"))


def _calls(item: Mapping) -> Step:
    items = typed(item, "calls", Sequence)
    if not items:
        raise ReadError("`calls` must be a list of calls", line=item.lines["calls"])
    return Speak(calls=_each(items, _one_call))


def _one_call(item: Any, line: int) -> Call:
    if not isinstance(item, Mapping) or "call" not in item:
        raise ReadError("`calls` must be a list of calls", line=line)
    known(item, _STEPS["call"], "a call")
    return _call(item)


def _update(item: Mapping) -> Step:
    values = typed(item, "update", Mapping)
    if not values or "messages" in values:
        raise ReadError(
            "update: write a mapping of state keys to values, without messages",
            line=item.lines["update"],
        )
    return Update(values)


def _fail(item: Mapping) -> Step:
    error = item["error"]
    if isinstance(error, str):
        return Fail("ValueError", error)
    if not isinstance(error, Mapping):
        raise ReadError("error: write a message, or type and message", line=item.lines["error"])
    known(error, ("type", "message"), "error")
    kind = typed(error, "type", str) or "ValueError"
    if not _EXCEPTION.fullmatch(kind):
        raise ReadError(
            "error: type must be the name of an exception, such as ValueError",
            line=error.lines["type"],
        )
    return Fail(kind, typed(error, "message", str) or "")


def _delegate(item: Mapping) -> Step:
    steps = _steps(item, "delegate", item.line)
    if not any(isinstance(step, Speak | Fail) for step in steps):
        raise ReadError("a delegate needs a `say` among its steps", line=item.line)
    for part, line in zip(item["delegate"], item["delegate"].lines, strict=True):
        if "delegate" in part:
            raise ReadError("a delegate within a delegate: one level is all there is", line=line)
    return Delegate(steps)


_READERS: dict[str, Callable[[Mapping], Step]] = {
    "say": _say,
    "reason": lambda item: Speak(reasoning=_text(item, "reason")),
    "call": lambda item: Speak(calls=(_call(item),)),
    "calls": _calls,
    "custom": lambda item: Custom(item["custom"]),
    "update": _update,
    "interrupt": lambda item: Interrupt(item["interrupt"]),
    "error": _fail,
    "pause": lambda item: Pause(_time(item, "pause", _PAUSE)),
    "delegate": _delegate,
}
