"""An exchange as the page shows it, in JSON and without secrets."""

from collections.abc import Iterable

from mockserver.cassette.model import Body, Ending, Response, Stream, TimedEvent
from mockserver.cassette.playback import last_time
from mockserver.cassette.summary import (
    body_to_json,
    describe_request,
    find_human_text,
    find_thread_id,
    headers_to_json,
    measure_duration,
)
from mockserver.formats.json_text import Json, loads
from mockserver.http.messages import Headers, Request
from mockserver.matching.canonical import canonicalize
from mockserver.redaction.redactor import RedactionRules, Redactor, redact_exchange_for_display
from mockserver.tools.cassette_source import Part
from mockserver.tools.lint.findings import Finding
from mockserver.tools.rewrite_values import create_redactor, rewrite_values

JsonObject = dict[str, Json]

_LONGEST_TEXT = 200
"""How much of a text is in a list."""


def view_row(cassette: str, number: int, method: str, path: str, played: int) -> JsonObject:
    """Return what a list of exchanges shows of exchange *number* of *cassette*; *path* is without secrets."""
    row: JsonObject = {
        "exchange": f"{cassette}#{number}",
        "cassette": cassette,
        "number": number,
        "method": method,
        "path": path,
        "played": played,
    }
    if thread := find_thread_id(path):
        row["thread"] = thread
    return row


def view_asked(request: Request, redactor: Redactor) -> JsonObject:
    """Return what *request* asks for (`asked`) and its last human message (`human`), if it has these, without the secrets that *redactor* finds."""
    body = body_to_json(request.body).get("body")
    texts = {
        "asked": describe_request(request.path, body),
        "human": find_human_text(canonicalize(request)),
    }
    return {
        name: redactor.rewrite_text(text)[:_LONGEST_TEXT] for name, text in texts.items() if text
    }


def view_exchange(
    cassette: str, part: Part, played: int, findings: Iterable[Finding], rules: RedactionRules
) -> JsonObject:
    """Return the whole exchange of *part*, a part of *cassette*, which was played that often; *findings* are those of the linter for it."""
    exchange = redact_exchange_for_display(part.require_exchange(), rules)
    request = exchange.request
    return {
        **view_row(cassette, part.number, request.method, request.path, played),
        **view_asked(request, Redactor((), rules)),
        "file": part.file,
        "line": part.line,
        "yaml": rewrite_values(part, create_redactor(part, rules)).decode("utf-8", "replace"),
        "request": {
            "method": request.method,
            "path": request.path,
            "headers": list(headers_to_json(request.headers)),
            **body_to_json(request.body),
        },
        "response": view_response(exchange.response),
        "findings": [view_finding(cassette, finding) for finding in findings],
    }


def view_response(response: Response) -> JsonObject:
    """Return *response*, which is without secrets."""
    view: JsonObject = {
        "status": response.status,
        "headers": list(headers_to_json(response.headers)),
        "seconds": measure_duration(response),
    }
    match response.content:
        case Stream(events, _, tail):
            view["events"] = _view_events(events)
            if tail:
                at = round(last_time(response.content), 3)
                view["events"].append({"at": at, "event": "", "text": _decode(tail)})
        case Body(raw):
            view |= body_to_json(raw)
    if response.end is not None and response.end.how is not Ending.CLOSED:
        view["end"] = str(response.end.how)
    return view


def view_finding(cassette: str, finding: Finding) -> JsonObject:
    """Return a *finding* of the linter in *cassette*."""
    return {
        "code": finding.code,
        "message": finding.message,
        "fix": finding.advice,
        "cassette": cassette,
        "exchange": f"{cassette}#{finding.exchange}" if finding.exchange else None,
        "file": finding.file,
        "line": finding.line,
    }


def view_headers(headers: Headers) -> list[Json]:
    """Return *headers* as pairs of name and value."""
    return list(headers_to_json(headers))


def _view_events(events: Iterable[TimedEvent]) -> list[Json]:
    views: list[Json] = []
    at = 0.0
    for after, event in events:
        at = round(at + after, 3)
        fields = dict(event.fields)
        view: JsonObject = {"at": at, "event": fields.get("event", "message")}
        if "id" in fields:
            view["id"] = fields["id"]
        if "data" in fields:
            try:
                view["data"] = loads(fields["data"])
            except ValueError:
                view["text"] = fields["data"]
        else:
            text = next(
                (fields[name] for name in ("comment", "raw", "base64") if name in fields), ""
            )
            view |= {"text": text} if "event" in fields else {"event": "", "text": text}
        views.append(view)
    return views


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
