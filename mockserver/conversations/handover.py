"""What the fake graph must know of a live thread to answer where its recorded conversation does not. No I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mockserver.cassette.model import Exchange
from mockserver.cassette.playback import encode_body
from mockserver.conversations.conversation import Conversation, Step
from mockserver.conversations.exchange_reader import ExchangeReader
from mockserver.conversations.human_messages import TypedTexts
from mockserver.conversations.id_map import IdMap
from mockserver.conversations.ids import UUID, read_json_parts, rename_json
from mockserver.conversations.live_events import rename_event
from mockserver.conversations.live_threads import LiveThread
from mockserver.conversations.recorded_events import TurnEvents
from mockserver.conversations.thread_requests import COMMANDS, RequestKind
from mockserver.fake.api.recorded_threads import RecordedThread
from mockserver.fake.thread_log.log import ThreadLog
from mockserver.formats.json_text import Json, loads_or_none
from mockserver.formats.server_ids import default_assistant_id

_INTERRUPT = "__interrupt__"
_GRAPH = re.compile(rb'"graph_id"\s*:\s*"([^"\\]+)"')


def build_recorded_thread(
    live: LiveThread, conversation: Conversation, reader: ExchangeReader, log: ThreadLog
) -> RecordedThread:
    """Return what *conversation*, as far as *live* has played it, says of the thread; its events are in *log*.

    Raise ReadError if its exchanges cannot be read.
    """
    state = _State(live.ids, live.texts)
    if conversation.creation is not None:
        for _, record in state.read_documents(reader.load(conversation.creation)):
            if isinstance(record, dict):
                state.metadata |= record.get("metadata") or {}
    for step in conversation.steps:
        if step.progress <= live.progress:
            shows_values = step.path == "/state" and not conversation.was_during_run(step)
            state.add(step, reader.load(step.entry), shows_values=shows_values)
            if step.kind is RequestKind.TURN and step.progress in conversation.events.by_turn:
                state.add_events(conversation.events.by_turn[step.progress])
    checkpoints = sorted(state.checkpoints.values(), key=lambda one: one.get("created_at") or "")
    live.texts.apply([state.values, *checkpoints], live.ids.to_recorded)
    thread: dict[str, Json] = {"metadata": state.metadata}
    if state.interrupts:
        thread |= {"status": "interrupted", "interrupts": {live.identity: state.interrupts}}
    return RecordedThread(live.identity, thread, state.values, tuple(checkpoints), log)


@dataclass(slots=True)
class _State:
    """The state of a thread with the ids *names* and the typed *texts*, as far as its exchanges so far show it."""

    names: IdMap
    texts: TypedTexts
    metadata: dict[str, Json] = field(default_factory=dict)
    values: dict[str, Json] | None = None
    interrupts: list[Json] = field(default_factory=list)
    checkpoints: dict[str, Json] = field(default_factory=dict)
    """The states that `/state` and `/history` show, by checkpoint."""

    def add(self, step: Step, exchange: Exchange, *, shows_values: bool) -> None:
        """Add what *exchange*, that of *step*, shows; *shows_values*: it is a state after a run."""
        is_turn = step.kind is RequestKind.TURN
        if is_turn:
            body = loads_or_none(rename_json(exchange.request.body, self.names.to_live))
            if step.path == COMMANDS and isinstance(body, dict):
                body = body.get("params")
            self._begin_turn(
                body if isinstance(body, dict) else {}, encode_body(exchange.response.content)
            )
        for event, document in self.read_documents(exchange):
            for found in _find_states(document):
                self.checkpoints[found["checkpoint"]["checkpoint_id"]] = found
            if is_turn:
                self._add_output(event, document)
            elif isinstance(document, dict) and isinstance(document.get("values"), dict):
                self.values = document["values"] if shows_values else self.values

    def read_documents(self, exchange: Exchange) -> Iterator[tuple[str, Json]]:
        """Yield event name (empty for a whole body) and JSON of each part of the response of *exchange*, with live ids."""
        for event, raw in read_json_parts(exchange.response.content):
            document = loads_or_none(rename_json(raw, self.names.to_live))
            if document is not None:
                yield event, document

    def add_events(self, turn_events: TurnEvents) -> None:
        """Add what the events of *turn_events* show."""
        for recorded in turn_events.events:
            event = rename_event(recorded, self.names, self.texts)
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
        before = self.values or {}
        self.values = {**before, **update}
        if "messages" in update:
            self.values["messages"] = _merge_messages(before.get("messages"), update["messages"])


def _merge_messages(before: Json, added: Json) -> list[Json]:
    """Return the messages *before* with those *added*; one with a known id replaces the earlier one."""
    messages: dict[Json, Json] = {}
    earlier = before if isinstance(before, list) else []
    for message in [*earlier, *(added if isinstance(added, list) else [added])]:
        identity = message.get("id") if isinstance(message, dict) else None
        messages[(len(messages),) if identity is None else identity] = message
    return list(messages.values())


def _find_states(value: Json) -> Iterator[dict[str, Json]]:
    """Yield the states of the root graph in *value* that name their checkpoint."""
    for state in value if isinstance(value, list) else [value]:
        match state:
            case {"checkpoint": {"checkpoint_id": str()} as reference, "values": dict()}:
                if not reference.get("checkpoint_ns"):
                    yield state
            case _:
                pass
