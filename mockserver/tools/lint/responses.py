"""Check that the SDKs of the Agent Server can read the recorded responses. No I/O.

Source: the SDKs read the run's id from `content-location` by `(/threads/(.+))?/runs/(.+)`, greedily, and resume a stream at its
`location`; `langgraph_sdk/_shared/utilities.py` and `@langchain/langgraph-sdk`.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

from mockserver.cassette.assistant_ids import UUID_PATTERN
from mockserver.cassette.model import Body, Exchange, Response, Stream
from mockserver.cassette.recorder import UNRECORDED_RESPONSE_HEADERS
from mockserver.formats.json_text import loads
from mockserver.http.messages import EVENT_STREAM, HOP_BY_HOP, Request, first_value, is_event_stream
from mockserver.matching import url
from mockserver.tools.json_bodies import parse_body
from mockserver.tools.lint.findings import Finding
from mockserver.tools.source import KeyPath, Part

_RUN = re.compile(r"(?:/[^?#\s]*?)??(?:/threads/[^/?#\s]+)?/runs/[^/?#\s]+")
_RUN_PREFIX = re.compile(
    rf"((?:/[^?#\s]*?)??(?:/threads/[^/]+)?/runs/{UUID_PATTERN})[/?#].*", re.IGNORECASE
)
_STARTS_RUN = re.compile(r"(?:/threads/[^/]+)?/runs(?:/stream|/wait)?/?")
_JSON = re.compile(r"[\w.+-]+/(?:[\w.-]+\+)?json\s*(?:;|$)", re.IGNORECASE)
_RAW_FIELDS = frozenset(("comment", "raw", "base64"))
_STATUSES_WITHOUT_BODY = (202, 204)


@dataclass(frozen=True, slots=True)
class _Problem:
    code: str
    path: KeyPath
    message: str
    fix: str
    fixable: bool = False


def check_part(part: Part) -> Iterator[Finding]:
    """Yield the findings in the response of *part*."""
    exchange = part.exchange
    assert exchange is not None
    for found in (*_check_headers(exchange), *_check_content(exchange), *_check_run_ids(exchange)):
        line = part.line_of(found.path)
        yield Finding(
            part.file, line, found.code, part.number, found.message, found.fix, found.fixable
        )


def fix_headers(exchange: Exchange, skipped: Set[str]) -> Response:
    """Return the response of *exchange* with the unambiguous fixes of its headers, except those for the codes *skipped*."""
    headers = exchange.response.headers
    if "header" not in skipped:
        headers = tuple((name, value) for name, value in headers if not _is_set_by_replay(name))
    if "content-location" not in skipped:
        headers = tuple((name, _shorten(name, value, exchange)) for name, value in headers)
    return replace(exchange.response, headers=headers)


def _check_headers(exchange: Exchange) -> Iterator[_Problem]:
    response = exchange.response
    for name, value in response.headers:
        path: KeyPath = ("response", "headers", name)
        if _is_set_by_replay(name):
            message = f"mockserver sets {name} itself in each response"
            yield _Problem("header", path, message, "delete it", fixable=True)
        elif name == "content-location" and _starts_run(exchange) and not _RUN.fullmatch(value):
            fixable = _shorten(name, value, exchange) != value
            message = f"no SDK can read a run id from {value!r}"
            fix = "write /runs/ID or /threads/ID/runs/ID"
            yield _Problem("content-location", path, message, fix, fixable)
        elif name == "location" and "://" in value:
            message = f"clients would continue at {value!r} instead of this server"
            yield _Problem("location", path, message, "write a path, such as /runs/ID/stream")
    if isinstance(response.content, Stream) and not is_event_stream(response.headers):
        kind = first_value(response.headers, "content-type")
        message = (
            f"the SDKs reject events with {f'content-type {kind}' if kind else 'no content-type'}"
        )
        fix = f"write content-type: {EVENT_STREAM}; charset=utf-8"
        yield _Problem("content-type", ("response", "headers", "content-type"), message, fix)


def _check_content(exchange: Exchange) -> Iterator[_Problem]:
    response = exchange.response
    match response.content:
        case Stream() as stream:
            for number, timed in enumerate(stream.events):
                if message := _event_error(dict(timed.event.fields)):
                    fix = "write it as JSON, or restore it from git"
                    yield _Problem("not-json", ("response", "events", number, "data"), message, fix)
            if stream.tail and not (response.end and response.end.cut):
                message = "the stream ends within an event, which clients ignore"
                fix = "complete the event, or delete it"
                yield _Problem("not-json", ("response", "tail"), message, fix)
        case Body(raw):
            kind = first_value(response.headers, "content-type") or ""
            if _JSON.match(kind) and (error := _body_error(raw)):
                message = f"the body is not JSON: {error}"
                fix = "correct it, or its content-type"
                yield _Problem("not-json", ("response", "text"), message, fix)
            elif not raw and _must_have_body(exchange.request, response.status):
                message = (
                    f"status {response.status} without a body breaks the SDKs, which expect JSON"
                )
                yield _Problem("not-json", ("response",), message, "write a `body`, or status 204")


def _check_run_ids(exchange: Exchange) -> Iterator[_Problem]:
    """Yield a problem if the headers name one run and the stream names another."""
    named = re.search(
        rf"/runs/({UUID_PATTERN})", first_value(exchange.response.headers, "content-location") or ""
    )
    content = exchange.response.content
    if not named or not isinstance(content, Stream) or not _starts_run(exchange):
        return
    for number, timed in enumerate(content.events):
        fields = dict(timed.event.fields)
        if fields.get("event") == "metadata":
            metadata = parse_body(fields.get("data", "").encode("utf-8", "surrogatepass"))
            run_id = metadata.get("run_id") if isinstance(metadata, dict) else None
            if isinstance(run_id, str) and run_id.lower() != named[1].lower():
                path: KeyPath = ("response", "events", number, "data")
                message = (
                    f"the metadata event names run {run_id}, content-location names {named[1]}"
                )
                yield _Problem("run-id", path, message, "write the same id in both")
            return


def _event_error(fields: dict[str, str]) -> str | None:
    if not _RAW_FIELDS.isdisjoint(fields):
        return None
    name = fields.get("event", "message")
    data = fields.get("data", "")
    if name == "end" or ("data" not in fields and "event" not in fields):
        return None
    error = _json_error(data) if data else "it is empty"
    return f"the data of {name!r} is not JSON: {error}" if error else None


def _body_error(raw: bytes) -> str | None:
    """Return why *raw* is not JSON, or None if it is JSON or empty."""
    try:
        return _json_error(raw.decode()) if raw else None
    except UnicodeDecodeError:
        return "it is not UTF-8"


def _json_error(text: str) -> str | None:
    """Return why *text* is not JSON, or None if it is."""
    try:
        loads(text)
    except ValueError as error:
        return str(error)
    return None


def _is_set_by_replay(name: str) -> bool:
    return (
        name in UNRECORDED_RESPONSE_HEADERS
        or name in HOP_BY_HOP
        or name.startswith("access-control-")
    )


def _shorten(name: str, value: str, exchange: Exchange) -> str:
    """Return the *value* of the header *name*; that of a content-location ends with the run id."""
    if (
        name == "content-location"
        and _starts_run(exchange)
        and (run := _RUN_PREFIX.fullmatch(value))
    ):
        return run[1]
    return value


def _starts_run(exchange: Exchange) -> bool:
    if exchange.request.method != "POST":
        return False
    path = url.decode_path(exchange.request.path.partition("?")[0])
    return bool(_STARTS_RUN.fullmatch(url.split_api_path(path)[1]))


def _must_have_body(request: Request, status: int) -> bool:
    is_read = request.method not in ("HEAD", "OPTIONS", "DELETE")
    has_body = 200 <= status < 300 and status not in _STATUSES_WITHOUT_BODY
    return is_read and has_body and not request.path.endswith("/cancel")
