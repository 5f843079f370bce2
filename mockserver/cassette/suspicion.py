"""Whether a text may hold a secret at all: a look that costs a tenth of the search, and never says no where there is one. No I/O.

Events of one stream repeat most of what they say. So their data is cut where a JSON string ends and the next begins, and each piece is
looked at once; no secret that is looked for goes over such a cut.
"""

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from mockserver.cassette.secrets import (
    BEGINNING,
    may_hold_fields,
    may_hold_parameters,
    shaped,
    spelled_out,
)
from mockserver.sse import Event

CUT = '","'

_ID = 'id":"'
_QUOTED = re.compile(r'"([^"]*)"(:?)')


class Suspicion:
    """Looks for what may be one of *secrets*, which may be spelled in these *forms*, a field of these *names*, or shaped like a key."""

    def __init__(self, secrets: Iterable[str], forms: Iterable[str], names: Iterable[str]) -> None:
        begins = (secret[:BEGINNING] for secret in secrets if len(secret) > BEGINNING)
        self._words = tuple({*forms, *names, *begins})
        self._cuttable = not any(CUT in word for word in self._words)

    def of(self, text: str) -> bool:
        """Tell whether *text* may hold a secret."""
        plain = spelled_out(text)
        lowered = plain.lower()
        return (
            any(word in plain for word in self._words)
            or may_hold_fields(lowered)
            or may_hold_parameters(lowered)
            or bool(shaped(lowered))
        )

    def of_stream(self, events: Iterable[Event]) -> bool:
        """Tell whether one of *events* may hold a secret, or several of them together."""
        if not self._cuttable:
            return True
        pieces: set[str] = set()
        streams: dict[str, list[list[str]]] = {}
        for event in events:
            name, data = "", None
            for field, text in event.fields:
                match field:
                    case "data":
                        data = text
                    case "base64" | "raw":
                        return True
                    case _:
                        pieces.add(text)
                        name = text if field == "event" else name
            if data is not None:
                row = data.split(CUT)
                pieces.update(row)
                streams.setdefault(name, []).append(row)
        return self.of("\n".join(pieces)) or any(
            _may_go_on(rows, self.of) for rows in streams.values() if len(rows) > 1
        )


def _may_go_on(rows: list[list[str]], suspicious: Callable[[str], bool]) -> bool:
    """Tell whether a secret may go on from row to row, each the data of an event in pieces.

    Where the rows are not alike but for texts that change, a closer look is needed.
    """
    if len({len(row) for row in rows}) > 1 or _is_interleaved(rows):
        return True
    for column in zip(*rows, strict=True):
        if len(set(column)) == 1:
            continue
        parts = [piece.rpartition('"') for piece in column]
        if len({before for before, _, _ in parts}) == 1:
            texts = ["".join([text for _, _, text in parts])]
        elif (told := _told(column)) is not None:
            texts = told
        else:
            return True
        if any(map(suspicious, texts)):
            return True
    return False


def _told(column: tuple[str, ...]) -> list[str] | None:
    """Return the texts that go on in *column*, by the keys under which they stand; None where that cannot be told."""
    known: dict[str, dict[str, str] | None] = {}
    texts: dict[str, list[str]] = {}
    for piece in column:
        if piece not in known:
            known[piece] = _strings(piece)
        strings = known[piece]
        if strings is None:
            return None
        for key, text in strings.items():
            texts.setdefault(key, []).append(text)
    return ["".join(parts) for parts in texts.values() if len(set(parts)) > 1]


def _strings(piece: str) -> dict[str, str] | None:
    """Return the strings in *piece* by their keys; None where two stand under one, or a quote is escaped."""
    if "\\" in piece:
        return None
    strings: dict[str, str] = {}
    key = ""
    for text, colon in _QUOTED.findall(f'"{piece}"'):
        if colon:
            key = text
        elif key in strings:
            return None
        else:
            strings[key] = text
    return strings


def _is_id(piece: str) -> bool:
    return piece.startswith(_ID) or f'"{_ID}' in piece


def _is_interleaved(rows: list[list[str]]) -> bool:
    """Tell whether the rows of several messages come by turns."""
    ids = [next((piece for piece in row if _is_id(piece)), "") for row in rows]
    runs = 1 + sum(one != other for one, other in pairwise(ids))
    return runs > len(set(ids))
