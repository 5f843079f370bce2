"""Compare recorded responses with live ones, and carry live ids over into the requests that follow. No I/O."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import zip_longest
from urllib.parse import quote

from mockserver.cassette.event_streams import find_thread
from mockserver.cassette.model import Body, Exchange, Header, Response, Stream
from mockserver.cassette.normalize import VOLATILE
from mockserver.conversations.recorded_events import RecordedEvent
from mockserver.formats.json_text import Json
from mockserver.formats.server_ids import UUID_PATTERN
from mockserver.formats.wording import pluralize
from mockserver.http.messages import Request, first_value
from mockserver.matching.canonical import decode_path, split_api_path
from mockserver.tools.compare.exchanges import compare_responses, list_named_events
from mockserver.tools.compare.json_types import compare_shapes, infer_shape
from mockserver.tools.compare.live_logs import compare_live_logs, format_names, pair_ids
from mockserver.tools.compare.logs import without_progress
from mockserver.tools.compare.report import format_changes
from mockserver.tools.compare.volatile import Comparator
from mockserver.tools.event_logs import find_event_thread
from mockserver.tools.json_bodies import parse_body

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

    @property
    def label(self) -> str:
        """`FILE#N`."""
        return f"{self.file}#{self.number}"

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "exchange": self.label,
            "request": self.request,
            "outcome": str(self.outcome),
            "seconds": round(self.seconds, 3),
            "faults": list(self.problems),
        }


@dataclass(slots=True)
class Conversation:
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

    def observe_response(self, recorded: Response, live: Response) -> None:
        """Pair the ids of the *recorded* response with those of the *live* one."""
        self.comparator.observe(_select_id_headers(recorded), _select_id_headers(live))
        match recorded.content, live.content:
            case Stream() as before, Stream() as after:
                for old, new in zip(before.events, after.events, strict=False):
                    old_id = dict(old.event.fields).get("id")
                    new_id = dict(new.event.fields).get("id")
                    if old_id is not None and new_id is not None:
                        self._event_ids[old_id] = new_id
                live_data = _group_data(after)
                for name, values in _group_data(before).items():
                    for value, live_value in zip(values, live_data.get(name, ()), strict=False):
                        self.comparator.observe(value, live_value)
            case Body(raw), Body(live_raw):
                self.comparator.observe(parse_body(raw), parse_body(live_raw))
            case _:
                pass

    def note_created_thread(self, request: Request, live: Response) -> None:
        """Add the thread that *request* created, by its *live* response, to `threads`."""
        if request.method != "POST" or _split_path(request)[1] != "/threads":
            return
        body = parse_body(live.content.raw) if isinstance(live.content, Body) else None
        thread = body.get("thread_id") if isinstance(body, dict) else None
        if isinstance(thread, str) and live.status < 300:
            path = _thread_path(request, thread)
            if path not in self.threads:
                self.threads.append(path)

    def choose_thread_ids(self, exchanges: Iterable[Exchange]) -> None:
        """Choose the live ids of the threads that the recorded client named itself in a command or an event stream.

        Its requests before that, which find no such thread, have the new id too.
        """
        created: set[str] = set()
        for exchange in exchanges:
            request = exchange.request
            if find_event_thread(exchange) or find_thread(request.path, "commands"):
                if (found := THREAD.search(request.path)) and found[1] not in created:
                    self._choose_thread_id(request, found[1])
            elif (thread := find_shown_thread(exchange)) is not None:
                created.add(thread)

    def observe_log(self, recorded: Sequence[RecordedEvent], live: Sequence[RecordedEvent]) -> None:
        """Pair the ids in the *recorded* events of a thread with those in the *live* ones."""
        pair_ids(recorded, live, self.comparator)

    def compare_logs(
        self, recorded: Iterable[Exchange], live: Iterable[Exchange], *, values: bool
    ) -> tuple[str, ...]:
        """Return the relevant differences of the events of a thread in *live* streams from the *recorded* ones; with *values*, all."""
        return tuple(compare_live_logs(recorded, live, self.comparator, values=values))

    def compare_heads(self, recorded: Exchange, live: Exchange, *, values: bool) -> tuple[str, ...]:
        """Return the differences of the responses without their events, which may be in other streams of the thread."""
        responses = [recorded.response, live.response]
        without = [
            replace(one, content=Stream(), end=None) if isinstance(one.content, Stream) else one
            for one in responses
        ]
        pairs = zip((recorded, live), without, strict=True)
        return self.compare(*(replace(one, response=head) for one, head in pairs), values=values)

    def compare(self, recorded: Exchange, live: Exchange, *, values: bool) -> tuple[str, ...]:
        """Return the relevant differences of the *live* response from the *recorded* one; with *values*, all differences."""
        if values:
            responses = without_progress(recorded), without_progress(live)
            changes = compare_responses(*responses, self.comparator)
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
    is_creation = exchange.request.method == "POST" and _CREATION.search(exchange.request.path)
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
            yield from _compare_stream_structure(before, after)
        case Body(raw), Body(live_raw):
            shapes = infer_shape([parse_body(raw)]), infer_shape([parse_body(live_raw)])
            yield from compare_shapes(*shapes)
        case Stream(), _:
            yield "it was a stream of events, now a body"
        case _:
            yield "it was a body, now a stream of events"


def _mask_header(response: Response, name: str) -> str:
    """Return the header *name* without its ids and parameters, such as a charset."""
    value = first_value(response.headers, name) or "absent"
    return VOLATILE.sub("<id>", value.partition(";")[0])


def _list_event_names(stream: Stream) -> list[str]:
    """Return the names of the events in order; consecutive pieces of a model's text count as one event."""
    order: list[str] = []
    for name in (VOLATILE.sub("<id>", name) for name, _ in list_named_events(stream)):
        is_repeated = bool(order) and order[-1] == name
        if not (is_repeated and name.partition("|")[0] in _CHUNKED_EVENTS):
            order.append(name)
    return order


def _compare_stream_structure(before: Stream, after: Stream) -> Iterator[str]:
    old, new = _list_event_names(before), _list_event_names(after)
    if old != new:
        pairs = enumerate(zip_longest(old, new))
        start = next(number for number, (old_name, new_name) in pairs if old_name != new_name)
        yield f"events were {format_names(old, start)}, now {format_names(new, start)}"
    live_data = _group_data(after)
    for name, values in _group_data(before).items():
        if name in live_data:
            shapes = infer_shape(values), infer_shape(live_data[name])
            yield from (f"{name}: {sentence}" for sentence in compare_shapes(*shapes))


def _group_data(stream: Stream) -> dict[str, list[Json]]:
    """Return the data of the events by name, without the ids of subgraphs in the names."""
    data: dict[str, list[Json]] = {}
    for name, value in list_named_events(stream):
        data.setdefault(VOLATILE.sub("<id>", name), []).append(value)
    return data


def _select_id_headers(response: Response) -> Json:
    return {name: value for name, value in response.headers if name in _ID_HEADERS}
