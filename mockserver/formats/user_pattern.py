"""A regular expression that a user has written, and how long it may run.

Such a pattern may take for ever on some texts, and `re` cannot be interrupted. So it is matched by `regex`, which can, and which lets other
threads run meanwhile. That module is imported only where there is such a pattern: it takes longer than `re`.
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
"""How many characters a text may have for the given seconds; a longer one gets more in proportion."""

_MAX_REMEMBERED = 10_000
"""How many texts are remembered that took long, as many as the journal shows requests."""

_SLOW_SECONDS = 0.01
"""From how many seconds on a text is remembered."""

_MAX_TRIES = 3
"""How often a match is tried that is out of time because the machine was busy with something else."""

_BRACE = re.compile(r"(\\N\{[^}]*\}|\\.)|\{(?!(?:[0-9]+|[0-9]*,[0-9]*)\})", re.DOTALL)
"""A brace that stands for itself in `re`; in `regex` it may say how much a match may differ."""


class TimeLimit:
    """A time limit for several matches together: *seconds*, and as many again for each further million characters."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._characters = 0
        self._spent: defaultdict[str, float] = defaultdict(float)

    def remaining(self, text: str) -> float:
        """Return how many seconds are left for the next match, in *text*."""
        self._characters += len(text)
        return self._whole - sum(self._spent.values())

    def spend(self, seconds: float, name: str) -> None:
        """Count the *seconds* that a match of the pattern *name* has taken."""
        self._spent[name] += seconds

    def error(self) -> SlowPatternError:
        """Return the error that names the pattern which has taken most of the time."""
        name = max(self._spent, key=lambda name: self._spent[name])
        return SlowPatternError(f"{name} took longer than {self._whole:g} s: simplify it")

    @property
    def _whole(self) -> float:
        return self._seconds * max(1.0, self._characters / _CHARACTERS_PER_LIMIT)


class UserPattern:
    """The regular expression *pattern*, which is written at *place*, such as `mockserver.yaml: redact:`; ValueError with the reason where it is none.

    It means what it means to `re`.
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
        """Return the named groups where the pattern is found in *text*, None where it is not."""

        def groups(seconds: float) -> dict[str, str] | None:
            found = self._compiled.search(text, timeout=seconds, concurrent=True)
            return found and {name: part or "" for name, part in found.groupdict().items()}

        return self._timed(text, limit, groups)

    def spans(self, text: str, limit: TimeLimit) -> list[tuple[int, int]]:
        """Return where the pattern matches in *text*."""

        def spans(seconds: float) -> list[tuple[int, int]]:
            found = self._compiled.finditer(text, timeout=seconds, concurrent=True)
            return [one.span() for one in found]

        return self._timed(text, limit, spans)

    def _timed(self, text: str, limit: TimeLimit, match: Callable[[float], T]) -> T:
        """Return what *match* returns in the time that is left of *limit*; SlowPatternError where it takes longer.

        A text that took long is remembered, so that it fails without another try where the time is too short for it: a client may repeat
        a request, and the journal shows one whenever it is asked.
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
        """Count and remember the *seconds* that a match in *text* has taken."""
        limit.spend(seconds, self._name)
        if seconds < _SLOW_SECONDS:
            return
        if len(self._took) >= _MAX_REMEMBERED:
            self._took.clear()
        self._took[hash(text)] = seconds


def compile_pattern(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Return *pattern*, compiled by `re`; ValueError with the reason where it is no regular expression, or will mean something else in the next Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(pattern, flags)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None
