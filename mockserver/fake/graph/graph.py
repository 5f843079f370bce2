"""The fake graph: it plays a script with the nodes `agent` and `tools` and the subgraph `researcher`. No I/O.

    __start__ -> agent -> tools -> agent -> … -> __end__
                 agent -> researcher (agent, tools) -> agent

The tests compare it with a real LangGraph graph that plays the same scripts.
"""

from collections.abc import Iterator
from dataclasses import replace

from mockserver.errors import SlowPatternError
from mockserver.fake.errors import RunFailed, RunInterrupted
from mockserver.fake.graph.checkpointer import Checkpointer
from mockserver.fake.graph.metadata import AGENT, END, TOOLS, Scope, node_metadata
from mockserver.fake.graph.nodes import Nodes
from mockserver.fake.graph.routing import next_node, planned_visits
from mockserver.fake.graph.start import RunStart, StartPoint, scope_of
from mockserver.fake.graph.state import State, conversation, merge_update
from mockserver.fake.messages.model import Message
from mockserver.fake.script.model import Fail, Script, Visit
from mockserver.formats.json_text import Json

_DEFAULT_LIMIT = 10_007
_LIMIT_REACHED = "Recursion limit of {limit} reached without hitting a stop condition."


class Graph:
    """One run of the fake graph: it plays *script* with *nodes* and saves to *checkpointer*."""

    def __init__(self, script: Script, nodes: Nodes, checkpointer: Checkpointer) -> None:
        self._script = script
        self._nodes = nodes
        self._request = nodes.request
        self._ids = nodes.ids
        self._modes = nodes.modes
        self._callbacks = nodes.callbacks
        self._checkpointer = checkpointer
        self._limit = int(self._request.config.get("recursion_limit", _DEFAULT_LIMIT))
        self._start = RunStart(nodes, checkpointer, self._plan_visits)
        self._visits: tuple[Visit, ...] = ()
        self.has_no_rule = False
        """Whether there are messages, but no rule of the script matches."""
        self.slow_pattern: str | None = None
        """The error of a script pattern that took too long, or None."""
        self.error: RunFailed | None = None
        """The error that ended the run, or None."""

    def run(self) -> None:
        """Apply the input, and play until the end, an interrupt or an error."""
        root = Scope(self._request.run_id)
        try:
            if self._limit < 1:
                raise RunFailed("ValueError", "recursion_limit must be at least 1")
            if self._request.durability == "sync" and not self._request.keeps_thread:
                raise RunFailed("AttributeError", "the durability `sync` needs a thread")
            point = self._start.start(root)
            self._callbacks.graph_end(root, self._play_root(point))
        except RunFailed as error:
            self.error = error
            self._modes.error(error.payload)

    def _play_root(self, point: StartPoint) -> State:
        """Play the root graph; return its state at the end or at an interrupt."""
        state, scope, again = point.state, point.scope, point.again
        steps = self._steps()
        while next(steps) and scope is not None:
            node = scope.node
            if not again and self._stops(self._request.interrupt_before, node):
                break
            again = False
            try:
                state, scope = self._run_task(scope, state)
            except RunInterrupted:
                break
            if self._stops(self._request.interrupt_after, node):
                break
        return state

    def _play_subgraph(self, graph: Scope, state: State) -> State:
        """Play the subgraph; return its final state."""
        head = self._checkpointer.head(graph.namespace)
        if head is None:
            self._checkpointer.save_input(graph.namespace, state)
            self._start.update_input_task(graph.namespace, result=state)
            point = self._start.start_at(graph, state, AGENT, shown=True)
        else:
            point = self._start.resume(graph, head)
        state, scope = point.state, point.scope
        steps = self._steps()
        while next(steps) and scope is not None:
            state, scope = self._run_task(scope, state)
        return state

    def _plan_visits(self, state: State) -> None:
        """Find the visits that the script plans for *state*."""
        try:
            self._visits = planned_visits(self._script, self._request.graph, state)
        except SlowPatternError as error:
            self.slow_pattern = str(error)
            self._visits = (Visit((Fail("TimeoutError", self.slow_pattern),)),)
        self.has_no_rule = "messages" in state and not self._visits
        changes: list[Message] = state.get("messages", [])
        self._modes.mark_sent(changes)

    def _steps(self) -> Iterator[int]:
        """Count the steps from 1; raise RunFailed after the recursion limit, even if nothing is left to do."""
        yield from range(1, self._limit + 1)
        raise RunFailed("GraphRecursionError", _LIMIT_REACHED.format(limit=self._limit))

    def _stops(self, nodes: Json, node: str) -> bool:
        if nodes and not isinstance(nodes, str | list | dict):
            raise RunFailed("TypeError", "the nodes to stop at must be a list or `*`")
        wanted = nodes == "*" or node in (nodes or ())
        if wanted:
            self._modes.interrupted((), {}, ())
        return wanted

    def _run_task(self, scope: Scope, state: State) -> tuple[State, Scope | None]:
        """Run one node; return the new state and the scope of the next node, or None at the end."""
        self._modes.task(scope, state)
        self._callbacks.node_start(scope, state)
        try:
            update = self._run_node(scope, state)
        except RunFailed as error:
            self._modes.result(scope, None, error=error.payload)
            self._update_task(scope, error=error.repr_text)
            raise
        except RunInterrupted as interrupted:
            self._modes.interrupted(scope.namespace, state, interrupted.interrupts)
            self._modes.result(scope, None, interrupts=interrupted.interrupts)
            self._update_task(scope, interrupts=interrupted.interrupts, error=None)
            raise
        shown = self._shown_update(scope, update)
        after = merge_update(state, update, self._ids, scope.task)
        self._update_task(scope, result=shown, error=None)
        following = self._select_next(scope, update, after)
        self._callbacks.node_end(scope, state, update or None)
        metadata = node_metadata(self._request, scope)
        for message in update.get("messages", ()):
            self._modes.message(scope, message, metadata)
        self._modes.updates(scope.namespace, scope.node, shown)
        self._modes.result(scope, shown)
        if update:
            self._modes.values(scope.namespace, after)
        then = (
            None
            if following == END
            else scope_of(self._ids, scope.namespace, scope.parents, following, scope.step + 1)
        )
        self._checkpointer.save_step(scope.namespace, scope.step, after, then, scope.node)
        return after, then

    def _update_task(self, scope: Scope, **changes: Json) -> None:
        if scope.task in self._nodes.answers:
            changes["answers"] = self._nodes.answers[scope.task]
        self._checkpointer.update_task(scope.namespace, scope.task, **changes)

    def _shown_update(self, scope: Scope, update: State) -> State | None:
        """Return *update* as the stream and the history show it: in some modes tool messages get their ids later."""
        if scope.node != TOOLS or scope.namespace or not self._modes.sends_updates_early:
            return update or None
        return {"messages": [message | {"id": None} for message in update["messages"]]}

    def _select_next(self, scope: Scope, update: State, state: State) -> str:
        """Return the next node; emit the routing callback if a function of the graph selects it."""
        following = next_node(self._visits, scope.node, update, state, inside=bool(scope.namespace))
        if scope.node != TOOLS:
            route = scope.within(self._ids.uuid7("route", scope.task))
            self._callbacks.route(route, state, following)
        return following

    def _run_node(self, scope: Scope, state: State) -> State:
        """Run the node at *scope*; return its update of the state."""
        _, _, done = conversation(state)
        visits = self._visits
        match scope.node:
            case "agent":
                visit = visits[min(done, len(visits) - 1)] if visits else None
                return self._nodes.agent(scope, state, visit)
            case "tools":
                if not state["messages"] or not 0 < done <= len(visits):
                    raise RunFailed("IndexError", "no tool call is open")
                return self._nodes.tools(scope, state, visits[done - 1])
            case _:
                graph = scope.within(self._ids.uuid7("graph", scope.task))
                self._callbacks.inner_start(graph, state)
                after = self._play_subgraph(replace(graph, namespace=scope.path), state)
                self._callbacks.inner_end(graph, state, after)
                return after
