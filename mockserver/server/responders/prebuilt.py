"""Cache recorded responses in the form in which they are sent."""

from mockserver.cassette.recorder import strip_response_headers
from mockserver.cassette.timing import apply_pace
from mockserver.http.messages import (
    PrebuiltBody,
    Reply,
    Source,
    StreamingBody,
    TimedBody,
    standard_reason,
)
from mockserver.http.pacing import Pace
from mockserver.matching.index import Entry
from mockserver.server.cache import Cache
from mockserver.server.response_head import prebuild
from mockserver.store.library import Library

CACHE_BYTES = 120 << 20
"""The size of the cache."""


class ResponseCache:
    """The recorded responses of *library*, sent at *pace*."""

    def __init__(self, library: Library, pace: Pace) -> None:
        self._library = library
        self._pace = pace
        self._replies: Cache[Reply] = Cache(CACHE_BYTES)

    def get(self, entry: Entry) -> Reply:
        """Return the reply for *entry*; raise ReadError if it cannot be read."""
        reply = self._replies.get(entry)
        if reply is None:
            reply = self._read(entry)
            self._replies.put(entry, reply, 2000 + _size(reply))
        return reply

    def _read(self, entry: Entry) -> Reply:
        played = self._library.playback(entry)
        return prebuild(
            Reply(
                played.status,
                strip_response_headers(played.headers),
                apply_pace(played, self._pace),
                standard_reason(played.status) if played.reason is None else played.reason,
                Source.CASSETTE,
                entry.label,
            )
        )


def _size(reply: Reply) -> int:
    """Return the approximate memory size of the body of *reply* in bytes."""
    match reply.body:
        case PrebuiltBody(raw) | bytes(raw):
            return len(raw)
        case TimedBody(steps):
            return sum(len(chunk) + 200 for _, chunk in steps)
        case StreamingBody():
            return 0  # recorded responses are never live
