from typing import Any

import pytest

from mockserver.fake.graph.metadata import (
    Scope,
    build_graph_metadata,
    build_inner_metadata,
    build_message_metadata,
    build_model_metadata,
    build_node_metadata,
    build_task_metadata,
)
from tests.fake.plays import run_request

REQUEST = run_request(metadata={"m": 1, "run_id": "mine"}, config={"tags": ["t"]})
OUTER = Scope("R", (), ("P",), "agent", 2, "T")
WITHIN = Scope("R", ("researcher:X",), ("P",), "agent", 2, "T")

RUN = {
    "m": 1,
    "run_id": "RUN",
    "run_attempt": 1,
    "langgraph_version": "1.2.22",
    "langgraph_api_version": "0.16.7",
    "langgraph_plan": "enterprise",
    "langgraph_host": "self-hosted",
    "langgraph_api_url": "http://127.0.0.1:2024",
    "graph_id": "chat",
}
GRAPH = {**RUN, "thread_id": "THREAD", "ls_integration": "langgraph"}
NODE = {
    **GRAPH,
    "langgraph_step": 2,
    "langgraph_node": "agent",
    "langgraph_triggers": ["branch:to:agent"],
    "langgraph_path": ["__pregel_pull", "agent"],
    "langgraph_checkpoint_ns": "agent:T",
}
MODEL = {
    **NODE,
    "ls_integration": "langchain_chat_model",
    "checkpoint_ns": "agent:T",
    "ls_provider": "mockserver",
    "ls_model_type": "chat",
    "lc_versions": {"langchain-core": "1.7.2"},
}
WITHIN_NODE = {
    **NODE,
    "langgraph_checkpoint_ns": "researcher:X|agent:T",
    "checkpoint_ns": "researcher:X",
}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        pytest.param(build_task_metadata(REQUEST), {**RUN, "tags": ["t"]}, id="a task"),
        pytest.param(
            build_task_metadata(run_request(metadata={"m": 1})), RUN, id="a task without tags"
        ),
        pytest.param(build_graph_metadata(REQUEST), GRAPH, id="the graph"),
        pytest.param(build_node_metadata(REQUEST, OUTER), NODE, id="a node"),
        pytest.param(build_node_metadata(REQUEST, WITHIN), WITHIN_NODE, id="a node within"),
        pytest.param(
            build_inner_metadata(REQUEST, OUTER), {**NODE, "checkpoint_ns": "agent:T"}, id="a tool"
        ),
        pytest.param(build_inner_metadata(REQUEST, WITHIN), WITHIN_NODE, id="a tool within"),
        pytest.param(build_model_metadata(REQUEST, OUTER), MODEL, id="the model"),
        pytest.param(
            build_message_metadata(REQUEST, OUTER), {**MODEL, "tags": ["t"]}, id="a message"
        ),
    ],
)
def test_metadata_say_where_it_happens(metadata: dict[str, Any], said: dict[str, Any]) -> None:
    assert metadata == said


def test_the_keys_stand_in_the_server_s_order() -> None:
    assert list(build_message_metadata(REQUEST, WITHIN)) == [
        *("m", "run_id", "run_attempt", "langgraph_version", "langgraph_api_version"),
        *("langgraph_plan", "langgraph_host", "langgraph_api_url", "graph_id", "thread_id"),
        *("ls_integration", "langgraph_step", "langgraph_node", "langgraph_triggers"),
        *("langgraph_path", "langgraph_checkpoint_ns", "checkpoint_ns", "ls_provider"),
        *("ls_model_type", "lc_versions", "tags"),
    ]


def test_a_place_leads_further_in() -> None:
    assert OUTER.path == ("agent:T",)
    assert WITHIN.path == ("researcher:X", "agent:T")
    assert OUTER.within("S") == Scope("S", (), ("P", "R"), "agent", 2, "T")
