"""The nodes of a graph, and which may follow which. No I/O."""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

START, AGENT, TOOLS, RESEARCHER, END = "__start__", "agent", "tools", "researcher", "__end__"
"""The nodes of the graph if a script names none; the researcher is a subgraph."""


class NoPathError(Exception):
    """There is no way from the node *source* to *target*."""

    def __init__(self, source: str, target: str) -> None:
        super().__init__(source, target)
        self.source = source
        self.target = target


@dataclass(frozen=True, slots=True)
class Topology:
    """A graph: *nodes* in their order, *edges* from each node (or START) to those that may follow it, and its *subgraphs* by node."""

    nodes: tuple[str, ...]
    edges: Mapping[str, tuple[str, ...]]
    subgraphs: Mapping[str, "Topology"] = field(default_factory=dict)
    tool_nodes: frozenset[str] = frozenset({TOOLS})
    """Nodes that run only to answer tool calls."""

    @property
    def entry(self) -> str:
        """The node that plays steps without a node of their own."""
        return self.edges[START][0]

    @property
    def delegate_node(self) -> str:
        """The node that runs the subgraph of a Delegate without a node of its own."""
        return next(iter(self.subgraphs), RESEARCHER)

    def get_next_nodes(self, node: str) -> tuple[str, ...]:
        return self.edges.get(node, (END,))

    def is_conditional(self, node: str) -> bool:
        """Whether a function of the graph selects the node after *node*."""
        return len(self.get_next_nodes(node)) > 1

    def get_subgraph(self, node: str) -> "Topology":
        return self.subgraphs.get(node, DEFAULT_SUBGRAPH)

    def find_path(self, source: str, target: str) -> tuple[str, ...]:
        """Return the nodes between *source* and *target* on the shortest path; raise NoPathError if there is none."""
        queue: deque[tuple[str, ...]] = deque([(source,)])
        seen = set(self.tool_nodes)
        while queue:
            path = queue.popleft()
            for node in self.get_next_nodes(path[-1]):
                if node == target:
                    return path[1:]
                if node != END and node not in seen:
                    seen.add(node)
                    queue.append((*path, node))
        raise NoPathError(source, target)

    def with_edge(self, source: str, target: str) -> "Topology":
        """Return the topology with an edge from *source* to *target*, two nodes that it may not have yet."""
        new = tuple(node for node in (source, target) if node not in (*self.nodes, START, END))
        before = self.edges.get(source, ())
        after = before if target in before else (*before, target)
        return replace(self, nodes=(*self.nodes, *new), edges={**self.edges, source: after})


def create_sequence(nodes: Collection[str], tool_nodes: frozenset[str]) -> Topology:
    """Return the graph whose *nodes* follow one another, except those of *tool_nodes*: each returns to the node before it."""
    order = [START, *(node for node in nodes if node not in tool_nodes), END]
    edges = {node: (following,) for node, following in pairwise(order)}
    topology = Topology(tuple(nodes), edges, tool_nodes=tool_nodes)
    caller = None
    for node in nodes:
        if node not in tool_nodes:
            caller = node
        elif caller is not None:
            topology = topology.with_edge(caller, node).with_edge(node, caller)
    return topology


DEFAULT_SUBGRAPH = Topology(
    (AGENT, TOOLS), {START: (AGENT,), AGENT: (END, AGENT, TOOLS), TOOLS: (AGENT,)}
)
"""The nodes of a subgraph if a script names none."""

DEFAULT = Topology(
    (AGENT, TOOLS, RESEARCHER),
    {
        START: (AGENT,),
        AGENT: (END, AGENT, RESEARCHER, TOOLS),
        RESEARCHER: (END, AGENT, RESEARCHER),
        TOOLS: (AGENT,),
    },
    {RESEARCHER: DEFAULT_SUBGRAPH},
)
"""The graph if a script names no nodes."""
