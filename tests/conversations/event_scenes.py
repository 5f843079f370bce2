"""Recordings of made-up event streams."""

import json
from collections.abc import Sequence
from typing import Any

from mockserver.cassette.model import Exchange, Response, Stream, TimedEvent
from mockserver.formats.sse import Event
from mockserver.http.messages import Request
from tests.conversations.scenes import exchange, made

ALL = {"channels": ["lifecycle", "values", "messages", "input"]}


def envelope(seq: int, method: str, payload: Any, identity: str = "") -> dict[str, Any]:
    """Return an event of the outermost graph."""
    params = {"namespace": [], "timestamp": seq, "data": payload}
    known = identity or f"1795-{seq}"
    return {"type": "event", "event_id": known, "seq": seq, "method": method, "params": params}


def status(seq: int, run: str, name: str, **more: str) -> dict[str, Any]:
    """Return the event that says that *run* has the status *name*."""
    return envelope(seq, "lifecycle", {"event": name, **more}, f"synth:{run}:lc||{name}")


def values(seq: int, *messages: tuple[str, str, str]) -> dict[str, Any]:
    """Return a state with these *messages*: type, text and id."""
    names = ("type", "content", "id")
    return envelope(
        seq, "values", {"messages": [dict(zip(names, one, strict=True)) for one in messages]}
    )


def stream(
    thread: str,
    at: float | None,
    *events: tuple[float, dict[str, Any]],
    selected: Any = ALL,
    code: int = 200,
) -> Exchange:
    """Return an event stream that was opened *at* this time, with *events* at those times after it."""
    timed: list[TimedEvent] = []
    before = 0.0
    for moment, one in events:
        fields = (("event", one["method"]), ("data", json.dumps(one)), ("id", str(one["seq"])))
        timed.append(TimedEvent(moment - before, Event(fields)))
        before = moment
    request = Request("POST", f"/threads/{thread}/stream/events", (), json.dumps(selected).encode())
    return Exchange(request, Response(code, None, (), Stream(tuple(timed))), at=at)


def start(thread: str, text: str, run: str, at: float | None = None, number: int = 1) -> Exchange:
    """Return the command that starts *run*; the response takes 0.1 seconds."""
    message = {"type": "human", "content": text, "id": made(4, number, 1)}
    params = {"assistant_id": "agent", "input": {"messages": [message]}}
    return command(thread, "run.start", params, {"run_id": run}, at, number)


def respond(thread: str, interrupt: str, at: float | None = None, number: int = 2) -> Exchange:
    """Return the command that answers *interrupt*."""
    params = {"namespace": [], "interrupt_id": interrupt, "response": "yes"}
    return command(thread, "input.respond", params, {}, at, number)


def command(
    thread: str, method: str, params: Any, result: Any, at: float | None, number: int
) -> Exchange:
    body = {"id": number, "method": method, "params": params}
    answer = {"type": "success", "id": number, "result": result}
    path = f"/threads/{thread}/commands"
    return exchange("POST", path, body, answer, at=at, seconds=0.1 if at is not None else 0.0)


def statuses(events: Sequence[Any]) -> list[str]:
    """Return the statuses of runs in the recorded *events*."""
    return [one.event.status for one in events if one.event.status]
