"""The fake graph beside its twin, event by event: every rule of the script in every mode, and in lists of modes."""

import json
from urllib.request import urlopen

import jsonschema_rs
import pytest

from tests.real import twins
from tests.real.scenarios import MODES, NOBODY, said
from tests.real.wire import Ask, Seen

RULES = (
    *("hi", "reason", "tools of Paris", "parallel", "calls in a row", "two messages", "delegate"),
    *("interrupt", "approve", "ask first", "ask within", "unicode"),
    *("fail at once", "fail with ValueError", "fail within"),
)
"""A text for each rule of tests/agent/script.yaml but `silence`, and the state that has no messages."""

LISTS = (
    ("updates", "messages-tuple"),
    ("custom", "tasks", "messages", "values", "debug", "updates"),
    ("values", "events", "messages-tuple", "custom"),
)
WITHIN = ("delegate", "ask within", "fail within")
"""The rules that a graph within the graph plays."""

HURRIED = ("tools of Paris", "parallel", "approve")
"""The rules with tools, whose updates the server shows before their messages have ids, in some lists of modes."""

HURRIES = (("updates", "custom"), ("tasks", "custom"), ("custom", "messages"))
TOGETHER = (*LISTS, ("values", "updates"), ("messages", "messages-tuple"), ("checkpoints", "debug"))
WAITED = ("hi", "tools of Paris", "interrupt", "fail with ValueError")


def run(how: str, text: str, *modes: str, **rest: object) -> dict[str, Ask]:
    """Return, with its name, the request of a run in which a human says *text*."""
    kept = {name: value for name, value in rest.items() if value}
    mode = modes[0] if len(modes) == 1 else list(modes)
    body = {"assistant_id": "scripted", "input": said(text), "stream_mode": mode, **kept}
    name = " ".join([how, text, "+".join(modes), *kept])
    return {name: Ask("POST", f"/runs/{how}", body)}


def runs() -> dict[str, Ask]:
    """Return all requests of this file."""
    asks: dict[str, Ask] = {}
    for text in RULES:
        for modes in (*((mode,) for mode in MODES), *LISTS):
            asks |= run("stream", text, *modes)
        asks |= run("wait", text, "values")
    for text in WITHIN:
        for modes in (*((mode,) for mode in MODES), *TOGETHER):
            asks |= run("stream", text, *modes, stream_subgraphs=True)
        asks |= run("wait", text, "values", stream_subgraphs=True)
    for text in HURRIED:
        for modes in HURRIES:
            asks |= run("stream", text, *modes)
        for modes in (("updates",), ("tasks", "debug"), ("messages", "updates")):
            asks |= run("stream", text, *modes, stream_subgraphs=True)
    for text in WAITED:
        for modes in (("updates",), ("updates", "values"), ("messages-tuple",), ("events",)):
            asks |= run("wait", text, *modes)
    for modes in TOGETHER:
        asks |= run("stream", "two messages", *modes, stream_resumable=True)
    return asks


ASKS = runs()


@pytest.fixture(scope="module")
def answers(agent_server: str) -> dict[str, Seen]:
    """What the real server answers to all of them."""
    return twins.real(agent_server, ASKS)


@pytest.mark.parametrize("name", ASKS)
def test_the_fake_answers_as_its_twin(name: str, answers: dict[str, Seen]) -> None:
    ask = ASKS[name]
    fake, real = twins.told(ask, twins.fake(ask)), twins.told(ask, answers[name])

    assert fake.beside(real) is None
    assert fake.kinds(fake) == real.kinds(fake)


def test_every_rule_is_played() -> None:
    """A rule that the table has forgotten is found here."""
    rules = range(len(twins.SCRIPT.rules))
    of_figures = {number for number in rules if twins.SCRIPT.rules[number].graph == "figures"}

    assert {twins.rule_of(text) for text in (*RULES, "silence")} == set(rules) - of_figures


def test_the_answers_are_as_the_real_openapi_document_says(agent_server: str) -> None:
    """Its schemas leave open nearly all: a stream is text, a run that is waited for comes to anything."""
    with urlopen(f"{agent_server}/openapi.json") as response:
        document = json.load(response)
    checked = set()

    refused = {
        "no assistant": Ask("POST", "/runs/wait", {"input": said("hi")}),
        "unknown assistant": Ask("POST", "/runs/stream", {"assistant_id": NOBODY}),
    }
    for ask in (*ASKS.values(), *refused.values()):
        seen = twins.fake(ask)
        described = document["paths"][ask.path]["post"]["responses"][str(seen.status)]
        kind = str(seen.header("content-type")).partition(";")[0]
        schema = {**described["content"][kind]["schema"], "components": document["components"]}
        text = seen.raw.decode()
        jsonschema_rs.validate(schema, text if kind == "text/event-stream" else json.loads(text))
        assert {name.lower() for name in described.get("headers", {})} <= dict(seen.headers).keys()
        checked.add((ask.path, seen.status))

    assert checked == {
        ("/runs/stream", 200),
        ("/runs/stream", 404),
        ("/runs/wait", 200),
        ("/runs/wait", 422),
    }
