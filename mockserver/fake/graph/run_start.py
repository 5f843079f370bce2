"""Starts a graph from its input, from a command, or from the last checkpoint of its thread. No I/O."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from mockserver.fake.graph.checkpoint_store import (
    Checkpoint,
    Namespace,
    Task,
    TurnProgress,
    create_task,
)
from mockserver.fake.graph.checkpointer import FIRST_STEP, Checkpointer
from mockserver.fake.graph.metadata import Scope
from mockserver.fake.graph.nodes import Nodes
from mockserver.fake.graph.state import (
    State,
    apply_command,
    apply_input,
    apply_update,
    summarize_messages,
)
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.run_errors import RunFailed
from mockserver.fake.script.topology import START
from mockserver.formats.json_text import Json

_INTERRUPT = re.compile(r"[0-9a-f]{32}")
"""The form of an interrupt id; an answer with only such keys answers interrupts by id."""


@dataclass(frozen=True, slots=True)
class StartPoint:
    """The *state* and next *scope* (None: nothing to do) from which a graph starts; *again* if that task ran before."""

    state: State
    scope: Scope | None
    again: bool = False


@dataclass(frozen=True, slots=True)
class RunStart:
    """Starts the graphs of one run; *on_start* receives the state in which the root graph starts.

    *select_first* returns the node with which the graph at a namespace starts.
    """

    nodes: Nodes
    checkpointer: Checkpointer
    on_start: Callable[[State], None]
    select_first: Callable[[Namespace, State], str]

    def start(self, root: Scope) -> StartPoint:
        """Apply the input or the command, or continue from the last checkpoint of the thread."""
        head = self.checkpointer.head()
        command, value = self.nodes.request.command, self.nodes.request.input
        if command is not None:
            return self._start_from_command(root, command, head)
        self.nodes.callbacks.emit_graph("on_chain_start", root, {"input": value})
        if value is None and head is not None:
            return self.resume(root, head)
        self.checkpointer.save_input((), value)
        state = self._apply_input(value, head)
        return self.start_at(root, state, None, shown=bool(value))

    def _start_from_command(
        self, root: Scope, command: dict[str, Json], head: Checkpoint | None
    ) -> StartPoint:
        goto, update = command.get("goto") or None, command.get("update")
        targets = [goto] if isinstance(goto, str | dict) else goto
        shown = {"graph": None, "update": update, "resume": command.get("resume"), "goto": targets}
        self.nodes.callbacks.emit_graph("on_chain_start", root, {"input": shown})
        node = goto[0] if isinstance(goto, list) else goto
        if head is not None:
            return self.resume(
                root, head, update, node if node in self.nodes.script.topology.nodes else None
            )
        if self.nodes.request.keeps_thread and command.get("resume") is not None:
            self.checkpointer.save_input((), {})
            error = RunFailed("TypeError", "there is no interrupt to resume")
            self.update_input_task(error=error.repr_text)
            raise error
        state = apply_command(command, self.nodes.ids, self.nodes.script.state)
        self.checkpointer.save_input((), state)
        self.update_input_task(result=update or {})
        # The real server starts at `tools` if the command goes there, else at the first node.
        first = node if node in self.nodes.script.topology.tool_nodes else None
        return self.start_at(root, state, first, shown=bool(update))

    def _apply_input(self, value: Json, head: Checkpoint | None) -> State:
        try:
            before = None if head is None else dict(head.values)
            state = apply_input(value, self.nodes.ids, before, self.nodes.script.state)
        except RunFailed as error:
            self.update_input_task(error=error.repr_text)
            raise
        self.update_input_task(result=value)
        self._begin_turn(value, head)
        return state

    def _begin_turn(self, value: Json, head: Checkpoint | None) -> None:
        """Begin a turn whose input is *value*; if the state is declared, a turn without messages leaves those alone that exist."""
        progress = TurnProgress({**self.nodes.request.facts, "input": value})
        if self.nodes.script.state.is_declared and value and "messages" not in value:
            _, _, said = summarize_messages(dict(head.values) if head else {})
            progress = replace(progress, is_silent=True, said_before=said)
        self.checkpointer.progress = progress

    def update_input_task(self, namespace: Namespace = (), **changes: Json) -> None:
        """Update the task that takes in the input of a graph."""
        last = self.checkpointer.last(namespace)
        if last is not None and last.next_nodes == [START]:
            self.checkpointer.update_task(namespace, last.tasks[0].identity, **changes)

    def resume(
        self, graph: Scope, head: Checkpoint, update: Json = None, goto: str | None = None
    ) -> StartPoint:
        """Continue from *head* with its due tasks, or with the node of the command."""
        namespace = graph.namespace
        state, tasks = dict(head.values), head.tasks
        facts = head.progress.facts or self.nodes.request.facts
        self.checkpointer.progress = replace(head.progress, facts=facts)
        self.nodes.last_answer.update(head.progress.answer)
        if update:
            state = apply_update(update, state, self.nodes.ids, "command", self.nodes.script.state)
        if not namespace:
            self.on_start(state)
        elif self.nodes.request.subgraphs:
            self.nodes.modes.mark_sent(state.get("messages", []))
        if goto is not None and goto not in head.next_nodes:
            has_subgraph = not namespace and goto in self.nodes.script.topology.subgraphs
            task = create_task(
                self.nodes.ids, namespace, goto, head.step + 1, has_subgraph=has_subgraph
            )
            tasks = (task,)
        self.nodes.modes.send("values", namespace, state)
        named = self.checkpointer.requested_id is not None
        if named and not namespace and self.nodes.request.command is None:
            fork = self.checkpointer.fork(head)
            step, tasks = fork.step, fork.tasks
        else:
            self.checkpointer.resume(replace(head, values=state, tasks=tasks))
            self.checkpointer.store(replace(head, values=state))
            step = head.step
        if not tasks:
            return StartPoint(state, None)
        task = tasks[0]
        if task.name == START:
            return self.start_at(graph, self._apply_input(task.input, head), None, shown=True)
        self.nodes.answers[task.identity] = (*task.answers, *self._resume_values(task))
        scope = create_scope(
            self.nodes.ids, namespace, (*graph.parents, graph.run), task.name, step + 1
        )
        return StartPoint(state, replace(scope, task=task.identity), again=True)

    def _resume_values(self, task: Task) -> tuple[Json, ...]:
        answer = (self.nodes.request.command or {}).get("resume")
        if answer is None:
            return ()
        if isinstance(answer, dict) and answer and all(map(_INTERRUPT.fullmatch, answer)):
            return tuple(answer[one["id"]] for one in task.interrupts[-1:] if one["id"] in answer)
        return (answer,)

    def start_at(self, graph: Scope, state: State, node: str | None, *, shown: bool) -> StartPoint:
        """Start at *node* (None: at the first node) with the *state* that includes the input."""
        if not graph.namespace:
            self.on_start(state)
        node = node or self.select_first(graph.namespace, state)
        last = self.checkpointer.last(graph.namespace)
        step = last.step + 1 if last else FIRST_STEP + 1
        scope = create_scope(
            self.nodes.ids, graph.namespace, (*graph.parents, graph.run), node, step + 1
        )
        if shown:
            self.nodes.modes.send("values", graph.namespace, state)
        self.checkpointer.save_step(graph.namespace, step, state, scope)
        return StartPoint(state, scope)


def create_scope(
    ids: IdGenerator, namespace: Namespace, parents: tuple[str, ...], node: str, step: int
) -> Scope:
    where: tuple[str | int, ...] = (*namespace, node, step)
    run, task = ids.uuid7("node", *where), ids.uuid5("task", *where)
    return Scope(run, namespace, parents, node, step, task)
