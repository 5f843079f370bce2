"""What clients make of each fault, on the fake graph and in a replay: the table in docs/faults.md."""

import asyncio
import json
import re
import subprocess
import warnings
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client, get_sync_client

from mockserver import MockServer
from tests.conftest import tool
from tests.real.clients import installed
from tests.real.wire import Ask, send

INPUT = {"messages": [{"role": "human", "content": "Hello!"}]}
IMPATIENT = (10.0, 0.3, 10.0, 10.0)
RESUMABLE = ("resumable", "impatient")
PATHS = {"wait": "/runs/wait", "state": "/state"}
IDS = re.compile(r"[0-9a-f-]{36}")

OUTCOMES = {
    # case: Python, JS 1, JS 2
    'stateless {"status":429}': ("RateLimitError", "HTTP 429", "3 events; again POST"),
    'stateless {"status":503}': ("InternalServerError", "HTTP 503", "3 events; again POST"),
    'wait {"status":429}': ("HTTPStatusError", "HTTP 429", "2; again POST"),
    'state {"status":429}': ("RateLimitError", "0; again GET", "0; again GET"),
    'stateless {"cut":2}': ("2 events, NotFoundError; joins", "2 events, HTTP 404; joins", "2 events, HTTP 404; joins"),
    'thread {"cut":2}': ("2 events; joins, reads the run", "2 events; joins, reads the run", "2 events; joins"),
    'resumable {"cut":2}': ("3 events; joins, reads the run", "3 events; joins, reads the run", "3 events; joins"),
    'wait {"cut":2}': ("Exception; joins", "TypeError", "TypeError"),
    'state {"cut":2}': ("RemoteProtocolError", "TypeError", "TypeError"),
    'impatient {"stall":2,"seconds":2}': ("3 events; joins, reads the run", "3 events; joins, reads the run", "3 events"),
    'stateless {"stall":2,"seconds":1}': ("3 events", "3 events", "3 events"),
    'stateless {"split":7}': ("3 events", "3 events", "3 events"),
    'wait {"split":7}': ("2", "2", "2"),
    'stateless {"garbage":1}': ("1 event, JSONDecodeError", "1 event, HTTP 404; joins", "1 event, HTTP 404; joins"),
    'wait {"garbage":1}': ("JSONDecodeError", "SyntaxError", "SyntaxError"),
}  # fmt: skip
CLIENTS = ("Python", "Python sync", "sdk-1", "sdk-2")
COLUMNS = {"Python": 0, "Python sync": 0, "sdk-1": 1, "sdk-2": 2}
Answers = dict[str, dict[str, Any]]
Make = Callable[[str, str, str, dict[str, Any]], Coroutine[Any, Any, None]]


async def ask_python(url: str, call: str, thread: str, answer: dict[str, Any]) -> None:
    client: Any
    timeout = IMPATIENT if call == "impatient" else None
    async with get_client(url=url, api_key=None, timeout=timeout) as client:
        if call == "wait":
            state = await client.runs.wait(None, "agent", input=INPUT)
            answer["value"] = len(state["messages"])
        elif call == "state":
            answer["value"] = len((await client.threads.get_state(thread))["next"])
        else:
            answer["events"] = []
            on, resumable = None if call == "stateless" else thread, call in RESUMABLE
            async for part in client.runs.stream(
                on, "agent", input=INPUT, stream_mode="values", stream_resumable=resumable
            ):
                answer["events"].append(part.event)


async def ask_python_sync(url: str, call: str, thread: str, answer: dict[str, Any]) -> None:
    client: Any
    timeout = IMPATIENT if call == "impatient" else None
    with get_sync_client(url=url, api_key=None, timeout=timeout) as client:
        if call == "wait":
            state = client.runs.wait(None, "agent", input=INPUT)
            answer["value"] = len(state["messages"])
        elif call == "state":
            answer["value"] = len(client.threads.get_state(thread)["next"])
        else:
            answer["events"] = []
            on, resumable = None if call == "stateless" else thread, call in RESUMABLE
            for part in client.runs.stream(
                on, "agent", input=INPUT, stream_mode="values", stream_resumable=resumable
            ):
                answer["events"].append(part.event)


def play_python(server: MockServer, make: Make, cases: Iterable[str]) -> Answers:
    """Arm the fault of each of *cases*, and have *make* make its call."""
    answers: Answers = {}
    for case in cases:
        call, _, fault = case.partition(" ")
        server.reset()
        thread = json.loads(send(server.url, Ask("POST", "/threads", {})).raw)["thread_id"]
        if fault:
            server.fault(json.loads(fault), path=PATHS.get(call, "/runs/stream"))
        answer = answers[case] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a reconnect without the id of an event
            try:
                asyncio.run(make(server.url, call, thread, answer))
            except Exception as error:  # what a user of the SDK has to catch
                answer["error"] = type(error).__name__
        answer["asked"] = [
            f"{one.method} {IDS.sub('*', one.path)} {one.status} {one.source}"
            for one in server.calls[1:]
        ]
    return answers


def play_js(server: MockServer, sdk: str, cases: Iterable[str]) -> Answers:
    done = subprocess.run(
        [tool("node"), "faults.mjs", sdk, server.url, *cases],
        cwd=installed(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: Answers = json.loads(done.stdout)
    return answers


def play(server: MockServer, client: str, cases: Iterable[str]) -> Answers:
    match client:
        case "Python":
            return play_python(server, ask_python, cases)
        case "Python sync":
            return play_python(server, ask_python_sync, cases)
        case _:
            return play_js(server, client, cases)


def describe(answer: dict[str, Any]) -> str:
    """Return what a call gave, and which requests it made after the first one."""
    events = answer.get("events") or ()
    parts = [f"{len(events)} event{'s' * (len(events) > 1)}"] if events else []
    if "value" in answer:
        parts.append(str(answer["value"]))
    if "error" in answer:
        parts.append(answer["error"])
    first, *rest = (one.split()[:2] for one in answer["asked"])
    kinds = {"stream": "joins", "join": "joins", "*": "reads the run"}
    later = [
        f"again {method}" if [method, path] == first else kinds[path.rpartition("/")[2]]
        for method, path in rest
    ]
    return "; ".join(", ".join(part) for part in (parts, later) if part)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_meets_faults_of_the_fake_graph(client: str) -> None:
    with MockServer(fallback="fake") as server:
        answers = play(server, client, OUTCOMES)

    expected = {case: outcomes[COLUMNS[client]] for case, outcomes in OUTCOMES.items()}
    assert {case: describe(answer) for case, answer in answers.items()} == expected
    for answer in answers.values():
        assert answer["asked"][0].endswith(" fault")
        assert not any(asked.endswith(" fault") for asked in answer["asked"][1:])


@pytest.mark.parametrize("client", [one for one in CLIENTS if one != "Python sync"])
def test_a_client_meets_faults_of_a_replay_and_misses_nothing(client: str, tmp_path: Path) -> None:
    cassette = tmp_path / "calls.yaml"
    calls = dict.fromkeys(case.partition(" ")[0] for case in OUTCOMES)
    problems: list[str] = []
    with (
        MockServer(fallback="fake") as fake,
        MockServer(cassette, upstream=fake.url) as recorder,
    ):
        play(recorder, client, calls)
    with MockServer(cassette, on_problem=lambda call: problems.append(str(call))) as server:
        answers = play(server, client, OUTCOMES)

    expected = {case: outcomes[COLUMNS[client]] for case, outcomes in OUTCOMES.items()}
    assert problems == []
    assert {case: describe(answer) for case, answer in answers.items()} == expected
