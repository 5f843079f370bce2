"""Scripts for public graphs, a research graph, an email assistant and generative UI, as the Python SDK sees them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from tests.documents import blocks
from tests.processes import running
from tests.real.scenarios import said

RESEARCH = r"""
nodes:
  generate_query: web_research
  web_research: summarize
  summarize: reflect
  reflect: [web_research, finalize]
  finalize: publish
  publish:
state:
  topic: {default: ""}
  query: {default: ""}
  sources: {reducer: append}
  summary: {default: ""}
  loops: {default: 0}
rules:
- when: {input: {topic: '(?P<topic>.*moon)'}, config: {configurable: {depth: '[1-3]'}}}
  steps:
  - {node: generate_query, custom: {thinking: "{topic}"}}
  - {node: generate_query, update: {query: "{topic} distance"}}
  - {node: web_research, update: {sources: [{url: a}]}}
  - {node: summarize, update: {summary: About 380000 km.}}
  - {node: reflect, update: {loops: 1}}
  - {node: web_research, update: {sources: [{url: b}]}}
  - {node: summarize, update: {summary: "384,400 km."}}
  - {node: reflect, update: {loops: 2}}
  - {node: finalize, say: "The {topic}: 384,400 km."}
- when: {input: {topic: '.*'}}
  steps:
  - {node: generate_query, update: {query: unknown}}
"""

EMAIL = r"""
nodes:
  triage_router: [triage_interrupt, response_agent, __end__]
  triage_interrupt: [response_agent, __end__]
  response_agent:
subgraphs:
  response_agent:
    llm_call: [interrupt_handler, __end__]
    interrupt_handler: [llm_call, __end__]
state:
  messages:
  email_input:
  classification:
rules:
- when: {input: {email_input: {subject: '(?i)sale.*'}}}
  steps:
  - {node: triage_router, update: {classification: ignore}}
- when: {input: {email_input: {subject: 'FYI.*'}}}
  steps:
  - {node: triage_router, update: {classification: notify}}
  - {node: triage_interrupt, interrupt: {action: Respond?, allow: [ignore, respond]}}
  - {node: triage_interrupt, update: {classification: "{answer}"}}
- when: {input: {email_input: {subject: '(?P<subject>.*)', from: '(?P<from>.*)'}}}
  steps:
  - {node: triage_router, update: {classification: respond}}
  - node: response_agent
    delegate:
    - node: llm_call
      tools: interrupt_handler
      call: write_email
      args: {to: "{from}", subject: "Re: {subject}"}
      ask: {action: write_email, args: {to: "{from}"}}
      result: "The human said {answer}."
    - {node: llm_call, say: "Sent, since you said {answer}."}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scripts")


def serve(script: str, folder: Path) -> Iterator[SyncLangGraphClient]:
    path = folder / "script.yaml"
    path.write_text(script)
    with (
        running("serve", "--script", path, "--speed", "instant", folder=folder) as server,
        get_sync_client(url=server.url, api_key=None) as client,
    ):
        yield client


@pytest.fixture
def generative_ui(tmp_path: Path) -> Iterator[SyncLangGraphClient]:
    """The script of docs/fake.md."""
    [script] = (one.text for one in blocks("yaml") if one.text.startswith("state: {ui:"))
    yield from serve(script, tmp_path)


@pytest.fixture(scope="module")
def research(folder: Path) -> Iterator[SyncLangGraphClient]:
    yield from serve(RESEARCH, folder)


@pytest.fixture(scope="module")
def email(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncLangGraphClient]:
    yield from serve(EMAIL, tmp_path_factory.mktemp("email"))


MOON: dict[str, Any] = {
    "input": {"topic": "the moon"},
    "config": {"configurable": {"depth": 2}},
}
VISITED = [
    *("generate_query", "web_research", "summarize", "reflect"),
    *("web_research", "summarize", "reflect", "finalize", "publish"),
]


def test_a_research_graph_streams_its_state(research: SyncLangGraphClient) -> None:
    thread = research.threads.create()["thread_id"]
    modes: Any = ["values", "updates", "custom", "messages-tuple"]
    chunks = list(research.runs.stream(thread, "research", stream_mode=modes, **MOON))

    assert [next(iter(c.data)) for c in chunks if c.event == "updates"] == VISITED
    values = [chunk.data for chunk in chunks if chunk.event == "values"]
    assert values[0] == {"messages": [], "topic": "the moon", "sources": []}
    assert {name: values[-1][name] for name in ("query", "sources", "summary", "loops")} == {
        "query": "the moon distance",
        "sources": [{"url": "a"}, {"url": "b"}],
        "summary": "384,400 km.",
        "loops": 2,
    }
    assert [c.data for c in chunks if c.event == "custom"] == [{"thinking": "the moon"}]
    tokens = [chunk.data for chunk in chunks if chunk.event == "messages"]
    assert "".join(token["content"] for token, _ in tokens) == "The the moon: 384,400 km."
    assert {metadata["langgraph_node"] for _, metadata in tokens} == {"finalize"}


