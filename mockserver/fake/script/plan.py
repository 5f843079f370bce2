"""What the nodes of a graph do in a turn: the visits that the steps of a rule come to. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from mockserver.fake.script.model import (
    Delegate,
    EnterNode,
    Fail,
    Interrupt,
    Script,
    Situation,
    Speak,
    Step,
)
from mockserver.fake.script.topology import AGENT, END, START, Topology


@dataclass(frozen=True, slots=True)
class Visit:
    """What *node* does at one time: *steps* with at most one Speak; *subgraph* is the node whose graph it belongs to, if any."""

    steps: tuple[Step, ...] = ()
    node: str = AGENT
    subgraph: str | None = None

    @property
    def speech(self) -> Speak | None:
        """The message of the assistant, or None."""
        return next((step for step in self.steps if isinstance(step, Speak)), None)

    @property
    def root_node(self) -> str:
        """The node of the root graph that does it."""
        return self.subgraph or self.node

    @property
    def last_node(self) -> str:
        """The node after which the graph goes on: the one that answers its tool calls, if it has any."""
        return self.speech.tool_node if self.speech and self.speech.calls else self.node


@dataclass(frozen=True, slots=True)
class Plan:
    """The *visits* of a turn in a graph with this *topology*; *has_rule* is false if no rule matches."""

    topology: Topology
    visits: tuple[Visit, ...]
    has_rule: bool = True

    def locate(self, said: int, played: int) -> int:
        """Return the number of visits that are done when *said* messages of the assistant exist.

        *played* is how many were played; it decides only between visits without a message, because clients may write messages.
        """
        speaking = [number for number, visit in enumerate(self.visits, 1) if visit.speech]
        if sum(number <= played for number in speaking) == said:
            return played
        if said > len(speaking):
            return len(self.visits)
        return speaking[said - 1] if said else 0

    def find_due(self, node: str, done: int) -> int | None:
        """Return the number of the visit that *node* plays next, or None if it has none.

        It is the visit that is due, unless a client has sent the graph to *node*.
        """
        due = min(done, len(self.visits) - 1)
        numbers = range(due, len(self.visits))
        return next((number for number in numbers if self.visits[number].node == node), None)

    def find_visit(self, node: str, subgraph: str | None, done: int) -> int:
        """Return how many visits are done after the next visit of *node*, or *done* if it is not visited again."""
        for number, visit in enumerate(self.visits[done:], done + 1):
            if (visit.node, visit.subgraph) == (node, subgraph):
                return number
        return done


def plan_visits(script: Script, situation: Situation) -> Plan:
    """Return what the graph does in *situation*; raise SlowPatternError if a pattern takes too long."""
    steps = script.find_steps(situation)
    visits = build_visits(steps or (), script.topology)
    return Plan(script.topology, visits, has_rule=steps is not None)


def build_visits(steps: tuple[Step, ...], topology: Topology) -> tuple[Visit, ...]:
    """Return the visits that play *steps*, and those of the nodes on the way; raise NoPathError if there is no way."""
    return tuple(_visit_between(split_visits(steps, topology), topology))


def _visit_between(visits: list[Visit], topology: Topology) -> Iterator[Visit]:
    """Yield *visits*, and before each and at the end those of the nodes on the way, which do nothing."""
    at = START
    for subgraph, group in groupby(visits, key=lambda visit: visit.subgraph):
        if subgraph is None:
            for visit in group:
                yield from _pass_through(at, visit.node, topology)
                yield visit
                at = visit.last_node
        else:
            yield from _pass_through(at, subgraph, topology)
            yield from _within(subgraph, list(group), topology)
            at = subgraph
    yield from _pass_through(at, END, topology)


def _pass_through(source: str, target: str, topology: Topology) -> Iterator[Visit]:
    for node in topology.find_path(source, target):
        if node in topology.subgraphs:
            yield from _within(node, [], topology)
        else:
            yield Visit((), node)


def _within(subgraph: str, visits: list[Visit], topology: Topology) -> Iterator[Visit]:
    own = [replace(visit, subgraph=None) for visit in visits]
    for visit in _visit_between(own, topology.get_subgraph(subgraph)):
        yield replace(visit, subgraph=subgraph)


def split_visits(steps: tuple[Step, ...], topology: Topology) -> list[Visit]:
    """Split *steps* into visits: where the node changes, and after each message; steps between two messages belong to the second.

    Steps before a Delegate or after the last message of a node belong to its previous message, unless they stop the run
    or tools answer that message first.
    """
    visits: list[Visit] = []
    waiting: list[Step] = []
    node = topology.entry
    for step in steps:
        match step:
            case EnterNode():
                _append_rest(visits, waiting, node)
                waiting, node = [], step.node
            case Delegate():
                subgraph = step.node or topology.delegate_node
                first, *others = split_visits(step.steps, topology.get_subgraph(subgraph))
                before = tuple(_append_to_last(visits, waiting, node))
                inner = (replace(first, steps=before + first.steps), *others)
                visits += (replace(visit, subgraph=subgraph) for visit in inner)
                waiting = []
            case Speak():
                visits.append(Visit((*waiting, step), node))
                waiting = []
            case _:
                waiting.append(step)
    _append_rest(visits, waiting, node)
    return visits


def _append_rest(visits: list[Visit], steps: list[Step], node: str) -> None:
    if remaining := _append_to_last(visits, steps, node):
        visits.append(Visit(tuple(remaining), node))


def _append_to_last(visits: list[Visit], steps: list[Step], node: str) -> list[Step]:
    """Add *steps* to the last of *visits* if possible; return the steps that could not be added."""
    if not visits or (visits[-1].last_node, visits[-1].subgraph) != (node, None):
        return steps
    if any(isinstance(step, Fail | Interrupt) for step in steps):
        return steps
    visits[-1] = replace(visits[-1], steps=(*visits[-1].steps, *steps))
    return []
