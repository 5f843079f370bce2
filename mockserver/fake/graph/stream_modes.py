"""The stream modes: what happens in a run, as the events that the request asked for. No I/O."""

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
"""Takes the name of an event and its data, which may be Written."""


class StreamModes:
    """Tells *emit* what happens in a run, in the modes of *request*.

    What a graph within the graph does is told with `stream_subgraphs` alone. *now* gives the seconds since the request.
    """

    def __init__(self, request: RunRequest, ids: Ids, emit: Emit, now: Callable[[], float]) -> None:
        self.streams_tokens = any(mode in request.modes for mode in (*MESSAGES, "events"))
        """Whether the chat model streams: it does where somebody listens to its tokens."""
        self.sends_updates_early = not self.streams_tokens and (
            request.subgraphs or "custom" in request.modes
        )
        """Whether the server shows an update before the state has given its messages their ids."""
        self._request = request
        self._ids = ids
        self._emit = emit
        self._now = now
        self._sent_ids: set[str] = set()
        self._announced_ids: set[str] = set()

    def values(self, namespace: tuple[str, ...], state: Json) -> None:
        """The state has changed."""
        self._send_mode("values", namespace, state)

    def updates(self, namespace: tuple[str, ...], node: str, update: Json) -> None:
        """A node has returned its *update*."""
        self._send_mode("updates", namespace, {node: update})

    def custom(self, namespace: tuple[str, ...], value: Json) -> None:
        """A node has written *value*."""
        self._send_mode("custom", namespace, value)

    def task(self, scope: Scope, state: Json) -> None:
        """A task begins, with *state* as its input."""
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
        """A task has ended: with its *update*, an *error*, or *interrupts*."""
        payload = {
            "id": scope.task,
            "name": scope.node,
            "error": error,
            "result": update or {},
            "interrupts": list(interrupts),
        }
        self._task(scope, "task_result", payload)

    def checkpoint(self, namespace: tuple[str, ...], step: int, saved: Json, full: Json) -> None:
        """A checkpoint was *saved*; *full* is what the mode `debug` says of it."""
        self._send_mode("checkpoints", namespace, saved)
        self._debug(namespace, step, "checkpoint", full)

    def interrupted(
        self, namespace: tuple[str, ...], state: Json, interrupts: Sequence[Json]
    ) -> None:
        """The graph stops to ask a human; without interrupts it stops because the request wanted it to."""
        self._send_mode("updates", namespace, {"__interrupt__": list(interrupts)})
        if interrupts:
            self._send_mode("values", namespace, state | {"__interrupt__": list(interrupts)})

    def token(
        self, scope: Scope, chunk: Message, get_partial: GetPartial, metadata: JsonText
    ) -> None:
        """A message of the model grows by *chunk* to what *so_far* tells; the *metadata* is that of all its chunks."""
        if self._is_hidden(scope.namespace):
            return
        self._sent_ids.add(chunk["id"])
        if "messages-tuple" in self._request.modes:
            both = JsonText(f"[{dumps(chunk)},{metadata.text}]")
            self._send("messages", scope.namespace, both)
        elif "messages" in self._request.modes:
            self._send_metadata(chunk["id"], metadata)
            self._emit("messages/partial", [get_partial()])

    def message(self, scope: Scope, message: Message, metadata: Json) -> None:
        """A node has returned *message*, which goes out unless it has been streamed."""
        if self._is_hidden(scope.namespace) or message["id"] in self._sent_ids:
            return
        self._sent_ids.add(message["id"])
        if "messages-tuple" in self._request.modes:
            self._send("messages", scope.namespace, [message, metadata])
        elif "messages" in self._request.modes:
            self._send_metadata(message["id"], JsonText(dumps(metadata)))
            self._emit("messages/complete", [message])

    def mark_sent(self, messages: list[Message]) -> None:
        """Take note that *messages* were in the state before."""
        self._sent_ids.update(message["id"] for message in messages)

    def error(self, error: Json) -> None:
        """The run has failed."""
        self._emit("error", error)

    def _send_metadata(self, identity: str, metadata: JsonText) -> None:
        if identity not in self._announced_ids:
            self._announced_ids.add(identity)
            text = f'{{{dumps(identity)}:{{"metadata":{metadata.text}}}}}'
            self._emit("messages/metadata", JsonText(text))

    def _task(self, scope: Scope, kind: str, payload: Json) -> None:
        self._send_mode("tasks", scope.namespace, payload)
        self._debug(scope.namespace, scope.step, kind, payload)

    def time(self) -> str:
        """Return the time, as the server writes it."""
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
