"""What cassettes have told a session of its threads, so that the fake graph can go on where they end."""

import re

from mockserver.cassette.assistant_ids import UUID_PATTERN
from mockserver.formats.json_text import Json
from mockserver.http.messages import PrebuiltBody, Reply, Request, StreamingBody, TimedBody
from mockserver.matching.canonical import parse_json

KEPT = 1000
"""How many threads are remembered of a session; beyond that the oldest is forgotten."""

_THREAD = re.compile(rf"/threads/({UUID_PATTERN})(?:/|\?|$)", re.IGNORECASE)
_MADE = re.compile(rf'"thread_id":\s*"({UUID_PATTERN})"'.encode(), re.IGNORECASE)
_VALUES = re.compile(rb"event: values\r?\ndata: (.+?)\r?\n")


class Handover:
    """The threads of one session that cassettes have told of, and the last state of each that was told whole."""

    def __init__(self) -> None:
        self._states: dict[str, Json] = {}

    def note(self, request: Request, reply: Reply) -> None:
        """Take down what *reply*, which came from a cassette, tells of a thread."""
        body = reply.body.body if isinstance(reply.body, PrebuiltBody) else reply.body
        if isinstance(body, StreamingBody) or reply.status >= 300:
            return
        thread = thread_of(request) or _made(request, body)
        if thread is None:
            return
        self._states.setdefault(thread, None)
        while len(self._states) > KEPT:
            del self._states[next(iter(self._states))]
        state = _state(request, body)
        if state is not None:
            self._states[thread] = state

    def knows(self, thread: str) -> bool:
        """Tell whether a cassette has told of *thread*."""
        return thread in self._states

    def state(self, thread: str) -> Json:
        """Return the last state of *thread* that was told, None where none was."""
        return self._states.get(thread)


def thread_of(request: Request) -> str | None:
    """Return the id of the thread that the path of *request* names, None where it names none."""
    found = _THREAD.search(request.path)
    return found and found[1].lower()


def _made(request: Request, body: bytes | TimedBody) -> str | None:
    if request.method != "POST" or not isinstance(body, bytes):
        return None
    found = _MADE.search(body) if request.path.rstrip("/") == "/threads" else None
    return found and found[1].decode().lower()


def _state(request: Request, body: bytes | TimedBody) -> Json:
    """Return the state of a thread that the answer *body* ends with, None where it tells none."""
    chunks = (body,) if isinstance(body, bytes) else tuple(raw for _, raw in body.steps)
    path = request.path.partition("?")[0]
    if path.endswith("/runs/stream"):
        for chunk in reversed(chunks):
            if found := _VALUES.findall(chunk):
                return _messages(found[-1])
    if path.endswith("/runs/wait") and chunks:
        return _messages(chunks[-1])
    return None


def _messages(raw: bytes) -> Json:
    """Return the state that the JSON *raw* holds, None where that is no conversation."""
    try:
        state = parse_json(raw)
    except ValueError:
        return None
    if not isinstance(state, dict) or not isinstance(state.get("messages"), list):
        return None
    return {name: part for name, part in state.items() if name != "__interrupt__"}
