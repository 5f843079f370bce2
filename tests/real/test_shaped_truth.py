"""Scripts with nodes and a state of their own beside real graphs that are built as the scripts say, event by event."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.fake.script.model import Script
from mockserver.fake.script.parse import parse_script
from tests.agentserver import GRAPHS
from tests.real import event_streams, twins
from tests.real.scenarios import MODES, said
from tests.real.test_event_truth import played, stable
from tests.real.test_thread_truth import Fake, Real, compare
from tests.real.wire import Ask, Seen, send

SCRIPTS = {
    name: parse_script((GRAPHS / f"{name}.yaml").read_text("utf-8"), Script)
    for name in ("research", "mail")
}
LISTS = (
    ["values", "updates", "messages-tuple", "custom"],
    ["tasks", "debug", "checkpoints"],
    ["messages", "events"],
)
ALONE = ("a topic", "a topic that asks", "a topic that fails", "a message", "a mail", "two calls")
"""The inputs that are played in each mode by itself, not only in lists of modes."""
INPUTS: dict[str, tuple[str, Any]] = {
    "a topic": ("research", {"topic": "AI and banks"}),
    "a topic and a list": ("research", {"topic": "AI", "outline": ["mine"]}),
    "a topic that asks": ("research", {"topic": "ask me"}),
    "a topic that fails": ("research", {"topic": "fail"}),
    "a topic that no rule has": ("research", {"topic": "BI"}),
    "empty": ("research", {}),
    "a list that is none": ("research", {"outline": 5}),
    "a message": ("research", said("write")),
    "a message and a topic": ("research", {**said("twice"), "topic": "none"}),
    "nothing to write": ("research", said("hello")),
    "spam": ("mail", said("spam")),
    "a notice": ("mail", said("notice")),
    "a mail": ("mail", said("mail")),
    "two calls": ("mail", said("two")),
}


def create_asks() -> Iterator[tuple[str, Ask]]:
    for name, (graph, given) in INPUTS.items():
        for modes in (*(MODES if name in ALONE else ()), *LISTS):
            for subgraphs in (False, True)[: 1 + (graph == "mail")]:
                body = {"assistant_id": graph, "input": given, "stream_mode": modes}
                shown = " ".join([name, str(modes), "within" * subgraphs])
                yield shown, Ask("POST", "/runs/stream", {**body, "stream_subgraphs": subgraphs})
        yield f"wait {name}", Ask("POST", "/runs/wait", {"assistant_id": graph, "input": given})


ASKS = dict(create_asks())


@pytest.fixture(scope="module")
def answers(agent_server: str) -> Iterator[dict[str, Future[Seen]]]:
    with twins.real(agent_server, ASKS) as answers:
        yield answers


@pytest.mark.parametrize("name", ASKS)
def test_a_run_is_as_on_the_real_server(name: str, answers: dict[str, Future[Seen]]) -> None:
    ask = ASKS[name]
    graph = ask.body["assistant_id"]
    played = twins.fake(ask, SCRIPTS[graph], (graph,))
    fake, real = twins.without_server_prose(played, answers[name].result())

    assert twins.normalize(ask, fake).difference(twins.normalize(ask, real)) is None


def start(graph: str, *inputs: Any, answer: Any = None) -> tuple[str, event_streams.Scenario]:
    """Return the scenario of runs with these *inputs*, the first of which asks if there is an *answer*."""

    def play(to: event_streams.Player) -> None:
        for number, given in enumerate(inputs, 1):
            event_streams.command(to, "run.start", assistant_id=graph, input=given)
            to.events(number if answer is None else 2 * number - 1)
            if answer is not None:
                request = event_streams.pending(to, 1)[-1]["params"]
                identity = request["data"]["interrupt_id"]
                place = request["namespace"]
                event_streams.command(
                    to, "input.respond", namespace=place, interrupt_id=identity, response=answer
                )
                to.events(2)
        to.send("GET", "/state")

    return graph, play


EVENTS = {
    "two topics": start("research", {"topic": "AI"}, {"topic": "BI"}),
    "a message": start("research", said("write")),
    "a question": start("research", {"topic": "ask me"}, answer="yes"),
    "a topic that fails": start("research", {"topic": "fail"}),
    "a mail": start("mail", said("mail"), answer="yes"),
    "two calls": start("mail", said("two"), said("spam")),
}


@pytest.fixture(scope="module")
def events(agent_server: str) -> Iterator[dict[str, Future[list[Any]]]]:
    with ThreadPoolExecutor(4) as pool:
        yield {
            name: pool.submit(lambda one: played(event_streams.Real(agent_server), one), scenario)
            for name, (_, scenario) in EVENTS.items()
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", EVENTS)
def test_event_streams_are_as_on_the_real_server(
    name: str, events: dict[str, Future[list[Any]]]
) -> None:
    graph, scenario = EVENTS[name]
    fake = played(event_streams.Fake(SCRIPTS[graph], (graph,)), scenario)

    assert stable(fake) == stable(events[name].result())


Server = Fake | Real


def play_turns(server: Server, graph: str, *turns: dict[str, Any]) -> None:
    """Play *turns* on a new thread, and read its state and history after each."""
    thread = server.ask("POST", "/threads", {"metadata": {"graph_id": graph}})["thread_id"]
    for turn in turns:
        path = turn.pop("path", "runs/stream")
        modes = {} if path == "state" else {"assistant_id": graph, "stream_mode": LISTS[0]}
        server.ask("POST", f"/threads/{thread}/{path}", {**modes, **turn})
        server.ask("GET", f"/threads/{thread}/state?subgraphs=true")
        server.ask("GET", f"/threads/{thread}/history?limit=20")


def turns(graph: str, *of: dict[str, Any]) -> tuple[str, Callable[[Server], None]]:
    return graph, lambda server: play_turns(server, graph, *(dict(turn) for turn in of))


TOPIC = {"input": {"topic": "AI"}}
THREADS = {
    "a topic": turns("research", TOPIC),
    "a question": turns("research", {"input": {"topic": "ask me"}}, {"command": {"resume": "yes"}}),
    "two turns": turns("research", {"input": said("twice")}, {"input": said("write")}),
    "stopped": turns("research", {**TOPIC, "interrupt_before": ["read"]}, {"input": None}),
    "a topic that fails": turns("research", {"input": {"topic": "fail"}}, {"input": None}),
    "a change between": turns(
        "research",
        {**TOPIC, "interrupt_after": ["search"]},
        {"path": "state", "values": {"outline": ["mine"]}, "as_node": "search"},
        {"input": None},
    ),
    "an answered mail": turns("mail", {"input": said("mail")}, {"command": {"resume": "yes"}}),
    "an answered notice": turns("mail", {"input": said("notice")}, {"command": {"resume": "ok"}}),
}


@pytest.fixture(scope="module")
def threads(agent_server: str) -> Iterator[dict[str, Future[Real]]]:
    def play(scenario: Callable[[Server], None]) -> Real:
        real = Real(agent_server)
        scenario(real)
        return real

    with ThreadPoolExecutor(4) as pool:
        yield {name: pool.submit(play, scenario) for name, (_, scenario) in THREADS.items()}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", THREADS)
def test_a_thread_is_as_on_the_real_server(name: str, threads: dict[str, Future[Real]]) -> None:
    graph, scenario = THREADS[name]
    fake = Fake(SCRIPTS[graph], (graph,))
    scenario(fake)

    compare(fake, threads[name].result())


@pytest.mark.parametrize("graph", SCRIPTS)
@pytest.mark.parametrize("query", ["", "?xray=true"])
def test_the_drawing_is_as_on_the_real_server(graph: str, query: str, agent_server: str) -> None:
    found = Real(agent_server).ask("POST", "/assistants/search", {"graph_id": graph})
    ask = Ask("GET", f"/assistants/{found[0]['assistant_id']}/graph{query}")
    fake, real = twins.fake(ask, SCRIPTS[graph], (graph,)), send(agent_server, ask)

    assert twins.normalize(ask, fake).difference(twins.normalize(ask, real)) is None
