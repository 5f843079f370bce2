"""Where in a run something happens, and the metadata the server sends for it. No I/O.

The keys and their order are those of langgraph-api 0.16.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mockserver.fake.graph.checkpoint_store import Namespace
from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json

API_VERSION = "0.16.7"
LANGGRAPH_VERSION = "1.2.22"
CORE_VERSION = "1.7.2"
"""The version of langchain-core."""

API_URL = "http://127.0.0.1:2024"
"""The default address of `langgraph dev`."""

HOST: dict[str, Json] = {
    "run_attempt": 1,
    "langgraph_version": LANGGRAPH_VERSION,
    "langgraph_api_version": API_VERSION,
    "langgraph_plan": "enterprise",
    "langgraph_host": "self-hosted",
    "langgraph_api_url": API_URL,
}
"""What the server adds about itself to the metadata of every run."""

MODEL = "ChatMockserver"

SUBGRAPH = "LangGraph"
"""The name of the subgraph in callbacks."""

PULL = "__pregel_pull"
"""The first part of the path of every task."""

_NODE_KEYS = (
    *("langgraph_step", "langgraph_node", "langgraph_triggers", "langgraph_path"),
    *("langgraph_checkpoint_ns", "checkpoint_ns", "checkpoint_id", "checkpoint_map"),
)
"""Keys that the metadata of a task never has, even if the request sets them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A graph in the run, or a node of it at one step.

    *namespace* holds the tasks of the outer graphs, as `node:task`; *run* is the id of its callback run, and *parents*
    are the ids of the callback runs around it.
    """

    run: str
    namespace: Namespace = ()
    parents: tuple[str, ...] = ()
    node: str = ""
    step: int = 0
    task: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict, compare=False)
    """What the call of the chat model adds to its metadata."""

    @property
    def path(self) -> Namespace:
        """The namespace of what runs inside this task."""
        return (*self.namespace, f"{self.node}:{self.task}")

    def within(self, run: str) -> "Scope":
        return replace(self, run=run, parents=(*self.parents, self.run))


def build_task_metadata(request: RunRequest) -> dict[str, Json]:
    """Return the metadata of a task for the modes `tasks` and `debug`."""
    metadata = _run_metadata(request) | _tags(request)
    return {name: value for name, value in metadata.items() if name not in _NODE_KEYS}


def _tags(request: RunRequest) -> dict[str, Json]:
    tags = request.config.get("tags")
    return {"tags": tags} if tags else {}


def _run_metadata(request: RunRequest) -> dict[str, Json]:
    return {
        **request.metadata,
        **HOST,
        **(_model(request) if "events" in request.modes else {}),
        "run_id": request.run_id,
        "graph_id": request.metadata.get("graph_id", request.graph),
    }


def build_checkpoint_metadata(
    request: RunRequest,
    namespace: Namespace,
    outer_step: int,
    outer: Mapping[str, str],
    own_keys: Mapping[str, Json],
) -> dict[str, Json]:
    """Return the metadata of a saved checkpoint of the graph at *namespace*: that of the run, and *own_keys*.

    *outer_step* is the step of the task that runs a subgraph, and *outer* holds the enclosing checkpoints.
    """
    configurable = request.config.get("configurable", {})
    shown = {name: value for name, value in configurable.items() if _is_shown(name)}
    inside: dict[str, Json] = {}
    if namespace:
        node, _, task = namespace[-1].partition(":")
        around = Scope("", namespace[:-1], (), node, outer_step, task)
        shown["checkpoint_map"] = dict(outer)
        inside = _node_keys(around) | {"checkpoint_ns": "|".join(namespace)}
    return {
        **shown,
        **request.metadata,
        **HOST,
        "thread_id": request.thread_id,
        "run_id": request.run_id,
        **inside,
        **own_keys,
        "langgraph_auth_user_id": configurable.get("langgraph_auth_user_id", ""),
        "langgraph_request_id": configurable.get("langgraph_request_id", ""),
    }


def _is_shown(name: str) -> bool:
    own = ("run_id", "thread_id", "checkpoint_ns", "checkpoint_map", "langgraph_request_id")
    return not name.startswith(("__", "langgraph_auth_")) and name not in own


def _model(request: RunRequest) -> dict[str, Json]:
    """Return the model that the request names; the server places it differently if the mode `events` is not requested."""
    model = request.config.get("configurable", {}).get("model")
    return {"model": model} if isinstance(model, str) else {}


def build_graph_metadata(request: RunRequest) -> dict[str, Json]:
    return _run_metadata(request) | {"thread_id": request.thread_id, "ls_integration": "langgraph"}


def build_node_metadata(request: RunRequest, scope: Scope) -> dict[str, Json]:
    inside = {"checkpoint_ns": "|".join(scope.namespace)} if scope.namespace else {}
    return build_graph_metadata(request) | _node_keys(scope) | inside


def _node_keys(scope: Scope) -> dict[str, Json]:
    return {
        "langgraph_step": scope.step,
        "langgraph_node": scope.node,
        "langgraph_triggers": [f"branch:to:{scope.node}"],
        "langgraph_path": [PULL, scope.node],
        "langgraph_checkpoint_ns": "|".join(scope.path),
    }


def build_inner_metadata(request: RunRequest, scope: Scope) -> dict[str, Json]:
    """Return the metadata of a callback inside a node: of a tool or the subgraph."""
    namespace = scope.namespace or scope.path
    return build_node_metadata(request, scope) | {"checkpoint_ns": "|".join(namespace)}


def build_message_metadata(request: RunRequest, scope: Scope) -> dict[str, Json]:
    """Return the metadata of a streamed message of the chat model."""
    return build_model_metadata(request, scope) | _tags(request)


def build_model_metadata(request: RunRequest, scope: Scope) -> dict[str, Json]:
    """Return the metadata of a callback of the chat model."""
    metadata = build_inner_metadata(request, scope)
    namespace = metadata.pop("checkpoint_ns")
    if scope.metadata:
        namespace = "|".join(scope.path)
        before = {"checkpoint_ns": namespace} if scope.namespace else {}
        metadata |= before | dict(scope.metadata)
    if "events" not in request.modes:
        metadata |= _model(request)
    return metadata | {
        "checkpoint_ns": namespace,
        "ls_integration": "langchain_chat_model",
        "ls_provider": "mockserver",
        "ls_model_type": "chat",
        "lc_versions": {"langchain-core": CORE_VERSION},
    }
