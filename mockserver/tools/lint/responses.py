"""Answers that clients cannot read: what the SDKs of the Agent Server live on. No I/O.

Source: the SDKs read the run's id from `content-location` by `(/threads/(.+))?/runs/(.+)`, greedily, and take a `location` for where a
stream goes on; `langgraph_sdk/_shared/utilities.py` and `@langchain/langgraph-sdk`.
"""

import re
from collections.abc import Iterator, Set

from mockserver.cassette.assistant_ids import ID
from mockserver.cassette.model import Body, Exchange, Response, Stream
from mockserver.cassette.recorder import OF_ONE_DELIVERY
from mockserver.formats.json_text import loads
from mockserver.http.messages import EVENT_STREAM, HOP_BY_HOP, Request, first, is_event_stream
from mockserver.tools.json_bodies import parsed
from mockserver.tools.lint.findings import Finding
from mockserver.tools.source import Part, Place

_RUN = re.compile(r"(?:/[^?#\s]*?)??(?:/threads/[^/?#\s]+)?/runs/[^/?#\s]+")
_RUN_BEGINS = re.compile(rf"((?:/threads/[^/]+)?/runs/{ID})[/?#].*", re.IGNORECASE)
_STARTS_RUN = re.compile(r"(?:/threads/[^/?]+)?/runs(?:/stream|/wait)?/?(?:\?.*)?")
_JSON = re.compile(r"[\w.+-]+/(?:[\w.-]+\+)?json\s*(?:;|$)", re.IGNORECASE)
_ALONE = frozenset(("comment", "raw", "base64"))
_NO_BODY = (202, 204)


def findings(part: Part) -> Iterator[Finding]:
    """Yield what is wrong with the answer of *part*."""
    exchange = part.exchange
    assert exchange is not None
    for code, place, message, mend, fixable in (
        *_headers(exchange),
        *_content(exchange),
        *_runs(exchange),
    ):
        yield Finding(part.file, part.line_of(place), code, part.number, message, mend, fixable)


def mended(exchange: Exchange, skipped: Set[str]) -> Response:
    """Return the response of *exchange* with those headers mended that have but one meaning, but for what the codes *skipped* find."""
    response = exchange.response
    headers = response.headers
    if "header" not in skipped:
        headers = tuple((name, value) for name, value in headers if not _is_made(name))
    if "content-location" not in skipped:
        headers = tuple((name, _read(name, value, exchange)) for name, value in headers)
    return Response(response.status, response.reason, headers, response.content, response.end)


_Told = tuple[str, Place, str, str, bool]
"""Code, place, message, mend, whether `--fix` does it."""


def _headers(exchange: Exchange) -> Iterator[_Told]:
    response = exchange.response
    for name, value in response.headers:
        place: Place = ("response", "headers", name)
        if _is_made(name):
            yield "header", place, f"{name} is made anew with each delivery", "delete it", True
        elif name == "content-location" and _starts_run(exchange) and not _RUN.fullmatch(value):
            fixable = _read(name, value, exchange) != value
            message = f"no SDK reads a run's id from {value!r}"
            yield (
                "content-location",
                place,
                message,
                "write /runs/ID or /threads/ID/runs/ID",
                fixable,
            )
        elif name == "location" and "://" in value:
            message = f"a client would go on at {value!r}, not here"
            yield "location", place, message, "write a path, such as /runs/ID/stream", False
    if isinstance(response.content, Stream) and not is_event_stream(response.headers):
        said = first(response.headers, "content-type")
        message = f"events come with {f'content-type {said}' if said else 'no content-type'}, which the SDKs refuse"
        mend = f"write content-type: {EVENT_STREAM}; charset=utf-8"
        yield "content-type", ("response", "headers", "content-type"), message, mend, False


def _content(exchange: Exchange) -> Iterator[_Told]:
    response = exchange.response
    match response.content:
        case Stream() as stream:
            for number, timed in enumerate(stream.events):
                if fault := _event_fault(dict(timed.event.fields)):
                    mend = "write it as JSON, or take it from git again"
                    yield "not-json", ("response", "events", number, "data"), fault, mend, False
            if stream.tail and not (response.end and response.end.cut):
                message = "the stream ends within an event, which no client sees"
                yield (
                    "not-json",
                    ("response", "tail"),
                    message,
                    "end the event, or delete it",
                    False,
                )
        case Body(raw):
            said = first(response.headers, "content-type") or ""
            fault = _body_fault(raw) if _JSON.match(said) else None
            if fault:
                place: Place = ("response", "text")
                yield (
                    "not-json",
                    place,
                    f"the body is no JSON: {fault}",
                    "correct it, or its content-type",
                    False,
                )
            elif (
                not raw
                and 200 <= response.status < 300
                and _wants_body(exchange.request, response.status)
            ):
                message = f"a {response.status} without a body breaks the SDKs, which read JSON"
                yield "not-json", ("response",), message, "write a `body`, or status 204", False


def _runs(exchange: Exchange) -> Iterator[_Told]:
    """Tell where an answer names one run in its head, and another in its stream."""
    named = re.search(rf"/runs/({ID})", first(exchange.response.headers, "content-location") or "")
    content = exchange.response.content
    if not named or not isinstance(content, Stream) or not _starts_run(exchange):
        return
    for number, timed in enumerate(content.events):
        fields = dict(timed.event.fields)
        if fields.get("event") == "metadata":
            value = parsed(fields.get("data", "").encode("utf-8", "surrogatepass"))
            told = value.get("run_id") if isinstance(value, dict) else None
            if isinstance(told, str) and told.lower() != named[1].lower():
                place: Place = ("response", "events", number, "data")
                message = f"metadata names run {told}, content-location {named[1]}"
                yield "run-id", place, message, "write the same id in both", False
            return


def _event_fault(fields: dict[str, str]) -> str | None:
    if not _ALONE.isdisjoint(fields):
        return None
    name = fields.get("event", "message")
    data = fields.get("data", "")
    if name == "end" or ("data" not in fields and "event" not in fields):
        return None
    fault = _json_fault(data) if data else "it is empty"
    return f"the data of {name!r} is no JSON: {fault}" if fault else None


def _body_fault(raw: bytes) -> str | None:
    """Return why *raw* is no JSON, None where it is some, or empty."""
    try:
        return _json_fault(raw.decode()) if raw else None
    except UnicodeDecodeError:
        return "not UTF-8"


def _json_fault(text: str) -> str | None:
    """Return why *text* is no JSON, None where it is some."""
    try:
        loads(text)
    except ValueError as error:
        return str(error)
    return None


def _is_made(name: str) -> bool:
    return name in OF_ONE_DELIVERY or name in HOP_BY_HOP or name.startswith("access-control-")


def _read(name: str, value: str, exchange: Exchange) -> str:
    """Return the header's *value*, without what stands behind the run's id where that is to be read."""
    if (
        name == "content-location"
        and _starts_run(exchange)
        and (run := _RUN_BEGINS.fullmatch(value))
    ):
        return run[1]
    return value


def _starts_run(exchange: Exchange) -> bool:
    return exchange.request.method == "POST" and bool(_STARTS_RUN.fullmatch(exchange.request.path))


def _wants_body(request: Request, status: int) -> bool:
    read = request.method not in ("HEAD", "OPTIONS", "DELETE")
    return read and status not in _NO_BODY and not request.path.endswith("/cancel")
