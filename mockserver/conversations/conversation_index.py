"""The recorded conversations of all cassettes, and how to find them; the recorded assistants. No I/O."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property

from mockserver.cassette.model import Body, Exchange
from mockserver.conversations.conversation import Conversation, ConversationStart, Identity
from mockserver.conversations.exchange_reader import ExchangeReader, Load
from mockserver.conversations.thread_requests import RequestKind, parse_thread_request
from mockserver.formats.json_text import Json, loads_or_none
from mockserver.matching.canonical import Key
from mockserver.matching.index import Cassette, Entry, Index
from mockserver.matching.rules import MatchRules

Shape = tuple[MatchRules, Key]
"""A request without its ids, and the rules by which its other parts count."""

_ByShape = defaultdict[Shape, list[Conversation]]

_ON_ASSISTANTS = re.compile(r"(?:^|/)assistants(?:/|$)")
_CHANGES_ASSISTANT = re.compile(r"^PATCH /assistants/|^POST /assistants/[^/]+/latest$")


class ConversationIndex:
    """The conversations of the cassettes of *index*; *load* returns an exchange, *read* its text in the file."""

    def __init__(
        self, index: Index, load: Load, read: Callable[[Entry], bytes] = lambda entry: b""
    ) -> None:
        self.index = index
        self.reader = ExchangeReader(load, read)
        self.all: list[Conversation] = []
        self._by_identity: dict[Identity, Conversation] = {}
        self._by_thread: defaultdict[str, list[Conversation]] = defaultdict(list)
        self._by_creation: _ByShape = defaultdict(list)
        self._by_opening: _ByShape = defaultdict(list)
        self._by_request: _ByShape = defaultdict(list)
        self._by_run: _ByShape = defaultdict(list)
        for cassette in index.cassettes:
            for conversation in _group_conversations(cassette, self.reader):
                self._add(conversation)

    @cached_property
    def assistants(self) -> dict[str, dict[str, Json]]:
        """The JSON form of each assistant that a response shows, by id; the last one counts."""
        return {
            record["assistant_id"].lower(): record
            for entry in self._entries()
            if _ON_ASSISTANTS.search(entry.route[1].partition("?")[0])
            for record in _read_assistants(self.reader.load(entry))
        }

    @cached_property
    def _assistant_creations(self) -> dict[str, Key]:
        """The key of the request that created each assistant, by id, without those that were changed later."""
        creations: dict[str, Key] = {}
        changed: set[str] = set()
        for entry in self._entries():
            if entry.route == ("POST", "/assistants"):
                for record in _read_assistants(self.reader.load(entry)):
                    creations[record["assistant_id"].lower()] = entry.key
            elif _CHANGES_ASSISTANT.search(" ".join(entry.route)):
                changed.update(entry.fingerprint.ids)
        return {one: key for one, key in creations.items() if one not in changed}

    def are_equal_assistants(self, one: str, other: str) -> bool:
        """Return whether the assistants with these ids were created by the same request, and not changed."""
        if one not in self.index.ids:
            return False
        creation = self._assistant_creations.get(one)
        return creation is not None and creation == self._assistant_creations.get(other)

    def get(self, identity: Identity | None) -> Conversation | None:
        return self._by_identity.get(identity) if identity else None

    def find_of_thread(self, thread: str) -> list[Conversation]:
        return self._by_thread.get(thread, [])

    def find_created(self, shapes: Iterable[Shape]) -> list[Conversation]:
        """Return the conversations that began with a creation of one of these *shapes*, in recorded order."""
        return _find(self._by_creation, shapes)

    def find_opened(self, shapes: Iterable[Shape]) -> list[Conversation]:
        """Return the conversations whose thread was not created, and whose first exchange has one of these *shapes*."""
        return _find(self._by_opening, shapes)

    def find_request(self, shapes: Iterable[Shape]) -> list[Conversation]:
        """Return the conversations with a request of one of these *shapes*."""
        return _find(self._by_request, shapes)

    def find_turn(self, shapes: Collection[Shape], number: int) -> list[Conversation]:
        """Return the conversations whose turn *number* (from 0) has one of these *shapes*."""
        return [
            one
            for one in self.find_request(shapes)
            for turn in one.turns[number : number + 1]
            if (one.rules, turn.entry.shape) in shapes
        ]

    def find_run(self, shapes: Collection[Shape], number: int) -> list[Conversation]:
        """Return the conversations whose turn *number* (from 0) is a run of one of these *shapes* without stream modes."""
        return [
            one
            for one in _find(self._by_run, shapes)
            for turn in one.turns[number : number + 1]
            if (one.rules, turn.entry.fingerprint.run) in shapes
        ]

    def find_copied(self, copy: Entry) -> Conversation | None:
        """Return the conversation that began with the *copy*, if it shows its thread."""
        copies = (one for one in self.all if one.began is ConversationStart.COPIED)
        return next((one for one in copies if one.creation is copy), None)

    def _add(self, conversation: Conversation) -> None:
        rules, creation = conversation.rules, conversation.creation
        self.all.append(conversation)
        self._by_identity[conversation.identity] = conversation
        self._by_thread[conversation.thread].append(conversation)
        if conversation.began is ConversationStart.CREATED and creation is not None:
            self._by_creation[rules, creation.shape].append(conversation)
        elif conversation.began is ConversationStart.UNSEEN and conversation.requests:
            opening, _ = conversation.requests[0]
            self._by_opening[rules, opening.shape].append(conversation)
        for entry, request in conversation.requests:
            self._by_request[rules, entry.shape].append(conversation)
            if request.kind is RequestKind.TURN and entry.fingerprint.run is not None:
                self._by_run[rules, entry.fingerprint.run].append(conversation)

    def _entries(self) -> Iterator[Entry]:
        return (entry for cassette in self.index.cassettes for entry in cassette.entries)


def find_repeated(cassette: Cassette, old_count: int, load: Load) -> tuple[list[list[Entry]], int]:
    """Return the exchanges of each conversation of *cassette* whose requests are also those of an earlier one, and the number of the others.

    The first *old_count* entries were recorded before; only later ones are returned. Responses do not count: models answer
    differently each time.
    """
    parts = (cassette.entries[:old_count], cassette.entries[old_count:])
    old, new = (
        ConversationIndex(Index((Cassette(cassette.name, cassette.rules, part),)), load).all
        for part in parts
    )
    known = [_collect_places(one) for one in old]
    repeated = [one for one in new if any(_collect_places(one) <= places for places in known)]
    others = [one for one in new if one not in repeated]
    needed = {entry for one in others for entry in one.get_exchanges()}
    dropped = [[one for one in each.get_exchanges() if one not in needed] for each in repeated]
    return dropped, len(others)


def _collect_places(conversation: Conversation) -> set[tuple[int, Key]]:
    """Return the requests of *conversation* without ids, each with the number of turns before it."""
    steps = [*conversation.steps, conversation.creation_step]
    return {(step.progress, step.entry.shape) for step in steps if step}


def _find(conversations: _ByShape, shapes: Iterable[Shape]) -> list[Conversation]:
    """Return those of *conversations* that are under one of *shapes*, each once."""
    return list(dict.fromkeys(one for shape in shapes for one in conversations.get(shape, ())))


def _read_assistants(exchange: Exchange) -> Iterator[dict[str, Json]]:
    content = exchange.response.content
    shown: Json = loads_or_none(content.raw) if isinstance(content, Body) else None
    for record in shown if isinstance(shown, list) else [shown]:
        match record:
            case {"assistant_id": str(), "graph_id": str()}:
                yield record
            case _:
                pass


def _group_conversations(cassette: Cassette, reader: ExchangeReader) -> Iterator[Conversation]:
    """Yield the conversations of *cassette*, in recorded order."""
    conversations: list[Conversation] = []
    current: dict[str, Conversation] = {}

    def begin(
        thread: str,
        began: ConversationStart = ConversationStart.UNSEEN,
        creation: Entry | None = None,
    ) -> None:
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
                begin(thread, ConversationStart.CREATED, entry)
                continue
            # A refused creation is a read of the thread that the client named.
            thread = thread or next(iter(entry.fingerprint.ids), None)
        if thread is None:
            continue
        if thread not in current:
            begin(thread)
        if request.opens_events and reader.opens_stream(entry):
            current[thread].streams.append(entry)
            continue
        current[thread].requests.append((entry, request))
        if request.path == "/copy":
            copied = reader.read_shown_thread(entry)
            if copied is not None:
                begin(copied, ConversationStart.COPIED, entry)
        elif request.is_deletion and reader.get_facts(entry).status < 400:
            del current[thread]
    yield from conversations
