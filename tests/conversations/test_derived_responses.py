"""Responses made from a recorded one. tests/real/test_derived.py compares them with those of the real server."""

from collections.abc import Iterable
from typing import Any

import pytest

from mockserver.cassette.model import Body, End, Ending, Exchange, Response, Stream, TimedEvent
from mockserver.conversations.derived_responses import derive_existing_run, derive_run
from mockserver.formats.json_text import dumps
from mockserver.formats.sse import LF, Event
from mockserver.http.messages import Headers, Request

RUN = "01a21cc4-1db5-7622-9899-248290c1ab55"
THREAD = "01a21cc4-1db5-7622-9899-2483471ddeb8"
STATELESS = f"/runs/{RUN}"
ON_THREAD = f"/threads/{THREAD}/runs/{RUN}"
JSON = ("content-type", "application/json")


def stream_headers(run: str) -> Headers:
    return (
        ("location", f"{run}/stream"),
        ("content-location", run),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("content-type", "text/event-stream; charset=utf-8"),
    )


def wait_headers(run: str) -> Headers:
    return (("location", f"{run}/join"), ("content-location", run), JSON)


def event(name: str, data: str, after: float = 0.0, identity: str | None = None) -> TimedEvent:
    fields = (("event", name), ("data", data))
    return TimedEvent(after, Event((*fields, ("id", identity)) if identity else fields))


METADATA = event("metadata", f'{{"run_id":"{RUN}","attempt":1}}', 0.1)
INPUT = event("values", '{"count":0}', 0.2)
UPDATE = event("updates", '{"node":{"count":1}}', 0.4)
TOKEN = event("messages", '[{"content":"hi","type":"AIMessageChunk","id":"lc_run--1"},{}]', 0.8)
HEARTBEAT = TimedEvent(1.6, Event((("comment", "heartbeat"),)))
LAST = event("values", '{"count":1}', 3.2)
CUSTOM = event("custom", "1", 6.4)
ERROR = event("error", '{"error":"ValueError","message":"kaboom"}', 0.5)
EVENTS = (METADATA, INPUT, UPDATE, TOKEN, HEARTBEAT, LAST, CUSTOM)
MODES = ["values", "updates", "messages-tuple", "custom"]
ASK = {"value": "Send it?", "id": "a" * 32, "response_schema": None}
ASK_TOO = {"value": {"to": "whom"}, "id": "b" * 32, "response_schema": None}


def interrupt(*interrupts: Any, mode: str = "values", **state: Any) -> TimedEvent:
    return event(mode, dumps({**state, "__interrupt__": list(interrupts)}))


def run(path: str = "/runs/stream", modes: Any = None, **body: Any) -> Request:
    mode = {} if modes is None else {"stream_mode": modes}
    raw = dumps({"assistant_id": "agent", "input": {"count": 0}, **mode, **body}).encode()
    return Request("POST", path, (), raw)


def recorded(
    *events: TimedEvent,
    modes: Any = MODES,
    path: str = "/runs/stream",
    end: End | None = None,
    headers: Headers | None = None,
    **body: Any,
) -> Exchange:
    """Return a recorded stream."""
    if headers is None:
        headers = stream_headers(ON_THREAD if path.startswith("/threads") else STATELESS)
    response = Response(headers=headers, content=Stream(events), end=end or End(0.25))
    return Exchange(run(path, modes, **body), response)


def waited(raw: bytes, modes: Any = None, **body: Any) -> Exchange:
    """Return a recorded run on a thread that its client waited for."""
    response = Response(headers=wait_headers(ON_THREAD), content=Body(raw, 1.5), end=End())
    return Exchange(run(f"/threads/{THREAD}/runs/wait", modes, **body), response)


def stream(events: Iterable[TimedEvent], after: float) -> Response:
    return Response(
        headers=stream_headers(STATELESS), content=Stream(tuple(events)), end=End(after)
    )


def at(timed: TimedEvent, after: float) -> TimedEvent:
    return TimedEvent(after, timed.event)


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        pytest.param(MODES, stream(EVENTS, 0.25), id="all modes"),
        pytest.param(
            "updates",
            stream([METADATA, at(UPDATE, 0.6), at(HEARTBEAT, 2.4)], 9.85),
            id="one mode",
        ),
        pytest.param(
            None,
            stream([METADATA, INPUT, at(HEARTBEAT, 2.8), LAST], 6.65),
            id="the default mode",
        ),
        pytest.param(
            ["messages-tuple", "custom"],
            stream([METADATA, at(TOKEN, 1.4), HEARTBEAT, at(CUSTOM, 9.6)], 0.25),
            id="two modes",
        ),
    ],
)
def test_fewer_modes_have_their_events_at_the_recorded_times(
    modes: Any, expected: Response
) -> None:
    assert derive_run(recorded(*EVENTS), run(modes=modes)) == expected


