"""The assistants that recorded responses show. No I/O."""

import re
from collections.abc import Callable, Iterator

from mockserver.cassette.model import Body, Exchange
from mockserver.formats.json_text import Json, loads_or_none
from mockserver.matching.index import Entry, Index
from mockserver.matching.keys import Key

_PATH = re.compile(r"(?:^|/)assistants(?:/|$)")
_CHANGE = re.compile(r"^PATCH /assistants/|^POST /assistants/[^/]+/latest$")


def recorded_assistants(
    index: Index, load: Callable[[Entry], Exchange]
) -> dict[str, dict[str, Json]]:
    """Return the JSON form of each assistant in the responses of *index*, by id; the last recorded form counts.

    *load* returns an exchange; it raises ReadError if it cannot be read.
    """
    return {
        record["assistant_id"].lower(): record
        for cassette in index.cassettes
        for entry in cassette.entries
        if _PATH.search(entry.route[1].partition("?")[0])
        for record in _records(load(entry))
    }


def recorded_creations(index: Index, load: Callable[[Entry], Exchange]) -> dict[str, Key]:
    """Return the key of the request that created each assistant in the responses of *index*, by id, without those that were changed later.

    *load* returns an exchange; it raises ReadError if it cannot be read.
    """
    creations: dict[str, Key] = {}
    changed: set[str] = set()
    for entry in (entry for cassette in index.cassettes for entry in cassette.entries):
        method, path = entry.route
        if (method, path) == ("POST", "/assistants"):
            creations |= {
                record["assistant_id"].lower(): entry.key for record in _records(load(entry))
            }
        elif _CHANGE.search(f"{method} {path}"):
            changed.update(entry.fingerprint.ids)
    return {one: key for one, key in creations.items() if one not in changed}


def _records(exchange: Exchange) -> Iterator[dict[str, Json]]:
    content = exchange.response.content
    shown: Json = loads_or_none(content.raw) if isinstance(content, Body) else None
    for record in shown if isinstance(shown, list) else [shown]:
        match record:
            case {"assistant_id": str(), "graph_id": str()}:
                yield record
            case _:
                pass
