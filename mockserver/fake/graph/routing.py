"""Selects the next node of the fake graph. No I/O."""

from mockserver.fake.graph.metadata import AGENT, END, RESEARCHER, START, TOOLS
from mockserver.fake.graph.state import State, summarize_messages
from mockserver.fake.script.model import Script, Situation, Visit


def select_next_node(
    visits: tuple[Visit, ...], node: str, update: State, state: State, *, inside: bool = False
) -> str:
    """Return the node after *node*, whose *update* resulted in *state*; *visits* is the plan of the script.

    With *inside* it is a node of the subgraph.
    """
    if node in (START, TOOLS):
        return AGENT
    new_messages = update.get("messages")
    if new_messages and new_messages[-1].get("tool_calls"):
        return TOOLS
    _, _, done = summarize_messages(state)
    if not 0 < done < len(visits):
        return END
    inner = visits[done].inner
    if inside:
        return AGENT if inner else END
    return RESEARCHER if inner else AGENT


def plan_visits(script: Script, graph: str, state: State) -> tuple[Visit, ...]:
    message, humans, _ = summarize_messages(state)
    return script.plan_visits(Situation(graph, message, humans))
