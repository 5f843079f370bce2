"""What a cassette holds, as values."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from mockserver.formats.sse import CRLF, Event, Row, rows_to_events
from mockserver.http.messages import Headers, Request

FORMAT = 1


class Repeat(StrEnum):
    """What the next identical request gets after the last recorded answer."""

    LAST = "last"
    CYCLE = "cycle"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Header:
    """The first document of a cassette."""

    upstream: str | None = None
    recorded: str | None = None
    server: dict[str, Any] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    repeat: Repeat | None = None


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event, *after* seconds from the one before (the first: from the request)."""

    after: float
    event: Event


class Stream:
    """A body of server-sent events; *tail* is what came after the last whole one.

    Where all are plain ones, `rows` holds them as they were read, with the seconds `afters` before each; *events* are made of them when they are asked for.
    """

    __slots__ = ("_events", "afters", "line_ending", "rows", "tail")
    __match_args__ = ("events", "line_ending", "tail")

    def __init__(
        self, events: tuple[TimedEvent, ...] = (), line_ending: str = CRLF, tail: bytes = b""
    ) -> None:
        self._events: tuple[TimedEvent, ...] | None = events
        self.line_ending = line_ending
        self.tail = tail
        self.rows: list[Row] | None = None
        self.afters: list[float] = []

    @classmethod
    def from_rows(cls, rows: list[Row], afters: list[float], line_ending: str) -> Self:
        """Return the stream of plain *rows*, each so many seconds *after* the one before."""
        stream = cls((), line_ending)
        stream._events, stream.rows, stream.afters = None, rows, afters
        return stream

    @property
    def events(self) -> tuple[TimedEvent, ...]:
        """The events with their times."""
        if self._events is None:
            pairs = zip(self.afters, rows_to_events(self.rows or []), strict=True)
            self._events = tuple(TimedEvent(after, event) for after, event in pairs)
        return self._events

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self._parts() == other._parts()

    def __repr__(self) -> str:
        return f"Stream{self._parts()!r}"

    def _parts(self) -> tuple[tuple[TimedEvent, ...], str, bytes]:
        return self.events, self.line_ending, self.tail


@dataclass(frozen=True, slots=True)
class Body:
    """A body that came as one, *after* seconds from the request.

    *keepalives* are the times, in seconds from the request, of the newlines that came before it.
    """

    raw: bytes = b""
    after: float = 0.0
    keepalives: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """How the answer ended, *after* seconds from what came last; *cut*: the upstream broke off."""

    after: float = 0.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A recorded answer; *end* is None in one that was written by hand."""

    status: int = 200
    reason: str | None = None
    headers: Headers = ()
    content: Stream | Body = Body()
    end: End | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response; *redacted* counts the secrets that were replaced in it."""

    request: Request
    response: Response
    repeat: Repeat | None = None
    redacted: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What the project's settings say for every cassette; *override* holds in the place of what a header says."""

    ignore: tuple[str, ...] = ()
    repeat: Repeat = Repeat.LAST
    override: Repeat | None = None

    def repeat_for(self, header: Header) -> Repeat:
        """Return what holds in the cassette of *header*."""
        return self.override or header.repeat or self.repeat
