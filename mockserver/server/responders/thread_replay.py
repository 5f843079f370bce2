"""Replay of requests on threads: each live thread of a session plays a recorded conversation."""

from dataclasses import dataclass, replace

from mockserver.cassette.model import Response
from mockserver.conversations.answers import Answer, Refusal
from mockserver.conversations.handover import build_known_thread
from mockserver.conversations.query import Query
from mockserver.conversations.recordings import Recordings
from mockserver.conversations.search import Search, commit
from mockserver.conversations.thread_requests import RequestKind, ThreadRequest
from mockserver.fake.api.known_threads import KnownThread
from mockserver.formats.json_text import Json
from mockserver.http.messages import Reply, Request, TimedBody
from mockserver.matching.index import Entry, Index
from mockserver.server.response_writer import without_prebuilt
from mockserver.server.sessions import Session
from mockserver.store.library import Library

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class ThreadHit:
    """The *answer* that *search* found to a request on a thread."""

    answer: Answer
    search: Search

    @property
    def entry(self) -> Entry:
        return self.answer.entry

    @property
    def response(self) -> Response | None:
        """The response, if it is not that of the exchange."""
        return self.answer.response

    def play(self, reply: Reply) -> Reply:
        """Return *reply*, which was recorded, for the live thread, which goes on."""
        answer, live = self.answer, self.answer.thread
        commit(answer, self.search)
        if answer.kind is RequestKind.TURN:
            reply = self._with_run(reply)
        translated = live.ids.to_live_reply(reply)
        id_pairs = live.ids.find_pairs(self.search.query.request)
        if translated is not reply or id_pairs or answer.how:
            reply = without_prebuilt(translated)
        how = answer.how and str(answer.how)
        return replace(reply, how=how, id_pairs=id_pairs, conversation=answer.to_journal())

    def _with_run(self, reply: Reply) -> Reply:
        """Note when the response to the turn will be complete; return *reply* with a callback for the moment when it is."""
        live = self.answer.thread
        if not isinstance(reply.body, TimedBody):
            live.runs_until = _NEVER
            return reply
        turn, live.runs_until = live.last_turn, self.search.now + reply.body.end

        def end_run() -> None:
            if live.last_turn == turn:
                live.runs_until = _NEVER

        return replace(reply, on_sent=end_run)


class ThreadReplay:
    """Finds what to play for requests on threads. With *can_switch*, the fake graph answers what it does not find.

    With *derives*, responses may be made from recorded ones of the same run.
    """

    def __init__(self, library: Library, *, can_switch: bool, derives: bool) -> None:
        self._library = library
        self._can_switch = can_switch
        self._derives = derives
        self._recordings: dict[Index, Recordings] = {}
        self._current: Index | None = None

    def find(
        self,
        request: Request,
        thread_request: ThreadRequest,
        index: Index,
        session: Session,
        now: float,
    ) -> ThreadHit | Refusal | None:
        """Return the hit for *request*, which is without its secrets, or why there is none; None if it is not on a conversation."""
        search = Search(
            Query(request, thread_request, index),
            session.threads,
            self._recordings_of(index),
            now,
            self._can_switch,
            self._derives,
        )
        found = search.run()
        return ThreadHit(found, search) if isinstance(found, Answer) else found

    def find_known_threads(self, session: Session, thread: str | None) -> list[KnownThread]:
        """Return the threads that went on in recorded conversations since the last call: *thread*, or all if it is None."""
        threads = session.threads
        chosen = threads.sort_latest_first() if thread is None else [threads.get(thread)]
        recordings = self._recordings_of(self._library.index)
        known: list[KnownThread] = []
        for live in reversed(chosen):
            if live is None or live.is_fake or live.conversation is None:
                continue
            conversation = recordings.get(live.conversation)
            if conversation is None or live.handed_over == live.progress:
                continue
            live.handed_over = live.progress
            for step in conversation.steps:
                if step.progress <= live.progress:
                    threads.bind_response_ids(live, step.entry, recordings)
            known.append(
                build_known_thread(
                    live.identity, live.progress, live.ids, conversation, recordings.reader
                )
            )
        return known

    def find_assistant(self, identity: str) -> dict[str, Json] | None:
        """Return the JSON form of the assistant with the id *identity* in recorded responses, or None."""
        return self._recordings_of(self._library.index).assistants.get(identity)

    def _recordings_of(self, index: Index) -> Recordings:
        if self._current is not self._library.index:
            self._current = self._library.index
            self._recordings.clear()
        if index not in self._recordings:
            self._recordings[index] = Recordings(index, self._library.exchange, self._library.read)
        return self._recordings[index]
