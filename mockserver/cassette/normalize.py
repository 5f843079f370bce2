"""What changes from run to run, made alike: ids numbered, times left out. No I/O."""

import re
from typing import Any

from mockserver.formats.json_text import Json

_ID = (
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|\b[0-9a-f]{32}\b"
    r"|\b(?:call|toolu|chatcmpl|msg|run|resp|fc|rs)[_-][A-Za-z0-9]{16,}"
)
_TIME = r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?|\b1[5-9]\d{11}\b"
_HERE = r"\bhttps?://(?:127\.0\.0\.1|localhost|\[::1\]):\d+"
VOLATILE = re.compile(f"(?P<id>{_ID})|(?P<time>{_TIME})|(?P<here>{_HERE})")
"""An id, a time, or an address on the machine of the server, as it stands in a text."""

_EPOCHS = ((1.5e9, 2e9), (1.5e12, 2e12))
"""What looks like a time in seconds or milliseconds since 1970: the years 2017 to 2033."""

_TIMES = ("at", "seconds")


class Normalizer:
    """Numbers ids in the order in which they come; the same id always has the same number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def normalize_text(self, text: str) -> str:
        """Return *text* with `<id-N>`, `<time>` and `<address>` for what changes from run to run."""
        return VOLATILE.sub(self._put, text)

    def normalize_exchange(self, facts: dict[str, Any]) -> Json:
        """Return the *facts* of an exchange without their times, and steady all the rest."""
        return self._steady(_timeless(facts))

    def _steady(self, value: Json) -> Json:
        match value:
            case str():
                return self.normalize_text(value)
            case dict():
                return {
                    self.normalize_text(name): self._steady(part) for name, part in value.items()
                }
            case list():
                return [self._steady(part) for part in value]
            case int() | float() if looks_like_time(value):
                return "<time>"
            case _:
                return value

    def _put(self, found: re.Match[str]) -> str:
        if found["time"]:
            return "<time>"
        if found["here"]:
            return "<address>"
        number = self._numbers.setdefault(found["id"], len(self._numbers) + 1)
        return f"<id-{number}>"


def looks_like_time(number: float) -> bool:
    """Tell whether *number* looks like a moment."""
    return any(low < number < high for low, high in _EPOCHS)


def _timeless(facts: dict[str, Any]) -> dict[str, Any]:
    kept = {name: part for name, part in facts.items() if name not in _TIMES}
    response = kept["response"]
    if "events" in response:
        events = [
            {n: p for n, p in event.items() if n not in _TIMES} for event in response["events"]
        ]
        kept["response"] = {**response, "events": events}
    return kept
