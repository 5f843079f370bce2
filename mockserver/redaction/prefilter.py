"""A fast check whether a text or a stream may hold a secret: a tenth of the time of a search, and without false negatives. No I/O.

The events of a stream repeat most of their data. So their data is cut between strings, and each distinct piece is checked once.
"""

import re
from collections.abc import Iterable
from itertools import takewhile

from mockserver.cassette.model import Stream
from mockserver.redaction.names import is_secret_name
from mockserver.redaction.shapes import possible_shapes

_CUT = ',"'
_IDS = ("id", "run_id")
_ESCAPED_ASCII = re.compile(r"\\u00[2-7]|\\/")
_OTHER_ESCAPES = re.compile(r"\\(?:[nrtbf]|u[0-9a-fA-F]{4})")
_SPACED_NAME = re.compile(r"(?i:api|access|secret|private|auth|signing) key")
_WORD = re.compile(r"[A-Za-z_%][\w.%\[\]-]++")


def may_match_text(text: str, words: Iterable[str]) -> bool:
    """Return whether *text*, perhaps JSON, may hold one of *words*, the name of a secret, or the shape of one."""
    if "\\" in text:
        if _ESCAPED_ASCII.search(text) or not all(map(str.isascii, words)):
            return True  # anything may be spelled so
        text = _OTHER_ESCAPES.sub(" ", text)
    return (
        any(word in text for word in words)
        or any(True for shape in possible_shapes(text) for _ in shape.spans(text))
        or any(map(is_secret_name, set(_WORD.findall(text))))
        or (" key" in text and _SPACED_NAME.search(text) is not None)
    )


def may_match_stream(stream: Stream, words: Iterable[str]) -> bool:
    """Return whether the events of *stream* may hold one of *words* or a secret, alone or joined; the tail is not checked."""
    if any(_CUT in word for word in words):
        return True
    by_name: dict[str, list[str]] = {}
    texts: set[str] = set()
    for timed in stream.events:
        name = data = ""
        for field, text in timed.event.fields:
            match field:
                case "event":
                    name = text
                case "data":
                    data = text
                case "id" | "comment":
                    texts.add(text)
                case _:
                    return True  # raw or base64
        by_name.setdefault(name, []).append(data)
    for datas in by_name.values():
        _add_pieces(datas, texts)
    return may_match_text("\n".join(texts), words)


def _add_pieces(datas: list[str], texts: set[str]) -> None:
    """Add the distinct pieces of *datas*, the data of events with one name, to *texts*, and the strings that continue over events.

    Strings continue if they stand under the same key, at the same place among those of this key, in events of one message.
    """
    if datas[0][:1] not in ("{", "[", '"'):
        texts.update((*datas, "".join(datas)))
        return
    end = _common_end(datas)
    texts.add(end)
    rows = [_cut(data.removesuffix(end)) for data in datas]
    common = set(rows[0]).intersection(*rows[1:])
    texts |= common
    continued: dict[tuple[object, ...], list[str]] = {}
    for row in rows:
        strings: dict[str, list[str]] = {}
        for piece in row:
            if piece not in common:
                texts.add(piece)
                key, text = _split_piece(piece)
                strings.setdefault(key, []).append(text)
        ids = tuple(strings[key][0] for key in _IDS if key in strings)
        for key, found in strings.items():
            for number, text in enumerate(found):
                for place in (number, number - len(found)):
                    continued.setdefault((key, place), []).append(text)
                    continued.setdefault((key, place, ids), []).append(text)
    texts.update("".join(parts) for parts in continued.values())


def _common_end(datas: list[str]) -> str:
    """Return what the first two of *datas* have in common at their ends; most others end so too."""
    if len(datas) == 1:
        return ""
    pairs = zip(reversed(datas[0].split(_CUT)), reversed(datas[1].split(_CUT)), strict=False)
    same = [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return _CUT + _CUT.join(reversed(same)) if same else ""


def _cut(data: str) -> list[str]:
    """Return the pieces of JSON, each a string with its key; spaces between them do not count."""
    compact = data.replace('": ', '":').replace(', "', _CUT)
    return compact.removeprefix('"').replace('{"', _CUT).replace('["', _CUT).split(_CUT)


def _split_piece(piece: str) -> tuple[str, str]:
    """Return the key of *piece*, if it has one, and its text."""
    key, colon, value = piece.partition('":')
    if not colon or key.endswith("\\"):
        key, value = "", piece
    text = value.removeprefix('"') if key else value
    end = text.rfind('"')
    return key, text[:end] if end >= 0 else text
