"""One meaning, one key: what the key takes for the same, the real server answers alike."""

import json
import re
from typing import Any

import pytest

from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize, request_key
from tests.real.scenarios import AGENT
from tests.real.wire import Ask, Seen, send_all

Pair = tuple[Ask, Ask]

HI = {"role": "human", "content": "hi"}
ASSISTANT = {"role": "ai", "content": "Yes?"}
CALL = {"id": "call_1", "name": "look", "args": {"at": "it"}}
WIRE_MESSAGE: dict[str, Any] = {
    "additional_kwargs": {},
    "response_metadata": {},
    "name": None,
    "example": False,
}


def run(*messages: Any, **rest: Any) -> Ask:
    """Return the request of a streamed run; *rest* adds to its body."""
    input = {"messages": list(messages) or [HI]}
    body = {"assistant_id": "agent", "input": input, "stream_mode": ["updates", "custom"], **rest}
    return Ask("POST", "/runs/stream", body)


def bare(**rest: Any) -> Ask:
    """Return the request of a streamed run that holds only *rest*."""
    return Ask("POST", "/runs/stream", {"assistant_id": "agent", **rest})


def wait(**rest: Any) -> Ask:
    """Return the request of a run that is waited for; *rest* adds to its body."""
    return Ask("POST", "/runs/wait", {"assistant_id": "agent", "input": {"messages": [HI]}, **rest})


def thread(**body: Any) -> Ask:
    """Return the request of a new thread."""
    return Ask("POST", "/threads", body)


def search(**body: Any) -> Ask:
    """Return the request of a search for assistants."""
    return Ask("POST", "/assistants/search", body)


SAME: dict[str, Pair] = {
    "a mode as text": (run(stream_mode="updates"), run(stream_mode=["updates"])),
    "no mode": (bare(input={"messages": [HI]}), run(stream_mode="values")),
    "an empty list of modes": (run(stream_mode=[]), run(stream_mode=["values"])),
    "modes in another order": (
        run(stream_mode=["values", "updates", "custom", "tasks"]),
        run(stream_mode=["tasks", "custom", "updates", "values"]),
    ),
    "a mode twice": (run(stream_mode=["updates", "updates"]), run(stream_mode="updates")),
    "no input, null input": (bare(), bare(input=None)),
    "what is false by default": (run(), run(stream_subgraphs=False, stream_resumable=False)),
    "an empty config": (run(), run(config={})),
    "the config of RemoteGraph": (
        run(),
        run(config={"tags": [], "metadata": {}, "configurable": {}, "recursion_limit": 25}),
    ),
    "empty metadata and context": (run(), run(metadata={}, context={})),
    "a null where it is accepted": (
        run(),
        run(command=None, checkpoint=None, interrupt_before=None, interrupt_after=None),
    ),
    "no interrupts": (run(), run(interrupt_before=[], interrupt_after=[])),
    "what happens when the client leaves": (run(), run(on_disconnect="continue")),
    "what becomes of the thread": (run(), run(on_completion="delete", if_not_exists="create")),
    "strategies": (run(), run(multitask_strategy="reject", durability="async")),
    "a delay": (run(), run(after_seconds=1)),
    "the assistant's id": (run(), run(assistant_id=AGENT)),
    "the assistant's id in capitals": (run(), run(assistant_id=AGENT.upper())),
    "role user": (run(), run({"role": "user", "content": "hi"})),
    "type human": (run(), run({"type": "human", "content": "hi"})),
    "type user": (run(), run({"type": "user", "content": "hi"})),
    "role and type": (run(), run({**HI, "type": "human"})),
    "a pair": (run(), run(["human", "hi"])),
    "a text as message": (run(), run("hi")),
    "a text as messages": (run(), run(input={"messages": "hi"})),
    "a message as messages": (run(), run(input={"messages": HI})),
    "a content of one part": (run(), run({**HI, "content": [{"type": "text", "text": "hi"}]})),
    "an empty content": (run({**HI, "content": ""}), run({**HI, "content": None})),
    "no content parts": (run({**HI, "content": ""}), run({**HI, "content": []})),
    "an id of the client's": (run(), run({**HI, "id": "mine"})),
    "a message as it comes off the wire": (run(), run({**HI, **WIRE_MESSAGE})),
    "role assistant": (run(ASSISTANT, HI), run({**ASSISTANT, "role": "assistant"}, HI)),
    "an answer as it comes off the wire": (
        run(ASSISTANT, HI),
        run(
            {**ASSISTANT, **WIRE_MESSAGE, "tool_calls": [], "invalid_tool_calls": [], "usage_metadata": None},
            HI,
        ),
    ),
    "the type of a tool call": (
        run({**ASSISTANT, "tool_calls": [CALL]}, HI),
        run({**ASSISTANT, "tool_calls": [{**CALL, "type": "tool_call"}]}, HI),
    ),
    "the status of a tool": (
        run({"role": "tool", "content": "r", "tool_call_id": "call_1"}),
        run({"type": "tool", "content": "r", "tool_call_id": "call_1", "status": "success"}),
    ),
    "wait for the default mode": (wait(), wait(stream_mode=["values"])),
    "a new thread": (thread(), thread(metadata={}, if_exists="raise")),
    "the first page": (search(), search(limit=10, offset=0, metadata={})),
}  # fmt: skip

