"""A recorded answer and a live one to the same request: what matters of the difference, and ids that go on. No I/O."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import zip_longest

from mockserver.cassette.assistant_ids import ID
from mockserver.cassette.model import Body, Exchange, Header, Response, Stream
from mockserver.cassette.normalize import VOLATILE
from mockserver.formats.json_text import Json
from mockserver.formats.wording import counted
from mockserver.http.messages import Request, first
from mockserver.tools.compare.exchanges import named_events, response_changes
from mockserver.tools.compare.json_types import faults, shape
from mockserver.tools.compare.report import words
from mockserver.tools.compare.volatile import Aside
from mockserver.tools.json_bodies import parsed

_THREAD = re.compile(rf"^/threads/({ID})(?=[/?]|$)", re.IGNORECASE)
_WORDY = frozenset(("messages", "messages/partial", "events", "custom"))
_NAMED = ("content-location", "location")


class Outcome(StrEnum):
    """How an exchange was found."""

    SAME = "same"
    DIFFERS = "differs"
    FAILED = "failed"
    """There was no whole answer to compare."""


@dataclass(frozen=True, slots=True)
class Result:
    """How the exchange *label* was found, which asks for *request* (method and path); *faults* say why, a line each."""

    label: str
    request: str
    outcome: Outcome
    seconds: float = 0.0
    faults: tuple[str, ...] = ()

    def facts(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "exchange": self.label,
            "request": self.request,
            "outcome": str(self.outcome),
            "seconds": round(self.seconds, 3),
            "faults": list(self.faults),
        }


@dataclass(slots=True)
class Conversation:
    """Puts the ids of live answers into the requests that follow; *new_id* makes those that a client makes up."""

    new_id: Callable[[], str]
    aside: Aside = field(default_factory=Aside)
    threads: list[str] = field(default_factory=list)
    """The threads that were made on the live server, by their live ids."""
    _event_ids: dict[str, str] = field(default_factory=dict)

    def asked(self, request: Request) -> Request:
        """Return the recorded *request* as it is to be asked now.

        A thread that its client has given an id gets a new one: the server may have kept that of the recording, or of a run before.
        """
        for made in _made_up(request):
            if made not in self.aside.live:
                self.aside.bind(made, self.new_id())
                self.threads.append(self.aside.live[made])
        headers = tuple(
            (name, self._event_ids.get(value, value) if name == "last-event-id" else value)
            for name, value in request.headers
        )
        if request.body and first(headers, "content-type") is None:
            headers = (*headers, ("content-type", "application/json"))
        return replace(self.aside.request(request), headers=headers)

    def answered(self, recorded: Response, live: Response) -> None:
        """Learn from the *live* answer which ids stand for the *recorded* ones."""
        self.aside.learn(_head(recorded), _head(live))
        match recorded.content, live.content:
            case Stream() as before, Stream() as after:
                for one, other in zip(before.events, after.events, strict=False):
                    ids = dict(one.event.fields).get("id"), dict(other.event.fields).get("id")
                    if ids[0] is not None and ids[1] is not None:
                        self._event_ids[ids[0]] = ids[1]
                by_name = (_by_name(before), _by_name(after))
                for name, values in by_name[0].items():
                    for value, another in zip(values, by_name[1].get(name, ()), strict=False):
                        self.aside.learn(value, another)
            case Body(raw), Body(other_raw):
                self.aside.learn(parsed(raw), parsed(other_raw))
            case _:
                pass

    def made(self, request: Request, live: Response) -> None:
        """Learn from the *live* answer to *request* which thread it made."""
        if (request.method, request.path) == ("POST", "/threads") and isinstance(
            live.content, Body
        ):
            told = parsed(live.content.raw)
            thread = told.get("thread_id") if isinstance(told, dict) else None
            if isinstance(thread, str) and live.status < 300 and thread not in self.threads:
                self.threads.append(thread)

    def faults(self, recorded: Exchange, live: Exchange, *, values: bool) -> tuple[str, ...]:
        """Return what of the *live* answer matters that is otherwise than *recorded*; with *values*, all that is."""
        if values:
            changes = response_changes(recorded.response, live.response, self.aside)
            return tuple(_paired(words(changes)))
        return tuple(_faults(recorded.response, live.response))


def warning(name: str, header: Header, today: datetime, max_age: float) -> str | None:
    """Return what is to be said where the cassette *name* is older than *max_age* days."""
    try:
        recorded = datetime.fromisoformat(header.recorded or "")
    except ValueError:
        return None
    when = recorded if recorded.tzinfo else recorded.replace(tzinfo=today.tzinfo)
    age = today - when
    if age <= timedelta(days=max_age):
        return None
    return f"{name}: recorded {counted(age.days, 'day')} ago, on {when:%Y-%m-%d}: record it again"


def _made_up(request: Request) -> Iterator[str]:
    """Yield the ids of threads that the client of *request* has made up for the server to take."""
    body = parsed(request.body)
    if not isinstance(body, dict) or request.method != "POST":
        return
    path = request.path.partition("?")[0].rstrip("/")
    if path == "/threads" and isinstance(given := body.get("thread_id"), str):
        yield given
    elif body.get("if_not_exists") == "create" and (thread := _THREAD.match(path)):
        yield thread[1]


def _faults(recorded: Response, live: Response) -> Iterator[str]:
    if recorded.status != live.status:
        yield f"status was {recorded.status}, now {live.status}"
        if live.status >= 400 and isinstance(live.content, Body):
            yield f"it answers {live.content.raw.decode('utf-8', 'replace')[:300]}"
        if live.status in (401, 403):
            yield "give credentials by --upstream-header or MOCKSERVER_UPSTREAM_API_KEY"
        return
    kinds = [
        (first(one.headers, "content-type") or "none").partition(";")[0] for one in (recorded, live)
    ]
    if kinds[0] != kinds[1]:
        yield f"content-type was {kinds[0]}, now {kinds[1]}"
    for name in _NAMED:
        values = [first(one.headers, name) for one in (recorded, live)]
        looks = [value and VOLATILE.sub("<id>", value) for value in values]
        if looks[0] != looks[1]:
            yield f"{name} was {looks[0] or 'not there'}, now {looks[1] or 'not there'}"
    match recorded.content, live.content:
        case Stream() as before, Stream() as after:
            yield from _stream_faults(before, after)
        case Body(raw), Body(other):
            yield from faults(shape([parsed(raw)]), shape([parsed(other)]), "")
        case before, _:
            was = "events" if isinstance(before, Stream) else "a body"
            yield f"it was {was}, and is not now"


def _order(stream: Stream) -> list[str]:
    """Return the names of the events in their order; of those that a model's words are told in, how many there are is a matter of chance."""
    names = (VOLATILE.sub("<id>", name) for name, _ in named_events(stream))
    told: list[str] = []
    for name in names:
        if not (told and told[-1] == name and name.partition("|")[0] in _WORDY):
            told.append(name)
    return told


