"""The events of a live thread: what its turns cause comes when it is due. No I/O, no clock."""

import re
from collections import deque
from math import inf

from mockserver.conversations.human_messages import TypedTexts
from mockserver.conversations.id_map import IdMap
from mockserver.conversations.ids import RAW_UUID, UUID, rename_json
from mockserver.conversations.recorded_events import RecordedEvent, TurnEvents
from mockserver.fake.api.start_runs import START_SECONDS
from mockserver.fake.graph.stream_events import END_SECONDS
from mockserver.fake.thread_log.event import NumberedEvent, ThreadEvent
from mockserver.fake.thread_log.log import ThreadLog
from mockserver.formats.json_text import loads
from mockserver.http.pacing import Pace

_NUMBERED = re.compile(rb'\{"type":"event","event_id":"(?:[^"\\]|\\.)*","seq":(\d+)')
"""The beginning of an event as the Agent Server for Python writes it, up to its number."""

_Due = tuple[float, NumberedEvent]
"""An event and when it is due."""


class LiveEvents:
    """The events of a live thread until turn *progress*, at this *pace*. *now* is the time in seconds of any clock."""

    def __init__(self, pace: Pace) -> None:
        self.log = ThreadLog()
        self.progress = 0
        self._pace = pace
        self._pending: deque[_Due] = deque()
        self._waiting: list[_Due] = []
        self._run_ends_at = -inf

    def play(
        self, turn_events: TurnEvents, names: IdMap, texts: TypedTexts, now: float = -inf
    ) -> None:
        """Play *turn_events*, with live ids and typed texts: the response that caused it is complete *now*, or long ago. What is due before comes first."""
        self.finish()
        events = [(one.at, _create_live_event(one, names, texts)) for one in turn_events.events]
        gate = len(events) if turn_events.waits_at is None else turn_events.waits_at
        self._waiting = events[gate:]
        self._run_ends_at = now
        # As those of the fake graph, at any pace: clients open their streams meanwhile.
        self._schedule(events[:gate], now, START_SECONDS)

    def cancel(self, now: float) -> None:
        """Play what waits for the run to be cancelled, which happens *now*; what is still due before comes first."""
        self.advance(inf)
        waiting, self._waiting = self._waiting, []
        self._schedule(waiting, now)

    def finish(self) -> None:
        """Append everything that is due or waits."""
        self._pending.extend(self._waiting)
        self._waiting = []
        self.advance(inf)

    def advance(self, now: float) -> None:
        """Append the events that are due until *now*."""
        while self._pending and self._pending[0][0] <= now:
            _, one = self._pending.popleft()
            # Another conversation may count from less.
            seq = max(one.seq, self.log.last_seq + 1)
            raw = one.raw and _renumber(one.raw, seq)
            self.log.append(one.event, seq, lasting=one.lasting, raw=raw)

    def next_event(self) -> float:
        """Return when the next event is due; infinity if none is."""
        return self._pending[0][0] if self._pending else inf

    @property
    def run_ends_at(self) -> float:
        """When the last run ends; infinity if it waits to be cancelled."""
        return inf if self._waiting else self._run_ends_at

    def _schedule(self, events: list[_Due], now: float, pause: float = 0.0) -> None:
        """Have *events* come from *now* on, after a *pause* at least."""
        due, before, has_before = now, 0.0, False
        for at, one in events:
            due = max(due + self._pace.scale(at - before), now + pause)
            before = at
            is_end = one.event.ends_run or one.event.channel == "input"
            if is_end and has_before:
                due = max(due, self._pending[-1][0] + END_SECONDS)
            has_before = not is_end
            self._pending.append((due, one))
            if one.event.ends_run:
                self._run_ends_at = due


def rename_event(recorded: RecordedEvent, names: IdMap, texts: TypedTexts) -> ThreadEvent:
    """Return the event *recorded* with the live ids of *names*, and with *texts* in place of recorded messages."""
    event = recorded.event
    if not (names.renames or texts):
        return event
    envelope = loads(rename_json(recorded.raw, names.get_live).decode())
    texts.apply(envelope, names.to_recorded)
    identity = UUID.sub(lambda found: names.to_live(found[0]), event.identity)
    return ThreadEvent(identity, event.method, envelope["params"])


def _create_live_event(recorded: RecordedEvent, names: IdMap, texts: TypedTexts) -> NumberedEvent:
    """Return *recorded* with live ids and typed texts. Without such texts, its JSON keeps the spelling of the recorded one."""
    raw = None if texts else _rename_raw(recorded.raw, names)
    event = rename_event(recorded, names, texts)
    return NumberedEvent(recorded.seq, event, recorded.lasting, raw)


def _rename_raw(raw: bytes, names: IdMap) -> bytes | None:
    """Return *raw*, the JSON form of an event, with the live ids of *names*; None if it does not begin as expected."""
    head = _NUMBERED.match(raw)
    if head is None or not names.renames:
        return raw if head else None
    start = RAW_UUID.sub(lambda found: names.to_live(found[0].decode()).encode(), head[0])
    return start + rename_json(raw[head.end() :], names.get_live)


def _renumber(raw: bytes, seq: int) -> bytes:
    """Return *raw*, the JSON form of an event, with the number *seq*."""
    head = _NUMBERED.match(raw)
    if head is None or int(head[1]) == seq:
        return raw
    return b"%s%d%s" % (raw[: head.start(1)], seq, raw[head.end() :])
