"""The fake graph: each run plays a script with the nodes that the script names. No I/O.

By default these are `agent` and `tools`, and the subgraph `researcher`:

    __start__ -> agent -> tools -> agent -> … -> __end__
                 agent -> researcher (agent, tools) -> agent

The tests compare it with a real LangGraph graph that plays the same scripts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mockserver.errors import SlowPatternError
from mockserver.fake.graph.checkpoint_store import History, Namespace
from mockserver.fake.graph.checkpointer import Checkpointer
from mockserver.fake.graph.event_log import EventLog
from mockserver.fake.graph.events_mode import Callbacks
from mockserver.fake.graph.metadata import SUBGRAPH, Scope, build_node_metadata
from mockserver.fake.graph.nodes import Nodes
from mockserver.fake.graph.routing import count_done, get_topology, plan_turn, select_next_node
from mockserver.fake.graph.run_start import RunStart, StartPoint, create_scope
from mockserver.fake.graph.state import State, merge_update
from mockserver.fake.graph.stream_events import StreamEvents
from mockserver.fake.graph.stream_modes import StreamModes
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.run_errors import RunFailed, RunInterrupted
from mockserver.fake.run_request import RunRequest
from mockserver.fake.script.model import Fail, Script
from mockserver.fake.script.plan import Plan, Visit
from mockserver.fake.script.topology import END, START
from mockserver.formats.json_text import Json

_DEFAULT_LIMIT = 10_007


class Graph:
    """One run of the fake graph: it plays the script with *nodes* and saves to *checkpointer*."""

    def __init__(self, nodes: Nodes, checkpointer: Checkpointer) -> None:
        self._script = nodes.script
        self._nodes = nodes
        self._log = nodes.log
        self._request = nodes.request
        self._ids = nodes.ids
        self._modes = nodes.modes
        self._callbacks = nodes.callbacks
        self._checkpointer = checkpointer
        self._limit = int(self._request.config.get("recursion_limit", _DEFAULT_LIMIT))
        self._start = RunStart(nodes, checkpointer, self._plan_turn, self._select_first)
        self._plan = Plan(nodes.script.topology, ())

    def run(self) -> None:
        """Apply the input, and play until the end, an interrupt or an error."""
        root = Scope(self._request.run_id)
        try:
            if self._limit < 1:
                raise RunFailed("ValueError", "recursion_limit must be at least 1")
            if self._request.durability == "sync" and not self._request.keeps_thread:
                raise RunFailed("AttributeError", "the durability `sync` needs a thread")
            point = self._start.start(root)
            self._callbacks.emit_graph("on_chain_end", root, {"output": self._play_root(point)})
        except RunFailed as error:
            self._log.error = error
            self._modes.send_error(error.payload)

    def _play_root(self, point: StartPoint) -> State:
        state, scope, again = point.state, point.scope, point.again
        steps = self._count_steps()
        while next(steps) and scope is not None:
            node = scope.node
            if not again and self._stops_at(self._request.interrupt_before, node):
                break
            again = False
            try:
                state, scope = self._run_task(scope, state)
            except RunInterrupted:
                break
            if self._stops_at(self._request.interrupt_after, node):
                break
        return state

    def _play_subgraph(self, graph: Scope, state: State) -> State:
        head = self._checkpointer.head(graph.namespace)
        if head is None:
            self._checkpointer.save_input(graph.namespace, state)
            self._start.update_input_task(graph.namespace, result=state)
            point = self._start.start_at(graph, state, None, shown=True)
        else:
            point = self._start.resume(graph, head)
        state, scope = point.state, point.scope
        steps = self._count_steps()
        while next(steps) and scope is not None:
            state, scope = self._run_task(scope, state)
        return state

    def _plan_turn(self, state: State) -> None:
        """Find what the script plans for a turn that has come to *state*."""
        progress = self._checkpointer.progress
        try:
            self._plan = plan_turn(self._script, self._request.graph, state, progress)
            no_rule = "no rule of the script matches, so the graph sends no message"
            self._log.note = None if self._plan.has_rule or "messages" not in state else no_rule
        except SlowPatternError as error:
            self._log.note = str(error)
            topology = self._script.topology
            failure = Visit((Fail("TimeoutError", self._log.note),), topology.entry)
            self._plan = Plan(topology, (failure,))
        self._modes.mark_sent(state.get("messages", []))

    def _select_first(self, namespace: Namespace, state: State) -> str:
        """Return the node with which the graph at *namespace* starts."""
        return select_next_node(self._plan, START, {}, self._count_done(state), namespace)

    def _count_done(self, state: State) -> int:
        return count_done(self._plan, state, self._checkpointer.progress)

    def _count_steps(self) -> Iterator[int]:
        """Count the steps from 1; raise RunFailed after the recursion limit, even if nothing is left to do."""
        yield from range(1, self._limit + 1)
        raise RunFailed("GraphRecursionError", f"Recursion limit of {self._limit} reached")

    def _stops_at(self, nodes: Json, node: str) -> bool:
        if nodes and not isinstance(nodes, str | list | dict):
            raise RunFailed("TypeError", "the nodes to stop at must be a list or `*`")
        wanted = nodes == "*" or node in (nodes or ())
        if wanted:
            self._modes.send_interrupts((), {}, ())
        return wanted

    def _run_task(self, scope: Scope, state: State) -> tuple[State, Scope | None]:
        """Run one node; return the new state and the scope of the next node, or None at the end."""
        seen = self._script.state.read(state)
        self._modes.send_task(scope, seen)
        self._callbacks.emit_node("on_chain_start", scope, {"input": seen})
        try:
            update = self._run_node(scope, state)
        except RunFailed as error:
            self._modes.send_result(scope, None, error=error.payload)
            self._update_task(scope, error=error.repr_text)
            raise
        except RunInterrupted as interrupted:
            self._modes.send_interrupts(scope.namespace, state, interrupted.interrupts)
            self._modes.send_result(scope, None, interrupts=interrupted.interrupts)
            self._update_task(scope, interrupts=interrupted.interrupts, error=None)
            raise
        shown = self._hide_new_ids(scope, update)
        after = merge_update(state, update, self._ids, scope.task, self._script.state)
        self._update_task(scope, result=shown or {}, error=None)
        following = self._select_next(scope, update, after)
        output = update or None
        self._callbacks.emit_node("on_chain_stream", scope, {"chunk": output})
        self._callbacks.emit_node("on_chain_end", scope, {"output": output, "input": seen})
        metadata = build_node_metadata(self._request, scope)
        for message in update.get("messages", ()):
            self._modes.send_message(scope, message, metadata)
        self._modes.send("updates", scope.namespace, {scope.node: shown})
        self._modes.send_result(scope, shown)
        if update:
            self._modes.send("values", scope.namespace, after)
        then = (
            None
            if following == END
            else create_scope(self._ids, scope.namespace, scope.parents, following, scope.step + 1)
        )
        self._checkpointer.save_step(scope.namespace, scope.step, after, then, scope.node)
        return after, then

    def _update_task(self, scope: Scope, **changes: Json) -> None:
        if scope.task in self._nodes.answers:
            changes["answers"] = self._nodes.answers[scope.task]
        self._checkpointer.update_task(scope.namespace, scope.task, **changes)

    def _hide_new_ids(self, scope: Scope, update: State) -> State | None:
        """Return *update* as the stream and the history show it: in some modes the server sends tool messages before they have ids."""
        is_tools = scope.node in self._script.topology.tool_nodes
        if not is_tools or scope.namespace or not self._modes.sends_updates_early:
            return update or None
        return {"messages": [message | {"id": None} for message in update["messages"]]}

    def _select_next(self, scope: Scope, update: State, state: State) -> str:
        """Return the next node; emit the routing callback if a function of the graph selects it."""
        done = self._count_done(state)
        following = select_next_node(self._plan, scope.node, update, done, scope.namespace)
        if get_topology(self._plan.topology, scope.namespace).is_conditional(scope.node):
            route = scope.within(self._ids.uuid7("route", scope.task))
            self._callbacks.emit_route(route, self._script.state.read(state), following)
        return following

    def _run_node(self, scope: Scope, state: State) -> State:
        topology = get_topology(self._plan.topology, scope.namespace)
        if scope.node in topology.subgraphs:
            return self._run_subgraph(scope, state)
        visits, done = self._plan.visits, self._count_done(state)
        if scope.node in topology.tool_nodes:
            speech = visits[done - 1].speech if done else None
            if speech is None or not state["messages"]:
                raise RunFailed("IndexError", "no tool call is open")
            update = self._nodes.run_tools(scope, state, speech.calls)
        else:
            number = self._plan.find_due(scope.node, done)
            visit = Visit() if number is None else visits[number]
            update = self._nodes.run_agent(scope, state, visit)
            done = done if number is None else number + 1
        self._checkpointer.progress = replace(
            self._checkpointer.progress, played=done, answer=dict(self._nodes.last_answer)
        )
        return update

    def _run_subgraph(self, scope: Scope, state: State) -> State:
        graph = scope.within(self._ids.uuid7("graph", scope.task))
        self._callbacks.emit_inside_node("on_chain_start", graph, SUBGRAPH, {"input": state})
        after = self._play_subgraph(replace(graph, namespace=scope.path), state)
        data = {"output": after, "input": state}
        self._callbacks.emit_inside_node("on_chain_end", graph, SUBGRAPH, data)
        return after


@dataclass(slots=True)
class RunEngine:
    """Plays *script* for each run; *scale_pause* converts a natural pause to the seconds it takes."""

    script: Script
    scale_pause: Callable[[float], float] = lambda seconds: seconds

    def use_script(self, script: Script) -> None:
        self.script = script

    def play(self, request: RunRequest, ids: IdGenerator, history: History) -> EventLog:
        """Return what happens in a run on the thread with that *history*, and add its checkpoints to *history*."""
        log = EventLog(self.scale_pause, resumable=request.resumable, started=ids.milliseconds)
        modes_class = StreamEvents if request.for_event_streams else StreamModes
        modes = modes_class(request, ids, log)
        nodes = Nodes(request, ids, self.script, log, modes, Callbacks(request, log))
        checkpointer = Checkpointer(request, ids, self.script, history, log, modes)
        graph = Graph(nodes, checkpointer)
        log.emit("metadata", {"run_id": request.run_id, "attempt": 1})
        graph.run()
        modes.send_run_end()
        checkpointer.close()
        log.finish()
        return log
