"""One recorded conversation: the exchanges of a thread in the order in which they were recorded. No I/O."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from hashlib import sha256

from mockserver.cassette.normalize import Normalizer
from mockserver.cassette.summary import exchange_to_json
from mockserver.conversations.exchange_reader import ExchangeReader
from mockserver.conversations.ids import IdKind
from mockserver.conversations.recorded_events import (
    Command,
    RecordedEvents,
    build_events,
)
from mockserver.conversations.thread_requests import (
    CANCEL_PATH,
    COMMANDS,
    TURN_PATHS,
    RequestKind,
    ThreadRequest,
)
from mockserver.formats.json_text import Json
from mockserver.matching.canonical import Key
from mockserver.matching.index import Cassette, Entry

Identity = tuple[str, int]
"""What a conversation is known by, also after its file was loaded again: its cassette, and its number there."""

_Place = tuple[int, Key, int]
"""Progress, request without ids, and how many such requests came before at this progress."""


class ConversationStart(Enum):
    """How a conversation began."""

    CREATED = "created"
    COPIED = "copied"
    UNSEEN = "unseen"
    """Its thread existed before, or its first run created it."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One exchange of a conversation: *progress* turns had been started when it was recorded, itself included."""

    entry: Entry
    kind: RequestKind
    progress: int
    path: str

    @property
    def at(self) -> float | None:
        """When the request arrived, in seconds since the recording started, if the recording says so."""
        return self.entry.fingerprint.at

    @property
    def names_past(self) -> bool:
        """Whether the request names a run or a checkpoint, so that its response is about the past."""
        return self.path not in TURN_PATHS and self.path.startswith(("/runs/", "/state/"))


ROUNDING = 0.002
"""Recorded times are rounded to milliseconds: a client reads on as soon as a response is complete."""


