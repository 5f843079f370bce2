"""Requests, replies and their headers, as values, and what a request target names. No I/O."""

import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from string import punctuation
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from mockserver.errors import RequestError
from mockserver.formats.json_text import dumps

if TYPE_CHECKING:
    from mockserver.http.fault import Fault
    from mockserver.http.server_address import ServerAddress

Headers = tuple[tuple[str, str], ...]
"""Header fields in wire order, names in lower case."""

HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
    )
)
"""RFC 9110 section 7.6.1: fields that concern one connection only."""

_STABLE_REASONS = {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
"""Python 3.13 renamed these phrases; a replay must not depend on the Python version."""

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""RFC 9110 section 5: the syntax of a field name, and characters that a field value must not contain."""

OWN_PREFIX = "x-mockserver-"
SESSION_HEADER = f"{OWN_PREFIX}session"
"""The header that names the session of a request; it may be percent-encoded."""

SHARED_SESSION = ""
"""The session of clients that name none."""

_PAGE_SESSION = re.compile(r"page-[0-9a-f]{4}")
"""The names of the sessions in which the page sends requests; these count nowhere."""

CASSETTE_HEADER = f"{OWN_PREFIX}cassette"
"""The header that names the cassette to replay a request from or to record it into; it may be percent-encoded."""

FAULT_HEADER = f"{OWN_PREFIX}fault"
"""The header that asks for a fault: its JSON form."""

CONTROL_PREFIX = "/__mockserver__/"
"""The prefix of mockserver's own paths."""

_OURS = CONTROL_PREFIX.rstrip("/")
_NAMING = {
    f"{CONTROL_PREFIX}session/": SESSION_HEADER,
    f"{CONTROL_PREFIX}cassette/": CASSETTE_HEADER,
}
"""What begins a path that names a session or a cassette, and the header that does the same."""

_MAX_SESSION_LENGTH = 200

EVENT_STREAM = "text/event-stream"
JSON: Headers = (("content-type", "application/json"),)
"""The headers of a JSON response."""


class ReplySource(StrEnum):
    """The origin of a response, the value of `x-mockserver-source`."""

    CASSETTE = "cassette"
    FAKE = "fake"
    UPSTREAM = "upstream"
    FAULT = "fault"
    MISS = "miss"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; *path* is the raw request target with its query."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value of the header *name* (in lower case), or None."""
        return first_value(self.headers, name)


@dataclass(frozen=True, slots=True)
class TimedBody:
    """A body in timed chunks: *steps* are (seconds since the request, bytes), in order.

    The body ends *end* seconds after the request; *cut* breaks the connection there instead of closing it properly.
    """

    steps: tuple[tuple[float, bytes], ...]
    end: float
    cut: bool = False


@dataclass(frozen=True, slots=True)
class PrebuiltBody:
    """A complete HTTP/1.1 response: *raw* is head and body, and the body begins at *start*."""

    raw: bytes
    start: int

    @property
    def body(self) -> bytes:
        return self.raw[self.start :]


@dataclass(frozen=True, slots=True)
class StreamingBody:
    """A body that is still arriving. *chunks* raises UpstreamError if the upstream breaks off.

    *is_complete* returns whether the upstream has sent everything. *abandon* drops the upstream: no more chunks come.
    """

    chunks: AsyncGenerator[bytes, None]
    is_complete: Callable[[], bool] = lambda: False
    abandon: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response to a client."""

    status: int
    headers: Headers = ()
    body: bytes | PrebuiltBody | TimedBody | StreamingBody = b""
    reason: str | None = None
    source: ReplySource = ReplySource.CASSETTE
    exchange: str | None = None
    """`FILE#N` of the exchange that was played."""
    note: str | None = None
    """The text for the log."""
    miss_details: Mapping[str, Any] | None = None
    """The JSON for the journal, if it is a miss or a near miss."""
    how: str | None = None
    """How the response came about if it was not recorded like this: the value of `x-mockserver-how`."""
    id_pairs: tuple[tuple[str, str], ...] = ()
    """Ids of the request and the recorded ids that they stand for: (live, recorded)."""
    conversation: Mapping[str, Any] | None = None
    """For a request on a thread, the JSON for the journal: its conversation, its progress, the next turn, and why."""
    on_sent: Callable[[], None] | None = None
    """Called when a timed body has been sent completely."""
    is_counted: bool = True
    """Whether the summary counts this reply."""
    page_of: "ServerAddress | None" = None
    """The server whose URLs in the body become URLs of this server, if the body is a page that may have some."""
    faults: "tuple[Fault, ...]" = ()
    """What goes wrong with it on demand, in this order."""
    origin: str | None = None
    """The origin whose pages may read the reply with credentials; with None, all pages may read it without."""


def error_reply(
    status: int,
    detail: str,
    source: ReplySource = ReplySource.ERROR,
    *,
    is_counted: bool = True,
) -> Reply:
    """Return a reply with our own error: *status* and *detail*."""
    body = dumps({"detail": detail}).encode("utf-8", "replace")
    reason = standard_reason(status)
    return Reply(status, JSON, body, reason, source, note=detail, is_counted=is_counted)


def first_value(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the first value of *name* (in lower case) in *headers*, or None."""
    for key, value in headers:
        if key == name:
            return value
    return None


def lowercase_names(headers: Iterable[tuple[str, str]]) -> Headers:
    return tuple([(name.lower(), value) for name, value in headers])


def strip_hop_by_hop(headers: Headers) -> Headers:
    """Return *headers* without hop-by-hop fields, including those that `connection` names."""
    named = {
        token.strip().lower()
        for name, value in headers
        if name == "connection"
        for token in value.split(",")
    }
    return tuple(
        (name, value) for name, value in headers if name not in HOP_BY_HOP and name not in named
    )


def has_event_stream_type(headers: Headers) -> bool:
    """Return whether *headers* announce server-sent events."""
    return (first_value(headers, "content-type") or "").lower().startswith(EVENT_STREAM)


def standard_reason(status: int) -> str:
    """Return the reason phrase of *status*, the same on every Python version; empty if it has none."""
    try:
        return _STABLE_REASONS.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return ""


def session_name(request: Request) -> str:
    """Return the session that *request* names; RequestError if the name is invalid."""
    given = request.header(SESSION_HEADER)
    if given is None:
        return SHARED_SESSION
    name = unquote(given)
    if not 0 < len(name) <= _MAX_SESSION_LENGTH:
        raise RequestError(
            f"{SESSION_HEADER} must be a name of 1 to {_MAX_SESSION_LENGTH} characters"
        )
    return name


def is_page_session(name: str) -> bool:
    """Return whether the page at `/__mockserver__/` sends its requests in the session *name*."""
    return _PAGE_SESSION.fullmatch(name) is not None


def cassette_name(request: Request) -> str | None:
    name = request.header(CASSETTE_HEADER)
    return None if name is None else unquote(name)


def split_target(raw: str, prefix: str = "") -> tuple[str, Headers]:
    """Return the path with its query in the request target *raw*, and the headers that the names before it stand for.

    These are `/__mockserver__/session/NAME` and `/__mockserver__/cassette/NAME`, in any order; a NAME is percent-encoded. The path
    *prefix* is removed, before or behind them.
    """
    if raw.startswith("/") and not prefix and not raw.startswith(_OURS) and raw.isascii():
        return raw, ()
    if not raw.isascii():
        raw = quote(raw.encode("utf-8", "surrogateescape"), safe=punctuation)
    path = raw if raw.startswith("/") else "/" + raw.partition("://")[2].partition("/")[2]
    path = _without_prefix(path, prefix)
    named: Headers = ()
    while start := next((start for start in _NAMING if path.startswith(start)), None):
        name, _, rest = path.removeprefix(start).partition("/")
        # The last prefix has precedence.
        named = ((_NAMING[start], name), *named)
        path = f"/{rest}"
    return _without_prefix(path, prefix), named


def find_url_prefix(raw: str, path: str) -> str:
    """Return what stands before *path*, as `split_target` returns it, in the request target *raw*: a prefix and names, or nothing."""
    start = raw.removesuffix(path)
    return start if start.startswith("/") and start != raw else ""


def _without_prefix(path: str, prefix: str) -> str:
    rest = path.removeprefix(prefix)
    if rest[:1] not in ("", "/", "?"):
        return path
    return rest if rest.startswith("/") else f"/{rest}"


def is_own_path(path: str) -> bool:
    """Return whether *path* is a path of mockserver itself."""
    return path.startswith(CONTROL_PREFIX) or path.partition("?")[0] == _OURS
