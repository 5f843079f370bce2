"""A script: rules, and the steps of the first one that matches. No I/O, no protocol.

The nodes of a graph play the steps of a rule, one *visit* after the other. Each visit adds one message of the
assistant, so the messages alone determine the next visit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from mockserver.fake.script.content import Block, build_blocks
from mockserver.formats.json_text import Json
from mockserver.formats.user_pattern import TimeLimit, UserPattern

_PLACEHOLDER = re.compile(r"\{([^\W\d]\w*)\}")

_MATCH_SECONDS = 0.1
"""Time limit in seconds for the patterns of a script on one message, because other requests wait meanwhile."""

PLACEHOLDERS = ("message", "turn", "graph", "answer", "message_id")
"""Placeholders that every rule has; the groups of its pattern add others."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of *tool* and its *result*; if *ask* is not None, it interrupts the tool first.

    With *failed* the result is an error message. *artifact* is what the tool returns beside it.
    """

    tool: str
    args: Mapping[str, Json]
    result: Json
    ask: Json = None
    failed: bool = False
    artifact: Json = None


@dataclass(frozen=True, slots=True)
class Speak:
    """One message of the assistant: *text*, or *blocks* of content; *every* is the time between tokens in seconds, None for the pace of the script.

    With *one_of*, the text is one of them: see `choose_texts`.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    every: float | None = None
    blocks: tuple[Mapping[str, Json], ...] = ()
    one_of: tuple[str, ...] = ()
    id: str = ""
    name: str = ""
    usage: Mapping[str, Json] | None = None
    response_metadata: Mapping[str, Json] = field(default_factory=dict)
    metadata: Mapping[str, Json] = field(default_factory=dict)
    """What is added to the metadata with which its tokens are sent."""

    @property
    def has_content(self) -> bool:
        return bool(self.text or self.blocks or self.one_of)

    @property
    def content_blocks(self) -> list[Block]:
        """The blocks of its content; none if it is a text alone."""
        return build_blocks(self.reasoning, self.text, self.blocks)


@dataclass(frozen=True, slots=True)
class Custom:
    """A value for the stream mode `custom`."""

    value: Json


@dataclass(frozen=True, slots=True)
class Update:
    """New values for keys of the state other than the messages."""

    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Interrupt the run, and continue when it is resumed; later texts may use `{answer}`."""

    value: Json


@dataclass(frozen=True, slots=True)
class Fail:
    """End the run with an error; *kind* is the name of a Python exception."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for some *seconds*."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Delegate:
    """Steps that the subgraph plays."""

    steps: tuple["Step", ...]


Step = Speak | Custom | Update | Interrupt | Fail | Pause | Delegate


@dataclass(frozen=True, slots=True)
class Visit:
    """What one node does at one time: *steps* with at most one Speak; *inner* if a node of the subgraph does it."""

    steps: tuple[Step, ...]
    inner: bool = False

    @property
    def speech(self) -> Speak | None:
        """The message of the assistant, or None."""
        return next((step for step in self.steps if isinstance(step, Speak)), None)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rule matches on: *message* is the last human message (None: no messages), *turn* the number of human messages."""

    graph: str
    message: str | None
    turn: int


@dataclass(frozen=True, slots=True)
class Rule:
    """*steps* to play if *human* matches the last human message, and *graph* and *turn* match if given."""

    steps: tuple[Step, ...]
    human: re.Pattern[str] | UserPattern | None = None
    graph: str | None = None
    turn: int | None = None

    @property
    def adds_messages(self) -> bool:
        """Whether it adds messages, so it only matches a state that has messages."""
        return any(isinstance(step, Speak | Delegate) for step in self.steps)

    def match(self, situation: Situation, limit: TimeLimit | None = None) -> dict[str, str] | None:
        """Return what the groups of *human* caught, None if the rule does not match.

        Raise SlowPatternError beyond the *limit*, which several rules may share.
        """
        if self.graph not in (None, situation.graph) or self.turn not in (None, situation.turn):
            return None
        if situation.message is None:
            return None if self.human or self.adds_messages else {}
        if self.human is None:
            return {}
        if isinstance(self.human, UserPattern):
            return self.human.search(situation.message, limit or TimeLimit(_MATCH_SECONDS))
        found = self.human.search(situation.message)
        return found and {name: text or "" for name, text in found.groupdict().items()}


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds until the *first* token of a message, between two *token*s, and for a *tool* call."""

    first: float = 0.4
    token: float = 0.03
    tool: float = 0.6


