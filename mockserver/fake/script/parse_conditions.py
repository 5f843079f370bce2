"""Parses what the rules of a script ask for from YAML. No I/O."""

import re
from typing import Any

from mockserver.errors import ReadError
from mockserver.fake.script.conditions import FACTS, Condition, Pattern
from mockserver.fake.script.model import PLACEHOLDERS
from mockserver.formats.strict_yaml import Mapping, get_typed
from mockserver.formats.user_pattern import UserPattern, compile_pattern


def parse_human(when: Mapping, file: str | None) -> Pattern | None:
    """Return the pattern for the last human message; *file* is the name of a user's script."""
    text = get_typed(when, "human", str)
    if text is None:
        return None
    return _parse_pattern(text, "human", when.lines["human"], file, ignore_case=True)


def parse_facts(when: Mapping, file: str | None) -> dict[str, Condition]:
    """Return what the rule asks of the parts of a request."""
    return {
        name: _parse_condition(part, name, when.lines[name], file)
        for name in FACTS
        if (part := get_typed(when, name, Mapping)) is not None
    }


def _parse_condition(value: Any, path: str, line: int, file: str | None) -> Condition:
    match value:
        case Mapping():
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
    for name in PLACEHOLDERS:
        if name in pattern.groupindex:
            why = f"{where}: {{{name}}} is a built-in placeholder: rename the group"
            raise ReadError(why, line=line)
    return own or pattern
