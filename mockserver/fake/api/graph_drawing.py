"""The drawing of a graph, as `GET /assistants/{id}/graph` returns it. No I/O."""

from collections.abc import Mapping

from mockserver.fake.script.topology import END, START, Topology
from mockserver.formats.json_text import Json


def draw_graph(topology: Topology, *, inside: bool = False) -> dict[str, list[Json]]:
    """Return the nodes and edges of a graph; with *inside*, the nodes of a subgraph take its place."""
    subgraphs = topology.subgraphs if inside else {}
    nodes = [_draw_node(START), *map(_draw_node, topology.nodes), {"id": END}]
    edges = _draw_edges(
        topology,
        {name: f"{name}:{END}" for name in subgraphs},
        {name: f"{name}:{START}" for name in subgraphs},
    )
    for name, subgraph in subgraphs.items():
        nodes.remove(_draw_node(name))
        names = {node: f"{name}:{node}" for node in (START, *subgraph.nodes, END)}
        nodes += [_draw_node(names[node]) for node in (START, *subgraph.nodes)]
        nodes.append({"id": names[END]})
        edges += _draw_edges(subgraph, names, names)
    return {"nodes": nodes, "edges": edges}


def _draw_node(name: str) -> dict[str, Json]:
    return {"id": name, "type": "runnable", "data": {"name": name}}


def _draw_edges(
    topology: Topology, sources: Mapping[str, str], targets: Mapping[str, str]
) -> list[Json]:
    """Return the edges of *topology*; *sources* and *targets* are other names for its nodes.

    As on the real server, they are sorted, and those of the last nodes come last.
    """
    ordered = sorted((START, *topology.nodes))
    ordered.sort(key=lambda node: topology.get_next_nodes(node) == (END,))
    return [
        {"source": sources.get(source, source), "target": targets.get(target, target)}
        | ({"conditional": True} if topology.is_conditional(source) else {})
        for source in ordered
        for target in sorted(topology.get_next_nodes(source))
    ]
