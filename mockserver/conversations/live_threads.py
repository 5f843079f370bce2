"""The live threads of a session. Each plays a recorded conversation, or belongs to the fake graph. No I/O, no clock."""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from mockserver.cassette.model import Response
from mockserver.conversations.conversation import Conversation, ConversationStart, Identity
from mockserver.conversations.human_messages import TypedTexts
from mockserver.conversations.id_map import IdMap, create_id
from mockserver.conversations.ids import FoundId, IdKind
from mockserver.conversations.live_events import LiveEvents
from mockserver.conversations.recorded_events import RecordedEvents
from mockserver.conversations.thread_requests import RequestKind
from mockserver.http.pacing import Pace
from mockserver.matching.canonical import Key

MAX_THREADS = 1000
"""Beyond this number the live thread that was not used for longest is forgotten."""

ReadKey = tuple[int, bool, Key]
"""The progress at which a read is played, whether during a run, and the key of its request."""


@dataclass(frozen=True, slots=True)
class CutTurn:
    """A turn whose response was cut on demand: the *key* of its request, that of the *recorded* one, and *how* and with which *response* it is played again."""

    key: Key
    recorded: Key
    how: str | None
    response: Response | None


@dataclass(slots=True)
class LiveThread:
    """A thread of a session. It plays one recorded conversation at a time."""

    identity: str
    began: ConversationStart
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
    read_counts: Counter[ReadKey] = field(default_factory=Counter)
    handed_over: int = -1
    """The progress up to which the fake graph knows it."""
    events: LiveEvents | None = None
    """Its events, once a turn or an event stream needs them."""
    cut_turn: CutTurn | None = None
    """The last turn, if its response was cut: the same request gets it again."""
    texts: TypedTexts = field(default_factory=TypedTexts)
    """What a human typed on it in place of recorded messages."""

    def bind_ids(self, found: Iterable[FoundId]) -> None:
        """Bind fresh ids for those *found* in a response or in events, unless this is the first play of the conversation."""
        if not self.play:
            return
        for kind, recorded in found:
            if kind is not IdKind.KEPT and recorded not in self.ids:
                self.ids.bind(recorded, create_id(recorded, self.play))

    def bind_message_ids(self, sent: Iterable[str | None], recorded: Iterable[str | None]) -> None:
        """Have the ids that the client made for the messages that it *sent* stand for the *recorded* ones."""
        for own, known in zip(sent, recorded, strict=False):
            if own and known and known not in self.ids:
                self.ids.bind(known, own)

    def get_events(self, recorded: RecordedEvents, pace: Pace) -> LiveEvents:
        """Return its events; those *recorded* until its progress are past, if no turn has started them."""
        return self.events or self._open_events(recorded, self.progress, pace)

    def start_events(self, recorded: RecordedEvents, pace: Pace, answered_at: float) -> None:
        """Play the events *recorded* of its last turn, whose response is complete when it is *answered_at*."""
        events = self.events
        if events is None and not recorded.by_turn:
            return
        if events is None or events.progress != self.progress - 1:
            events = self._open_events(recorded, self.progress - 1, pace)
        self.bind_ids(recorded.get_ids(self.progress))
        events.progress = self.progress
        if turn_events := recorded.by_turn.get(self.progress):
            events.play(turn_events, self.ids, self.texts, answered_at)

    def _open_events(self, recorded: RecordedEvents, progress: int, pace: Pace) -> LiveEvents:
        for number in range(progress + 1):
            self.bind_ids(recorded.get_ids(number))
        self.events = LiveEvents(pace)
        self.events.progress = progress
        for number in range(progress + 1):
            if turn_events := recorded.by_turn.get(number):
                self.events.play(turn_events, self.ids, self.texts)
        return self.events


