"""The events of a run as the event streams of its thread show them. No I/O.

Source: langgraph-api 0.16.7, `event_streaming/session`. For a run that a command has started, it sends the events of a graph with the
stream transformers of `create_agent`: nothing on the channels `updates`, `tasks`, `checkpoints` and `custom`. For any other
run, it converts the events of the stream modes that the run has.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from mockserver.fake.graph.checkpoint_store import Namespace
from mockserver.fake.graph.content_blocks import tool_message_events
from mockserver.fake.graph.event_log import EventLog, LoggedEvent
from mockserver.fake.graph.metadata import Scope
from mockserver.fake.graph.stream_modes import StreamModes
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.messages.message_json import Message
from mockserver.fake.messages.protocol_state import to_protocol_state
from mockserver.fake.run_request import RunRequest
from mockserver.fake.server_json import JsonText
from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.formats.json_text import Json

END_SECONDS = 0.1
"""How long before the end of a run nothing else comes, at any pace: the Python SDK reads the end on another connection than the rest,
and ignores what it has not read by then."""

_CONVERTED = ("values", "updates", "custom", "tasks", "error")
"""The stream modes whose events event streams show, and the error of a run."""


class EventFactory:
    """Creates the events of the run *request*; *now* returns the seconds since its start."""

    def __init__(self, request: RunRequest, ids: IdGenerator, now: Callable[[], float]) -> None:
        self._request = request
        self._ids = ids
        self._now = now
        self._count = 0
        self._interrupts: set[str] = set()

    def create(self, method: str, namespace: Namespace, payload: Json, **more: Json) -> ThreadEvent:
        self._count += 1
        identity = f"{self._ids.stream_milliseconds(self._now())}-{self._count}"
        return self._create(identity, method, namespace, payload, **more)

    def lifecycle(self, namespace: Namespace, status: str, error: str | None = None) -> ThreadEvent:
        name = namespace[-1].partition(":")[0] if namespace else self._request.graph
        # The real server shows the error of a run only to the streams that are open when it fails. There, a run starts so late
        # that they are; here, a client may open them after a run has failed.
        shown_error = {} if error is None else {"error": error}
        payload = {"event": status, "graph_name": name, **shown_error}
        identity = self._synthetic_id("lc", "\0".join(namespace), status)
        return self._create(identity, "lifecycle", namespace, payload)

    def request_input(self, namespace: Namespace, interrupts: Sequence[Json]) -> list[ThreadEvent]:
        """Return the events of those of *interrupts* that are new."""
        new = [one for one in interrupts if one["id"] not in self._interrupts]
        self._interrupts.update(one["id"] for one in new)
        return [
            self._create(
                self._synthetic_id("input", "\0".join(namespace), one["id"]),
                "input.requested",
                namespace,
                {"interrupt_id": one["id"], "payload": one["value"]},
            )
            for one in new
        ]

    def _synthetic_id(self, *names: str) -> str:
        """Return the id of an event that the server makes itself: the same in every stream."""
        return f"synth:{self._request.run_id}:{'|'.join(names)}"

    def _create(
        self, identity: str, method: str, namespace: Namespace, payload: Json, **more: Json
    ) -> ThreadEvent:
        at = self._ids.timestamp(self._now())
        params = {"namespace": list(namespace), "timestamp": at, "data": payload, **more}
        return ThreadEvent(identity, method, params)


def interrupted_event(request: RunRequest, ids: IdGenerator, seconds: float) -> ThreadEvent:
    """Return the end of a run that was cancelled *seconds* after its start."""
    return EventFactory(request, ids, lambda: seconds).lifecycle((), "interrupted")


class StreamEvents(StreamModes):
    """Logs the events for event streams of a run that a command has started, and its error for other streams too."""

    def __init__(self, request: RunRequest, ids: IdGenerator, log: EventLog) -> None:
        super().__init__(request, ids, log)
        self.streams_blocks = self.sends_updates_early = True
        self.streams_tokens = False
        self._events = EventFactory(request, ids, lambda: log.now)
        self._open_subgraphs: set[Namespace] = set()
        self._has_ended = False
        self._log.stream(self._events.lifecycle((), "running"))

    def send_block(self, namespace: Namespace, event: dict[str, Json]) -> None:
        """Emit an *event* of a message of the chat model."""
        self._log.stream(self._events.create("messages", namespace, event))

    def send_tool_start(self, scope: Scope, call: Json) -> None:
        """Emit the start of the tool that *call* calls."""
        started = {"event": "tool-started", "tool_call_id": call["id"], "tool_name": call["name"]}
        payload = {**started, "input": call["args"]}
        self._log.stream(self._events.create("tools", scope.namespace, payload))

    def send_tool_end(self, scope: Scope, message: Message) -> None:
        """Emit the end of a tool with its *message*, and the message in a namespace of its own."""
        call = message["tool_call_id"]
        finished = {"event": "tool-finished", "tool_call_id": call, "output": dict(message)}
        self._log.stream(self._events.create("tools", scope.namespace, finished))
        for event in tool_message_events(message):
            self.send_block((*scope.namespace, f"tools:{call}"), event)

    def send(self, mode: str, namespace: Namespace, value: Json) -> None:
        """Emit the state if *mode* is `values`, nothing for the other stream modes; the first state of a subgraph also announces it."""
        if mode != "values":
            return
        if value:
            self._log.stream(self._events.create("values", namespace, to_protocol_state(value)))
        if namespace and namespace not in self._open_subgraphs:
            self._open_subgraphs.add(namespace)
            name, _, task = namespace[-1].partition(":")
            announcement = {"event": "started", "namespace": list(namespace), "graph_name": name}
            payload = {**announcement, "trigger_call_id": task}
            self._log.stream(self._events.create("lifecycle", namespace, payload))

    def send_interrupts(
        self, namespace: Namespace, state: Json, interrupts: Sequence[Json]
    ) -> None:
        """Emit those of *interrupts* that are new, and the state in which the graph waits."""
        if events := self._events.request_input(namespace, interrupts):
            self._log.pause(END_SECONDS)
            for event in events:
                self._log.stream(event)
            self._end("interrupted")
        self.send("values", namespace, state)

    def send_result(
        self, scope: Scope, update: Json, *, error: Json = None, interrupts: Sequence[Json] = ()
    ) -> None:
        """Emit the end of the subgraph that the task at *scope* ran, if it ran one."""
        if scope.path not in self._open_subgraphs:
            return
        self._open_subgraphs.remove(scope.path)
        if error is not None:
            self._log.stream(self._events.lifecycle(scope.path, "failed", error["message"]))
        else:
            status = "interrupted" if interrupts else "completed"
            self._log.stream(self._events.lifecycle(scope.path, status))

    def send_error(self, error: Json) -> None:
        """Emit the *error* that ended the run."""
        super().send_error(error)
        self._log.pause(END_SECONDS)
        self._end("failed", error["message"])

    def send_run_end(self) -> None:
        """Emit the end of the run, unless an interrupt or an error was its end."""
        if not self._has_ended:
            self._log.pause(END_SECONDS)
            self._end("completed")

    def send_message(self, scope: Scope, message: Message, metadata: Json) -> None:
        """Emit nothing: the server sends only the messages of the chat model, see `send_block`."""

    def _end(self, status: str, error: str | None = None) -> None:
        self._has_ended = True
        self._log.stream(self._events.lifecycle((), status, error))


class ModeEvents:
    """Converts the events of the stream modes of *request*, a run that no command has started."""

    def __init__(self, request: RunRequest, ids: IdGenerator) -> None:
        self._at = 0.0
        self._events = EventFactory(request, ids, lambda: self._at)
        self._open_subgraphs: list[Namespace] = []
        self._has_ended = False

    def convert(
        self, events: Sequence[LoggedEvent], end: float
    ) -> deque[tuple[float, ThreadEvent]]:
        """Return what *events* are on event streams, with their times; the run takes until *end*."""
        converted = deque([(0.0, self._events.lifecycle((), "running"))])
        for event in events:
            self._at = event.at
            converted += [(event.at, one) for one in self._convert(event)]
        self._at = end
        converted += [(end, one) for one in self._complete()]
        return converted

    def _convert(self, event: LoggedEvent) -> Iterator[ThreadEvent]:
        mode, *parts = event.name.split("|")
        namespace, value = tuple(parts), event.value
        if isinstance(value, JsonText) or mode not in _CONVERTED:
            return
        if namespace and namespace not in self._open_subgraphs:
            self._open_subgraphs.append(namespace)
        match mode, value:
            case "error", _:
                self._has_ended = True
                yield self._events.lifecycle((), "failed", value["message"])
            case "values", _:
                yield from self._request_input(namespace, value.get("__interrupt__", []))
                state = {name: part for name, part in value.items() if name != "__interrupt__"}
                if state:
                    yield self._events.create("values", namespace, to_protocol_state(state))
            case "updates", {"__interrupt__": interrupts}:
                yield from self._request_input(namespace, interrupts)
            case "updates", _:
                [(node, update)] = value.items()
                state = update if isinstance(update, dict) else {"value": update}
                if state:
                    shown = to_protocol_state(state)
                    yield self._events.create("updates", namespace, shown, node=node)
                yield from self._complete_child(namespace, node)
            case "custom", _:
                yield self._events.create("custom", namespace, {"payload": value})
            case _:
                yield self._events.create(mode, namespace, value)

    def _request_input(
        self, namespace: Namespace, interrupts: Sequence[Json]
    ) -> Iterator[ThreadEvent]:
        """Yield the events of the new ones of *interrupts*, and the end of the run that follows them."""
        if events := self._events.request_input(namespace, interrupts):
            yield from events
            self._has_ended = True
            yield self._events.lifecycle((), "interrupted")

    def _complete_child(self, namespace: Namespace, node: str) -> Iterator[ThreadEvent]:
        """Yield the end of the oldest graph that *node* ran, if it ran one."""
        for child in self._open_subgraphs:
            if child[:-1] == namespace and child[-1].partition(":")[0] == node:
                self._open_subgraphs.remove(child)
                yield self._events.lifecycle(child, "completed")
                return

    def _complete(self) -> Iterator[ThreadEvent]:
        """Yield the ends of the graphs that are still open, the innermost first, and of the run."""
        if not self._has_ended:
            for namespace in sorted(self._open_subgraphs, key=len, reverse=True):
                yield self._events.lifecycle(namespace, "completed")
            yield self._events.lifecycle((), "completed")
