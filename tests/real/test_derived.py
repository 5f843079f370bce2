"""Responses derived from recordings, beside those of the real server to the same requests."""

import json
import re
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mockserver.cassette.model import Exchange, Policy, Response
from mockserver.cassette.playback import encode_body
from mockserver.conversations.derived_responses import derive_existing_run, derive_run
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize
from mockserver.matching.run_bodies import drop_stream_modes
from mockserver.store.cassette_file import CassetteFile
from tests.processes import running
from tests.real import twins
from tests.real.scenarios import HELLO, MODES, WEATHER, said
from tests.real.wire import JSON, Ask, Seen, send

Body = dict[str, Any]


def scripted(text: str, **rest: Any) -> Body:
    return {"assistant_id": "scripted", "input": said(text), **rest}


WITHIN = {"stream_subgraphs": True}
BODIES: dict[str, Body] = {
    "an answer": scripted("hi"),
    "tools": scripted("tools of Paris"),
    "an interrupt": scripted("interrupt"),
    "an interrupt of a tool": scripted("approve"),
    "a failure": scripted("fail with ValueError"),
    "a failure at once": scripted("fail at once"),
    "a subgraph": scripted("delegate", **WITHIN),
    "an interrupt in a subgraph": scripted("ask within", **WITHIN),
    "a failure in a subgraph": scripted("fail within", **WITHIN),
    "messages without ids": {"assistant_id": "nested", "input": HELLO, **WITHIN},
    "two interrupts": {"assistant_id": "parallel", "input": {"topic": "lunch"}},
    "a stop": {"assistant_id": "agent", "input": WEATHER, "interrupt_before": ["tools"]},
    "no messages": {"assistant_id": "figures", "input": {"question": "?"}},
    "no input": {"assistant_id": "agent"},
}
RECORDED: tuple[tuple[str, ...], ...] = (
    MODES,
    tuple(mode for mode in MODES if mode != "messages-tuple"),
    ("values", "messages-tuple", "updates"),
    ("values", "updates", "custom"),
    ("debug", "tasks", "custom", "checkpoints"),
)
REQUESTED: tuple[tuple[str, ...], ...] = (
    *((mode,) for mode in MODES),
    ("values", "updates"),
    ("values", "messages-tuple"),
    ("updates", "custom"),
    ("messages", "messages-tuple"),
)
WAIT = "wait"
NOT_REFUSED = ("an answer", "an interrupt", "a failure", "a stop", "no messages")
"""Runs without a message whose id depends on the modes."""


@dataclass(frozen=True, slots=True)
class Real:
    """The recorded exchanges, and what the real server responds to the other requests."""

    exchanges: Mapping[str, Exchange]
    seen: Mapping[str, tuple[Ask, Seen]]


def name_of(run: str, modes: Collection[str]) -> str:
    return f"{run} {'+'.join(sorted(modes))}"


def stream_of(body: Body, modes: Collection[str]) -> Ask:
    return Ask("POST", "/runs/stream", {**body, "stream_mode": list(modes)})


def to_request(ask: Ask, headers: tuple[tuple[str, str], ...] = ()) -> Request:
    raw = b"" if ask.body is None else json.dumps(ask.body).encode()
    return Request(ask.method, ask.path, headers, raw)


def load(cassette: Path) -> dict[bytes, Exchange]:
    """Return the exchanges of *cassette* by the target and the JSON of their requests."""
    file = CassetteFile(cassette, cassette.name, Policy(), 1 << 30)
    exchanges = [file.load_exchange(entry) for entry in file.cassette.entries]
    return {key_of(exchange.request): exchange for exchange in exchanges}


def key_of(request: Request) -> bytes:
    return json.dumps([request.path, json.loads(request.body or b"null")], sort_keys=True).encode()


@pytest.fixture(scope="module")
def real(agent_server: str, tmp_path_factory: pytest.TempPathFactory) -> Real:
    folder = tmp_path_factory.mktemp("derived")
    recorded = {
        name_of(run, modes): stream_of(body, modes)
        for run, body in BODIES.items()
        for modes in RECORDED
    }
    requested = {
        name_of(run, modes): stream_of(body, modes)
        for run, body in BODIES.items()
        for modes in REQUESTED
    }
    requested |= {f"{run} {WAIT}": Ask("POST", "/runs/wait", body) for run, body in BODIES.items()}
    cassette = folder / "runs.yaml"
    with running("record", cassette, "--upstream", agent_server, folder=folder) as recorder:
        with twins.real(recorder.url, recorded) as answers:
            for answer in answers.values():
                answer.result()
        assert recorder.stop() == 0
    exchanges = load(cassette)
    with twins.real(agent_server, requested) as answers:
        seen = {name: (ask, answers[name].result()) for name, ask in requested.items()}
    named = {name: exchanges[key_of(to_request(ask))] for name, ask in recorded.items()}
    return Real(named, seen)


