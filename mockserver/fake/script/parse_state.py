"""Parses the state of a script from YAML. No I/O."""

from collections.abc import Iterable
from typing import Any

from mockserver.errors import ReadError
from mockserver.fake.script.model import Rule
from mockserver.fake.script.state_keys import MESSAGES, UNDECLARED, Reducer, StateKey, StateKeys
from mockserver.formats.json_text import dumps
from mockserver.formats.strict_yaml import Mapping, Sequence, check_keys, get_typed


def parse_state(document: Mapping, rules: Iterable[Rule]) -> StateKeys:
    """Return the keys of the state of the script *document*; messages are one of them if its *rules* need them."""
    part = get_typed(document, "state", Mapping)
    if part is None:
        return UNDECLARED
    keys = {name: _parse_key(part, name) for name in part}
    if MESSAGES not in keys and any(rule.adds_messages or rule.human for rule in rules):
        keys = {MESSAGES: StateKey(Reducer.MESSAGES), **keys}
    return StateKeys(keys, is_declared=True)


def _parse_key(part: Mapping, name: str) -> StateKey:
    own_reducer = Reducer.MESSAGES if name == MESSAGES else Reducer.REPLACE
    value = get_typed(part, name, Mapping)
    if value is None:
        return StateKey(own_reducer)
    check_keys(value, ("default", "reducer"), f"state: `{name}`")
    reducer = _parse_reducer(value, own_reducer)
    if reducer is not own_reducer and name == MESSAGES:
        why = "state: `messages` must have the reducer `messages`"
        raise ReadError(why, line=value.lines["reducer"])
    default = value.get("default")
    if reducer is not Reducer.REPLACE:
        if default not in (None, []):
            why = f"state: `{name}` has the reducer `{reducer}`, so its default must be []"
            raise ReadError(why, line=value.lines["default"])
        return StateKey(reducer)
    return StateKey(reducer, (default,) if "default" in value else None)


def _parse_reducer(value: Mapping, own_reducer: Reducer) -> Reducer:
    text = get_typed(value, "reducer", str)
    if text is None:
        return own_reducer
    names = [reducer.value for reducer in Reducer]
    if text not in names:
        why = f"reducer must be one of {', '.join(names)}, not {text}"
        raise ReadError(why, line=value.lines["reducer"])
    return Reducer(text)


def check_updates(items: Sequence, keys: StateKeys) -> None:
    """Raise ReadError if a step of *items* updates a list of the state with something else."""
    for item in items:
        if "delegate" in item:
            check_updates(item["delegate"], keys)
        for name, value in item.get("update", {}).items():
            _check_value(name, value, keys, item["update"])


def _check_value(name: str, value: Any, keys: StateKeys, update: Mapping) -> None:
    reducer = keys.get_reducer(name)
    if reducer is not Reducer.REPLACE and not isinstance(value, list):
        why = f"update: `{name}` has the reducer `{reducer}`: write a list, not {dumps(value)[:40]}"
        raise ReadError(why, line=update.lines[name])
