"""Conversations over event streams: commands are turns, and the events of a live thread follow them."""

import json
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any

import pytest

from mockserver.cassette.model import Stream, TimedEvent
from mockserver.conversations.live_events import LiveEvents
from mockserver.conversations.live_threads import LiveThread
from mockserver.fake.api.start_runs import START_SECONDS
from mockserver.fake.graph.stream_events import END_SECONDS
from mockserver.fake.thread_log.filter import parse_filter
from mockserver.fake.threads.event_stream_reader import EventStreamReader
from mockserver.formats.sse import Event
from mockserver.http.pacing import Pace
from tests.conversations.event_scenes import ALL, envelope, respond, start, status, stream, values
from tests.conversations.scenes import Session, exchange, index_conversations, made

T, OTHER, MINE = made(1, 1), made(1, 2), made(1, 9)
R1, R2 = made(2, 1), made(2, 2)
SENT, SAID = made(4, 1, 1), f"lc_run--{R1}"
ASKED = envelope(3, "input.requested", {"interrupt_id": "i" * 32, "payload": "?"})
CHAT = (
    start(T, "hi", R1, at=0.0),
    stream(
        T,
        0.1,
        (0.5, status(1, R1, "running")),
        (1.5, values(2, ("human", "hi", SENT), ("ai", "hello", SAID))),
        (3.5, ASKED),
        (3.5, status(4, R1, "interrupted")),
        (11.0, status(5, R2, "running")),
        (12.0, status(6, R2, "completed")),
    ),
    respond(T, "i" * 32, at=10.0),
)


def run(text: str, number: int = 1, message: str = SENT) -> dict[str, Any]:
    """Return the command that starts a run."""
    sent = {"type": "human", "content": text, "id": message}
    params = {"assistant_id": "agent", "input": {"messages": [sent]}}
    return {"id": number, "method": "run.start", "params": params}


def answer(number: int = 2) -> dict[str, Any]:
    """Return the command that answers the interrupt."""
    params = {"interrupt_id": "i" * 32, "response": "yes"}
    return {"id": number, "method": "input.respond", "params": params}


class Chats:
    """A session that replays event streams; each turn is answered at once."""

    def __init__(self, *cassettes: Any, pace: Pace | None = None) -> None:
        self.session = Session(index_conversations(*cassettes))
        self.pace = pace or Pace(None)

    def send(self, thread: str, body: Any) -> Any:
        """Return what is answered to a command, None if nothing is."""
        session = self.session
        answered = session.ask("POST", f"/threads/{thread}/commands", body)
        if session.answer is not None and session.answer.is_turn:
            recorded = session.answer.conversation.events
            self.live(thread).start_events(recorded, self.pace, session.now)
        return answered

    def live(self, thread: str) -> LiveThread:
        found = self.session.threads.get(thread)
        assert found is not None
        return found

    def events(self, thread: str) -> LiveEvents:
        events = self.live(thread).events
        assert events is not None
        return events

    def read(self, thread: str) -> list[dict[str, Any]]:
        """Return the events of *thread* until now; without a pace, a second later."""
        events = self.events(thread)
        self.session.now += 1.0 if self.pace.factor is None else 0.0
        events.advance(self.session.now)
        return [one.envelope for one in events.log.after(0)]


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [one["seq"] for one in events]


def test_a_turn_brings_its_events() -> None:
    chats = Chats(CHAT)
    chats.send(MINE, run("hi"))
    first = numbers(chats.read(MINE))
    chats.send(MINE, answer())

    assert first == [1, 2, 3, 4]
    assert numbers(chats.read(MINE)) == [1, 2, 3, 4, 5, 6]


def test_events_come_at_the_recorded_pace() -> None:
    chats = Chats(CHAT, pace=Pace(1.0))
    chats.send(MINE, run("hi"))
    seen: list[tuple[list[int], float]] = []
    for chats.session.now in (0.0, 0.5, 1.6, 3.5):
        seen.append((numbers(chats.read(MINE)), chats.events(MINE).next_event()))

    assert seen == [([], 0.5), ([1], 1.5), ([1, 2], 3.5), ([1, 2, 3, 4], inf)]
    assert chats.events(MINE).run_ends_at == 3.5


def test_a_run_begins_late_enough_for_streams_and_ends_late_enough_for_readers() -> None:
    chats = Chats(CHAT)
    chats.send(MINE, run("hi"))
    begins, ends = chats.events(MINE).next_event(), chats.events(MINE).run_ends_at

    assert (begins, ends) == pytest.approx((START_SECONDS, START_SECONDS + END_SECONDS))


