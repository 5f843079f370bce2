"""The recorded conversations of all cassettes, and how to find them. No I/O."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from mockserver.conversations.assistants import recorded_assistants, recorded_creations
from mockserver.conversations.conversation import (
    Began,
    Conversation,
    Identity,
)
from mockserver.conversations.exchange_reader import ExchangeReader, Load
from mockserver.conversations.thread_requests import RequestKind, parse_thread_request
from mockserver.formats.json_text import Json
from mockserver.matching.index import Cassette, Entry, Index
from mockserver.matching.keys import Key
from mockserver.matching.rules import MatchRules

Shape = tuple[MatchRules, Key]
"""A request without its ids, and the rules by which its other parts count."""

_Conversations = defaultdict[Shape, list[Conversation]]
_Turns = defaultdict[Shape, list[tuple[Conversation, Entry]]]


class Recordings:
    """The conversations of the cassettes of *index*; *load* returns an exchange, *read* its text in the file."""

    def __init__(
        self, index: Index, load: Load, read: Callable[[Entry], bytes] = lambda entry: b""
    ) -> None:
        self.index = index
        self.reader = ExchangeReader(load, read)
        self.conversations: list[Conversation] = []
        self._by_identity: dict[Identity, Conversation] = {}
        self._by_thread: defaultdict[str, list[Conversation]] = defaultdict(list)
        self._turns: _Turns = defaultdict(list)
        self._runs: _Turns = defaultdict(list)
        self._openings: _Conversations = defaultdict(list)
        self._creations: _Conversations = defaultdict(list)
        self._requests: _Conversations = defaultdict(list)
        for cassette in index.cassettes:
            for conversation in _group_conversations(cassette, self.reader):
                self._add(conversation)

    @cached_property
    def assistants(self) -> dict[str, dict[str, Json]]:
        return recorded_assistants(self.index, self.reader.load)

    @cached_property
    def _assistant_creations(self) -> dict[str, Key]:
        return recorded_creations(self.index, self.reader.load)

    def are_equal_assistants(self, one: str, other: str) -> bool:
        """Return whether the assistants with these ids were created by the same request, and not changed."""
        if one not in self.index.ids:
            return False
        creation = self._assistant_creations.get(one)
        return creation is not None and creation == self._assistant_creations.get(other)

    def get(self, identity: Identity) -> Conversation | None:
        return self._by_identity.get(identity)

    def find_of_thread(self, thread: str) -> list[Conversation]:
        return self._by_thread.get(thread, [])

    def find_created(self, shapes: Iterable[Shape]) -> list[Conversation]:
        """Return the conversations that began with a creation of one of these *shapes*, in recorded order."""
        return [found for shape in shapes for found in self._creations.get(shape, ())]

    def find_opened(self, shapes: Iterable[Shape]) -> list[Conversation]:
        """Return the conversations whose thread was not created, and whose first exchange has one of these *shapes*."""
        return [found for shape in shapes for found in self._openings.get(shape, ())]

    def find_turn(self, shapes: Iterable[Shape], number: int) -> list[Conversation]:
        """Return the conversations whose turn *number* (from 0) has one of these *shapes*."""
        return self._find_at(self._turns, shapes, number)

    def find_run(self, shapes: Iterable[Shape], number: int) -> list[Conversation]:
        """Return the conversations whose turn *number* (from 0) is a run of one of these *shapes* without stream modes."""
        return self._find_at(self._runs, shapes, number)

    def _find_at(self, turns: _Turns, shapes: Iterable[Shape], number: int) -> list[Conversation]:
        return [
            conversation
            for shape in shapes
            for conversation, entry in turns.get(shape, ())
            if entry in [turn.entry for turn in conversation.turns[number : number + 1]]
        ]

    def find_request(self, shapes: Iterable[Shape]) -> list[Conversation]:
        """Return the conversations with a request of one of these *shapes*, each once."""
        found = (one for shape in shapes for one in self._requests.get(shape, ()))
        return list(dict.fromkeys(found))

    def find_copied(self, copy: Entry) -> list[Conversation]:
        """Return the conversation that began with the *copy*, if it shows its thread."""
        copies = (one for one in self.conversations if one.began is Began.COPIED)
        return [one for one in copies if one.creation is copy]

    def _add(self, conversation: Conversation) -> None:
        rules, creation = conversation.rules, conversation.creation
        self.conversations.append(conversation)
        self._by_identity[conversation.identity] = conversation
        self._by_thread[conversation.thread].append(conversation)
        if conversation.began is Began.CREATED and creation is not None:
            self._creations[rules, creation.shape].append(conversation)
        elif conversation.began is Began.UNSEEN and conversation.requests:
            opening, _ = conversation.requests[0]
            self._openings[rules, opening.shape].append(conversation)
        for entry, request in conversation.requests:
            self._requests[rules, entry.shape].append(conversation)
            if request.kind is RequestKind.TURN:
                self._turns[rules, entry.shape].append((conversation, entry))
                if entry.fingerprint.run is not None:
                    self._runs[rules, entry.fingerprint.run].append((conversation, entry))


def _group_conversations(cassette: Cassette, reader: ExchangeReader) -> Iterator[Conversation]:
    """Yield the conversations of *cassette*, in recorded order."""
    conversations: list[Conversation] = []
    current: dict[str, Conversation] = {}

    def begin(thread: str, began: Began = Began.UNSEEN, creation: Entry | None = None) -> None:
        number = len(conversations) + 1
        current[thread] = Conversation(cassette, number, thread, reader, began, creation)
        conversations.append(current[thread])

    for entry in cassette.entries:
        request = parse_thread_request(*entry.route)
        if request is None:
            continue
        thread = request.thread
        if thread is None:
            thread = reader.read_shown_thread(entry)
            if thread is not None and thread not in current:
                begin(thread, Began.CREATED, entry)
                continue
            # A refused creation is a read of the thread that the client named.
            thread = thread or next(iter(entry.fingerprint.ids), None)
        if thread is None:
            continue
        if thread not in current:
            begin(thread)
        if request.opens_events:
            current[thread].streams.append(entry)
            continue
        current[thread].requests.append((entry, request))
        if request.path == "/copy":
            copied = reader.read_shown_thread(entry)
            if copied is not None:
                begin(copied, Began.COPIED, entry)
        elif request.is_deletion and reader.get_facts(entry).status < 400:
            del current[thread]
    yield from conversations