def test_a_research_graph_keeps_its_history(research: SyncLangGraphClient) -> None:
    thread = research.threads.create()["thread_id"]
    research.runs.wait(thread, "research", interrupt_before=["reflect"], **MOON)
    assert research.threads.get_state(thread)["next"] == ["reflect"]
    research.runs.wait(thread, "research", input=None)
    history = research.threads.get_history(thread, limit=50)

    nodes = [node for state in reversed(history) for node in state["next"]]
    assert nodes == ["__start__", *VISITED]


def test_each_topic_is_a_turn_of_its_own(research: SyncLangGraphClient) -> None:
    thread = research.threads.create()["thread_id"]
    research.runs.wait(thread, "research", **MOON)
    second: Any = research.runs.wait(thread, "research", input={"topic": "a star"})
    third: Any = research.runs.wait(thread, "research", **MOON)

    assert (second["query"], second["loops"]) == ("unknown", 2)
    assert [message["content"] for message in third["messages"]] == [
        "The the moon: 384,400 km."
    ] * 2
    assert len(third["sources"]) == 4


def test_the_research_graph_is_described(research: SyncLangGraphClient) -> None:
    graph: Any = research.assistants.get_graph("research")
    [assistant] = research.assistants.search(graph_id="research")
    schemas: Any = research.assistants.get_schemas(assistant["assistant_id"])

    assert [node["id"] for node in graph["nodes"]] == [
        "__start__",
        *VISITED[:4],
        "finalize",
        "publish",
        "__end__",
    ]
    assert [e["target"] for e in graph["edges"] if e.get("conditional")] == [
        "finalize",
        "web_research",
    ]
    properties = schemas["input_schema"]["properties"]
    assert list(properties) == ["messages", "topic", "query", "sources", "summary", "loops"]
    assert properties["loops"] == {"default": 0, "title": "Loops", "type": "integer"}


def test_an_email_is_ignored(email: SyncLangGraphClient) -> None:
    given = {"email_input": {"subject": "SALE today", "from": "shop"}}
    state: Any = email.runs.wait(None, "email", input=given)

    assert state == {"messages": [], **given, "classification": "ignore"}


def test_a_notice_asks_whether_to_respond(email: SyncLangGraphClient) -> None:
    thread = email.threads.create()["thread_id"]
    given = {"email_input": {"subject": "FYI: lunch", "from": "ann"}}
    email.runs.wait(thread, "email", input=given)
    waiting = email.threads.get_state(thread)
    answered: Any = email.runs.wait(thread, "email", command={"resume": "ignore"})

    assert waiting["next"] == ["triage_interrupt"]
    assert waiting["tasks"][0]["interrupts"][0]["value"]["action"] == "Respond?"
    assert answered["classification"] == "ignore"


def test_an_email_is_sent_after_approval(email: SyncLangGraphClient) -> None:
    thread = email.threads.create()["thread_id"]
    given = {"email_input": {"subject": "Lunch?", "from": "ann"}}
    modes: Any = ["updates", "messages-tuple"]
    asked = list(
        email.runs.stream(thread, "email", input=given, stream_mode=modes, stream_subgraphs=True)
    )
    state = email.threads.get_state(thread, subgraphs=True)
    sent = list(
        email.runs.stream(
            thread, "email", command={"resume": "yes"}, stream_mode=modes, stream_subgraphs=True
        )
    )

    [interrupt] = next(c.data["__interrupt__"] for c in asked if "__interrupt__" in c.data)
    assert interrupt["value"] == {"action": "write_email", "args": {"to": "ann"}}
    assert state["next"] == ["response_agent"]
    inner: Any = state["tasks"][0]["state"]
    assert inner["next"] == ["interrupt_handler"]
    updates = [chunk for chunk in sent if chunk.event.startswith("updates")]
    assert [next(iter(chunk.data)) for chunk in updates] == [
        "interrupt_handler",
        "llm_call",
        "response_agent",
    ]
    [reply] = updates[0].data["interrupt_handler"]["messages"]
    assert reply["content"] == "The human said yes."
    final: Any = email.threads.get_state(thread)["values"]
    assert [message["type"] for message in final["messages"]] == ["ai", "tool", "ai"]
    assert final["messages"][-1]["content"] == "Sent, since you said yes."
    assert final["classification"] == "respond"


def test_a_message_without_a_rule_visits_the_nodes_on_the_way(email: SyncLangGraphClient) -> None:
    chunks = list(email.runs.stream(None, "email", input=said("hi"), stream_mode="updates"))

    assert [chunk.data for chunk in chunks[1:]] == [{"triage_router": None}]


def test_the_component_of_a_message_is_sent_and_stays_in_the_state(
    generative_ui: SyncLangGraphClient,
) -> None:
    client = generative_ui
    modes: Any = ["values", "custom"]
    thread = client.threads.create()["thread_id"]
    given: Any = {"messages": [{"role": "human", "content": "weather"}]}
    chunks = [
        chunk
        for _ in range(2)
        for chunk in client.runs.stream(thread, "ui", input=given, stream_mode=modes)
    ]
    state: Any = client.threads.get_state(thread)["values"]

    identities = [message["id"] for message in state["messages"] if message["type"] == "ai"]
    sent = [chunk.data for chunk in chunks if chunk.event == "custom"]
    assert [component["metadata"]["message_id"] for component in sent] == identities
    assert len(set(identities)) == 2
    assert state["ui"] == sent
