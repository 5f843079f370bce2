"""The fake graph: a script played by the nodes `agent`, `tools` and `researcher`, a graph within it. No I/O.

    __start__ -> agent -> tools -> agent -> … -> __end__
                 agent -> researcher (agent, tools) -> agent

Its twin in the tests is a real LangGraph graph that plays the same scripts.
"""

from collections.abc import Iterator
from dataclasses import replace

from mockserver.fake.errors import RejectedError, StoppedError
from mockserver.fake.run.checkpoints import Checkpoints
from mockserver.fake.run.nodes import Nodes
from mockserver.fake.run.place import AGENT, END, RESEARCHER, TOOLS, Place, node_metadata
from mockserver.fake.run.state import State, commanded, conversation, entered, updated
from mockserver.fake.script import Script, Situation, Visit
from mockserver.jsontext import Json

_DEFAULT_LIMIT = 10_007
_LIMIT_REACHED = (
    "Recursion limit of {limit} reached without hitting a stop condition. You can increase the "
    "limit by setting the `recursion_limit` config key.\nFor troubleshooting, visit: "
    "https://docs.langchain.com/oss/python/langgraph/errors/GRAPH_RECURSION_LIMIT"
)


class Graph:
    """One run of the fake graph: *script*, played by *nodes*."""

    def __init__(self, script: Script, nodes: Nodes) -> None:
        self._script = script
        self._nodes = nodes
        self._request = nodes.request
        self._ids = nodes.ids
        self._modes = nodes.modes
        self._callbacks = nodes.callbacks
        self._checkpoints = Checkpoints(self._request, self._ids, self._modes)
        self._limit = int(self._request.config.get("recursion_limit", _DEFAULT_LIMIT))
        self._visits: tuple[Visit, ...] = ()
        self.speechless = False
        """Whether it was talked to, and no rule of the script fits what was said."""

    def run(self) -> None:
        """Take the request's input in, and play to the end, an interrupt, or an error."""
        root = Place(self._request.run_id)
        try:
            if self._limit < 1:
                raise RejectedError("ValueError", "recursion_limit must be at least 1")
            if self._request.durability == "sync" and self._request.on_completion != "keep":
                missing = "'AsyncPregelLoop' object has no attribute '_put_checkpoint_fut'"
                raise RejectedError("AttributeError", missing)
            state = self._entered(root)
            self._modes.known(state.get("messages", []))
            self._callbacks.graph_end(root, self._outer(root, state))
        except RejectedError as error:
            self._modes.failed(error.told)

    def _entered(self, root: Place) -> State:
        """Take in the input, or the command in its place; return the state that it makes."""
        command, value = self._request.command, self._request.input
        if command is None:
            self._callbacks.graph_start(root, value)
            self._checkpoints.before((), value)
            return entered(value, self._ids)
        goto = command.get("goto") or None
        self._callbacks.graph_start(
            root,
            {
                "graph": None,
                "update": command.get("update"),
                "resume": command.get("resume"),
                "goto": [goto] if isinstance(goto, str | dict) else goto,
            },
        )
        state = commanded(command, self._ids)
        self._checkpoints.before((), state)
        return state

    def _outer(self, root: Place, state: State) -> State:
        """Play the whole graph; return the state in which it ends, or waits for a human."""
        said, humans, _ = conversation(state)
        self._visits = self._script.visits(Situation(self._request.graph, said, humans))
        self.speechless = said is not None and not self._visits
        place: Place | None = self._begin(root, state, self._first(), shown=self._told())
        steps = self._steps()
        while next(steps) and place is not None:
            node = place.node
            if self._stops(self._request.interrupt_before, node):
                break
            try:
                state, place = self._task(place, state)
            except StoppedError:
                break
            if self._stops(self._request.interrupt_after, node):
                break
        return state

    def _told(self) -> bool:
        """Tell whether the run begins with anything that makes a state."""
        command = self._request.command
        return bool(self._request.input if command is None else command.get("update"))

    def _inner(self, graph: Place, state: State) -> State:
        """Play the graph within the graph; return the state in which it ends."""
        self._checkpoints.before(graph.namespace, state)
        place: Place | None = self._begin(graph, state, AGENT, shown=True)
        steps = self._steps()
        while next(steps) and place is not None:
            state, place = self._task(place, state)
        return state

    def _first(self) -> str:
        """Return the node to begin with: the agent, or the tools where a command goes to them."""
        goto = (self._request.command or {}).get("goto")
        return TOOLS if goto in (TOOLS, [TOOLS]) else AGENT

    def _begin(self, graph: Place, state: State, node: str, *, shown: bool) -> Place:
        """Take in the input that makes *state*; return the place of the first *node*."""
        place = self._place(graph.namespace, (*graph.parents, graph.run), node, 1)
        if shown:
            self._modes.values(graph.namespace, state)
        self._checkpoints.after(graph.namespace, 0, state, place)
        return place

    def _steps(self) -> Iterator[int]:
        """Count the steps from 1; RejectedError behind the last that the request allows, even where nothing is left to do."""
        yield from range(1, self._limit + 1)
        raise RejectedError("GraphRecursionError", _LIMIT_REACHED.format(limit=self._limit))

    def _stops(self, nodes: Json, node: str) -> bool:
        if nodes and not isinstance(nodes, str | list | dict):
            kind = type(nodes).__name__
            raise RejectedError("TypeError", f"argument of type '{kind}' is not iterable")
        wanted = nodes == "*" or node in (nodes or ())
        if wanted:
            self._modes.asked((), {}, ())
        return wanted

    def _place(
        self, namespace: tuple[str, ...], parents: tuple[str, ...], node: str, step: int
    ) -> Place:
        where: tuple[str | int, ...] = (*namespace, node, step)
        run, task = self._ids.uuid7("node", *where), self._ids.uuid5("task", *where)
        return Place(run, namespace, parents, node, step, task)

    def _task(self, place: Place, state: State) -> tuple[State, Place | None]:
        """Run one node; return the state after it, and the place of the node that follows, None at the end."""
        self._modes.task(place, state)
        self._callbacks.node_start(place, state)
        try:
            update = self._node(place, state)
        except RejectedError as error:
            self._modes.result(place, None, error=error.told)
            raise
        except StoppedError as interrupted:
            self._modes.asked(place.namespace, state, interrupted.asked)
            self._modes.result(place, None, interrupts=interrupted.asked)
            raise
        shown = self._shown(place, update)
        after = updated(state, update, self._ids, place.task)
        following = self._following(place, update, after)
        self._callbacks.node_end(place, state, update or None)
        metadata = node_metadata(self._request, place)
        for message in update.get("messages", ()):
            self._modes.message(place, message, metadata)
        self._modes.updates(place.namespace, place.node, shown)
        self._modes.result(place, shown)
        if update:
            self._modes.values(place.namespace, after)
        follower = (
            None
            if following == END
            else self._place(place.namespace, place.parents, following, place.step + 1)
        )
        self._checkpoints.after(place.namespace, place.step, after, follower)
        return after, follower

    def _shown(self, place: Place, update: State) -> State | None:
        """Return *update* as the stream shows it: what a tool said has no id yet where the server is in a hurry."""
        if place.node != TOOLS or place.namespace or not self._modes.hurries:
            return update or None
        return {"messages": [message | {"id": None} for message in update["messages"]]}

    def _following(self, place: Place, update: State, state: State) -> str:
        """Return the node that follows; where a function of the graph chooses it, that is told."""
        if place.node == TOOLS:
            return AGENT
        following = self._chosen(update, state, inside=bool(place.namespace))
        route = place.within(self._ids.uuid7("route", place.task))
        self._callbacks.route(route, state, following)
        return following

    def _chosen(self, update: State, state: State, *, inside: bool) -> str:
        said = update.get("messages")
        if said and said[-1].get("tool_calls"):
            return TOOLS
        _, _, done = conversation(state)
        if not 0 < done < len(self._visits):
            return END
        inner = self._visits[done].inner
        if inside:
            return AGENT if inner else END
        return RESEARCHER if inner else AGENT

    def _node(self, place: Place, state: State) -> State:
        """Let the node at *place* do its work; return its update of the state."""
        _, _, done = conversation(state)
        visits = self._visits
        match place.node:
            case "agent":
                visit = visits[min(done, len(visits) - 1)] if visits else None
                return self._nodes.agent(place, state, visit)
            case "tools":
                if not state["messages"] or not 0 < done <= len(visits):
                    raise RejectedError("IndexError", "there is no call to answer")
                return self._nodes.tools(place, state, visits[done - 1])
            case _:
                graph = place.within(self._ids.uuid7("graph", place.task))
                self._callbacks.inner_start(graph, state)
                after = self._inner(replace(graph, namespace=place.path), state)
                self._callbacks.inner_end(graph, state, after)
                return after
