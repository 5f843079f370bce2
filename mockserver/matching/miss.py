"""A miss that explains itself. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from mockserver.cassette.yaml_codec import scalars
from mockserver.formats.json_text import Json, dumps
from mockserver.http.messages import Request
from mockserver.matching import json_path
from mockserver.matching.canonical import canonical
from mockserver.matching.keys import ABSENT, Difference, Rules, differences, reduced

SHOWN = 160
"""How many characters of a value the words show."""

HELD = 1000
"""How many characters of a value the facts hold; of a longer one they hold the beginning of its JSON."""

NAMED = 5
"""How many cassettes are told where the one asked for is not there."""

COMPARED = 500
"""With how many it is compared at the most."""

LISTED = 12
"""How many differences to one recorded request are told."""


@dataclass(frozen=True, slots=True)
class Near:
    """A recorded request that is like the missed one, *label* being its `FILE#N`; *played* how often it was played."""

    label: str
    request: Request
    rules: Rules = ()
    played: int = 0


@dataclass(frozen=True)
class Miss:
    """A request that no exchange matches: why, and the nearest that were recorded."""

    request: Request
    reason: str
    nearest: tuple[Near, ...] = ()
    cassettes: tuple[str, ...] = field(default=())
    """Names there are, where the request asked for a cassette that there is not."""
    more: int = 0
    """How many more there are."""

    def facts(self) -> dict[str, Json]:
        """Return the miss as JSON."""
        facts: dict[str, Json] = {
            "method": self.request.method,
            "path": self.request.path,
            "reason": self.reason,
            "nearest": [_bounded(near) for near in self._compared],
        }
        if self.cassettes:
            facts["cassettes"] = list(self.cassettes)
        if self.more:
            facts["more"] = self.more
        return facts

    def words(self) -> str:
        """Return the miss in words, a few lines."""
        lines = [f"{self.request.method} {self.request.path}: {self.reason}"]
        for near in self._compared:
            lines += _words(near)
        if self.cassettes:
            lines.append(f"  cassettes there are: {', '.join(self.cassettes)}{self._more}")
        return "\n".join(lines)

    @cached_property
    def _compared(self) -> list[dict[str, Json]]:
        return [_facts(near, self.request) for near in self.nearest]

    @property
    def _more(self) -> str:
        return f", and {self.more} more" if self.more else ""

    def body(self) -> bytes:
        """Return the body of the 404 that tells it."""
        return dumps({"detail": self.words(), "miss": self.facts()}).encode("utf-8", "replace")


def no_cassette(request: Request, name: str, there: Sequence[str]) -> Miss:
    """Return the miss of a *request* for the cassette *name*, which is not among those *there*: it tells those most like it."""
    compared = there[:COMPARED]
    like = get_close_matches(name, compared, NAMED, cutoff=0.0)
    named = tuple(one for one in compared if one in like)
    return Miss(request, f"there is no cassette {name!r}", (), named, len(there) - len(named))


def _facts(near: Near, request: Request) -> dict[str, Json]:
    recorded, got = canonical(near.request), canonical(request)
    found = list(differences(reduced(recorded, near.rules), reduced(got, near.rules)))
    facts: dict[str, Json] = {
        "exchange": near.label,
        "request": f"{near.request.method} {near.request.path}",
        "played": near.played,
        "differs": [_difference(d, near.request, request) for d in found[:LISTED]],
    }
    if len(found) > LISTED:
        facts["more"] = len(found) - LISTED
    if found and all(d.path[0] in ("body", "query") and len(d.path) > 1 for d in found):
        facts["ignore"] = [json_path.text(d.path) for d in found]
    return facts


def _difference(difference: Difference, recorded: Request, got: Request) -> dict[str, Json]:
    facts: dict[str, Json] = {"path": json_path.text(difference.path)}
    for name, value, request in (
        ("recorded", difference.recorded, recorded),
        ("got", difference.got, got),
    ):
        if value is not ABSENT:
            facts[name] = _as_sent(value, difference, request)
    return facts


def _bounded(near: dict[str, Json]) -> dict[str, Json]:
    """Return the facts *near* with short values alone."""
    return {**near, "differs": [_short(difference) for difference in near["differs"]]}


def _short(difference: dict[str, Json]) -> dict[str, Json]:
    texts = {name: dumps(value) for name, value in difference.items()}
    return {
        name: value if len(texts[name]) <= HELD else _cut(texts[name], HELD)
        for name, value in difference.items()
    }


def _as_sent(value: Json, difference: Difference, request: Request) -> Json:
    """Show an assistant by the name that was sent, not by the id that the name stands for."""
    if difference.path != ("body", "assistant_id"):
        return value
    sent = canonical(Request("PUT", "/", (), request.body))
    return json_path.get(sent, difference.path, value)


def _words(facts: dict[str, Any]) -> list[str]:
    played = {0: "not played yet", 1: "already played"}.get(
        facts["played"], f"already played {facts['played']} times"
    )
    lines = [f"  nearest: {facts['exchange']}, {facts['request']}, {played}"]
    for difference in facts["differs"]:
        lines.append(f"    {difference['path'] or 'the body'} differs")
        for name, padded in (("recorded", "recorded"), ("got", "got     ")):
            shown = _shown(difference[name]) if name in difference else "nothing"
            lines.append(f"      {padded} {shown}")
    if "more" in facts:
        lines.append(f"    and {facts['more']} more differences")
    if "ignore" in facts:
        ignored = ", ".join(scalars.scalar(path, flow=True) for path in facts["ignore"])
        lines.append(f"    to match it anyway: `ignore: [{ignored}]` in the cassette's header")
    return lines


def _shown(value: Json) -> str:
    return _cut(dumps(value), SHOWN)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}… ({len(text)} characters)"
