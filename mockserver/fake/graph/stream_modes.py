"""Emits what happens in a run as events of the requested stream modes. No I/O."""

from collections.abc import Collection, Sequence

from mockserver.fake.graph.checkpoint_store import Namespace
from mockserver.fake.graph.event_log import EventLog
from mockserver.fake.graph.message_chunks import GetPartial
from mockserver.fake.graph.metadata import Scope, build_task_metadata
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.messages.message_json import Message
from mockserver.fake.run_request import RunRequest
from mockserver.fake.server_json import JsonText
from mockserver.formats.json_text import Json, dumps, loads

MESSAGES = ("messages", "messages-tuple")


class StreamModes:
    """Logs the events of a run in the modes of *request*; those of subgraphs only with `stream_subgraphs`."""

    def __init__(self, request: RunRequest, ids: IdGenerator, log: EventLog) -> None:
        self.streams_tokens = _shows_tokens(request.modes)
        """Whether the chat model streams: only if a requested mode shows tokens."""
        self.streams_blocks = False
        """Whether the chat model streams as event streams show it: in blocks of content."""
        self.sends_updates_early = sends_updates_early(request.modes, request.subgraphs)
        """Whether the server sends an update before the state has given its messages ids."""
        self._request = request
        self._ids = ids
        self._log = log
        self._sent_ids: set[str] = set()
        self._announced_ids: set[str] = set()

    def send(self, mode: str, namespace: Namespace, value: Json) -> None:
        """Emit the *value* of a *mode* that the request has: of `values` the state, of `updates` the outputs by node."""
        if mode in self._request.modes and not self._is_hidden(namespace):
            self._send(mode, namespace, value)

    def send_task(self, scope: Scope, state: Json) -> None:
        """Emit the start of a task with *state* as its input."""
        payload = {
            "id": scope.task,
            "name": scope.node,
            "input": state,
            "triggers": [f"branch:to:{scope.node}"],
            "metadata": build_task_metadata(self._request),
        }
        self._send_with_debug("tasks", scope.namespace, scope.step, "task", payload, payload)

    def send_result(
        self, scope: Scope, update: Json, *, error: Json = None, interrupts: Sequence[Json] = ()
    ) -> None:
        """Emit the end of a task: with its *update*, an *error*, or *interrupts*."""
        payload = {
            "id": scope.task,
            "name": scope.node,
            "error": error,
            "result": update or {},
            "interrupts": list(interrupts),
        }
        self._send_with_debug("tasks", scope.namespace, scope.step, "task_result", payload, payload)

    def send_checkpoint(self, namespace: Namespace, step: int, saved: Json, full: Json) -> None:
        """Emit a *saved* checkpoint; *full* is its form in the mode `debug`."""
        self._send_with_debug("checkpoints", namespace, step, "checkpoint", saved, full)

    def send_interrupts(
        self, namespace: Namespace, state: Json, interrupts: Sequence[Json]
    ) -> None:
        """Emit *interrupts*; they are empty if the request asked to stop here."""
        self.send("updates", namespace, {"__interrupt__": list(interrupts)})
        if interrupts:
            self.send("values", namespace, state | {"__interrupt__": list(interrupts)})

    def send_token(
        self, scope: Scope, chunk: Message, get_partial: GetPartial, metadata: JsonText
    ) -> None:
        """Emit a *chunk* of the chat model; *get_partial* returns the message so far, and all chunks share *metadata*."""
        if not self._is_hidden(scope.namespace):
            self._send_message("messages/partial", scope, chunk, get_partial, metadata)

    def send_block(self, namespace: Namespace, event: dict[str, Json]) -> None:
        """Emit an *event* of a message of the chat model, for event streams only."""

    def send_tool_start(self, scope: Scope, call: Json) -> None:
        """Emit the start of the tool that *call* calls, for event streams only."""

    def send_tool_end(self, scope: Scope, message: Message) -> None:
        """Emit the end of a tool with its *message*, for event streams only."""

    def send_message(self, scope: Scope, message: Message, metadata: Json) -> None:
        """Emit the *message* of a node unless it was streamed."""
        if not self._is_hidden(scope.namespace) and message["id"] not in self._sent_ids:
            text = JsonText(dumps(metadata))
            self._send_message("messages/complete", scope, message, lambda: message, text)

    def mark_sent(self, messages: list[Message]) -> None:
        """Do not send *messages*, which were in the state before the run."""
        self._sent_ids.update(message["id"] for message in messages)

    def _send_message(
        self, name: str, scope: Scope, message: Message, get_shown: GetPartial, metadata: JsonText
    ) -> None:
        """Emit *message* with its *metadata*; the mode `messages` sends what *get_shown* returns in an event with this *name*."""
        identity = message["id"]
        self._sent_ids.add(identity)
        if "messages-tuple" in self._request.modes:
            both = JsonText(f"[{dumps(message)},{metadata.text}]")
            self._send("messages", scope.namespace, both)
        elif "messages" in self._request.modes:
            if identity not in self._announced_ids:
                self._announced_ids.add(identity)
                text = f'{{{dumps(identity)}:{{"metadata":{metadata.text}}}}}'
                self._log.emit("messages/metadata", JsonText(text))
            self._log.emit(name, [get_shown()])

    def send_error(self, error: Json) -> None:
        """Emit the *error* that ended the run."""
        self._log.emit("error", error)

    def send_run_end(self) -> None:
        """Emit the end of the run, for event streams only."""

    def time(self) -> str:
        return self._ids.time(self._log.now)

    def _send_with_debug(
        self, mode: str, namespace: Namespace, step: int, kind: str, value: Json, full: Json
    ) -> None:
        """Emit *value* in its *mode*, and *full* as an event of this *kind* in the mode `debug`."""
        self.send(mode, namespace, value)
        if "debug" in self._request.modes:
            event = {"step": step, "timestamp": self.time(), "type": kind, "payload": full}
            self.send("debug", namespace, event)

    def _is_hidden(self, namespace: Namespace) -> bool:
        return bool(namespace) and not self._request.subgraphs

    def _send(self, name: str, namespace: Namespace, value: Json) -> None:
        self._log.emit("|".join((name, *namespace)), value)


def sends_updates_early(modes: Collection[str], subgraphs: bool) -> bool:
    """Return whether the server sends the output of a node before the state has given its messages ids."""
    return not _shows_tokens(modes) and (subgraphs or "custom" in modes)


def parse_event_names(text: str) -> Collection[str] | None:
    """Return the names of the events that the query parameter `stream_mode` selects, or None for all."""
    if not text:
        return None
    try:
        value = loads(text)
    except ValueError:
        value = text
    names = set(map(str, value)) if isinstance(value, list) else {str(value)}
    if not names.isdisjoint(MESSAGES):
        names |= {"messages", "messages/partial", "messages/complete", "messages/metadata"}
    return names


def _shows_tokens(modes: Collection[str]) -> bool:
    return any(mode in modes for mode in (*MESSAGES, "events"))
