"""The last requests and their responses, for tests to inspect. No I/O, no clock."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from mockserver.formats.json_text import Json, loads
from mockserver.http.messages import (
    SESSION_HEADER,
    SHARED_SESSION,
    Headers,
    Reply,
    ReplySource,
    Request,
)
from mockserver.redaction.redactor import describe

MAX_CALLS = 10_000
"""Beyond this number the oldest calls are forgotten."""

MAX_BYTES = 32 << 20
"""The approximate size limit of all calls."""

MAX_PROBLEMS = 1000
"""How many older misses and errors are kept, so that successful calls do not push them out."""

_CALL_OVERHEAD = 500
_PROBLEMS = (ReplySource.MISS, ReplySource.ERROR)


class Call(NamedTuple):
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
    source: ReplySource
    """`cassette`, `fake`, `upstream`, `miss` or `error`."""
    exchange: str | None = None
    """The played exchange as `FILE#N`."""
    ids: Mapping[str, str] = {}
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
        if self.source is ReplySource.MISS and self.note:
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
        """The request as the client sent it."""
        return Request(self.method, self.path, self.headers, self.body)

    @property
    def is_problem(self) -> bool:
        """Whether the response is a miss or an error."""
        return self.source in _PROBLEMS

    def json(self) -> Json:
        """Return the body of the request as a JSON value; raise ValueError if it is not JSON."""
        return loads(self.body.decode())


def record_call(when: datetime, request: Request, reply: Reply) -> Call:
    """Return the call with *request* and *reply*, which was found at *when*."""
    return Call(
        when,
        unquote(request.header(SESSION_HEADER) or SHARED_SESSION),
        request.method,
        request.path,
        request.headers,
        request.body,
        reply.status,
        reply.source,
        reply.exchange,
        dict(reply.id_pairs),
        reply.how,
        reply.conversation,
        reply.note,
        reply.miss_details,
    )


class Journal:
    """The last calls; misses and errors are kept longest. *forgotten* counts the dropped calls."""

    def __init__(self, max_calls: int = MAX_CALLS, max_bytes: int = MAX_BYTES) -> None:
        self.forgotten = 0
        self._max_calls = max_calls
        self._max_bytes = max_bytes
        self._size = 0
        self._recent: deque[Call] = deque()
        self._old_problems: deque[Call] = deque()

    def append(self, call: Call) -> None:
        """Add *call*, and forget the oldest calls beyond the limits."""
        recent, problems = self._recent, self._old_problems
        recent.append(call)
        self._size += _memory_size(call)
        while len(recent) > self._max_calls or (self._size > self._max_bytes and len(recent) > 1):
            oldest = recent.popleft()
            if oldest.is_problem:
                problems.append(oldest)
            else:
                self._forget(oldest)
        while problems and (len(problems) > MAX_PROBLEMS or self._size > self._max_bytes):
            self._forget(problems.popleft())

    def calls(self, session: str | None = None) -> list[Call]:
        """Return the calls of *session*, or of all sessions if it is None, oldest first."""
        # Copied in one step, since another thread may append a call.
        every = (*self._old_problems, *self._recent)
        return [call for call in every if session in (None, call.session)]

    def clear(self, session: str | None = None) -> None:
        """Forget the calls of *session*, or of all sessions if it is None."""
        others = [call for call in self.calls() if session not in (None, call.session)]
        self._old_problems.clear()
        self._recent = deque(others)
        self._size = sum(map(_memory_size, others))
        if session is None:
            self.forgotten = 0

    def _forget(self, call: Call) -> None:
        self._size -= _memory_size(call)
        self.forgotten += 1


def _memory_size(call: Call) -> int:
    heads = sum(len(name) + len(value) for name, value in call.headers)
    note = 3 * len(call.note) if call.note else 0
    return _CALL_OVERHEAD + len(call.path) + heads + len(call.body) + note
