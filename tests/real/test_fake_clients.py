"""Real clients with nothing but `mockserver serve`: no cassette, no key, no backend."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from langgraph_sdk import get_client, get_sync_client
from playwright.async_api import Browser

from tests.browser.chromium import settled
from tests.browser.pages import page_at
from tests.documents import ROOT
from tests.processes import running
from tests.real.clients import CLIENTS, Values, js
from tests.real.scenarios import AGENT, BAGATUR, HELLO, run, said
from tests.real.wire import Seen, send
from tests.recordings import threaded

if TYPE_CHECKING:
    from langgraph.pregel.remote import RemoteGraph

GREETING = (
    "Hello Bagatur! It is nice to meet you, and 26 is a fine age to talk to a fake graph. "
    "What would you like to see? Type `help` for a list."
)
PURPOSE = {"made": "by the Python SDK"}


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that has no cassettes."""
    with running("serve", "--speed", "instant", folder=tmp_path_factory.mktemp("empty")) as server:
        assert server.ready.endswith(", 0 exchanges in 0 cassettes\n")
        yield server.url


def python_more(url: str) -> Values:
    """Make with the Python SDK's client for programs without asyncio what `calls.mjs more` makes."""
    with get_sync_client(url=url, api_key=None) as client:
        [assistant] = client.assistants.search(graph_id="agent")
        identity = assistant["assistant_id"]
        made = client.threads.create(metadata=PURPOSE)
        return {
            "tuples": [
                {"event": chunk.event, "data": chunk.data}
                for chunk in client.runs.stream(
                    None, "agent", input=HELLO, stream_mode="messages-tuple"
                )
            ],
            "modes": [
                {"event": chunk.event, "data": chunk.data}
                for chunk in client.runs.stream(
                    None, "my-own-graph", input=HELLO, stream_mode=["updates", "messages-tuple", "values"]
                )
            ],
            "assistant": {
                "found": assistant,
                "got": client.assistants.get(identity),
                "graph": client.assistants.get_graph(identity),
                "schemas": client.assistants.get_schemas(identity),
            },
            "thread": {
                "made": made,
                "got": client.threads.get(made["thread_id"]),
                "found": client.threads.search(metadata=PURPOSE),
            },
        }  # fmt: skip


def js_more(sdk: str) -> Callable[[str], Values]:
    def make(url: str) -> Values:
        answers = js(sdk, url, "more")
        assert not [answer["error"] for answer in answers.values() if "error" in answer]
        return {call: answer["value"] for call, answer in answers.items()}

    return make


MORE = {"Python sync": python_more, "JS 1": js_more("sdk-1"), "JS 2": js_more("sdk-2")}


@pytest.fixture(scope="module", params=CLIENTS)
def values(request: pytest.FixtureRequest, fake: str) -> Values:
    """What each client gets of the documented calls."""
    return CLIENTS[request.param](fake)


@pytest.fixture(scope="module", params=MORE)
def more(request: pytest.FixtureRequest, fake: str) -> Values:
    """What each SDK gets of some more."""
    return MORE[request.param](fake)


class TestDocumentedCalls:
    """Each client gets of the fake what the documentation promises of a real server."""

    def test_the_stream_is_of_a_run_and_its_update(self, values: Values) -> None:
        (first, metadata, _), (second, update, _) = values["stream"]

        assert (first, metadata) == ("metadata", {"run_id": metadata["run_id"], "attempt": 1})
        assert UUID(metadata["run_id"]).version == 7
        assert second == "updates"
        assert [(m["type"], m["content"]) for m in update["agent"]["messages"]] == [
            ("ai", GREETING)
        ]

    def test_the_wait_is_for_the_conversation(self, values: Values) -> None:
        assert [(m["type"], m["content"]) for m in values["wait"]["messages"]] == [
            ("human", BAGATUR),
            ("ai", GREETING),
        ]

    def test_the_search_finds_the_assistant(self, values: Values) -> None:
        assert [(found["assistant_id"], found["graph_id"]) for found in values["search"]] == [
            (AGENT, "agent")
        ]

    def test_the_thread_is_idle(self, values: Values) -> None:
        assert (values["create"]["status"], values["create"]["values"]) == ("idle", None)


