"""What the fake graph answers, as values. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from mockserver.fake.json_format import to_server_json
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers, TimedBody
from mockserver.http.pacing import Pace

KEEPALIVE_SECONDS = 5.0
"""Every so many seconds the server says that it is still there, from the start of an answer on."""

JSON_HEADER = ("content-type", "application/json")


@dataclass(frozen=True, slots=True)
class ScheduledBody:
    """A body in chunks: *steps* are (seconds since the request at the natural pace, bytes), in order.

    It ends *end* seconds after the request; until then *keepalive* goes out every five seconds, at any pace.
    """

    steps: tuple[tuple[float, bytes], ...]
    keepalive: bytes
    end: float


class BodyReader(Protocol):
    """A body that comes as time goes by; *now* is the moment of the clock, in seconds, at which it is asked."""

    keepalive: bytes
    """What goes out every five seconds."""

    def read(self, now: float) -> tuple[bytes, float | None]:
        """Return what has come since the last time, and the moment at which there is more; None behind the end."""

    def client_left(self, now: float) -> None:
        """The client has gone before the end."""

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have *changed* be called where it is in vain to wait for that moment; return what ends that."""


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and body of one answer."""

    status: int
    headers: Headers
    body: bytes | ScheduledBody | BodyReader
    note: str | None = None
    """What a person who looks on should know of it."""


def json_response(value: Json, status: int = 200, headers: Headers = ()) -> Response:
    """Return the answer that holds *value*."""
    return Response(
        status, (*headers, JSON_HEADER), to_server_json(value).encode("utf-8", "replace")
    )


def error_response(status: int, detail: Json, headers: Headers = ()) -> Response:
    """Return the answer that says in *detail* why not."""
    answer = json_response({"detail": detail}, status, headers)
    return replace(answer, note=f"{status} {detail}".partition("\n")[0])


def at_pace(timed: ScheduledBody, pace: Pace) -> bytes | TimedBody:
    """Return the body *timed* at that *pace*: bytes where it goes out at once."""
    if pace.factor is None:
        return b"".join(chunk for _, chunk in timed.steps)
    steps: list[tuple[float, list[bytes]]] = []
    at = before = 0.0
    tick = KEEPALIVE_SECONDS
    for moment, chunk in (*timed.steps, (timed.end, b"")):
        at += pace.scale(moment - before)
        before = moment
        while tick < at:
            steps.append((tick, [timed.keepalive]))
            tick += KEEPALIVE_SECONDS
        if steps and steps[-1][0] == at:
            steps[-1][1].append(chunk)
        elif chunk:
            steps.append((at, [chunk]))
    whole = tuple((at, b"".join(chunks)) for at, chunks in steps)
    return TimedBody(whole, at) if at else b"".join(chunk for _, chunk in whole)
