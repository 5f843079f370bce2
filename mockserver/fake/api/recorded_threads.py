"""Threads that the fake graph knows from recordings, so that it can go on where they end. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mockserver.fake.api.database import Database, create_thread_record
from mockserver.fake.graph.checkpoint_store import Checkpoint, Task
from mockserver.fake.id_generator import EPOCH, IdGenerator
from mockserver.fake.script.topology import AGENT
from mockserver.fake.thread_log.log import ThreadLog
from mockserver.fake.threads.thread import Thread
from mockserver.formats.json_text import Json


@dataclass(frozen=True, slots=True)
class RecordedThread:
    """What recordings tell of a thread; *values* is its state, None if that is unknown."""

    identity: str
    record: Mapping[str, Json] = field(default_factory=dict)
    """Parts of its JSON form: `metadata`, `status`, `interrupts`."""
    values: Mapping[str, Json] | None = None
    states: tuple[Mapping[str, Json], ...] = ()
    """Its states as `/history` returns them, but oldest first."""
    log: ThreadLog | None = None
    """Its events so far; those of its further runs are appended."""


def adopt_thread(database: Database, known: RecordedThread, epoch: datetime = EPOCH) -> None:
    """Add the thread *known* to *database*, or bring it up to what is known now. Its times count from *epoch*."""
    name, moment = known.identity, database.next_time()
    ids = IdGenerator(name, 0, moment, epoch)
    existing = database.threads.get(name)
    record = existing.record if existing else create_thread_record(name, ids.time())
    metadata = {**record["metadata"], **known.record.get("metadata", {})}
    thread = Thread({**record, "metadata": metadata}, moment)
    states = list(known.states)
    if known.values is not None and (not states or states[-1]["values"] != known.values):
        states.append(
            {
                "values": known.values,
                "checkpoint": {"checkpoint_id": ids.uuid6(0, len(states), "adopted")},
                "parent_checkpoint": states[-1]["checkpoint"] if states else None,
                "created_at": ids.time(),
            }
        )
    if known.log is not None:
        thread.log = known.log
    for number, state in enumerate(states):
        thread.history.put(_create_checkpoint(name, state, number))
    if states:
        thread.update_record(ids.time())
    changes = {
        name: known.record[name] for name in ("status", "interrupts") if name in known.record
    }
    thread.record = {**thread.record, **changes}
    database.put_thread(thread)


def _create_checkpoint(thread: str, state: Mapping[str, Json], number: int) -> Checkpoint:
    defaults = {"source": "loop", "step": number, "parents": {}}
    metadata = {**defaults, **(state.get("metadata") or {}), "thread_id": thread}
    tasks = (task for task in state.get("tasks") or () if isinstance(task, dict))
    return Checkpoint(
        identity=state["checkpoint"]["checkpoint_id"],
        parent=(state.get("parent_checkpoint") or {}).get("checkpoint_id"),
        namespace=(),
        outer={},
        values=state["values"],
        step=metadata["step"] if isinstance(metadata["step"], int) else number,
        node=AGENT,
        tasks=tuple(
            Task(
                str(task.get("id", "")),
                str(task.get("name", AGENT)),
                error=task.get("error"),
                interrupts=tuple(task.get("interrupts") or ()),
                has_subgraph=bool(task.get("checkpoint")),
            )
            for task in tasks
        ),
        metadata=metadata,
        created_at=state.get("created_at") or "",
    )
