"""Usage: how often each exchange was played. Exchanges are identified by their requests, so formatting or reordering a cassette keeps the usage. No I/O."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.errors import ReadError
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize, request_key

VERSION = 1


@dataclass(frozen=True, slots=True)
class Plays:
    """The number of runs that played each exchange of a cassette, by mark; *unfinished* if a test failed, so plays may be absent."""

    exchanges: Mapping[str, int] = field(default_factory=dict)
    unfinished: bool = False

    def __add__(self, other: "Plays") -> "Plays":
        exchanges = Counter(self.exchanges)
        exchanges.update(other.exchanges)
        return Plays(dict(exchanges), self.unfinished or other.unfinished)


Usage = Mapping[str, Plays]
"""The plays of each cassette, by its path."""


def compute_marks(requests: Iterable[Request]) -> list[str]:
    """Return a mark for each of the *requests* of one cassette: its key and its ordinal among the requests with that key."""
    seen: Counter[bytes] = Counter()
    marks: list[str] = []
    for request in requests:
        key = request_key(canonicalize(request))
        seen[key] += 1
        marks.append(f"{key.hex()}-{seen[key]}")
    return marks


def strip_ordinal(mark: str) -> str:
    """Return the part of *mark* that all exchanges with an equal request share."""
    return mark.partition("-")[0]


def merge_usages(usages: Iterable[Usage]) -> Usage:
    merged: defaultdict[str, Plays] = defaultdict(Plays)
    for usage in usages:
        for path, plays in usage.items():
            merged[path] += plays
    return dict(merged)


def to_json(usage: Usage) -> Json:
    cassettes = {
        path: {"exchanges": dict(plays.exchanges)}
        | ({"unfinished": True} if plays.unfinished else {})
        for path, plays in sorted(usage.items())
    }
    return {"mockserver_usage": VERSION, "cassettes": cassettes}


def dumps(usage: Usage) -> str:
    """Return the text of a usage file."""
    return json.dumps(to_json(usage), indent=1) + "\n"


def loads(text: str) -> Usage:
    """Return the usage in the *text* of a usage file; ReadError if it is not one."""
    try:
        return from_json(json.loads(text)) if text.strip() else {}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise ReadError(
            "not a usage file: name a file written by `mockserver replay --usage` or by pytest"
        ) from None


def from_json(value: Any) -> Usage:
    """Return the usage in *value*, a result of `to_json`; ValueError, KeyError or TypeError if it is not one."""
    if value["mockserver_usage"] != VERSION:
        raise ValueError
    return {
        str(path): Plays(
            {str(mark): int(count) for mark, count in plays["exchanges"].items()},
            bool(plays.get("unfinished", False)),
        )
        for path, plays in value["cassettes"].items()
    }
