"""The contents of a cassette as values. No I/O."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from mockserver.formats.sse import CRLF, Event, Row, rows_to_events
from mockserver.http.messages import Headers, Request

FORMAT = 1


class Repeat(StrEnum):
    """The response to an identical request after the last recorded response was played."""

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
    """An event, *after* seconds after the previous one (the first one: after the request)."""

    after: float
    event: Event


class Stream:
    """A body of server-sent events; *tail* holds the bytes after the last complete event.

    If all events are plain, `rows` holds them and `afters` the seconds before each; *events* are then built on first use.
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
        """Return the stream of plain *rows*; *afters* are the seconds before each."""
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
    """A body that arrived as a whole, *after* seconds after the request.

    *keepalives* are the times, in seconds after the request, of the newlines sent before it.
    """

    raw: bytes = b""
    after: float = 0.0
    keepalives: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """The end of the response, *after* seconds after its last part; *cut* if the upstream broke off."""

    after: float = 0.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A recorded response; *end* is None if it was written by hand."""

    status: int = 200
    reason: str | None = None
    headers: Headers = ()
    content: Stream | Body = Body()
    end: End | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response; *redacted* is the number of secrets that were replaced.

    *at* is when the request arrived, in seconds since the recording started.
    """

    request: Request
    response: Response
    repeat: Repeat | None = None
    redacted: int = 0
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The project settings for all cassettes; *override* takes precedence over the header of a cassette."""

    ignore: tuple[str, ...] = ()
    repeat: Repeat = Repeat.LAST
    override: Repeat | None = None

    def repeat_for(self, header: Header) -> Repeat:
        """Return the repeat mode of the cassette with this *header*."""
        return self.override or header.repeat or self.repeat
