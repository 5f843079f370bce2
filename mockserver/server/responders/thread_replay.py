"""Replay of requests on threads: each live thread of a session plays a recorded conversation."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mockserver.cassette.model import Response
from mockserver.conversations.conversation import Conversation
from mockserver.conversations.conversation_index import ConversationIndex
from mockserver.conversations.handover import build_recorded_thread
from mockserver.conversations.human_messages import Pairs, TypedTexts, find_human_contents
from mockserver.conversations.live_request import LiveRequest
from mockserver.conversations.live_threads import CutTurn, LiveThread
from mockserver.conversations.search import Search, advance_thread
from mockserver.conversations.search_results import SearchHit, SearchMiss
from mockserver.conversations.thread_requests import (
    CANCEL_PATH,
    COMMANDS,
    RequestKind,
    ThreadRequest,
)
from mockserver.fake.api.recorded_threads import RecordedThread
from mockserver.formats.json_text import Json
from mockserver.http.messages import Reply, Request, TimedBody
from mockserver.http.pacing import Pace
from mockserver.matching.index import Entry, Index
from mockserver.server.responders.event_replay import (
    EventReplay,
    FindFakeSource,
    with_command_number,
)
from mockserver.server.response_writer import without_prebuilt
from mockserver.server.sessions import Session
from mockserver.store.library import Library

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class ThreadHit:
    """What *search* has *found* to a request on a thread of *session*. Events come at this *pace*.

    *texts* are what the human has typed on the thread in place of recorded messages; *note* is for the log.
    """

    found: SearchHit
    search: Search
    session: Session
    pace: Pace
    texts: TypedTexts
    note: str | None = None

    @property
    def entry(self) -> Entry:
        return self.found.entry

    @property
    def response(self) -> Response | None:
        """The response, if it is not that of the exchange."""
        if not self.texts:
            return self.found.response
        recorded = self.found.response or self.search.conversations.reader.load(self.entry).response
        return self.texts.apply_to_response(recorded)

    @property
    def plays_next_turn(self) -> bool:
        """Whether it plays the next turn of its thread, or again one that was cut, and not something else that was recorded for the request."""
        is_next = self.found.progress == self.found.thread.progress + 1
        return self.found.is_turn and (is_next or self._was_cut)

    @property
    def _was_cut(self) -> bool:
        """Whether it plays the last turn again, whose response was cut on demand."""
        found, live = self.found, self.found.thread
        return found.is_turn and live.cut_turn is not None and found.progress == live.progress

    def as_closest(self, pairs: Pairs, note: str) -> "ThreadHit":
        """Return the hit for a human who typed other texts than the recorded ones: *pairs* of both. *note* says so."""
        found = replace(self.found, how="closest", why=note)
        return replace(self, found=found, texts=self.texts.with_pairs(pairs), note=note)

    def play(self, reply: Reply) -> Reply:
        """Return *reply*, which was recorded, for the live thread, which goes on."""
        found, live, live_request = self.found, self.found.thread, self.search.live_request
        is_known = self._was_cut
        advance_thread(found, self.search)
        live.texts = self.texts
        if found.is_turn:
            reply = self._with_run(reply, starts_events=not is_known)
        elif CANCEL_PATH.fullmatch(live_request.target.path) and live.events is not None:
            live.events.cancel(self.search.now)
            live.runs_until = live.events.run_ends_at
            self.session.database.notify_watchers()
        if live_request.target.path == COMMANDS:
            reply = with_command_number(reply, live_request.request)
        translated = live.ids.to_live_reply(reply)
        id_pairs = live.ids.find_pairs(live_request.request)
        if translated is not reply or id_pairs or found.how:
            reply = without_prebuilt(translated)
        if found.waits_until > self.search.now:
            reply = _hold(reply, found.waits_until - self.search.now)
        return replace(
            reply,
            how=found.how,
            id_pairs=id_pairs,
            conversation=found.to_journal(),
            note=self.note,
        )

    def play_again(self) -> None:
        """Have the same request play the same exchange again: the client did not get the whole response."""
        found, threads = self.found, self.session.threads
        live = threads.get(found.thread.identity)
        if live is None:
            return
        if found.read_key is not None:
            live.read_counts[found.read_key] -= 1
        elif found.step.kind is RequestKind.CREATION:
            threads.creation_counts[found.conversation.identity] -= 1
            threads.remove(live)
        elif found.is_turn:
            key = self.search.live_request.build_key(live.ids, found.conversation.rules)
            live.cut_turn = CutTurn(key, found.step.entry.key, found.how, found.response)
            live.runs_until = _NEVER

    def _with_run(self, reply: Reply, *, starts_events: bool) -> Reply:
        """Note when the turn will be complete, and return *reply* with a callback for that moment if it is one; start its events if *starts_events*."""
        live, now = self.found.thread, self.search.now
        answered_at = now + reply.body.end if isinstance(reply.body, TimedBody) else now
        recorded = self.found.conversation.events
        is_command = self.search.live_request.target.path == COMMANDS
        started_at = answered_at if is_command else now
        if starts_events:
            live.start_events(recorded, self.pace, started_at)
            self.session.database.notify_watchers()
        if is_command or not isinstance(reply.body, TimedBody):
            live.runs_until = live.events.run_ends_at if is_command and live.events else _NEVER
            return reply
        turn, live.runs_until = live.last_turn, answered_at

        def end_run() -> None:
            if live.last_turn == turn:
                live.runs_until = _NEVER

        return replace(reply, on_sent=end_run)


def _hold(reply: Reply, seconds: float) -> Reply:
    """Return *reply*, complete after as many *seconds* at the earliest."""
    plain = without_prebuilt(reply)
    match plain.body:
        case bytes() as body:
            held = TimedBody(((seconds, body),), seconds)
        case TimedBody(steps, end, cut):
            held = TimedBody(
                tuple((max(at, seconds), chunk) for at, chunk in steps), max(end, seconds), cut
            )
        case _:
            return reply
    return replace(plain, body=held)


class ThreadReplay:
    """Finds what to play for requests on threads. With *can_switch*, the fake graph answers what it does not find.

    With *derives*, responses may be made from recorded ones of the same run.
    """

    def __init__(self, library: Library, pace: Pace, *, can_switch: bool, derives: bool) -> None:
        self._library = library
        self._pace = pace
        self.find_fake_source: FindFakeSource = lambda database, thread: None
        """Set where a fake graph answers what is not found."""
        self._can_switch = can_switch
        self._derives = derives
        self._conversations: dict[Index, ConversationIndex] = {}
        self._current: Index | None = None

    def find(
        self,
        request: Request,
        thread_request: ThreadRequest,
        index: Index,
        session: Session,
        now: float,
    ) -> ThreadHit | SearchMiss | None:
        """Return the hit for *request*, which is without its secrets, or why there is none; None if it is not on a conversation."""
        search = Search(
            LiveRequest(request, thread_request, index),
            session.threads,
            self._conversations_in(index),
            now,
            self._can_switch,
            self._derives,
        )
        found = search.run()
        if not isinstance(found, SearchHit):
            return found
        texts = found.thread.texts
        if texts and found.is_turn:
            # The same text may have been recorded before, in place of another typed one.
            texts = texts.with_pairs((one, one) for one in find_human_contents(request)[-1:])
        return ThreadHit(found, search, session, self._pace, texts)

    def create_event_replay(
        self, index: Index, session: Session, on_events: Callable[[Conversation], None]
    ) -> EventReplay:
        """Return what opens event streams on the threads of *session*; *on_events* is called with a conversation whose events are sent."""
        return EventReplay(
            session,
            self._conversations_in(index),
            self._pace,
            self.find_fake_source,
            on_events,
            is_strict=not self._can_switch,
        )

    def find_threads_to_adopt(self, session: Session, thread: str | None) -> list[RecordedThread]:
        """Return the threads that went on in recorded conversations since the last call: *thread*, or all if it is None."""
        reader = self._conversations_in(self._library.index).reader
        known: list[RecordedThread] = []
        for live, conversation in reversed(self._find_played(session, thread)):
            if live.handed_over == live.progress:
                continue
            live.handed_over = live.progress
            for step in conversation.steps:
                if step.progress <= live.progress:
                    live.bind_ids(reader.get_response_ids(step.entry))
            log = live.get_events(conversation.events, self._pace).log
            known.append(build_recorded_thread(live, conversation, reader, log))
        return known

    def describe_places(self, session: Session) -> dict[str, dict[str, Json]]:
        """Return where each thread of *session* that plays a recorded conversation stands in it, the latest first."""
        return {
            live.identity: conversation.describe_place(live.progress)
            for live, conversation in self._find_played(session)
        }

    def find_assistant(self, identity: str) -> dict[str, Json] | None:
        """Return the JSON form of the assistant with the id *identity* in recorded responses, or None."""
        return self._conversations_in(self._library.index).assistants.get(identity)

    def _find_played(
        self, session: Session, thread: str | None = None
    ) -> list[tuple[LiveThread, Conversation]]:
        """Return the threads of *session* that play a recorded conversation, with it, the latest first; only *thread* if it is given."""
        threads = session.threads
        chosen = threads.sort_latest_first() if thread is None else [threads.get(thread)]
        conversations = self._conversations_in(self._library.index)
        return [
            (live, conversation)
            for live in chosen
            if live and not live.is_fake and (conversation := conversations.get(live.conversation))
        ]

    def _conversations_in(self, index: Index) -> ConversationIndex:
        if self._current is not self._library.index:
            self._current = self._library.index
            self._conversations.clear()
        if index not in self._conversations:
            self._conversations[index] = ConversationIndex(
                index, self._library.load_exchange, self._library.read_document
            )
        return self._conversations[index]
