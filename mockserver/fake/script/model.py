"""What the fake graph says: rules, and the steps of the first that fits. No I/O, no protocol.

The steps of a rule are played by the nodes of a graph, one *visit* after the other; each visit brings the conversation
forward by one message of the assistant, so that the messages alone tell which visit is next.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from mockserver.formats.json_text import Json
from mockserver.formats.user_pattern import TimeLimit, UserPattern

T = TypeVar("T")

_PLACEHOLDER = re.compile(r"\{([^\W\d]\w*)\}")

_SHORT = 0.1
"""How many seconds the patterns of a script may take with one message: all others wait meanwhile."""

PLACEHOLDERS = ("message", "turn", "graph", "answer")
"""What `{…}` in a text stands for, whatever the rule; the groups of a rule bring others."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of *tool*, and what the tool says; *ask* interrupts the tool first, None does not.

    *failed* makes the result what went wrong.
    """

    tool: str
    args: Mapping[str, Json]
    result: Json
    ask: Json = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Speak:
    """One message of the assistant; *every* are the seconds from token to token, None the script's own pace."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    every: float | None = None


@dataclass(frozen=True, slots=True)
class Custom:
    """A value for the stream's `custom` mode."""

    value: Json


@dataclass(frozen=True, slots=True)
class Update:
    """New values for keys of the state beside the messages."""

    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Ask a human, and go on when resumed; in what follows `{answer}` is what they said."""

    value: Json


@dataclass(frozen=True, slots=True)
class Fail:
    """Break the run: *kind* is the name of a Python exception."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing, for some *seconds*."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Delegate:
    """Steps that a graph within the graph plays."""

    steps: tuple["Step", ...]


Step = Speak | Custom | Update | Interrupt | Fail | Pause | Delegate


@dataclass(frozen=True, slots=True)
class Visit:
    """What one node does at one time: *steps* with at most one Speak, *inner* in the graph within the graph."""

    steps: tuple[Step, ...]
    inner: bool = False

    def preceded_by(self, steps: Iterable[Step]) -> "Visit":
        """Return the visit with *steps* before its own."""
        return replace(self, steps=(*steps, *self.steps))

    def followed_by(self, steps: Iterable[Step]) -> "Visit":
        """Return the visit with *steps* behind its own."""
        return replace(self, steps=(*self.steps, *steps))

    @property
    def speech(self) -> Speak | None:
        """What the assistant says, None where it says nothing."""
        return next((step for step in self.steps if isinstance(step, Speak)), None)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rule can look at: *said* is the last human message, None where the state has no messages.

    *turn* counts the human messages, from 1.
    """

    graph: str
    said: str | None
    turn: int


@dataclass(frozen=True, slots=True)
class Rule:
    """*steps*, where *human* is found in the last human message and graph and turn are the named ones."""

    steps: tuple[Step, ...]
    human: re.Pattern[str] | UserPattern | None = None
    graph: str | None = None
    turn: int | None = None

    @property
    def talks(self) -> bool:
        """Whether it says something, so that it fits a conversation only."""
        return any(isinstance(step, Speak | Delegate) for step in self.steps)

    def match(self, situation: Situation, limit: TimeLimit | None = None) -> dict[str, str] | None:
        """Return what the groups of *human* caught, None where the rule does not fit.

        SlowPatternError beyond the *limit*, which several rules may share.
        """
        if self.graph not in (None, situation.graph) or self.turn not in (None, situation.turn):
            return None
        if situation.said is None:
            return None if self.human or self.talks else {}
        if self.human is None:
            return {}
        if isinstance(self.human, UserPattern):
            return self.human.search(situation.said, limit or TimeLimit(_SHORT))
        found = self.human.search(situation.said)
        return found and {name: text or "" for name, text in found.groupdict().items()}


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: until the *first* token of a message, from one *token* to the next, and for a *tool* to work."""

    first: float = 0.4
    token: float = 0.03
    tool: float = 0.6


@dataclass(frozen=True, slots=True)
class Script:
    """Rules, of which the first that fits is played."""

    rules: tuple[Rule, ...] = ()
    pace: Pace = field(default_factory=Pace)

    def visits(self, situation: Situation) -> tuple[Visit, ...]:
        """Return what is played in *situation*, its placeholders filled in; nothing where no rule fits.

        SlowPatternError where a pattern of the script takes too long.
        """
        limit = TimeLimit(_SHORT)
        for rule in self.rules:
            caught = rule.match(situation, limit)
            if caught is not None:
                known = {
                    "message": situation.said or "",
                    "graph": situation.graph,
                    "turn": str(situation.turn),
                }
                return _visits(tuple(filled(step, known | caught) for step in rule.steps))
        return ()


def filled(value: T, known: Mapping[str, str]) -> T:
    """Return *value* with `{name}` in its texts replaced by what is *known*; any other brace stays."""
    return cast(T, _filled(value, known))


def _filled(value: object, known: Mapping[str, str]) -> object:
    match value:
        case str():
            return _PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), value)
        case Mapping():
            return {name: _filled(part, known) for name, part in value.items()}
        case tuple():
            return tuple(_filled(part, known) for part in value)
        case list():
            return [_filled(part, known) for part in value]
        case Call() | Speak() | Custom() | Update() | Interrupt() | Fail() | Delegate():
            names = value.__dataclass_fields__
            parts: dict[str, Any] = {name: _filled(getattr(value, name), known) for name in names}
            return replace(value, **parts)
        case _:
            return value


def _visits(steps: tuple[Step, ...]) -> tuple[Visit, ...]:
    """Cut *steps* behind each message; what comes between two of them belongs to the second.

    What comes before a Delegate, or behind the last message, belongs to the message before it, unless it would undo that.
    """
    visits: list[Visit] = []
    waiting: list[Step] = []
    for step in steps:
        if isinstance(step, Delegate):
            first, *others = _visits(step.steps)
            inner = (first.preceded_by(_left_over(visits, waiting)), *others)
            visits += (replace(one, inner=True) for one in inner)
            waiting = []
            continue
        waiting.append(step)
        if isinstance(step, Speak):
            visits.append(Visit(tuple(waiting)))
            waiting = []
    if left := _left_over(visits, waiting):
        visits.append(Visit(tuple(left)))
    return tuple(visits)


def _left_over(visits: list[Visit], steps: list[Step]) -> list[Step]:
    """Let the last of *visits* do *steps* too; return what is left of them, all where they stop the run."""
    if not visits or any(isinstance(step, Fail | Interrupt) for step in steps):
        return steps
    visits[-1] = visits[-1].followed_by(steps)
    return []
