"""A recorded exchange that is played for a request outside of threads."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from mockserver.cassette.model import Response
from mockserver.conversations.answers import How
from mockserver.http.messages import Reply, Request
from mockserver.matching.index import Entry
from mockserver.server.response_writer import without_prebuilt
from mockserver.server.sessions import Session
from mockserver.store.library import Library


@dataclass(frozen=True, slots=True)
class ExchangeHit:
    """The *entry* to play for *request*, which is not on a thread. Its plays count under *counter*.

    *pairs* are the ids of the request that stand for recorded ones: live to recorded.
    """

    entry: Entry
    counter: Hashable
    request: Request
    session: Session
    library: Library
    pairs: dict[str, str] = field(default_factory=dict)
    response: Response | None = None
    """The response, if it is not that of *entry*."""

    def play(self, reply: Reply) -> Reply:
        """Count the play, and return *reply* with the client's ids."""
        session = self.session
        session.counts[self.counter] += 1
        outside, threads = session.outside_ids, session.threads
        recorded = self.entry.fingerprint.ids
        outside.bind(self.pairs or dict(zip(recorded, recorded, strict=True)))
        if b'"messages"' in self.request.body and b'"id"' in self.request.body:
            outside.bind_messages(self.request, self.library.request(self.entry))
        translated = outside.to_live_reply(reply, threads)
        id_pairs = tuple((live, one) for live, one in self.pairs.items() if live != one)
        how = str(How.DERIVED) if self.response else None
        if translated is reply and not id_pairs and how is None:
            return reply  # only the unchanged reply is prebuilt for all clients
        return replace(without_prebuilt(translated), id_pairs=id_pairs, how=how)
