"""Say that a cassette was close when the fake graph answers a run."""

from dataclasses import replace

from mockserver.conversations.id_places import UUID
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching import keys
from mockserver.matching.canonical import canonicalize
from mockserver.matching.miss import NearRequest
from mockserver.matching.run_bodies import run_modes
from mockserver.matching.summary import human_text
from mockserver.server.responders.replay import Cassettes

MAX_EXCHANGES = 2_000
"""With more exchanges the search would delay each run of the fake graph."""


def near_miss(cassettes: Cassettes, request: Request) -> str | None:
    """Return why *request*, a run, has no recorded response in *cassettes* although one is close; None if none is.

    Close is a run on the same route with the same last human message, or with one difference.
    """
    if request.method != "POST" or "/runs" not in request.path:
        return None
    if not 0 < cassettes.index.count <= MAX_EXCHANGES:
        return None
    form = canonicalize(request)
    if run_modes(form) is None:
        return None
    miss = cassettes.miss(request)
    close = [near for near in miss.nearest if _is_close(near, form)]
    return f"near miss: {replace(miss, nearest=tuple(close[:1])).to_text()}" if close else None


def _is_close(near: NearRequest, form: dict[str, Json]) -> bool:
    recorded = canonicalize(near.request)
    got = form if near.got is None else canonicalize(near.got)
    if _route(recorded) != _route(got):
        return False
    text = human_text(got)
    if text and human_text(recorded) == text:
        return True
    recorded, got = (keys.without_ignored(one, near.rules) for one in (recorded, got))
    return len(list(keys.differences(recorded, {**got, "path": recorded["path"]}))) == 1


def _route(form: dict[str, Json]) -> str:
    """Return the path of a canonical request without its ids."""
    return UUID.sub("*", form["path"])
