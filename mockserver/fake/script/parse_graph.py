"""Parses the nodes of a script from YAML, adds the edges that its rules imply, and checks that they use its nodes. No I/O."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from difflib import get_close_matches
from itertools import groupby, zip_longest
from typing import Any

from mockserver.errors import ReadError
from mockserver.fake.script.model import Delegate, Speak, Step
from mockserver.fake.script.plan import Visit, build_visits, split_visits
from mockserver.fake.script.topology import (
    DEFAULT,
    END,
    START,
    TOOLS,
    NoPathError,
    Topology,
    create_sequence,
)
from mockserver.formats.strict_yaml import Mapping, Sequence, get_typed, iter_texts

_RESERVED = frozenset("|:")
"""Characters that LangGraph allows in no name of a node."""


def parse_topology(document: Mapping, rules: Collection[tuple[Step, ...]]) -> Topology:
    """Return the nodes of the script *document*, with the edges that the steps of its *rules* imply."""
    nodes = document.get("nodes")
    if nodes in (None, list(DEFAULT.nodes)) and "subgraphs" not in document:
        return DEFAULT
    if nodes is None:
        raise ReadError("subgraphs needs `nodes`", line=document.lines["subgraphs"])
    topology = _parse_nodes(document, "nodes", _find_tool_nodes(rules), "nodes")
    subgraphs = get_typed(document, "subgraphs", Mapping) or Mapping(1)
    inside: dict[str, Topology] = {}
    for name in subgraphs:
        _require_name(name, topology.nodes, "subgraphs", subgraphs.lines[name])
        inner = [
            step.steps
            for steps in rules
            for step in steps
            if isinstance(step, Delegate) and step.node == name
        ]
        inside[name] = _parse_nodes(subgraphs, name, _find_tool_nodes(inner), f"subgraphs: {name}")
    topology = _add_implied_edges(replace(topology, subgraphs=inside), rules)
    for graph in (topology, *topology.subgraphs.values()):
        _check_ends(graph, document.lines["nodes"])
    return topology


def _check_ends(topology: Topology, line: int) -> None:
    for node in topology.nodes:
        try:
            topology.find_path(node, END)
        except NoPathError:
            raise ReadError(f"no way from `{node}` to `{END}`", line=line) from None


def _find_tool_nodes(rules: Iterable[tuple[Step, ...]]) -> frozenset[str]:
    steps = (step for rule in rules for step in rule)
    calling = (step.tool_node for step in steps if isinstance(step, Speak) and step.calls)
    return frozenset({TOOLS, *calling})


def _parse_nodes(part: Mapping, key: str, tool_nodes: frozenset[str], where: str) -> Topology:
    """Return the nodes in *key* of *part*; *where* names them in messages."""
    nodes, line = part[key], part.lines[key]
    if not isinstance(nodes, Mapping | Sequence) or not nodes:
        why = f"{where} must be a list of nodes, or a mapping of each node to those that may follow it"
        raise ReadError(why, line=line)
    names = list(nodes) if isinstance(nodes, Mapping) else list(iter_texts(nodes, where))
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ReadError(f"{where} has `{name}` twice", line=line)
        if name == END or not name or _RESERVED & set(name) or (name == START and number):
            raise ReadError(f"{where}: `{name}` cannot be the name of a node", line=line)
    if isinstance(nodes, Sequence):
        if START in names:
            raise ReadError(f"{where}: leave out `{START}`, the list begins there", line=line)
        topology = create_sequence(names, tool_nodes)
    else:
        topology = _parse_edges(nodes, where, tool_nodes)
    if topology.entry in (*tool_nodes, END):
        raise ReadError(f"{where}: begin with a node that is not for tools", line=line)
    return topology


def _parse_edges(nodes: Mapping, where: str, tool_nodes: frozenset[str]) -> Topology:
    """Return the graph in which each node of *nodes* is followed by those in its value."""
    names = tuple(name for name in nodes if name != START)
    edges: dict[str, tuple[str, ...]] = {START: names[:1]}
    for name, value in nodes.items():
        line = nodes.lines[name]
        targets = [value] if isinstance(value, str) else value
        if targets is not None and not isinstance(targets, list):
            why = f"{where}: `{name}` is followed by a node or a list of nodes"
            raise ReadError(why, line=line)
        for target in targets or ():
            _require_name(target, (*names, END), f"{where}: `{name}`", line)
        edges[name] = tuple(targets or (END,))
    return Topology(names, edges, tool_nodes=tool_nodes)


def _add_implied_edges(topology: Topology, rules: Iterable[tuple[Step, ...]]) -> Topology:
    """Return *topology* with the edges that the steps of *rules* imply.

    A node that sends two messages follows itself, a call leads to the node of its tool and back, and a `delegate` without
    a node of its own to the subgraph and back.
    """
    for steps in rules:
        topology = _add_rule(topology, split_visits(steps, topology))
    return topology


def _add_rule(topology: Topology, visits: list[Visit]) -> Topology:
    groups = [(name, list(group)) for name, group in groupby(visits, lambda v: v.subgraph)]
    for number, (subgraph, group) in enumerate(groups):
        if subgraph is None:
            topology = _add_own(topology, group)
            continue
        if subgraph not in topology.nodes:
            after = groups[number + 1][1][0].root_node if groups[number + 1 :] else END
            before = groups[number - 1][1][-1].last_node if number else topology.entry
            topology = topology.with_edge(before, subgraph).with_edge(subgraph, after)
        inner = [replace(visit, subgraph=None) for visit in group]
        subgraphs = topology.subgraphs
        inside = _add_own(topology.get_subgraph(subgraph), inner)
        topology = replace(topology, subgraphs={**subgraphs, subgraph: inside})
    return topology


def _add_own(topology: Topology, visits: list[Visit]) -> Topology:
    """Return *topology* with the edges that *visits* of its own nodes imply."""
    for visit, following in zip_longest(visits, visits[1:]):
        tool_node = visit.last_node
        if tool_node != visit.node:
            topology = _add_tools(topology, visit.node, tool_node)
        elif following is not None and following.node == visit.node:
            topology = topology.with_edge(visit.node, visit.node)
    return topology


def _add_tools(topology: Topology, caller: str, tool_node: str) -> Topology:
    topology = topology.with_edge(caller, tool_node)
    try:
        topology.find_path(tool_node, caller)
    except NoPathError:
        return topology.with_edge(tool_node, caller)
    return topology


def _require_name(name: Any, names: Collection[str], where: str, line: int) -> None:
    """Raise ReadError if *name* is none of the nodes *names*; *where* names the part in the message."""
    if name not in names:
        like = get_close_matches(str(name), names, 1)
        others = "" if like else f" (nodes: {', '.join(names)})"
        why = f"{where}: there is no node `{name}`{others}"
        raise ReadError(why, line=line, suggestion=like[0] if like else None)


def check_nodes(steps: tuple[Step, ...], items: Sequence, topology: Topology) -> None:
    """Raise ReadError if *steps*, written as *items*, name nodes that *topology* does not have, or that it does not lead to."""
    _check_names(items, topology)
    try:
        build_visits(steps, topology)
    except NoPathError as error:
        target = "the end" if error.target == END else f"`{error.target}`"
        why = f"`nodes` has no way from `{error.source}` to {target}"
        raise ReadError(why, line=_find_line(items, error.target)) from None


def _check_names(items: Sequence, topology: Topology) -> None:
    for item in items:
        node = item.get("node")
        if node is not None:
            _require_name(node, topology.nodes, "node", item.lines["node"])
            is_tools = node in topology.tool_nodes
            if is_tools or (node in topology.subgraphs) != ("delegate" in item):
                kind = "answers tool calls" if is_tools else "runs a subgraph: use `delegate`"
                raise ReadError(f"node: `{node}` {kind}", line=item.lines["node"])
        if "delegate" in item:
            subgraph = topology.get_subgraph(node or topology.delegate_node)
            _check_names(item["delegate"], subgraph)


def _find_line(items: Sequence, node: str) -> int:
    """Return the line of the first step that names *node*, or of the last step."""
    for item in items:
        if item.get("node") == node:
            return int(item.lines["node"])
        if "delegate" in item and any(one.get("node") == node for one in item["delegate"]):
            return _find_line(item["delegate"], node)
    return items.lines[-1]
