"""A conversation over event streams as one timeline: the events of the thread, and the requests between them. No I/O."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockserver.cassette.model import Body, Exchange, Stream
from mockserver.cassette.summary import find_human_text
from mockserver.cassette.thread_streams import find_thread_path, match_thread_call
from mockserver.conversations.recorded_events import join_streams, read_event, read_streams
from mockserver.formats.json_text import Json, dumps
from mockserver.formats.wording import pluralize
from mockserver.matching.canonical import canonicalize
from mockserver.tools.json_bodies import parse_body
from mockserver.tools.readable_events import LogEvent, find_event_thread, join_texts, starts_run

_MAX_TEXT = 160
"""The number of characters shown of a text."""

_MAX_ID = 8
"""The number of characters shown of the id in a namespace."""

_MESSAGE = "messages"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A line of the timeline: what happened *at* that time, in seconds since the recording started; None if that is unknown."""

    at: float | None
    name: str
    text: str


@dataclass(slots=True)
class _Message:
    """A message of the model while its events come; *place* says in which graph, the *blocks* are its text, its reasoning and its tool calls."""

    at: float
    place: str
    role: str
    blocks: dict[Json, Json] = field(default_factory=dict)
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """The conversation on *thread*. *numbers* are those of the exchanges that it shows completely: commands and streams."""

    thread: str
    numbers: tuple[int, ...]
    streams: int
    entries: tuple[TimelineEntry, ...]

    @property
    def title(self) -> str:
        """The exchanges, the thread, and its streams: `#1-#4 /threads/…, 2 event streams`."""
        first, last = self.numbers[0], self.numbers[-1]
        span = f"#{first}" if first == last else f"#{first}-#{last}"
        return f"{span} {self.thread}, {pluralize(self.streams, 'event stream')}"


def find_timelines(exchanges: Sequence[tuple[int, Exchange]], *, whole: bool) -> list[Timeline]:
    """Return the timeline of each thread in the numbered *exchanges* that has event streams; texts are shortened if they are not to be *whole*."""
    threads = dict.fromkeys(filter(None, (_find_thread(one) for _, one in exchanges)))
    timelines: list[Timeline] = []
    for thread in threads:
        requests: list[tuple[int, Exchange]] = []
        streams: list[tuple[int, Exchange]] = []
        for number, exchange in exchanges:
            if _find_thread(exchange) == thread:
                streams.append((number, exchange))
            elif find_thread_path(exchange.request.path) == thread:
                requests.append((number, exchange))
        shown = [
            number for number, one in requests if match_thread_call(one.request.path, "commands")
        ]
        numbers = sorted([*shown, *(number for number, _ in streams)])
        log = join_streams(one for _, one in streams)
        entries = _merge(requests, _describe_log(join_texts(log), whole), whole)
        timelines.append(Timeline(thread, tuple(numbers), len(streams), tuple(entries)))
    return timelines


def _find_thread(exchange: Exchange) -> str | None:
    """Return the thread whose events *exchange* shows, or None; also if it shows something else, which a timeline would lose."""
    content = exchange.response.content
    if not isinstance(content, Stream) or not all(read_event(one.event) for one in content.events):
        return None
    return find_event_thread(exchange) if read_streams([exchange]) else None


def _merge(
    requests: Sequence[tuple[int, Exchange]], events: Sequence[TimelineEntry], whole: bool
) -> Iterator[TimelineEntry]:
    """Yield the *events*, and each request before those that came after it; without times, before the run that it started."""
    waiting = deque(requests)
    for event in events:
        is_start = event.name == "lifecycle running"
        while waiting and _is_before(waiting[0][1], event, is_start):
            number, exchange = waiting.popleft()
            is_start = is_start and not starts_run(exchange)
            yield _describe_request(number, exchange, whole)
        yield event
    for number, exchange in waiting:
        yield _describe_request(number, exchange, whole)


def _is_before(exchange: Exchange, event: TimelineEntry, is_start: bool) -> bool:
    if exchange.at is None or event.at is None:
        return is_start
    return exchange.at <= event.at


