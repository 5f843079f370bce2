"""The stream modes: what happens in a run, as the events that the request asked for. No I/O."""

from collections.abc import Callable, Sequence

from mockserver.fake.graph.message_chunks import SoFar
from mockserver.fake.graph.metadata import Place, task_metadata
from mockserver.fake.ids import Ids
from mockserver.fake.json_format import Written
from mockserver.fake.messages.model import Message
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json, dumps

MESSAGES = ("messages", "messages-tuple")


Emit = Callable[[str, Json | Written], None]
"""Takes the name of an event and its data, which may be Written."""


class Modes:
    """Tells *emit* what happens in a run, in the modes of *request*.

    What a graph within the graph does is told with `stream_subgraphs` alone. *now* gives the seconds since the request.
    """

    def __init__(self, request: RunRequest, ids: Ids, emit: Emit, now: Callable[[], float]) -> None:
        self.streams = any(mode in request.modes for mode in (*MESSAGES, "events"))
        """Whether the chat model streams: it does where somebody listens to its tokens."""
        self.hurries = not self.streams and (request.subgraphs or "custom" in request.modes)
        """Whether the server shows an update before the state has given its messages their ids."""
        self._request = request
        self._ids = ids
        self._emit = emit
        self._now = now
        self._told: set[str] = set()
        self._announced: set[str] = set()

    def values(self, namespace: tuple[str, ...], state: Json) -> None:
        """The state has changed."""
        self._tell("values", namespace, state)

    def updates(self, namespace: tuple[str, ...], node: str, update: Json) -> None:
        """A node has returned its *update*."""
        self._tell("updates", namespace, {node: update})

    def custom(self, namespace: tuple[str, ...], value: Json) -> None:
        """A node has written *value*."""
        self._tell("custom", namespace, value)

    def task(self, place: Place, state: Json) -> None:
        """A task begins, with *state* as its input."""
        payload = {
            "id": place.task,
            "name": place.node,
            "input": state,
            "triggers": [f"branch:to:{place.node}"],
            "metadata": task_metadata(self._request),
        }
        self._task(place, "task", payload)

    def result(
        self, place: Place, update: Json, *, error: Json = None, interrupts: Sequence[Json] = ()
    ) -> None:
        """A task has ended: with its *update*, an *error*, or *interrupts*."""
        payload = {
            "id": place.task,
            "name": place.node,
            "error": error,
            "result": update or {},
            "interrupts": list(interrupts),
        }
        self._task(place, "task_result", payload)

    def checkpoint(self, namespace: tuple[str, ...], step: int, saved: Json, full: Json) -> None:
        """A checkpoint was *saved*; *full* is what the mode `debug` says of it."""
        self._tell("checkpoints", namespace, saved)
        self._debug(namespace, step, "checkpoint", full)

    def asked(self, namespace: tuple[str, ...], state: Json, interrupts: Sequence[Json]) -> None:
        """The graph stops to ask a human; without interrupts it stops because the request wanted it to."""
        self._tell("updates", namespace, {"__interrupt__": list(interrupts)})
        if interrupts:
            self._tell("values", namespace, state | {"__interrupt__": list(interrupts)})

    def token(self, place: Place, chunk: Message, so_far: SoFar, metadata: Written) -> None:
        """A message of the model grows by *chunk* to what *so_far* tells; the *metadata* is that of all its chunks."""
        if self._hidden(place.namespace):
            return
        self._told.add(chunk["id"])
        if "messages-tuple" in self._request.modes:
            both = Written(f"[{dumps(chunk)},{metadata.text}]")
            self._send("messages", place.namespace, both)
        elif "messages" in self._request.modes:
            self._announce(chunk["id"], metadata)
            self._emit("messages/partial", [so_far()])

    def message(self, place: Place, message: Message, metadata: Json) -> None:
        """A node has returned *message*, which goes out unless it has been streamed."""
        if self._hidden(place.namespace) or message["id"] in self._told:
            return
        self._told.add(message["id"])
        if "messages-tuple" in self._request.modes:
            self._send("messages", place.namespace, [message, metadata])
        elif "messages" in self._request.modes:
            self._announce(message["id"], Written(dumps(metadata)))
            self._emit("messages/complete", [message])

    def known(self, messages: list[Message]) -> None:
        """Take note that *messages* were in the state before."""
        self._told.update(message["id"] for message in messages)

    def failed(self, error: Json) -> None:
        """The run has failed."""
        self._emit("error", error)

    def _announce(self, identity: str, metadata: Written) -> None:
        if identity not in self._announced:
            self._announced.add(identity)
            text = f'{{{dumps(identity)}:{{"metadata":{metadata.text}}}}}'
            self._emit("messages/metadata", Written(text))

    def _task(self, place: Place, kind: str, payload: Json) -> None:
        self._tell("tasks", place.namespace, payload)
        self._debug(place.namespace, place.step, kind, payload)

    def time(self) -> str:
        """Return the time, as the server writes it."""
        return self._ids.time(self._now())

    def _debug(self, namespace: tuple[str, ...], step: int, kind: str, payload: Json) -> None:
        event = {"step": step, "timestamp": self.time(), "type": kind, "payload": payload}
        self._tell("debug", namespace, event)

    def _tell(self, mode: str, namespace: tuple[str, ...], value: Json) -> None:
        if mode in self._request.modes and not self._hidden(namespace):
            self._send(mode, namespace, value)

    def _hidden(self, namespace: tuple[str, ...]) -> bool:
        return bool(namespace) and not self._request.subgraphs

    def _send(self, name: str, namespace: tuple[str, ...], value: Json) -> None:
        self._emit("|".join((name, *namespace)), value)
