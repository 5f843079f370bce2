"""The fake graph: a script played by the nodes `agent`, `tools` and `researcher`, a graph within it. No I/O.

    __start__ -> agent -> tools -> agent -> … -> __end__
                 agent -> researcher (agent, tools) -> agent

Its twin in the tests is a real LangGraph graph that plays the same scripts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mockserver.fake.errors import RejectedError, StoppedError
from mockserver.fake.messages.chat import Message
from mockserver.fake.run.checkpoints import FIRST, Checkpoints
from mockserver.fake.run.history import Checkpoint, Namespace, Task
from mockserver.fake.run.nodes import Nodes
from mockserver.fake.run.place import AGENT, END, RESEARCHER, START, TOOLS, Place, node_metadata
from mockserver.fake.run.state import State, commanded, conversation, entered, updated, written
from mockserver.fake.script import Script, Situation, Visit
from mockserver.jsontext import Json

_DEFAULT_LIMIT = 10_007
_LIMIT_REACHED = (
    "Recursion limit of {limit} reached without hitting a stop condition. You can increase the "
    "limit by setting the `recursion_limit` config key.\nFor troubleshooting, visit: "
    "https://docs.langchain.com/oss/python/langgraph/errors/GRAPH_RECURSION_LIMIT"
)


_NODES = (AGENT, TOOLS, RESEARCHER)
"""Where a command may go to; anywhere else it does not go."""

_INTERRUPT = re.compile(r"[0-9a-f]{32}")
"""What the id of an interrupt looks like; an answer whose keys all do answers them by their ids."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """Where a graph begins or goes on: the *state*, the *place* that is next (None: nowhere), and whether it was there before."""

    state: State
    place: Place | None
    again: bool = False


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
        self._visits: tuple[Visit, ...] = ()
        self.speechless = False
        """Whether it was talked to, and no rule of the script fits what was said."""
        self.failed: RejectedError | None = None
        """What it has failed with."""

    def run(self) -> None:
        """Take the request's input in, and play to the end, an interrupt, or an error."""
        root = Place(self._request.run_id)
        try:
            if self._limit < 1:
                raise RejectedError("ValueError", "recursion_limit must be at least 1")
            if self._request.durability == "sync" and not self._request.kept:
                missing = "'AsyncPregelLoop' object has no attribute '_put_checkpoint_fut'"
                raise RejectedError("AttributeError", missing)
            begun = self._begun(root)
            self._callbacks.graph_end(root, self._outer(begun))
        except RejectedError as error:
            self.failed = error
            self._modes.failed(error.told)

    def _begun(self, root: Place) -> _Begun:
        """Take the input in, or the command in its place, or go on where the thread stands."""
        head = self._checkpoints.head()
        command, value = self._request.command, self._request.input
        if command is not None:
            return self._commanded(root, command, head)
        self._callbacks.graph_start(root, value)
        if value is None and head is not None:
            return self._going_on(root, head)
        self._checkpoints.before((), value)
        state = self._taken_in(value, head)
        return self._beginning(root, state, AGENT, shown=bool(value))

    def _commanded(self, root: Place, command: dict[str, Json], head: Checkpoint | None) -> _Begun:
        goto, update = command.get("goto") or None, command.get("update")
        self._callbacks.graph_start(
            root,
            {
                "graph": None,
                "update": update,
                "resume": command.get("resume"),
                "goto": [goto] if isinstance(goto, str | dict) else goto,
            },
        )
        node = goto[0] if isinstance(goto, list) else goto
        if head is not None:
            return self._going_on(root, head, update, node if node in _NODES else None)
        if self._request.kept and command.get("resume") is not None:
            self._checkpoints.before((), {})
            error = RejectedError("TypeError", "'NoneType' object is not iterable")
            self._started(error=error.shown)
            raise error
        state = commanded(command, self._ids)
        self._checkpoints.before((), state)
        # The server begins at the tools, or else at the agent.
        return self._beginning(root, state, TOOLS if node == TOOLS else AGENT, shown=bool(update))

    def _taken_in(self, value: Json, head: Checkpoint | None) -> State:
        """Return the state that the input *value* makes of that at *head*."""
        try:
            state = entered(value, self._ids, None if head is None else dict(head.values))
        except RejectedError as error:
            self._started(error=error.shown)
            raise
        self._started(result=value)
        return state

    def _started(self, namespace: Namespace = (), **known: Json) -> None:
        """Keep what is *known* of the task that takes the input of a graph in."""
        last = self._checkpoints.last(namespace)
        if last is not None and last.following == [START]:
            self._checkpoints.became(namespace, last.tasks[0].identity, **known)

    def _going_on(
        self, graph: Place, head: Checkpoint, update: Json = None, goto: str | None = None
    ) -> _Begun:
        """Go on at *head* with the tasks that are due there, or with the node that the command goes to."""
        namespace = graph.namespace
        state, tasks = dict(head.values), head.tasks
        if update:
            state = written(update, state, self._ids, "command")
        if not namespace:
            self._converse(state)
        if goto is not None and goto not in head.following:
            tasks = (Task(self._ids.uuid5("task", *namespace, goto, head.step + 1), goto),)
        self._modes.values(namespace, state)
        if self._forks(namespace):
            fork = self._checkpoints.fork(head)
            if head.following == [START]:
                state = self._taken_in(head.tasks[0].result, head)
                return self._beginning(graph, state, AGENT, shown=True)
            step, tasks = fork.step, fork.tasks
        else:
            self._checkpoints.again(head, state, tasks)
            self._checkpoints.amended(replace(head, values=state))
            step = head.step
        if not tasks:
            return _Begun(state, None)
        task = tasks[0]
        self._nodes.answers[task.identity] = (*task.answers, *self._answers(task))
        place = self._place(namespace, (*graph.parents, graph.run), task.name, step + 1)
        return _Begun(state, replace(place, task=task.identity), again=True)

    def _forks(self, namespace: Namespace) -> bool:
        """Tell whether the run leaves the checkpoint that it names as it is, and plays what is due there anew."""
        named = self._checkpoints.named is not None
        return named and not namespace and self._request.command is None

    def _answers(self, task: Task) -> tuple[Json, ...]:
        """Return what the request says to the *task* that asked a human."""
        said = (self._request.command or {}).get("resume")
        if said is None:
            return ()
        if isinstance(said, dict) and said and all(map(_INTERRUPT.fullmatch, said)):
            return tuple(said[one["id"]] for one in task.interrupts[-1:] if one["id"] in said)
        return (said,)

    def _outer(self, begun: _Begun) -> State:
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
            self._started(graph.namespace, result=state)
            begun = self._beginning(graph, state, AGENT, shown=True)
        else:
            begun = self._going_on(graph, head)
        state, place = begun.state, begun.place
        steps = self._steps()
        while next(steps) and place is not None:
            state, place = self._task(place, state)
        return state

    def _beginning(self, graph: Place, state: State, node: str, *, shown: bool) -> _Begun:
        """Begin in the *state* that the input has made, at *node*."""
        last = self._checkpoints.last(graph.namespace)
        step = last.step + 1 if last else FIRST + 1
        place = self._place(graph.namespace, (*graph.parents, graph.run), node, step + 1)
        if not graph.namespace:
            self._converse(state)
        if shown:
            self._modes.values(graph.namespace, state)
        self._checkpoints.after(graph.namespace, step, state, place)
        return _Begun(state, place)

    def _converse(self, state: State) -> None:
        """See what is to be said in *state*."""
        self._visits = planned(self._script, self._request.graph, state)
        self.speechless = "messages" in state and not self._visits
        known: list[Message] = state.get("messages", [])
        self._modes.known(known)

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
            else self._place(place.namespace, place.parents, following, place.step + 1)
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


def follower(
    visits: tuple[Visit, ...], node: str, update: State, state: State, *, inside: bool = False
) -> str:
    """Return the node that follows *node*, whose *update* has made *state*, where *visits* are what is to be said.

    *inside* the graph within the graph another one follows.
    """
    if node in (START, TOOLS):
        return AGENT
    said = update.get("messages")
    if said and said[-1].get("tool_calls"):
        return TOOLS
    _, _, done = conversation(state)
    if not 0 < done < len(visits):
        return END
    inner = visits[done].inner
    if inside:
        return AGENT if inner else END
    return RESEARCHER if inner else AGENT


def planned(script: Script, graph: str, state: State) -> tuple[Visit, ...]:
    """Return what *script* has to say in *state*."""
    said, humans, _ = conversation(state)
    return script.visits(Situation(graph, said, humans))
