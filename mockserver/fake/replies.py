"""What the fake graph answers, as values. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from mockserver.fake.json_format import written
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers, TimedBody
from mockserver.http.pacing import Pace

KEEPALIVE = 5.0
"""Every so many seconds the server says that it is still there, from the start of an answer on."""

JSON = ("content-type", "application/json")


@dataclass(frozen=True, slots=True)
class Timed:
    """A body in chunks: *steps* are (seconds since the request at the natural pace, bytes), in order.

    It ends *end* seconds after the request; until then *keepalive* goes out every five seconds, at any pace.
    """

    steps: tuple[tuple[float, bytes], ...]
    keepalive: bytes
    end: float


class Reader(Protocol):
    """A body that comes as time goes by; *now* is the moment of the clock, in seconds, at which it is asked."""

    keepalive: bytes
    """What goes out every five seconds."""

    def take(self, now: float) -> tuple[bytes, float | None]:
        """Return what has come since the last time, and the moment at which there is more; None behind the end."""

    def leave(self, now: float) -> None:
        """The client has gone before the end."""

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have *changed* be called where it is in vain to wait for that moment; return what ends that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of one answer."""

    status: int
    headers: Headers
    body: bytes | Timed | Reader
    note: str | None = None
    """What a person who looks on should know of it."""


def json_answer(value: Json, status: int = 200, headers: Headers = ()) -> Answer:
    """Return the answer that holds *value*."""
    return Answer(status, (*headers, JSON), written(value).encode("utf-8", "replace"))


def refusal(status: int, detail: Json, headers: Headers = ()) -> Answer:
    """Return the answer that says in *detail* why not."""
    answer = json_answer({"detail": detail}, status, headers)
    return replace(answer, note=f"{status} {detail}".partition("\n")[0])


def paced(timed: Timed, pace: Pace) -> bytes | TimedBody:
    """Return the body *timed* at that *pace*: bytes where it goes out at once."""
    if pace.factor is None:
        return b"".join(chunk for _, chunk in timed.steps)
    steps: list[tuple[float, list[bytes]]] = []
    at = before = 0.0
    tick = KEEPALIVE
    for moment, chunk in (*timed.steps, (timed.end, b"")):
        at += pace.scale(moment - before)
        before = moment
        while tick < at:
            steps.append((tick, [timed.keepalive]))
            tick += KEEPALIVE
        if steps and steps[-1][0] == at:
            steps[-1][1].append(chunk)
        elif chunk:
            steps.append((at, [chunk]))
    whole = tuple((at, b"".join(chunks)) for at, chunks in steps)
    return TimedBody(whole, at) if at else b"".join(chunk for _, chunk in whole)
