"""The contents of a cassette as values. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from mockserver.formats.sse import CRLF, Event
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
    volatile: tuple[str, ...] = ()


class TimedEvent(NamedTuple):
    """An event, *after* seconds after the previous one (the first one: after the request)."""

    after: float
    event: Event


@dataclass(frozen=True, slots=True)
class Stream:
    """A body of server-sent events; *tail* holds the bytes after the last complete event."""

    events: tuple[TimedEvent, ...] = ()
    line_ending: str = CRLF
    tail: bytes = b""


class TimedChunk(NamedTuple):
    """A part of a body, *after* seconds after the previous one (the first one: after the request)."""

    after: float
    raw: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """A body without events, which was complete *after* seconds after the request.

    *keepalives* are the times, in seconds after the request, of the newlines sent before it. *chunks* are its parts if it was streamed, else it
    arrived as a whole.
    """

    raw: bytes = b""
    after: float = 0.0
    keepalives: tuple[float, ...] = ()
    chunks: tuple[TimedChunk, ...] = ()


def join_chunks(chunks: Iterable[TimedChunk]) -> Body:
    """Return the streamed body of these *chunks*."""
    chunks = tuple(chunks)
    raw = b"".join([chunk.raw for chunk in chunks])
    return Body(raw, round(sum(chunk.after for chunk in chunks), 6), (), chunks)


class Ending(StrEnum):
    """How a response ended."""

    CLOSED = "closed"
    CUT = "cut"
    """The upstream broke off."""
    OPEN = "open"
    """It did not end: the client left an event stream, or the recording stopped."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of the response, *after* seconds after its last part."""

    after: float = 0.0
    how: Ending = Ending.CLOSED

    @property
    def cut(self) -> bool:
        """Whether the upstream broke off."""
        return self.how is Ending.CUT


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
    volatile: tuple[str, ...] = ()

    def get_repeat(self, header: Header) -> Repeat:
        """Return the repeat mode of the cassette with this *header*."""
        return self.override or header.repeat or self.repeat
