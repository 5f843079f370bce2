"""The recorded conversations of all cassettes, and how to find them. No I/O."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from hashlib import sha256

from mockserver.cassette.assistant_ids import UUID_PATTERN
from mockserver.cassette.model import Body, Exchange
from mockserver.cassette.normalize import Normalizer
from mockserver.cassette.playback import last_time
from mockserver.conversations import ids
from mockserver.conversations.assistants import recorded_assistants
from mockserver.formats.json_text import Json
from mockserver.matching.canonical import parse_json
from mockserver.matching.index import Cassette, Entry, Index
from mockserver.matching.keys import IgnoreRules, Key
from mockserver.matching.summary import exchange_to_json

_Place = tuple[int, Key, int]
"""Progress, request without ids, and how many such requests came before at this progress."""

Load = Callable[[Entry], Exchange]
"""Returns the exchange of an entry; raises ReadError if it cannot be read."""

_ON_THREAD = re.compile(rf"(?:^|/)threads/(?P<thread>{UUID_PATTERN})(?P<call>/[^?]*)?/?(?:\?|$)", re.IGNORECASE)  # fmt: skip
_CREATION = re.compile(r"(?:^|/)threads/?$")
_TURNS = ("/runs", "/runs/stream", "/runs/wait", "/state")
_CANCEL = re.compile(r"/runs/[^/]+/cancel")


class Kind(Enum):
    """What a request does: open a thread, start a turn, change a thread, or read it."""

    CREATION = "creation"
    TURN = "turn"
    CHANGE = "change"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Call:
    """A request on threads: its kind, and the *thread* that its path names (None for a creation)."""

    kind: Kind
    thread: str | None
    path: str
    """The path below the thread: `/runs/stream`, or nothing for the thread itself."""
    is_deletion: bool = False


def call_of(method: str, path: str) -> Call | None:
    """Return what a request of *method* for *path* does, or None if it names no thread and creates none."""
    found = _ON_THREAD.search(path)
    if found is None:
        is_creation = method == "POST" and _CREATION.search(path.partition("?")[0])
        return Call(Kind.CREATION, None, "") if is_creation else None
    below = (found["call"] or "").rstrip("/")
    kind = Kind.READ
    if method == "POST" and below in _TURNS:
        kind = Kind.TURN
    elif (
        method in ("PATCH", "DELETE")
        or below == "/copy"
        or (method == "POST" and _CANCEL.fullmatch(below))
    ):
        kind = Kind.CHANGE
    return Call(kind, found["thread"].lower(), below, method == "DELETE" and not below)


class Began(Enum):
    """How a conversation began."""

    CREATED = "created"
    COPIED = "copied"
    UNSEEN = "unseen"
    """Its thread existed before, or its first run created it."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One exchange of a conversation: *progress* turns had been started when it was recorded, itself included."""

    entry: Entry
    kind: Kind
    progress: int
    path: str

    @property
    def names_past(self) -> bool:
        """Whether the request names a run or a checkpoint, so that its response is about the past."""
        return self.path.startswith(("/runs/", "/state/"))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a recorded response without its content: its *status*, and how many *seconds* it took."""

    status: int
    seconds: float
    says_nothing: bool
    """Whether its body is empty, or an empty object."""


class Source:
    """Reads exchanges with *load*, and remembers what conversations need of them."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self._facts: dict[Entry, Facts] = {}
        self._response_ids: dict[Entry, tuple[tuple[ids.Kind, str], ...]] = {}
        self._message_ids: dict[Entry, tuple[str | None, ...]] = {}

    def response_ids(self, entry: Entry) -> tuple[tuple[ids.Kind, str], ...]:
        """Return the ids in the response of *entry*; see `ids.response_ids`."""
        if entry not in self._response_ids:
            self._response_ids[entry] = ids.response_ids(self.load(entry))
        return self._response_ids[entry]

    def same_places(self, entry: Entry, other: Entry) -> list[tuple[str, str]]:
        """Return the pairs of ids at the same places in the responses of *entry* and *other*."""
        pairs: list[tuple[str, str]] = []
        for kind in ids.Kind:
            left = (one for known, one in self.response_ids(entry) if known is kind)
            right = (one for known, one in self.response_ids(other) if known is kind)
            pairs += zip(left, right, strict=False)
        return pairs

    def message_ids(self, entry: Entry) -> tuple[str | None, ...]:
        """Return the ids of the messages in the request of *entry*."""
        if entry not in self._message_ids:
            self._message_ids[entry] = ids.request_message_ids(self.load(entry).request)
        return self._message_ids[entry]

    def facts(self, entry: Entry) -> Facts:
        """Return the facts of *entry*; ReadError if it cannot be read."""
        if entry not in self._facts:
            response = self.load(entry).response
            content, end = response.content, response.end
            self._facts[entry] = Facts(
                response.status,
                last_time(content) + (end.after if end else 0.0),
                isinstance(content, Body) and content.raw.strip() in (b"", b"{}", b"null"),
            )
        return self._facts[entry]


