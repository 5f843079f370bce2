"""What a rule asks of a request: patterns by path. No I/O."""

import re
from collections.abc import Mapping

from mockserver.formats.json_text import Json, dumps
from mockserver.formats.user_pattern import TimeLimit, UserPattern

FACTS = ("input", "context", "config", "metadata")
"""The parts of a request that a rule may ask for by path."""

Pattern = re.Pattern[str] | UserPattern
Condition = Mapping[str, "Condition"] | Pattern | bool | int | float | None
"""A mapping asks for each of its keys, a pattern for the whole text of a value, and another value for that value."""


def match_condition(
    wanted: Condition, value: Json, limit: TimeLimit, caught: dict[str, str]
) -> bool:
    """Return whether *value* is as *wanted*, and add what the groups of its patterns match to *caught*.

    Of a list, one item must be as wanted. Raise SlowPatternError beyond the *limit*.
    """
    if isinstance(value, list):
        return any(match_condition(wanted, item, limit, caught) for item in value)
    match wanted:
        case Mapping():
            return isinstance(value, dict) and all(
                match_condition(part, value.get(key), limit, caught) for key, part in wanted.items()
            )
        case re.Pattern() | UserPattern():
            if value is None or isinstance(value, dict):
                return False
            found = match_whole(wanted, value if isinstance(value, str) else dumps(value), limit)
            caught |= found or {}
            return found is not None
        case _:
            return type(wanted) is type(value) and wanted == value


def match_whole(pattern: Pattern, text: str, limit: TimeLimit) -> dict[str, str] | None:
    """Return the named groups if *pattern* matches the whole *text*, else None."""
    if isinstance(pattern, UserPattern):
        return pattern.fullmatch(text, limit)
    return _get_groups(pattern.fullmatch(text))


def search_pattern(pattern: Pattern, text: str, limit: TimeLimit) -> dict[str, str] | None:
    """Return the named groups of the first match of *pattern* in *text*, or None."""
    if isinstance(pattern, UserPattern):
        return pattern.search(text, limit)
    return _get_groups(pattern.search(text))


def _get_groups(found: re.Match[str] | None) -> dict[str, str] | None:
    return found and {name: text or "" for name, text in found.groupdict().items()}
