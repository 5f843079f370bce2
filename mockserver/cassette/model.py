"""What a cassette holds, as values."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mockserver.messages import Headers, Request
from mockserver.sse import CRLF, Event

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


@dataclass(frozen=True, slots=True)
class Stream:
    """A body of server-sent events; *tail* is what came after the last whole one."""

    events: tuple[TimedEvent, ...]
    line_ending: str = CRLF
    tail: bytes = b""


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

    def repeating(self, header: Header) -> Repeat:
        """Return what holds in the cassette of *header*."""
        return self.override or header.repeat or self.repeat