def comparable(ask: Ask, seen: Seen) -> tuple[Any, ...]:
    """Return *seen* without what differs between two runs: see `twins`. An id is an id, whatever its form."""
    normal = twins.normalize(ask, seen)
    return normal.status, normal.headers, *(same_ids(line) for line in normal.body)


def same_ids(line: str) -> str:
    line = re.sub(r"(lc_run--<\w+ \d+>)-0\b", r"\1", line)
    return re.sub(r"<(?:uuid\w+|task|hex) (\d+)>", r"<id \1>", line)


def as_seen(response: Response) -> Seen:
    return Seen(response.status, None, response.headers, ((0.0, encode_body(response.content)),))


def first_difference(own: tuple[Any, ...], other: tuple[Any, ...]) -> str | None:
    """Return where *own* differs from *other*, or None."""
    if own == other:
        return None
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(own, other, strict=False))))
    return f"part {same}: {own[same : same + 1]} but the server has {other[same : same + 1]}"


@pytest.mark.parametrize("run", BODIES)
@pytest.mark.parametrize("recorded", RECORDED, ids="+".join)
def test_a_derived_response_is_that_of_the_server(
    run: str, recorded: tuple[str, ...], real: Real
) -> None:
    exchange = real.exchanges[name_of(run, recorded)]
    requested = [modes for modes in REQUESTED if set(modes) <= set(recorded)]
    differences: dict[str, str] = {}
    refused = []

    for name in [*(name_of(run, modes) for modes in requested), f"{run} {WAIT}"]:
        ask, seen = real.seen[name]
        response = derive_run(exchange, to_request(ask))
        if response is None:
            refused.append(name.removeprefix(f"{run} "))
        else:
            difference = first_difference(comparable(ask, as_seen(response)), comparable(ask, seen))
            differences |= {name: difference} if difference else {}

    assert differences == {}
    beside_tuples = {"messages", "messages-tuple"} <= set(recorded)
    expected = {"messages"} if beside_tuples else set()
    expected |= set() if "values" in recorded else {WAIT}
    assert expected <= set(refused)
    assert all(run not in NOT_REFUSED and shows_nodes(name) for name in set(refused) - expected)


def shows_nodes(modes: str) -> bool:
    """Return whether one of *modes* shows the output of nodes, whose messages may have no ids yet."""
    return not {"updates", "tasks", "debug"}.isdisjoint(modes.split("+"))


@pytest.mark.parametrize("run", BODIES)
def test_a_run_and_its_derived_runs_have_one_mode_free_form(run: str, real: Real) -> None:
    requests = [real.exchanges[name_of(run, modes)].request for modes in RECORDED]
    names = [*(name_of(run, modes) for modes in REQUESTED), f"{run} {WAIT}"]
    requests += [to_request(real.seen[name][0]) for name in names]

    forms = [drop_stream_modes(canonicalize(request)) for request in requests]
    assert forms[0] is not None
    assert all(form == forms[0] for form in forms)


TURNS = (
    "an answer",
    "an interrupt",
    "a failure",
    "an interrupt in a subgraph",
    "two interrupts",
    "a stop",
    "no messages",
)
HOW: dict[str, tuple[str, Body]] = {
    "resumable": ("stream", {"stream_mode": ["values", "updates"], "stream_resumable": True}),
    "values": ("stream", {"stream_mode": ["values"]}),
    "updates": ("stream", {"stream_mode": ["updates"], "stream_resumable": True}),
    "wait": ("wait", {}),
    "wait, resumable": ("wait", {"stream_resumable": True}),
}
READS: dict[str, tuple[str, str | None]] = {
    "join": ("join", None),
    "stream": ("stream", None),
    "stream from the start": ("stream", "-1"),
    "stream after an event": ("stream", "{id}"),
    "stream values": ("stream?stream_mode=values", "-1"),
    "stream two modes": ('stream?stream_mode=["updates","messages"]', "-1"),
}
NO_STATE = ("an answer", "no messages", "a stop")
"""The runs whose outcome is their state, which updates do not show."""


