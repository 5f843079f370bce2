"""The stream mode `events`: LangChain's callbacks as the server sends them. No I/O."""

from collections.abc import Callable

from mockserver.fake.graph.event_log import EventLog
from mockserver.fake.graph.metadata import (
    MODEL,
    Scope,
    build_graph_metadata,
    build_inner_metadata,
    build_message_metadata,
    build_model_metadata,
    build_node_metadata,
)
from mockserver.fake.graph.stream_modes import MESSAGES
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json

_ROUTE = "should_continue"
"""The name of the function that selects the next node."""

Metadata = Callable[[RunRequest, Scope], dict[str, Json]]
"""Builds the metadata of a scope; called only if the mode `events` is requested, because it is slow."""

_STARTED = ("event", "data", "name", "tags", "run_id", "metadata", "parent_ids")
_STREAMED = ("event", "run_id", "name", "tags", "metadata", "data", "parent_ids")
_ENDED = ("event", "data", "run_id", "name", "tags", "metadata", "parent_ids")
"""The order of keys: in start events, in the stream event of a node, and in all others."""


class Callbacks:
    """Logs callback events if the *request* has the mode `events`."""

    def __init__(self, request: RunRequest, log: EventLog) -> None:
        self._request = request
        self._log = log
        self._is_enabled = "events" in request.modes
        self._streams = any(mode in request.modes for mode in MESSAGES)
        self._name = request.config.get("run_name", request.graph)
        self._tags: list[Json] = list(request.config.get("tags") or [])

    def emit_graph(self, event: str, scope: Scope, data: Json) -> None:
        self._send(
            event, scope, self._name, [], lambda request, _: build_graph_metadata(request), data
        )

    def emit_node(self, event: str, scope: Scope, data: Json) -> None:
        self._send(
            event, scope, scope.node, [f"graph:step:{scope.step}"], build_node_metadata, data
        )

    def emit_inside_node(self, event: str, scope: Scope, name: str, data: Json) -> None:
        """Emit an *event* of the tool or subgraph *name* that a node runs."""
        self._send(event, scope, name, ["seq:step:1"], build_inner_metadata, data)

    def emit_route(self, scope: Scope, state: Json, chosen: str) -> None:
        tags, data = ["seq:step:3"], {"output": chosen, "input": state}
        self._send("on_chain_start", scope, _ROUTE, tags, build_node_metadata, {"input": state})
        self._send("on_chain_end", scope, _ROUTE, tags, build_node_metadata, data)

    def emit_model(self, event: str, scope: Scope, data: Json) -> None:
        # If the server also streams the message, the tags are in the metadata that both share.
        shown = self._streams and (self._request.subgraphs or not scope.namespace)
        metadata = build_message_metadata if shown else build_model_metadata
        self._send(event, scope, MODEL, ["seq:step:1"], metadata, data)

    def _send(
        self, event: str, scope: Scope, name: str, tags: list[str], metadata: Metadata, data: Json
    ) -> None:
        if not self._is_enabled:
            return
        event_data = {
            "event": event,
            "data": data,
            "name": name,
            "tags": [*tags, *self._tags],
            "run_id": scope.run,
            "metadata": metadata(self._request, scope),
            "parent_ids": list(scope.parents),
        }
        self._log.emit("events", {key: event_data[key] for key in _order(event)})


def _order(event: str) -> tuple[str, ...]:
    if event == "on_chain_stream":
        return _STREAMED
    return _STARTED if event.endswith("_start") else _ENDED
