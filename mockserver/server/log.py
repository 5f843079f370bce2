"""The calls of a server: a journal of the last ones for tests, and for people lines while it runs and a summary at its end."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote

from mockserver.errors import OUT_OF_FILES
from mockserver.formats.json_text import Json, loads
from mockserver.formats.wording import pluralize
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

_MAX_LINES = 5
"""How many malformed requests, and how many rejected ones, are logged."""


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
    """How the response came about if it was not recorded like this: `derived`, `switched` or `closest`."""
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


class Log:
    """Counts responses, and logs a line for each with *write*: for all if *verbose*, else for misses and errors.

    If *on_problem* is given, misses and errors go to it instead of *write*.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        verbose: bool = False,
        on_problem: Callable[[Call], None] | None = None,
    ) -> None:
        self.journal = Journal()
        self.write = write
        self.counts: Counter[ReplySource] = Counter()
        self.verbose = verbose
        self._derived = 0
        self._closest = 0
        self._bad_requests: Counter[str] = Counter()
        self._bad_lines: defaultdict[str, set[str]] = defaultdict(set)
        self._on_problem = on_problem
        self._written_once: set[str] = set()

    def write_once(self, line: str) -> None:
        if line not in self._written_once:
            self._written_once.add(line)
            self.write(line)

    @property
    def misses(self) -> int:
        return self.counts[ReplySource.MISS]

    @property
    def errors(self) -> int:
        return self.counts[ReplySource.ERROR]

    def response_started(self, request: Request, reply: Reply) -> None:
        """Count *reply*, which is about to be sent for *request*, and log a problem."""
        if not reply.is_counted:
            return
        self.counts[reply.source] += 1
        self._derived += reply.how == "derived"
        self._closest += reply.how == "closest"
        call = record_call(datetime.now(UTC), request, reply)
        self.journal.append(call)
        if call.is_problem and self._on_problem:
            self._on_problem(call)
        elif reply.note == OUT_OF_FILES:
            self.write_once(OUT_OF_FILES)
        elif reply.note:
            self.write(f"{reply.source}: {call}")

    def response_finished(self, request: Request, reply: Reply, seconds: float) -> None:
        """If verbose, log that *reply* to *request* was sent after *seconds*."""
        if self.verbose and not (reply.note and reply.is_counted):
            exchange = f" {reply.exchange}" if reply.exchange else ""
            id_pairs = "".join(f", {live} for {recorded}" for live, recorded in reply.id_pairs)
            self.write(
                f"{describe(request)} {reply.status} {reply.source}{exchange} {seconds * 1000:.0f} ms{id_pairs}"
            )

    def count_bad_request(self, kind: str, line: str) -> None:
        """Count a request of this *kind*, such as "malformed"; write *line* if it is new and one of the first."""
        self._bad_requests[kind] += 1
        lines = self._bad_lines[kind]
        if line in lines or len(lines) > _MAX_LINES:
            return
        lines.add(line)
        too_many = len(lines) > _MAX_LINES
        self.write(f"further {kind} requests are counted, but not logged" if too_many else line)

    def summary(self) -> str:
        """Return a line with the number of responses by source, and of problems."""
        answered = [
            f"{self.counts[source]} by {source}"
            for source in (ReplySource.CASSETTE, ReplySource.FAKE, ReplySource.UPSTREAM)
            if self.counts[source]
        ]
        parts = [f"answered {', '.join(answered)}" if answered else "answered nothing"]
        if self._derived:
            parts.append(f"{self._derived} of them derived from other stream modes or runs")
        if self._closest:
            parts.append(f"{self._closest} of them by the closest recorded run")
        if self.misses:
            parts.append(pluralize(self.misses, "miss", "misses"))
        if self.errors:
            parts.append(pluralize(self.errors, "error"))
        parts += [
            pluralize(count, f"{kind} request")
            for kind, count in sorted(self._bad_requests.items())
        ]
        return "; ".join(parts)
