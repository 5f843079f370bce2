"""The live threads of a session, and the recorded conversation that each of them plays. No I/O, no clock."""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mockserver.cassette.model import Repeat
from mockserver.conversations import ids
from mockserver.conversations.ids import IdMap, fresh_id
from mockserver.conversations.query import Query
from mockserver.conversations.recordings import Began, Conversation, Kind, Recordings, Step
from mockserver.formats.json_text import Json
from mockserver.matching.index import Entry
from mockserver.matching.keys import Key

MAX_THREADS = 1000
"""Beyond this number the live thread that was not used for longest is forgotten."""

Identity = tuple[str, int]


class How(StrEnum):
    """How a response came about that was not recorded like this, the value of `x-mockserver-how`."""

    DERIVED = "derived"
    SWITCHED = "switched"


@dataclass(slots=True)
class LiveThread:
    """A thread of a session. It plays one recorded conversation at a time."""

    identity: str
    began: Began
    conversation: Identity | None = None
    progress: int = 0
    """The number of turns that it has started."""
    ids: IdMap = field(default_factory=IdMap)
    play: int | None = None
    """How many live threads have played the conversation before; None as long as only its creation was played."""
    created_by: Identity | None = None
    """The conversation whose creation was the response to the creation of this thread."""
    is_named_by_client: bool = False
    is_fake: bool = False
    """Whether the fake graph has taken the thread over."""
    runs_until: float = float("-inf")
    """When the response to its last turn is complete, in seconds of the clock."""
    last_turn: int = 0
    """The number of its last turn among those of the session."""
    read_counts: Counter[tuple[int, bool, Key]] = field(default_factory=Counter)
    handed_over: int = -1
    """The progress up to which the fake graph knows it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The exchange to play for a request on *thread*, which stands at *progress* afterwards. Nothing has changed yet: see `commit`."""

    entry: Entry
    kind: Kind
    thread: LiveThread
    conversation: Conversation
    progress: int
    ids: IdMap
    why: str
    how: How | None = None
    read_key: tuple[int, bool, Key] | None = None
    ends_thread: bool = False

    def facts(self) -> dict[str, Json]:
        """Return what the journal says about the answer."""
        conversation, turns = self.conversation, self.conversation.turns
        following = turns[self.progress].entry.label if self.progress < len(turns) else None
        return {
            "conversation": f"{conversation.label}, {conversation.span}",
            "progress": f"{self.progress} of {len(turns)} turns",
            "next": following,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no exchange is played for a request; *expected* is what was recorded instead, and *ids* those of its thread."""

    reason: str
    expected: Entry | None = None
    ids: IdMap = field(default_factory=IdMap)


class LiveThreads:
    """The live threads of one session, by id."""

    def __init__(self) -> None:
        self._threads: OrderedDict[str, LiveThread] = OrderedDict()
        self._plays: Counter[Identity] = Counter()
        self._given: Counter[Identity] = Counter()
        self._used: set[str] = set()
        self._turns = 0

    def get(self, thread: str) -> LiveThread | None:
        """Return the live thread with this id, or None."""
        return self._threads.get(thread)

    def latest_first(self) -> list[LiveThread]:
        """Return the live threads, the one with the last turn first."""
        return sorted(self._threads.values(), key=lambda live: -live.last_turn)

    def give_to_fake(self, thread: str) -> None:
        """Have the fake graph answer all further requests on *thread*."""
        live = self._threads.setdefault(thread, LiveThread(thread, Began.UNSEEN))
        live.is_fake = True
        self._used.add(thread)

    def add_created_by_fake(self, thread: str) -> None:
        """Add the *thread* that the fake graph created; a recorded conversation may be played on it."""
        self._threads[thread] = LiveThread(thread, Began.UNSEEN)
        self._used.add(thread)

    def learn_ids(self, live: LiveThread, entries: Iterable[Entry], recordings: Recordings) -> None:
        """Bind the ids in the responses of *entries*, which were not played on *live*."""
        for entry in entries if live.play else ():
            self._bind_response_ids(live, entry, recordings)

    def find(
        self, query: Query, recordings: Recordings, now: float, *, can_switch: bool
    ) -> Answer | Refusal | None:
        """Return what to play for *query*, or why nothing; None if that is not for conversations to say.

        *now* is the time in seconds of any clock. With *can_switch*, the fake graph would answer otherwise: a conversation with another
        answer to an earlier turn is better than that.
        """
        call = query.call
        if call.kind is Kind.CREATION:
            return self._create(query, recordings, now)
        assert call.thread is not None
        live = self._threads.get(call.thread)
        if live is None:
            return self._begin(call.thread, query, recordings)
        if live.is_fake:
            return Refusal("the fake graph has taken over this thread")
        if call.kind is Kind.TURN:
            return self._turn(live, query, recordings, can_switch)
        return self._read(live, query, recordings, now)

    def commit(self, answer: Answer, query: Query, recordings: Recordings) -> None:
        """Have the thread of *answer* stand where the answer leaves it."""
        live, conversation = answer.thread, answer.conversation
        if live.conversation != conversation.identity:
            live.conversation, live.play = conversation.identity, None
        live.ids = answer.ids
        self._threads[live.identity] = live
        self._threads.move_to_end(live.identity)
        self._used.add(live.identity)
        if answer.kind is Kind.CREATION:
            self._given[conversation.identity] += 1
        elif live.play is None:
            live.play = self._plays[conversation.identity]
            self._plays[conversation.identity] += 1
        if answer.kind is Kind.TURN:
            self._turns += 1
            live.progress, live.last_turn = answer.progress, self._turns
            live.read_counts.clear()
        if answer.read_key is not None:
            live.read_counts[answer.read_key] += 1
        self._bind_ids(live, answer.entry, query, recordings)
        if query.call.path == "/copy":
            self._copy(live, answer.entry, recordings)
        if answer.ends_thread:
            del self._threads[live.identity]
        if len(self._threads) > MAX_THREADS:
            self._threads.popitem(last=False)

    def _create(self, query: Query, recordings: Recordings, now: float) -> Answer | Refusal | None:
        named = query.named_thread
        if named is not None and (live := self._threads.get(named)):
            return self._read(live, query, recordings, now)
        candidates = recordings.created(query.shapes)
        if not candidates:
            return None
        free = [one for one in candidates if not self._is_used_up(one, self._given)]
        if not free:
            count = len(candidates)
            return Refusal(
                f"all {count} of {count} recorded threads were already created, and `repeat: error` is set",
                candidates[-1].creation,
            )
        chosen = min(free, key=lambda one: self._given[one.identity])
        identity = named or self._new_id(chosen.thread, self._given[chosen.identity])
        live = LiveThread(identity, Began.CREATED, is_named_by_client=named is not None)
        live.created_by = chosen.identity
        assert chosen.creation is not None
        return Answer(
            chosen.creation, Kind.CREATION, live, chosen, 0, _map(chosen, identity), "created"
        )

    def _begin(self, thread: str, query: Query, recordings: Recordings) -> Answer | Refusal:
        """Return what to play for the first request on *thread*."""
        known = sorted(recordings.of_thread(thread), key=lambda one: self._plays[one.identity])
        for conversation in known:
            key = query.key(IdMap(), conversation.rules)
            progress = conversation.first_progress(key)
            if progress is not None and not self._is_used_up(conversation, self._plays):
                live = LiveThread(thread, conversation.began, progress=progress)
                live.is_named_by_client = True
                return self._first(live, conversation, query, "began under its recorded id")
        if known:
            return Refusal(
                f"the recorded thread {thread} has no such request",
                known[0].steps[0].entry if known[0].steps else known[0].creation,
            )
        candidates = (
            recordings.with_turn(query.shapes, 0)
            if query.call.kind is Kind.TURN
            else recordings.opened(query.shapes)
        )
        live = LiveThread(thread, Began.UNSEEN, is_named_by_client=True)
        for conversation in self._ordered(live, candidates):
            first = (conversation.turns if query.call.kind is Kind.TURN else conversation.steps)[0]
            if query.key(_map(conversation, thread), conversation.rules) == _key(first):
                return self._first(live, conversation, query, "began with its first request")
        return Refusal(
            f"no recorded conversation begins with this request, and there is no thread {thread}"
        )

    def _first(
        self, live: LiveThread, conversation: Conversation, query: Query, why: str
    ) -> Answer | Refusal:
        """Return the answer to the first request on *live*, which stands at its progress in *conversation*."""
        live.conversation, live.ids = conversation.identity, _map(conversation, live.identity)
        if query.call.kind is Kind.TURN:
            step = conversation.turns[live.progress]
            return self._turn_answer(live, conversation, step, live.ids, why)
        found = self._read_at(live, conversation, query, live.ids, now=float("inf"))
        return replace(found, why=why) if found else Refusal("cannot happen")

    def _turn(
        self, live: LiveThread, query: Query, recordings: Recordings, can_switch: bool
    ) -> Answer | Refusal:
        current = recordings.get(live.conversation) if live.conversation else None
        number = live.progress
        turns = current.turns if current else ()
        key = query.key(live.ids, current.rules) if current else b""
        if current and number < len(turns) and _key(turns[number]) == key:
            return self._turn_answer(live, current, turns[number], live.ids, "kept")
        if current and (refused := self._read_at(live, current, query, live.ids, float("inf"))):
            return refused
        others = [
            other
            for other in self._ordered(live, recordings.with_turn(query.shapes, number))
            if other is not current
        ]
        for other in others:
            if self._went_alike(current, other, number):
                found = self._take_over(live, current, other, query, recordings)
                if found is not None:
                    return found
        if current is None:
            return Refusal("no recorded conversation has this turn")
        if current.turns and (not can_switch or live.is_named_by_client):
            for step in reversed(turns[:number]):
                if _key(step) == key and step.entry.repeat is not Repeat.ERROR:
                    return self._turn_answer(live, current, step, live.ids, "went back")
        questions = current.questions(number)
        switched = next((one for one in others if one.questions(number) == questions), None)
        if switched is not None and can_switch:
            found = self._take_over(live, current, switched, query, recordings)
            if found is not None:
                return replace(found, how=How.SWITCHED)
        return self._refused_turn(live, current, switched, key)

    def _refused_turn(
        self, live: LiveThread, current: Conversation, other: Conversation | None, key: Key
    ) -> Refusal:
        number, turns = live.progress, current.turns
        where = f"{current.label} ({current.span}), {number} of {len(turns)} turns played"
        expected = turns[number].entry if number < len(turns) else None
        ahead = next((step for step in turns[number:] if _key(step) == key), None)
        if ahead is not None and expected is not None:
            reason = f"this is turn {ahead.progress} ({ahead.entry.label}) of {where}; {expected.label} comes first"
        elif other is not None:
            reason = f"{other.label} has this turn ({other.turns[number].entry.label}), but answered an earlier one differently than {where}"
        elif expected is not None:
            reason = f"the next turn of {where}, differs"
        else:
            reason = f"{where}: the recording has no further turn"
        return Refusal(
            reason, expected or (turns[-1].entry if turns else current.creation), live.ids
        )

    def _take_over(
        self,
        live: LiveThread,
        current: Conversation | None,
        other: Conversation,
        query: Query,
        recordings: Recordings,
    ) -> Answer | None:
        """Return the answer of *other* to the next turn of *live*, or None if the ids in the request mean something else there."""
        step = other.turns[live.progress]
        names = self._translated(live, current, other, recordings)
        if query.key(names, other.rules) != _key(step):
            return None
        why = "began" if current is None else f"took over from {current.label}: turn {live.progress + 1} differs"  # fmt: skip
        return self._turn_answer(live, other, step, names, why)

    def _turn_answer(
        self, live: LiveThread, conversation: Conversation, step: Step, names: IdMap, why: str
    ) -> Answer:
        return Answer(step.entry, Kind.TURN, live, conversation, step.progress, names, why)

    def _read(
        self, live: LiveThread, query: Query, recordings: Recordings, now: float
    ) -> Answer | Refusal:
        current = recordings.get(live.conversation) if live.conversation else None
        if current is None:
            return Refusal("no recorded conversation is played on this thread")
        if found := self._read_at(live, current, query, live.ids, now):
            return found
        key = query.key(live.ids, current.rules)
        for other in self._ordered(live, recordings.with_read(query.shapes)):
            if other is not current and self._went_alike(current, other, live.progress):
                names = self._translated(live, current, other, recordings)
                if found := self._read_at(live, other, query, names, now):
                    why = f"took over from {current.label}, which has no such read"
                    return replace(found, why=why)
        where = f"{current.label} ({current.span}), {live.progress} of {len(current.turns)} turns played"
        steps = current.reads.get(key)
        if not steps:
            return Refusal(f"no such request was recorded in {where}", None, live.ids)
        listed = ", ".join(
            dict.fromkeys(f"{step.entry.label} after turn {step.progress}" for step in steps)
        )
        return Refusal(f"{where}: recorded as {listed}", steps[0].entry, live.ids)

    def _read_at(
        self,
        live: LiveThread,
        conversation: Conversation,
        query: Query,
        names: IdMap,
        now: float,
    ) -> Answer | None:
        """Return the read or change of *conversation* for *query* at the progress of *live*, or None."""
        key = query.key(names, conversation.rules)
        steps = conversation.reads.get(key, [])
        is_running = now < live.runs_until
        here = [step for step in steps if step.progress == live.progress]
        during = {step.entry: conversation.was_during_run(step) for step in here}
        if is_running:
            here = [step for step in here if during[step.entry] is not False]
        else:
            here = [step for step in here if not during[step.entry]] or here
        if not here:
            here = self._earlier(live, conversation, query, steps)
        if not here:
            return None
        read_key = (live.progress, is_running, key)
        step = here[min(live.read_counts[read_key], len(here) - 1)]
        return Answer(
            step.entry,
            step.kind,
            live,
            conversation,
            live.progress,
            names,
            "kept",
            read_key=read_key,
            ends_thread=query.call.is_deletion,
        )

    def _earlier(
        self, live: LiveThread, conversation: Conversation, query: Query, steps: list[Step]
    ) -> list[Step]:
        """Return what was recorded at another progress, if it may be played at that of *live*: one step, or none."""
        if query.call.kind is Kind.CHANGE:
            return [step for step in steps if conversation.says_nothing(step)][-1:]
        past = [step for step in steps if step.progress < live.progress]
        if query.call.kind is Kind.CREATION:
            # The thread exists, and the client makes sure of that again.
            return past[-1:] or ([conversation.creation_step] if conversation.creation_step else [])
        return [step for step in past if step.names_past][-1:]

    def _ordered(
        self, live: LiveThread, conversations: Iterable[Conversation]
    ) -> list[Conversation]:
        """Return those of *conversations* that *live* may play, in the order in which they are taken."""
        fitting = [
            one
            for one in conversations
            if (one.began is live.began or (live.began, one.began) == (Began.UNSEEN, Began.CREATED))
            and not self._is_used_up(one, self._plays)
        ]
        return sorted(
            fitting,
            key=lambda one: (
                one.began is not live.began,
                self._plays[one.identity],
                one.identity != live.created_by,
            ),
        )

    def _went_alike(self, current: Conversation | None, other: Conversation, count: int) -> bool:
        """Return whether *other* answered the first *count* turns as *current* did."""
        if current is None or count == 0:
            return True
        return len(other.turns) >= count and other.answers(count) == current.answers(count)

    def _is_used_up(self, conversation: Conversation, counts: Counter[Identity]) -> bool:
        entry = conversation.creation or conversation.calls[0][0]
        return entry.repeat is Repeat.ERROR and counts[conversation.identity] > 0

    def _new_id(self, recorded: str, play: int) -> str:
        """Return an id for a thread that stands for the thread *recorded*; the session has not used it."""
        while (identity := fresh_id(recorded, play)) in self._used:
            play += 1
        return identity

    def _translated(
        self,
        live: LiveThread,
        current: Conversation | None,
        other: Conversation,
        recordings: Recordings,
    ) -> IdMap:
        """Return what the ids of *live* mean in *other*: ids at the same places in the same responses are the same."""
        names = _map(other, live.identity)
        if current is None:
            return names
        counterparts = other.by_place
        for place, entry in current.by_place.items():
            if place[0] <= live.progress and (counterpart := counterparts.get(place)):
                for recorded, wanted in recordings.source.same_places(entry, counterpart):
                    if recorded in live.ids or not live.play:
                        names.bind(wanted, live.ids.live(recorded))
        names.bind(other.thread, live.identity)
        return names

    def _bind_ids(
        self, live: LiveThread, entry: Entry, query: Query, recordings: Recordings
    ) -> None:
        """Bind the ids that the client made for its messages, and fresh ids for those in the response of *entry*."""
        sent = ids.request_message_ids(query.request)
        if sent:
            for own, recorded in zip(sent, recordings.source.message_ids(entry), strict=False):
                if own and recorded and recorded not in live.ids:
                    live.ids.bind(recorded, own)
        self._bind_response_ids(live, entry, recordings)

    def _bind_response_ids(self, live: LiveThread, entry: Entry, recordings: Recordings) -> None:
        if not live.play:
            return
        for kind, recorded in recordings.source.response_ids(entry):
            if kind is not ids.Kind.KEPT and recorded not in live.ids:
                live.ids.bind(recorded, fresh_id(recorded, live.play))

    def _copy(self, origin: LiveThread, entry: Entry, recordings: Recordings) -> None:
        """Open the live thread of the copy that the response of *entry* shows."""
        for conversation in recordings.copied(entry):
            identity = origin.ids.live(conversation.thread)
            live = LiveThread(identity, Began.COPIED, conversation.identity)
            live.ids.update(origin.ids)
            live.ids.bind(conversation.thread, identity)
            live.created_by = conversation.identity
            self._threads[identity] = live
            self._used.add(identity)


def _map(conversation: Conversation, thread: str) -> IdMap:
    names = IdMap()
    names.bind(conversation.thread, thread)
    return names


def _key(step: Step) -> Key:
    return step.entry.key
