"""Recordings of public chat pages (agent-chat-ui, and a page of a Gemini quickstart) replay under new ids, any number of times."""

import json
import re
from collections.abc import Iterable
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest

from mockserver.cassette.model import Exchange, Policy, Stream
from mockserver.cassette.playback import encode_body
from mockserver.conversations.thread_requests import parse_thread_request
from mockserver.store.cassette_file import CassetteFile
from tests.conversations.scenes import Session, index_conversations

FOLDER = Path(__file__).parent / "recordings"
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+\+00:00")


@cache
def recorded(name: str) -> list[Exchange]:
    """Return the exchanges on threads in the recording *name*."""
    file = CassetteFile(FOLDER / name, name, Policy(), 1 << 20)
    exchanges = map(file.load_exchange, file.cassette.entries)
    return [one for one in exchanges if parse_thread_request(one.request.method, one.request.path)]


AGENT_CHAT, GEMINI = "agent-chat-ui.yaml", "gemini.yaml"


def visit(session: Session, exchanges: Iterable[Exchange]) -> set[str]:
    """Do what the page did, with the ids that it gets now; check each response, and return the ids of the threads."""
    live: dict[str, str] = {}

    def renamed(text: str) -> str:
        return _UUID.sub(lambda found: live.get(found[0], found[0]), text)

    threads: set[str] = set()
    for one in exchanges:
        text = renamed(one.request.body.decode())
        got = session.raw(one.request.method, renamed(one.request.path), text.encode())
        assert got is not None, session.refusal
        wanted = encode_body(one.response.content).decode()
        ids, own = _UUID.findall(wanted), _UUID.findall(got.decode())
        for recorded_id, live_id in zip(ids, own, strict=True):
            assert live.setdefault(recorded_id, live_id) == live_id
        assert _TIME.sub("T", renamed(wanted)) == _TIME.sub("T", got.decode())
        if one.request.path == "/threads":
            threads.add(json.loads(got)["thread_id"])
        assert isinstance(one.response.content, Stream) or json.loads(got) is not None
    return threads


@pytest.mark.parametrize(
    "pages", [*permutations([AGENT_CHAT, GEMINI]), (AGENT_CHAT,), (GEMINI,)], ids="+".join
)
def test_a_page_is_replayed_three_times(pages: tuple[str, ...]) -> None:
    session = Session(index_conversations(*map(recorded, pages)))
    seen: set[str] = set()

    for _ in range(3):
        for page in pages:
            threads = visit(session, recorded(page))
            assert not threads & seen
            seen |= threads

    assert len(seen) == 3 * sum(3 if page == AGENT_CHAT else 1 for page in pages)
