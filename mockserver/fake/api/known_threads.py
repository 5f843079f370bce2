"""Threads that the fake graph knows from recordings, so that it can go on where they end. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mockserver.fake.api.database import Database
from mockserver.fake.api.threads import create_thread_record
from mockserver.fake.graph.checkpoint_store import Checkpoint, Task
from mockserver.fake.graph.metadata import AGENT
from mockserver.fake.ids import EPOCH, Ids
from mockserver.fake.threads.thread import Thread
from mockserver.formats.json_text import Json


@dataclass(frozen=True, slots=True)
class KnownCheckpoint:
    """A recorded checkpoint of the root graph."""

    identity: str
    parent: str | None
    values: Mapping[str, Json]
    metadata: Mapping[str, Json] = field(default_factory=dict)
    created_at: str = ""
    tasks: tuple[Mapping[str, Json], ...] = ()
    """The next tasks, as the state shows them."""


@dataclass(frozen=True, slots=True)
class KnownThread:
    """What recordings tell of a thread; *values* is its state, None if that is unknown. *checkpoints* are in order."""

    identity: str
    record: Mapping[str, Json] = field(default_factory=dict)
    """Parts of its JSON form: `metadata`, `status`, `interrupts`."""
    values: Mapping[str, Json] | None = None
    checkpoints: tuple[KnownCheckpoint, ...] = ()


def adopt_thread(database: Database, known: KnownThread, epoch: datetime = EPOCH) -> None:
    """Add the thread *known* to *database*, or bring it up to what is known now. Its times count from *epoch*."""
    name, moment = known.identity, database.next_time()
    ids = Ids(name, 0, moment, epoch)
    existing = database.threads.get(name)
    record = existing.record if existing else create_thread_record(name, ids, {})
    metadata = {**record["metadata"], **known.record.get("metadata", {})}
    thread = Thread({**record, "metadata": metadata}, moment)
    for number, one in enumerate(known.checkpoints):
        thread.history.put(_checkpoint(name, one, number))
    head = thread.history.head()
    if known.values is not None and (head is None or dict(head.values) != dict(known.values)):
        step = len(known.checkpoints)
        identity = ids.uuid6(0, step, "adopted")
        parent = head.identity if head else None
        last = KnownCheckpoint(identity, parent, known.values, {"source": "loop"}, ids.time())
        thread.history.put(_checkpoint(name, last, step))
    if thread.history.head() is not None:
        thread.update_record(ids.time())
    changes = {
        name: known.record[name] for name in ("status", "interrupts") if name in known.record
    }
    thread.record = {**thread.record, **changes}
    database.put_thread(thread)


def _checkpoint(thread: str, known: KnownCheckpoint, number: int) -> Checkpoint:
    step = known.metadata.get("step")
    metadata = {
        "source": "loop",
        "step": number,
        "parents": {},
        **known.metadata,
        "thread_id": thread,
    }
    return Checkpoint(
        identity=known.identity,
        parent=known.parent,
        namespace=(),
        outer={},
        values=known.values,
        source=str(metadata["source"]),
        step=step if isinstance(step, int) else number,
        node=AGENT,
        tasks=tuple(
            Task(
                str(task.get("id", "")),
                str(task.get("name", AGENT)),
                error=task.get("error"),
                interrupts=tuple(task.get("interrupts") or ()),
            )
            for task in known.tasks
        ),
        metadata=metadata,
        created_at=known.created_at,
    )
