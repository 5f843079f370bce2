"""The journal of a server: its last calls, for tests and for the page, with what was sent in response."""

from collections import Counter, deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import unquote

from mockserver.http.fault import fault_to_json
from mockserver.http.messages import (
    SESSION_HEADER,
    PrebuiltBody,
    Reply,
    ReplySource,
    Request,
    StreamingBody,
    TimedBody,
    is_page_session,
)
from mockserver.server.call import Call

MAX_CALLS = 10_000
"""Beyond this number the oldest calls are forgotten."""

MAX_BYTES = 32 << 20
"""The approximate size limit of all calls."""

MAX_PROBLEMS = 1000
"""How many older misses and errors are kept, so that successful calls do not push them out."""

MAX_RESPONSE = 8 << 20
"""The maximum number of bytes of a response that are kept; of a longer stream, the beginning is."""

MAX_RESPONSES = 16 << 20
"""The size limit of the bodies of all responses. Beyond it those of the oldest calls are forgotten."""

_CALL_OVERHEAD = 500
_CHUNK_OVERHEAD = 100


@dataclass(slots=True, eq=False)
class SentResponse:
    """The *reply* to a call as far as it was sent."""

    reply: Reply
    """Its body is empty if it came while it was sent, or is too large."""
    steps: "list[tuple[float, bytes]] | tuple[tuple[float, bytes], ...]" = ()
    """The chunks of a body with their times, in seconds since the request."""
    size: int = 0
    """The number of kept bytes of the body."""
    is_truncated: bool = False
    """Whether more was sent than is kept."""


@dataclass(slots=True, eq=False)
class JournalEntry:
    """A *call* with its *number*, from 1."""

    number: int
    call: Call
    response: SentResponse | None
    """None once it is forgotten."""
    memory_size: int
    """The approximate size of the request, and of what is said about it."""
    seconds: float | None = None
    """How long the response took; None while it is being sent."""


class Listener(Protocol):
    """What follows a journal. Its methods return quickly; any thread may call them."""

    def call_added(self, entry: JournalEntry) -> None:
        """Note that *entry* is new."""

    def call_finished(self, entry: JournalEntry) -> None:
        """Note that the response to *entry* has been sent."""

    def was_reset(self, session: str | None) -> None:
        """Note that the calls of *session*, or of all sessions, are forgotten."""


