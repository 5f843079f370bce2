"""Convert exchanges that another tool has recorded, and list those that cannot be converted. No I/O."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from mockserver.cassette.model import Ending, Exchange
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.thread_streams import asks_for_thread_events
from mockserver.cassette.yaml_codec import dump_exchange, load_exchange
from mockserver.errors import ReadError, UsageError
from mockserver.formats import sse
from mockserver.http.messages import (
    CONTROL,
    HEADER_NAME,
    Headers,
    Request,
    first_value,
    has_event_stream_type,
    lowercase_names,
)
from mockserver.http.server_address import ServerAddress
from mockserver.redaction.credentials import find_credentials
from mockserver.redaction.redactor import RedactionRules, Redactor

_API = re.compile(r"(?P<base>.*?)/(?:assistants|threads|runs|store|crons|info)(?=[/?]|$)")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_STARTS_RUN = re.compile(r"/runs(?:/stream|/wait|/batch)?/?(?:\?.*)?$")
_CONTROLS = re.compile(f"{CONTROL.pattern}+")


@dataclass(frozen=True, slots=True)
class ForeignRequest:
    """A request with its full *url*; *body* is None if the tool did not store it."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes | None = b""


@dataclass(frozen=True, slots=True)
class ForeignResponse:
    """A response; *body* is None if the tool did not store it. All times are in seconds after the request."""

    status: int
    reason: str | None = None
    headers: Headers = ()
    body: bytes | None = b""
    first: float = 0.0
    """When the first byte of the body came."""
    last: float = 0.0
    """When the last byte of the body came."""
    times: tuple[float, ...] = ()
    """When each event came, if that is known."""
    cut: bool = False
    """Whether the connection broke."""
    losses: tuple[str, ...] = ()
    """What the recording does not contain of it."""


@dataclass(frozen=True, slots=True)
class ForeignExchange:
    """A request with its response, or with the reason why there is none."""

    request: ForeignRequest
    response: ForeignResponse | str


@dataclass(slots=True)
class ImportResult:
    """The converted *exchanges* with the server at *base*, *recorded* at that time."""

    exchanges: list[Exchange] = field(default_factory=list)
    base: str = ""
    recorded: str | None = None
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """The requests that were not converted, each with the reason."""
    elsewhere: int = 0
    """The number of requests to other servers."""
    warnings: list[str] = field(default_factory=list)
    """What the recording does not contain, each once."""


def convert(
    entries: Sequence[ForeignExchange], upstream: str | None, rules: RedactionRules
) -> ImportResult:
    """Return *entries* as exchanges with the server at *upstream*; by default, the one that is used like an Agent Server.

    Secrets are redacted by the general rules and by *rules*; the credentials of each request are redacted in all exchanges. UsageError if there
    is no such server, or more than one.
    """
    base = upstream or _find_base([entry.request for entry in entries])
    result = ImportResult(base=_normalize(base).rstrip("/"))
    if upstream is not None and urlsplit(result.base).scheme not in ("http", "https"):
        raise UsageError(
            f"--upstream {result.base!r}: write a URL such as https://my-agent.example"
        )
    address = ServerAddress(result.base)
    redactor = Redactor({secret for entry in entries for secret in _find_secrets(entry)}, rules)
    for entry in entries:
        path = _find_path(result.base, entry.request.url)
        if path is None:
            result.elsewhere += 1
            continue
        label = f"{entry.request.method} {path.partition('?')[0]}"
        if reason := _explain_skip(entry):
            result.skipped.append((label, reason))
            continue
        assert isinstance(entry.response, ForeignResponse)
        headers = address.to_local_headers(entry.response.headers, path)
        response = replace(entry.response, headers=headers)
        exchange = redactor.rewrite_exchange(_build_exchange(entry.request, path, response))
        try:
            load_exchange(dump_exchange(exchange).encode().decode())
        except (ReadError, UnicodeEncodeError) as error:
            result.skipped.append((label, f"a cassette cannot hold it: {error}"))
        else:
            result.exchanges.append(exchange)
            result.warnings += (
                loss for loss in entry.response.losses if loss not in result.warnings
            )
    if result.elsewhere == len(entries):
        raise UsageError(
            f"the recording has no request to {result.base}, only to {_list_servers([entry.request for entry in entries])}"
        )
    return result


def create_unreadable_exchange(
    method: str, url: str, what: str, error: Exception
) -> ForeignExchange:
    """Return the exchange for a part of a recording, *what*, that *error* makes unreadable."""
    reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return ForeignExchange(ForeignRequest(method, url), f"the {what} cannot be read: {reason}")


