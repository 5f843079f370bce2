"""Writes the state of a thread as if one of its nodes had returned an update. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mockserver.fake.graph.checkpoint_store import Checkpoint, Namespace, TurnProgress, create_task
from mockserver.fake.graph.routing import count_done, get_subgraph, plan_turn, select_next_node
from mockserver.fake.graph.state import apply_update, create_update_error
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.run_errors import RunFailed
from mockserver.fake.script.model import Script
from mockserver.fake.script.topology import END, START
from mockserver.formats.json_text import Json

INPUT, COPY = "__input__", "__copy__"
"""Special values of `as_node`: write as the input, or copy the checkpoint."""

_SPECIAL = (INPUT, COPY, END)


@dataclass(frozen=True, slots=True)
class StateUpdate:
    """New *values*, written as *node* (None: the last node), on top of the checkpoint *base* (None: a new thread)."""

    values: Json
    node: str | None
    base: Checkpoint | None
    namespace: Namespace = ()
    parent: str | None = None
    """The id of the previous checkpoint if *base* is None."""


def create_updated_checkpoint(
    update: StateUpdate, script: Script, graph: str, ids: IdGenerator, metadata: Mapping[str, Json]
) -> Checkpoint:
    """Return the checkpoint after *update*, with the next nodes of *script*; raise RunFailed if it is invalid."""
    base, node = update.base, update.node
    nothing = update.values is None
    if node not in (START, *script.topology.nodes, *_SPECIAL, None) or (
        node in (COPY, END) and not nothing
    ):
        raise RunFailed("InvalidUpdateError", f"Node {node} does not exist")
    step = base.step + 1 if base else -1 if node == INPUT else 0
    outer = base.outer if base else {}
    source = {INPUT: "input", COPY: "fork"}.get(node or "", "update")
    own = {} if node == COPY else metadata
    checkpoint = Checkpoint(
        identity=ids.uuid6(0, step, "update", *update.namespace, step),
        parent=base.identity if base else update.parent,
        namespace=update.namespace,
        outer=outer,
        values=base.values if base else script.state.create_initial(),
        step=step,
        node=base.node if base else "",
        metadata={**own, "source": source, "step": step, "parents": dict(outer)},
        created_at=ids.time(),
        progress=base.progress if base else TurnProgress(),
    )
    if node == INPUT:
        task = create_task(ids, update.namespace, START, step)
        return replace(checkpoint, tasks=(replace(task, input=update.values),))
    if node == COPY:
        tasks = tuple(
            create_task(ids, update.namespace, task.name, step, has_subgraph=task.has_subgraph)
            for task in (base.tasks if base else ())
        )
        return replace(checkpoint, parent=base.parent if base else None, tasks=tasks)
    if node == END or (node is None and nothing):
        return checkpoint
    return _with_values(checkpoint, update, script, graph, ids)


def _with_values(
    checkpoint: Checkpoint, update: StateUpdate, script: Script, graph: str, ids: IdGenerator
) -> Checkpoint:
    """Return *checkpoint* with the values of *update* and the task of the next node."""
    before = dict(checkpoint.values)
    if isinstance(update.values, list):
        raise create_update_error(update.values)
    state = apply_update(update.values, before, ids, f"update {checkpoint.step}", script.state)
    known_ids = {message["id"] for message in before.get("messages", ())}
    new = [message for message in state.get("messages", ()) if message["id"] not in known_ids]
    shown = (
        {"messages": new or state["messages"][-1:]} if "messages" in (update.values or {}) else {}
    )
    node, namespace = update.node or checkpoint.node or START, checkpoint.namespace
    plan = plan_turn(script, graph, state, checkpoint.progress)
    played = plan.find_visit(node, get_subgraph(namespace), checkpoint.progress.played)
    progress = replace(checkpoint.progress, played=played)
    done = count_done(plan, state, progress)
    following = select_next_node(plan, node, shown, done, namespace)
    has_subgraph = not namespace and following in script.topology.subgraphs
    task = create_task(ids, namespace, following, checkpoint.step, has_subgraph=has_subgraph)
    tasks = () if following == END else (task,)
    return replace(checkpoint, values=state, tasks=tasks, progress=progress)
