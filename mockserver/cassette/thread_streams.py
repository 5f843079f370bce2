"""Commands and event streams in a recording: which runs they start, and which runs they show the end of. No I/O."""

import re
from collections import Counter, defaultdict
from typing import NamedTuple

from mockserver.cassette.model import Exchange, Stream
from mockserver.formats.json_text import Json, loads
from mockserver.http.messages import Request

RUN_ENDS = ("completed", "failed", "interrupted")
"""The lifecycle events of the outermost graph that end a run."""

_RUN_COMMANDS = ("run.start", "input.respond")
_PATH = re.compile(
    r"(?:/[^/?]+)*?(?P<thread>/threads/[^/?]+)/(?P<call>commands|stream|stream/events)/?(?:\?.*)?",
    re.DOTALL,
)
_ON_THREAD = re.compile(r"(?:/[^/?]+)*?(?P<thread>/threads/[^/?]+)(?=[/?]|$)")


class ShownRuns(NamedTuple):
    """What an exchange shows of the runs on *thread*: the number of *commands* that started one, and the ids of the events that begin and end one."""

    thread: str
    commands: int = 0
    begins: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()


class RunCounter:
    """Counts the runs of threads, and those whose end was seen."""

    def __init__(self) -> None:
        self._commands: Counter[str] = Counter()
        self._begins: defaultdict[str, set[str]] = defaultdict(set)
        self._ends: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, marks: ShownRuns) -> None:
        """Add what an exchange shows."""
        self._commands[marks.thread] += marks.commands
        self._begins[marks.thread] |= marks.begins
        self._ends[marks.thread] |= marks.ends

    def find_unended(self) -> dict[str, int]:
        """Return how many runs have no end, for each thread that has such a run."""
        missing = {
            thread: max(commands, len(self._begins[thread])) - len(self._ends[thread])
            for thread, commands in self._commands.items()
        }
        return {thread: number for thread, number in missing.items() if number > 0}


def asks_for_thread_events(request: Request) -> bool:
    """Return whether *request* asks for the events of a thread: a stream that never ends by itself.

    `GET …/stream/events` is its WebSocket, `GET …/stream` an older form.
    """
    if match_thread_call(request.path, "stream") is not None:
        return request.method == "GET"
    is_stream = match_thread_call(request.path, "stream/events") is not None
    return is_stream and request.method in ("POST", "GET")


def match_thread_call(path: str, call: str) -> str | None:
    """Return the path of the thread if *path* is *call* on it: `commands`, `stream` or `stream/events`; else None."""
    found = _PATH.fullmatch(path)
    return found["thread"] if found and found["call"] == call else None


def find_thread_path(path: str) -> str | None:
    """Return the path of the thread that a request for *path* is about, or None."""
    found = _ON_THREAD.match(path)
    return found["thread"] if found else None


def find_shown_runs(exchange: Exchange) -> ShownRuns | None:
    """Return what *exchange* shows of the runs of a thread; None if it is neither a command nor an event stream."""
    request, content = exchange.request, exchange.response.content
    if request.method != "POST":
        return None
    if thread := match_thread_call(request.path, "commands"):
        return ShownRuns(thread, int(not isinstance(content, Stream) and _starts_run(exchange)))
    thread = match_thread_call(request.path, "stream/events")
    if thread is None or not isinstance(content, Stream):
        return None
    seen = [_read_lifecycle(dict(timed.event.fields)) for timed in content.events]
    begins = frozenset(identity for status, identity in seen if status == "running")
    ends = frozenset(identity for status, identity in seen if status in RUN_ENDS)
    return ShownRuns(thread, 0, begins, ends)


def _starts_run(exchange: Exchange) -> bool:
    """Return whether *exchange* is a command that started a run."""
    content = exchange.response.content
    assert not isinstance(content, Stream)
    command, answer = _parse(exchange.request.body), _parse(content.raw)
    return command.get("method") in _RUN_COMMANDS and answer.get("type") == "success"


def _read_lifecycle(fields: dict[str, str]) -> tuple[str, str]:
    """Return what happened to a run, and the id of the event; empty texts if it is about something else."""
    envelope = _parse(fields.get("data", "")) if fields.get("event") == "lifecycle" else {}
    given = envelope.get("params")
    params = given if isinstance(given, dict) else {}
    data = params.get("data")
    if not isinstance(data, dict) or params.get("namespace"):
        return "", ""
    return str(data.get("event")), str(envelope.get("event_id"))


def _parse(text: str | bytes) -> dict[str, Json]:
    """Return the JSON object in *text*; an empty one if it is something else."""
    try:
        value = loads(text if isinstance(text, str) else text.decode())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
