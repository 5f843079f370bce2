import pytest

from mockserver.fake.script.topology import (
    DEFAULT,
    END,
    START,
    NoPathError,
    Topology,
    create_sequence,
)

TOOLS = frozenset({"tools"})


def test_nodes_in_a_list_follow_one_another() -> None:
    topology = create_sequence(("plan", "search", "write"), TOOLS)

    assert topology.entry == "plan"
    assert topology.edges == {
        START: ("plan",),
        "plan": ("search",),
        "search": ("write",),
        "write": (END,),
    }
    assert not topology.is_conditional("plan")


def test_the_tools_in_a_list_return_to_the_node_before_them() -> None:
    topology = create_sequence(("tools", "agent", "tools", "write"), TOOLS)

    assert topology.edges == {
        START: ("agent",),
        "agent": ("write", "tools"),
        "tools": ("agent",),
        "write": (END,),
    }
    assert topology.is_conditional("agent")


BRANCHES = Topology(
    ("a", "b", "c", "tools", "d"),
    {START: ("a",), "a": ("b", "c", "tools"), "b": ("c",), "tools": ("d",), "d": (END,)},
)


@pytest.mark.parametrize(
    ("source", "target", "between"),
    [
        pytest.param(START, "a", (), id="next"),
        pytest.param(START, "b", ("a",), id="one between"),
        pytest.param("a", "c", (), id="the shortest"),
        pytest.param(START, END, ("a", "c"), id="a node without edges ends"),
        pytest.param("tools", END, ("d",), id="from the tools"),
    ],
)
def test_a_path_is_the_shortest(source: str, target: str, between: tuple[str, ...]) -> None:
    assert BRANCHES.find_path(source, target) == between


def test_no_path_leads_through_the_tools() -> None:
    with pytest.raises(NoPathError) as caught:
        BRANCHES.find_path("a", "d")

    assert (caught.value.source, caught.value.target) == ("a", "d")


def test_an_edge_adds_its_nodes_once() -> None:
    topology = DEFAULT.with_edge("agent", "other").with_edge("agent", "other")

    assert topology.nodes == ("agent", "tools", "researcher", "other")
    assert topology.get_next_nodes("agent")[-1] == "other"
    assert topology.get_next_nodes("other") == (END,)
    assert DEFAULT.with_edge("other", END).nodes == ("agent", "tools", "researcher", "other")
