"""How far a turn has come, by what was said and what was played; test_script and test_parse_graph make plans."""

import pytest

from mockserver.fake.script.model import Speak, Update
from mockserver.fake.script.plan import Plan, Visit
from mockserver.fake.script.topology import DEFAULT

SAY = Visit((Speak("a"),))
SET = Visit((Update({"a": 1}),))
INNER = Visit((Speak("b"),), "model", "research")
PLAN = Plan(DEFAULT, (SAY, SET, SET, SAY, INNER, SET))


@pytest.mark.parametrize(
    ("said", "played", "done"),
    [
        pytest.param(0, 0, 0, id="the start"),
        pytest.param(1, 1, 1, id="as played"),
        pytest.param(1, 3, 3, id="what says nothing counts as played"),
        pytest.param(1, 0, 1, id="a client has written a message"),
        pytest.param(0, 4, 0, id="a client has removed all messages"),
        pytest.param(2, 1, 4, id="a client has written one more"),
        pytest.param(3, 6, 6, id="the end"),
        pytest.param(4, 6, 6, id="beyond the end"),
    ],
)
def test_messages_decide_how_far_a_turn_is(said: int, played: int, done: int) -> None:
    assert PLAN.locate(said, played) == done


@pytest.mark.parametrize(
    ("node", "subgraph", "done", "after"),
    [
        pytest.param("agent", None, 1, 2, id="the next visit"),
        pytest.param("model", "research", 1, 5, id="a visit within"),
        pytest.param("model", None, 1, 1, id="none of the root graph"),
        pytest.param("agent", None, 6, 6, id="none any more"),
    ],
)
def test_the_next_visit_of_a_node_is_found(
    node: str, subgraph: str | None, done: int, after: int
) -> None:
    assert PLAN.find_visit(node, subgraph, done) == after


@pytest.mark.parametrize(
    ("node", "done", "number"),
    [
        pytest.param("agent", 1, 1, id="the visit that is due"),
        pytest.param("agent", 9, 5, id="the last one again"),
        pytest.param("model", 1, 4, id="a later one"),
        pytest.param("model", 5, None, id="none any more"),
        pytest.param("other", 0, None, id="none at all"),
    ],
)
def test_a_node_plays_its_next_visit(node: str, done: int, number: int | None) -> None:
    assert PLAN.find_due(node, done) == number


def test_the_node_after_which_it_goes_on_answers_the_calls() -> None:
    assert (SAY.root_node, INNER.root_node) == ("agent", "research")
    assert (SAY.last_node, SET.last_node) == ("agent", "agent")
