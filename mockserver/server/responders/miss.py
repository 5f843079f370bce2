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
from mockserver.matching.miss import Miss, NearRequest, explain_missing_cassette
from mockserver.matching.rules import apply_rules
from mockserver.matching.run_bodies import find_run_modes
from mockserver.matching.text_similarity import measure_similarity
from mockserver.redaction.redactor import redact_for_display
from mockserver.server.responders.replay import ReplayResponder

_MAX_EXCHANGES = 2_000
"""With more exchanges the search for a near miss would delay each run of the fake graph."""


class MissResponder:
    """Responds to each request with the reason why *replay* does not find it."""

    def __init__(self, replay: ReplayResponder) -> None:
        self._replay = replay

    async def respond(self, request: Request) -> Reply | None:
        """Return a 404 with the reason and the nearest recorded requests."""
        if is_browser_noise(request):
            return error_reply(404, "Not Found", ReplySource.MISS, is_counted=False)
        return create_miss_reply(self._replay, request)


def create_miss_reply(replay: ReplayResponder, request: Request) -> Reply:
    """Return a 404 with the reason why *replay* does not find *request*, and the nearest recorded requests."""
    miss = explain_miss(replay, request)
    text, details = miss.to_text(), miss.to_json()
    body = dumps({"detail": text, "miss": details}).encode("utf-8", "replace")
    return Reply(404, JSON, body, "Not Found", ReplySource.MISS, note=text, miss_details=details)


def explain_miss(replay: ReplayResponder, request: Request) -> Miss:
    """Return why *request* has no recorded response in the cassettes of *replay*, with its secrets redacted."""
    redacted = redact_for_display(request, replay.rules)
    cassette = cassette_name(request)
    index = replay.index.for_cassette(cassette)
    if index is None:
        known = [cassette.name for cassette in replay.index.cassettes]
        return explain_missing_cassette(redacted, cassette or "", known)
    if not index.entries:
        return Miss(redacted, "no exchanges are loaded")
    plays = replay.get_session(request).plays

    def describe(entry: Entry) -> NearRequest:
        recorded = redact_for_display(replay.library.load_request(entry), replay.rules)
        return NearRequest(entry.label, recorded, index.get_rules(entry), plays[entry.label])

    search_miss = replay.find_search_miss(request)
    if search_miss is not None and search_miss.expected is not None:
        got = search_miss.ids.to_recorded_request(redacted)
        return Miss(
            redacted, search_miss.reason, (replace(describe(search_miss.expected), got=got),)
        )
    found = replay.exchanges.keys_for(request).found
    if found and search_miss is None:
        count = len(found.entries)
        reason = f"all {count} of {count} matching exchanges were already played, and `repeat: error` is set"
        return Miss(redacted, reason, (describe(found.entries[-1]),))
    reason = search_miss.reason if search_miss else "no exchange matches"
    return Miss(redacted, reason, tuple(map(describe, index.find_nearest(canonicalize(redacted)))))


def is_browser_noise(request: Request) -> bool:
    """Return whether *request* is one that browsers send on their own."""
    path = request.path.partition("?")[0]
    return path in ("/", "/favicon.ico") or path.startswith("/.well-known/")


def explain_near_miss(replay: ReplayResponder, request: Request) -> Miss | None:
    """Return why *request*, a run, has no recorded response in the cassettes of *replay* although one is close; None if none is.

    Close is a run on the same route with the same last human message, or with one difference. The most alike message counts.
    """
    if request.method != "POST" or "/runs" not in request.path:
        return None
    if not 0 < len(replay.index.entries) <= _MAX_EXCHANGES:
        return None
    form = canonicalize(request)
    if find_run_modes(form) is None:
        return None
    miss = explain_miss(replay, request)
    close = [near for near in miss.nearest if _is_close(near, form)]
    if len(close) < 2:
        return replace(miss, nearest=tuple(close)) if close else None
    text = find_human_text(form) or ""

    def measure(near: NearRequest) -> float:
        return measure_similarity(find_human_text(canonicalize(near.request)) or "", text)

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
