"""Conversations replay in any order, in any selection, interleaved, and again and again."""

from itertools import chain, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conversations.scenes import Script, Session, Visitor, index_conversations

OPENINGS = (
    (("one", "1"), ("more", "1 more")),
    (("hi", "hello"), ("two", "2"), ("end", "bye")),
    (("hi", "hello"), ("three", "3")),
    (("four", "4"),),
)


def scripts(reads: bool, names_thread: bool = False) -> list[Script]:
    return [Script(number, turns, reads, names_thread) for number, turns in enumerate(OPENINGS, 1)]


@pytest.mark.parametrize(
    ("order", "reads", "names_thread"),
    [
        (order, number % 2 > 0, number // 2 % 2 > 0)
        for number, order in enumerate(permutations(range(4)))
    ],
)
def test_any_order_three_times(order: tuple[int, ...], reads: bool, names_thread: bool) -> None:
    """`test_any_selection_interleaved` combines all of these."""
    drawn = scripts(reads, names_thread)
    session = Session(index_conversations(*(script.exchanges() for script in drawn)))
    seen: set[str] = set()

    for visit in range(3):
        for number in order:
            visitor = Visitor(session, drawn[number], visit)
            while not visitor.is_done:
                visitor.step()
            assert not seen & visitor.made
            seen |= visitor.made


@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=6),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_any_selection_interleaved(
    selection: list[int], reads: bool, names_thread: bool, one_file: bool, random: object
) -> None:
    drawn = scripts(reads, names_thread)
    files = [list(script.exchanges()) for script in drawn]
    session = Session(index_conversations(*([chain(*files)] if one_file else files)))
    visitors = [Visitor(session, drawn[number], visit) for visit, number in enumerate(selection)]

    going = list(visitors)
    while going:
        visitor = random.choice(going)  # type: ignore[attr-defined]
        visitor.step()
        if visitor.is_done:
            going.remove(visitor)

    made = [one for visitor in visitors for one in visitor.made]
    assert len(made) == len(set(made))


def test_the_recorded_requests_get_the_recorded_responses() -> None:
    drawn = scripts(reads=True)
    session = Session(index_conversations(*(script.exchanges() for script in drawn)))

    for script in drawn:
        visitor = Visitor(session, script)
        while not visitor.is_done:
            visitor.step()
        assert all(live.startswith("01a2000") for live in visitor.made)
        assert script.thread in visitor.made
