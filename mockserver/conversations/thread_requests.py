"""What requests on threads do. No I/O."""

import re
from dataclasses import dataclass
from enum import Enum

from mockserver.formats.json_text import loads_or_none
from mockserver.formats.server_ids import UUID_PATTERN

_ON_THREAD = re.compile(rf"(?:^|/)threads/(?P<thread>{UUID_PATTERN})(?P<call>/[^?]*)?/?(?:\?|$)", re.IGNORECASE)  # fmt: skip
_CREATION = re.compile(r"(?:^|/)threads/?$")
TURN_PATHS = ("/runs", "/runs/stream", "/runs/wait", "/state")
COMMANDS = "/commands"
"""The path of commands. One that starts a run is a turn; the server accepts others without effect."""
EVENTS = "/stream/events"
"""The path of the events of a thread. What a client gets is computed from all recorded events of the thread."""
CANCEL_PATH = re.compile(r"/runs/[^/]+/cancel")


class RequestKind(Enum):
    """What a request does: open a thread, start a turn, change a thread, or read it."""

    CREATION = "creation"
    TURN = "turn"
    CHANGE = "change"
    READ = "read"


@dataclass(frozen=True, slots=True)
class ThreadRequest:
    """A request on threads: its kind, and the *thread* that its path names (None for a creation)."""

    kind: RequestKind
    thread: str | None
    path: str
    """The path below the thread: `/runs/stream`, or nothing for the thread itself."""
    is_deletion: bool = False
    opens_events: bool = False
    """Whether it asks for the events of the thread."""


def parse_thread_request(method: str, path: str) -> ThreadRequest | None:
    """Return what a request of *method* for *path* does, or None if it names no thread and creates none."""
    found = _ON_THREAD.search(path)
    if found is None:
        is_creation = method == "POST" and _CREATION.search(path.partition("?")[0])
        return ThreadRequest(RequestKind.CREATION, None, "") if is_creation else None
    below = (found["call"] or "").rstrip("/")
    kind = RequestKind.READ
    if method == "POST" and below in (*TURN_PATHS, COMMANDS):
        kind = RequestKind.TURN
    elif (
        method in ("PATCH", "DELETE")
        or below == "/copy"
        or (method == "POST" and CANCEL_PATH.fullmatch(below))
    ):
        kind = RequestKind.CHANGE
    return ThreadRequest(
        kind,
        found["thread"].lower(),
        below,
        is_deletion=method == "DELETE" and not below,
        opens_events=method == "POST" and below == EVENTS,
    )


def parse_thread_id(raw: bytes) -> str | None:
    """Return the id in *raw*, the JSON form of a thread; None if it is no thread."""
    record = loads_or_none(raw)
    thread = record.get("thread_id") if isinstance(record, dict) else None
    return thread.lower() if isinstance(thread, str) else None
