"""Event streams as time goes by; what they say is compared with the real server in `tests/real/test_event_truth.py`."""

import json
from math import inf
from typing import Any

import pytest

from mockserver.fake.thread_log.filter import Filter
from mockserver.fake.threads.event_stream_reader import MAX_CHUNK, EventStreamReader
from mockserver.fake.threads.thread import Action, Thread, ThreadEvents
from tests.fake.threads.test_thread import Clock

LIFECYCLE = Filter(frozenset(["lifecycle"]))
ALL = Filter(frozenset(["lifecycle", "values", "messages", "input"]))


class Streams:
    """Event streams of one thread."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.threads: dict[str, Thread] = {}
        self.watchers = self.clock.thread.watchers

    def open(self, selected: Filter) -> EventStreamReader:
        return EventStreamReader(selected, self.find_source, self.watchers)

    def find_source(self) -> ThreadEvents | None:
        thread = self.threads.get("T")
        return ThreadEvents(thread, self.clock.runs.play) if thread else None

    def add(self, said: str, now: float) -> Any:
        run = self.clock.add(said, now, for_event_streams=True, subgraphs=True)
        self.threads["T"] = self.clock.thread
        return run


def read(stream: EventStreamReader, now: float) -> list[Any]:
    """Return what the events of *stream* bring until *now*."""
    blocks = stream.read(now)[0].decode().split("\r\n\r\n")[:-1]
    envelopes = [json.loads(block.split("\r\n")[1].removeprefix("data: ")) for block in blocks]
    return [one["params"]["data"] for one in envelopes]


def lifecycle(status: str, **more: Any) -> dict[str, Any]:
    return {"event": status, "graph_name": "chat", **more}


def test_events_come_when_they_are_due() -> None:
    streams = Streams()
    stream = streams.open(ALL)
    idle = stream.read(0.0)
    streams.add("hi", 10.0)
    first, due = read(stream, 10.0), stream.read(10.0)[1]
    rest = read(stream, 11.0)
    end = stream.read(11.0)[1]

    assert idle == (b"", inf)
    assert [one.get("event") for one in first] == ["running", None]
    assert due == 11.0
    assert rest[0]["event"] == "message-start"
    assert rest[-1]["messages"][-1]["content"][0]["text"] == "Hi."
    assert 11.0 < end < 12.0
    assert read(stream, end) == [lifecycle("completed")]
    assert stream.read(12.0) == (b"", inf)


def test_another_stream_begins_with_the_first_event() -> None:
    streams = Streams()
    streams.add("hi", 0.0)
    streams.add("hi", 5.0)
    late = streams.open(LIFECYCLE)

    assert [one["event"] for one in read(late, 9.0)] == ["running", "completed"] * 2


def test_a_long_past_comes_in_pieces() -> None:
    streams = Streams()
    streams.add("hi" * MAX_CHUNK, 0.0)
    streams.add("ho" * MAX_CHUNK, 0.0)
    whole = streams.open(ALL)
    pieces = []
    more = 100.0
    while more == 100.0:
        chunk, more = whole.read(100.0)
        pieces.append(chunk)
    events = b"".join(pieces).split(b"\r\n\r\n")[:-1]

    assert more == inf
    assert len(pieces) > 2
    assert all(piece.count(b"event: values") <= 1 for piece in pieces)
    assert [one.rpartition(b"id: ")[2] for one in events] == [
        b"%d" % (number + 1) for number in range(len(events))
    ]


def test_a_run_that_waits_is_expected() -> None:
    streams = Streams()
    streams.add("slow", 0.0)
    streams.add("hi", 1.0)
    stream = streams.open(LIFECYCLE)

    assert [one["event"] for one in read(stream, 6.5)] == ["running", "completed", "running"]


def test_every_stream_shows_the_error_of_a_run() -> None:
    streams = Streams()
    before = streams.open(LIFECYCLE)
    streams.add("fail", 0.0)
    ended = read(before, 9.0)
    after = streams.open(LIFECYCLE)

    assert ended[-1] == read(after, 9.0)[-1] == lifecycle("failed", error="no")


def test_an_interrupt_ends_a_run() -> None:
    streams = Streams()
    streams.add("ask", 0.0)
    stream = streams.open(LIFECYCLE)

    assert [one["event"] for one in read(stream, 9.0)] == ["running", "interrupted"]


def test_a_cancelled_run_is_interrupted_and_sends_no_more() -> None:
    streams = Streams()
    run = streams.add("slow", 0.0)
    stream = streams.open(ALL)
    changes: list[int] = []
    ignore = stream.subscribe(lambda: changes.append(1))
    read(stream, 2.0)
    streams.clock.thread.cancel(run, Action.INTERRUPT, 2.0, "because")
    ignore()
    streams.clock.thread.cancel(streams.add("slow", 3.0), Action.INTERRUPT, 4.0, None)

    assert changes == [1]
    assert read(stream, 2.0)[0] == lifecycle("interrupted")
    assert read(stream, 99.0) == []


def test_a_run_that_is_rolled_back_has_no_end_and_later_streams_do_not_show_it() -> None:
    streams = Streams()
    run = streams.add("slow", 0.0)
    stream = streams.open(LIFECYCLE)
    seen = read(stream, 1.0)
    streams.clock.thread.cancel(run, Action.ROLLBACK, 2.0, "because")

    assert seen == [lifecycle("running")]
    assert read(stream, 99.0) == []
    assert read(streams.open(LIFECYCLE), 99.0) == []


@pytest.mark.parametrize("resumable", [False, True])
def test_a_run_without_a_command_is_shown_to_the_open_streams(resumable: bool) -> None:
    streams = Streams()
    early = streams.open(ALL)
    read(early, 0.0)
    streams.threads["T"] = streams.clock.thread
    streams.clock.thread.has_streams = True
    streams.clock.add("hi", 1.0, "values", "updates", resumable=resumable)
    seen = read(early, 9.0)
    later = read(streams.open(LIFECYCLE), 9.0)

    assert seen[0] == lifecycle("running")
    assert [one["content"] for one in seen[-2]["messages"]] == ["hi", "Hi."]
    assert seen[-1] == lifecycle("completed")
    assert later == ([lifecycle("running"), lifecycle("completed")] if resumable else [])


def test_a_run_without_a_command_asks_and_fails() -> None:
    streams = Streams()
    streams.threads["T"] = streams.clock.thread
    early = streams.open(LIFECYCLE)
    read(early, 0.0)
    streams.clock.add("ask", 1.0, "updates")
    asked = read(early, 9.0)
    streams.clock.add("fail", 10.0)

    assert [one["event"] for one in asked] == ["running", "interrupted"]
    assert read(early, 19.0)[-1] == lifecycle("failed", error="no")


def test_a_client_that_leaves_changes_nothing() -> None:
    streams = Streams()
    streams.add("slow", 0.0)
    stream = streams.open(LIFECYCLE)
    stream.client_left(1.0)

    assert [one["event"] for one in read(stream, 99.0)] == ["running", "completed"]


def test_a_new_thread_with_the_same_id_begins_again() -> None:
    streams = Streams()
    streams.add("hi", 0.0)
    stream = streams.open(LIFECYCLE)
    read(stream, 2.0)
    streams.clock = Clock()
    streams.add("hi", 3.0)

    assert [one["event"] for one in read(stream, 9.0)] == ["running", "completed"]
