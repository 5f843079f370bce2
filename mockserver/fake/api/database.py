"""The assistants, threads and stored items of one session. No I/O, no clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.fake.threads.thread import Thread
from mockserver.formats.json_text import Json
from mockserver.formats.server_ids import default_assistant_id

MAX_ENTRIES = 1000
"""Limit for threads, graphs, and assistants without their own graph; beyond it the oldest entry is dropped."""

MAX_REQUESTS = 10_000
"""Limit for counted requests per session; beyond it the least recently used count is dropped."""

MAX_ITEMS = 10_000
"""Limit for stored items per session; beyond it the oldest item is dropped."""

SECONDS_PER_CHANGE = 60
"""Seconds between two changes of threads: long enough for most runs to end before the next one starts."""

MAX_VERSIONS = 100
"""Limit for versions of an assistant; beyond it the oldest version is dropped."""

_VERSION_KEYS = (
    *("assistant_id", "version", "graph_id", "config", "context", "metadata", "created_at"),
    *("name", "description"),
)

Record = Mapping[str, Json]
"""The JSON form of an assistant, a thread or a stored item; a change makes a new record."""


@dataclass(slots=True)
class Assistant:
    """The current record of an assistant, and its versions from oldest to newest."""

    record: Record
    versions: list[Record] = field(default_factory=list)


Namespace = tuple[str, ...]


@dataclass(slots=True)
class Database:
    """Assistants and threads by id, in order of creation; items by namespace and key."""

    assistants: dict[str, Assistant] = field(default_factory=dict)
    threads: dict[str, Thread] = field(default_factory=dict)
    items: dict[Namespace, dict[str, Record]] = field(default_factory=dict)
    graphs: dict[str, str] = field(default_factory=dict)
    """The id of the default assistant of each known graph, even if it was deleted."""
    adopted_assistants: set[str] = field(default_factory=set)
    """The ids of the recorded assistants that were added, even if they were deleted."""
    request_counts: dict[str, int] = field(default_factory=dict)
    """How often each request succeeded, by its key."""

    watchers: set[Callable[[], None]] = field(default_factory=set)
    """Called when a run is added or cancelled, also on a thread that plays a recorded conversation."""

    changes: int = 0
    """The number of changes to threads and items."""

    def next_time(self) -> int:
        """Count one change and return its time, in seconds since the epoch of the ids."""
        moment = self.changes * SECONDS_PER_CHANGE
        self.changes += 1
        return moment

    def request_count(self, seed: str) -> int:
        return self.request_counts.get(seed, 0)

    def count_request(self, seed: str) -> None:
        """Count one more success of the request with the key *seed*."""
        self.request_counts[seed] = self.request_counts.pop(seed, 0) + 1
        drop_oldest(self.request_counts, MAX_REQUESTS)

    def ensure_assistant(self, graph: str, created_at: str) -> str:
        """Return the id of the default assistant of *graph*; create the assistant if the graph is new."""
        if graph not in self.graphs:
            identity = default_assistant_id(graph)
            self.graphs[graph] = identity
            drop_oldest(self.graphs)
            record = create_assistant_record(
                identity, graph, created_at, name=graph, metadata={"created_by": "system"}
            )
            self.put_assistant(record)
        return self.graphs[graph]

    def put_assistant(self, record: Record) -> None:
        """Store *record* as the newest version of its assistant."""
        assistant = self.assistants.setdefault(record["assistant_id"], Assistant(record))
        assistant.record = record
        version = {**record, "created_at": record["updated_at"]}
        assistant.versions.append({name: version[name] for name in _VERSION_KEYS})
        del assistant.versions[:-MAX_VERSIONS]
        of_graphs = set(self.graphs.values())
        created = [identity for identity in self.assistants if identity not in of_graphs]
        for identity in created[:-MAX_ENTRIES]:
            del self.assistants[identity]

    def put_thread(self, thread: Thread) -> None:
        """Store *thread* as the most recently changed thread."""
        self.threads.pop(thread.identity, None)
        self.threads[thread.identity] = thread
        thread.watchers = self.watchers
        drop_oldest(self.threads)
        self.notify_watchers()

    def notify_watchers(self) -> None:
        for changed in tuple(self.watchers):
            changed()


def drop_oldest(entries: dict[str, Any], limit: int = MAX_ENTRIES) -> None:
    while len(entries) > limit:
        del entries[next(iter(entries))]


def create_assistant_record(identity: str, graph: str, at: str, **parts: Json) -> dict[str, Json]:
    """Return the record of an assistant that is created *at* this time, with these *parts*."""
    return {
        "assistant_id": identity,
        "graph_id": graph,
        "config": {},
        "context": {},
        "metadata": {},
        "name": "Untitled",
        "created_at": at,
        "updated_at": at,
        "version": 1,
        "description": None,
        **parts,
    }


def create_thread_record(identity: str, at: str, **parts: Json) -> dict[str, Json]:
    """Return the record of a thread that is created *at* this time, with these *parts*."""
    return {
        "thread_id": identity,
        "created_at": at,
        "updated_at": at,
        "state_updated_at": at,
        "metadata": {},
        "status": "idle",
        "config": {},
        "values": None,
        **parts,
    }
