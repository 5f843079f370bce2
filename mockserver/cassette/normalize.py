"""Replace what changes from run to run: ids, times and local addresses. No I/O."""

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
"""An id, a time, or a local server address in a text."""

_EPOCHS = ((1.5e9, 2e9), (1.5e12, 2e12))
"""Numbers that look like seconds or milliseconds since 1970: the years 2017 to 2033."""

_TIMES = ("at", "seconds", "times")


class Normalizer:
    """Numbers ids in order of appearance; the same id always gets the same number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def normalize_text(self, text: str) -> str:
        """Return *text* with `<id-N>`, `<time>` and `<address>` in place of ids, times and local addresses."""
        return VOLATILE.sub(self._placeholder, text)

    def normalize_exchange(self, facts: dict[str, Any]) -> Json:
        """Return *facts*, an exchange as JSON, without times and with all texts normalized."""
        return self._normalize(_without_times(facts))

    def _normalize(self, value: Json) -> Json:
        match value:
            case str():
                return self.normalize_text(value)
            case dict():
                return {
                    self.normalize_text(name): self._normalize(part) for name, part in value.items()
                }
            case list():
                return [self._normalize(part) for part in value]
            case int() | float() if looks_like_time(value):
                return "<time>"
            case _:
                return value

    def _placeholder(self, found: re.Match[str]) -> str:
        if found["time"]:
            return "<time>"
        if found["here"]:
            return "<address>"
        number = self._numbers.setdefault(found["id"], len(self._numbers) + 1)
        return f"<id-{number}>"


def looks_like_time(number: float) -> bool:
    """Return whether *number* looks like a timestamp."""
    return any(low < number < high for low, high in _EPOCHS)


def _without_times(facts: dict[str, Any]) -> dict[str, Any]:
    timeless = {name: part for name, part in facts.items() if name not in _TIMES}
    response = {n: part for n, part in timeless["response"].items() if n not in _TIMES}
    timeless["response"] = response
    if "events" in response:
        events = [
            {n: p for n, p in event.items() if n not in _TIMES} for event in response["events"]
        ]
        timeless["response"] = {**response, "events": events}
    return timeless
