"""Filters, sorts and pages lists of assistants and threads. No I/O."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from mockserver.fake.api.database import Record
from mockserver.fake.api.validation import HTTPError
from mockserver.fake.response import Response, json_response
from mockserver.formats.json_text import Json

T = TypeVar("T")

EXTRACT_ROOTS = ("config", "interrupts", "metadata", "values")
"""The first parts of a path that `extract` accepts."""

_PATH_STEP = re.compile(r"\[(-?\d+)\]|([^.\[]+)")


def contains(value: Json, wanted: Json) -> bool:
    """Return whether *value* contains *wanted*; lists must be equal."""
    if isinstance(wanted, dict) and isinstance(value, dict):
        return all(name in value and contains(value[name], part) for name, part in wanted.items())
    return bool(value == wanted)


def sort_records(
    records: Iterable[Record], query: Mapping[str, Json], by: str = "created_at"
) -> list[Record]:
    """Return *records*, given in order of the time *by*, sorted as *query* requests; newest first by default."""
    name = query.get("sort_by", by)
    descending = "sort_by" not in query or query.get("sort_order") != "asc"
    sorted_records = list(records)
    if name == by:
        return sorted_records[::-1] if descending else sorted_records
    # Of two records with the same time, the one created later is the newer.
    if descending and name.endswith("_at"):
        sorted_records.reverse()
    return sorted(sorted_records, key=lambda record: str(record[name]).lower(), reverse=descending)


def get_page(items: Sequence[T], query: Mapping[str, Json], limit: int = 10) -> Sequence[T]:
    """Return the *items* that `limit` and `offset` of *query* select; *limit* is the default."""
    return items[int(query.get("offset", 0)) :][: int(query.get("limit", limit))]


def page_response(records: Sequence[Record], query: Mapping[str, Json]) -> Response:
    """Return the page of *records* that *query* requests, with pagination headers."""
    shown = get_page(records, query)
    after = int(query.get("offset", 0)) + len(shown)
    more = after < len(records) and bool(shown)
    headers = [("x-pagination-total", str(after + more))]
    if more:
        headers.append(("x-pagination-next", str(after)))
    return json_response([_select(record, query) for record in shown], headers=tuple(headers))


def check_extract_paths(query: Mapping[str, Json]) -> None:
    """Raise HTTPError if `extract` has an invalid key or path."""
    for name, path in query.get("extract", {}).items():
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise HTTPError(422, f"extract: '{name}' must consist of letters, digits and _")
        if re.split(r"[.\[]", path)[0] not in EXTRACT_ROOTS:
            roots = ", ".join(EXTRACT_ROOTS)
            raise HTTPError(422, f"extract: the path '{path}' must start with one of: {roots}")


def _select(record: Record, query: Mapping[str, Json]) -> dict[str, Json]:
    chosen = query.get("select")
    parts = {name: part for name, part in record.items() if not chosen or name in chosen}
    if extract := query.get("extract"):
        parts["extracted"] = {name: _extract(record, path) for name, path in extract.items()}
    return parts


def _extract(value: Json, path: str) -> Json:
    for index, name in _PATH_STEP.findall(path):
        if name and isinstance(value, Mapping):
            value = value.get(name)
        elif index and isinstance(value, list) and -len(value) <= int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    return value