@dataclass(slots=True, eq=False)
class LiveThreads:
    """The live threads of one session."""

    by_id: OrderedDict[str, LiveThread] = field(default_factory=OrderedDict)
    play_counts: Counter[Identity] = field(default_factory=Counter)
    """How many threads have played each conversation."""
    creation_counts: Counter[Identity] = field(default_factory=Counter)
    """How often the creation of each conversation was played."""
    open_streams: Counter[str] = field(default_factory=Counter)
    """How many event streams of each thread are open."""
    _used: set[str] = field(default_factory=set)
    _reserved: dict[str, str] = field(default_factory=dict)
    _deleted: dict[str, str] = field(default_factory=dict)
    """The recorded thread that each deleted one stood for."""
    _turns: int = 0

    def get(self, thread: str) -> LiveThread | None:
        return self.by_id.get(thread)

    def create_thread_id(self, recorded: str, play: int) -> str:
        """Return an id that stands for the thread *recorded*; the session has not used it."""
        while (identity := create_id(recorded, play)) in self._used:
            play += 1
        return identity

    def reserve(self, recorded: str) -> str | None:
        """Return the id that stands for the thread *recorded*, which is not played, if its own id is that of another live thread.

        Else return None: the recorded id stands for itself.
        """
        live = self.by_id.get(recorded)
        if live is None or live.ids.to_recorded(recorded) == recorded:
            return None
        known = (identity for identity, one in self._reserved.items() if one == recorded)
        identity = next(known, None) or self.create_thread_id(recorded, 1)
        self._reserved[identity] = recorded
        self._used.add(identity)
        return identity

    def get_recorded_thread(self, thread: str) -> str:
        """Return the recorded thread that a link to *thread* means."""
        return self._reserved.get(thread) or self._deleted.get(thread, thread)

    def sort_latest_first(self) -> list[LiveThread]:
        """Return the live threads, the one with the last turn first."""
        return sorted(self.by_id.values(), key=lambda live: -live.last_turn)

    def give_to_fake(self, thread: str) -> None:
        """Have the fake graph answer all further requests on *thread*."""
        live = self.by_id.setdefault(thread, LiveThread(thread, ConversationStart.UNSEEN))
        live.is_fake = True
        self._used.add(thread)

    def add_created_by_fake(self, thread: str) -> None:
        """Add the *thread* that the fake graph created; a recorded conversation may be played on it."""
        self.by_id[thread] = LiveThread(thread, ConversationStart.UNSEEN)
        self._used.add(thread)

    def record_play(
        self, live: LiveThread, conversation: Conversation, kind: RequestKind, progress: int
    ) -> None:
        """Have *live* play an exchange of this *kind* of *conversation*, after which it stands at *progress*."""
        if live.conversation != conversation.identity:
            live.conversation, live.play = conversation.identity, None
        self.by_id[live.identity] = live
        self.by_id.move_to_end(live.identity)
        self._used.add(live.identity)
        if kind is RequestKind.CREATION:
            self.creation_counts[conversation.identity] += 1
        elif live.play is None:
            live.play = self.play_counts[conversation.identity]
            self.play_counts[conversation.identity] += 1
        if kind is RequestKind.TURN:
            self._turns += 1
            live.progress, live.last_turn, live.cut_turn = progress, self._turns, None
            live.read_counts.clear()
        if len(self.by_id) > MAX_THREADS:
            self.by_id.popitem(last=False)

    def remove(self, live: LiveThread) -> None:
        self.by_id.pop(live.identity, None)
        self._deleted[live.identity] = live.ids.to_recorded(live.identity)

    def begin_by_stream(self, thread: str, conversation: Conversation) -> None:
        """Have *thread* play *conversation* from its beginning, which an event stream shows."""
        live = LiveThread(thread, conversation.began, is_named_by_client=True)
        self.record_play(live, conversation, RequestKind.READ, 0)
        live.ids.bind(conversation.thread, thread)

    def add_copy(self, origin: LiveThread, conversation: Conversation) -> None:
        """Add a copy of *origin* that plays *conversation*, which began with the copy."""
        identity = origin.ids.to_live(conversation.thread)
        live = LiveThread(identity, ConversationStart.COPIED, conversation.identity)
        live.ids.update(origin.ids)
        live.ids.bind(conversation.thread, identity)
        live.created_by = conversation.identity
        live.texts = origin.texts
        self.by_id[identity] = live
        self._used.add(identity)