OTHER: dict[str, Pair] = {
    "another mode": (run(stream_mode="updates"), run(stream_mode="custom")),
    "one mode more": (run(), run(stream_mode=["updates", "custom", "values"])),
    "messages and its tuples": (run(stream_mode="messages"), run(stream_mode="messages-tuple")),
    "a null mode": (run(stream_mode=["values"]), run(stream_mode=None)),
    "null for true or false": (run(), run(stream_resumable=None)),
    "zero for false": (run(), run(stream_resumable=0)),
    "ids": (run(), run(stream_resumable=True)),
    "empty input": (bare(), bare(input={})),
    "a null config": (run(), run(config=None)),
    "null metadata": (run(), run(metadata=None)),
    "a null context": (run(), run(context=None)),
    "an interrupt": (run(), run(interrupt_before=["agent"])),
    "a command": (run(), run(command={"resume": "yes"})),
    "feedback": (run(), run(feedback_keys=["liked"])),
    "durability sync": (run(stream_mode="debug"), run(stream_mode="debug", durability="sync")),
    "another assistant": (run(), run(assistant_id="nested")),
    "an assistant in other letters": (run(), run(assistant_id="Agent")),
    "another text": (run(), run({**HI, "content": "ho"})),
    "another role": (run(ASSISTANT, HI), run({**ASSISTANT, "role": "human"}, HI, stream_mode="values")),
    "a role in capitals": (run(), run({**HI, "role": "HUMAN"})),
    "one message more": (run(), run(HI, HI)),
    "two parts": (
        run(stream_mode="values"),
        run({**HI, "content": [{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]}, stream_mode="values"),
    ),
    "a message's name": (run(stream_mode="values"), run({**HI, "name": "Bo"}, stream_mode="values")),
    "true for one": (
        run(assistant_id="long", input={"count": 1}, stream_mode="values"),
        run(assistant_id="long", input={"count": True}, stream_mode="values"),
    ),
    "a text for a number": (
        run(assistant_id="long", input={"count": 1}),
        run(assistant_id="long", input={"count": "1"}),
    ),
    "a null for nothing in the state": (
        run(assistant_id="long", input={"count": 1}),
        run(assistant_id="long", input={"count": None}),
    ),
    "wait for updates": (wait(), wait(stream_mode="updates")),
    "an unknown way to leave": (run(), run(on_disconnect="sometimes")),
    "null for what happens when the client leaves": (run(), run(on_disconnect=None)),
    "null for what becomes of the thread": (run(), run(on_completion=None)),
    "null for a delay": (run(), run(after_seconds=None)),
    "a text for a delay": (run(), run(after_seconds="1")),
    "null for checkpoints": (run(), run(checkpoint_during=None)),
    "null for a webhook": (run(), run(webhook=None)),
    "a message without content": (run({**HI, "content": ""}), run({"role": "human"})),
    "a message without its keywords": (run(), run({**HI, "additional_kwargs": None})),
    "null for what if the thread exists": (thread(), thread(if_exists=None)),
    "null for a thread's id": (thread(), thread(thread_id=None)),
    "null for a thread's metadata": (thread(), thread(metadata=None)),
    "a page of one": (search(), search(limit=1)),
    "null for what to search": (search(), search(metadata=None)),
}  # fmt: skip


def key(ask: Ask) -> bytes:
    body = json.dumps(ask.body).encode()
    return request_key(canonicalize(Request(ask.method, ask.path, (), body)))


def spelled(ask: Ask) -> str:
    return json.dumps([ask.path, ask.body])


@pytest.fixture(scope="module")
def answers(agent_server: str) -> dict[str, str]:
    """What the real server answers to each request of the tables, without the ids and times of a run."""
    asks = {spelled(ask): (ask,) for pair in (*SAME.values(), *OTHER.values()) for ask in pair}
    return {name: stable(*seen) for name, seen in send_all(agent_server, asks).items()}


def stable(seen: Seen) -> str:
    """Return an answer with ids numbered in the order in which they turn up, and without times."""
    head = "".join(f"{name}: {value}\n" for name, value in seen.kept_headers)
    text = f"{seen.status}\n{head}\n{seen.raw.decode()}"
    ids: dict[str, str] = {}
    for pattern in (
        r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        r"(?<=\nid: )\d+-\d+",
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*(?:\+00:00|Z)",
    ):
        text = re.sub(pattern, lambda found: ids.setdefault(found[0], f"<{len(ids)}>"), text)
    return text


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_one_meaning_has_one_key(pair: Pair) -> None:
    one, other = pair

    assert key(one) == key(other)


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_the_real_server_answers_one_meaning_alike(pair: Pair, answers: dict[str, str]) -> None:
    one, other = pair

    assert answers[spelled(one)] == answers[spelled(other)]


@pytest.mark.parametrize("pair", OTHER.values(), ids=OTHER)
def test_another_meaning_has_another_key(pair: Pair) -> None:
    one, other = pair

    assert key(one) != key(other)


@pytest.mark.parametrize("pair", OTHER.values(), ids=OTHER)
def test_the_real_server_answers_another_meaning_otherwise(
    pair: Pair, answers: dict[str, str]
) -> None:
    one, other = pair

    assert answers[spelled(one)] != answers[spelled(other)]
