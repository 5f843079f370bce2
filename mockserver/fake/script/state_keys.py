"""The keys of a graph's state: how each takes in new values, and what it holds before. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mockserver.formats.json_text import Json

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
