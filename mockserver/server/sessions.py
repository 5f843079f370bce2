"""What was played: the state of each session, and the exchanges that any session has played. No I/O."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from mockserver.conversations.live_threads import LiveThreads
from mockserver.conversations.session_ids import SessionIds
from mockserver.fake.api.database import Database
from mockserver.formats.json_text import Json
from mockserver.http.messages import is_page_session
from mockserver.matching.canonical import Key
from mockserver.matching.index import Index

MAX_SESSIONS = 1000
"""Beyond this number the least recently used session is forgotten."""

_Identity = tuple[str, Key, int]
"""Identifies an exchange across edits: its cassette, its key, and its ordinal among the entries with that key."""


@dataclass(slots=True)
class Session:
    """The counters and the state of one session."""

    counts: Counter[Hashable] = field(default_factory=Counter)
    """How often a recorded response was used, by request key."""
    plays: Counter[str] = field(default_factory=Counter)
    """How often each exchange was played, by label."""
    threads: LiveThreads = field(default_factory=LiveThreads)
    ids: SessionIds = field(default_factory=SessionIds)
    recorded_contents: dict[str, Json] = field(default_factory=dict)
    """The content of the recorded human message that was played for what a human typed."""
    database: Database = field(default_factory=Database)
    """What the fake graph has stored."""
    is_of_page: bool = False
    """Whether the page sends its requests in it; its plays are counted nowhere else."""

    @property
    def has_ids(self) -> bool:
        """Whether an id of the session may stand for a recorded one."""
        return self.ids.own.renames or bool(self.threads.by_id)


class Sessions:
    """The sessions by name; the least recently used ones beyond *limit* are forgotten."""

    def __init__(self, limit: int = MAX_SESSIONS) -> None:
        self._limit = limit
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._plays: Counter[str] = Counter()

    def get_or_create(self, name: str) -> Session:
        """Return the session *name*, new if it does not exist."""
        session = self._sessions.get(name)
        if session is None:
            session = self._sessions[name] = Session(is_of_page=is_page_session(name))
            if len(self._sessions) > self._limit:
                self._sessions.popitem(last=False)
        else:
            self._sessions.move_to_end(name)
        return session

    def latest_first(self) -> list[tuple[str, Session]]:
        """Return the sessions with their names, the one that was used last first."""
        return list(reversed(self._sessions.items()))

    def count_play(self, session: Session, exchange: str) -> None:
        session.plays[exchange] += 1
        if not session.is_of_page:
            self._plays[exchange] += 1

    def count_plays(self, name: str | None = None) -> Mapping[str, int]:
        """Return the number of plays per exchange since the last reset: in session *name*, or in all sessions if it is None."""
        if name is None:
            return self._plays
        session = self._sessions.get(name)
        return session.plays if session else {}

    def reset(self, name: str | None = None) -> None:
        """Forget session *name*, or all sessions if it is None."""
        if name is None:
            self._sessions.clear()
            self._plays.clear()
        else:
            self._sessions.pop(name, None)


class PlayedExchanges:
    """The played exchanges of *index*, and of the later versions of it."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._labels: set[str] = set()

    def add(self, label: str, index: Index) -> None:
        """Add the exchange *label* of *index*, the current index."""
        if index is not self._index:
            self._move_to(index)
        self._labels.add(label)

    def labels(self, index: Index) -> set[str]:
        """Return the labels of the played exchanges of *index*, the current index."""
        if index is not self._index:
            self._move_to(index)
        return self._labels

    def _move_to(self, index: Index) -> None:
        old, new = _label_identities(self._index), _label_identities(index)
        played = {identity for label, identity in old.items() if label in self._labels}
        self._labels = {label for label, identity in new.items() if identity in played}
        self._index = index


def _label_identities(index: Index) -> dict[str, _Identity]:
    """Return the identity of each exchange of *index* by its label."""
    seen: Counter[tuple[str, Key]] = Counter()
    identities: dict[str, _Identity] = {}
    for entry in index.entries:
        seen[entry.cassette, entry.key] += 1
        identities[entry.label] = (entry.cassette, entry.key, seen[entry.cassette, entry.key])
    return identities
