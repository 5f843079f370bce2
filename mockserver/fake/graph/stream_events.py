"""Emits what happens in a run as the events of its thread's event streams. No I/O.

Source: langgraph-api 0.16.7, `event_streaming/session`, for a graph with the stream transformers of `create_agent`: it sends
nothing on the channels `updates`, `tasks`, `checkpoints` and `custom`.
"""

from collections.abc import Callable, Sequence

from mockserver.fake.graph.content_blocks import tool_message_events
from mockserver.fake.graph.metadata import Scope
from mockserver.fake.graph.stream_modes import Emit, StreamModes
from mockserver.fake.ids import Ids
from mockserver.fake.messages.model import Message
from mockserver.fake.messages.protocol_state import protocol_state
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json
from mockserver.thread_log.event import Event

Namespace = tuple[str, ...]

END_SECONDS = 0.1
"""How long before the end of a run nothing else comes, at any pace: the Python SDK reads the end on another connection than the rest,
and ignores what it has not read by then."""


class StreamEvents(StreamModes):
    """Passes the events of a run to *stream*, and its error to *emit* too.

    *now* returns the seconds since the start of the run, and *pause* lets some go by.
    """

    def __init__(
        self,
        request: RunRequest,
        ids: Ids,
        emit: Emit,
        now: Callable[[], float],
        stream: Callable[[Event], None],
        pause: Callable[[float], None],
    ) -> None:
        super().__init__(request, ids, emit, now)
        self.streams_blocks = self.sends_updates_early = True
        self.streams_tokens = False
        self._stream = stream
        self._pause = pause
        self._count = 0
        self._open_subgraphs: set[Namespace] = set()
        self._interrupts: set[str] = set()
        self._has_ended = False
        self._lifecycle((), "running")

    def send_block(self, namespace: Namespace, event: dict[str, Json]) -> None:
        """Emit an *event* of a message of the chat model."""
        self._send_event("messages", namespace, event)

    def send_tool_start(self, scope: Scope, call: Json) -> None:
        """Emit the start of the tool that *call* calls."""
        started = {"event": "tool-started", "tool_call_id": call["id"], "tool_name": call["name"]}
        self._send_event("tools", scope.namespace, {**started, "input": call["args"]})

    def send_tool_end(self, scope: Scope, message: Message) -> None:
        """Emit the end of a tool with its *message*, and the message in a namespace of its own."""
        call = message["tool_call_id"]
        finished = {"event": "tool-finished", "tool_call_id": call, "output": dict(message)}
        self._send_event("tools", scope.namespace, finished)
        for event in tool_message_events(message):
            self._send_event("messages", (*scope.namespace, f"tools:{call}"), event)

    def send(self, mode: str, namespace: Namespace, value: Json) -> None:
        """Emit the state if *mode* is `values`; nothing for the other stream modes."""
        if mode == "values":
            self._send_values(namespace, value)

    def _send_values(self, namespace: Namespace, state: Json) -> None:
        """Emit the changed state; the first one of a subgraph also announces it."""
        if state:
            self._send_event("values", namespace, protocol_state(state))
        if namespace and namespace not in self._open_subgraphs:
            self._open_subgraphs.add(namespace)
            name, _, task = namespace[-1].partition(":")
            announcement = {"namespace": list(namespace), "graph_name": name}
            self._send_event(
                "lifecycle",
                namespace,
                {"event": "started", **announcement, "trigger_call_id": task},
            )

    def send_interrupts(
        self, namespace: Namespace, state: Json, interrupts: Sequence[Json]
    ) -> None:
        """Emit those of *interrupts* that are new, and the state in which the graph waits."""
        new = [one for one in interrupts if one["id"] not in self._interrupts]
        if new:
            self._pause(END_SECONDS)
        for interrupt in new:
            self._interrupts.add(interrupt["id"])
            request = {"interrupt_id": interrupt["id"], "payload": interrupt["value"]}
            identity = synthetic_id(self._request, "input", "\0".join(namespace), interrupt["id"])
            self._send_event("input.requested", namespace, request, identity)
        if new:
            self._end("interrupted")
        self._send_values(namespace, state)

    def send_result(
        self, scope: Scope, update: Json, *, error: Json = None, interrupts: Sequence[Json] = ()
    ) -> None:
        """Emit the end of the subgraph that the task at *scope* ran, if it ran one."""
        if scope.path not in self._open_subgraphs:
            return
        self._open_subgraphs.remove(scope.path)
        if error is not None:
            self._lifecycle(scope.path, "failed", error["message"])
        else:
            self._lifecycle(scope.path, "interrupted" if interrupts else "completed")

    def send_error(self, error: Json) -> None:
        """Emit the *error* that ended the run."""
        super().send_error(error)
        self._pause(END_SECONDS)
        self._end("failed", error["message"])

    def send_run_end(self) -> None:
        """Emit the end of the run, unless an interrupt or an error was its end."""
        if not self._has_ended:
            self._pause(END_SECONDS)
            self._end("completed")

    def send_message(self, scope: Scope, message: Message, metadata: Json) -> None:
        """Emit nothing: the server sends only the messages of the chat model, see `send_block`."""

    def _end(self, status: str, error: str | None = None) -> None:
        self._has_ended = True
        self._lifecycle((), status, error)

    def _lifecycle(self, namespace: Namespace, status: str, error: str | None = None) -> None:
        at = self._ids.timestamp(self._now())
        self._stream(lifecycle_event(self._request, at, namespace, status, error))

    def _send_event(
        self, method: str, namespace: Namespace, payload: Json, identity: str | None = None
    ) -> None:
        if identity is None:
            self._count += 1
            identity = f"{self._ids.stream_milliseconds(self._now())}-{self._count}"
        params = build_params(namespace, self._ids.timestamp(self._now()), payload)
        self._stream(Event(identity, method, params))


def interrupted_event(request: RunRequest, ids: Ids, seconds: float) -> Event:
    """Return the end of a run that was cancelled *seconds* after its start."""
    return lifecycle_event(request, ids.timestamp(seconds), (), "interrupted")


def lifecycle_event(
    request: RunRequest,
    at: int,
    namespace: Namespace,
    status: str,
    error: str | None = None,
) -> Event:
    name = namespace[-1].partition(":")[0] if namespace else request.graph
    # The real server shows the error of a run only to the streams that are open when it fails. There, a run starts so late
    # that they are; here, a client may open them after a run has failed.
    shown_error = {} if error is None else {"error": error}
    params = build_params(namespace, at, {"event": status, "graph_name": name, **shown_error})
    identity = synthetic_id(request, "lc", "\0".join(namespace), status)
    return Event(identity, "lifecycle", params)


def build_params(namespace: Namespace, at: int, payload: Json) -> dict[str, Json]:
    return {"namespace": list(namespace), "timestamp": at, "data": payload}


def synthetic_id(request: RunRequest, *names: str) -> str:
    """Return the id of an event that the server makes itself: the same in every stream."""
    return f"synth:{request.run_id}:{'|'.join(names)}"