def test_the_next_turn_brings_what_is_still_due_first() -> None:
    chats = Chats(CHAT, pace=Pace(1.0))
    chats.send(MINE, run("hi"))
    chats.send(MINE, answer())

    assert numbers(chats.read(MINE)) == [1, 2, 3, 4]
    chats.session.now = 5.0
    assert numbers(chats.read(MINE)) == [1, 2, 3, 4, 5, 6]


def test_the_number_of_a_command_does_not_count() -> None:
    chats = Chats(CHAT)

    assert chats.send(MINE, run("hi", number=7))["result"] == {"run_id": R1}
    assert chats.send(MINE, answer(number=1))["result"] == {}


def test_each_visit_has_its_ids() -> None:
    chats = Chats(CHAT)
    visits = [made(1, number) for number in (11, 12, 13)]
    shown: list[Any] = []
    for number, thread in enumerate(visits):
        message = made(4, 7, number)
        run_id = chats.send(thread, run("hi", message=message))["result"]["run_id"]
        first, state, *_ = chats.read(thread)
        human, ai = state["params"]["data"]["messages"]
        assert first["event_id"] == f"synth:{run_id}:lc||running"
        assert human["id"] == message
        assert T not in json.dumps(chats.read(thread))
        shown.append((run_id, ai["id"]))

    assert shown[0] == (R1, SAID)
    assert len(set(shown)) == 3
    assert len({ai for _, ai in shown}) == 3


def test_events_keep_the_spelling_of_their_json() -> None:
    """There are other spellings of numbers and characters, and the server replaces NUL characters."""
    raw = (
        '{"type":"event","event_id":"synth:%s:lc|a\\ufffdb|%s","seq":%d,"method":"values","params":'
        '{"namespace":[],"timestamp":5,"data":{"n":[1e22,1E-7,1.0],"run_id":"%s","text":"\\u00e9\\/é"}}}'
    )
    content = Stream(
        tuple(
            TimedEvent(0.5, Event((("event", "values"), ("data", raw % (R1, name, 3, R1)))))
            for name in ("x", "y")
        )
    )
    shown = stream(T, 0.1)
    response = replace(shown.response, content=content)
    chats = Chats((start(T, "hi", R1, at=0.0), replace(shown, response=response)))
    runs: list[str] = []
    sent: list[str] = []
    for thread in (OTHER, MINE):
        runs.append(chats.send(thread, run("hi"))["result"]["run_id"])
        body = EventStreamReader(parse_filter(ALL), partial(chats.events, thread), set())
        sent.append(body.read(inf)[0].decode())

    assert runs[0] == R1 != runs[1]
    assert sent == [
        f"event: values\r\ndata: {raw % (one, 'x', 3, one)}\r\nid: 3\r\n\r\n"
        f"event: values\r\ndata: {raw % (one, 'y', 4, one)}\r\nid: 4\r\n\r\n"
        for one in runs
    ]


def test_what_waits_for_a_cancellation_comes_after_it() -> None:
    cancel = exchange("POST", f"/threads/{T}/runs/{R1}/cancel", None, {}, status=202, at=2.0)
    events = (0.5, status(1, R1, "running")), (2.5, status(2, R1, "interrupted"))
    cassette = start(T, "hi", R1, at=0.0), stream(T, 0.0, *events), cancel
    chats = Chats(cassette, pace=Pace(1.0))
    chats.send(MINE, run("hi"))
    chats.session.now = 60.0
    before, ends_at = numbers(chats.read(MINE)), chats.events(MINE).run_ends_at
    chats.events(MINE).cancel(60.0)
    during, due = numbers(chats.read(MINE)), chats.events(MINE).next_event()
    chats.session.now = 61.0

    assert (before, ends_at) == ([1], inf)
    assert (during, due) == ([1], 60.5)
    assert numbers(chats.read(MINE)) == [1, 2]


