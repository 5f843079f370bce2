"""Check that the SDKs of the Agent Server can read the recorded responses. No I/O.

Source: the SDKs read the run's id from `content-location` by `(/threads/(.+))?/runs/(.+)`, greedily, and resume a stream at its
`location`; `langgraph_sdk/_shared/utilities.py` and `@langchain/langgraph-sdk`.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import replace

from mockserver.cassette.json_checks import find_event_problem, find_json_problem
from mockserver.cassette.model import Body, Exchange, Response, Stream
from mockserver.cassette.playback import is_recorded_response_header
from mockserver.formats.server_ids import UUID_PATTERN
from mockserver.http.messages import (
    EVENT_STREAM,
    HOP_BY_HOP,
    Request,
    first_value,
    has_event_stream_type,
)
from mockserver.matching.canonical import decode_path, split_api_path
from mockserver.tools.cassette_source import KeyPath, Part
from mockserver.tools.json_bodies import parse_body
from mockserver.tools.lint.findings import Finding, create_finding

_RUN = re.compile(r"(?:/[^?#\s]*?)??(?:/threads/[^/?#\s]+)?/runs/[^/?#\s]+")
_RUN_PREFIX = re.compile(
    rf"((?:/[^?#\s]*?)??(?:/threads/[^/]+)?/runs/{UUID_PATTERN})[/?#].*", re.IGNORECASE
)
_STARTS_RUN = re.compile(r"(?:/threads/[^/]+)?/runs(?:/stream|/wait)?/?")
_RUN_ID = re.compile(rf"/runs/({UUID_PATTERN})")
_JSON = re.compile(r"[\w.+-]+/(?:[\w.-]+\+)?json\s*(?:;|$)", re.IGNORECASE)
_STATUSES_WITHOUT_BODY = (202, 204)
_CONDITIONAL_STATUSES = (206, 304, 412, 416)
"""RFC 9110, sections 13 and 14: responses to a request with a condition or a range, which a cassette does not hold."""


def check_part(part: Part) -> Iterator[Finding]:
    exchange = part.exchange
    assert exchange is not None
    content = exchange.response.content
    if (status := exchange.response.status) in _CONDITIONAL_STATUSES:
        message = f"status {status} answers a condition or a range, and is replayed to clients that sent none"
        fix = "record it again, or delete the exchange"
        yield create_finding(part, ("response", "status"), "conditional", message, fix)
    yield from _check_headers(part, exchange)
    if isinstance(content, Stream):
        yield from _check_stream(part, exchange, content)
    else:
        yield from _check_body(part, exchange, content)


def fix_headers(exchange: Exchange, skipped: Set[str]) -> Response:
    """Return the response of *exchange* with the unambiguous fixes of its headers, except those for the codes *skipped*."""
    headers = exchange.response.headers
    if "header" not in skipped:
        headers = tuple(
            (name, value)
            for name, value in headers
            if not _is_set_by_replay(name, value, exchange.request.method)
        )
    if "content-location" not in skipped and _starts_run(exchange.request):
        headers = tuple((name, _shorten(name, value)) for name, value in headers)
    return replace(exchange.response, headers=headers)


def _check_headers(part: Part, exchange: Exchange) -> Iterator[Finding]:
    for name, value in exchange.response.headers:
        path = ("response", "headers", name)
        if _is_set_by_replay(name, value, exchange.request.method):
            message = f"mockserver sets {name} itself in each response"
            yield create_finding(part, path, "header", message, "delete it", fixable=True)
        elif name == "content-location" and not _RUN.fullmatch(value):
            if _starts_run(exchange.request):
                fixable = _shorten(name, value) != value
                message = f"no SDK can read a run id from {value!r}"
                fix = "write /runs/ID or /threads/ID/runs/ID"
                yield create_finding(part, path, "content-location", message, fix, fixable=fixable)
        elif name == "location" and "://" in value:
            message = f"clients would continue at {value!r} instead of this server"
            fix = "write a path, such as /runs/ID/stream"
            yield create_finding(part, path, "location", message, fix)


def _check_stream(part: Part, exchange: Exchange, stream: Stream) -> Iterator[Finding]:
    response = exchange.response
    if not has_event_stream_type(response.headers):
        kind = first_value(response.headers, "content-type")
        message = f"the SDKs reject events with content-type {kind}"
        fix = f"write content-type: {EVENT_STREAM}; charset=utf-8"
        path: KeyPath = ("response", "headers", "content-type")
        yield create_finding(part, path, "content-type", message, fix)
    for number, timed in enumerate(stream.events):
        if problem := find_event_problem(timed.event):
            fix = "write it as JSON, or restore it from git"
            path = ("response", "events", number, "data")
            yield create_finding(part, path, "not-json", problem, fix)
    if stream.tail and not (response.end and response.end.cut):
        message = "the stream ends within an event, which clients ignore"
        fix = "complete the event, or delete it"
        yield create_finding(part, ("response", "tail"), "not-json", message, fix)
    named = _RUN_ID.search(first_value(response.headers, "content-location") or "")
    if named and _starts_run(exchange.request):
        yield from _check_run_id(part, stream, named[1])


def _check_run_id(part: Part, stream: Stream, run_id: str) -> Iterator[Finding]:
    """Yield a finding if the metadata event names another run than *run_id*, which a header names."""
    for number, timed in enumerate(stream.events):
        fields = dict(timed.event.fields)
        if fields.get("event") == "metadata":
            metadata = parse_body(fields.get("data", "").encode("utf-8", "surrogatepass"))
            other = metadata.get("run_id") if isinstance(metadata, dict) else None
            if isinstance(other, str) and other.lower() != run_id.lower():
                message = f"the metadata event names run {other}, content-location names {run_id}"
                fix = "write the same id in both"
                path = ("response", "events", number, "data")
                yield create_finding(part, path, "run-id", message, fix)
            return


def _check_body(part: Part, exchange: Exchange, body: Body) -> Iterator[Finding]:
    kind = first_value(exchange.response.headers, "content-type") or ""
    status = exchange.response.status
    if _JSON.match(kind) and body.raw and (error := find_json_problem(body.raw)):
        fix = "correct it, or its content-type"
        message = f"the body is not JSON: {error}"
        yield create_finding(part, ("response", "text"), "not-json", message, fix)
    elif not body.raw and _must_have_body(exchange.request, status):
        message = f"status {status} without a body breaks the SDKs, which expect JSON"
        fix = "write a `body`, or status 204"
        yield create_finding(part, ("response",), "not-json", message, fix)


def _is_set_by_replay(name: str, value: str, method: str) -> bool:
    return name in HOP_BY_HOP or not is_recorded_response_header(name, value, method)


def _shorten(name: str, value: str) -> str:
    """Return the *value* of the header *name*; that of a content-location ends with the run id."""
    run = _RUN_PREFIX.fullmatch(value) if name == "content-location" else None
    return run[1] if run else value


def _starts_run(request: Request) -> bool:
    path = decode_path(request.path.partition("?")[0])
    return request.method == "POST" and bool(_STARTS_RUN.fullmatch(split_api_path(path)[1]))


def _must_have_body(request: Request, status: int) -> bool:
    is_read = request.method not in ("HEAD", "OPTIONS", "DELETE")
    has_body = 200 <= status < 300 and status not in _STATUSES_WITHOUT_BODY
    return is_read and has_body and not request.path.endswith("/cancel")
