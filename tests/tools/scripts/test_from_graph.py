"""Graphs as scripts; tests/real does it with those of LangGraph."""

import operator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from mockserver.tools.scripts.from_graph import describe_graph


def add_messages() -> None:
    """Is known by its name."""


@dataclass
class State:
    needed: str
    topic: str = "none"
    notes: list[str] = field(default_factory=list)
    made: object = object
    table: dict[str, Any] = field(default_factory=lambda: {"a": [1, None]})


class Field:
    def __init__(self, *default: Any) -> None:
        self.default = default

    def is_required(self) -> bool:
        return not self.default

    def get_default(self, *, call_default_factory: bool) -> Any:
        return self.default[0]


def channel(value: Any = None, function: Any = None) -> Any:
    return SimpleNamespace(value=value, operator=function)


def graph(edges: str, schema: Any, channels: dict[str, Any], **subgraphs: Any) -> Any:
    pairs = [pair.split(">") for pair in edges.split()]
    drawing = SimpleNamespace(
        nodes=list(dict.fromkeys(name for pair in pairs for name in pair)),
        edges=[SimpleNamespace(source=source, target=target) for source, target in pairs],
    )
    return SimpleNamespace(
        get_graph=lambda: drawing,
        get_subgraphs=subgraphs.items,
        builder=SimpleNamespace(state_schema=schema, channels=channels),
    )


def test_nodes_in_a_row_are_a_list() -> None:
    drawn = graph("__start__>a a>b b>__end__", dict, {})

    assert describe_graph(drawn) == {"extends": "built-in", "nodes": ["a", "b"]}


def test_branches_are_a_mapping() -> None:
    drawn = graph("__start__>b a>a b>a b>c", dict, {}, b=graph("__start__>x x>__end__", dict, {}))

    assert describe_graph(drawn) == {
        "extends": "built-in",
        "nodes": {"b": ["a", "c"], "a": ["a", "__end__"], "c": "__end__"},
        "subgraphs": {"b": ["x"]},
    }


def test_several_starts_are_written_down() -> None:
    drawn = graph("__start__>a __start__>b", dict, {})

    assert describe_graph(drawn)["nodes"] == {
        "__start__": ["a", "b"],
        "a": "__end__",
        "b": "__end__",
    }


def test_reducers_and_defaults_are_those_of_the_state() -> None:
    channels = {
        "needed": channel(),
        "topic": channel(),
        "notes": channel([], operator.add),
        "count": channel(0, operator.add),
        "messages": channel([], add_messages),
        "made": channel(),
        "table": channel(),
    }

    assert describe_graph(graph("__start__>a", State, channels))["state"] == {
        "messages": {"reducer": "messages"},
        "needed": None,
        "topic": {"default": "none"},
        "notes": {"reducer": "append"},
        "count": None,
        "made": None,
        "table": {"default": {"a": [1, None]}},
    }


def test_defaults_of_a_model_are_found() -> None:
    schema = SimpleNamespace(model_fields={"a": Field(), "b": Field(2)})

    state = describe_graph(graph("__start__>a", schema, {"a": channel(), "b": channel()}))["state"]
    assert state == {"a": None, "b": {"default": 2}}
