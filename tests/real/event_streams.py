"""Conversations over event streams, each as a function of whom is asked: the real server, or the fake graph in its place."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from mockserver.fake.api.database import Database
from mockserver.fake.api.routes import Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.script.model import Script
from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.fake.thread_log.filter import Filter, parse_filter
from mockserver.http.messages import Request
from tests.real import twins
from tests.real.scenarios import said
from tests.real.wire import JSON

CHANNELS = ["values", "updates", "messages", "tools", "lifecycle", "input"]
CHANNELS += ["checkpoints", "tasks", "custom"]
EVERYTHING = {"channels": CHANNELS}
TERMINAL = ("completed", "failed", "interrupted")
WITHIN = 60.0


class Player(Protocol):
    """A server with one thread, whose first event stream is open before the thread exists."""

    replies: list[Any]
    """The status and the body of each response."""
    thread: str

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON response to a request on the thread."""

    def events(self, runs: int) -> list[Any]:
        """Return the envelopes so far, as soon as that many runs have ended."""

    def replay(self, **selected: Any) -> list[Any]:
        """Return the envelopes that another stream gets now."""

    def sleep(self, seconds: float) -> None:
        """Let time go by."""

    def close(self) -> None:
        """Close the event stream."""


Scenario = Callable[[Player], None]


def command(to: Player, method: str, **params: Any) -> Any:
    """Send a command and return the answer."""
    return to.send("POST", "/commands", {"id": 7, "method": method, "params": params})


def start(to: Player, text: str, **params: Any) -> Any:
    """Start a run in which a human says *text*."""
    return command(to, "run.start", assistant_id="scripted", input=said(text), **params)


def ended(envelopes: list[Any]) -> int:
    """Return how many runs have ended."""
    return sum(
        one["method"] == "lifecycle"
        and one["params"]["namespace"] == []
        and one["params"]["data"]["event"] in TERMINAL
        for one in envelopes
    )


def decoded(raw: bytes) -> list[Any]:
    """Return the envelopes in *raw*, whole events of a stream; each event is as its envelope says."""
    envelopes = []
    *blocks, rest = raw.decode().split("\r\n\r\n")
    assert rest == ""
    for block in blocks:
        if block != ": heartbeat":
            event, text, identity = block.split("\r\n")
            envelope = json.loads(text.removeprefix("data: "))
            assert event == f"event: {envelope['method']}"
            assert identity == f"id: {envelope['seq']}"
            envelopes.append(envelope)
    return envelopes


class Stream(threading.Thread):
    """Reads an event stream of the real server in the background, until it is closed."""

    def __init__(self, url: str, thread: str, selected: Any) -> None:
        super().__init__(daemon=True)
        self._news = threading.Condition()
        self._raw = b""
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=WITHIN)
        path = f"/threads/{thread}/stream/events"
        self._connection.request("POST", path, json.dumps(selected), JSON)
        self._response = self._connection.getresponse()
        self.headers = tuple((n.lower(), v) for n, v in self._response.getheaders())
        assert self._response.status == 200
        self.start()

    def run(self) -> None:
        with suppress(OSError, HTTPException):
            while chunk := self._response.read1(1 << 16):
                with self._news:
                    self._raw += chunk
                    self._news.notify_all()

    def close(self) -> None:
        """End the stream and its thread."""
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self.join()
        self._response.close()
        self._connection.close()

    def until(self, enough: Callable[[list[Any]], bool]) -> list[Any]:
        """Return the envelopes as soon as they are *enough*."""
        with self._news:
            assert self._news.wait_for(lambda: enough(self._envelopes()), WITHIN), self._envelopes()
            return self._envelopes()

    def _envelopes(self) -> list[Any]:
        whole = self._raw.rpartition(b"\r\n\r\n")
        return decoded(whole[0] + whole[1])


class Real:
    """The real server at *url*."""

    def __init__(self, url: str) -> None:
        self.thread = str(uuid4())
        self.replies: list[Any] = []
        self._hidden_run = "none"
        self._url = url
        self._stream = Stream(url, self.thread, EVERYTHING)
        self.headers = self._stream.headers

    def send(self, method: str, path: str, body: Any = None) -> Any:
        connection = HTTPConnection(urlsplit(self._url).netloc, timeout=WITHIN)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, f"/threads/{self.thread}{path}", raw, JSON)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        self.replies.append((response.status, json.loads(text) if text else None))
        if path == "/runs" and not body.get("stream_resumable"):
            self._hidden_run = self.replies[-1][1]["run_id"]
        return self.replies[-1][1]

    def events(self, runs: int) -> list[Any]:
        return self._stream.until(lambda envelopes: ended(envelopes) >= runs)

    def replay(self, **selected: Any) -> list[Any]:
        body = {**EVERYTHING, **selected}
        wanted = parse_filter(body)
        expected = [
            one
            for one in self.events(0)
            if _fits(wanted, one) and self._hidden_run not in one["event_id"]
        ]
        with closing(Stream(self._url, self.thread, body)) as stream:
            return stream.until(lambda envelopes: len(envelopes) >= len(expected))

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def close(self) -> None:
        self._stream.close()