def test_a_failed_run_fails_in_every_mode() -> None:
    response = derive_run(recorded(METADATA, INPUT, UPDATE, ERROR), run(modes="custom"))

    assert response == stream([METADATA, at(ERROR, 1.1)], 0.25)


def test_events_keep_their_namespaces_and_ids() -> None:
    within = event("updates|inner:1", '{"node":null}', 0.0, "17-1")
    source = recorded(METADATA, within, INPUT, modes=["values", "updates"], stream_resumable=True)
    response = derive_run(source, run(modes="updates", stream_resumable=True))

    assert response is not None
    assert response.content == Stream((METADATA, within))


def test_a_hand_written_response_has_no_end_and_its_own_line_ending() -> None:
    written = Response(content=Stream((METADATA, INPUT, UPDATE), LF))
    response = derive_run(Exchange(run(modes=["values", "updates"]), written), run(modes="values"))

    assert response == Response(content=Stream((METADATA, INPUT), LF))


PARTIAL = event("messages/partial", "[]")
TOOL = event("updates", '{"tools":{"messages":[{"type":"tool","content":"","id":"1"}]}}')


@pytest.mark.parametrize(
    ("exchange", "request_"),
    [
        pytest.param(
            recorded(*EVENTS, modes=["values", "updates"]), run(modes="custom"), id="another mode"
        ),
        pytest.param(
            recorded(METADATA, TOKEN, modes=["messages", "messages-tuple"]),
            run(modes="messages"),
            id="partial messages beside tuples",
        ),
        pytest.param(
            recorded(METADATA, TOOL, modes=["updates", "custom"]),
            run(modes="updates"),
            id="updates that came early",
        ),
        pytest.param(
            recorded(METADATA, TOOL, modes=["updates", "custom", "events"]),
            run(modes=["updates", "custom"]),
            id="updates that would come early",
        ),
        pytest.param(
            recorded(METADATA, TOOL, modes=["updates", "events"], stream_subgraphs=True),
            run(modes=["updates"], stream_subgraphs=True),
            id="updates of subgraphs that would come early",
        ),
        pytest.param(
            recorded(*EVENTS, end=End(0.0, Ending.CUT)), run(modes="values"), id="a cut stream"
        ),
        pytest.param(
            recorded(*EVENTS), Request("GET", f"/threads/{THREAD}/state"), id="another call"
        ),
        pytest.param(
            Exchange(Request("POST", "/threads"), recorded(*EVENTS).response),
            run(modes="values"),
            id="another recorded call",
        ),
        pytest.param(waited(b"{}"), run(f"/threads/{THREAD}/runs/stream"), id="no recorded events"),
    ],
)
def test_no_other_stream_is_derived(exchange: Exchange, request_: Request) -> None:
    assert derive_run(exchange, request_) is None


@pytest.mark.parametrize(
    ("exchange", "modes", "subgraphs"),
    [
        pytest.param(
            recorded(METADATA, TOOL, modes=["updates", "custom", "values"]),
            ["updates", "custom"],
            False,
            id="both come early",
        ),
        pytest.param(
            recorded(METADATA, TOOL, modes=["updates", "values"]), ["updates"], False, id="neither"
        ),
        pytest.param(
            recorded(METADATA, UPDATE, modes=["updates", "custom"]),
            ["updates"],
            False,
            id="no messages",
        ),
        pytest.param(
            recorded(METADATA, PARTIAL, modes=["messages", "values"]),
            ["messages"],
            False,
            id="partial messages without tuples",
        ),
    ],
)
def test_what_the_other_modes_do_not_change_is_derived(
    exchange: Exchange, modes: list[str], subgraphs: bool
) -> None:
    assert derive_run(exchange, run(modes=modes)) is not None


WAITED_RUN = f"/threads/01a21cc4-1db5-7622-9899-bd69c8b62fbe{STATELESS}"
"""The recording does not name the thread of a stateless run: its id is made from that of the run."""


@pytest.mark.parametrize(
    ("events", "raw"),
    [
        pytest.param(EVENTS, b'{"count":1}', id="the last state"),
        pytest.param(
            (METADATA, INPUT, event("values|inner:1", '{"count":9}')),
            b'{"count":0}',
            id="not the state of a subgraph",
        ),
        pytest.param(
            (METADATA, INPUT, ERROR),
            b'{"__error__":{"error":"ValueError","message":"kaboom"}}',
            id="an error",
        ),
        pytest.param(
            (METADATA, ERROR),
            b'{"__error__":{"error":"ValueError","message":"kaboom"}}',
            id="an error without a state",
        ),
        pytest.param(
            (METADATA, INPUT, interrupt(ASK, mode="updates"), interrupt(ASK, count=0)),
            b'{"count":0,"__interrupt__":[' + dumps(ASK).encode() + b"]}",
            id="an interrupt",
        ),
        pytest.param(
            (METADATA, INPUT, interrupt(ASK, count=0), interrupt(ASK_TOO, count=0)),
            dumps({"__interrupt__": [ASK, ASK_TOO]}).encode(),
            id="two interrupts",
        ),
    ],
)
def test_the_outcome_of_a_run(events: tuple[TimedEvent, ...], raw: bytes) -> None:
    response = derive_run(recorded(*events, end=End()), run("/runs/wait"))

    after = round(sum(timed.after for timed in events), 6)
    headers = wait_headers(WAITED_RUN)
    assert response == Response(headers=headers, content=Body(raw, after), end=End())