class TestMoreCalls:
    """What a chat page asks beside them."""

    def test_the_tokens_are_the_answer(self, more: Values) -> None:
        first, *chunks = more["tuples"]

        assert first["event"] == "metadata"
        assert {chunk["event"] for chunk in chunks} == {"messages"}
        assert "".join(chunk["data"][0]["content"] for chunk in chunks) == GREETING
        assert len({chunk["data"][0]["id"] for chunk in chunks}) == 1
        assert len(chunks) > 20

    def test_modes_come_mixed_from_a_graph_of_any_name(self, more: Values) -> None:
        events = [chunk["event"] for chunk in more["modes"]]

        assert events[:3] == ["metadata", "values", "messages"]
        assert events[-3:] == ["messages", "updates", "values"]
        assert more["modes"][-1]["data"]["messages"][-1]["content"] == GREETING
        assert more["modes"][2]["data"][1]["graph_id"] == "my-own-graph"

    def test_the_assistant_is_described(self, more: Values) -> None:
        seen = more["assistant"]

        assert seen["got"] == seen["found"]
        assert seen["got"]["assistant_id"] == AGENT
        nodes = [node["id"] for node in seen["graph"]["nodes"]]
        assert sorted(nodes) == ["__end__", "__start__", "agent", "researcher", "tools"]
        assert {"source": "tools", "target": "agent"} in seen["graph"]["edges"]
        assert seen["schemas"]["graph_id"] == "agent"
        assert "messages" in seen["schemas"]["input_schema"]["properties"]

    def test_the_thread_exists_afterwards(self, more: Values) -> None:
        seen = more["thread"]

        assert seen["got"] == seen["made"]
        assert seen["made"] in seen["found"]


async def test_the_python_sdk_streams_a_list_of_modes(fake: str) -> None:
    async with get_client(url=fake, api_key=None) as client:
        chunks = client.runs.stream(
            None, "agent", input=HELLO, stream_mode=["updates", "messages-tuple", "values"]
        )
        events = [chunk.event async for chunk in chunks]

    assert events[:3] == ["metadata", "values", "messages"]
    assert events[-3:] == ["messages", "updates", "values"]


@pytest.fixture
async def remote(fake: str) -> "AsyncIterator[RemoteGraph]":
    """A graph that LangGraph runs on the fake."""
    from langgraph.pregel.remote import RemoteGraph  # slow: only the worker with this test pays

    with get_sync_client(url=fake, api_key=None) as sync_client:
        async with get_client(url=fake, api_key=None) as client:
            yield RemoteGraph("agent", client=client, sync_client=sync_client)


class TestRemoteGraph:
    """Here a graph of LangGraph's own, in whose place the fake stands."""

    async def test_ainvoke(self, remote: "RemoteGraph") -> None:
        state = await remote.ainvoke(HELLO)

        assert state["messages"][-1]["content"] == GREETING

    async def test_invoke(self, remote: "RemoteGraph") -> None:
        state = remote.invoke(HELLO)

        assert state["messages"][-1]["content"] == GREETING

    async def test_astream_in_one_mode(self, remote: "RemoteGraph") -> None:
        parts = [part async for part in remote.astream(HELLO, stream_mode="updates")]

        assert [part["agent"]["messages"][0]["content"] for part in parts] == [GREETING]

    @pytest.mark.parametrize("modes", [["updates", "values"], ["messages", "custom", "updates"]])
    async def test_astream_in_several(self, remote: "RemoteGraph", modes: list[Any]) -> None:
        parts: list[Any] = [part async for part in remote.astream(HELLO, stream_mode=modes)]

        assert {part.event for part in parts} == set(modes) - {"custom"}
        assert parts[-1].event == modes[-1]

    async def test_stream_in_several(self, remote: "RemoteGraph") -> None:
        question = said("Show me your progress, please: custom events")
        modes: Any = ["messages", "custom", "updates"]
        parts: list[Any] = list(remote.stream(question, stream_mode=modes))

        custom = [part.data["progress"] for part in parts if part.event == "custom"]
        tokens = [part.data[0]["content"] for part in parts if part.event == "messages"]
        assert custom == [0, 40, 80, 100]
        assert "".join(tokens).startswith("Done. The stream mode `custom` showed")
        assert parts[-1].event == "updates"

    async def test_stream_within(self, remote: "RemoteGraph") -> None:
        question = said("Do some research")
        parts = list(remote.stream(question, stream_mode="updates", subgraphs=True))

        assert {namespace[0].split(":")[0] for namespace, _ in parts if namespace} == {"researcher"}

    async def test_an_interrupt_ends_the_stream(self, remote: "RemoteGraph") -> None:
        parts = list(remote.stream(said("Ask me something"), stream_mode="updates"))

        [interrupt] = parts[-1]["__interrupt__"]
        assert interrupt["value"] == {"question": "Tea or coffee?", "options": ["tea", "coffee"]}

    async def test_the_graph_can_be_drawn(self, remote: "RemoteGraph") -> None:
        assert "researcher" in remote.get_graph().nodes


