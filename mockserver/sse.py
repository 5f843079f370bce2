"""Server-sent events, bytes in and bytes out. No I/O.

An event is kept as the fields that were on the wire, in their order; whatever would not encode back to the very
bytes is kept as it came. Source: WHATWG HTML, section 9.2, "Server-sent events".
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from itertools import groupby

CRLF, LF, CR = "\r\n", "\n", "\r"

FIELDS = ("event", "data", "id", "retry")
"""The fields of an event; `comment`, `raw` and `base64` stand alone."""

_LINE_END = rb"(?:\r\n|\n|\r(?!\n))"
_BLOCK = re.compile(rb"(?:[^\r\n]++" + _LINE_END + rb")*+" + _LINE_END)
_FIRST_LINE_END = re.compile(rb"\r\n|\n|\r")
_PLAIN = {
    ending: re.compile(
        rb"(?:event: (.+)%bdata: (.+)%b(?:id: (.+)%b)?|: (.*)%b)%b".replace(b"%b", ending.encode())
    )
    for ending in (CRLF, LF)
}
_RETRY = re.compile(r"0|[1-9][0-9]{0,14}")


@dataclass(frozen=True, slots=True)
class Event:
    """One block of an event stream.

    *fields* are (name, text) in wire order: `event`, `data`, `id`, `retry`, each once; or one `comment`; or one
    `raw`, the block's own text with its line endings; or one `base64`, the block's bytes where they are not UTF-8.
    """

    fields: tuple[tuple[str, str], ...]


def plain(raw: bytes) -> list[tuple[Event, int]] | None:
    """Return the events of *raw* and where each ends, if all are as servers write them and nothing is left over; else None.

    That is `event` and `data`, with an `id` or without, or a comment alone, in lines with one ending: a tenth of the work of `decode`.
    """
    ending = line_ending(raw)
    if ending == CR or raw.count(b"\r") != (raw.count(b"\r\n") if ending == CRLF else 0):
        return None
    events: list[tuple[Event, int]] = []
    at = 0
    try:
        for found in _PLAIN[ending].finditer(raw):
            if found.start() != at:
                return None
            at = found.end()
            name, data, identity, comment = found.groups()
            if comment is not None:
                fields: tuple[tuple[str, str], ...] = (("comment", comment.decode()),)
            else:
                fields = (("event", name.decode()), ("data", data.decode()))
                if identity is not None:
                    fields = (*fields, ("id", identity.decode()))
            events.append((Event(fields), at))
    except UnicodeDecodeError:
        return None
    return events if at == len(raw) else None


def split(raw: bytes) -> tuple[list[bytes], bytes]:
    """Cut *raw* after each blank line; return the blocks and the unfinished rest."""
    blocks: list[bytes] = []
    start = 0
    while found := _BLOCK.match(raw, start):
        blocks.append(found.group())
        start = found.end()
    return blocks, raw[start:]


def line_ending(raw: bytes) -> str:
    """Return the first line ending in *raw*, CRLF where there is none."""
    found = _FIRST_LINE_END.search(raw)
    return found.group().decode() if found else CRLF


def decode(block: bytes, ending: str) -> Event:
    """Return the event that encodes back to *block* with line ending *ending*."""
    try:
        text = block.decode()
    except UnicodeDecodeError:
        return Event((("base64", b64encode(block).decode()),))
    event = _parse(text, ending)
    if event is not None and encode(event, ending) == block:
        return event
    return Event((("raw", text),))


def encode(event: Event, ending: str) -> bytes:
    """Return the bytes of *event*, its blank line included."""
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
                lines += [f"data: {line}" for line in text.split("\n")]
            case _:
                lines.append(f"{name}: {text}")
    return "".join(f"{line}{ending}" for line in (*lines, "")).encode()


def message(name: str, data: str, identity: str | None = None) -> bytes:
    """Return an event with one line of *data*, its lines ending in CRLF."""
    end = f"id: {identity}\r\n\r\n" if identity else "\r\n"
    return f"event: {name}\r\ndata: {data}\r\n{end}".encode("utf-8", "replace")


def _parse(text: str, ending: str) -> Event | None:
    lines = text.removesuffix(ending).removesuffix(ending).split(ending)
    if any("\r" in line or "\n" in line for line in lines):
        return None
    if len(lines) == 1 and lines[0].startswith(": "):
        return Event((("comment", lines[0][2:]),))
    pairs = [line.partition(": ") for line in lines]
    fields = tuple(
        (name, "\n".join(value for _, _, value in group))
        for name, group in groupby(pairs, key=lambda pair: pair[0])
    )
    names = [name for name, _ in fields]
    if len(set(names)) < len(names) or not set(names) <= set(FIELDS):
        return None
    retry = dict(fields).get("retry")
    if retry is not None and not _RETRY.fullmatch(retry):
        return None
    return Event(fields)
