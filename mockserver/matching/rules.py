"""The rules of a cassette, `ignore` and `volatile`, by which different requests count as equal. No I/O.

Ids of the Agent Server stay as they are in the places that it has for them: matching has its own rules for these.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from mockserver.cassette import yaml_codec
from mockserver.cassette.model import Header, Policy
from mockserver.errors import ReadError, UsageError
from mockserver.formats.json_text import Json, dumps
from mockserver.formats.server_ids import UUID_PATTERN
from mockserver.formats.user_pattern import TimeLimit, UserPattern
from mockserver.matching import json_path
from mockserver.matching.json_path import Path
from mockserver.matching.shape import ID_KEYS

PATTERNS = {
    "uuid": re.compile(
        rf"(?<![0-9a-z])(?:{UUID_PATTERN}|[0-9a-f]{{12}}[1-8][0-9a-f]{{3}}[89ab][0-9a-f]{{15}})(?![0-9a-z])",
        re.IGNORECASE,
    ),
    "iso-datetime": re.compile(
        r"(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?(?!\d)"
        r"|(?<!\d)\d{8}T\d{6}Z?(?!\d)",
        re.IGNORECASE,
    ),
    # Seconds, milliseconds, microseconds or nanoseconds since 1970, from 2001 to 2033.
    "epoch": re.compile(r"(?<!\d)(?<!\d\.)1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?!\d)"),
}
"""The patterns of `volatile` that have a name."""

_MATCH_SECONDS = 0.2
"""The time limit of the patterns of a user for one request."""

_PLACEHOLDER = "\0"
_IDS_IN_PATH = re.compile(
    rf"(?<=/)(?:threads|runs|state|assistants)/{UUID_PATTERN}(?=/|$)", re.IGNORECASE
)
_UUID = re.compile(UUID_PATTERN, re.IGNORECASE)
_KEYS_OF_IDS = ID_KEYS | {"assistant_id"}
_TEXTS = frozenset(("query", "body", "text", "gzip"))
"""The parts of a canonical request that hold text, besides its path."""


class MatchRules(NamedTuple):
    """The sorted paths to *ignore*, and the *volatile* patterns and names of patterns."""

    ignore: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()


NO_RULES = MatchRules()


def merge_rules(*sources: Policy | Header | MatchRules) -> MatchRules:
    """Return the rules of all *sources*; UsageError for an invalid path or pattern."""
    ignore = {path for source in sources for path in source.ignore}
    volatile = {pattern for source in sources for pattern in source.volatile}
    for path in ignore:
        json_path.parse(path)
    for pattern in volatile:
        _check_pattern(pattern)
    return MatchRules(tuple(sorted(ignore)), tuple(sorted(volatile)))


def build_header(document: Any) -> Header:
    """Return the header in the parsed *document*, with valid rules; ReadError, with the line, if it is none."""
    header = yaml_codec.build_header(document)
    checks = (("ignore", json_path.parse), ("volatile", _check_pattern))
    for key, check in checks:
        for number, text in enumerate(getattr(header, key)):
            try:
                check(text)
            except UsageError as error:
                raise ReadError(str(error), line=document[key].lines[number]) from None
    return header


def apply_rules(form: Json, rules: MatchRules) -> Json:
    """Return what counts of the canonical request *form*."""
    form = without_ignored(form, rules.ignore)
    return mask_volatile(form, rules.volatile) if rules.volatile else form


def without_ignored(form: Json, ignored: tuple[str, ...]) -> Json:
    """Return the canonical request *form* without the parts at the *ignored* paths."""
    for path in _parsed_paths(ignored):
        form = json_path.remove(form, path)
    # A query without parameters is no query.
    return json_path.remove(form, ("query",)) if form.get("query") == {} else form


def mask_volatile(form: Json, volatile: tuple[str, ...]) -> Json:
    """Return the canonical request *form* with a placeholder for each match of the *volatile* patterns.

    SlowPatternError if those of the user take too long.
    """
    own, named = _compiled(volatile)
    limit = TimeLimit(_MATCH_SECONDS)

    def mask(text: str) -> str:
        # A pattern of the user may match the start of a UUID.
        for pattern in named:
            text = pattern.sub(_PLACEHOLDER, text)
        for user_pattern in own:
            text = user_pattern.replace(text, _PLACEHOLDER, limit)
        return text

    masked = {**form, "path": _mask_path(form["path"], mask)}
    for name in _TEXTS & form.keys():
        masked[name] = _mask_values(form[name], mask)
    return masked


def _mask_path(path: str, mask: Callable[[str], str]) -> str:
    masked, position = "", 0
    for found in _IDS_IN_PATH.finditer(path):
        masked += mask(path[position : found.start()]) + found[0]
        position = found.end()
    return masked + mask(path[position:])


def _mask_values(value: Json, mask: Callable[[str], str], *, is_id: bool = False) -> Json:
    """Return *value* with its strings masked, and its numbers as if they were strings; with *is_id*, without those that hold an id."""
    match value:
        case dict():
            return {
                name: _mask_values(part, mask, is_id=name in _KEYS_OF_IDS)
                for name, part in value.items()
            }
        case list():
            return [_mask_values(part, mask, is_id=is_id) for part in value]
        case str():
            return value if is_id and _UUID.search(value) else mask(value)
        case int() | float() if not isinstance(value, bool):
            masked = mask(text := dumps(value))
            return value if masked == text else masked
        case _:
            return value


def _check_pattern(text: str) -> None:
    """Raise UsageError if *text* is neither the name of a pattern nor a regular expression."""
    _compile_user_patterns((text,))


@lru_cache(maxsize=256)
def _compiled(
    volatile: tuple[str, ...],
) -> tuple[tuple[UserPattern, ...], tuple[re.Pattern[str], ...]]:
    """Return the patterns of the user among *volatile*, and the named ones."""
    named = tuple(pattern for name, pattern in PATTERNS.items() if name in volatile)
    return _compile_user_patterns(volatile), named


def _compile_user_patterns(volatile: tuple[str, ...]) -> tuple[UserPattern, ...]:
    patterns: list[UserPattern] = []
    for text in volatile:
        if text in PATTERNS:
            continue
        try:
            patterns.append(UserPattern(text, "volatile:"))
        except ValueError as error:
            names = ", ".join(PATTERNS)
            raise UsageError(
                f"volatile: {text!r} is not a regular expression: {error} (nor one of the names {names})"
            ) from None
    return tuple(patterns)


@lru_cache(maxsize=256)
def _parsed_paths(ignored: tuple[str, ...]) -> tuple[Path, ...]:
    # Later list items first: removing one must not shift those that are still to be removed.
    return tuple(sorted((json_path.parse(path) for path in ignored), key=_order, reverse=True))


def _order(path: Path) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, str(step)) for step in path]