def test_the_outcome_comes_when_the_stream_ended() -> None:
    response = derive_run(recorded(METADATA, INPUT, end=End(0.7)), run("/runs/wait"))

    assert response is not None
    assert response.content == Body(b'{"count":0}', 1.0)


def test_the_outcome_on_a_thread_names_the_thread() -> None:
    path = f"/threads/{THREAD}/runs"
    response = derive_run(recorded(*EVENTS, path=f"{path}/stream"), run(f"{path}/wait"))

    assert response is not None
    assert response.headers == wait_headers(ON_THREAD)


def test_the_outcome_of_a_hand_written_stream_names_no_run() -> None:
    written = Response(content=Stream((METADATA, INPUT)))
    response = derive_run(Exchange(run(modes="values"), written), run("/runs/wait"))

    assert response == Response(headers=(JSON,), content=Body(b'{"count":0}', 0.3), end=End())


@pytest.mark.parametrize(
    ("exchange", "body"),
    [
        pytest.param(
            recorded(*EVENTS), {"modes": ["values", "updates"]}, id="more than the values"
        ),
        pytest.param(recorded(METADATA, UPDATE, modes="updates"), {}, id="no mode values"),
        pytest.param(recorded(METADATA, modes="values"), {}, id="no values"),
        pytest.param(
            recorded(METADATA, interrupt(ASK), INPUT, modes="values"),
            {},
            id="values after an interrupt",
        ),
        pytest.param(
            recorded(*EVENTS, on_completion="keep"),
            {"on_completion": "keep"},
            id="a thread that stays",
        ),
        pytest.param(recorded(*EVENTS, headers=stream_headers("/runs/first")), {}, id="no run id"),
    ],
)
def test_no_other_outcome_is_derived(exchange: Exchange, body: dict[str, Any]) -> None:
    assert derive_run(exchange, run("/runs/wait", **body)) is None


def on_thread(*events: TimedEvent, modes: Any = MODES, **rest: Any) -> Exchange:
    return recorded(*events, modes=modes, path=f"/threads/{THREAD}/runs/stream", **rest)


JOIN = Request("GET", f"{ON_THREAD}/join")
JOINED_INTERRUPT = b'{"__interrupt__":[{"id":"' + b"a" * 32 + b'","value":"Send it?"}]}'
FAILED = b'{"__error__":{"error":"ValueError","message":"kaboom"}}'


@pytest.mark.parametrize(
    ("exchange", "raw"),
    [
        pytest.param(on_thread(*EVENTS), b'{"count":1}', id="the last state"),
        pytest.param(on_thread(METADATA, INPUT, ERROR), FAILED, id="an error"),
        pytest.param(
            on_thread(METADATA, interrupt(ASK), ERROR), FAILED, id="an error beside an interrupt"
        ),
        pytest.param(
            on_thread(METADATA, interrupt(ASK, mode="updates"), interrupt(ASK, count=0)),
            JOINED_INTERRUPT,
            id="an interrupt in two modes",
        ),
        pytest.param(
            on_thread(METADATA, interrupt(ASK, mode="updates"), modes="updates"),
            JOINED_INTERRUPT,
            id="an interrupt without values",
        ),
        pytest.param(
            on_thread(METADATA, INPUT, interrupt(mode="updates")),
            b'{"count":0}',
            id="a stop before a node",
        ),
        pytest.param(waited(b'{"count":1}'), b'{"count":1}', id="a run that was waited for"),
        pytest.param(waited(FAILED), FAILED, id="an error that was waited for"),
        pytest.param(
            waited(dumps({"count": 0, "__interrupt__": [ASK]}).encode()),
            JOINED_INTERRUPT,
            id="an interrupt that was waited for",
        ),
    ],
)
def test_joining_an_ended_run(exchange: Exchange, raw: bytes) -> None:
    response = derive_existing_run(exchange, JOIN)

    assert response == Response(headers=wait_headers(ON_THREAD), content=Body(raw), end=End())


OTHER = f"/threads/{THREAD}/runs/{THREAD}"