def _fits(wanted: Filter, envelope: Any) -> bool:
    event = ThreadEvent("", envelope["method"], envelope["params"])
    return wanted.selects(event) and envelope["seq"] > wanted.since


class Fake:
    """The fake graph, asked in process."""

    def __init__(
        self, script: Script = twins.SCRIPT, graphs: tuple[str, ...] = twins.GRAPH_NAMES
    ) -> None:
        self.thread = "5a0b1c2d-0000-4000-8000-000000000000"
        self.replies: list[Any] = []
        self._api = Api(RunEngine(script), graphs)
        self._database = Database()
        self._now = 0.0
        self._count = 0
        self._envelopes: list[Any] = []
        response = self._handle("POST", "/stream/events", EVERYTHING)
        self.headers, self._stream = response.headers, response.body
        self._stream.subscribe(lambda: None)
        self._envelopes += self._read(self._stream)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        response = self._handle(method, path, body)
        text = b"".join(chunk for _, chunk in twins.steps_of(response.body))
        self._envelopes += self._read(self._stream)
        self.replies.append((response.status, json.loads(text) if text else None))
        return self.replies[-1][1]

    def events(self, runs: int) -> list[Any]:
        self._now += 1000.0 if ended(self._envelopes) < runs else 0.0
        self._envelopes += self._read(self._stream)
        assert ended(self._envelopes) >= runs
        return self._envelopes

    def replay(self, **selected: Any) -> list[Any]:
        stream = self._handle("POST", "/stream/events", {**EVERYTHING, **selected})
        return self._read(stream.body)

    def sleep(self, seconds: float) -> None:
        self._now += seconds
        self._envelopes += self._read(self._stream)

    def close(self) -> None:
        pass

    def _handle(self, method: str, path: str, body: Any) -> Any:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        self._count += 1
        request = Request(method, f"/threads/{self.thread}{path}", (), raw)
        return self._api.handle(request, IdGenerator(f"{self._count}"), self._database, self._now)

    def _read(self, stream: Any) -> list[Any]:
        return decoded(stream.read(self._now)[0])


def turn(text: str) -> Scenario:
    """Return a scenario of one run, and a second one that shows where the first one ended."""

    def play(to: Player) -> None:
        start(to, text)
        to.events(1)
        start(to, "hi")
        to.events(2)
        to.send("GET", "/state")
        to.replay()

    return play


def pending(to: Player, runs: int) -> list[Any]:
    """Return the interrupts of all runs, as soon as that many have ended."""
    return [one for one in to.events(runs) if one["method"] == "input.requested"]


def interrupted(text: str, answer: Any) -> Scenario:
    """Return a scenario in which a run asks, is answered, and another turn follows."""

    def play(to: Player) -> None:
        start(to, text)
        request = pending(to, 1)[-1]
        identity = request["params"]["data"]["interrupt_id"]
        place = request["params"]["namespace"]
        to.send("GET", "/state")
        command(to, "input.respond", namespace=place, interrupt_id="0" * 32, response=answer)
        command(to, "input.respond", namespace=place, interrupt_id=identity, response=answer)
        to.events(2)
        command(to, "input.respond", namespace=place, interrupt_id=identity, response=answer)
        start(to, "hi")
        to.events(3)
        to.send("GET", "/state")
        to.replay()

    return play


def answered_together(to: Player) -> None:
    start(to, "approve")
    identity = pending(to, 1)[-1]["params"]["data"]["interrupt_id"]
    known = {"interrupt_id": identity, "response": {"yes": [1]}, "namespace": []}
    unknown = {**known, "interrupt_id": "f" * 32}
    command(to, "input.respond", responses=[known, unknown])
    command(to, "input.respond", responses=[known])
    to.events(2)


def answered_by_input(to: Player) -> None:
    start(to, "ask first")
    pending(to, 1)
    command(to, "run.start", assistant_id="scripted", input="me")
    to.events(2)


def answered_with_update(to: Player) -> None:
    start(to, "interrupt")
    identity = pending(to, 1)[-1]["params"]["data"]["interrupt_id"]
    answer = {"interrupt_id": identity, "response": "send", "namespace": []}
    command(to, "input.respond", **answer, update={"notes": ["from the card"]})
    to.events(2)
    to.send("GET", "/state")


def state_without_messages(to: Player) -> None:
    command(to, "run.start", assistant_id="figures", input={"question": "x"})
    to.events(1)
    command(to, "run.start", assistant_id="figures", input={"question": "y"})
    to.events(2)


def without_command(text: str, *, replays: bool = True, **params: Any) -> Scenario:
    """Return a scenario with a run that `POST …/runs` starts, between two that commands start.

    A stream that is opened later shows it only if it is resumable.
    """

    def play(to: Player) -> None:
        start(to, "hi")
        to.events(1)
        to.send("POST", "/runs", {"assistant_id": "scripted", "input": said(text), **params})
        to.events(2)
        if replays:
            to.replay(channels=["lifecycle"])
        start(to, "hi")
        to.events(3)

    return play


