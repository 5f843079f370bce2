"""What a rule asks of a request: patterns, and values by path; how they are written in YAML, and whether they match. No I/O."""

import re
from collections.abc import Mapping

from mockserver.errors import ReadError
from mockserver.formats import strict_yaml
from mockserver.formats.json_text import Json, dumps
from mockserver.formats.strict_yaml import get_typed
from mockserver.formats.user_pattern import TimeLimit, UserPattern, compile_pattern

FACTS = ("input", "context", "config", "metadata")
"""The parts of a request that a rule may ask for by path."""

_PLACEHOLDERS = ("message", "turn", "graph", "answer", "message_id")
"""Placeholders that every rule has; the groups of its patterns add others."""

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
            text = value if isinstance(value, str) else dumps(value)
            found = match_pattern(wanted, text, limit, whole=True)
            caught |= found or {}
            return found is not None
        case _:
            return type(wanted) is type(value) and wanted == value


def match_pattern(
    pattern: Pattern, text: str, limit: TimeLimit, *, whole: bool = False
) -> dict[str, str] | None:
    """Return the named groups of the first match of *pattern* in *text*, or of the *whole* text; None if there is none."""
    if isinstance(pattern, UserPattern):
        return (pattern.fullmatch if whole else pattern.search)(text, limit)
    found = (pattern.fullmatch if whole else pattern.search)(text)
    return found and {name: part or "" for name, part in found.groupdict().items()}


def parse_human(when: strict_yaml.Mapping, file: str | None) -> Pattern | None:
    """Return the pattern for the last human message; *file* is the name of a user's script."""
    text = get_typed(when, "human", str)
    if text is None:
        return None
    return _parse_pattern(text, "human", when.lines["human"], file, ignore_case=True)


def parse_facts(when: strict_yaml.Mapping, file: str | None) -> dict[str, Condition]:
    """Return what the rule asks of the parts of a request."""
    return {
        name: _parse_condition(part, name, when.lines[name], file)
        for name in FACTS
        if (part := get_typed(when, name, strict_yaml.Mapping)) is not None
    }


def _parse_condition(value: Json, path: str, line: int, file: str | None) -> Condition:
    match value:
        case strict_yaml.Mapping():
            return {
                key: _parse_condition(part, f"{path}.{key}", value.lines[key], file)
                for key, part in value.items()
            }
        case str():
            return _parse_pattern(value, path, line, file)
        case list():
            why = f"{path}: write a pattern, a number, true, false or null, or a mapping of those"
            raise ReadError(why, line=line)
        case _:
            condition: Condition = value
            return condition


def _parse_pattern(
    text: str, where: str, line: int, file: str | None, *, ignore_case: bool = False
) -> Pattern:
    try:
        pattern = compile_pattern(text, re.IGNORECASE if ignore_case else re.NOFLAG)
        place = f"{file}, line {line}: {where}:"
        own = file and UserPattern(text, place, ignore_case=ignore_case)
    except ValueError as error:
        raise ReadError(f"{where}: not a regular expression: {error}", line=line) from None
    for name in _PLACEHOLDERS:
        if name in pattern.groupindex:
            why = f"{where}: {{{name}}} is a built-in placeholder: rename the group"
            raise ReadError(why, line=line)
    return own or pattern
