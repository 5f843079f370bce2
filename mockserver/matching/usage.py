"""Which exchanges were played: told by what they ask, so that it holds when a cassette is formatted or put in another order. No I/O."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mockserver.errors import ReadError
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching import keys
from mockserver.matching.canonical import canonicalize

VERSION = 1


@dataclass(frozen=True, slots=True)
class Plays:
    """In how many runs each exchange of one cassette was played, by its mark; *unfinished*: a test that uses it failed, so it tells too little."""

    exchanges: Mapping[str, int] = field(default_factory=dict)
    unfinished: bool = False

    def __add__(self, other: "Plays") -> "Plays":
        both = Counter(self.exchanges)
        both.update(other.exchanges)
        return Plays(dict(both), self.unfinished or other.unfinished)


Usage = Mapping[str, Plays]
"""The plays of cassettes, by the paths of these."""


def exchange_marks(requests: Iterable[Request]) -> list[str]:
    """Return what each of the *requests* of one cassette is known by: what it means, and the how manieth of that meaning it is."""
    seen: Counter[bytes] = Counter()
    told: list[str] = []
    for request in requests:
        key = keys.request_key(canonicalize(request))
        seen[key] += 1
        told.append(f"{key.hex()}-{seen[key]}")
    return told


def request_of_mark(mark: str) -> str:
    """Return what requests with the same meaning as that of *mark* have in common."""
    return mark.partition("-")[0]


def merge_usages(usages: Iterable[Usage]) -> Usage:
    """Return all of *usages* as one."""
    both: dict[str, Plays] = {}
    for usage in usages:
        for path, plays in usage.items():
            both[path] = both[path] + plays if path in both else plays
    return both


def as_unfinished(usage: Usage) -> Usage:
    """Return *usage* as that of a test that failed."""
    return {path: replace(plays, unfinished=True) for path, plays in usage.items()}


def to_json(usage: Usage) -> Json:
    """Return *usage* as JSON."""
    told = {
        path: {"exchanges": dict(plays.exchanges)}
        | ({"unfinished": True} if plays.unfinished else {})
        for path, plays in sorted(usage.items())
    }
    return {"mockserver_usage": VERSION, "cassettes": told}


def dumps(usage: Usage) -> str:
    """Return the text of a usage file."""
    return json.dumps(to_json(usage), indent=1) + "\n"


def loads(text: str) -> Usage:
    """Return the usage that a file's *text* holds; ReadError where it is none."""
    try:
        return from_json(json.loads(text)) if text.strip() else {}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise ReadError(
            "not a usage file: name what `mockserver replay --usage` or pytest has written"
        ) from None


def from_json(told: Any) -> Usage:
    """Return the usage that *told*, as `facts` gives it, says; ValueError or the like where it is none."""
    if told["mockserver_usage"] != VERSION:
        raise ValueError
    return {
        str(path): Plays(
            {str(mark): int(count) for mark, count in one["exchanges"].items()},
            bool(one.get("unfinished", False)),
        )
        for path, one in told["cassettes"].items()
    }
