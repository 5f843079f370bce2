"""Replay of requests on threads: each live thread of a session plays a recorded conversation."""

from dataclasses import dataclass, replace

from mockserver.conversations.handover import known_thread
from mockserver.conversations.live_threads import Answer, LiveThreads, Refusal
from mockserver.conversations.query import Query
from mockserver.conversations.recordings import Call, Kind, Recordings
from mockserver.fake.api.known_threads import KnownThread
from mockserver.formats.json_text import Json
from mockserver.http.messages import Reply, Request, TimedBody
from mockserver.matching.index import Entry, Index
from mockserver.server.response_writer import without_prebuilt
from mockserver.server.sessions import Session
from mockserver.store.library import Library


@dataclass(frozen=True, slots=True)
class ThreadHit:
    """The *answer* to a request on a thread."""

    answer: Answer
    query: Query
    recordings: Recordings
    threads: LiveThreads
    now: float

    @property
    def entry(self) -> Entry:
        """The exchange to play."""
        return self.answer.entry

    def play(self, reply: Reply) -> Reply:
        """Return *reply*, which was recorded, for the live thread, which goes on."""
        answer, live = self.answer, self.answer.thread
        self.threads.commit(answer, self.query, self.recordings)
        if answer.kind is Kind.TURN:
            reply = self._with_run(reply)
        translated = live.ids.live_reply(reply)
        if translated is not reply:
            reply = without_prebuilt(translated)
        return replace(
            reply,
            how=answer.how and str(answer.how),
            id_pairs=live.ids.pairs(self.query.request),
            conversation=answer.facts(),
        )

    def _with_run(self, reply: Reply) -> Reply:
        """Have the thread know how long the response to its turn takes."""
        live = self.answer.thread
        if not isinstance(reply.body, TimedBody):
            live.runs_until = float("-inf")
            return reply
        turn, live.runs_until = live.last_turn, self.now + reply.body.end

        def is_sent() -> None:
            if live.last_turn == turn:
                live.runs_until = float("-inf")

        return replace(reply, on_sent=is_sent)


class ThreadReplay:
    """Finds what to play for requests on threads. With *can_switch*, the fake graph answers what it does not find."""

    def __init__(self, library: Library, *, can_switch: bool) -> None:
        self._library = library
        self._can_switch = can_switch
        self._recordings: dict[Index, Recordings] = {}
        self._current: Index | None = None

    def find(
        self, request: Request, call: Call, index: Index, session: Session, now: float
    ) -> ThreadHit | Refusal | None:
        """Return the hit for *request*, which is without its secrets, or why there is none; None if it is not on a conversation."""
        recordings = self._recordings_of(index)
        query = Query(request, call, index)
        threads = session.get_or_create(LiveThreads)
        found = threads.find(query, recordings, now, can_switch=self._can_switch)
        if isinstance(found, Answer):
            return ThreadHit(found, query, recordings, threads, now)
        return found

    def known_threads(self, session: Session, thread: str | None) -> list[KnownThread]:
        """Return the threads that went on in recorded conversations since the last call: *thread*, or all if it is None."""
        threads = session.get_or_create(LiveThreads)
        chosen = threads.latest_first() if thread is None else [threads.get(thread)]
        known: list[KnownThread] = []
        for live in reversed(chosen):
            if live is None or live.is_fake or live.conversation is None:
                continue
            recordings = self._recordings_of(self._library.index)
            conversation = recordings.get(live.conversation)
            if conversation is None or live.handed_over == live.progress:
                continue
            live.handed_over = live.progress
            entries = [one.entry for one in conversation.steps if one.progress <= live.progress]
            threads.learn_ids(live, entries, recordings)
            known.append(
                known_thread(
                    live.identity, live.progress, live.ids, conversation, recordings.source
                )
            )
        return known

    def known_assistant(self, identity: str) -> dict[str, Json] | None:
        """Return the JSON form of the assistant with the id *identity* in recorded responses, or None."""
        return self._recordings_of(self._library.index).assistants.get(identity)

    def _recordings_of(self, index: Index) -> Recordings:
        if self._current is not self._library.index:
            self._current = self._library.index
            self._recordings.clear()
        if index not in self._recordings:
            self._recordings[index] = Recordings(index, self._library.exchange)
        return self._recordings[index]