def _describe_request(number: int, exchange: Exchange, whole: bool) -> TimelineEntry:
    request, response = exchange.request, exchange.response
    body = parse_body(request.body)
    if not match_thread_call(request.path, "commands") or not isinstance(body, dict):
        call = request.path.partition(find_thread_path(request.path) or "")[2]
        return TimelineEntry(
            exchange.at, f"> {request.method} {call}", f"{response.status} (#{number})"
        )
    answer = parse_body(response.content.raw) if isinstance(response.content, Body) else None
    params = body.get("params")
    human = find_human_text(canonicalize(request))
    text = _quote(human, whole) if human and not whole else _shorten(dumps(params), whole)
    if isinstance(params, dict) and not human and "response" in params:
        text = _shorten(dumps(params["response"]), whole)
    if isinstance(answer, dict) and answer.get("type") == "error":
        text = f"{text} refused: {answer.get('message')}"
    return TimelineEntry(exchange.at, f"> {body.get('method')}", f"{text} (#{number})")


def _describe_log(log: Sequence[LogEvent], whole: bool) -> list[TimelineEntry]:
    """Return the entries of the events of a thread; all events of a message are one."""
    lines: list[TimelineEntry | _Message] = []
    open_messages: dict[tuple[str, ...], _Message] = {}
    for one in log:
        graphs = "/".join(_shorten_segment(segment, whole) for segment in one.event.namespace)
        place = f" in {graphs}" if graphs else ""
        if one.event.method != _MESSAGE or not isinstance(one.data, dict):
            lines.append(TimelineEntry(one.at, one.name + place, _describe_event(one, whole)))
            continue
        message = open_messages.get(one.event.namespace)
        if message is None or message.is_whole or one.data.get("event") == "message-start":
            message = _Message(one.at, place, str(one.data.get("role") or "ai"))
            open_messages[one.event.namespace] = message
            lines.append(message)
        _add(message, one.data)
    return [
        line if isinstance(line, TimelineEntry) else _describe_message(line, whole)
        for line in lines
    ]


def _add(message: _Message, data: dict[str, Any]) -> None:
    """Add an event of *message*: the last form of a block is the whole one."""
    index = data.get("index")
    match data:
        case {"event": "content-block-delta", "delta": dict(block)} | {
            "event": "content-block-start" | "content-block-finish",
            "content": dict(block),
        }:
            before = message.blocks.get(index)
            known = before if isinstance(before, dict) else {}
            message.blocks[index] = {**known, **{k: v for k, v in block.items() if v != ""}}
        case {"event": "message-finish"}:
            message.is_whole = True
        case _:
            pass


def _describe_message(message: _Message, whole: bool) -> TimelineEntry:
    blocks = " ".join(_describe_block(block, whole) for block in message.blocks.values())
    unfinished = "" if message.is_whole else " (unfinished)"
    text = f"{message.role} {blocks}{unfinished}"
    return TimelineEntry(message.at, _MESSAGE + message.place, text)


def _describe_block(block: Json, whole: bool) -> str:
    match block:
        case {"reasoning": str(text)}:
            return f"reasoning {_quote(text, whole)}"
        case {"text": str(text)}:
            return _quote(text, whole)
        case {"name": str(name), "args": arguments}:
            shown = arguments if isinstance(arguments, str) else dumps(arguments)
            return f"{name} {_shorten(shown, whole)}"
        case _:
            return _shorten(dumps(block), whole)


def _describe_event(one: LogEvent, whole: bool) -> str:
    said = one.data
    if isinstance(said, dict) and one.name != one.event.method:
        said = {name: part for name, part in said.items() if name != "event"}
    match said:
        case {"messages": [*_, dict(last)] as messages, **others} if not whole:
            count = pluralize(len(messages), "message")
            more = f" {_shorten(dumps(others), whole)}" if others else ""
            return f"{count}, the last one {last.get('type')} {_quote_content(last)}{more}"
        case {"tool_name": str(name), "input": given} if not whole:
            return f"{name} {_shorten(dumps(given), whole)}"
        case {"output": {"content": str(content)}} if not whole:
            return _quote(content, whole)
        case {"graph_name": str(name), **others} if not whole and others.keys() <= {"error"}:
            return " ".join((name, *map(str, others.values())))
        case _:
            return _shorten(dumps(said), whole)


def _quote_content(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return _quote(content, whole=False)
    parts = content if isinstance(content, list) else [content]
    return " ".join(_describe_block(part, whole=False) for part in parts)


def _quote(text: str, whole: bool) -> str:
    return _shorten(dumps(text), whole)


def _shorten(text: str, whole: bool) -> str:
    return text if whole or len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def _shorten_segment(segment: str, whole: bool) -> str:
    """Return the *segment* of a namespace with the beginning of its id."""
    name, colon, identity = segment.partition(":")
    return segment if whole else f"{name}{colon}{identity[:_MAX_ID]}"
