"""Two lists beside each other: what of the one is what of the other. No I/O."""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, takewhile

_MOST_PAIRS = 10_000_000
"""How many pairs of same items may be compared: some seconds of work."""

Pair = tuple[int | None, int | None]
"""Numbers from 0 of what belongs together; None where the other list has nothing for it."""


def aligned(before: Sequence[str], after: Sequence[str]) -> Iterator[Pair]:
    """Yield what belongs together of two lists, told by the looks of their items: what looks the same first, and between that what stands in one place."""
    if len(before) == len(after) or not before or not after:
        yield from _side_by_side(range(len(before)), range(len(after)))
        return
    for start, stop, begin, end in _blocks(before, after):
        yield from _side_by_side(range(start, stop), range(begin, end))


def aligned_events(
    before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]
) -> Iterator[Pair]:
    """Yield the same of events, told by name and looks: between those that look the same, those of one name belong together."""
    for start, stop, begin, end in _blocks(before, after):
        names = [name for name, _ in before[start:stop]], [name for name, _ in after[begin:end]]
        for low, high, first, last in _blocks(*names):
            same = names[0][low:high] == names[1][first:last]
            ours, theirs = range(start + low, start + high), range(begin + first, begin + last)
            if same:
                yield from zip(ours, theirs, strict=True)
            else:
                yield from ((number, None) for number in ours)
                yield from ((None, number) for number in theirs)


def _blocks(
    before: Sequence[object], after: Sequence[object]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield the stretches of both that are the same, or stand for each other: start and stop in the one, start and stop in the other."""
    if list(before) == list(after):
        yield 0, len(before), 0, len(after)
    elif _count_pairs(before, after) <= _MOST_PAIRS:
        matcher: SequenceMatcher[object] = SequenceMatcher(None, before, after, autojunk=False)
        for _, start, stop, begin, end in matcher.get_opcodes():
            yield start, stop, begin, end
    else:
        yield from _blocks_by_place(before, after)


def _count_pairs(before: Sequence[object], after: Sequence[object]) -> int:
    """Return how many pairs of an item of *before* and one of *after* are the same: that is how much work it is to match them."""
    counts = Counter(after)
    return sum(counts[item] for item in before)


def _blocks_by_place(
    before: Sequence[object], after: Sequence[object]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield the stretches of two long lists by the places of their items, counted from their beginning, and at the end from there."""
    at = 0
    for same, pairs in groupby(zip(before, after, strict=False), lambda pair: pair[0] == pair[1]):
        stop = at + len(list(pairs))
        if not same and stop == min(len(before), len(after)):
            break
        yield at, stop, at, stop
        at = stop
    ends = zip(reversed(before[at:]), reversed(after[at:]), strict=False)
    same_end = len(list(takewhile(lambda pair: pair[0] == pair[1], ends)))
    yield at, len(before) - same_end, at, len(after) - same_end
    if same_end:
        yield len(before) - same_end, len(before), len(after) - same_end, len(after)


def _side_by_side(ours: range, theirs: range) -> Iterator[Pair]:
    yield from zip(ours, theirs, strict=False)
    both = min(len(ours), len(theirs))
    yield from ((number, None) for number in ours[both:])
    yield from ((None, number) for number in theirs[both:])