class Conversation:
    """The exchanges of one recorded *thread* in one cassette; *number* is its place among those of the cassette, from 1."""

    def __init__(
        self,
        cassette: Cassette,
        number: int,
        thread: str,
        reader: ExchangeReader,
        began: ConversationStart = ConversationStart.UNSEEN,
        creation: Entry | None = None,
    ) -> None:
        self.cassette = cassette.name
        self.rules = cassette.rules
        self.number = number
        self.thread = thread
        self.began = began
        self.creation = creation
        self.requests: list[tuple[Entry, ThreadRequest]] = []
        """Its exchanges without the creation and the streams, in recorded order. They are added before the steps are used."""
        self.streams: list[Entry] = []
        """The event streams of its thread."""
        self._reader = reader
        self._digests: list[bytes] = []

    @property
    def identity(self) -> Identity:
        """What the conversation is known by, also after its file was loaded again."""
        return self.cassette, self.number

    @property
    def label(self) -> str:
        """`FILE thread N`, the form used in messages."""
        return f"{self.cassette} thread {self.number}"

    def get_exchanges(self) -> list[Entry]:
        """Return its exchanges without the streams, in recorded order."""
        creation = [] if self.creation is None else [self.creation]
        return [*creation, *(entry for entry, _ in self.requests)]

    @property
    def first_entry(self) -> Entry:
        return (*self.get_exchanges(), *self.streams)[0]

    @property
    def span(self) -> str:
        """The exchanges of the conversation, `#4-#11`."""
        numbers = [entry.number for entry in (*self.get_exchanges(), *self.streams)]
        first, last = min(numbers), max(numbers)
        return f"#{first}" if first == last else f"#{first}-#{last}"

    def describe_progress(self, progress: int) -> str:
        return f"{self.label} ({self.span}), {progress} of {len(self.turns)} turns played"

    def describe_place(self, progress: int) -> dict[str, Json]:
        """Return what the journal says about a thread that has started *progress* turns."""
        following = self.turns[progress : progress + 1]
        return {
            "conversation": f"{self.label}, {self.span}",
            "progress": f"{progress} of {len(self.turns)} turns",
            "next": following[0].entry.label if following else None,
        }

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The exchanges in recorded order. A refused turn is a read."""
        steps: list[Step] = []
        progress = 0
        for entry, request in self.requests:
            kind = request.kind
            if kind is RequestKind.TURN and not self._reader.get_facts(entry).starts_run:
                kind = RequestKind.READ
            if kind is RequestKind.TURN:
                progress += 1
            steps.append(Step(entry, kind, progress, request.path))
        return tuple(steps)

    @cached_property
    def turns(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind is RequestKind.TURN)

    @cached_property
    def reads(self) -> dict[Key, list[Step]]:
        """The other steps in order, by the key of their request."""
        reads: dict[Key, list[Step]] = {}
        for step in self.steps:
            if step.kind is not RequestKind.TURN:
                reads.setdefault(step.entry.key, []).append(step)
        return reads

    @cached_property
    def events(self) -> RecordedEvents:
        """The events of its thread, as its streams show them."""
        commands: list[Command] = []
        for turn in self.turns:
            facts, at = self._reader.get_facts(turn.entry), turn.at
            if turn.path == COMMANDS:
                answered_at = None if at is None else at + facts.seconds
                commands.append(Command(turn.progress, facts.run, at, answered_at))
            elif facts.run is not None:
                commands.append(Command(turn.progress, facts.run, at, at))
        cancels = {
            step.progress: step.at for step in self.steps if CANCEL_PATH.fullmatch(step.path)
        }
        return build_events(map(self._reader.load, self.streams), commands, cancels)

    @cached_property
    def creation_step(self) -> Step | None:
        return None if self.creation is None else Step(self.creation, RequestKind.CREATION, 0, "")

    @cached_property
    def by_place(self) -> "dict[_Place, Entry]":
        """The exchanges by their place in the conversation: in conversations that went alike, those at the same place are alike."""
        places: dict[_Place, Entry] = {}
        seen: Counter[tuple[int, Key]] = Counter()
        if self.creation is not None:
            places[0, b"", 0] = self.creation
        for step in self.steps:
            key = step.progress, step.entry.shape
            places[(*key, seen[key])] = step.entry
            seen[key] += 1
        return places

    def digest_turns(self, count: int) -> bytes:
        """Return a digest of the first *count* turns with their responses, without ids and times."""
        if not self._digests:
            self._digests.append(b"")
        while len(self._digests) <= count:
            entry = self.turns[len(self._digests) - 1].entry
            facts = exchange_to_json(0, self._reader.load(entry))
            said: Json = Normalizer().normalize_exchange(facts)
            text = repr(said["response"]).encode("utf-8", "surrogatepass")
            if turn_events := self.events.by_turn.get(len(self._digests)):
                text += turn_events.digest
            self._digests.append(sha256(self._digests[-1] + entry.shape + text).digest())
        return self._digests[count]

    def get_turn_shapes(self, count: int) -> tuple[Key, ...]:
        """Return the keys of the first *count* turns without ids."""
        return tuple(turn.entry.shape for turn in self.turns[:count])

    def was_during_run(self, step: Step) -> bool | None:
        """Return whether *step* was recorded while a run of its thread was being sent; None if the recording does not say."""
        if step.at is None:
            return None
        return any(self._is_before_end(step.at, turn) for turn in self.turns[: step.progress])

    def _is_before_end(self, at: float | None, turn: Step) -> bool:
        """Return whether a request came *at* that time while *turn* was being sent: its response, or the events of its run."""
        if at is None or turn.at is None:
            return False
        turn_events = self.events.by_turn.get(turn.progress)
        seconds = self._reader.get_facts(turn.entry).seconds + (
            turn_events.seconds if turn_events else 0.0
        )
        return at < turn.at + seconds - ROUNDING

    def find_latest_checkpoint(self, progress: int) -> str | None:
        """Return the latest checkpoint that was shown after *progress* turns, or None. Ids of checkpoints ascend with time."""
        shown = (
            identity
            for step in self.steps
            if (step.progress, step.path) in ((progress, "/history"), (progress, "/state"))
            and not self.was_during_run(step)
            and b'"before"' not in self._reader.load(step.entry).request.body
            for kind, identity in self._reader.get_response_ids(step.entry)
            if kind is IdKind.CHECKPOINT
        )
        return max(shown, default=None)

    def was_cancelled(self, turn: Step) -> bool:
        """Return whether the run of *turn* may have been cancelled: by a request, or by the next turn."""
        following = self.turns[turn.progress : turn.progress + 1]
        return any(self._is_before_end(one.at, turn) for one in following) or any(
            step.progress == turn.progress and CANCEL_PATH.fullmatch(step.path)
            for step in self.steps
        )

    def find_first_progress(self, key: Key) -> int | None:
        """Return the progress just before the first exchange with this *key*, or None."""
        for step in self.steps:
            if step.entry.key == key:
                return step.progress - (step.kind is RequestKind.TURN)
        return None