class Conversation:
    """The exchanges of one recorded *thread* in one cassette; *number* is its place among those of the cassette, from 1."""

    def __init__(
        self,
        cassette: Cassette,
        number: int,
        thread: str,
        source: Source,
        began: Began = Began.UNSEEN,
        creation: Entry | None = None,
    ) -> None:
        self.cassette = cassette.name
        self.rules = cassette.rules
        self.number = number
        self.thread = thread
        self.began = began
        self.creation = creation
        self.calls: list[tuple[Entry, Call]] = []
        """Its exchanges without the creation, in recorded order. They are added before the steps are used."""
        self._source = source
        self._digests: list[bytes] = []

    @property
    def identity(self) -> tuple[str, int]:
        """What the conversation is known by, also after its file was loaded again."""
        return self.cassette, self.number

    @property
    def label(self) -> str:
        """`FILE thread N`, the form used in messages."""
        return f"{self.cassette} thread {self.number}"

    @property
    def span(self) -> str:
        """The exchanges of the conversation, `#4-#11`."""
        numbers = [entry.number for entry, _ in self.calls]
        if self.creation is not None:
            numbers.append(self.creation.number)
        first, last = min(numbers), max(numbers)
        return f"#{first}" if first == last else f"#{first}-#{last}"

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The exchanges in recorded order. A refused turn is a read."""
        steps: list[Step] = []
        progress = 0
        for entry, call in self.calls:
            kind = call.kind
            if kind is Kind.TURN and self._source.facts(entry).status >= 400:
                kind = Kind.READ
            if kind is Kind.TURN:
                progress += 1
            steps.append(Step(entry, kind, progress, call.path))
        return tuple(steps)

    @cached_property
    def turns(self) -> tuple[Step, ...]:
        """The turns in order."""
        return tuple(step for step in self.steps if step.kind is Kind.TURN)

    @cached_property
    def reads(self) -> dict[Key, list[Step]]:
        """The other steps in order, by the key of their request."""
        reads: dict[Key, list[Step]] = {}
        for step in self.steps:
            if step.kind is not Kind.TURN:
                reads.setdefault(step.entry.key, []).append(step)
        return reads

    @cached_property
    def creation_step(self) -> Step | None:
        """The creation as a step, if it was recorded."""
        return None if self.creation is None else Step(self.creation, Kind.CREATION, 0, "")

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

    def is_turn(self, entry: Entry, number: int) -> bool:
        """Return whether *entry* is the turn *number*, from 0."""
        return number < len(self.turns) and self.turns[number].entry is entry

    def answers(self, count: int) -> bytes:
        """Return a digest of the first *count* turns with their responses, without ids and times."""
        if not self._digests:
            self._digests.append(b"")
        while len(self._digests) <= count:
            entry = self.turns[len(self._digests) - 1].entry
            facts = exchange_to_json(0, self._source.load(entry))
            said: Json = Normalizer().normalize_exchange(facts)
            text = repr(said["response"]).encode("utf-8", "surrogatepass")
            self._digests.append(sha256(self._digests[-1] + entry.shape + text).digest())
        return self._digests[count]

    def questions(self, count: int) -> tuple[Key, ...]:
        """Return the keys of the first *count* turns, without ids."""
        return tuple(turn.entry.shape for turn in self.turns[:count])

    def was_during_run(self, step: Step) -> bool | None:
        """Return whether *step* was recorded while a run of its thread was being sent; None if the recording does not say."""
        at = step.entry.fingerprint.at
        if at is None:
            return None
        ends = [
            started + self._source.facts(turn.entry).seconds
            for turn in self.turns[: step.progress]
            if (started := turn.entry.fingerprint.at) is not None
        ]
        return any(at < end for end in ends)

    def says_nothing(self, step: Step) -> bool:
        """Return whether the response of *step* is empty."""
        return self._source.facts(step.entry).says_nothing

    def first_progress(self, key: Key) -> int | None:
        """Return the progress just before the first exchange with this *key*, or None."""
        for step in self.steps:
            if step.entry.key == key:
                return step.progress - (step.kind is Kind.TURN)
        return None


Shape = tuple[IgnoreRules, Key]
"""A request without its ids, and the rules by which its other parts count."""


class Recordings:
    """The conversations of the cassettes of *index*; *load* returns an exchange."""

    def __init__(self, index: Index, load: Load) -> None:
        self.index = index
        self.source = Source(load)
        self.conversations: list[Conversation] = []
        self._by_identity: dict[tuple[str, int], Conversation] = {}
        self._by_thread: dict[str, list[Conversation]] = {}
        self._turns: dict[Shape, list[tuple[Conversation, Entry]]] = {}
        self._openings: dict[Shape, list[Conversation]] = {}
        self._creations: dict[Shape, list[Conversation]] = {}
        self._reads: dict[Shape, list[Conversation]] = {}
        for cassette in index.cassettes:
            for conversation in _conversations(cassette, self.source):
                self._add(conversation)

    @cached_property
    def assistants(self) -> dict[str, dict[str, Json]]:
        """The recorded assistants by id."""
        return recorded_assistants(self.index, self.source.load)

    def get(self, identity: tuple[str, int]) -> Conversation | None:
        """Return the conversation with this *identity*, or None."""
        return self._by_identity.get(identity)

    def of_thread(self, thread: str) -> list[Conversation]:
        """Return the conversations of the recorded *thread*."""
        return self._by_thread.get(thread, [])

    def created(self, shapes: Iterable[Shape]) -> list[Conversation]:
        """Return the conversations that began with a creation of one of these *shapes*, in recorded order."""
        return [found for shape in shapes for found in self._creations.get(shape, ())]

    def opened(self, shapes: Iterable[Shape]) -> list[Conversation]:
        """Return the conversations whose thread was not created, and whose first exchange has one of these *shapes*."""
        return [found for shape in shapes for found in self._openings.get(shape, ())]

    def with_turn(self, shapes: Iterable[Shape], number: int) -> list[Conversation]:
        """Return the conversations whose turn *number* (from 0) has one of these *shapes*."""
        return [
            conversation
            for shape in shapes
            for conversation, entry in self._turns.get(shape, ())
            if conversation.is_turn(entry, number)
        ]

    def with_read(self, shapes: Iterable[Shape]) -> list[Conversation]:
        """Return the conversations with a read of one of these *shapes*, each once."""
        found = (one for shape in shapes for one in self._reads.get(shape, ()))
        return list(dict.fromkeys(found))

    def copied(self, copy: Entry) -> list[Conversation]:
        """Return the conversation that began with the *copy*, if it shows its thread."""
        return [
            one for one in self.conversations if one.creation is copy and one.began is Began.COPIED
        ]

    def _add(self, conversation: Conversation) -> None:
        rules, creation = conversation.rules, conversation.creation
        self.conversations.append(conversation)
        self._by_identity[conversation.identity] = conversation
        self._by_thread.setdefault(conversation.thread, []).append(conversation)
        if conversation.began is Began.CREATED and creation is not None:
            self._creations.setdefault((rules, creation.shape), []).append(conversation)
        elif conversation.began is Began.UNSEEN:
            opening, _ = conversation.calls[0]
            self._openings.setdefault((rules, opening.shape), []).append(conversation)
        for entry, call in conversation.calls:
            if call.kind is Kind.TURN:
                self._turns.setdefault((rules, entry.shape), []).append((conversation, entry))
            else:
                self._reads.setdefault((rules, entry.shape), []).append(conversation)


def _conversations(cassette: Cassette, source: Source) -> Iterator[Conversation]:
    """Yield the conversations of *cassette*, in recorded order."""
    conversations: list[Conversation] = []
    current: dict[str, Conversation] = {}

    def begin(thread: str, began: Began = Began.UNSEEN, creation: Entry | None = None) -> None:
        number = len(conversations) + 1
        current[thread] = Conversation(cassette, number, thread, source, began, creation)
        conversations.append(current[thread])

    for entry in cassette.entries:
        call = call_of(*entry.route)
        if call is None:
            continue
        thread = call.thread
        if thread is None:
            thread = _thread_in_response(source.load(entry))
            if thread is not None and thread not in current:
                begin(thread, Began.CREATED, entry)
                continue
            # A refused creation is a read of the thread that the client named.
            thread = thread or next(iter(entry.fingerprint.ids), None)
        if thread is None:
            continue
        if thread not in current:
            begin(thread)
        current[thread].calls.append((entry, call))
        if call.path == "/copy":
            copied = _thread_in_response(source.load(entry))
            if copied is not None:
                begin(copied, Began.COPIED, entry)
        elif call.is_deletion and source.facts(entry).status < 400:
            del current[thread]
    yield from conversations


def _thread_in_response(exchange: Exchange) -> str | None:
    """Return the id of the thread that the response of *exchange* shows, or None."""
    content = exchange.response.content
    if exchange.response.status >= 400 or not isinstance(content, Body):
        return None
    return thread_in_body(content.raw)


def thread_in_body(raw: bytes) -> str | None:
    """Return the id in *raw*, the JSON form of a thread; None if it is no thread."""
    try:
        record = parse_json(raw)
    except ValueError:
        return None
    thread = record.get("thread_id") if isinstance(record, dict) else None
    return thread.lower() if isinstance(thread, str) else None
