"""A fast check whether a text or a stream may hold a secret: a tenth of the time of a search, and without false negatives. No I/O.

The events of a stream repeat most of their data. So their data is cut between strings, and each distinct piece is checked once.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby, product

from mockserver.cassette.model import Stream
from mockserver.redaction.secret_names import is_secret_name
from mockserver.redaction.secret_patterns import (
    OTHER_PATTERNS,
    PATTERNS_OF_WORDS,
    find_possible_patterns,
)

_CUT = ',"'
_JSON_STARTS = ("{", "[", '"')
_MARKS = frozenset(("id", "run_id", "index", ""))
_ESCAPED_ASCII = re.compile(r"\\u00[2-7]|\\/")
_ESCAPED_LETTER = re.compile(r"\\u([0-9a-fA-F]{4})")
_ESCAPED_SPACE = re.compile(r"\\[nrtbf]")
_MAX_REMEMBERED = 200
"""A word with more characters, such as an image, is not remembered."""

_SHORT_HINT = 3
"""A pattern whose hint has so few characters stands within one word."""

_LAST_WORDS = (" key", " code", " api", " de passe")
"""How names of several words end, see FIRST_WORDS."""

_SPACED_NAME = re.compile(rf"(?<!\w)(?=(\w{{1,20}}(?:{'|'.join(_LAST_WORDS)})))")
_BETWEEN_WORDS = {code: " " for code in range(128) if not re.match(r"[\w.%\[\]-]", chr(code))}


def may_match_text(text: str, secrets: Iterable[str]) -> bool:
    """Return whether *text*, perhaps JSON, may hold one of *secrets*, the name of a secret, or the shape of one."""
    is_spelled = any(secret in text for secret in secrets)
    if "\\" in text:
        if _ESCAPED_ASCII.search(text) or not all(map(str.isascii, secrets)):
            return True  # anything may be spelled so
        text = _ESCAPED_LETTER.sub(lambda found: chr(int(found[1], 16)), text)
        text = _ESCAPED_SPACE.sub("\n", text).replace("\\", "")
    words = set(text.translate(_BETWEEN_WORDS).split())
    is_ordinary = all(map(_is_ordinary, words))
    patterns = find_possible_patterns(text, OTHER_PATTERNS if is_ordinary else None)
    lowered = text.lower()
    return (
        is_spelled
        or any(True for pattern in patterns for _ in pattern.spans(text))
        or (not is_ordinary and any(map(is_secret_name, words)))
        or (
            any(words in lowered for words in _LAST_WORDS)
            and any(map(is_secret_name, _SPACED_NAME.findall(lowered)))
        )
    )


def _is_ordinary(word: str) -> bool:
    return len(word) <= _MAX_REMEMBERED and _holds_nothing(word)


@lru_cache(maxsize=4096)
def _holds_nothing(word: str) -> bool:
    """Return whether *word* is not the name of a secret, nor part of a pattern; remembered, since texts repeat their words."""
    return not is_secret_name(word) and not any(
        len(pattern.hint) > _SHORT_HINT or any(True for _ in pattern.spans(word))
        for pattern in find_possible_patterns(word, PATTERNS_OF_WORDS)
    )


def may_match_stream(stream: Stream, secrets: Iterable[str]) -> bool:
    """Return whether the events of *stream* may hold one of *secrets* or another one, alone or joined; the tail is not checked."""
    if any(_CUT in secret for secret in secrets):
        return True
    by_name: dict[str, list[str]] = {}
    texts: set[str] = set()
    for _, (fields,) in stream.events:
        event = data = ""
        for name, text in fields:
            if name == "data":
                data = text
            elif name == "event":
                event = text
            elif name in ("id", "comment"):
                texts.add(text)
            else:
                return True  # retry, raw or base64
        by_name.setdefault(event, []).append(data)
    for datas in by_name.values():
        _add_pieces(datas, texts)
    return may_match_text("\n".join(texts), secrets)


def _add_pieces(datas: list[str], texts: set[str]) -> None:
    """Add the distinct pieces of *datas*, the data of events with one name, to *texts*, and the strings that continue over events.

    Strings continue if they stand under the same key, at the same place among those of this key, in events of one message.
    """
    plain = [data for data in datas if not data.startswith(_JSON_STARTS)]
    if plain:
        texts.update((*plain, "".join(plain)))
        datas = [data for data in datas if data.startswith(_JSON_STARTS)]
    if not datas:
        return
    joined, examples = _join_tokens(datas, texts)
    rows = [_cut(data) for data in joined]
    texts.update(*rows)
    common = set(rows[0]).intersection(*rows[1:], *map(_cut, examples))
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


def _join_tokens(datas: list[str], texts: set[str]) -> tuple[list[str], list[str]]:
    """Return *datas*, and two examples of each string that varies in them.

    Consecutive ones that differ in one string alone become one, in which these strings are joined. Add these strings to *texts*.
    """
    joined: list[str] = []
    examples: list[str] = []
    pending = datas[::-1]
    while pending:
        data = pending.pop()
        before, after = _around_token(data, pending[-1]) if pending else ("", "")
        if before:
            examples += data, pending[-1]
            tokens = [data[len(before) : -len(after)]]
            while pending and (token := _token(pending[-1], before, after)) is not None:
                tokens.append(token)
                pending.pop()
            texts.update(tokens)
            data = before + "".join(tokens) + after
        joined.append(data)
    return joined, examples


def _around_token(data: str, following: str) -> tuple[str, str]:
    """Return what stands before and after the string in which alone *data* and *following* differ; empty texts if there is none.

    It is not a string that tells messages apart.
    """
    parts, others = data.split('"'), following.split('"')
    if len(parts) != len(others):
        return "", ""
    places = [place for place, part in enumerate(parts) if part != others[place]]
    if len(places) != 1 or places[0] < 2:
        return "", ""
    place = places[0]
    key, colon, token = parts[place - 2 : place + 1]
    if colon.strip() != ":" or token.endswith("\\") or key in _MARKS or key.lower().endswith("id"):
        return "", ""
    return '"'.join((*parts[:place], "")), '"'.join(("", *parts[place + 1 :]))


def _token(data: str, before: str, after: str) -> str | None:
    """Return the string between *before* and *after* in *data*, or None if *data* is not of this form."""
    if not (data.startswith(before) and data.endswith(after)):
        return None
    token = data[len(before) : len(data) - len(after)]
    is_string = '"' not in token and not token.endswith("\\")
    return token if is_string and len(data) >= len(before) + len(after) else None


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
