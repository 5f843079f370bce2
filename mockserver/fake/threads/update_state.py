"""Writes the state of a thread as if one of its nodes had returned an update. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mockserver.fake.errors import RunFailed
from mockserver.fake.graph.checkpoint_store import Checkpoint, Namespace, create_task
from mockserver.fake.graph.metadata import AGENT, END, RESEARCHER, START, TOOLS
from mockserver.fake.graph.routing import plan_visits, select_next_node
from mockserver.fake.graph.state import apply_update, create_update_error
from mockserver.fake.ids import Ids
from mockserver.fake.script.model import Script
from mockserver.formats.json_text import Json

INPUT, COPY = "__input__", "__copy__"
"""Special values of `as_node`: write as the input, or copy the checkpoint."""

_SPECIAL = (INPUT, COPY, END)
_NODES = (START, AGENT, TOOLS, RESEARCHER)


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
    update: StateUpdate, script: Script, graph: str, ids: Ids, metadata: Mapping[str, Json]
) -> Checkpoint:
    """Return the checkpoint after *update*, with the next nodes of *script*; raise RunFailed if it is invalid."""
    base, node = update.base, update.node
    nothing = update.values is None
    if node not in (*_NODES, *_SPECIAL, None) or (node in (COPY, END) and not nothing):
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
        values=base.values if base else {"messages": []},
        source=source,
        step=step,
        node=base.node if base else "",
        metadata={**own, "source": source, "step": step, "parents": dict(outer)},
        created_at=ids.time(),
    )
    if node == INPUT:
        task = create_task(ids, update.namespace, START, step, update.values)
        return replace(checkpoint, tasks=(task,))
    if node == COPY:
        names = base.next_nodes if base else ()
        tasks = tuple(create_task(ids, update.namespace, name, step) for name in names)
        return replace(checkpoint, parent=base.parent if base else None, tasks=tasks)
    if node == END or (node is None and nothing):
        return checkpoint
    return _with_values(checkpoint, update, script, graph, ids)


def _with_values(
    checkpoint: Checkpoint, update: StateUpdate, script: Script, graph: str, ids: Ids
) -> Checkpoint:
    """Return *checkpoint* with the values of *update* and the task of the next node."""
    before = dict(checkpoint.values)
    if isinstance(update.values, list):
        raise create_update_error(update.values)
    state = apply_update(update.values, before, ids, f"update {checkpoint.step}")
    known_ids = {message["id"] for message in before.get("messages", ())}
    new = [message for message in state.get("messages", ()) if message["id"] not in known_ids]
    shown = (
        {"messages": new or state["messages"][-1:]} if "messages" in (update.values or {}) else {}
    )
    node = update.node or checkpoint.node or START
    following = select_next_node(
        plan_visits(script, graph, state), node, shown, state, inside=bool(checkpoint.namespace)
    )
    task = create_task(ids, checkpoint.namespace, following, checkpoint.step)
    tasks = () if following == END else (task,)
    return replace(checkpoint, values=state, tasks=tasks)
