"""Recordings of made-up conversations, and a session that replays them, without a server."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from mockserver.cassette.model import Body, End, Exchange, Repeat, Response
from mockserver.cassette.playback import encode_body
from mockserver.conversations.conversation_index import ConversationIndex
from mockserver.conversations.live_request import LiveRequest
from mockserver.conversations.live_threads import LiveThreads
from mockserver.conversations.search import Search, advance_thread
from mockserver.conversations.search_results import SearchHit, SearchMiss
from mockserver.conversations.thread_requests import parse_thread_request
from mockserver.http.messages import Reply, Request
from mockserver.matching.canonical import canonicalize
from mockserver.matching.index import Cassette, Entry, Index, fingerprint
from mockserver.matching.rules import NO_RULES, MatchRules

RUN = {"assistant_id": "agent"}


def made(kind: int, *numbers: int) -> str:
    """Return an id: version 7 for threads (1) and runs (2), version 6 for checkpoints (3), version 4 for messages (4)."""
    version = {1: 7, 2: 7, 3: 6}.get(kind, 4)
    digits = "".join(f"{number:02x}" for number in numbers).rjust(12, "0")
    return str(UUID(f"01a2000{kind}-0000-{version}000-8000-{digits}"))


@dataclass
class Script:
    """What a client does in one conversation, and what the server says: the answer to each question of *turns*, (question, answer)."""

    number: int
    turns: tuple[tuple[str, str], ...]
    reads: bool = True
    names_thread: bool = False
    """Whether the client makes the id of its thread."""

    @property
    def thread(self) -> str:
        return made(1, self.number)

    def exchanges(self) -> Iterator[Exchange]:
        """Yield the exchanges as they are recorded."""
        at = f"/threads/{self.thread}"
        body = {"thread_id": self.thread} if self.names_thread else {}
        yield exchange("POST", "/threads", body, {"thread_id": self.thread, "values": None})
        if self.reads:
            yield exchange("POST", f"{at}/history", {"limit": 10}, [])
        messages: list[Any] = []
        for number, (question, answer) in enumerate(self.turns):
            run, checkpoint = made(2, self.number, number), made(3, self.number, number)
            sent = {"type": "human", "content": question, "id": made(4, self.number, number, 1)}
            said = {"type": "ai", "content": answer, "id": made(4, self.number, number, 2)}
            messages += [sent, said]
            ran: dict[str, Any] = {**RUN, "input": {"messages": [sent]}}
            if number and self.reads:
                ran["checkpoint"] = {"checkpoint_id": made(3, self.number, number - 1)}
            place = {"content-location": f"{at}/runs/{run}"}
            yield exchange("POST", f"{at}/runs/wait", ran, {"messages": list(messages)}, place)
            if self.reads:
                state = {
                    "values": {"messages": list(messages)},
                    "checkpoint": {"thread_id": self.thread, "checkpoint_id": checkpoint},
                    "metadata": {"run_id": run},
                }
                yield exchange("POST", f"{at}/history", {"limit": 10}, [state])
                yield exchange(
                    "GET", f"{at}/runs/{run}", None, {"run_id": run, "status": "success"}
                )


def exchange(
    method: str,
    path: str,
    body: Any,
    answer: Any,
    headers: dict[str, str] | None = None,
    *,
    status: int = 200,
    repeat: Repeat | None = None,
    at: float | None = None,
    seconds: float = 0.0,
) -> Exchange:
    raw = b"" if body is None else json.dumps(body).encode()
    response = Response(
        status,
        None,
        tuple((headers or {}).items()),
        Body(json.dumps(answer).encode(), seconds),
        End(),
    )
    return Exchange(Request(method, path, (), raw), response, repeat, at=at)


def index_conversations(
    *cassettes: Iterable[Exchange], rules: MatchRules = NO_RULES
) -> ConversationIndex:
    """Return the conversations of *cassettes*, which are called `a.yaml`, `b.yaml` and so on."""
    content: dict[Entry, Exchange] = {}
    loaded: list[Cassette] = []
    for name, exchanges in zip("abcdefghij", cassettes, strict=False):
        entries: list[Entry] = []
        for number, one in enumerate(exchanges, 1):
            found = fingerprint(canonicalize(one.request), rules, b"", at=one.at)
            entry = Entry(f"{name}.yaml", number, 0, 0, found, one.repeat or Repeat.LAST)
            content[entry] = one
            entries.append(entry)
        loaded.append(Cassette(f"{name}.yaml", rules, tuple(entries)))
    return ConversationIndex(Index(tuple(loaded)), content.__getitem__)


@dataclass
class Session:
    """A session that replays *conversations*."""

    conversations: ConversationIndex
    can_switch: bool = False
    now: float = 0.0
    threads: LiveThreads = field(default_factory=LiveThreads)
    refusal: str = ""
    """The reason of the last refusal."""
    answer: SearchHit | None = None
    """The last answer."""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what is answered, None if nothing is."""
        got = self.raw(method, path, b"" if body is None else json.dumps(body).encode())
        return None if got is None else json.loads(got)

    def raw(self, method: str, path: str, body: bytes = b"") -> bytes | None:
        """Return the body of what is answered, None if nothing is."""
        request = Request(method, path, (), body)
        call = parse_thread_request(method, path)
        assert call is not None
        live_request = LiveRequest(request, call, self.conversations.index)
        search = Search(live_request, self.threads, self.conversations, self.now, self.can_switch)
        found = search.run()
        self.answer = found if isinstance(found, SearchHit) else None
        self.refusal = found.reason if isinstance(found, SearchMiss) else ""
        if not isinstance(found, SearchHit):
            return None
        advance_thread(found, search)
        recorded = found.response or self.conversations.reader.load(found.entry).response
        reply = Reply(recorded.status, recorded.headers, encode_body(recorded.content))
        live = found.thread.ids.to_live_reply(reply)
        assert isinstance(live.body, bytes)
        return live.body