def is_unknown(run: str, how: str, read: str) -> bool:
    """Return whether the recording does not hold what the server responds."""
    if read == "join":
        return run == "two interrupts" or (how == "updates" and run in NO_STATE)
    return how == "wait, resumable" and read != "stream"


@dataclass(frozen=True, slots=True)
class Turn:
    """A recorded turn of a thread, and what the real server responds to the reads of its run."""

    exchange: Exchange
    seen: Mapping[str, tuple[Request, Seen]]


@pytest.fixture(scope="module")
def turns(agent_server: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Turn]:
    folder = tmp_path_factory.mktemp("turns")
    cassette = folder / "turns.yaml"
    names = [f"{run}, {how}" for run in TURNS for how in HOW]
    threads = {name: str(uuid4()) for name in names}
    asks = {
        f"{run}, {how}": Ask(
            "POST", f"/threads/{threads[f'{run}, {how}']}/runs/{call}", {**BODIES[run], **body}
        )
        for run in TURNS
        for how, (call, body) in HOW.items()
    }
    for thread in threads.values():
        send(agent_server, Ask("POST", "/threads", {"thread_id": thread}))
    with running("record", cassette, "--upstream", agent_server, folder=folder) as recorder:
        with twins.real(recorder.url, asks) as answers:
            for answer in answers.values():
                answer.result()
        assert recorder.stop() == 0
    exchanges = load(cassette)
    recorded = {name: exchanges[key_of(to_request(ask))] for name, ask in asks.items()}
    with ThreadPoolExecutor(twins.LANES) as pool:
        seen = pool.map(lambda exchange: reads_of(agent_server, exchange), recorded.values())
        return dict(zip(recorded, map(Turn, recorded.values(), seen), strict=True))


def reads_of(url: str, exchange: Exchange) -> dict[str, tuple[Request, Seen]]:
    """Return what the server at *url* responds to the reads of the run of *exchange*."""
    path = dict(exchange.response.headers)["content-location"]
    identities = re.findall(r"id: (\S+)\r\n", encode_body(exchange.response.content).decode())
    seen = {}
    first = identities[0] if identities else "-1"
    for name, (call, last) in READS.items():
        headers = {"last-event-id": last.format(id=first)} if last else {}
        ask = Ask("GET", f"{path}/{call}")
        response = send(url, ask, {**JSON, **headers})
        seen[name] = to_request(ask, tuple(headers.items())), response
    return seen


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("run", TURNS)
def test_a_derived_read_is_that_of_the_server(
    run: str, how: str, read: str, turns: Mapping[str, Turn]
) -> None:
    turn = turns[f"{run}, {how}"]
    request, seen = turn.seen[read]
    response = derive_existing_run(turn.exchange, request)

    if is_unknown(run, how, read):
        assert response is None
    else:
        assert response is not None
        headers = tuple(header for header in seen.kept_headers if header[0] != "vary")
        assert (response.status, response.headers) == (seen.status, headers)
        assert encode_body(response.content) == seen.raw


def thread_with_a_turn(url: str) -> str:
    """Return the path of the runs of a new thread that has had one turn."""
    thread = json.loads(send(url, Ask("POST", "/threads", {})).raw)["thread_id"]
    path = f"/threads/{thread}/runs"
    send(url, Ask("POST", f"{path}/wait", scripted("hi")))
    return path


def test_a_later_turn_is_derived_as_the_first(
    agent_server: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("later")
    cassette = folder / "later.yaml"
    body = scripted("interrupt")
    modes = ["values", "messages-tuple", "updates"]
    with running("record", cassette, "--upstream", agent_server, folder=folder) as recorder:
        path = thread_with_a_turn(agent_server)
        ask = Ask("POST", f"{path}/stream", {**body, "stream_mode": modes})
        send(recorder.url, ask)
        assert recorder.stop() == 0
    [exchange] = load(cassette).values()

    for call, mode in (("stream", "values"), ("stream", "updates"), ("wait", "values")):
        path = thread_with_a_turn(agent_server)
        ask = Ask("POST", f"{path}/{call}", {**body, "stream_mode": mode})
        response = derive_run(exchange, to_request(ask))
        assert response is not None
        own, other = as_seen(response), send(agent_server, ask)
        assert first_difference(comparable(ask, own), comparable(ask, other)) is None
