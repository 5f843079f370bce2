"""The changes of the journal from now on, as server-sent events."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from aiohttp import web

from mockserver.formats.json_text import Json, dumps
from mockserver.server.journal import Journal, JournalEntry

MAX_WAITING = 500
"""The maximum number of events that wait for a listener. A slow one gets the event `reload` instead: it has to load the journal again."""

_PAUSE = 0.05
"""Seconds between two writes."""

_MAX_SHARE = 4
"""Encoding events takes time; the pause after it is this many times as long."""

_BATCH = 50
"""The maximum number of events of one write."""

HEARTBEAT_SECONDS = 15.0
"""The seconds without a change after which a comment is sent."""

JournalChange = tuple[str, JournalEntry | str | None]
"""The name of an event, and what it is about: an entry, or a session."""


class JournalFollower:
    """Collects what happens to the journal, for one client."""

    def __init__(self) -> None:
        self._waiting: deque[JournalChange] = deque()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self.is_closed = False

    def call_added(self, entry: JournalEntry) -> None:
        self._add(("call", entry))

    def call_finished(self, entry: JournalEntry) -> None:
        self._add(("finished", entry))

    def was_reset(self, session: str | None) -> None:
        self._add(("reset", session))

    def close(self) -> None:
        """End the stream of events."""
        self.is_closed = True
        self._changed.set()

    async def take(self) -> list[JournalChange]:
        """Wait for something to happen, and return it; empty if nothing happens for a while."""
        if not self._waiting:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                return []
        return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]

    def _add(self, change: JournalChange) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.clear()
            self._waiting.append(("reload", None))
        self._waiting.append(change)
        self._loop.call_soon_threadsafe(self._changed.set)


class JournalStreams:
    """The clients that follow *journal*. *view* returns an entry as JSON."""

    def __init__(self, journal: Journal, view: Callable[[JournalEntry], Json]) -> None:
        self._journal = journal
        self._view = view
        self._listeners: set[JournalFollower] = set()

    async def serve(
        self, request: web.BaseRequest, selects: Callable[[JournalEntry], bool]
    ) -> web.StreamResponse:
        """Send what happens to the entries that *selects* chooses, until the client leaves or the server stops."""
        headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
        response = web.StreamResponse(headers=headers)
        listener, now = JournalFollower(), asyncio.get_running_loop().time
        self._listeners.add(listener)
        self._journal.listeners.append(listener)
        try:
            with suppress(ConnectionResetError):  # the client may disconnect
                await response.prepare(request)
                await response.write(b": the journal from now on\n\n")
                while not listener.is_closed:
                    changes = await listener.take()
                    started = now()
                    text = await asyncio.to_thread(self._encode_all, changes, selects)
                    pause = max(_PAUSE, _MAX_SHARE * (now() - started))
                    await response.write(text)
                    await asyncio.sleep(pause)
        finally:
            self._journal.listeners.remove(listener)
            self._listeners.remove(listener)
        return response

    def close(self) -> None:
        """End all streams, so that they do not delay a stop."""
        for listener in self._listeners:
            listener.close()

    def _encode_all(
        self, changes: Iterable[JournalChange], selects: Callable[[JournalEntry], bool]
    ) -> bytes:
        """Return the events of *changes* that are selected, or a comment, which tells the client that the server is there."""
        chosen = [one for one in changes if not isinstance(one[1], JournalEntry) or selects(one[1])]
        text = "".join(self._encode(*one) for one in chosen)
        return text.encode("utf-8", "replace") or b": nothing happened\n\n"

    def _encode(self, event: str, subject: JournalEntry | str | None) -> str:
        if not isinstance(subject, JournalEntry):
            data: Json = {} if event == "reload" else {"session": subject}
        elif event == "call":
            data = self._view(subject)
        else:
            data = {"number": subject.number, "seconds": round(subject.seconds or 0.0, 3)}
        return f"event: {event}\ndata: {dumps(data)}\n\n"
