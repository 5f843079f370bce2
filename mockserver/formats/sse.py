"""Server-sent events, bytes in and bytes out. No I/O.

An event is stored as its fields in wire order; an event that would not encode back to the same bytes is stored raw.
Source: WHATWG HTML, section 9.2, "Server-sent events".
"""

import re
from base64 import b64decode, b64encode
from functools import cache
from itertools import groupby
from typing import NamedTuple

CRLF, LF, CR = "\r\n", "\n", "\r"

FIELDS = ("event", "data", "id", "retry")
"""The fields of an event; an event with `comment`, `raw` or `base64` has no other field."""

_BLANK_LINES = (b"\r\n", b"\n", b"\r")
_FIRST_LINE_END = re.compile(rb"\r\n|\n|\r")
_NAMES = frozenset(FIELDS)
_RETRY = re.compile(r"0|[1-9][0-9]{0,14}")

Fields = tuple[tuple[str, str], ...]


class Event(NamedTuple):
    """One block of an event stream.

    *fields* are (name, text) in wire order: `event`, `data`, `id`, `retry`, each once; or one `comment`; or one
    `raw`, the block's own text with its line endings; or one `base64`, the block's bytes where they are not UTF-8.
    """

    fields: Fields


def split_blocks(raw: bytes) -> tuple[list[bytes], bytes]:
    """Split *raw* after each blank line; return the blocks and the incomplete rest."""
    blocks: list[bytes] = []
    lines: list[bytes] = []
    for line in raw.splitlines(keepends=True):
        lines.append(line)
        if line in _BLANK_LINES:
            blocks.append(b"".join(lines))
            lines = []
    return blocks, b"".join(lines)


def decode_stream(raw: bytes) -> tuple[list[Event], list[int], str, bytes]:
    """Return the events in *raw*, the size of each in bytes, the line ending, and the incomplete rest; see `split_blocks` and `decode`."""
    ending = detect_line_ending(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        events, sizes, tail = _decode_blocks(raw, ending)
        return events, sizes, ending, tail
    events, sizes, position = [], [], 0
    for found in _usual_block(ending).finditer(text):
        start, end = found.span()
        if start == position and (fields := _usual_fields(*found.groups())):
            events.append(Event(fields))
            sizes.append(end - start if text.isascii() else len(found[0].encode()))
        else:
            others, lengths, _ = _decode_blocks(text[position:end].encode(), ending)
            events += others
            sizes += lengths
        position = end
    others, lengths, tail = _decode_blocks(text[position:].encode(), ending)
    return events + others, sizes + lengths, ending, tail


def _decode_blocks(raw: bytes, ending: str) -> tuple[list[Event], list[int], bytes]:
    """Return the events of the complete blocks in *raw*, the size of each, and the incomplete rest."""
    blocks, tail = split_blocks(raw)
    return [decode(block, ending) for block in blocks], list(map(len, blocks)), tail


def split_received(received: bytes) -> tuple[list[bytes], bytes]:
    """Split the bytes that were *received* up to now as `split_blocks` does; a last CR belongs to the rest, since an LF may follow."""
    complete = received.removesuffix(b"\r")
    blocks, rest = split_blocks(complete)
    return blocks, rest + received[len(complete) :]


def decode_received(received: bytes) -> tuple[list[Event], bytes]:
    """Return the events in the bytes that were *received* up to now, and the incomplete rest; each event may have its own line ending."""
    blocks, rest = split_received(received)
    return [decode(block, detect_line_ending(block)) for block in blocks], rest


def detect_line_ending(raw: bytes) -> str:
    """Return the first line ending in *raw*, or CRLF if it has none."""
    found = _FIRST_LINE_END.search(raw)
    return found.group().decode() if found else CRLF


def decode(block: bytes, ending: str) -> Event:
    """Return the event that encodes back to *block* with line ending *ending*."""
    try:
        text = block.decode()
    except UnicodeDecodeError:
        return Event((("base64", b64encode(block).decode()),))
    return Event(_parse(text, ending) or (("raw", text),))


def encode(event: Event, ending: str) -> bytes:
    """Return the bytes of *event*, including its blank line."""
    lines: list[str] = []
    for name, text in event.fields:
        match name:
            case "raw":
                return text.encode()
            case "base64":
                return b64decode(text)
            case "comment":
                lines.append(f": {text}")
            case "data":
                lines.append("data: " + text.replace("\n", f"{ending}data: "))
            case _:
                lines.append(f"{name}: {text}")
    return ending.join((*lines, "", "")).encode()


def encode_message(name: str, data: str, identity: str | None = None) -> bytes:
    """Return an event with one line of *data*, its lines ending in CRLF."""
    end = f"id: {identity}\r\n\r\n" if identity else "\r\n"
    return f"event: {name}\r\ndata: {data}\r\n{end}".encode("utf-8", "replace")


@cache
def _usual_block(ending: str) -> re.Pattern[str]:
    """Return the pattern of a block as servers write it. It ends only where a block ends."""
    name, identity = (f"(?:{field}: ([^\r\n]*){ending})?" for field in ("event", "id"))
    # `.` is three times as fast as a set of characters.
    pattern = f"^{identity}{name}data: (.*){ending}(?(1)|{identity}){ending}(?!\n)"
    return re.compile(pattern, re.MULTILINE)


def _usual_fields(
    first: str | None, event: str | None, data: str, last: str | None
) -> Fields | None:
    """Return the fields of a usual block; None if its data has a line ending of another kind."""
    if CR in data:
        return None
    fields = [("data", data)]
    if event is not None:
        fields.insert(0, ("event", event))
    if first is not None:
        fields.insert(0, ("id", first))
    if last is not None:
        fields.append(("id", last))
    return tuple(fields)


def _parse(text: str, ending: str) -> Fields | None:
    """Return the fields of a block; None if its lines are not all `name: text`, each name once (`data` may go on)."""
    before, last = ending[:-1], ending[-1]
    lines = text.split(last)  # by one character: that is five times as fast as by two
    if lines[-2:] != [before, ""]:
        return None
    fields: list[tuple[str, str]] = []
    for line in lines[:-2]:
        name, colon, value = line.removesuffix(before).partition(": ")
        if not colon or CR in value or LF in value or not line.endswith(before):
            return None
        fields.append((name, value))
    texts = dict(fields)
    if len(texts) < len(fields):
        fields = _join_data(fields)
        texts = dict(fields)
    if len(texts) < len(fields):
        return None
    if "" in texts and len(texts) == 1:
        return (("comment", texts[""]),)
    if not texts.keys() <= _NAMES or ("retry" in texts and not _RETRY.fullmatch(texts["retry"])):
        return None
    return tuple(fields)


def _join_data(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return *fields* with consecutive lines of data as one."""
    joined: list[tuple[str, str]] = []
    for is_data, run in groupby(fields, lambda field: field[0] == "data"):
        if is_data:
            joined.append(("data", "\n".join([value for _, value in run])))
        else:
            joined += run
    return joined
