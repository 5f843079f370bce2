"""The events of a run that no command has started, as the event streams of its thread show them. No I/O.

Source: langgraph-api 0.16.7, `event_streaming/session`: it converts the events of the stream modes that the run has.
"""

from collections.abc import Iterator

from mockserver.fake.graph.event_log import Event
from mockserver.fake.graph.stream_events import build_params, lifecycle_event, synthetic_id
from mockserver.fake.ids import Ids
from mockserver.fake.json_format import JsonText
from mockserver.fake.messages.protocol_state import protocol_state
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json
from mockserver.thread_log.event import Event as StreamEvent

Namespace = tuple[str, ...]
Timed = tuple[float, StreamEvent]


class RestEvents:
    """Converts the events of *request*, a run whose events are those of the stream modes."""

    def __init__(self, request: RunRequest, ids: Ids) -> None:
        self._request = request
        self._ids = ids
        self._at = 0.0
        self._count = 0
        self._interrupts: set[str] = set()
        self._open_namespaces: list[Namespace] = []
        self._has_ended = False

    def convert(self, events: tuple[Event, ...], end: float) -> tuple[Timed, ...]:
        """Return what *events* are on event streams, with their times; the run takes until *end*."""
        converted = [(0.0, self._lifecycle((), "running"))]
        for event in events:
            self._at = event.at
            converted += [(event.at, one) for one in self._convert(event)]
        self._at = end
        converted += [(end, one) for one in self._complete()]
        return tuple(converted)

    def _convert(self, event: Event) -> Iterator[StreamEvent]:
        mode, *parts = event.name.split("|")
        namespace, value = tuple(parts), event.value
        if mode == "error" and isinstance(value, dict):
            self._has_ended = True
            yield self._lifecycle((), "failed", value["message"])
            return
        if isinstance(value, JsonText) or mode not in ("values", "updates", "custom", "tasks"):
            return
        if namespace and namespace not in self._open_namespaces:
            self._open_namespaces.append(namespace)
        match mode, value:
            case "values", dict():
                yield from self._request_input(namespace, value.get("__interrupt__"))
                state = {name: part for name, part in value.items() if name != "__interrupt__"}
                yield from self._send_state("values", namespace, state)
            case "updates", {"__interrupt__": interrupts}:
                yield from self._request_input(namespace, interrupts)
            case "updates", dict() if len(value) == 1:
                [(node, update)] = value.items()
                state = update if isinstance(update, dict) else {"value": update}
                yield from self._send_state("updates", namespace, state, node)
                yield from self._complete_child(namespace, node)
            case "updates", _:
                yield from self._send_state("updates", namespace, value)
            case "custom", _:
                yield self._event("custom", namespace, {"payload": value})
            case _:
                yield self._event(mode, namespace, value)

    def _send_state(
        self, method: str, namespace: Namespace, state: Json, node: str | None = None
    ) -> Iterator[StreamEvent]:
        if state != {}:
            more = {} if node is None else {"node": node}
            yield self._event(method, namespace, protocol_state(state), **more)

    def _request_input(self, namespace: Namespace, interrupts: Json) -> Iterator[StreamEvent]:
        """Yield the new ones of *interrupts*, and the end of the run that follows them."""
        new = [one for one in interrupts or () if one["id"] not in self._interrupts]
        for interrupt in new:
            self._interrupts.add(interrupt["id"])
            request = {"interrupt_id": interrupt["id"], "payload": interrupt["value"]}
            params = build_params(namespace, self._ids.timestamp(self._at), request)
            names = ("input", "\0".join(namespace), interrupt["id"])
            yield StreamEvent(synthetic_id(self._request, *names), "input.requested", params)
        if new:
            self._has_ended = True
            yield self._lifecycle((), "interrupted")

    def _complete_child(self, namespace: Namespace, node: str) -> Iterator[StreamEvent]:
        """Yield the end of the oldest graph that *node* ran, if it ran one."""
        for child in self._open_namespaces:
            if child[:-1] == namespace and child[-1].partition(":")[0] == node:
                self._open_namespaces.remove(child)
                yield self._lifecycle(child, "completed")
                return

    def _complete(self) -> Iterator[StreamEvent]:
        """Yield the ends of the graphs that are still open, the innermost first, and of the run."""
        if not self._has_ended:
            for namespace in sorted(self._open_namespaces, key=len, reverse=True):
                yield self._lifecycle(namespace, "completed")
            yield self._lifecycle((), "completed")

    def _lifecycle(
        self, namespace: Namespace, status: str, error: str | None = None
    ) -> StreamEvent:
        at = self._ids.timestamp(self._at)
        return lifecycle_event(self._request, at, namespace, status, error)

    def _event(self, method: str, namespace: Namespace, payload: Json, **more: Json) -> StreamEvent:
        self._count += 1
        identity = f"{self._ids.stream_milliseconds(self._at)}-{self._count}"
        params = build_params(namespace, self._ids.timestamp(self._at), payload)
        return StreamEvent(identity, method, {**params, **more})
