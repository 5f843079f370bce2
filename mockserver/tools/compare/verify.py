"""Compare recorded responses with live ones, and carry live ids over into the requests that follow. No I/O."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from mockserver.cassette.model import Body, Exchange, Header, Response, Stream
from mockserver.cassette.normalize import VOLATILE
from mockserver.cassette.thread_streams import match_thread_call
from mockserver.formats.json_text import Json
from mockserver.formats.server_ids import UUID_PATTERN
from mockserver.formats.wording import pluralize
from mockserver.http.messages import Request, first_value
from mockserver.matching.canonical import decode_path, split_api_path
from mockserver.tools.cassette_source import Part
from mockserver.tools.compare.change_report import format_changes
from mockserver.tools.compare.comparator import Comparator, NamedValue
from mockserver.tools.compare.responses import compare_responses, list_named_events
from mockserver.tools.compare.structure import compare_events, compare_types
from mockserver.tools.json_bodies import parse_body
from mockserver.tools.readable_events import find_event_thread

THREAD = re.compile(rf"/threads/({UUID_PATTERN})(?=/|$)", re.IGNORECASE)
_CREATION = re.compile(r"/threads(/[^/?]+/copy)?/?$")
_CHUNKED_EVENTS = frozenset(("messages", "messages/partial", "events", "custom"))
"""Events that carry the pieces of a model's text; their number changes in each run."""
_ID_HEADERS = ("content-location", "location")


class Outcome(StrEnum):
    """The result of verifying an exchange."""

    SAME = "same"
    DIFFERS = "differs"
    FAILED = "failed"
    """There was no complete response to compare."""


@dataclass(frozen=True, slots=True)
class Result:
    """The *outcome* for exchange *number* of *file*, with *request* (method and path); *problems* say why, one line each."""

    file: str
    number: int
    request: str
    outcome: Outcome
    seconds: float = 0.0
    problems: tuple[str, ...] = ()
    live: Exchange | None = None
    """The live exchange with the ids of the recording, at the time of any clock; None if there was no complete response."""

    @classmethod
    def of(
        cls,
        part: Part,
        outcome: Outcome,
        seconds: float,
        problems: tuple[str, ...],
        live: Exchange | None = None,
    ) -> "Result":
        """Return the result for the exchange of *part*."""
        request = part.require_exchange().request
        title = f"{request.method} {request.path}"
        return cls(part.file, part.number, title, outcome, seconds, problems, live)

    @property
    def label(self) -> str:
        """`FILE#N`."""
        return f"{self.file}#{self.number}"

    def to_json(self) -> dict[str, Json]:
        return {
            "exchange": self.label,
            "request": self.request,
            "outcome": str(self.outcome),
            "seconds": round(self.seconds, 3),
            "faults": list(self.problems),
        }


@dataclass(slots=True)
class LiveConversation:
    """Turns recorded requests into live ones: ids from live responses replace the recorded ids. *new_id* makes the ids that a client chooses."""

    new_id: Callable[[], str]
    comparator: Comparator = field(default_factory=Comparator)
    threads: list[str] = field(default_factory=list)
    """The paths of the threads that were created on the server."""
    resumed: dict[str, str] = field(default_factory=dict)
    """The recorded event id for each live one that a request has sent as `last-event-id`."""
    _event_ids: dict[str, str] = field(default_factory=dict)

    def translate_request(self, request: Request) -> Request:
        """Return the recorded *request* as it is sent to the live server.

        A thread id that the client chose is replaced by a new one: the server may still have that thread.
        """
        for thread in _find_client_thread_ids(request):
            self._choose_thread_id(request, thread)
        headers = request.headers
        if (event_id := first_value(headers, "last-event-id")) in self._event_ids:
            live_id = self._event_ids[event_id]
            self.resumed[live_id] = event_id
            headers = tuple((n, live_id if n == "last-event-id" else value) for n, value in headers)
        if request.body and first_value(headers, "content-type") is None:
            headers = (*headers, ("content-type", "application/json"))
        return replace(self.comparator.translate_request(request), headers=headers)

    def _choose_thread_id(self, request: Request, thread: str) -> None:
        """Choose a live id for the *thread* that the client of *request* named, if it has none."""
        if thread not in self.comparator.ids:
            self.comparator.pair_ids(thread, self.new_id())
            self.threads.append(_thread_path(request, self.comparator.ids[thread]))

    def pair_ids_in_response(self, recorded: Response, live: Response) -> None:
        """Pair the ids of the *recorded* response with those of the *live* one."""
        self.comparator.pair_ids_in(_select_id_headers(recorded), _select_id_headers(live))
        match recorded.content, live.content:
            case Stream() as before, Stream() as after:
                for old, new in zip(before.events, after.events, strict=False):
                    old_id = dict(old.event.fields).get("id")
                    new_id = dict(new.event.fields).get("id")
                    if old_id is not None and new_id is not None:
                        self._event_ids[old_id] = new_id
                self.comparator.pair_ids_in_events(_list_events(before), _list_events(after))
            case Body(raw), Body(live_raw):
                self.comparator.pair_ids_in(parse_body(raw), parse_body(live_raw))
            case _:
                pass

    def note_created_thread(self, live: Exchange) -> None:
        """Add the thread that the *live* exchange created to `threads`."""
        thread = find_shown_thread(live)
        if thread is not None and live.response.status < 300:
            path = _thread_path(live.request, thread)
            if path not in self.threads:
                self.threads.append(path)

    def choose_thread_ids(self, exchanges: Iterable[Exchange]) -> None:
        """Choose the live ids of the threads that the recorded client named itself in a command or an event stream.

        Its requests before that, which find no such thread, have the new id too.
        """
        created: set[str] = set()
        for exchange in exchanges:
            request = exchange.request
            if find_event_thread(exchange) or match_thread_call(request.path, "commands"):
                if (found := THREAD.search(request.path)) and found[1] not in created:
                    self._choose_thread_id(request, found[1])
            elif (thread := find_shown_thread(exchange)) is not None:
                created.add(thread)

    def compare(self, recorded: Exchange, live: Exchange, *, values: bool) -> tuple[str, ...]:
        """Return the relevant differences of the *live* response from the *recorded* one; with *values*, all differences."""
        if values:
            changes = compare_responses(recorded, live, self.comparator)
            return tuple(" ".join(lines) for lines in format_changes(changes))
        return tuple(_compare_structure(recorded.response, live.response))


