"""Scripts that are made of recordings answer the recorded questions alike."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from mockserver.cassette.model import Body, Exchange, Response, Stream, TimedEvent
from mockserver.errors import UsageError
from mockserver.fake.api.database import Database
from mockserver.fake.api.routes import Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.script.model import Script
from mockserver.fake.script.parse import parse_script
from mockserver.formats import sse
from mockserver.http.messages import Request
from mockserver.tools.cassette_source import parse_source
from mockserver.tools.scripts.from_cassette import describe_recording
from mockserver.tools.scripts.script_yaml import dump_script
from tests.agentserver import GRAPHS
from tests.documents import ROOT

THREAD = "00000000-0000-4000-8000-000000000001"


class Server:
    """The fake Agent Server of *script*; *exchanges* are what it was asked, and its responses."""

    def __init__(self, script: Script) -> None:
        self.exchanges: list[Exchange] = []
        self._api = Api(RunEngine(script))
        self._database = Database()
        self._now = 0.0

    def ask(self, path: str, body: Any) -> Any:
        raw = json.dumps(body).encode()
        request = Request("POST", path, (), raw)
        ids = IdGenerator(f"{len(self.exchanges)}")
        answer = self._api.handle(request, ids, self._database, self._now)
        self._now += 1000.0
        content = answer.body if isinstance(answer.body, bytes) else answer.body.read(1e9)[0]
        shown: Stream | Body = Body(content)
        if dict(answer.headers)["content-type"].startswith("text/event-stream"):
            blocks, _ = sse.split_blocks(content)
            events = (sse.decode(block, "\r\n") for block in blocks)
            shown = Stream(tuple(TimedEvent(0.0, event) for event in events))
        response = Response(answer.status, None, answer.headers, shown)
        self.exchanges.append(Exchange(request, response))
        return json.loads(content) if isinstance(shown, Body) else content.decode()

    def play(self, path: str, *bodies: dict[str, Any]) -> Iterator[Any]:
        if path.startswith("/threads"):
            self.ask("/threads", {"thread_id": THREAD})
        for body in bodies:
            yield self.ask(path, {"assistant_id": "graph", **body})


@cache
def read(name: str) -> Script:
    return parse_script((GRAPHS / f"{name}.yaml").read_text(), Script)


def rewrite(exchanges: list[Exchange]) -> Script:
    """Return the script that is made of *exchanges*."""
    return parse_script(dump_script(describe_recording(exchanges)), Script)


def strip(value: Any) -> Any:
    """Return *value* without ids."""
    match value:
        case dict():
            return {
                key: strip(part) for key, part in value.items() if key not in ("id", "tool_call_id")
            }
        case list():
            return [strip(part) for part in value]
        case _:
            return value


def said(text: str) -> dict[str, Any]:
    return {"input": {"messages": [{"role": "user", "content": text}]}}


RESUME = {"command": {"resume": "yes"}}
STATELESS = "/runs/stream"
ON_THREAD = f"/threads/{THREAD}/runs/stream"
ALL = ["updates", "values", "custom"]
CASES: dict[str, tuple[str, str, tuple[dict[str, Any], ...]]] = {
    "a topic": ("research", STATELESS, ({"input": {"topic": "AI and (banks)"}},)),
    "a topic on a thread": ("research", ON_THREAD, ({"input": {"topic": "ask me"}}, RESUME)),
    "a failure": ("research", STATELESS, ({"input": {"topic": "fail"}},)),
    "a tool": ("research", STATELESS, (said("write"),)),
    "two messages": ("research", STATELESS, (said("twice"),)),
    "two turns": ("research", ON_THREAD, (said("twice"), said("write"))),
    "spam": ("mail", STATELESS, (said("spam"),)),
    "an answered notice": ("mail", ON_THREAD, (said("notice"), RESUME)),
    "an answered mail": ("mail", ON_THREAD, (said("mail"), RESUME)),
    "two calls": ("mail", STATELESS, (said("two"),)),
    **{
        f"script: {text}": ("script", STATELESS, (said(text),))
        for text in ("reason", "tools of Paris", "parallel", "a tool fails", "calls in a row", "two messages", "all in one", "unicode", "hand over twice", "fail with ValueError")
    },
    "script: interrupt": ("script", ON_THREAD, (said("interrupt"), RESUME)),
    "script: approve": ("script", ON_THREAD, (said("approve"), RESUME)),
    "script: ask first": ("script", ON_THREAD, (said("ask first"), RESUME)),
}  # fmt: skip


UNSHOWN = (
    *(("an answered notice", *modes) for modes in ((), ("values",))),
    *((name, "messages-tuple") for name in CASES if name[:6] != "script"),
    ("script: two messages", "messages-tuple"),
)
"""Which modes show neither the nodes nor the state."""


@pytest.mark.parametrize("modes", [ALL, ["values"], ["messages-tuple"], None], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_the_recorded_questions_are_answered_alike(name: str, modes: Any) -> None:
    script, path, bodies = CASES[name]
    if (name, *(modes or ())) in UNSHOWN or (modes == ["messages-tuple"] and path == ON_THREAD):
        pytest.skip("these modes do not show all of it")
    recorded = Server(read(script))
    shown = {"stream_mode": modes} if modes else {}
    how = path if modes else path.replace("stream", "wait")
    list(recorded.play(how, *({**body, **shown} for body in bodies)))
    own = rewrite(recorded.exchanges)

    waited = path.replace("stream", "wait")
    expected = strip(list(Server(read(script)).play(waited, *bodies)))
    assert strip(list(Server(own).play(waited, *bodies))) == expected


def test_the_nodes_and_the_state_are_those_of_the_recording() -> None:
    recorded = Server(read("research"))
    list(recorded.play(STATELESS, {"input": {"topic": "AI"}, "stream_mode": ALL}))

    assert dump_script(describe_recording(recorded.exchanges), "Mine.") == (
        "# Mine.\n"
        "nodes:\n- clarify\n- plan\n- search\n- read\n- write\n- check\n"
        "state:\n  messages: null\n  topic: null\n  outline:\n    reducer: append\n"
        "  sources:\n    reducer: append\n  draft: null\n"
        "rules:\n"
        "- when:\n    input:\n      topic: AI\n"
        "  steps:\n"
        "  - node: clarify\n    pause: 0\n"
        "  - node: plan\n    custom:\n      planning: true\n"
        "  - node: plan\n    update:\n      outline:\n      - banks\n      - rates\n"
        "  - node: search\n    update:\n      sources:\n      - url: a\n"
        "  - node: read\n    update:\n      sources:\n      - url: b\n      - url: c\n"
        "      outline:\n      - end\n"
        "  - node: write\n    update:\n      draft: a draft\n"
        "  - node: check\n    pause: 0\n"
    )


def test_a_question_that_was_answered_otherwise_later_asks_for_the_turn() -> None:
    text = "rules: [{when: {turn: 1}, steps: [{say: first}]}, {steps: [{say: later}]}]"
    recorded = Server(parse_script(text, Script))
    list(recorded.play(ON_THREAD, said("hi"), said("hi")))

    rules = describe_recording(recorded.exchanges)["rules"]
    assert [(rule["when"], rule["steps"]) for rule in rules] == [
        ({"human": "^hi$", "turn": 2}, [{"say": "later"}]),
        ({"human": "^hi$"}, [{"say": "first"}]),
    ]


def test_of_several_graphs_each_has_its_rules() -> None:
    recorded = Server(parse_script("rules: [{steps: [{say: 'I am {graph}'}]}]", Script))
    for graph in ("one", "two"):
        recorded.ask("/runs/wait", {"assistant_id": graph, **said("who?")})

    assert [rule["when"] for rule in describe_recording(recorded.exchanges)["rules"]] == [
        {"human": r"^who\?$", "graph": "one"},
        {"human": r"^who\?$", "graph": "two"},
    ]


@pytest.mark.parametrize("name", ["error", "hello", "interrupt", "thread", "weather"])
def test_the_bundled_cassettes_become_scripts(name: str) -> None:
    raw = (ROOT / "cassettes" / f"{name}.yaml").read_bytes()
    exchanges = [part.require_exchange() for part in parse_source(name, raw).exchanges]

    assert rewrite(exchanges).rules


@pytest.mark.parametrize(
    ("text", "answer"),
    [("parallel", None), ("two messages", None), ("approve", "yes"), ("interrupt", "yes")],
)
def test_event_streams_are_read(text: str, answer: str | None) -> None:
    recorded = Server(read("script"))
    commands = f"/threads/{THREAD}/commands"
    stream = f"/threads/{THREAD}/stream/events"
    start = {"assistant_id": "graph", **said(text)}
    recorded.ask("/threads", {"thread_id": THREAD})
    recorded.ask(commands, {"id": 1, "method": "run.start", "params": start})
    events = {"channels": ["values", "lifecycle", "input"]}
    if answer is not None:
        shown = recorded.ask(stream, events)
        [identity] = set(re.findall(r'"interrupt_id":"(\w+)"', shown))
        reply = {"interrupt_id": identity, "response": answer, "namespace": []}
        recorded.ask(commands, {"id": 2, "method": "input.respond", "params": reply})
    recorded.ask(stream, events)
    bodies = (said(text),) if answer is None else (said(text), RESUME)
    own = rewrite(recorded.exchanges)

    waited = f"/threads/{THREAD}/runs/wait"
    expected = strip(list(Server(read("script")).play(waited, *bodies)))
    assert strip(list(Server(own).play(waited, *bodies))) == expected


def test_an_unanswered_interrupt_ends_with_the_answer() -> None:
    recorded = Server(read("script"))
    list(recorded.play(ON_THREAD, said("interrupt")))

    [rule] = describe_recording(recorded.exchanges)["rules"]
    assert rule["steps"][-1] == {"say": "{answer}"}


def test_a_node_may_return_several_updates() -> None:
    called = {
        "type": "ai",
        "content": "",
        "tool_calls": [{"name": name, "args": {}, "id": name} for name in ("f", "g")],
    }
    results = [
        {"messages": [{"type": "tool", "content": text, "tool_call_id": text}]}
        for text in ("f", "g")
    ]
    updates: list[Any] = [
        {"model": {"messages": [called]}},
        {"do": results},
        {"model": {"messages": [{"type": "ai", "content": "Done."}]}},
    ]
    lines = [f"event: updates\r\ndata: {json.dumps(update)}\r\n\r\n" for update in updates]
    blocks, _ = sse.split_blocks("".join(lines).encode())
    events = tuple(TimedEvent(0.0, sse.decode(block, "\r\n")) for block in blocks)
    body = json.dumps({"assistant_id": "agent", "stream_mode": "updates", **said("hi")})
    request = Request("POST", STATELESS, (), body.encode())
    exchange = Exchange(request, Response(content=Stream(events)))

    assert describe_recording([exchange]) == {
        "nodes": {"model": ["do", "__end__"], "do": "model"},
        "rules": [
            {
                "when": {"human": "^hi$"},
                "steps": [
                    {
                        "node": "model",
                        "calls": [{"call": "f", "result": "f"}, {"call": "g", "result": "g"}],
                        "tools": "do",
                    },
                    {"node": "model", "say": "Done."},
                ],
            }
        ],
    }


ODD: tuple[Any, ...] = (None, "x", 5, [], {}, [None], {"messages": 5}, {"messages": [1]})
ODD += ({"__interrupt__": 5}, {"a": [{"type": "ai"}]}, [{"id": "1"}, {"langgraph_node": 1}])


@pytest.mark.parametrize("modes", [ALL, ["messages-tuple"], ["messages"], None], ids=str)
def test_what_is_odd_is_left_out(modes: Any) -> None:
    shown = {"stream_mode": modes} if modes else {}
    recorded = Server(read("script"))
    how = STATELESS if modes else "/runs/wait"
    list(recorded.play(how, {**said("parallel"), **shown}))
    [exchange] = recorded.exchanges
    for odd in ODD:
        text = json.dumps(odd)
        content = exchange.response.content
        if isinstance(content, Body):
            changed: Stream | Body = Body(text.encode())
        else:
            replaced = (
                timed._replace(event=timed.event._replace(fields=with_data(timed.event, text)))
                for timed in content.events
            )
            changed = Stream(tuple(replaced))
        response = replace(exchange.response, content=changed)
        try:
            script = rewrite([replace(exchange, response=response)])
        except UsageError:
            continue
        assert script.rules


def with_data(event: sse.Event, text: str) -> sse.Fields:
    """Return the fields of *event* with other data."""
    return tuple((name, text if name == "data" else value) for name, value in event.fields)


def test_a_recording_without_a_question_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^no recorded question"):
        describe_recording([])


def test_the_order_of_keys_makes_no_other_question() -> None:
    recorded = Server(read("research"))
    questions = ({"topic": "AI", "depth": 1}, {"depth": 1, "topic": "AI"})
    for modes, given in zip((["updates"], ["custom"]), questions, strict=True):
        list(recorded.play(STATELESS, {"input": given, "stream_mode": modes}))

    [rule] = describe_recording(recorded.exchanges)["rules"]

    assert rule["when"] == {"input": {"topic": "AI", "depth": 1}}
