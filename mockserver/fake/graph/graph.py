"""The fake graph: a script played by the nodes `agent`, `tools` and `researcher`, a graph within it. No I/O.

    __start__ -> agent -> tools -> agent -> … -> __end__
                 agent -> researcher (agent, tools) -> agent

Its twin in the tests is a real LangGraph graph that plays the same scripts.
"""

from collections.abc import Iterator
from dataclasses import replace

from mockserver.errors import SlowPatternError
from mockserver.fake.errors import RejectedError, StoppedError
from mockserver.fake.graph.checkpointer import Checkpoints
from mockserver.fake.graph.metadata import AGENT, END, TOOLS, Place, node_metadata
from mockserver.fake.graph.nodes import Nodes
from mockserver.fake.graph.routing import follower, planned
from mockserver.fake.graph.start import Beginning, Begun, place_of
from mockserver.fake.graph.state import State, conversation, updated
from mockserver.fake.messages.model import Message
from mockserver.fake.script.model import Fail, Script, Visit
from mockserver.formats.json_text import Json

_DEFAULT_LIMIT = 10_007
_LIMIT_REACHED = "Recursion limit of {limit} reached without hitting a stop condition."


class Graph:
    """One run of the fake graph: *script*, played by *nodes*, saved in *checkpoints*."""

    def __init__(self, script: Script, nodes: Nodes, checkpoints: Checkpoints) -> None:
        self._script = script
        self._nodes = nodes
        self._request = nodes.request
        self._ids = nodes.ids
        self._modes = nodes.modes
        self._callbacks = nodes.callbacks
        self._checkpoints = checkpoints
        self._limit = int(self._request.config.get("recursion_limit", _DEFAULT_LIMIT))
        self._beginning = Beginning(nodes, checkpoints, self._converse)
        self._visits: tuple[Visit, ...] = ()
        self.speechless = False
        """Whether it was talked to, and no rule of the script fits what was said."""
        self.slow: str | None = None
        """Which pattern of the script took too long, if one did."""
        self.failed: RejectedError | None = None
        """What it has failed with."""

    def run(self) -> None:
        """Take the request's input in, and play to the end, an interrupt, or an error."""
        root = Place(self._request.run_id)
        try:
            if self._limit < 1:
                raise RejectedError("ValueError", "recursion_limit must be at least 1")
            if self._request.durability == "sync" and not self._request.kept:
                raise RejectedError("AttributeError", "the durability `sync` needs a thread")
            begun = self._beginning.begun(root)
            self._callbacks.graph_end(root, self._outer(begun))
        except RejectedError as error:
            self.failed = error
            self._modes.failed(error.told)

    def _outer(self, begun: Begun) -> State:
        """Play the whole graph; return the state in which it ends, or waits for a human."""
        state, place, again = begun.state, begun.place, begun.again
        steps = self._steps()
        while next(steps) and place is not None:
            node = place.node
            if not again and self._stops(self._request.interrupt_before, node):
                break
            again = False
            try:
                state, place = self._task(place, state)
            except StoppedError:
                break
            if self._stops(self._request.interrupt_after, node):
                break
        return state

    def _inner(self, graph: Place, state: State) -> State:
        """Play the graph within the graph; return the state in which it ends."""
        head = self._checkpoints.head(graph.namespace)
        if head is None:
            self._checkpoints.before(graph.namespace, state)
            self._beginning.started(graph.namespace, result=state)
            begun = self._beginning.beginning(graph, state, AGENT, shown=True)
        else:
            begun = self._beginning.going_on(graph, head)
        state, place = begun.state, begun.place
        steps = self._steps()
        while next(steps) and place is not None:
            state, place = self._task(place, state)
        return state

    def _converse(self, state: State) -> None:
        """See what is to be said in *state*."""
        try:
            self._visits = planned(self._script, self._request.graph, state)
        except SlowPatternError as error:
            self.slow = str(error)
            self._visits = (Visit((Fail("TimeoutError", self.slow),)),)
        self.speechless = "messages" in state and not self._visits
        known: list[Message] = state.get("messages", [])
        self._modes.known(known)

    def _steps(self) -> Iterator[int]:
        """Count the steps from 1; RejectedError behind the last that the request allows, even where nothing is left to do."""
        yield from range(1, self._limit + 1)
        raise RejectedError("GraphRecursionError", _LIMIT_REACHED.format(limit=self._limit))

    def _stops(self, nodes: Json, node: str) -> bool:
        if nodes and not isinstance(nodes, str | list | dict):
            raise RejectedError("TypeError", "the nodes to stop at must be a list or `*`")
        wanted = nodes == "*" or node in (nodes or ())
        if wanted:
            self._modes.asked((), {}, ())
        return wanted

    def _task(self, place: Place, state: State) -> tuple[State, Place | None]:
        """Run one node; return the state after it, and the place of the node that follows, None at the end."""
        self._modes.task(place, state)
        self._callbacks.node_start(place, state)
        try:
            update = self._node(place, state)
        except RejectedError as error:
            self._modes.result(place, None, error=error.told)
            self._became(place, error=error.shown)
            raise
        except StoppedError as interrupted:
            self._modes.asked(place.namespace, state, interrupted.asked)
            self._modes.result(place, None, interrupts=interrupted.asked)
            self._became(place, interrupts=interrupted.asked, error=None)
            raise
        shown = self._shown(place, update)
        after = updated(state, update, self._ids, place.task)
        self._became(place, result=update or None, error=None)
        following = self._following(place, update, after)
        self._callbacks.node_end(place, state, update or None)
        metadata = node_metadata(self._request, place)
        for message in update.get("messages", ()):
            self._modes.message(place, message, metadata)
        self._modes.updates(place.namespace, place.node, shown)
        self._modes.result(place, shown)
        if update:
            self._modes.values(place.namespace, after)
        then = (
            None
            if following == END
            else place_of(self._ids, place.namespace, place.parents, following, place.step + 1)
        )
        self._checkpoints.after(place.namespace, place.step, after, then, place.node)
        return after, then

    def _became(self, place: Place, **known: Json) -> None:
        if place.task in self._nodes.answers:
            known["answers"] = self._nodes.answers[place.task]
        self._checkpoints.became(place.namespace, place.task, **known)

    def _shown(self, place: Place, update: State) -> State | None:
        """Return *update* as the stream shows it: what a tool said has no id yet where the server is in a hurry."""
        if place.node != TOOLS or place.namespace or not self._modes.hurries:
            return update or None
        return {"messages": [message | {"id": None} for message in update["messages"]]}

    def _following(self, place: Place, update: State, state: State) -> str:
        """Return the node that follows; where a function of the graph chooses it, that is told."""
        following = follower(self._visits, place.node, update, state, inside=bool(place.namespace))
        if place.node != TOOLS:
            route = place.within(self._ids.uuid7("route", place.task))
            self._callbacks.route(route, state, following)
        return following

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
