"""The calls of the journal as the control API shows them: in JSON and without secrets."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from mockserver.cassette.model import Body, Ending, Exchange, Response
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.summary import body_to_json, describe_request
from mockserver.errors import RequestError, SlowPatternError
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers, PrebuiltBody, Reply, ReplySource, TimedBody
from mockserver.redaction.redactor import (
    RedactionRules,
    redact_exchange_for_display,
    redact_for_display,
)
from mockserver.redaction.secret_names import PLACEHOLDER, is_credential_header
from mockserver.server.call import Call
from mockserver.server.journal import Journal, JournalEntry, SentResponse
from mockserver.server.response_writer import response_headers
from mockserver.tools.page.exchange_view import JsonObject, view_headers, view_response

_TOLERANCE = 0.005
"""How many seconds early a chunk may be sent, and by how much the clocks may differ."""


def view_journal(journal: Journal, parameters: dict[str, str], rules: RedactionRules) -> JsonObject:
    """Return the calls that *parameters* select, oldest first."""
    sources = parse_sources(parameters.get("source"))
    entries = [
        entry
        for entry in journal.entries(parameters.get("session"))
        if entry.call.source in sources
    ]
    total = len(entries)
    if "before" in parameters:
        before = parse_number(parameters, "before")
        entries = [entry for entry in entries if entry.number < before]
    if "limit" in parameters:
        entries = entries[-parse_number(parameters, "limit") :]
    return {
        "requests": [view_call(entry, rules) for entry in entries],
        "forgotten": journal.forgotten,
        "total": total,
    }


def parse_sources(text: str | None) -> list[str]:
    """Return the sources in *text*, by default all; RequestError if one is unknown."""
    sources = list(ReplySource) if text is None else text.split(",")
    if unknown := [each for each in sources if each not in list(ReplySource)]:
        known = ", ".join(ReplySource)
        raise RequestError(f"source={unknown[0]}: unknown source; the sources are {known}")
    return [*sources]


def parse_number(parameters: dict[str, str], name: str) -> int:
    """Return the parameter *name*; RequestError if it is not a number from 1."""
    text = parameters[name]
    if not (text.isascii() and text.isdecimal() and int(text[:10])):
        raise RequestError(f"{name}={text}: write a number from 1")
    return int(text[:10])


def explain_misses(calls: Iterable[Call]) -> str:
    """Return the explanations of the misses and errors among *calls*; empty if there are none."""
    return "\n\n".join(str(call) for call in calls if call.is_problem and not call.is_of_page)


def view_call(entry: JournalEntry, rules: RedactionRules) -> JsonObject:
    """Return what a list shows of *entry*."""
    call = entry.call
    request = redact_for_display(call.request, rules)
    body = body_to_json(request.body.decode("utf-8", "replace").encode())
    optional: JsonObject = {
        name: getattr(call, name) for name in ("how", "conversation", "note", "miss", "fault")
    }
    optional["asked"] = describe_request(request.path, body.get("body"))
    shown = {
        "number": entry.number,
        "when": call.when.isoformat(timespec="milliseconds"),
        "session": call.session,
        "method": call.method,
        "path": request.path,
        **body,
        "status": call.status,
        "source": str(call.source),
        "exchange": call.exchange,
        "ids": dict(call.ids),
        **{name: value for name, value in optional.items() if value},
    }
    return shown if entry.seconds is None else shown | {"seconds": round(entry.seconds, 3)}


def view_whole_call(entry: JournalEntry, rules: RedactionRules) -> JsonObject:
    """Return *entry* with all headers of the request, and with the response as far as it was sent; None for one that is forgotten."""
    request, sent = entry.call.request, entry.response
    response = Response() if sent is None else _read_response(entry, sent)
    try:
        exchange = redact_exchange_for_display(Exchange(request, response), rules)
    except SlowPatternError as error:
        hidden = Body(f"{PLACEHOLDER}: {error}".encode())
        exchange = Exchange(replace(request, headers=()), Response(response.status, content=hidden))
    return {
        **view_call(entry, rules),
        "headers": _view_headers(exchange.request.headers),
        "response": None if sent is None else _view_response(entry, sent, exchange.response),
    }


def _read_response(entry: JournalEntry, sent: SentResponse) -> Response:
    """Return the response to *entry* as far as it was *sent*: read like a recording of it."""
    reply, is_complete = sent.reply, entry.seconds is not None
    now = datetime.now(UTC)
    elapsed = (now - entry.call.when).total_seconds() if entry.seconds is None else entry.seconds
    recorder = Recorder(entry.call.request, 0.0)
    recorder.start_response(reply.status, reply.reason, reply.headers)
    last = 0.0
    for at, chunk in sent.steps or _whole_body(reply, elapsed):
        if at <= elapsed + _TOLERANCE:
            recorder.feed(chunk, at)
            last = at
    is_cut = isinstance(reply.body, TimedBody) and reply.body.cut and is_complete
    recorded = recorder.finish(
        max(last, elapsed if is_complete else 0.0), Ending.CUT if is_cut else Ending.CLOSED
    )
    return replace(recorded.response, headers=response_headers(reply))


def _whole_body(reply: Reply, at: float) -> list[tuple[float, bytes]]:
    """Return the body of *reply*, which was sent as a whole *at* that time; nothing for one that was streamed."""
    body = reply.body.body if isinstance(reply.body, PrebuiltBody) else reply.body
    return [(at, body)] if isinstance(body, bytes) else []


def _view_response(entry: JournalEntry, sent: SentResponse, response: Response) -> JsonObject:
    view = view_response(response) | {"headers": _view_headers(response.headers)}
    if entry.seconds is None:
        del view["seconds"]
    return view | {"truncated": True} if sent.is_truncated else view


def _view_headers(headers: Headers) -> list[Json]:
    """Return *headers* without the values of those that hold credentials, whatever they are."""
    return view_headers(
        tuple(
            (name, PLACEHOLDER if name == "set-cookie" or is_credential_header(name) else value)
            for name, value in headers
        )
    )
