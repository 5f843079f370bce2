"""Edges that a script need not write down, because its rules imply them. No I/O."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby, zip_longest

from mockserver.fake.script.model import Step
from mockserver.fake.script.plan import Visit, split_visits
from mockserver.fake.script.topology import END, NoPathError, Topology


def add_implied_edges(topology: Topology, rules: Iterable[tuple[Step, ...]]) -> Topology:
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
    if tool_node in topology.edges:
        try:
            topology.find_path(tool_node, caller)
        except NoPathError:
            pass
        else:
            return topology
    return topology.with_edge(tool_node, caller)
