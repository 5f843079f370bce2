"""The assistants that recorded responses show. No I/O."""

import re
from collections.abc import Callable, Iterator

from mockserver.cassette.model import Body, Exchange
from mockserver.conversations.json_parts import parse_or_none
from mockserver.formats.json_text import Json
from mockserver.matching.index import Entry, Index

_PATH = re.compile(r"(?:^|/)assistants(?:/|$)")


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


def _records(exchange: Exchange) -> Iterator[dict[str, Json]]:
    content = exchange.response.content
    shown: Json = parse_or_none(content.raw) if isinstance(content, Body) else None
    for record in shown if isinstance(shown, list) else [shown]:
        match record:
            case {"assistant_id": str(), "graph_id": str()}:
                yield record
            case _:
                pass