def _stream_faults(before: Stream, after: Stream) -> Iterator[str]:
    names = [_order(one) for one in (before, after)]
    if names[0] != names[1]:
        at = next(n for n, (one, other) in enumerate(zip_longest(*names)) if one != other)
        was, now = (_from(one, at) for one in names)
        yield f"events were {was}, now {now}"
    ours, theirs = _by_name(before), _by_name(after)
    for name, values in ours.items():
        if name in theirs:
            told = faults(shape(values), shape(theirs[name]), "")
            yield from (f"{name}: {fault}" for fault in told)


def _from(names: list[str], at: int) -> str:
    """Return *names* from that before number *at* on, in a few words."""
    shown = names[max(at - 1, 0) : at + 4]
    lead, end = "… " if at > 1 else "", " …" if len(names) > at + 4 else ""
    return f"{lead}{', '.join(shown) or 'none'}{end}"


def _by_name(stream: Stream) -> dict[str, list[Json]]:
    """Return the data of the events by their names; a subgraph's id in a name is no part of it."""
    told: dict[str, list[Json]] = {}
    for name, value in named_events(stream):
        told.setdefault(VOLATILE.sub("<id>", name), []).append(value)
    return told


def _head(response: Response) -> Json:
    return {name: value for name, value in response.headers if name in _NAMED}


def _paired(lines: Iterator[str]) -> Iterator[str]:
    """Yield each path with its values in one line."""
    told: list[str] = []
    for line in lines:
        if not line.startswith("  ") and told:
            yield " ".join(told)
            told = []
        told.append(line.strip())
    if told:
        yield " ".join(told)
