"""The last requests and their responses, for tests to inspect. No I/O, no clock."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from urllib.parse import unquote

from mockserver.formats.json_text import Json, loads
from mockserver.http.messages import SESSION_HEADER, SHARED_SESSION, Headers, Reply, Request, Source
from mockserver.redaction.redactor import describe

MAX_CALLS = 10_000
"""Beyond this number the oldest calls are forgotten."""

MAX_BYTES = 32 << 20
"""The approximate size limit of all calls."""

_ENTRY_OVERHEAD = 500
PROBLEMS = (Source.MISS, Source.ERROR)

MAX_PROBLEMS = 1000
"""How many older misses and errors are kept, so that successful calls do not push them out."""


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One request as the client sent it, and a summary of its response.

    `str(call)` is one line without secrets; for a miss it is the whole explanation.
    """

    when: datetime
    """The time when the response was found, before any of it was sent."""
    session: str
    """The name of the session; empty if the client named none."""
    method: str
    path: str
    """The request target with its query, without the URL prefix that names a session."""
    headers: Headers
    """Pairs of lower-case name and value."""
    body: bytes
    status: int
    source: Source
    """`cassette`, `fake`, `upstream`, `miss` or `error`."""
    exchange: str | None = None
    """The played exchange as `FILE#N`."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """The ids of the request and the recorded ids that they correspond to: live to recorded."""
    how: str | None = None
    """How the response came about if it was not recorded like this: `derived` or `switched`."""
    conversation: Mapping[str, Json] | None = None
    """For a request on a recorded thread: `conversation`, `progress`, `next` and `why`."""
    note: str | None = None
    """An explanation in words: of a miss, of an error, or of a request that the fake graph rejected."""
    miss: Mapping[str, Json] | None = None
    """For a miss, its facts: method, path, reason, nearest."""

    def __str__(self) -> str:
        if self.source is Source.MISS and self.note:
            return self.note
        request = describe(self.request)
        if self.note:
            return f"{request}: {self.note}"
        exchange = f" {self.exchange}" if self.exchange else ""
        return f"{request} {self.status} {self.source}{exchange}"

    def __repr__(self) -> str:
        return f"<Call {self}>"

    @property
    def request(self) -> Request:
        """The request of this call."""
        return Request(self.method, self.path, self.headers, self.body)

    @property
    def is_fault(self) -> bool:
        """Whether the response is a miss or an error."""
        return self.source in PROBLEMS

    def json(self) -> Json:
        """Return the body of the request as a JSON value; raise ValueError if it is not JSON."""
        return loads(self.body.decode())


Entry = tuple[
    float,
    Request,
    int,
    Source,
    str | None,
    tuple[tuple[str, str], ...],
    str | None,
    Mapping[str, Json] | None,
    str | None,
    Mapping[str, Json] | None,
    int,
]
"""A call in compact form, since creating a Call would delay the response: see `to_call`.

The items are time, request, status, source, exchange, id pairs, how, conversation, note, miss facts, and the approximate memory size in bytes.
"""


def to_call(entry: Entry) -> Call:
    """Return *entry* as a Call."""
    when, request, status, source, exchange, id_pairs, how, conversation, note, miss_facts, _ = (
        entry
    )
    return Call(
        datetime.fromtimestamp(when, UTC),
        _session(entry),
        request.method,
        request.path,
        request.headers,
        request.body,
        status,
        source,
        exchange,
        dict(id_pairs),
        how,
        conversation,
        note,
        miss_facts if source is Source.MISS else None,
    )


def _session(entry: Entry) -> str:
    return unquote(entry[1].header(SESSION_HEADER) or SHARED_SESSION)


def _is_problem(entry: Entry) -> bool:
    return entry[3] in PROBLEMS


def _size(request: Request, note: str | None) -> int:
    """Return the approximate memory size in bytes of an entry for *request* with that *note*."""
    heads = sum(map(len, chain((request.path,), *request.headers)))
    return _ENTRY_OVERHEAD + len(request.body) + heads + (3 * len(note) if note else 0)


class Journal:
    """The last calls; misses and errors are kept longest. *forgotten* counts the dropped calls."""

    def __init__(self, max_calls: int = MAX_CALLS, max_bytes: int = MAX_BYTES) -> None:
        self.forgotten = 0
        self._max_calls = max_calls
        self._max_bytes = max_bytes
        self._size = 0
        self._entries: deque[Entry] = deque()
        self._problems: deque[Entry] = deque()

    def append(self, when: float, request: Request, reply: Reply) -> Entry:
        """Add an entry for *request* and its *reply* at *when*, in seconds since 1970, and return it."""
        size = _size(request, reply.note)
        entry = (
            when,
            request,
            reply.status,
            reply.source,
            reply.exchange,
            reply.id_pairs,
            reply.how,
            reply.conversation,
            reply.note,
            reply.miss_details,
            size,
        )
        entries = self._entries
        entries.append(entry)
        self._size += size
        while len(entries) > self._max_calls or (self._size > self._max_bytes and len(entries) > 1):
            oldest = entries.popleft()
            if _is_problem(oldest):
                self._problems.append(oldest)
            else:
                self._forget(oldest)
        while self._problems and (
            len(self._problems) > MAX_PROBLEMS or self._size > self._max_bytes
        ):
            self._forget(self._problems.popleft())
        return entry

    def calls(self, session: str | None = None) -> list[Call]:
        """Return the calls of *session*, or of all sessions if it is None, oldest first."""
        return [to_call(entry) for entry in self._all() if session in (None, _session(entry))]

    def clear(self, session: str | None = None) -> None:
        """Forget the calls of *session*, or of all sessions if it is None."""
        remaining = (
            []
            if session is None
            else [entry for entry in self._all() if _session(entry) != session]
        )
        self._problems.clear()
        self._entries = deque(remaining)
        self._size = sum(entry[-1] for entry in remaining)
        if session is None:
            self.forgotten = 0

    def _forget(self, entry: Entry) -> None:
        self._size -= entry[-1]
        self.forgotten += 1

    def _all(self) -> tuple[Entry, ...]:
        # Copied in one step, since another thread may append an entry.
        return (*self._problems, *self._entries)
