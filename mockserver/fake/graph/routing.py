"""Selects the next node of the fake graph. No I/O."""

from mockserver.fake.graph.checkpoint_store import Namespace, TurnProgress
from mockserver.fake.graph.state import State, summarize_messages
from mockserver.fake.script.model import Script, Situation
from mockserver.fake.script.plan import Plan, plan_visits
from mockserver.fake.script.topology import END, START, TOOLS, Topology


def get_subgraph(namespace: Namespace) -> str | None:
    """Return the node that runs the graph at *namespace*, or None for the root graph."""
    return namespace[-1].partition(":")[0] if namespace else None


def get_topology(topology: Topology, namespace: Namespace) -> Topology:
    """Return the nodes of the graph at *namespace*; *topology* holds those of the root graph."""
    subgraph = get_subgraph(namespace)
    return topology if subgraph is None else topology.get_subgraph(subgraph)


def count_done(plan: Plan, state: State, progress: TurnProgress) -> int:
    """Return how many visits of *plan* are done in *state*."""
    _, _, said = summarize_messages(state)
    return plan.locate(said - progress.said_before, progress.played)


def select_next_node(
    plan: Plan, node: str, update: State, done: int, namespace: Namespace = ()
) -> str:
    """Return the node of the graph at *namespace* that follows *node*, which returned *update*; *done* visits of *plan* are done."""
    topology = get_topology(plan.topology, namespace)
    next_nodes = topology.get_next_nodes(node)
    due = _find_due_node(plan, done, get_subgraph(namespace))
    if node == START:
        return due if due in next_nodes else topology.entry
    last = plan.visits[done - 1] if done else None
    if node in topology.tool_nodes:
        return due if last is None or due in next_nodes else next_nodes[0]
    new_messages = update.get("messages")
    if new_messages and new_messages[-1].get("tool_calls"):
        return last.speech.tool_node if last and last.speech else TOOLS
    return due if done else END


def _find_due_node(plan: Plan, done: int, subgraph: str | None) -> str:
    """Return the node of the visit that is due, END if there is none in the graph that *subgraph* runs."""
    if done >= len(plan.visits):
        return END
    visit = plan.visits[done]
    if subgraph is None:
        return visit.root_node
    return visit.node if visit.subgraph == subgraph else END


def plan_turn(script: Script, graph: str, state: State, progress: TurnProgress) -> Plan:
    """Return what *script* has *graph* do in a turn that has come to *state*."""
    message, humans, _ = summarize_messages(state)
    if progress.is_silent and message is not None:
        message = ""
    return plan_visits(script, Situation(graph, message, humans, progress.facts or {}))
