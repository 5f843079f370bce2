"""The comparison of the fake with its twin: what it lets pass, and that it lets nothing else pass."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.real import twins
from tests.real.scenarios import said
from tests.real.wire import Ask, Seen

BODY = {"assistant_id": "scripted", "input": said("tools of Paris")}
STREAM = Ask(
    "POST", "/runs/stream", {**BODY, "stream_mode": ["events", "values", "messages-tuple"]}
)
WAIT = Ask("POST", "/runs/wait", BODY)
SAVED = Ask(
    "POST", "/runs/stream", {**BODY, "stream_mode": ["checkpoints"], "on_completion": "keep"}
)
UNSORTED = Ask("POST", "/runs/wait", {**BODY, "input": {"count": 5, "notes": ["x"], **said("hi")}})

Change = Callable[[str], str]


def put(old: str, new: str, times: int = 1) -> Change:
    """Return the change of *old* to *new* in an answer that holds it."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, times)

    return change


def swapped(first: int, second: int) -> Change:
    """Return the change that swaps two events."""

    def change(text: str) -> str:
        events = text.split("\r\n\r\n")
        events[first], events[second] = events[second], events[first]
        return "\r\n\r\n".join(events)

    return change


def dropped(number: int) -> Change:
    """Return the change that leaves an event out."""

    def change(text: str) -> str:
        events = text.split("\r\n\r\n")
        del events[number]
        return "\r\n\r\n".join(events)

    return change


def changed(seen: Seen, change: Change) -> Seen:
    return replace(seen, chunks=((0.0, change(seen.raw.decode()).encode()),))


def race_decided_otherwise(text: str) -> str:
    """All events of the mode `events` come last."""
    *events, end = text.split("\r\n\r\n")
    events.sort(key=lambda event: event.startswith("event: events\r\n"))
    return "\r\n\r\n".join([*events, end])


def difference(ask: Ask, change: Change) -> str | None:
    """Return how a response differs from itself after a *change*, or None."""
    seen = twins.fake(ask)
    return twins.normalize(ask, changed(seen, change)).difference(twins.normalize(ask, seen))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put("sunny", "rainy"), id="a text"),
        pytest.param(put('"name":null', '"name":""'), id="a null"),
        pytest.param(put('"attempt":1', '"attempt":1.0'), id="a number's type"),
        pytest.param(put("2.5", "25e-1"), id="a number's spelling"),
        pytest.param(put("2.5", "2.50"), id="a number's zeros"),
        pytest.param(put("°", "\\u00b0"), id="an escape"),
        pytest.param(put('"attempt":1', '"attempt": 1'), id="a space"),
        pytest.param(put(',"attempt":1', ""), id="a missing key"),
        pytest.param(put('"attempt":1', '"attempt":1,"more":null'), id="one key more"),
        pytest.param(put('"type":"ai","name":null', '"name":null,"type":"ai"'), id="keys swapped"),
        pytest.param(put('"langgraph_step":1,', '"langgraph_step":2,'), id="a step"),
        pytest.param(put('"type":"human"', '"type":"user"'), id="a type"),
        pytest.param(put("event: values", "event: updates"), id="an event's name"),
        pytest.param(put("event: values", "event:values"), id="a space in an event"),
        pytest.param(put("}\r\n\r\nevent: values", "}\r\nid: 1767225600000-0\r\n\r\nevent: values"), id="an event's id"),
        pytest.param(dropped(7), id="a missing event"),
        pytest.param(swapped(5, 7), id="events of one mode swapped"),
        pytest.param(put("lc_run--019b76da", "lc_run--019b76db", 3), id="an id that is another's no more"),
        pytest.param(put("lc_run--", "run--"), id="a prefix"),
    ],
)  # fmt: skip
def test_a_change_of_a_stream_is_noticed(change: Change) -> None:
    assert difference(STREAM, change) is not None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put("sunny", "rainy"), id="a text"),
        pytest.param(put(',"status":"success"', ""), id="a missing key"),
        pytest.param(put("{", "{ "), id="a space"),
        pytest.param(put('-0"', '"'), id="a suffix"),
        pytest.param(lambda text: text + "\n", id="a line behind it"),
    ],
)
def test_a_change_of_a_wait_is_noticed(change: Change) -> None:
    assert difference(WAIT, change) is not None


def tasks_without_version(text: str) -> str:
    """The ids of tasks are no UUIDs of any version."""
    assert re.search(r"tools:[0-9a-f-]{14}5", text)
    tasks = set(re.findall(r"(?:agent|tools):([0-9a-f-]{36})", text))
    for task in tasks:
        text = text.replace(task, f"{task[:14]}0{task[15:19]}0{task[20:]}")
    return text


PASSED: dict[str, tuple[Ask, Change]] = {
    "ids": (WAIT, put("019b76da-a800", "01a20528-9867", 9999)),
    "tasks": (STREAM, tasks_without_version),
    "versions": (STREAM, put("1.2.22", "9.9.9", 9999)),
    "metadata": (STREAM, put('"graph_id":"scripted","thread_id":', '"thread_id":"x","graph_id":"scripted","thread_id":')),
    "events": (STREAM, race_decided_otherwise),
    "heartbeats": (STREAM, put("\r\n\r\n", "\r\n\r\n: heartbeat\r\n\r\n")),
    "newlines": (WAIT, lambda text: "\n\n" + text),
    "saved": (SAVED, put('"source":"loop","step":0', '"step":0,"source":"loop"', 9)),
    "state": (UNSORTED, put('"count":5,"notes":["x"]', '"notes":["x"],"count":5')),
}  # fmt: skip


@pytest.mark.parametrize("name", twins.DIFFERENCES)
def test_a_known_difference_is_ignored(name: str) -> None:
    ask, change = PASSED[name]

    assert difference(ask, change) is None


def test_an_answer_is_as_itself() -> None:
    assert difference(STREAM, str) is None
    assert set(PASSED) == set(twins.DIFFERENCES)


def test_status_and_headers_are_compared() -> None:
    seen = twins.fake(STREAM)
    same = twins.normalize(STREAM, seen)
    kind = ("content-type", "text/plain")

    assert twins.normalize(STREAM, replace(seen, status=201)).difference(same) is not None
    for headers in ((*seen.headers[:-1], kind), seen.headers[::-1], seen.headers[1:]):
        assert twins.normalize(STREAM, replace(seen, headers=headers)).difference(same) is not None


@pytest.mark.parametrize("version", [1, 5])
@pytest.mark.parametrize("ask", [STREAM, WAIT], ids=["stream", "wait"])
@pytest.mark.parametrize("own", [4, 7])
def test_the_version_of_a_uuid_is_compared(own: int, version: int, ask: Ask) -> None:
    def change(text: str) -> str:
        changed, count = re.subn(rf"-{own}(...-[89ab])", rf"-{version}\1", text)
        assert count
        return changed

    assert difference(ask, change) is not None


def test_what_differs_is_shown() -> None:
    found = difference(WAIT, put("It is 21 °C", "It is 22 °C"))

    assert found is not None
    first, one, but, other = found.split("\n")
    assert (first, but) == ("line 4:", "but the other")
    assert "It is 22 °C and sunny in" in one
    assert "It is 21 °C and sunny in" in other