class TestThreads:
    """Conversations that the fake keeps, as the SDKs have them."""

    async def test_the_python_sdk(self, fake: str) -> None:
        async with get_client(url=fake, api_key=None) as client:
            thread = (await client.threads.create(metadata=PURPOSE))["thread_id"]
            await client.runs.wait(thread, "agent", input=said("My name is Ada"))
            chunks = client.runs.stream(
                thread,
                "agent",
                input=said("Ask me something"),
                stream_mode=["updates", "messages-tuple"],
            )
            events = [chunk async for chunk in chunks]
            state: Any = await client.threads.get_state(thread)
            resumed: Any = await client.runs.wait(thread, "agent", command={"resume": "coffee"})
            history: Any = await client.threads.get_history(thread, limit=50)
            again: Any = await client.runs.wait(
                thread, "agent", input=said("Hi"), checkpoint=history[-1]["checkpoint"]
            )
            found = await client.threads.search(metadata=PURPOSE, status="idle")
            runs = await client.runs.list(thread)

        assert [
            name for name, value in Counter(chunk.event for chunk in events).items() if value
        ] == [
            "metadata",
            "messages",
            "updates",
        ]
        assert state["next"] == ["agent"]
        assert state["interrupts"][0]["value"]["question"] == "Tea or coffee?"
        assert resumed["messages"][-1]["content"] == "You said: coffee. A good choice!"
        assert [point["metadata"]["step"] for point in history] == list(
            range(len(history) - 2, -2, -1)
        )
        assert [message["type"] for message in again["messages"]] == ["human", "ai"]
        assert thread in [one["thread_id"] for one in found]
        assert {run["status"] for run in runs} == {"success"}

    def test_the_python_sdk_without_asyncio(self, fake: str) -> None:
        with get_sync_client(url=fake, api_key=None) as client:
            thread = client.threads.create()["thread_id"]
            run = client.runs.create(thread, "agent", input=said("What is the weather in Oslo?"))
            state: Any = client.runs.join(thread, run["run_id"])
            client.threads.update_state(thread, {"notes": ["seen"]})
            state_now: Any = client.threads.get_state(thread)
            client.store.put_item(["a", "b"], "k", {"n": 1})
            item: Any = client.store.get_item(["a", "b"], "k")
            client.threads.delete(thread)

        assert state_now["values"] == {**state, "notes": ["seen"]}
        assert item["value"] == {"n": 1}

    @pytest.mark.parametrize("sdk", ["sdk-1", "sdk-2"])
    def test_the_js_sdk(self, fake: str, sdk: str) -> None:
        answer = js(sdk, fake, "threads")["threads"]
        assert "error" not in answer, answer
        results = answer["value"]

        assert [event for event in results["events"] if event != "messages"] == [
            *("metadata", "values", "values", "values"),
        ]
        assert results["asked"] == ["Tea or coffee?"]
        assert results["resumed"]["messages"][-1]["content"] == "You said: tea. A good choice!"
        assert results["joined"] == ["metadata", "values", "values"]
        assert [m["type"] for m in results["state"]["values"]["messages"]] == [
            *("human", "ai", "ai", "human", "ai"),
        ]
        assert results["history"] == 7

    async def test_remote_graph(self, remote: "RemoteGraph") -> None:
        from langgraph.types import Command

        config: Any = {"configurable": {"thread_id": str(uuid4())}}
        first = await remote.ainvoke(said("Send a mail"), config)
        state = await remote.aget_state(config)
        second = await remote.ainvoke(Command(resume={"decisions": [{"type": "approve"}]}), config)
        history = [point async for point in remote.aget_state_history(config, limit=20)]
        place = await remote.aupdate_state(config, {"notes": ["n"]})
        branch: Any = {"configurable": {**history[-1].config["configurable"]}}
        old = await remote.aget_state(branch)

        assert first["messages"][-1]["tool_calls"][0]["name"] == "send_mail"
        assert state.next == ("tools",)
        assert state.tasks[0].interrupts[0].value["action_requests"][0]["name"] == "send_mail"
        assert second["messages"][-1]["content"].startswith(
            "Done. The tool message shows your decision."
        )
        assert len(history) >= 4
        assert (await remote.aget_state(config)).values["notes"] == ["n"]
        assert place["configurable"]["thread_id"] == config["configurable"]["thread_id"]
        assert old.metadata is not None
        assert old.metadata["step"] == -1

    async def test_where_a_recording_ends_the_fake_goes_on(self, tmp_path: Path) -> None:
        cassettes = ROOT / "cassettes"
        with running("serve", cassettes, "--speed", "instant", folder=tmp_path) as server:
            async with get_client(url=server.url, api_key=None) as client:
                thread = str(uuid4())
                await threaded(client, thread)
                resumed: Any = await client.runs.wait(
                    thread, "agent", input=said("Which turn is this?")
                )
                made = (await client.threads.create())["thread_id"]
                fresh: Any = await client.runs.wait(
                    made, "agent", input=said("Which turn is this?")
                )

        assert resumed["messages"][2]["content"] == "The human decided: send"
        assert "**turn 3**" in resumed["messages"][-1]["content"]
        assert "**turn 1**" in fresh["messages"][-1]["content"]


