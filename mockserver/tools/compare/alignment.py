"""Align two lists: pair the items that correspond to each other. No I/O."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import takewhile, zip_longest
from typing import TypeVar

T = TypeVar("T")

_MAX_PAIRS = 10_000_000
"""The highest number of equal pairs that are compared one by one; this takes some seconds."""

Pair = tuple[int | None, int | None]
"""The indexes of two corresponding items; None if the other list has no such item."""


def align(before: Sequence[str], after: Sequence[str]) -> Iterator[Pair]:
    """Yield the pairs of two lists of signatures: equal items first, then items between them by position."""
    if len(before) == len(after):
        yield from enumerate(range(len(after)))
        return
    for start, stop, new_start, new_stop in _iter_blocks(before, after):
        yield from zip_longest(range(start, stop), range(new_start, new_stop))


def align_events(
    before: Sequence[T], after: Sequence[T], sign: Callable[[T], tuple[str, str]]
) -> Iterator[tuple[T | None, T | None]]:
    """Yield the pairs of two lists of events: equal events first, then events of one name between them.

    *sign* returns the name and the signature of an event.
    """
    signatures = list(map(sign, before)), list(map(sign, after))
    for start, stop, new_start, new_stop in _iter_blocks(*signatures):
        old_names, new_names = (
            [name for name, _ in part]
            for part in (signatures[0][start:stop], signatures[1][new_start:new_stop])
        )
        for low, high, new_low, new_high in _iter_blocks(old_names, new_names):
            old = before[start + low : start + high]
            new = after[new_start + new_low : new_start + new_high]
            if old_names[low:high] == new_names[new_low:new_high]:
                yield from zip(old, new, strict=True)
            else:
                yield from ((event, None) for event in old)
                yield from ((None, event) for event in new)


def _iter_blocks(
    before: Sequence[object], after: Sequence[object]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield the stretches that are equal or replace each other, as start and stop in *before* and in *after*."""
    start = _count_common(before, after)
    end = _count_common(before[start:][::-1], after[start:][::-1])
    stop, new_stop = len(before) - end, len(after) - end
    yield 0, start, 0, start
    old, new = before[start:stop], after[start:new_stop]
    counts = Counter(new)
    # The time that SequenceMatcher takes grows with the number of equal pairs.
    if sum(counts[item] for item in old) <= _MAX_PAIRS:
        matcher: SequenceMatcher[object] = SequenceMatcher(None, old, new, autojunk=False)
        for _, low, high, new_low, new_high in matcher.get_opcodes():
            yield start + low, start + high, start + new_low, start + new_high
    else:
        yield start, stop, start, new_stop
    yield stop, len(before), new_stop, len(after)


def _count_common(before: Sequence[object], after: Sequence[object]) -> int:
    """Return how many items at the start of both are equal."""
    pairs = zip(before, after, strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