@pytest.mark.parametrize(
    ("exchange", "request_"),
    [
        pytest.param(on_thread(METADATA, UPDATE, modes="updates"), JOIN, id="no values"),
        pytest.param(
            on_thread(METADATA, interrupt(ASK), interrupt(ASK_TOO)), JOIN, id="two interrupts"
        ),
        pytest.param(
            on_thread(METADATA, interrupt({"value": 1})), JOIN, id="an interrupt without an id"
        ),
        pytest.param(on_thread(event("end", "")), JOIN, id="unknown events"),
        pytest.param(on_thread(*EVENTS, end=End(0.0, Ending.CUT)), JOIN, id="a cut stream"),
        pytest.param(waited(b""), JOIN, id="no outcome"),
        pytest.param(
            Exchange(
                waited(b"").request,
                Response(409, headers=wait_headers(ON_THREAD), content=Body(b"{}")),
            ),
            JOIN,
            id="a refused run",
        ),
        pytest.param(on_thread(*EVENTS, headers=()), JOIN, id="no run named"),
        pytest.param(recorded(*EVENTS), Request("GET", f"{STATELESS}/join"), id="stateless"),
        pytest.param(on_thread(*EVENTS), Request("GET", f"{OTHER}/join"), id="another run"),
        pytest.param(on_thread(*EVENTS), Request("GET", ON_THREAD), id="the run itself"),
        pytest.param(on_thread(*EVENTS), Request("POST", f"{ON_THREAD}/join"), id="no read"),
        pytest.param(
            Exchange(run(f"/threads/{THREAD}/runs"), on_thread(*EVENTS).response),
            JOIN,
            id="a run in the background",
        ),
    ],
)
def test_no_other_read_is_derived(exchange: Exchange, request_: Request) -> None:
    assert derive_existing_run(exchange, request_) is None


STORED = (
    event("metadata", "{}", 0.1, "1700000000010-0"),
    event("values", "{}", 0.2, "1700000000020-0"),
    event("messages", "[]", 0.4, "1700000000020-1"),
    event("values|inner:1", "{}", 0.8, "1700000000040-0"),
)
RESUMABLE = on_thread(
    *STORED, HEARTBEAT, event("error", "{}", 0.0, "1700000000050-0"), stream_resumable=True
)
ALL = tuple(at(timed, 0.0) for timed in STORED)


def resume(last: str | None, query: str = "") -> Request:
    headers = () if last is None else (("last-event-id", last),)
    return Request("GET", f"{ON_THREAD}/stream{query}", headers)


@pytest.mark.parametrize(
    ("exchange", "request_", "events"),
    [
        pytest.param(RESUMABLE, resume("-1"), ALL, id="from the start"),
        pytest.param(RESUMABLE, resume("0"), ALL, id="from nought"),
        pytest.param(RESUMABLE, resume("1700000000020-0"), ALL[2:], id="after an event"),
        pytest.param(RESUMABLE, resume("1700000000030-0"), ALL[3:], id="after an unknown event"),
        pytest.param(RESUMABLE, resume("1700000000040-0"), (), id="after the last event"),
        pytest.param(RESUMABLE, resume("later"), (), id="no id"),
        pytest.param(RESUMABLE, resume(None), (), id="no header"),
        pytest.param(RESUMABLE, resume(""), (), id="an empty header"),
        pytest.param(
            RESUMABLE, resume("-1", "?stream_mode=values"), (ALL[1], ALL[3]), id="one mode"
        ),
        pytest.param(RESUMABLE, resume("-1", "?stream_mode=messages-tuple"), ALL[2:3], id="tuples"),
        pytest.param(RESUMABLE, resume("-1", "?stream_mode=messages"), ALL[2:3], id="messages"),
        pytest.param(
            RESUMABLE, resume("-1", '?stream_mode=["messages","values"]'), ALL[1:], id="modes"
        ),
        pytest.param(
            RESUMABLE, resume("-1", "?stream_mode=values&stream_mode=updates"), (), id="last mode"
        ),
        pytest.param(RESUMABLE, resume("-1", "?stream_mode="), ALL, id="an empty mode"),
        pytest.param(
            RESUMABLE, resume("-1", "?cancel_on_disconnect=true"), ALL, id="another option"
        ),
        pytest.param(on_thread(*EVENTS), resume("-1"), (), id="not resumable"),
        pytest.param(waited(b"{}"), resume("-1"), (), id="waited for, not resumable"),
    ],
)
def test_streaming_an_ended_run(
    exchange: Exchange, request_: Request, events: tuple[TimedEvent, ...]
) -> None:
    response = derive_existing_run(exchange, request_)

    headers = stream_headers(ON_THREAD)
    assert response == Response(headers=headers, content=Stream(events), end=End())


def test_the_events_of_a_resumable_run_that_was_waited_for_are_unknown() -> None:
    assert derive_existing_run(waited(b"{}", stream_resumable=True), resume("-1")) is None