def forked(to: Player) -> None:
    start(to, "hi")
    to.events(1)
    start(to, "tools of Rome")
    to.events(2)
    history = to.send("POST", "/history", {"limit": 20})
    first = next(one for one in history if len(one["values"]["messages"]) == 2)
    fork = {"configurable": {"checkpoint_id": first["checkpoint"]["checkpoint_id"]}}
    start(to, "calls in a row", config=fork)
    to.events(3)
    command(to, "run.start", assistant_id="scripted", input=None, config=fork)
    to.events(4)


def cancelled(to: Player) -> None:
    run = start(to, "now and then")["result"]["run_id"]
    to.sleep(2)
    to.send("POST", f"/runs/{run}/cancel?wait=0&action=interrupt")
    to.events(1)
    start(to, "hi")
    to.events(2)


def second(ends: int, **params: Any) -> Scenario:
    """Return a scenario in which another run starts while one is running; as many as *ends* are told to end."""

    def play(to: Player) -> None:
        start(to, "now and then")
        to.sleep(2)
        start(to, "hi", **params)
        to.events(ends)

    return play


def selected(to: Player) -> None:
    start(to, "delegate")
    to.events(1)
    start(to, "hi")
    to.events(2)
    lifecycle = {"channels": ["lifecycle"]}
    to.replay(**lifecycle)
    to.replay(**lifecycle, namespaces=[["researcher"]])
    to.replay(channels=["messages", "lifecycle"], namespaces=[[]], depth=0)
    to.replay(namespaces=[[]], depth=0, since=12)


def errors(to: Player) -> None:
    """Send everything that a command must not be."""
    to.send("POST", "/commands", b"{")
    malformed: list[Any] = [
        [],
        {},
        {"id": 1},
        {"id": "1", "method": "x"},
        {"id": 1.5, "method": "x"},
    ]
    for body in malformed:
        to.send("POST", "/commands", body)
    to.send("POST", "/commands", {"id": True, "method": "run.start"})
    to.send("POST", "/commands", {"id": 3, "method": "run.start", "params": []})
    command(to, "input.inject")
    command(to, "agent.getTree")
    command(to, "subscription.reconnect", channels=["values"], since=0)
    for channels in (None, [], ["nothing"], [1], ["values", "custom:", "custom:x"]):
        command(to, "subscription.subscribe", channels=channels)
        to.send("POST", "/stream/events", {"channels": channels})
    command(to, "subscription.subscribe", channels=["values", "custom:x"])
    command(to, "subscription.unsubscribe")
    command(to, "subscription.unsubscribe", subscription_id="x")
    to.send("POST", "/stream/events", b"[")
    to.send("POST", "/stream/events", b"[]")
    for assistant in (None, "", 1, "nope", str(uuid4())):
        command(to, "run.start", assistant_id=assistant)
    for checkpoint in ("", 1, "x", str(uuid4())):
        fork = {"configurable": {"checkpoint_id": checkpoint}}
        start(to, "hi", config=fork)
    for tracer in ("x", {"a": "b", "c": 1}, {"project_name": 1}):
        start(to, "hi", langsmith_tracer=tracer)
    command(to, "input.respond")
    command(to, "input.respond", interrupt_id="x", namespace="y")
    command(to, "input.respond", interrupt_id="x", response="y")
    several: list[Any] = [[], [1], [{}], [{"interrupt_id": "x", "namespace": [1]}]]
    for responses in several:
        command(to, "input.respond", responses=responses)
    to.events(1)


def malformed_thread(to: Player) -> None:
    to.thread = "not-a-uuid"
    start(to, "hi")
    command(to, "input.respond", interrupt_id="x", response="y")


SCENARIOS: dict[str, Scenario] = {
    "answered together": answered_together,
    "answered by input": answered_by_input,
    "answered with an update": answered_with_update,
    "a state without messages": state_without_messages,
    "forked": forked,
    "without a command": without_command(
        "tools of Rome", stream_mode=["values", "updates", "messages", "custom", "tasks"]
    ),
    "without a command, resumable": without_command(
        "tools of Rome", stream_mode=["updates", "custom"], stream_resumable=True
    ),
    "without a command, with subgraphs": without_command(
        "delegate", stream_mode=["updates", "values"], stream_subgraphs=True
    ),
    "without a command, interrupted": without_command(
        "interrupt", replays=False, stream_mode=["updates"]
    ),
    "without a command, failing": without_command("fail at once"),
    "cancelled": cancelled,
    "second": second(2),
    "second rejected": second(1, multitaskStrategy="reject"),
    "second interrupting": second(2, multitaskStrategy="interrupt"),
    "second rolling back": second(1, multitaskStrategy="rollback"),
    "selected": selected,
    "errors": errors,
    "a malformed thread": malformed_thread,
    **{
        f"interrupted: {text}": interrupted(text, answer)
        for text, answer in (
            ("interrupt", "send"),
            ("approve", {"a": 1}),
            ("ask first", "me"),
            ("ask within", [1]),
        )
    },
}
