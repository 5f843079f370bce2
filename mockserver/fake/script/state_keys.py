"""The keys of a graph's state: how each takes in new values, what it holds before, and how a script says it. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mockserver.errors import ReadError
from mockserver.formats import strict_yaml
from mockserver.formats.json_text import Json, dumps
from mockserver.formats.strict_yaml import Sequence, check_keys, get_typed

MESSAGES = "messages"


class Reducer(StrEnum):
    """How a key takes in a new value."""

    REPLACE = "replace"
    APPEND = "append"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class StateKey:
    """One key; *default* is what nodes read before it has a value, None if they read nothing."""

    reducer: Reducer = Reducer.REPLACE
    default: tuple[Json] | None = None

    @property
    def is_list(self) -> bool:
        return self.reducer is not Reducer.REPLACE


@dataclass(frozen=True, slots=True)
class StateKeys:
    """All keys of a state; *is_declared* is false if the script names none: then a state has the keys that it is given."""

    keys: Mapping[str, StateKey] = field(
        default_factory=lambda: {MESSAGES: StateKey(Reducer.MESSAGES)}
    )
    is_declared: bool = False

    def get_reducer(self, name: str) -> Reducer:
        return self.keys.get(name, StateKey()).reducer

    def create_initial(self) -> dict[str, Json]:
        """Return the state before the first input: only lists have a value."""
        return {name: [] for name, key in self.keys.items() if key.is_list}

    def sort(self, state: dict[str, Json]) -> dict[str, Json]:
        """Return *state* in the order of the keys; others come last."""
        if not self.is_declared:
            return state
        ordered = {name: state[name] for name in self.keys if name in state}
        return ordered | state

    def read(self, state: dict[str, Json]) -> dict[str, Json]:
        """Return *state* as a node reads it: with the defaults of the keys that have no value yet."""
        defaults = {name: key.default[0] for name, key in self.keys.items() if key.default}
        return self.sort(defaults | state) if defaults else state


UNDECLARED = StateKeys()


def parse_state(document: strict_yaml.Mapping, *, needs_messages: bool) -> StateKeys:
    """Return the keys of the state of the script *document*, also of messages if its rules need them."""
    part = get_typed(document, "state", strict_yaml.Mapping)
    if part is None:
        return UNDECLARED
    keys = {name: _parse_key(part, name) for name in part}
    if MESSAGES not in keys and needs_messages:
        keys = {MESSAGES: StateKey(Reducer.MESSAGES), **keys}
    return StateKeys(keys, is_declared=True)


def _parse_key(part: strict_yaml.Mapping, name: str) -> StateKey:
    value = get_typed(part, name, strict_yaml.Mapping) or strict_yaml.Mapping(0)
    check_keys(value, ("default", "reducer"), f"state: `{name}`")
    own_reducer = Reducer.MESSAGES if name == MESSAGES else Reducer.REPLACE
    text = get_typed(value, "reducer", str)
    if text not in (None, *Reducer):
        why = f"reducer must be one of {', '.join(Reducer)}, not {text}"
        raise ReadError(why, line=value.lines["reducer"])
    reducer, default = own_reducer if text is None else Reducer(text), value.get("default")
    if reducer is not own_reducer and name == MESSAGES:
        why = "state: `messages` must have the reducer `messages`"
        raise ReadError(why, line=value.lines["reducer"])
    if reducer is Reducer.REPLACE:
        return StateKey(reducer, (default,) if "default" in value else None)
    if default not in (None, []):
        why = f"state: `{name}` has the reducer `{reducer}`, so its default must be []"
        raise ReadError(why, line=value.lines["default"])
    return StateKey(reducer)


def check_updates(steps: Sequence, keys: StateKeys) -> None:
    """Raise ReadError if one of *steps*, as they are written, updates a list of the state with something else."""
    for step in steps:
        check_updates(step.get("delegate", Sequence(0)), keys)
        update = step.get("update", {})
        for name, value in update.items():
            reducer = keys.get_reducer(name)
            if reducer is not Reducer.REPLACE and not isinstance(value, list):
                why = f"update: `{name}` has the reducer `{reducer}`: write a list, not {dumps(value)[:40]}"
                raise ReadError(why, line=update.lines[name])
