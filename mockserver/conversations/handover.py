"""What the fake graph must know of a live thread to answer where its recorded conversation does not. No I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mockserver.cassette.assistant_ids import default_assistant_id
from mockserver.cassette.model import Exchange
from mockserver.cassette.playback import encode_body
from mockserver.conversations.conversation import Conversation, Step
from mockserver.conversations.exchange_reader import ExchangeReader
from mockserver.conversations.human_messages import TypedTexts
from mockserver.conversations.id_map import IdMap
from mockserver.conversations.ids import UUID, read_json_parts, rename_json
from mockserver.conversations.live_events import rename_event
from mockserver.conversations.recorded_events import Stretch
from mockserver.conversations.thread_requests import COMMANDS, RequestKind
from mockserver.fake.api.known_threads import KnownThread
from mockserver.formats.json_text import Json, loads_or_none
from mockserver.thread_log.log import ThreadLog

_INTERRUPT = "__interrupt__"
_GRAPH = re.compile(rb'"graph_id"\s*:\s*"([^"\\]+)"')


def build_known_thread(
    thread: str,
    progress: int,
    names: IdMap,
    texts: TypedTexts,
    conversation: Conversation,
    reader: ExchangeReader,
    log: ThreadLog | None = None,
) -> KnownThread:
    """Return what *conversation* says of the live *thread* after *progress* turns, whose ids are *names* and whose events are in *log*.

    *texts* are what a human typed on it. Raise ReadError if its exchanges cannot be read.
    """
    state = _State()
    if conversation.creation is not None:
        for _, record in _read_documents(reader.load(conversation.creation), names):
            if isinstance(record, dict):
                state.metadata |= record.get("metadata") or {}
    for step in conversation.steps:
        if step.progress <= progress:
            shows_values = step.path == "/state" and not conversation.was_during_run(step)
            state.add(step, reader.load(step.entry), names, shows_values=shows_values)
            if step.kind is RequestKind.TURN and step.progress in conversation.events.stretches:
                state.add_events(conversation.events.stretches[step.progress], names, texts)
    texts.apply([state.values, *state.checkpoints.values()], names.to_recorded)
    return replace(state.to_build_known_thread(thread), log=log)


@dataclass(slots=True)
class _State:
    """The state of a thread, as far as its exchanges so far show it."""

    metadata: dict[str, Json] = field(default_factory=dict)
    values: dict[str, Json] | None = None
    interrupts: list[Json] = field(default_factory=list)
    checkpoints: dict[str, Json] = field(default_factory=dict)
    """The states that `/state` and `/history` show, by checkpoint."""

    def to_build_known_thread(self, thread: str) -> KnownThread:
        ordered = sorted(self.checkpoints.values(), key=lambda one: one.get("created_at") or "")
        record: dict[str, Json] = {"metadata": self.metadata}
        if self.interrupts:
            record |= {"status": "interrupted", "interrupts": {thread: self.interrupts}}
        return KnownThread(thread, record, self.values, tuple(ordered))

    def add(self, step: Step, exchange: Exchange, names: IdMap, *, shows_values: bool) -> None:
        """Add what *exchange*, that of *step*, shows, with the live ids of *names*; *shows_values*: it is a state after a run."""
        is_turn = step.kind is RequestKind.TURN
        if is_turn:
            body = loads_or_none(rename_json(exchange.request.body, names.to_live))
            if step.path == COMMANDS and isinstance(body, dict):
                body = body.get("params")
            self._begin_turn(
                body if isinstance(body, dict) else {}, encode_body(exchange.response.content)
            )
        for event, document in _read_documents(exchange, names):
            for found in _find_states(document):
                self.checkpoints[found["checkpoint"]["checkpoint_id"]] = found
            if is_turn:
                self._add_output(event, document)
            elif isinstance(document, dict) and isinstance(document.get("values"), dict):
                self.values = document["values"] if shows_values else self.values

    def add_events(self, stretch: Stretch, names: IdMap, texts: TypedTexts) -> None:
        """Add what the events of *stretch* show, with the live ids of *names* and the typed *texts*."""
        for recorded in stretch.events:
            event = rename_event(recorded, names, texts)
            match event.channel, event.params.get("data"):
                case "values", dict(values) if event.namespace == ():
                    self.values = values
                case "input", {"interrupt_id": identity, "payload": asked}:
                    self.interrupts = [*self.interrupts, {"id": identity, "value": asked}]
                case _:
                    pass

    def _begin_turn(self, body: dict[str, Json], response: bytes) -> None:
        """Add what the *body* of a run says; *response* names the graph of an assistant with an id of its own."""
        assistant = body.get("assistant_id")
        if isinstance(assistant, str):
            graph = _GRAPH.search(response)
            is_id = UUID.fullmatch(assistant)
            name = graph[1].decode("utf-8", "replace") if graph else None if is_id else assistant
            identity = assistant if is_id else default_assistant_id(assistant)
            self.metadata |= {"assistant_id": identity} | ({"graph_id": name} if name else {})
        self.interrupts = []
        given = body.get("input") or body.get("values")
        if isinstance(given, dict):
            self._merge(given)

    def _add_output(self, event: str, document: Json) -> None:
        """Add what *document* of a response to a turn says, the data of *event* or a whole body (no event)."""
        if not isinstance(document, dict):
            return
        interrupts = document.get(_INTERRUPT)
        if isinstance(interrupts, list):
            self.interrupts = interrupts
        if event in ("", "values") and "__error__" not in document:
            if event or isinstance(document.get("messages"), list):
                self.values = {name: part for name, part in document.items() if name != _INTERRUPT}
        elif event == "updates":
            for update in document.values():
                if isinstance(update, dict):
                    self._merge(update)

    def _merge(self, update: dict[str, Json]) -> None:
        values = dict(self.values or {})
        for name, part in update.items():
            if name == "messages":
                values[name] = _merge_messages(values.get(name), part)
            else:
                values[name] = part
        self.values = values


def _merge_messages(before: Json, added: Json) -> list[Json]:
    """Return the messages *before* with those *added*; one with a known id replaces the earlier one."""
    messages = list(before) if isinstance(before, list) else []
    positions = {
        one.get("id"): number for number, one in enumerate(messages) if isinstance(one, dict)
    }
    for message in added if isinstance(added, list) else [added]:
        identity = message.get("id") if isinstance(message, dict) else None
        if identity is not None and identity in positions:
            messages[positions[identity]] = message
        else:
            messages.append(message)
    return messages


def _read_documents(exchange: Exchange, names: IdMap) -> Iterator[tuple[str, Json]]:
    """Yield event name (empty for a whole body) and JSON of each part of the response of *exchange*, with live ids."""
    for event, raw in read_json_parts(exchange.response.content):
        document = loads_or_none(rename_json(raw, names.to_live))
        if document is not None:
            yield event, document


def _find_states(value: Json) -> Iterator[dict[str, Json]]:
    """Yield the states of the root graph in *value* that name their checkpoint."""
    for state in value if isinstance(value, list) else [value]:
        match state:
            case {"checkpoint": {"checkpoint_id": str()} as reference, "values": dict()}:
                if not reference.get("checkpoint_ns"):
                    yield state
            case _:
                pass