def test_a_name_that_was_not_declared_is_refused_as_by_the_real_server(
    tmp_path: Path, agent_server: str
) -> None:
    declared = [word for name in ("one", "two") for word in ("--graph", name)]
    with running("serve", *declared, folder=tmp_path) as server:
        fake = refusal(server.url)
        with get_sync_client(url=server.url, api_key=None) as client:
            assert client.runs.wait(None, "two", input=HELLO)
            names = sorted(found["graph_id"] for found in client.assistants.search())

    real = refusal(agent_server)
    assert names == ["one", "two"]
    assert (fake.status, fake.header("content-type")) == (real.status, real.header("content-type"))
    assert list(json.loads(fake.raw)) == list(json.loads(real.raw)) == ["detail"]
    assert json.loads(fake.raw)["detail"].endswith("the graphs: one, two")


def refusal(url: str) -> Seen:
    """Return what the server at *url* says to a run of a graph that it does not have."""
    return send(url, run("wait", "nope", HELLO))


@pytest.mark.asyncio(loop_scope="session")
async def test_a_page_shows_the_tokens_one_by_one(browser: Browser, tmp_path: Path) -> None:
    """In a real browser, from another origin, so slowly that a busy machine does not bunch them."""
    body = {
        "assistant_id": "agent",
        "input": said("tell me a joke"),
        "stream_mode": "messages-tuple",
    }
    with running("serve", "--speed", "0.2", folder=tmp_path) as server:
        async with page_at(browser, server=server.url, body=json.dumps(body)) as page:
            assert await settled(page) == "done"

            items = page.locator("#events li[data-event=messages]")
            texts = [json.loads(text)[0]["content"] for text in await items.all_text_contents()]
            times = [await item.get_attribute("data-at") for item in await items.all()]

    assert "".join(texts).startswith('A client walks up to a mock server and asks: "Are you real?"')
    assert len(texts) > 10
    assert len(set(times)) > 5
