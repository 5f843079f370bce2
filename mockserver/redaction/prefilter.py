"""A fast check whether a text or a stream may hold a secret: a tenth of the time of a search, and without false negatives. No I/O.

The events of a stream repeat most of their data. So their data is cut between strings, and each distinct piece is checked once.
"""

import re
from collections.abc import Iterable
from itertools import groupby, product, takewhile

from mockserver.cassette.model import Stream
from mockserver.redaction.names import FIRST_WORDS, is_secret_name
from mockserver.redaction.shapes import possible_shapes

_CHECKED_FIELDS = {"event", "data", "id", "comment"}
_CUT = ',"'
_MARKS = frozenset(("id", "run_id", "index", ""))
_ESCAPED_ASCII = re.compile(r"\\u00[2-7]|\\/")
_OTHER_ESCAPES = re.compile(r"\\(?:[nrtbf]|u[0-9a-fA-F]{4})")
_SPACED_NAME = re.compile(rf"(?i:(?:{FIRST_WORDS}) key)")
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
        or (" key" in text.lower() and _SPACED_NAME.search(text) is not None)
    )


def may_match_stream(stream: Stream, words: Iterable[str]) -> bool:
    """Return whether the events of *stream* may hold one of *words* or a secret, alone or joined; the tail is not checked."""
    if any(_CUT in word for word in words):
        return True
    by_name: dict[str, list[str]] = {}
    texts: set[str] = set()
    for timed in stream.events:
        fields = dict(timed.event.fields)
        if not fields.keys() <= _CHECKED_FIELDS:
            return True  # raw or base64
        texts |= {fields.get("id", ""), fields.get("comment", "")}
        by_name.setdefault(fields.get("event", ""), []).append(fields.get("data", ""))
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
    rows = [_cut(data.removesuffix(end)) for data in datas]
    texts.update(_cut(end), *rows)
    common = set(rows[0]).intersection(*rows[1:])
    varying = ([_split_piece(piece) for piece in row if piece not in common] for row in rows)
    by_key: dict[str, list[tuple[set[object], list[str]]]] = {}
    for (marks, keys), run in groupby(varying, _skeleton):
        groups = _groups(marks, keys)
        strings: dict[str, list[str]] = {}
        for key, *column in zip(keys, *run, strict=True):
            strings.setdefault(key, []).append("".join([text for _, text in column]))
        for key, found in strings.items():
            by_key.setdefault(key, []).append((groups, found))
    for runs in by_key.values():
        texts.update(_joined(runs) if len(runs) > 1 else runs[0][1])


def _skeleton(row: list[tuple[str, str]]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return what is the same in consecutive tokens of a message: the parts of *row* with ids, indexes, or without a key, and all keys."""
    return tuple([part for part in row if part[0] in _MARKS]), tuple([key for key, _ in row])


def _groups(marks: tuple[tuple[str, str], ...], keys: tuple[str, ...]) -> set[object]:
    """Return the groups of events in which the strings of events with this skeleton may continue."""
    first = dict(reversed(marks))
    ids = first.get("id"), first.get("run_id")
    index = tuple([text for key, text in marks if key == "index"])
    names = tuple([text for key, text in marks if not key])  # such as a namespace
    groups: set[object] = {(), ids, index, (ids, keys), (index, keys)}
    return groups | {(ids, index, names)} if names else groups


def _joined(runs: list[tuple[set[object], list[str]]]) -> Iterable[str]:
    """Return the strings under one key, joined over *runs* of events: those in each group at each place, counted from both ends."""
    continued: dict[object, list[str]] = {}
    for groups, found in runs:
        for number, text in enumerate(found):
            for place in product((number, number - len(found)), groups):
                continued.setdefault(place, []).append(text)
    return map("".join, continued.values())


def _common_end(datas: list[str]) -> str:
    """Return what the first two of *datas* have in common at their ends; most others end so too."""
    columns = zip(*(reversed(data.split(_CUT)) for data in datas[:2]), strict=False)
    same = [pieces[0] for pieces in takewhile(lambda pieces: pieces[0] == pieces[-1], columns)]
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
