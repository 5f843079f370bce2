"""The fake graph beside its twin, event by event: every rule of the script in every mode, and every option of a run."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from urllib.request import urlopen

import jsonschema_rs
import pytest

from tests.real import inputs, twins
from tests.real.scenarios import MODES, NOBODY, said
from tests.real.wire import Ask, Seen, send

RULES = (
    *("hi", "reason", "tools of Paris", "parallel", "calls in a row", "two messages", "delegate"),
    *("interrupt", "approve", "ask first", "ask within", "unicode"),
    *("fail at once", "fail with ValueError", "fail within", "a tool fails"),
    *("numbers", "all in one", "hand over twice", "update within"),
    *(
        "described",
        "described within",
        "used up",
        "thought blocks",
        "provider blocks",
        "blocks",
        "one of",
        "artifact",
    ),
)
ALONE = (
    *("hi", "tools of Paris", "parallel", "delegate", "interrupt", "ask within"),
    *("fail with ValueError", "fail within", "numbers", "described"),
)
"""The rules that are played in each mode by itself. The others are played in lists of modes, which hold all that have events there."""

LONG = ("silence", "now and then", "stop me")
"""A text for each rule of tests/agent/script.yaml but that of the state that has no messages; other files play the long ones."""

LISTS = (
    ("updates", "messages-tuple"),
    ("custom", "tasks", "messages", "values", "debug", "updates"),
    ("values", "events", "messages-tuple", "custom"),
)
WITHIN = (
    *("delegate", "ask within", "fail within", "hand over twice", "update within"),
    "described within",
)
"""The rules that a graph within the graph plays."""

HURRIED = ("tools of Paris", "parallel", "approve")
"""The rules with tools, whose updates the server shows before their messages have ids, in some lists of modes."""

HURRIES = (("updates", "custom"), ("tasks", "custom"), ("custom", "messages"))
TOGETHER = (*LISTS, ("values", "updates"), ("messages", "messages-tuple"), ("checkpoints", "debug"))
ERRORS = (
    *("TypeError", "KeyError", "AttributeError", "RuntimeError", "RecursionError", "TimeoutError"),
    *("NotImplementedError", "UnicodeError", "OSError", "IndexError", "ZeroDivisionError"),
    *("PermissionError", "ArithmeticError"),
)
"""Kinds of errors, of which the server sends some with their message."""

WAITED = ("hi", "tools of Paris", "interrupt", "fail with ValueError")


def run(how: str, text: str, *modes: str, **rest: object) -> dict[str, Ask]:
    """Return, with its name, the request of a run in which a human says *text*."""
    options = {name: value for name, value in rest.items() if value}
    mode = modes[0] if len(modes) == 1 else list(modes)
    body = {"assistant_id": "scripted", "input": said(text), "stream_mode": mode, **options}
    name = " ".join([how, text, "+".join(modes), *options])
    return {name: Ask("POST", f"/runs/{how}", body)}


def runs() -> dict[str, Ask]:
    """Return all requests of this file."""
    asks: dict[str, Ask] = {}
    each = tuple((mode,) for mode in MODES)
    for text in RULES:
        for modes in (*(each if text in ALONE else ()), *LISTS):
            asks |= run("stream", text, *modes)
        asks |= run("wait", text, "values")
    for text in WITHIN:
        for modes in (*(each if text in ALONE else ()), *TOGETHER):
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
    for kind in ERRORS:
        asks |= run("stream", f"fail with {kind}", "updates", "values", "tasks")
        asks |= run("wait", f"fail with {kind}", "values")
    for modes in TOGETHER:
        asks |= run("stream", "two messages", *modes, stream_resumable=True)
    return asks


ASKS = runs()


ALL = {**ASKS, **inputs.ASKS}


@pytest.fixture(scope="module")
def answers(agent_server: str) -> Iterator[dict[str, Future[Seen]]]:
    """What the real server answers to all of them."""
    with twins.real(agent_server, ALL) as answers:
        yield answers


@pytest.mark.parametrize("name", ALL)
def test_the_fake_answers_as_its_twin(name: str, answers: dict[str, Future[Seen]]) -> None:
    ask = ALL[name]
    fake, real = twins.without_server_prose(twins.fake(ask), answers[name].result())

    assert twins.normalize(ask, fake).difference(twins.normalize(ask, real)) is None


def test_what_the_schema_does_not_know_stays(agent_server: str) -> None:
    """The fake has no schema; the real graph drops it."""
    _, ask = inputs.run("wait", "", inputs.messages(inputs.HI, unknown={"k": 1}))
    seen = send(agent_server, ask)

    assert json.loads(twins.fake(ask).raw)["unknown"] == {"k": 1}
    assert list(json.loads(seen.raw)) == ["messages"]


def test_every_rule_is_played() -> None:
    """A rule that the table has forgotten is found here."""
    rules = range(len(twins.SCRIPT.rules))
    of_figures = {number for number in rules if twins.SCRIPT.rules[number].graph == "figures"}

    assert {twins.rule_of(text) for text in (*RULES, *LONG)} == set(rules) - of_figures


def test_the_answers_are_as_the_real_openapi_document_says(agent_server: str) -> None:
    """Its schemas leave open nearly all: a stream is text, a run that is waited for comes to anything."""
    with urlopen(f"{agent_server}/openapi.json") as response:
        document = json.load(response)
    validators: dict[tuple[str, int], jsonschema_rs.Validator] = {}

    refused = {
        "no assistant": Ask("POST", "/runs/wait", {"input": said("hi")}),
        "unknown assistant": Ask("POST", "/runs/stream", {"assistant_id": NOBODY}),
    }
    for ask in (*ASKS.values(), *refused.values()):
        seen = twins.fake(ask)
        described = document["paths"][ask.path]["post"]["responses"][str(seen.status)]
        kind = str(seen.header("content-type")).partition(";")[0]
        name = (ask.path, seen.status)
        if name not in validators:
            schema = {**described["content"][kind]["schema"], "components": document["components"]}
            validators[name] = jsonschema_rs.validator_for(schema)
        text = seen.raw.decode()
        validators[name].validate(text if kind == "text/event-stream" else json.loads(text))
        assert {name.lower() for name in described.get("headers", {})} <= dict(seen.headers).keys()

    assert validators.keys() == {
        ("/runs/stream", 200),
        ("/runs/stream", 404),
        ("/runs/wait", 200),
        ("/runs/wait", 422),
    }