class Journal:
    """The last calls; misses and errors are kept longest. *forgotten* counts the dropped calls.

    *counts* and *hows* count all replies of the server by source and by how they came about; they do not count those to the page.
    """

    def __init__(self, max_calls: int = MAX_CALLS, max_bytes: int = MAX_BYTES) -> None:
        self.counts: Counter[ReplySource] = Counter()
        self.hows: Counter[str | None] = Counter()
        self.forgotten = 0
        self.listeners: list[Listener] = []
        self._max_calls = max_calls
        self._max_bytes = max_bytes
        self._size = 0
        self._count = 0
        self._recent: deque[JournalEntry] = deque()
        self._old_problems: deque[JournalEntry] = deque()
        self._with_response: deque[JournalEntry] = deque()
        self._response_size = 0

    def append(self, request: Request, reply: Reply) -> JournalEntry:
        """Add *request* and *reply*, which is about to be sent, and forget the oldest calls beyond the limits."""
        self._count += 1
        call = build_call(datetime.now(UTC), request, reply)
        response = _keep_response(reply)
        entry = JournalEntry(self._count, call, response, _measure_memory(call))
        if not is_page_session(call.session):
            self.counts[reply.source] += 1
            self.hows[reply.how] += 1
        self._recent.append(entry)
        self._with_response.append(entry)
        self._size += entry.memory_size
        self._response_size += response.size
        self._forget_calls()
        self._forget_responses()
        for listener in self.listeners:
            listener.call_added(entry)
        return entry

    def add_chunk(self, entry: JournalEntry, at: float, chunk: bytes) -> None:
        """Add a *chunk* of the response to *entry*, which was sent *at* that time, in seconds since the request."""
        response = entry.response
        if response is None or response.is_truncated or not isinstance(response.steps, list):
            return
        size = len(chunk) + _CHUNK_OVERHEAD
        if response.size + size > MAX_RESPONSE:
            response.is_truncated = True
            return
        response.steps.append((at, chunk))
        response.size += size
        self._response_size += size
        self._forget_responses()

    def finish(self, entry: JournalEntry, seconds: float) -> None:
        """Note that the response to *entry* has been sent after *seconds*."""
        if entry.seconds is None:
            entry.seconds = seconds
            for listener in self.listeners:
                listener.call_finished(entry)

    def entries(self, session: str | None = None) -> list[JournalEntry]:
        """Return the calls of *session*, or of all sessions if it is None, oldest first, with the responses to them."""
        # Copied in one step, since another thread may append a call.
        every = (*self._old_problems, *self._recent)
        return [entry for entry in every if session in (None, entry.call.session)]

    def calls(self, session: str | None = None) -> list[Call]:
        """Return the calls of *session*, or of all sessions if it is None, oldest first."""
        return [entry.call for entry in self.entries(session)]

    def find(self, number: int) -> JournalEntry | None:
        """Return the call with this *number*, or None if it is not in the journal."""
        return next((entry for entry in self.entries() if entry.number == number), None)

    def clear(self, session: str | None = None) -> None:
        """Forget the calls of *session*, or of all sessions if it is None."""
        others: list[JournalEntry] = []
        for entry in self.entries():
            if session in (None, entry.call.session):
                entry.response = None  # more of it may come
            else:
                others.append(entry)
        self._old_problems.clear()
        self._recent = deque(others)
        self._size = sum(entry.memory_size for entry in others)
        responses = {entry: entry.response for entry in others if entry.response is not None}
        self._with_response = deque(responses)
        self._response_size = sum(response.size for response in responses.values())
        if session is None:
            self.forgotten = 0
        for listener in self.listeners:
            listener.was_reset(session)

    def _forget_calls(self) -> None:
        """Forget the oldest calls beyond the limits, problems last."""
        recent, problems = self._recent, self._old_problems
        while len(recent) > self._max_calls or (self._size > self._max_bytes and len(recent) > 1):
            oldest = recent.popleft()
            if oldest.call.is_problem:
                problems.append(oldest)
            else:
                self._forget(oldest)
        while problems and (len(problems) > MAX_PROBLEMS or self._size > self._max_bytes):
            self._forget(problems.popleft())

    def _forget_responses(self) -> None:
        """Forget the oldest responses beyond the limits."""
        kept = self._with_response
        while kept and (self._response_size > MAX_RESPONSES or len(kept) > self._max_calls):
            self._forget_response(kept.popleft())

    def _forget(self, entry: JournalEntry) -> None:
        self._size -= entry.memory_size
        self.forgotten += 1
        self._forget_response(entry)

    def _forget_response(self, entry: JournalEntry) -> None:
        if entry.response is not None:
            self._response_size -= entry.response.size
            entry.response = None


def build_call(when: datetime, request: Request, reply: Reply) -> Call:
    """Return the call of *request*, to which *reply* was found *when*."""
    faults = {key: value for fault in reply.faults for key, value in fault_to_json(fault).items()}
    return Call(
        when,
        unquote(request.header(SESSION_HEADER) or ""),
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
        faults or None,
    )


def _measure_memory(call: Call) -> int:
    head = sum([len(name) + len(value) for name, value in call.headers])
    note = 3 * len(call.note or "")
    return _CALL_OVERHEAD + len(call.path) + head + len(call.body) + note


def _keep_response(reply: Reply) -> SentResponse:
    """Return what is kept of *reply*, which is about to be sent."""
    match reply.body:
        case PrebuiltBody(raw) | bytes(raw) if len(raw) <= MAX_RESPONSE:
            return SentResponse(reply, size=len(raw))
        case TimedBody(steps):
            kept, size = _keep_beginning(steps)
            if len(kept) == len(steps):
                return SentResponse(reply, steps, size)
            return SentResponse(replace(reply, body=b""), kept, size, is_truncated=True)
        case body:
            is_truncated = not isinstance(body, StreamingBody)
            return SentResponse(replace(reply, body=b""), [], is_truncated=is_truncated)


def _keep_beginning(
    steps: tuple[tuple[float, bytes], ...],
) -> tuple[tuple[tuple[float, bytes], ...], int]:
    """Return the first of *steps* that are kept, and their size."""
    size = 0
    for number, (_, chunk) in enumerate(steps):
        more = size + len(chunk) + _CHUNK_OVERHEAD
        if more > MAX_RESPONSE:
            return steps[:number], size
        size = more
    return steps, size
