"""Explain why no exchange matches a request."""

from dataclasses import replace

from mockserver.cassette.summary import find_human_text
from mockserver.conversations.ids import UUID
from mockserver.formats.json_text import Json, dumps
from mockserver.http.messages import (
    JSON,
    Reply,
    ReplySource,
    Request,
    cassette_name,
    error_reply,
)
from mockserver.matching.canonical import canonicalize
from mockserver.matching.differences import differences
from mockserver.matching.index import Entry
from mockserver.matching.likeness import measure_likeness
from mockserver.matching.miss import Miss, NearRequest, explain_missing_cassette
from mockserver.matching.rules import apply_rules
from mockserver.matching.run_bodies import find_run_modes
from mockserver.redaction.redactor import redacted_request
from mockserver.server.responders.replay import Cassettes

_MAX_EXCHANGES = 2_000
"""With more exchanges the search for a near miss would delay each run of the fake graph."""


class ExplainMiss:
    """Responds to each request with the reason why *cassettes* do not hold it."""

    def __init__(self, cassettes: Cassettes) -> None:
        self._cassettes = cassettes

    async def respond(self, request: Request) -> Reply | None:
        """Return a 404 with the reason and the nearest recorded requests."""
        if is_browser_noise(request):
            return error_reply(404, "Not Found", ReplySource.MISS, is_counted=False)
        return create_miss_reply(self._cassettes, request)


def create_miss_reply(cassettes: Cassettes, request: Request) -> Reply:
    """Return a 404 with the reason why *cassettes* do not hold *request*, and the nearest recorded requests."""
    miss = explain_miss(cassettes, request)
    text, details = miss.to_text(), miss.to_json()
    body = dumps({"detail": text, "miss": details}).encode("utf-8", "replace")
    return Reply(404, JSON, body, "Not Found", ReplySource.MISS, note=text, miss_details=details)


def explain_miss(cassettes: Cassettes, request: Request) -> Miss:
    """Return why *request* has no recorded response in *cassettes*, with its secrets redacted."""
    redacted = redacted_request(request, cassettes.rules)
    cassette = cassette_name(request)
    index = cassettes.index.for_cassette(cassette)
    if index is None:
        known = [cassette.name for cassette in cassettes.index.cassettes]
        return explain_missing_cassette(redacted, cassette or "", known)
    if not index.entries:
        return Miss(redacted, "no exchanges are loaded")
    plays = cassettes.session(request).plays

    def describe(entry: Entry) -> NearRequest:
        recorded = redacted_request(cassettes.library.request(entry), cassettes.rules)
        return NearRequest(entry.label, recorded, index.rules_of(entry), plays[entry.label])

    refusal = cassettes.find_refusal(request)
    if refusal is not None and refusal.expected is not None:
        got = refusal.ids.to_recorded_request(redacted)
        return Miss(redacted, refusal.reason, (replace(describe(refusal.expected), got=got),))
    found = cassettes.exchanges.keys_for(request).found
    if found and refusal is None:
        count = len(found.entries)
        reason = f"all {count} of {count} matching exchanges were already played, and `repeat: error` is set"
        return Miss(redacted, reason, (describe(found.entries[-1]),))
    reason = refusal.reason if refusal else "no exchange matches"
    return Miss(redacted, reason, tuple(map(describe, index.nearest(canonicalize(redacted)))))


def is_browser_noise(request: Request) -> bool:
    """Return whether *request* is one that browsers send on their own."""
    path = request.path.partition("?")[0]
    return path in ("/", "/favicon.ico") or path.startswith("/.well-known/")


def explain_near_miss(cassettes: Cassettes, request: Request) -> Miss | None:
    """Return why *request*, a run, has no recorded response in *cassettes* although one is close; None if none is.

    Close is a run on the same route with the same last human message, or with one difference. The most alike message counts.
    """
    if request.method != "POST" or "/runs" not in request.path:
        return None
    if not 0 < len(cassettes.index.entries) <= _MAX_EXCHANGES:
        return None
    form = canonicalize(request)
    if find_run_modes(form) is None:
        return None
    miss = explain_miss(cassettes, request)
    close = [near for near in miss.nearest if _is_close(near, form)]
    if len(close) < 2:
        return replace(miss, nearest=tuple(close)) if close else None
    text = find_human_text(form) or ""

    def measure(near: NearRequest) -> float:
        return measure_likeness(find_human_text(canonicalize(near.request)) or "", text)

    return replace(miss, nearest=(max(close, key=measure),))


def _is_close(near: NearRequest, form: dict[str, Json]) -> bool:
    recorded = canonicalize(near.request)
    got = form if near.got is None else canonicalize(near.got)
    if UUID.sub("*", recorded["path"]) != UUID.sub("*", got["path"]):
        return False
    text = find_human_text(got)
    if text and find_human_text(recorded) == text:
        return True
    recorded, got = (apply_rules(each, near.rules) for each in (recorded, got))
    return len(list(differences(recorded, {**got, "path": recorded["path"]}))) == 1
