"""Regular expressions written by users, matched with a time limit.

Such a pattern may take very long on some texts, and `re` cannot be interrupted. `regex` has a timeout and lets other threads
run. It is imported only if a user pattern exists, because the import is slow.
"""

import re
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from mockserver.errors import SlowPatternError

T = TypeVar("T")

_CHARACTERS_PER_LIMIT = 1_000_000
"""The number of characters that the time limit is for; a longer text gets proportionally more time."""

_MAX_REMEMBERED = 10_000
"""The maximum number of slow texts that are remembered; the journal holds as many requests."""

_SLOW_SECONDS = 0.01
"""A text that takes at least this many seconds is remembered."""

_MAX_TRIES = 3
"""The maximum number of attempts for a match that timed out because the machine was busy."""

_BRACE = re.compile(r"(\\N\{[^}]*\}|\\.)|\{(?!(?:[0-9]+|[0-9]*,[0-9]*)\})", re.DOTALL)
"""A brace that is literal in `re`, but may begin a fuzzy match in `regex`."""


class TimeLimit:
    """A time limit for several matches together: *seconds* for each million characters."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._characters = 0
        self._spent: defaultdict[str, float] = defaultdict(float)

    def remaining(self, text: str) -> float:
        """Return the number of seconds for the next match, in *text*."""
        self._characters += len(text)
        return self._whole - sum(self._spent.values())

    def spend(self, seconds: float, name: str) -> None:
        """Add the *seconds* that a match of the pattern *name* took."""
        self._spent[name] += seconds

    def error(self) -> SlowPatternError:
        """Return the error that names the slowest pattern."""
        name = max(self._spent, key=lambda name: self._spent[name])
        return SlowPatternError(f"{name} took longer than {self._whole:g} s: simplify it")

    @property
    def _whole(self) -> float:
        return self._seconds * max(1.0, self._characters / _CHARACTERS_PER_LIMIT)


class UserPattern:
    """The regular expression *pattern* with the syntax of `re`, from *place* such as `mockserver.yaml: redact:`.

    ValueError with the reason if it is not a regular expression.
    """

    def __init__(self, pattern: str, place: str, *, ignore_case: bool = False) -> None:
        import regex

        flags = re.IGNORECASE if ignore_case else re.NOFLAG
        compile_pattern(pattern, flags)
        self.pattern = pattern
        self._name = f"{place} pattern {pattern!r}"
        plain = _BRACE.sub(lambda found: found[1] or r"\{", pattern)
        try:
            self._compiled = regex.compile(plain, regex.V0 | int(flags))
        except (regex.error, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from None
        self._took: dict[int, float] = {}

    def search(self, text: str, limit: TimeLimit) -> dict[str, str] | None:
        """Return the named groups of the first match in *text*, or None."""

        def groups(seconds: float) -> dict[str, str] | None:
            found = self._compiled.search(text, timeout=seconds, concurrent=True)
            return found and {name: part or "" for name, part in found.groupdict().items()}

        return self._timed(text, limit, groups)

    def fullmatch(self, text: str, limit: TimeLimit) -> dict[str, str] | None:
        """Return the named groups if the pattern matches the whole *text*, or None."""

        def groups(seconds: float) -> dict[str, str] | None:
            found = self._compiled.fullmatch(text, timeout=seconds, concurrent=True)
            return found and {name: part or "" for name, part in found.groupdict().items()}

        return self._timed(text, limit, groups)

    def spans(self, text: str, limit: TimeLimit) -> list[tuple[int, int]]:
        """Return the spans of all matches in *text*."""

        def spans(seconds: float) -> list[tuple[int, int]]:
            found = self._compiled.finditer(text, timeout=seconds, concurrent=True)
            return [match.span() for match in found]

        return self._timed(text, limit, spans)

    def replace(self, text: str, replacement: str, limit: TimeLimit) -> str:
        """Return *text* with *replacement* in place of each match that is not empty."""

        def replaced(seconds: float) -> str:
            return self._compiled.sub(
                lambda found: replacement if found[0] else "",
                text,
                timeout=seconds,
                concurrent=True,
            )

        return self._timed(text, limit, replaced)

    def _timed(self, text: str, limit: TimeLimit, match: Callable[[float], T]) -> T:
        """Return the result of *match* within *limit*; SlowPatternError if it takes longer.

        A slow text is remembered and fails without another attempt if the remaining time is too short, because a client may
        repeat a request and the journal shows one many times.
        """
        left = limit.remaining(text)
        if left <= self._took.get(hash(text) if self._took else 0, 0.0):
            limit.spend(left, self._name)
            raise limit.error()
        started = time.thread_time()
        for _ in range(_MAX_TRIES):
            with suppress(TimeoutError):
                found = match(left)
                self._count(text, time.thread_time() - started, limit)
                return found
            if time.thread_time() - started > left / 2:
                break
        self._count(text, left, limit)
        raise limit.error()

    def _count(self, text: str, seconds: float, limit: TimeLimit) -> None:
        """Add the *seconds* that a match in *text* took, and remember a slow text."""
        limit.spend(seconds, self._name)
        if seconds < _SLOW_SECONDS:
            return
        if len(self._took) >= _MAX_REMEMBERED:
            self._took.clear()
        self._took[hash(text)] = seconds


def compile_pattern(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Return *pattern* compiled by `re`; ValueError with the reason if it is invalid or its meaning will change in Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(pattern, flags)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None
