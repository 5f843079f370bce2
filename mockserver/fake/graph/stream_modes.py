"""Emits what happens in a run as events of the requested stream modes. No I/O."""

from collections.abc import Callable, Sequence

from mockserver.fake.graph.message_chunks import GetPartial
from mockserver.fake.graph.metadata import Scope, task_metadata
from mockserver.fake.ids import Ids
from mockserver.fake.json_format import JsonText
from mockserver.fake.messages.model import Message
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json, dumps

MESSAGES = ("messages", "messages-tuple")


Emit = Callable[[str, Json | JsonText], None]
"""Takes the name of an event and its data."""


class StreamModes:
    """Passes the events of a run to *emit*, in the modes of *request*.

    Events of the subgraph are sent only with `stream_subgraphs`. *now* returns the seconds since the request.
    """

    def __init__(self, request: RunRequest, ids: Ids, emit: Emit, now: Callable[[], float]) -> None:
        self.streams_tokens = any(mode in request.modes for mode in (*MESSAGES, "events"))
        """Whether the chat model streams: only if a requested mode shows tokens."""
        self.streams_blocks = False
        """Whether the chat model streams as event streams show it: in blocks of content."""
        self.sends_updates_early = not self.streams_tokens and (
            request.subgraphs or "custom" in request.modes
        )
        """Whether the server sends an update before the state has given its messages ids."""
        self._request = request
        self._ids = ids
        self._emit = emit
        self._now = now
        self._sent_ids: set[str] = set()
        self._announced_ids: set[str] = set()

    def values(self, namespace: tuple[str, ...], state: Json) -> None:
        """Emit the changed state."""
        self._send_mode("values", namespace, state)

    def updates(self, namespace: tuple[str, ...], node: str, update: Json) -> None:
        """Emit the *update* of a node."""
        self._send_mode("updates", namespace, {node: update})

    def custom(self, namespace: tuple[str, ...], value: Json) -> None:
        """Emit a custom *value* of a node."""
        self._send_mode("custom", namespace, value)

    def task(self, scope: Scope, state: Json) -> None:
        """Emit the start of a task with *state* as its input."""
        payload = {
            "id": scope.task,
            "name": scope.node,
            "input": state,
            "triggers": [f"branch:to:{scope.node}"],
            "metadata": task_metadata(self._request),
        }
        self._task(scope, "task", payload)

    def result(
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
        self._task(scope, "task_result", payload)

    def checkpoint(self, namespace: tuple[str, ...], step: int, saved: Json, full: Json) -> None:
        """Emit a *saved* checkpoint; *full* is its form in the mode `debug`."""
        self._send_mode("checkpoints", namespace, saved)
        self._debug(namespace, step, "checkpoint", full)

    def interrupted(
        self, namespace: tuple[str, ...], state: Json, interrupts: Sequence[Json]
    ) -> None:
        """Emit *interrupts*; they are empty if the request asked to stop here."""
        self._send_mode("updates", namespace, {"__interrupt__": list(interrupts)})
        if interrupts:
            self._send_mode("values", namespace, state | {"__interrupt__": list(interrupts)})

    def token(
        self, scope: Scope, chunk: Message, get_partial: GetPartial, metadata: JsonText
    ) -> None:
        """Emit a *chunk* of the chat model; *get_partial* returns the message so far, and all chunks share *metadata*."""
        if self._is_hidden(scope.namespace):
            return
        self._sent_ids.add(chunk["id"])
        if "messages-tuple" in self._request.modes:
            both = JsonText(f"[{dumps(chunk)},{metadata.text}]")
            self._send("messages", scope.namespace, both)
        elif "messages" in self._request.modes:
            self._send_metadata(chunk["id"], metadata)
            self._emit("messages/partial", [get_partial()])

    def block(self, namespace: tuple[str, ...], event: dict[str, Json]) -> None:
        """Emit an *event* of a message of the chat model, for event streams only."""

    def tool_started(self, scope: Scope, call: Json) -> None:
        """Emit the start of the tool that *call* calls, for event streams only."""

    def tool_finished(self, scope: Scope, message: Message) -> None:
        """Emit the end of a tool with its *message*, for event streams only."""

    def message(self, scope: Scope, message: Message, metadata: Json) -> None:
        """Emit the *message* of a node unless it was streamed."""
        if self._is_hidden(scope.namespace) or message["id"] in self._sent_ids:
            return
        self._sent_ids.add(message["id"])
        if "messages-tuple" in self._request.modes:
            self._send("messages", scope.namespace, [message, metadata])
        elif "messages" in self._request.modes:
            self._send_metadata(message["id"], JsonText(dumps(metadata)))
            self._emit("messages/complete", [message])

    def mark_sent(self, messages: list[Message]) -> None:
        """Do not send *messages*, which were in the state before the run."""
        self._sent_ids.update(message["id"] for message in messages)

    def error(self, error: Json) -> None:
        """Emit the *error* that ended the run."""
        self._emit("error", error)

    def _send_metadata(self, identity: str, metadata: JsonText) -> None:
        if identity not in self._announced_ids:
            self._announced_ids.add(identity)
            text = f'{{{dumps(identity)}:{{"metadata":{metadata.text}}}}}'
            self._emit("messages/metadata", JsonText(text))

    def _task(self, scope: Scope, kind: str, payload: Json) -> None:
        self._send_mode("tasks", scope.namespace, payload)
        self._debug(scope.namespace, scope.step, kind, payload)

    def run_end(self) -> None:
        """Emit the end of the run, for event streams only."""

    def time(self) -> str:
        """Return the current time in the server's format."""
        return self._ids.time(self._now())

    def _debug(self, namespace: tuple[str, ...], step: int, kind: str, payload: Json) -> None:
        event = {"step": step, "timestamp": self.time(), "type": kind, "payload": payload}
        self._send_mode("debug", namespace, event)

    def _send_mode(self, mode: str, namespace: tuple[str, ...], value: Json) -> None:
        if mode in self._request.modes and not self._is_hidden(namespace):
            self._send(mode, namespace, value)

    def _is_hidden(self, namespace: tuple[str, ...]) -> bool:
        return bool(namespace) and not self._request.subgraphs

    def _send(self, name: str, namespace: tuple[str, ...], value: Json) -> None:
        self._emit("|".join((name, *namespace)), value)