@pytest.mark.parametrize("status_at_end", ["completed", "interrupted"])
def test_a_read_that_was_recorded_after_the_run_waits_for_its_end(status_at_end: str) -> None:
    events = (0.5, status(1, R1, "running")), (4.0, status(2, R1, status_at_end))
    state = exchange("GET", f"/threads/{T}/state", None, {"values": {}}, at=5.0)
    cancel = exchange("POST", f"/threads/{T}/runs/{R1}/cancel", None, {}, status=202, at=3.0)
    more = () if status_at_end == "completed" else (cancel,)
    chats = Chats((start(T, "hi", R1, at=0.0), stream(T, 0.0, *events), *more, state), pace=Pace(1.0))  # fmt: skip
    chats.send(MINE, run("hi"))
    chats.live(MINE).runs_until = chats.events(MINE).run_ends_at
    chats.session.now = 1.0
    during = chats.session.ask("GET", f"/threads/{MINE}/state")
    waits_until = chats.session.answer and chats.session.answer.waits_until
    chats.session.now = 4.0
    chats.live(MINE).runs_until = 4.0
    after = chats.session.ask("GET", f"/threads/{MINE}/state")

    assert after == {"values": {}}
    assert chats.session.answer is not None
    assert chats.session.answer.waits_until == -inf
    if status_at_end == "completed":
        assert (during, waits_until) == (after, 4.0)
    else:
        assert during is None


def test_a_thread_that_goes_back_begins_another_log() -> None:
    chats = Chats(CHAT)
    chats.send(MINE, run("hi"))
    chats.send(MINE, answer())
    chats.read(MINE)
    chats.send(MINE, run("hi"))

    assert numbers(chats.read(MINE)) == [1, 2, 3, 4]


def test_a_thread_does_not_go_back_while_a_client_follows_its_events() -> None:
    chats = Chats(CHAT)
    chats.send(MINE, run("hi"))
    chats.send(MINE, answer())
    chats.session.threads.open_streams[MINE] += 1

    assert chats.send(MINE, run("hi")) is None


def test_conversations_whose_events_differ_are_not_alike() -> None:
    def chat(thread: str, text: str, last: str) -> tuple[Any, ...]:
        said = ("ai", text, SAID)
        events = [(0.1, status(1, R1, "running")), (0.2, values(2, said))]
        more = [(5.1, status(3, R2, "running"))]
        return (
            start(thread, "hi", R1),
            start(thread, last, R2, number=2),
            stream(thread, None, *events, *more),
        )

    chats = Chats(chat(T, "hello", "one"), chat(OTHER, "bye", "two"))
    chats.send(MINE, run("hi"))

    assert chats.send(MINE, run("two")) is None
    assert "answered an earlier one differently" in chats.session.refusal

    same = Chats(chat(T, "hello", "one"), chat(OTHER, "hello", "two"))
    same.send(MINE, run("hi"))
    assert same.send(MINE, run("two"))["result"] == {"run_id": R2}


def test_a_refused_command_may_come_first() -> None:
    body = run("hi")
    refusal = {"type": "error", "id": 1, "error": "unknown_error", "message": "422: Invalid"}
    chats = Chats((exchange("POST", f"/threads/{T}/commands", body, refusal), *CHAT))
    first, second = chats.send(MINE, body), chats.send(MINE, body)

    assert (first["type"], second["type"]) == ("error", "success")


@pytest.mark.parametrize(
    "params",
    [
        {"config": {"configurable": {"thread_id": MINE}}},
        {"multitaskStrategy": "enqueue", "multitask_strategy": "enqueue"},
    ],
)
def test_what_a_command_says_twice_does_not_count(params: dict[str, Any]) -> None:
    body = run("hi")
    body["params"] |= params

    assert Chats(CHAT).send(MINE, body) is not None


def test_a_deep_link_shows_the_past() -> None:
    state = exchange("GET", f"/threads/{T}/state", None, {"values": {}})
    chats = Chats((*CHAT[:2], state, CHAT[2]))
    chats.session.ask("GET", f"/threads/{T}/state")
    live = chats.live(T)
    recorded = chats.session.conversations.all[0].events
    live.get_events(recorded, chats.pace)

    assert numbers(chats.read(T)) == [1, 2, 3, 4]


def test_a_state_that_was_read_after_the_run_waits_for_its_end() -> None:
    """The Python SDK reads it when a subgraph completes, which may be before that."""
    events = (0.5, status(1, R1, "running")), (2.5, status(2, R1, "completed"))
    state = exchange("GET", f"/threads/{T}/state", None, {"values": {"done": True}}, at=3.0)
    chats = Chats((start(T, "hi", R1, at=0.0), stream(T, 0.1, *events), state), pace=Pace(1.0))
    chats.send(MINE, run("hi"))
    live = chats.live(MINE)
    live.runs_until = chats.events(MINE).run_ends_at
    answers = []
    for chats.session.now in (1.0, 4.0):
        got = chats.session.ask("GET", f"/threads/{MINE}/state")
        answers.append((got, chats.session.answer and chats.session.answer.waits_until))

    assert answers == [({"values": {"done": True}}, 2.5), ({"values": {"done": True}}, -inf)]
