"""Recorded answers as they go out, kept as long as there is room: the last ones ready, many more of them packed."""

import zlib
from typing import NamedTuple

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
from mockserver.server.response_head import encoded
from mockserver.store.library import Library

READY = 88 << 20
PACKED = 32 << 20
"""How many bytes of answers are kept at the most: as they go out, and packed."""

_WORTH = 4 << 10
"""From how many bytes on an answer is packed. A stream repeats itself: it is packed to a thirtieth in no more time than it is read."""

_LEVEL = 1


class _Packed(NamedTuple):
    """The answer that *reply* is but for its body; that is packed, *size* bytes of which the first *start* are the head."""

    reply: Reply
    packed: bytes
    size: int
    start: int


class Answers:
    """The answers that *library* holds, at that *pace*."""

    def __init__(self, library: Library, pace: Pace) -> None:
        self._library = library
        self._pace = pace
        self._ready: Cache[Reply] = Cache(READY)
        self._packed: Cache[_Packed] = Cache(PACKED)

    def get(self, entry: Entry) -> Reply:
        """Return the answer at *entry*; ReadError where it cannot be read."""
        reply = self._ready.get(entry)
        if reply is None:
            packed = self._packed.get(entry)
            reply = self._read(entry) if packed is None else _unpacked(packed)
            self._ready.put(entry, reply, 2000 + _size(reply))
        return reply

    def _read(self, entry: Entry) -> Reply:
        played = self._library.playback(entry)
        plain = Reply(
            played.status,
            strip_response_headers(played.headers),
            apply_pace(played, self._pace),
            standard_reason(played.status) if played.reason is None else played.reason,
            Source.CASSETTE,
            entry.label,
        )
        reply = encoded(plain)
        if isinstance(reply.body, PrebuiltBody) and len(reply.body.raw) >= _WORTH:
            raw, start = reply.body.raw, reply.body.start
            bare = Reply(plain.status, plain.headers, b"", plain.reason, plain.source, entry.label)
            packed = zlib.compress(raw, _LEVEL)
            self._packed.put(entry, _Packed(bare, packed, len(raw), start), 1000 + len(packed))
        return reply


def _unpacked(packed: _Packed) -> Reply:
    reply = packed.reply
    raw = zlib.decompress(packed.packed, bufsize=packed.size)
    body = PrebuiltBody(raw, packed.start)
    return Reply(reply.status, reply.headers, body, reply.reason, reply.source, reply.exchange)


def _size(reply: Reply) -> int:
    """Return about how many bytes the body of *reply* takes."""
    match reply.body:
        case PrebuiltBody(raw) | bytes(raw):
            return len(raw)
        case TimedBody(steps):
            return sum(len(chunk) + 200 for _, chunk in steps)
        case StreamingBody():
            return 0  # nothing that was recorded is still arriving
