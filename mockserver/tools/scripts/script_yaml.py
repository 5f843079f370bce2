"""The YAML text of a script. No I/O."""

from collections.abc import Iterable, Mapping
from typing import Any

from mockserver.cassette.yaml_codec import scalars
from mockserver.fake.script.topology import END, START, NoPathError, Topology

Document = dict[str, Any]


def dump_script(document: Document, *comments: str) -> str:
    """Return *document* as YAML, after *comments*."""
    head = "".join(f"# {comment}\n" for comment in comments)
    return head + "".join(f"{line}\n" for line in scalars.lines(document))


def describe_nodes(nodes: Iterable[str], edges: Mapping[str, Iterable[str]]) -> Any:
    """Return `nodes:` of a script: a list if *nodes* follow one another, else a mapping."""
    names = [node for node in nodes if node not in (START, END)]
    targets = {node: tuple(dict.fromkeys(edges.get(node, ()))) for node in (START, *names)}
    for node in names:
        _let_end(targets, names, node)
    if [targets[node] for node in (START, *names)] == [(node,) for node in (*names, END)]:
        return names
    first = targets[START][0]
    ordered = [first, *(node for node in names if node != first)] if first in names else names
    described: Document = {START: list(targets[START])} if targets[START] != (first,) else {}
    for node in ordered:
        following = targets[node]
        described[node] = list(following) if len(following) > 1 else following[0]
    return described


def _let_end(targets: dict[str, tuple[str, ...]], names: list[str], node: str) -> None:
    """Add an edge to the end if no other way leads there from *node*."""
    topology = Topology(tuple(names), {n: t for n, t in targets.items() if t})
    try:
        topology.find_path(node, END)
    except NoPathError:
        targets[node] = (*targets[node], END)
    else:
        targets[node] = targets[node] or (END,)