@dataclass(frozen=True, slots=True)
class Script:
    """Rules; the first one that matches is played."""

    rules: tuple[Rule, ...] = ()
    pace: Pace = field(default_factory=Pace)

    def plan_visits(self, situation: Situation) -> tuple[Visit, ...]:
        """Return the visits for *situation*, with placeholders filled in; none if no rule matches.

        Raise SlowPatternError if a pattern takes too long.
        """
        limit = TimeLimit(_MATCH_SECONDS)
        for rule in self.rules:
            caught = rule.match(situation, limit)
            if caught is not None:
                values = {
                    "message": situation.message or "",
                    "graph": situation.graph,
                    "turn": str(situation.turn),
                }
                steps = choose_texts(rule.steps, situation)
                return _split_visits(fill_placeholders(steps, values | caught))
        return ()


def choose_texts(steps: tuple[Step, ...], situation: Situation) -> tuple[Step, ...]:
    """Return *steps* with one of the texts of each message that has several, always the same in the same *situation*."""
    return tuple(_choose_text(step, situation) for step in steps)


def _choose_text(step: Step, situation: Situation) -> Step:
    match step:
        case Delegate(inner):
            return Delegate(choose_texts(inner, situation))
        case Speak(one_of=(_, *_) as texts):
            seed = "\0".join([situation.message or "", str(situation.turn), *texts])
            number = int.from_bytes(sha256(seed.encode("utf-8", "surrogatepass")).digest()[:8])
            return replace(step, text=texts[number % len(texts)], one_of=())
        case _:
            return step


def fill_placeholders(value: Any, values: Mapping[str, str]) -> Any:
    """Return *value* with `{name}` in its texts replaced by the values in *values*; other braces stay."""
    match value:
        case str():
            return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), value)
        case Mapping():
            return {name: fill_placeholders(part, values) for name, part in value.items()}
        case tuple():
            return tuple(fill_placeholders(part, values) for part in value)
        case list():
            return [fill_placeholders(part, values) for part in value]
        case ToolCall() | Speak() | Custom() | Update() | Interrupt() | Fail() | Delegate():
            names = value.__dataclass_fields__
            return replace(
                value, **{name: fill_placeholders(getattr(value, name), values) for name in names}
            )
        case _:
            return value


def _split_visits(steps: tuple[Step, ...]) -> tuple[Visit, ...]:
    """Split *steps* into visits after each message; steps between two messages belong to the second.

    Steps before a Delegate or after the last message belong to the previous message, unless they stop the run.
    """
    visits: list[Visit] = []
    waiting: list[Step] = []
    for step in steps:
        if isinstance(step, Delegate):
            first, *others = _split_visits(step.steps)
            before = tuple(_append_to_last(visits, waiting))
            inner = (replace(first, steps=before + first.steps), *others)
            visits += (replace(one, inner=True) for one in inner)
            waiting = []
            continue
        waiting.append(step)
        if isinstance(step, Speak):
            visits.append(Visit(tuple(waiting)))
            waiting = []
    if remaining := _append_to_last(visits, waiting):
        visits.append(Visit(tuple(remaining)))
    return tuple(visits)


def _append_to_last(visits: list[Visit], steps: list[Step]) -> list[Step]:
    """Add *steps* to the last of *visits* if possible; return the steps that could not be added."""
    if not visits or any(isinstance(step, Fail | Interrupt) for step in steps):
        return steps
    visits[-1] = replace(visits[-1], steps=(*visits[-1].steps, *steps))
    return []