class Visitor:
    """A client that does in *session* what *script* says, under the ids that it is given; each `step` is one request.

    It checks each response: that of the recording, apart from ids.
    """

    def __init__(self, session: Session, script: Script, visit: int = 0) -> None:
        self._session = session
        self._script = script
        self._known: dict[str, str] = {}
        self._visit = visit
        self._exchanges = list(script.exchanges())
        self.made: set[str] = set()
        """The ids that the server made."""

    @property
    def is_done(self) -> bool:
        return not self._exchanges

    def step(self) -> None:
        """Send the next request, and check what comes."""
        one = self._exchanges.pop(0)
        own = self._own_ids(one)
        text = one.request.body.decode()
        path = one.request.path
        for recorded, live in {**self._known, **own}.items():
            text, path = text.replace(recorded, live), path.replace(recorded, live)
        got = self._session.ask(one.request.method, path, json.loads(text) if text else None)
        wanted = json.loads(encode_body(one.response.content))
        assert got is not None, (self._script, path, self._session.refusal)
        self._known |= own
        self._pair(wanted, got, own)

    def _own_ids(self, one: Exchange) -> dict[str, str]:
        """Return the ids that the client makes for this request, by the recorded ones."""
        body = json.loads(one.request.body or b"null") or {}
        own = {}
        if "thread_id" in body:
            own[body["thread_id"]] = made(1, 99, self._script.number, self._visit)
        for message in body.get("input", {}).get("messages", ()):
            own[message["id"]] = made(4, 99, self._script.number, self._visit, len(self._known))
        return own

    def _pair(self, wanted: Any, got: Any, own: dict[str, str]) -> None:
        """Check *got* against the recorded *wanted*, and learn what its ids are called."""
        if isinstance(wanted, dict):
            assert list(wanted) == list(got)
            for name in wanted:
                self._pair(wanted[name], got[name], own)
        elif isinstance(wanted, list):
            assert len(wanted) == len(got), (wanted, got)
            for left, right in zip(wanted, got, strict=True):
                self._pair(left, right, own)
        elif isinstance(wanted, str) and wanted.startswith("01a2000"):
            if wanted not in self._known:
                self.made.add(got)
            assert self._known.setdefault(wanted, got) == got
        else:
            assert wanted == got
