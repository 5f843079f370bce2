"""Changes to a text that leave the rest of it untouched. No I/O."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

Span = tuple[int, int]
"""Start and end positions in a text."""


class Edit(NamedTuple):
    """Replace the characters from *start* to *end* by *text*; *is_rest* if it removes the rest of what another edit replaces."""

    start: int
    end: int
    text: str
    is_rest: bool = False


def merge_edits(edits: Iterable[Edit]) -> list[Edit]:
    """Return *edits* in order; those that overlap become one."""
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end, edit.is_rest)):
        last = merged[-1] if merged else None
        if last is None or edit.start >= last.end:
            merged.append(edit)
        else:
            kept = edit if last.is_rest else last
            merged[-1] = Edit(last.start, max(last.end, edit.end), kept.text, kept.is_rest)
    return merged


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return *text* with *edits*, which must be in order and not overlap."""
    parts: list[str] = []
    end = 0
    for edit in edits:
        parts += text[end : edit.start], edit.text
        end = edit.end
    return "".join((*parts, text[end:]))


def spell_unchanged(text: str) -> str:
    """Return *text*, for a view that decodes nothing."""
    return text


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A *text* that was decoded from another one, its source.

    *positions* says where in the source each character begins, and where the last one ends; *spell* encodes text for the source.
    """

    text: str
    positions: Sequence[int]
    spell: Callable[[str], str] = spell_unchanged

    def to_source(self, edit: Edit) -> Edit:
        """Return *edit* as a change of the source."""
        start, end = self.positions[edit.start], self.positions[edit.end]
        return Edit(start, end, self.spell(edit.text), edit.is_rest)


def whole(text: str) -> DecodedText:
    """Return a view of *text* itself."""
    return DecodedText(text, range(len(text) + 1))


def split_edits(edits: Iterable[Edit], texts: Sequence[str]) -> Iterator[tuple[int, Edit]]:
    """Yield *edits*, changes of *texts* joined, as changes of each of them, with its number."""
    ends = list(accumulate(map(len, texts)))
    for edit in edits:
        is_rest = edit.is_rest
        for number in range(bisect_right(ends, edit.start), len(texts)):
            offset = ends[number] - len(texts[number])
            if offset >= edit.end:
                break
            start, end = max(edit.start, offset) - offset, min(edit.end, ends[number]) - offset
            if start < end:
                yield number, Edit(start, end, "" if is_rest else edit.text, is_rest)
                is_rest = True
