"""The explanation of a miss: the nearest recorded requests and how they differ. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from mockserver.cassette.yaml_codec import scalars
from mockserver.formats.json_text import Json, dumps
from mockserver.http.messages import Request
from mockserver.matching import json_path
from mockserver.matching.canonical import canonicalize, find_default, parse_json, split_api_path
from mockserver.matching.differences import ABSENT, differences
from mockserver.matching.json_path import Path
from mockserver.matching.rules import NO_RULES, PATTERNS, MatchRules, mask_volatile, without_ignored

MAX_SHOWN = 160
"""The maximum number of characters of a value in the text."""

MAX_VALUE = 1000
"""The maximum number of characters of a value in the JSON; a longer one is cut."""

MAX_CASSETTES = 5
"""The maximum number of cassettes that are listed when the requested one does not exist."""

MAX_COMPARED = 500
"""The maximum number of cassette names that are compared with the requested one."""

MAX_DIFFERENCES = 12
"""The maximum number of differences that are listed for one recorded request."""

_DECISIVE = frozenset(
    (
        *("assistant_id", "graph_id", "command", "checkpoint", "checkpoint_id"),
        *("stream_mode", "stream_subgraphs", "stream_resumable", "feedback_keys"),
        *("interrupt_before", "interrupt_after", "if_not_exists", "multitask_strategy"),
        *("method", "channels", "namespaces", "depth", "recursion_limit"),
        *("limit", "offset", "subgraphs", "wait", "action"),
    )
)
"""Parts of a body or query that decide what the response holds, so a recorded response to another value does not fit."""


@dataclass(frozen=True, slots=True)
class NearRequest:
    """A recorded request similar to the missed one: its *label* is `FILE#N`, it was played *play_count* times."""

    label: str
    request: Request
    rules: MatchRules = NO_RULES
    play_count: int = 0
    got: Request | None = None
    """The missed request with the ids of the recording, if these are known."""


@dataclass(frozen=True)
class Miss:
    """A request that no exchange matches: the reason and the nearest recorded requests."""

    request: Request
    reason: str
    nearest: tuple[NearRequest, ...] = ()
    cassettes: tuple[str, ...] = ()
    """Names of existing cassettes, if the requested one does not exist."""
    more_cassettes: int = 0
    """The number of further cassettes."""

    def to_json(self) -> dict[str, Json]:
        facts: dict[str, Json] = {
            "method": self.request.method,
            "path": self.request.path,
            "reason": self.reason,
            "nearest": [_shorten_values(near) for near in self._compared],
        }
        if self.cassettes:
            facts["cassettes"] = list(self.cassettes)
        if self.more_cassettes:
            facts["more"] = self.more_cassettes
        return facts

    def to_text(self) -> str:
        lines = [f"{self.request.method} {self.request.path}: {self.reason}"]
        for near in self._compared:
            lines += _format_near(near)
        if self.cassettes:
            more = f", and {self.more_cassettes} more" if self.more_cassettes else ""
            lines.append(f"  available cassettes: {', '.join(self.cassettes)}{more}")
        return "\n".join(lines)

    @cached_property
    def _compared(self) -> list[dict[str, Json]]:
        return [_compare(near, self.request) for near in self.nearest]


def explain_missing_cassette(request: Request, name: str, existing: Sequence[str]) -> Miss:
    """Return the miss of a *request* for the cassette *name*, which is not in *existing*; it lists the most similar names."""
    compared = existing[:MAX_COMPARED]
    similar = get_close_matches(name, compared, MAX_CASSETTES, cutoff=0.0)
    listed = tuple(other for other in compared if other in similar)
    return Miss(request, f"there is no cassette {name!r}", (), listed, len(existing) - len(listed))


def _compare(near: NearRequest, request: Request) -> dict[str, Json]:
    request = near.got or request
    recorded, got = (
        without_ignored(canonicalize(each), near.rules.ignore) for each in (near.request, request)
    )
    if "query" in recorded or "query" in got:  # compare the parameters one by one
        recorded, got = ({"query": {}, **form} for form in (recorded, got))
    found = _list_differences(recorded, got, near.rules.volatile)
    facts: dict[str, Json] = {
        "exchange": near.label,
        "request": f"{near.request.method} {near.request.path}",
        "played": near.play_count,
        "differs": [
            _difference_to_json(path, (recorded, near.request), (got, request))
            for path in found[:MAX_DIFFERENCES]
        ],
    }
    if prefixes := _find_prefixes(recorded.get("path", ""), got.get("path", "")):
        facts["prefix"] = prefixes
    if len(found) > MAX_DIFFERENCES:
        facts["more"] = len(found) - MAX_DIFFERENCES
    return facts | _propose_rules(recorded, got, near.rules.volatile)


def _list_differences(recorded: Json, got: Json, volatile: tuple[str, ...]) -> list[Path]:
    """Return where two requests differ in more than *volatile* values."""
    if volatile:
        recorded, got = (mask_volatile(form, volatile) for form in (recorded, got))
    return [difference.path for difference in differences(recorded, got)]


def _propose_rules(recorded: Json, got: Json, volatile: tuple[str, ...]) -> dict[str, Json]:
    """Return the `ignore` paths and `volatile` names with which two requests would match; empty if the recorded response may not fit."""
    names = tuple(PATTERNS)
    differing = _list_differences(recorded, got, (*volatile, *names))
    for name in PATTERNS:
        others = tuple(other for other in names if other != name)
        if _list_differences(recorded, got, (*volatile, *others)) == differing:
            names = others
    if not all(map(_may_be_ignored, differing)):
        return {}
    proposed = {"ignore": [json_path.format_path(path) for path in differing], "volatile": names}
    return {key: list(rules) for key, rules in proposed.items() if rules}


def _may_be_ignored(path: Path) -> bool:
    """Return whether the recorded response may fit although this part differs."""
    if path[0] not in ("body", "query") or len(path) < 2 or path == ("body", "input"):
        return False
    return _DECISIVE.isdisjoint(path[1:3])


def _find_prefixes(recorded: str, got: str) -> dict[str, str] | None:
    """Return the prefixes of two paths with the API below them; None if they are equal, or if the calls have little in common."""
    (prefix, call), (got_prefix, got_call) = split_api_path(recorded), split_api_path(got)
    if prefix == got_prefix or call.split("/")[1] != got_call.split("/")[1]:
        return None
    return {"recorded": prefix, "got": got_prefix}


def _difference_to_json(
    path: Path, recorded: tuple[Json, Request], got: tuple[Json, Request]
) -> dict[str, Json]:
    """Return the values at *path* of two requests, each with its canonical form; `default` names the side that has the default."""
    facts: dict[str, Json] = {"path": json_path.format_path(path)}
    for name, (form, request) in (("recorded", recorded), ("got", got)):
        value = json_path.get(form, path, ABSENT)
        if value is not ABSENT:
            facts[name] = _as_sent(value, path, request)
        elif (default := find_default(form, path)) is not None:
            facts |= {name: default, "default": name}
    return facts


def _as_sent(value: Json, path: Path, request: Request) -> Json:
    """Return *value*; for an assistant, the name that was sent instead of its id."""
    if path != ("body", "assistant_id"):
        return value
    return json_path.get(parse_json(request.body), ("assistant_id",), value)


def _shorten_values(near: dict[str, Json]) -> dict[str, Json]:
    """Return *near* with the long values of its differences cut."""

    def shorten(value: Json) -> Json:
        text = dumps(value)
        return value if len(text) <= MAX_VALUE else _cut(text, MAX_VALUE)

    differs = [
        {name: shorten(value) for name, value in difference.items()}
        for difference in near["differs"]
    ]
    return {**near, "differs": differs}


def _format_near(facts: dict[str, Any]) -> list[str]:
    played = {0: "not played yet", 1: "already played"}.get(
        facts["played"], f"already played {facts['played']} times"
    )
    lines = [f"  nearest: {facts['exchange']}, {facts['request']}, {played}"]
    for difference in facts["differs"]:
        lines.append(f"    {difference['path'] or 'the body'} differs")
        for name, padded in (("recorded", "recorded"), ("got", "got     ")):
            lines.append(f"      {padded} {_format_value(difference, name)}")
    if "prefix" in facts:
        recorded, got = facts["prefix"]["recorded"], facts["prefix"]["got"]
        lines.append(
            f"    the recorded path has the prefix {recorded}: the client's base URL must end with it"
            if recorded
            else f"    the recorded path has no prefix: start with --prefix {got}, or remove it from the client's base URL"
        )
    if "more" in facts:
        lines.append(f"    and {facts['more']} more differences")
    rules = [
        f"`{key}: [{', '.join(scalars.scalar(rule, flow=True) for rule in facts[key])}]`"
        for key in ("ignore", "volatile")
        if key in facts
    ]
    if rules:
        lines.append(f"    to match it anyway: {' and '.join(rules)} in the cassette's header")
    return lines


def _format_value(difference: dict[str, Json], name: str) -> str:
    """Return the value of the side *name*, `recorded` or `got`."""
    if name not in difference:
        return "(absent)"
    value = difference[name]
    if difference.get("default") != name:
        return _cut(dumps(value), MAX_SHOWN)
    # Most defaults are one word, which may be written in several ways.
    words = value if isinstance(value, list) else [value]
    shown = ", ".join(word if isinstance(word, str) else dumps(word) for word in words)
    return f"{shown} (the default)"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}… ({len(text)} characters)"
