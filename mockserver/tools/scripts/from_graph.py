"""Describe a LangGraph graph as a script. No I/O; the graph is used as it is, without an import of LangGraph."""

from collections import defaultdict
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from mockserver.fake.script.state_keys import MESSAGES, Reducer
from mockserver.formats.json_text import Json
from mockserver.tools.scripts.script_yaml import Document, describe_nodes


def describe_graph(graph: Any) -> Document:
    """Return the script with the nodes and the state of *graph*, a compiled graph, and the rules of the built-in script."""
    document: Document = {"extends": "built-in", "nodes": _describe_nodes(graph)}
    subgraphs = {name: _describe_nodes(inner) for name, inner in graph.get_subgraphs()}
    if subgraphs:
        document["subgraphs"] = subgraphs
    state = _describe_state(graph.builder)
    return document | ({"state": state} if state else {})


def _describe_nodes(graph: Any) -> Any:
    drawing = graph.get_graph()
    edges: defaultdict[str, list[str]] = defaultdict(list)
    for edge in drawing.edges:
        edges[edge.source].append(edge.target)
    return describe_nodes(drawing.nodes, edges)


def _describe_state(builder: Any) -> Document:
    defaults = _find_defaults(builder.state_schema)
    state: Document = {}
    for name, channel in builder.channels.items():
        reducer = _find_reducer(channel)
        if reducer is not Reducer.REPLACE:
            state[name] = {"reducer": reducer.value}
        elif name in defaults:
            state[name] = {"default": defaults[name]}
        else:
            state[name] = None
    return {name: state[name] for name in sorted(state, key=lambda name: name != MESSAGES)}


def _find_reducer(channel: Any) -> Reducer:
    function = getattr(getattr(channel, "operator", None), "__name__", "")
    if "add_messages" in function:
        return Reducer.MESSAGES
    is_list = isinstance(getattr(channel, "value", None), list)
    return Reducer.APPEND if is_list and function in ("add", "concat", "iadd") else Reducer.REPLACE


def _find_defaults(schema: Any) -> dict[str, Json]:
    """Return the defaults of a state that is a dataclass or a pydantic model, as far as they are JSON."""
    found: dict[str, Any] = {}
    if is_dataclass(schema):
        for field in fields(schema):
            if field.default_factory is not MISSING:
                found[field.name] = field.default_factory()
            elif field.default is not MISSING:
                found[field.name] = field.default
    for name, model_field in getattr(schema, "model_fields", {}).items():
        if not model_field.is_required():
            found[name] = model_field.get_default(call_default_factory=True)
    return {name: value for name, value in found.items() if _is_json(value)}


def _is_json(value: Any) -> bool:
    match value:
        case None | bool() | int() | float() | str():
            return True
        case list():
            return all(map(_is_json, value))
        case dict():
            return all(isinstance(key, str) and _is_json(part) for key, part in value.items())
        case _:
            return False
