"""The stream mode `events`: LangChain's callbacks as the server sends them. No I/O."""

from collections.abc import Callable, Sequence

from mockserver.fake.graph.metadata import (
    MODEL,
    Scope,
    graph_metadata,
    inner_metadata,
    message_metadata,
    model_metadata,
    node_metadata,
)
from mockserver.fake.graph.stream_modes import MESSAGES, Emit
from mockserver.fake.messages.model import Message
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json

ROUTE = "should_continue"
"""The name of the function that selects the next node."""

INNER = "LangGraph"

Metadata = Callable[[RunRequest, Scope], dict[str, Json]]
"""Builds the metadata of a scope; called only if the mode `events` is requested, because it is slow."""

_STARTED = ("event", "data", "name", "tags", "run_id", "metadata", "parent_ids")
_STREAMED = ("event", "run_id", "name", "tags", "metadata", "data", "parent_ids")
_ENDED = ("event", "data", "run_id", "name", "tags", "metadata", "parent_ids")
"""The order of keys: in start events, in the stream event of a node, and in all others."""


class Callbacks:
    """Emits callback events if the *request* has the mode `events`."""

    def __init__(self, request: RunRequest, emit: Emit) -> None:
        self._request = request
        self._emit = emit
        self._is_enabled = "events" in request.modes
        self._streams = any(mode in request.modes for mode in MESSAGES)
        self._name = request.config.get("run_name", request.graph)
        self._tags: list[Json] = list(request.config.get("tags") or [])

    def graph_start(self, scope: Scope, value: Json) -> None:
        """Emit the start of the graph with its raw input *value*."""
        self._graph("on_chain_start", scope, {"input": value})

    def graph_end(self, scope: Scope, state: Json) -> None:
        """Emit the end of the graph in *state*."""
        self._graph("on_chain_end", scope, {"output": state})

    def inner_start(self, scope: Scope, state: Json) -> None:
        """Emit the start of the subgraph."""
        self._inner("on_chain_start", scope, INNER, {"input": state})

    def inner_end(self, scope: Scope, state: Json, output: Json) -> None:
        """Emit the end of the subgraph."""
        self._inner("on_chain_end", scope, INNER, {"output": output, "input": state})

    def node_start(self, scope: Scope, state: Json) -> None:
        """Emit the start of a node."""
        self._node("on_chain_start", scope, {"input": state})

    def node_end(self, scope: Scope, state: Json, update: Json) -> None:
        """Emit the end of a node with its *update*."""
        self._node("on_chain_stream", scope, {"chunk": update})
        self._node("on_chain_end", scope, {"output": update, "input": state})

    def route(self, scope: Scope, state: Json, chosen: str) -> None:
        """Emit the selection of the next node, *chosen*."""
        tags, said = ["seq:step:3"], {"output": chosen, "input": state}
        self._send("on_chain_start", scope, ROUTE, tags, node_metadata, {"input": state})
        self._send("on_chain_end", scope, ROUTE, tags, node_metadata, said)

    def model_start(self, scope: Scope, messages: Sequence[Message]) -> None:
        """Emit the start of a chat model call."""
        self._model("on_chat_model_start", scope, {"input": {"messages": [list(messages)]}})

    def model_stream(self, scope: Scope, chunk: Message) -> None:
        """Emit a *chunk* of the chat model."""
        self._model("on_chat_model_stream", scope, {"chunk": chunk})

    def model_end(self, scope: Scope, messages: Sequence[Message], message: Message) -> None:
        """Emit the *message* of the chat model."""
        said = {"output": message, "input": {"messages": [list(messages)]}}
        self._model("on_chat_model_end", scope, said)

    def tool(self, event: str, scope: Scope, name: str, said: Json) -> None:
        """Emit the *event* of the tool *name*: start, end or error."""
        self._inner(event, scope, name, said)

    def _graph(self, event: str, scope: Scope, said: Json) -> None:
        self._send(event, scope, self._name, [], lambda request, _: graph_metadata(request), said)

    def _node(self, event: str, scope: Scope, said: Json) -> None:
        self._send(event, scope, scope.node, [f"graph:step:{scope.step}"], node_metadata, said)

    def _inner(self, event: str, scope: Scope, name: str, said: Json) -> None:
        self._send(event, scope, name, ["seq:step:1"], inner_metadata, said)

    def _model(self, event: str, scope: Scope, said: Json) -> None:
        # If the server also streams the message, the tags are in the metadata that both share.
        shown = self._streams and (self._request.subgraphs or not scope.namespace)
        metadata = message_metadata if shown else model_metadata
        self._send(event, scope, MODEL, ["seq:step:1"], metadata, said)

    def _send(
        self, event: str, scope: Scope, name: str, tags: list[str], metadata: Metadata, said: Json
    ) -> None:
        if not self._is_enabled:
            return
        event_data = {
            "event": event,
            "data": said,
            "name": name,
            "tags": [*tags, *self._tags],
            "run_id": scope.run,
            "metadata": metadata(self._request, scope),
            "parent_ids": list(scope.parents),
        }
        self._emit("events", {key: event_data[key] for key in _order(event)})


def _order(event: str) -> tuple[str, ...]:
    if event == "on_chain_stream":
        return _STREAMED
    return _STARTED if event.endswith("_start") else _ENDED
