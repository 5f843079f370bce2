"""What was asked and what answered it: the last calls, for a test to look at. No I/O, no clock."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from urllib.parse import unquote

from mockserver.formats.json_text import Json, loads
from mockserver.http.messages import SESSION_HEADER, SHARED_SESSION, Headers, Reply, Request, Source
from mockserver.redaction.redactor import describe

KEPT = 10_000
"""How many calls are remembered; beyond that the oldest is forgotten."""

ROOM = 32 << 20
"""How many bytes the remembered calls may take together, about."""

_SMALLEST = 500
FAULTY = (Source.MISS, Source.ERROR)

FAULTS = 1000
"""How many misses and faults are remembered beyond that, so that what goes well cannot push them out."""


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One request, as its client sent it, and what answered it.

    As text it is a line without secrets; of a miss it is the whole explanation.
    """

    when: datetime
    """When the answer was found, before any of it was sent."""
    session: str
    """The session's name, empty where the client named none."""
    method: str
    path: str
    """The request target with its query, without the prefix that names a session."""
    headers: Headers
    """Pairs of name (in lower case) and value."""
    body: bytes
    status: int
    source: Source
    """`cassette`, `fake`, `upstream`, `miss` or `error`."""
    exchange: str | None = None
    """`FILE#N` of the exchange that was played."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """The ids of the request that stand for recorded ones: live to recorded."""
    note: str | None = None
    """What there is to say about it in words: the explained miss, the fault, the refusal of the fake graph."""
    miss: Mapping[str, Json] | None = None
    """The facts of a miss: method, path, reason, nearest."""

    def __str__(self) -> str:
        if self.source is Source.MISS and self.note:
            return self.note
        asked = describe(self.request)
        if self.note:
            return f"{asked}: {self.note}"
        exchange = f" {self.exchange}" if self.exchange else ""
        return f"{asked} {self.status} {self.source}{exchange}"

    def __repr__(self) -> str:
        return f"<Call {self}>"

    @property
    def request(self) -> Request:
        """The request by itself."""
        return Request(self.method, self.path, self.headers, self.body)

    @property
    def is_fault(self) -> bool:
        """Whether it is a miss, or could not be answered."""
        return self.source in FAULTY

    def json(self) -> Json:
        """Return the body of the request as a JSON value; ValueError where it is none."""
        return loads(self.body.decode())


Noted = tuple[
    float,
    Request,
    int,
    Source,
    str | None,
    tuple[tuple[str, str], ...],
    str | None,
    Mapping[str, Json] | None,
]
"""A call as it is taken down while its client waits: to be made a Call of when somebody asks.

When, request, status, source, exchange, names, note, facts.
"""


def call(noted: Noted) -> Call:
    """Return the call that was *noted*."""
    when, request, status, source, exchange, names, note, facts = noted
    return Call(
        datetime.fromtimestamp(when, UTC),
        _session(noted),
        request.method,
        request.path,
        request.headers,
        request.body,
        status,
        source,
        exchange,
        dict(names),
        note,
        facts if source is Source.MISS else None,
    )


def _session(noted: Noted) -> str:
    return unquote(noted[1].header(SESSION_HEADER) or SHARED_SESSION)


def _is_fault(noted: Noted) -> bool:
    return noted[3] in FAULTY


def _size(noted: Noted) -> int:
    """Return about how many bytes it takes."""
    request, note = noted[1], noted[6]
    size: int | None = request.memo.get(Journal)
    if size is None:
        heads = sum(map(len, chain((request.path,), *request.headers)))
        size = request.memo[Journal] = _SMALLEST + len(request.body) + heads
    return size + 3 * len(note) if note else size


class Journal:
    """The last calls, of which misses and faults stay longest; *forgotten* counts those that are gone."""

    def __init__(self, kept: int = KEPT, room: int = ROOM) -> None:
        self.forgotten = 0
        self._kept = kept
        self._room = room
        self._size = 0
        self._noted: deque[Noted] = deque()
        self._faults: deque[Noted] = deque()

    def note(self, when: float, request: Request, reply: Reply) -> Noted:
        """Take down that *request* got *reply* at *when*, in seconds since 1970; return the note, to make a `call` of."""
        made = (
            when,
            request,
            reply.status,
            reply.source,
            reply.exchange,
            reply.id_pairs,
            reply.note,
            reply.miss_details,
        )
        noted = self._noted
        noted.append(made)
        self._size += _size(made)
        while len(noted) > self._kept or (self._size > self._room and len(noted) > 1):
            oldest = noted.popleft()
            if _is_fault(oldest):
                self._faults.append(oldest)
            else:
                self._forget(oldest)
        while self._faults and (len(self._faults) > FAULTS or self._size > self._room):
            self._forget(self._faults.popleft())
        return made

    def calls(self, session: str | None = None) -> list[Call]:
        """Return what was taken down, the oldest first: of *session*, or of all if it is None."""
        return [call(one) for one in self._all() if session in (None, _session(one))]

    def clear(self, session: str | None = None) -> None:
        """Forget the calls of *session*; all of them if it is None."""
        left = [] if session is None else [one for one in self._all() if _session(one) != session]
        self._faults.clear()
        self._noted = deque(left)
        self._size = sum(map(_size, left))
        if session is None:
            self.forgotten = 0

    def _forget(self, noted: Noted) -> None:
        self._size -= _size(noted)
        self.forgotten += 1

    def _all(self) -> tuple[Noted, ...]:
        """Return all, copied in one step: another thread may be noting."""
        return (*self._faults, *self._noted)
