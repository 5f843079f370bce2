"""Where in a run something happens, and how the server says so. No I/O.

Source of the keys and their order: the events of a langgraph-api 0.16.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mockserver.fake.run_request import RunRequest
from mockserver.formats.json_text import Json

API_VERSION = "0.16.7"
LANGGRAPH_VERSION = "1.2.22"
CORE_VERSION = "1.7.2"
"""Of langchain-core."""

API_URL = "http://127.0.0.1:2024"
"""Where `langgraph dev` says it runs; a real one names itself."""

HOST: dict[str, Json] = {
    "run_attempt": 1,
    "langgraph_version": LANGGRAPH_VERSION,
    "langgraph_api_version": API_VERSION,
    "langgraph_plan": "enterprise",
    "langgraph_host": "self-hosted",
    "langgraph_api_url": API_URL,
}
"""What the server says of itself in the metadata of every run."""

MODEL = "ChatMockserver"

START, AGENT, TOOLS, RESEARCHER, END = "__start__", "agent", "tools", "researcher", "__end__"
"""The nodes of the graph; the researcher is a graph itself."""

PULL = "__pregel_pull"
"""How the path of every task begins."""

_OF_NODES = (
    *("langgraph_step", "langgraph_node", "langgraph_triggers", "langgraph_path"),
    *("langgraph_checkpoint_ns", "checkpoint_ns", "checkpoint_id", "checkpoint_map"),
)
"""What the metadata of a task never says, even where the request does."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A graph within the run, or a node of it at one step.

    *namespace* are the tasks of the outer graphs that lead here, as `node:task`; *parents* the ids of the callback runs
    around this one, *run*.
    """

    run: str
    namespace: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    node: str = ""
    step: int = 0
    task: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """The namespace of what happens within this task."""
        return (*self.namespace, f"{self.node}:{self.task}")

    def within(self, run: str) -> "Scope":
        """Return the place of the callback *run* within this one's."""
        return replace(self, run=run, parents=(*self.parents, self.run))


def task_metadata(request: RunRequest) -> dict[str, Json]:
    """Return the metadata of a task, as in the modes `tasks` and `debug`."""
    metadata = _run_metadata(request) | _tags(request)
    return {name: value for name, value in metadata.items() if name not in _OF_NODES}


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


def checkpoint_metadata(
    request: RunRequest, around: Scope | None, outer: Mapping[str, str], told: Mapping[str, Json]
) -> dict[str, Json]:
    """Return the metadata of a checkpoint that is kept: of the run, and what was *told* of it.

    *around* is the task that plays the graph, None for the whole graph; *outer* are the checkpoints around it.
    """
    configurable = request.config.get("configurable", {})
    kept = {name: value for name, value in configurable.items() if _is_told(name)}
    inside: dict[str, Json] = {}
    if around is not None:
        kept["checkpoint_map"] = dict(outer)
        inside = _of_node(around) | {"checkpoint_ns": "|".join(around.path)}
    return {
        **kept,
        **request.metadata,
        **HOST,
        "thread_id": request.thread_id,
        "run_id": request.run_id,
        **inside,
        **told,
        "langgraph_auth_user_id": configurable.get("langgraph_auth_user_id", ""),
        "langgraph_request_id": configurable.get("langgraph_request_id", ""),
    }


def _is_told(name: str) -> bool:
    own = ("run_id", "thread_id", "checkpoint_ns", "checkpoint_map", "langgraph_request_id")
    return not name.startswith(("__", "langgraph_auth_")) and name not in own


def _model(request: RunRequest) -> dict[str, Json]:
    """Return the model that the request names; the server tells of it in other places where nobody asks for `events`."""
    model = request.config.get("configurable", {}).get("model")
    return {"model": model} if isinstance(model, str) else {}


def graph_metadata(request: RunRequest) -> dict[str, Json]:
    """Return the metadata of a callback of the whole graph."""
    return _run_metadata(request) | {"thread_id": request.thread_id, "ls_integration": "langgraph"}


def node_metadata(request: RunRequest, scope: Scope) -> dict[str, Json]:
    """Return the metadata of a callback of a node."""
    inside = {"checkpoint_ns": "|".join(scope.namespace)} if scope.namespace else {}
    return graph_metadata(request) | _of_node(scope) | inside


def _of_node(scope: Scope) -> dict[str, Json]:
    return {
        "langgraph_step": scope.step,
        "langgraph_node": scope.node,
        "langgraph_triggers": [f"branch:to:{scope.node}"],
        "langgraph_path": [PULL, scope.node],
        "langgraph_checkpoint_ns": "|".join(scope.path),
    }


def inner_metadata(request: RunRequest, scope: Scope) -> dict[str, Json]:
    """Return the metadata of what runs within a node: a tool, or a graph."""
    namespace = scope.namespace or scope.path
    return node_metadata(request, scope) | {"checkpoint_ns": "|".join(namespace)}


def message_metadata(request: RunRequest, scope: Scope) -> dict[str, Json]:
    """Return the metadata of a message that the chat model streams."""
    return model_metadata(request, scope) | _tags(request)


def model_metadata(request: RunRequest, scope: Scope) -> dict[str, Json]:
    """Return the metadata of a callback of the chat model."""
    metadata = inner_metadata(request, scope)
    if "events" not in request.modes:
        namespace = metadata.pop("checkpoint_ns")
        metadata |= _model(request) | {"checkpoint_ns": namespace}
    return metadata | {
        "ls_integration": "langchain_chat_model",
        "ls_provider": "mockserver",
        "ls_model_type": "chat",
        "lc_versions": {"langchain-core": CORE_VERSION},
    }