def clean_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return *headers* with lower-case names, without names that HTTP/1.1 does not allow."""
    return tuple(
        (name, _CONTROLS.sub(", ", value).strip())
        for name, value in lowercase_names(headers)
        if HEADER_NAME.fullmatch(name)
    )


def with_content_type(headers: Headers, kind: str | None) -> Headers:
    """Return *headers* with the content type *kind*, if they have none."""
    if not kind or first_value(headers, "content-type") is not None:
        return headers
    return (*headers, ("content-type", _CONTROLS.sub(" ", kind)))


def _find_secrets(entry: ForeignExchange) -> Iterator[str]:
    """Yield the credentials in *entry*: those of the request, and the cookies that the response sets."""
    yield from find_credentials(entry.request.headers, _normalize(entry.request.url))
    if isinstance(entry.response, ForeignResponse):
        for name, value in entry.response.headers:
            if name == "set-cookie":
                yield from find_credentials((("cookie", value.partition(";")[0]),))


def _explain_skip(entry: ForeignExchange) -> str | None:
    if isinstance(entry.response, str):
        return entry.response
    if entry.request.method == "OPTIONS":
        return "mockserver answers preflight requests itself"
    if entry.request.body is None:
        return "the request body is missing in the recording"
    if entry.response.body is None:
        kind = "stream" if has_event_stream_type(entry.response.headers) else "body"
        return f"the browser did not store the {kind}: record it with `mockserver record`"
    return None


def _build_exchange(request: ForeignRequest, path: str, response: ForeignResponse) -> Exchange:
    recorder = Recorder(Request(request.method, path, request.headers, request.body or b""), 0.0)
    headers = response.headers
    if first_value(headers, "content-encoding") is not None:  # the tools store decoded bodies
        wrong = ("content-encoding", "content-length")
        headers = tuple(pair for pair in headers if pair[0] not in wrong)
    recorder.start_response(response.status, response.reason or None, headers)
    raw = response.body or b""
    is_stream = has_event_stream_type(response.headers)
    blocks, tail = sse.split_blocks(raw) if is_stream else ([raw], b"")
    chunks = [chunk for chunk in (*blocks, tail) if chunk]
    # If only the total time is known, events are spread evenly over it.
    step = max(response.last - response.first, 0.0) / max(len(chunks) - 1, 1)
    for number, chunk in enumerate(chunks):
        is_whole_body = len(chunks) == 1 and not is_stream
        time = response.last if is_whole_body else response.first + number * step
        recorder.feed(chunk, response.times[number] if response.times else time)
    end = max(response.last, response.first)
    if asks_for_thread_events(recorder.request):
        return recorder.finish(end, Ending.OPEN)
    return recorder.finish(end, Ending.CUT if response.cut or tail else Ending.CLOSED)


def _find_base(requests: Sequence[ForeignRequest]) -> str:
    """Return the base URL of the one Agent Server among the servers of *requests*."""
    starts_runs: dict[str, bool] = {}
    for request in requests:
        parts = urlsplit(_normalize(request.url))
        found = _API.match(parts.path)
        if found and parts.scheme in ("http", "https"):
            base = f"{parts.scheme}://{parts.netloc}{found['base']}"
            starts_run = request.method == "POST" and bool(_STARTS_RUN.search(parts.path))
            starts_runs[base] = starts_runs.get(base, False) or starts_run
    bases = [base for base, starts_run in starts_runs.items() if starts_run] or list(starts_runs)
    if len(bases) == 1:
        return bases[0]
    if not requests:
        raise UsageError("the recording is empty: it has no requests")
    problem = f"no request to an Agent Server, only to {_list_servers(requests)}"
    if bases:
        problem = f"requests to several servers, {', '.join(sorted(bases))}"
    raise UsageError(f"the recording has {problem}: name one with --upstream URL")


def _normalize(url: str) -> str:
    """Return *url* with a lower-case host, without default port, user and fragment; empty if it is not a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    scheme, host = parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()
    host = host.removesuffix(_DEFAULT_PORTS.get(scheme, ""))
    return parts._replace(scheme=scheme, netloc=host, fragment="").geturl()


def _list_servers(requests: Sequence[ForeignRequest]) -> str:
    """Return the first five servers of *requests* as text."""
    parts = [urlsplit(_normalize(request.url)) for request in requests]
    return ", ".join(sorted({f"{part.scheme}://{part.netloc}" for part in parts})[:5])


def _find_path(base: str, url: str) -> str | None:
    """Return the path and the query of *url* below *base*; None for another server."""
    url = re.sub(r"^ws(?=s?://)", "http", _normalize(url))  # a WebSocket is reported as such
    path = url.removeprefix(base)
    if not url.startswith(base) or path[:1] not in ("", "/", "?"):
        return None
    return path if path.startswith("/") else f"/{path}"
