"""Texts that continue over the events of a stream, token by token or as a text that grows. No I/O."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from mockserver.formats.json_scan import scan
from mockserver.redaction.json_leaves import Leaf, Path, decode_string, leaves
from mockserver.redaction.text_edits import DecodedText, Edit, split_edits

_LINE = re.compile(r"(?P<field>[^:\r\n]*+):? ?(?P<value>[^\r\n]*+)(?:\r\n|\r|\n|\Z)")


@dataclass(frozen=True, slots=True)
class EventBlock:
    """The *source* of an event, and in it the *name* of the event, its *data*, and the *other* texts."""

    source: str
    name: str
    data: DecodedText
    other: tuple[DecodedText, ...] = ()


def parse_block(source: str) -> EventBlock:
    """Return the block of server-sent events *source*, in any spelling; it may be cut.

    Source: WHATWG HTML, section 9.2.6, "Interpreting an event stream".
    """
    name, data, other = "", [], []
    for line in _LINE.finditer(source):
        start, end = line.span("value")
        match line["field"]:
            case "event":
                name = line["value"]
            case "data":
                data.append(range(start, end + 1))
            case _ if line.end() > line.start():
                text = line["value"] if line["field"] in ("", "id", "retry") else line[0]
                begin = end - len(text) if text is line["value"] else line.start()
                other.append(DecodedText(text, range(begin, begin + len(text) + 1)))
    # The line end between two lines of data is one character.
    positions = [position for line_positions in data for position in line_positions]
    text = "\n".join(source[one.start : one.stop - 1] for one in data)
    return EventBlock(source, name, DecodedText(text, positions or (0,)), tuple(other))


class _Piece(NamedTuple):
    """A string in the data of the event *number*; *leaf* is None if the data are not JSON."""

    number: int
    text: str
    leaf: Leaf | None


def stream_edits(
    blocks: Sequence[EventBlock],
    leaf_edits: Callable[[str, Leaf], list[Edit]],
    text_edits: Callable[[str], list[Edit]],
) -> list[list[Edit]]:
    """Return the edits of the data of each of *blocks*, in the places of its source.

    *leaf_edits* returns the edits of a JSON text in one of its leaves, *text_edits* those of a decoded string. Strings of one
    message at the same path in the data of events with one name are joined.
    """
    edits: list[list[Edit]] = [[] for _ in blocks]
    groups: dict[tuple[str, Path], list[_Piece]] = {}
    for number, block in enumerate(blocks):
        data = block.data.text
        root = scan(data)
        if root is None:
            edits[number] += text_edits(data)
            groups.setdefault((block.name, ()), []).append(_Piece(number, data, None))
            continue
        for leaf in leaves(root):
            edits[number] += leaf_edits(data, leaf)
            if leaf.scalar.is_string and not leaf.is_key:
                piece = _Piece(number, leaf.scalar.value, leaf)
                groups.setdefault((block.name, leaf.path), []).append(piece)
    for pieces in groups.values():
        for group in _by_message(pieces):
            grows = all(b.text.startswith(a.text) for a, b in pairwise(group))
            for piece, edit in (_grown if grows else _joined)(group, text_edits):
                edits[piece.number].append(_in_data(blocks[piece.number].data.text, piece, edit))
    return [
        [block.data.to_source(edit) for edit in found]
        for block, found in zip(blocks, edits, strict=True)
    ]


def _in_data(data: str, piece: _Piece, edit: Edit) -> Edit:
    return decode_string(data, piece.leaf.scalar).to_source(edit) if piece.leaf else edit


def _by_message(pieces: list[_Piece]) -> list[list[_Piece]]:
    """Return the *pieces* of each message, or all of them if each has an id of its own; groups of one text are left out."""
    messages: dict[tuple[str, ...], list[_Piece]] = {}
    for piece in pieces:
        messages.setdefault(piece.leaf.ids if piece.leaf else (), []).append(piece)
    groups = [pieces] if len(messages) == len(pieces) else [*messages.values()]
    return [group for group in groups if any(piece.text != group[0].text for piece in group)]


def _joined(
    pieces: list[_Piece], text_edits: Callable[[str], list[Edit]]
) -> Iterator[tuple[_Piece, Edit]]:
    """Yield the edits of *pieces* that are one text."""
    texts = [piece.text for piece in pieces]
    for number, edit in split_edits(text_edits("".join(texts)), texts):
        yield pieces[number], edit


def _grown(
    pieces: list[_Piece], text_edits: Callable[[str], list[Edit]]
) -> Iterator[tuple[_Piece, Edit]]:
    """Yield the edits of *pieces*, each of which repeats the one before: the begun secret is known from its later whole."""
    edits: list[Edit] = []
    later: str | None = None
    for piece in reversed(pieces):
        grows = later is not None and piece.text and later.startswith(piece.text)
        begun = [edit for edit in edits if grows and edit.start < len(piece.text)]
        clipped = [edit._replace(end=min(edit.end, len(piece.text))) for edit in begun]
        for edit in clipped:
            yield piece, edit
        if later != piece.text:
            edits = [*text_edits(piece.text), *clipped]
        later = piece.text