def warn_if_old(name: str, header: Header, today: datetime, max_age: float | None) -> str | None:
    """Return a warning if the cassette *name* is older than *max_age* days, else None."""
    if max_age is None:
        return None
    try:
        recorded = datetime.fromisoformat(header.recorded or "")
    except ValueError:
        return None
    date = recorded if recorded.tzinfo else recorded.replace(tzinfo=today.tzinfo)
    age = today - date
    if age <= timedelta(days=max_age):
        return None
    return f"{name}: recorded {pluralize(age.days, 'day')} ago, on {date:%Y-%m-%d}: record it again"


def _find_client_thread_ids(request: Request) -> Iterator[str]:
    """Yield the thread ids that the client of *request* chose itself."""
    body = parse_body(request.body)
    if not isinstance(body, dict) or request.method != "POST":
        return
    path = _split_path(request)[1]
    if path == "/threads" and isinstance(thread := body.get("thread_id"), str):
        yield thread
    elif body.get("if_not_exists") == "create" and (match := THREAD.match(path)):
        yield match[1]


def find_shown_thread(exchange: Exchange) -> str | None:
    """Return the thread that the server created in *exchange*, or None."""
    content = exchange.response.content
    is_creation = exchange.request.method == "POST" and _CREATION.search(
        _split_path(exchange.request)[1]
    )
    body = parse_body(content.raw) if is_creation and isinstance(content, Body) else None
    thread = body.get("thread_id") if isinstance(body, dict) else None
    return thread if isinstance(thread, str) else None


def _split_path(request: Request) -> tuple[str, str]:
    """Return the prefix in the path of *request*, and the path in the API."""
    return split_api_path(decode_path(request.path.partition("?")[0]).rstrip("/"))


def _thread_path(request: Request, thread: str) -> str:
    """Return the path of *thread*, below the same prefix as *request*."""
    return f"{quote(_split_path(request)[0], safe='/%')}/threads/{thread}"


def _compare_structure(recorded: Response, live: Response) -> Iterator[str]:
    if recorded.status != live.status:
        yield f"status was {recorded.status}, now {live.status}"
        if live.status >= 400 and isinstance(live.content, Body):
            yield f"the server responds {live.content.raw.decode('utf-8', 'replace')[:300]}"
        if live.status in (401, 403):
            yield "set credentials with --upstream-header or MOCKSERVER_UPSTREAM_API_KEY"
        return
    for name in ("content-type", *_ID_HEADERS):
        was, now = (_mask_header(response, name) for response in (recorded, live))
        if was != now:
            yield f"{name} was {was}, now {now}"
    match recorded.content, live.content:
        case Stream() as before, Stream() as after:
            events = _list_events(before), _list_events(after)
            yield from compare_events(*events, "events", _is_chunked)
        case Body(raw), Body(live_raw):
            yield from compare_types([parse_body(raw)], [parse_body(live_raw)])
        case Stream(), _:
            yield "it was a stream of events, now a body"
        case _:
            yield "it was a body, now a stream of events"


def _mask_header(response: Response, name: str) -> str:
    """Return the header *name* without its ids and parameters, such as a charset."""
    value = first_value(response.headers, name) or "absent"
    return VOLATILE.sub("<id>", value.partition(";")[0])


def _is_chunked(name: str) -> bool:
    return name.partition("|")[0] in _CHUNKED_EVENTS


def _list_events(stream: Stream) -> list[NamedValue]:
    """Return name and data of the events, without the ids of subgraphs in the names."""
    return [(VOLATILE.sub("<id>", name), value) for name, value in list_named_events(stream)]


def _select_id_headers(response: Response) -> Json:
    return {name: value for name, value in response.headers if name in _ID_HEADERS}
