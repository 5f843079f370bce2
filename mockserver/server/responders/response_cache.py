"""The recorded responses in the form in which they are sent."""

from mockserver.cassette.model import Body, Response
from mockserver.cassette.playback import encode_at_pace, strip_response_headers
from mockserver.http.messages import (
    PrebuiltBody,
    Reply,
    ReplySource,
    StreamingBody,
    TimedBody,
    standard_reason,
)
from mockserver.http.pacing import Pace
from mockserver.http.server_address import ServerAddress
from mockserver.matching.index import Entry
from mockserver.server.own_urls import is_page
from mockserver.server.responders.exchange_replay import Cache
from mockserver.server.response_writer import prebuild
from mockserver.store.library import Library

RESPONSE_CACHE_BYTES = 120 << 20
"""The size of the cache of responses."""


class ResponseCache:
    """The recorded responses of *library* in the form in which they are sent at *pace*."""

    def __init__(self, library: Library, pace: Pace) -> None:
        self.library = library
        self._pace = pace
        self._replies: Cache[Reply] = Cache(RESPONSE_CACHE_BYTES)

    def get(self, entry: Entry) -> Reply:
        """Return the reply for *entry*; raise ReadError if it cannot be read."""
        reply = self._replies.get(entry)
        if reply is None:
            reply = prebuild(self.encode(self.library.response(entry), entry))
            self._replies.put(entry, reply, 2000 + _size(reply))
        return reply

    def encode(self, response: Response, entry: Entry) -> Reply:
        """Return the reply that sends *response*, that of *entry* or one made from it."""
        return Reply(
            response.status,
            strip_response_headers(response.headers, entry.route[0]),
            encode_at_pace(response, self._pace),
            standard_reason(response.status) if response.reason is None else response.reason,
            ReplySource.CASSETTE,
            entry.label,
            page_of=self._find_server(response, entry),
        )

    def _find_server(self, response: Response, entry: Entry) -> ServerAddress | None:
        """Return the server whose URLs are in the page *response*, that of *entry*; None if it is no page or has none."""
        if not isinstance(response.content, Body) or not is_page(entry.route[1], response.headers):
            return None
        url = self.library.upstream_of(entry)
        address = ServerAddress(url) if url is not None else None
        return address if address is not None and address.is_in(response.content.raw) else None


def _size(reply: Reply) -> int:
    """Return the approximate memory size of the body of *reply* in bytes."""
    match reply.body:
        case PrebuiltBody(raw) | bytes(raw):
            return len(raw)
        case TimedBody(steps):
            return sum(len(chunk) + 200 for _, chunk in steps)
        case StreamingBody():
            return 0  # recorded responses are never live
