"""Replay of event streams: the events of a thread are those of the conversation that it plays."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from mockserver.conversations.conversation import Conversation
from mockserver.conversations.conversation_index import ConversationIndex
from mockserver.conversations.live_threads import LiveThread
from mockserver.conversations.search_results import SearchMiss
from mockserver.fake.api.database import Database
from mockserver.fake.response import STREAM_HEADERS
from mockserver.fake.thread_log.filter import Filter, FilterError, find_uncovered, parse_filters
from mockserver.fake.threads.event_stream_reader import EventSource, EventStreamReader
from mockserver.formats.json_text import dumps, loads_or_none
from mockserver.http.messages import Reply, Request, StreamingBody, TimedBody
from mockserver.http.pacing import Pace
from mockserver.server.responders.body_stream import stream_body
from mockserver.server.response_writer import without_prebuilt
from mockserver.server.sessions import Session

FindFakeSource = Callable[[Database, str], EventSource | None]
"""Returns the events of a thread of the fake graph, or None if there is no such thread."""


@dataclass(frozen=True, slots=True)
class EventReplay:
    """Opens event streams on the threads of *session*, which play *conversations* at this *pace*.

    A stream may be open before the first turn of its thread. It sends the events of the conversation that the thread plays then, or
    those of *find_fake_source* if the fake graph has the thread. *on_events* is called with that conversation. What no recorded
    stream shows is a miss if this *is_strict*; else nothing comes there.
    """

    session: Session
    conversations: ConversationIndex
    pace: Pace
    find_fake_source: FindFakeSource
    on_events: Callable[[Conversation], None]
    is_strict: bool

    def open(self, request: Request, thread: str) -> Reply | SearchMiss | None:
        """Return the reply to *request* for the events of *thread*, or why there is none; None if the fake graph has the thread."""
        live = self.session.threads.get(thread)
        if live is not None and live.is_fake:
            return None
        try:
            selected, *parts = parse_filters(loads_or_none(request.body))
        except FilterError as error:
            return SearchMiss(str(error))
        conversation = self._find_conversation(live)
        recorded = self.session.threads.get_recorded_thread(thread)
        of_thread = [conversation] if conversation else self.conversations.find_of_thread(recorded)
        known = [one for one in of_thread or self.conversations.all if one.streams]
        if not known:
            return SearchMiss("no event stream of this thread was recorded")
        uncovered = _explain_uncovered(parts or [selected], known)
        if uncovered is not None and self.is_strict:
            return SearchMiss(uncovered, known[0].streams[0])
        if live is None:
            self._begin_in_past(thread, known)
        return replace(self._open_stream(thread, selected), note=uncovered)

    def _find_conversation(self, live: LiveThread | None) -> Conversation | None:
        return self.conversations.get(live.conversation) if live else None

    def _begin_in_past(self, thread: str, known: list[Conversation]) -> None:
        """Have *thread* play its recorded conversation if that has events from before its first turn."""
        for conversation in known:
            if conversation.thread == thread and 0 in conversation.events.by_turn:
                self.session.threads.begin_by_stream(thread, conversation)
                return

    def _open_stream(self, thread: str, selected: Filter) -> Reply:
        def find_source() -> EventSource | None:
            live = self.session.threads.get(thread)
            conversation = self._find_conversation(live)
            if live is None or live.is_fake or conversation is None:
                return self.find_fake_source(self.session.database, thread)
            self.on_events(conversation)
            return live.get_events(conversation.events, self.pace)

        live = self.session.threads.get(thread)
        conversation = self._find_conversation(live)
        stream = EventStreamReader(selected, find_source, self.session.database.watchers)
        place = (
            conversation.describe_place(live.progress)
            if conversation is not None and live is not None
            else {"why": "waits for the first turn of the thread"}
        )
        return Reply(
            200,
            STREAM_HEADERS,
            StreamingBody(self._count_open(thread, stream_body(stream, b""))),
            "OK",
            exchange=conversation.streams[0].label if conversation else None,
            conversation=place,
        )

    async def _count_open(
        self, thread: str, chunks: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        """Yield *chunks*; meanwhile a stream of *thread* is open."""
        open_streams = self.session.threads.open_streams
        open_streams[thread] += 1
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        finally:
            open_streams[thread] -= 1


def with_command_number(reply: Reply, request: Request) -> Reply:
    """Return *reply*, the response to a command, with the number of the command in *request*."""
    sent = loads_or_none(request.body)
    number = sent.get("id") if isinstance(sent, dict) else None

    def renumber(raw: bytes) -> bytes:
        answer = loads_or_none(raw)
        if not isinstance(answer, dict) or answer.get("id", number) == number:
            return raw
        return dumps({**answer, "id": number}).encode("utf-8", "replace")

    plain = without_prebuilt(reply)
    match plain.body:
        case bytes() as body:
            renumbered: bytes | TimedBody = renumber(body)
        case TimedBody(steps) as timed:
            renumbered = replace(timed, steps=tuple((at, renumber(raw)) for at, raw in steps))
        case _:
            return reply
    return reply if renumbered == plain.body else replace(plain, body=renumbered)


def _explain_uncovered(selected: list[Filter], known: list[Conversation]) -> str | None:
    """Return why none of the conversations *known* shows all that the filters *selected* select, or None if one does. There is at least one."""
    reasons: list[str] = []
    for conversation in known:
        missing = (find_uncovered(one, conversation.events.filters) for one in selected)
        uncovered = next((one for one in missing if one), None)
        if uncovered is None:
            return None
        where = f"{conversation.label} ({conversation.span})"
        reasons.append(f"no event stream of {where} was recorded with {uncovered}")
    return reasons[0]
