"""A script: rules, and the steps of the first one that matches. No I/O, no protocol."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from mockserver.fake.script.conditions import Condition, Pattern, match_condition, match_pattern
from mockserver.fake.script.message_content import Block, build_blocks
from mockserver.fake.script.state_keys import UNDECLARED, StateKeys
from mockserver.fake.script.topology import DEFAULT, TOOLS, Topology
from mockserver.formats.json_text import Json
from mockserver.formats.user_pattern import TimeLimit
from mockserver.http.fault import Cut, Stall, StatusFault

_PLACEHOLDER = re.compile(r"\{([^\W\d]\w*)\}")

_MATCH_SECONDS = 0.1
"""Time limit in seconds for the patterns of a script on one message, because other requests wait meanwhile."""


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
    tool_node: str = TOOLS
    """The node that answers the calls."""
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
    """Steps that a subgraph plays; *node* is the node that runs it, None for the first one of the graph."""

    steps: tuple["Step", ...]
    node: str | None = None


@dataclass(frozen=True, slots=True)
class EnterNode:
    """From here on, *node* plays the steps."""

    node: str


Step = (
    Speak
    | Custom
    | Update
    | Interrupt
    | Fail
    | Pause
    | Delegate
    | EnterNode
    | StatusFault
    | Cut
    | Stall
)
"""A StatusFault refuses the run, and nothing else happens. A Cut breaks the connection of the client that started the run, a Stall
lets it wait; the run goes on.
"""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rule matches on: *message* is the last human message (None: no messages), *turn* the number of human messages.

    *facts* are the parts of the request by name, see FACTS.
    """

    graph: str
    message: str | None
    turn: int
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """*steps* to play if *human* matches the last human message, and *graph*, *turn* and *facts* match if given."""

    steps: tuple[Step, ...]
    human: Pattern | None = None
    graph: str | None = None
    turn: int | None = None
    facts: Mapping[str, Condition] = field(default_factory=dict)

    @property
    def always_matches(self) -> bool:
        return not (self.human or self.graph or self.turn or self.facts)

    @property
    def adds_messages(self) -> bool:
        """Whether it adds messages, so it only matches a state that has messages."""
        return _speaks(self.steps)

    def match(self, situation: Situation, limit: TimeLimit | None = None) -> dict[str, str] | None:
        """Return what the groups of its patterns caught, None if the rule does not match.

        Raise SlowPatternError beyond the *limit*, which several rules may share.
        """
        if self.graph not in (None, situation.graph) or self.turn not in (None, situation.turn):
            return None
        if situation.message is None and (self.human or self.adds_messages):
            return None
        limit = limit or TimeLimit(_MATCH_SECONDS)
        caught: dict[str, str] = {}
        if self.facts and not match_condition(self.facts, dict(situation.facts), limit, caught):
            return None
        if self.human is None:
            return caught
        found = match_pattern(self.human, situation.message or "", limit)
        return None if found is None else caught | found


@dataclass(frozen=True, slots=True)
class ScriptPace:
    """Seconds until the *first* token of a message, between two *token*s, and for a *tool* call."""

    first: float = 0.4
    token: float = 0.03
    tool: float = 0.6


@dataclass(frozen=True, slots=True)
class Script:
    """Rules; the first one that matches is played."""

    rules: tuple[Rule, ...] = ()
    pace: ScriptPace = field(default_factory=ScriptPace)
    topology: Topology = DEFAULT
    state: StateKeys = UNDECLARED

    @property
    def refuses(self) -> bool:
        """Whether a rule refuses runs."""
        return any(isinstance(step, StatusFault) for rule in self.rules for step in rule.steps)

    def find_steps(self, situation: Situation) -> tuple[Step, ...] | None:
        """Return the steps for *situation*, with placeholders filled in; None if no rule matches.

        Raise SlowPatternError if a pattern takes too long.
        """
        limit = TimeLimit(_MATCH_SECONDS)
        for rule in self.rules:
            caught = rule.match(situation, limit)
            if caught is not None:
                message, turn = situation.message or "", str(situation.turn)
                values = {"message": message, "graph": situation.graph, "turn": turn, **caught}
                steps: tuple[Step, ...] = fill_placeholders(
                    choose_texts(rule.steps, situation), values
                )
                return steps
        return None


def _speaks(steps: tuple[Step, ...]) -> bool:
    return any(
        isinstance(step, Speak) or (isinstance(step, Delegate) and _speaks(step.steps))
        for step in steps
    )


def choose_texts(steps: tuple[Step, ...], situation: Situation) -> tuple[Step, ...]:
    """Return *steps* with one of the texts of each message that has several, always the same in the same *situation*."""
    return tuple(_choose_text(step, situation) for step in steps)


def _choose_text(step: Step, situation: Situation) -> Step:
    match step:
        case Delegate(inner):
            return replace(step, steps=choose_texts(inner, situation))
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
