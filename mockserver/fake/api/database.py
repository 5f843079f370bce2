"""What one session has made of the fake graph's server: its assistants, threads and stored items. No I/O, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.cassette.assistant_ids import default_assistant_id
from mockserver.fake.threads.thread import Thread
from mockserver.formats.json_text import Json

MAX_ENTRIES = 1000
"""How many threads, graphs, and assistants beside those of the graphs a session may have; more, and the oldest is forgotten."""

MAX_REQUESTS = 10_000
"""How many different requests a session may have asked; more, and the one not asked for longest is new again."""

MAX_ITEMS = 10_000
"""How many items a session may store; more, and the oldest is forgotten."""

SECONDS_PER_CHANGE = 60
"""How many seconds lie between two things that happen to threads, so that most runs end before the next begins."""

MAX_VERSIONS = 100
"""How many versions an assistant may have; more, and the oldest is forgotten."""

Record = Mapping[str, Json]
"""The wire form of an assistant or a thread; a change makes a new one."""


@dataclass(slots=True)
class Assistant:
    """What it is now, and what it was in each of its versions, the newest last."""

    record: Record
    versions: list[Record] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Item:
    """What is stored under a namespace and a key."""

    value: Json
    created_at: str
    updated_at: str


Namespace = tuple[str, ...]


@dataclass(slots=True)
class Database:
    """Assistants and threads by id, in the order in which they were made; items by namespace and key."""

    assistants: dict[str, Assistant] = field(default_factory=dict)
    threads: dict[str, Thread] = field(default_factory=dict)
    items: dict[Namespace, dict[str, Item]] = field(default_factory=dict)
    graphs: dict[str, str] = field(default_factory=dict)
    """The id of the own assistant of each graph whose name has come up, even where it was deleted."""
    request_counts: dict[str, int] = field(default_factory=dict)
    """How often each request was answered, by what it means."""

    changes: int = 0
    """How much has happened to threads and items."""

    def next_time(self) -> int:
        """Return the moment of what happens now, in seconds since EPOCH."""
        moment = self.changes * SECONDS_PER_CHANGE
        self.changes += 1
        return moment

    def request_count(self, seed: str) -> int:
        """Return how often the request that *seed* means was answered."""
        return self.request_counts.get(seed, 0)

    def count_request(self, seed: str) -> None:
        """Count the request that *seed* means once more."""
        self.request_counts[seed] = self.request_counts.pop(seed, 0) + 1
        drop_oldest(self.request_counts, MAX_REQUESTS)

    def ensure_assistant(self, graph: str, created_at: str) -> str:
        """Return the id of the own assistant of *graph*, made now if the name is new."""
        if graph not in self.graphs:
            identity = default_assistant_id(graph)
            self.graphs[graph] = identity
            drop_oldest(self.graphs)
            record = {
                "assistant_id": identity,
                "graph_id": graph,
                "config": {},
                "context": {},
                "metadata": {"created_by": "system"},
                "name": graph,
                "created_at": created_at,
                "updated_at": created_at,
                "version": 1,
                "description": None,
            }
            self.put_assistant(record, {"created_at": created_at})
        return self.graphs[graph]

    def put_assistant(self, record: Record, version: Record) -> None:
        """Have the assistant be as *record* says; what *version* says beside that is one of its versions."""
        identity = record["assistant_id"]
        assistant = self.assistants.setdefault(identity, Assistant(record))
        assistant.record = record
        assistant.versions.append({**_version(record), **version})
        del assistant.versions[:-MAX_VERSIONS]
        self._drop_oldest_assistants()

    def delete_assistant(self, identity: str) -> None:
        """Take an assistant out."""
        del self.assistants[identity]

    def put_thread(self, thread: Thread) -> None:
        """Keep *thread*, the last of those that have changed."""
        self.threads.pop(thread.identity, None)
        self.threads[thread.identity] = thread
        drop_oldest(self.threads)

    def _drop_oldest_assistants(self) -> None:
        """Take the oldest assistants out where they are too many, but none that a graph has of its own."""
        if len(self.assistants) > MAX_ENTRIES:
            of_graphs = set(self.graphs.values())
            made = [identity for identity in self.assistants if identity not in of_graphs]
            for identity in made[:-MAX_ENTRIES]:
                del self.assistants[identity]


def drop_oldest(entries: dict[str, Any], limit: int = MAX_ENTRIES) -> None:
    """Take the oldest of *things* out where they are more than there is *room* for."""
    while len(entries) > limit:
        del entries[next(iter(entries))]


def _version(record: Record) -> dict[str, Json]:
    names = ("assistant_id", "version", "graph_id", "config", "context", "metadata", "created_at")
    return {name: record[name] for name in (*names, "name", "description")}
