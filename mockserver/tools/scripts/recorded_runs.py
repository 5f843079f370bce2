"""What the nodes of a recorded graph did, run by run, and the messages in requests and responses in one spelling. No I/O."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mockserver.cassette.model import Body, Exchange
from mockserver.cassette.thread_streams import match_thread_call
from mockserver.conversations.recorded_events import cut_runs, join_streams
from mockserver.conversations.run_events import RunEvent, read_events
from mockserver.fake.thread_log.event import ThreadEvent
from mockserver.formats.json_text import Json, loads
from mockserver.matching.canonical import split_api_path
from mockserver.tools.json_bodies import parse_body
from mockserver.tools.readable_events import find_event_thread

_RUN = re.compile(r"(?P<thread>/threads/[^/]+)?/runs/(?:stream|wait)")
_TYPES = {"user": "human", "assistant": "ai", "AIMessageChunk": "ai"}

Message = dict[str, Any]
Update = dict[str, Any]

_Logs = dict[str, deque[tuple[str, list[ThreadEvent]]]]
"""For each thread the runs that are not read yet, in order: their ids, and the events of the outermost graph."""


@dataclass(frozen=True, slots=True)
class RecordedVisit:
    """What *node* returned (None: unknown node); the *custom* values came before."""

    node: str | None
    update: Update
    custom: tuple[Json, ...] = ()


@dataclass(slots=True)
class RecordedRun:
    """A run: what it was asked, and what it did; *thread* is the path of its thread."""

    graph: str
    thread: str | None
    input: Json
    visits: list[RecordedVisit] = field(default_factory=list)
    interrupts: list[Json] = field(default_factory=list)
    """The values of its interrupts."""
    error: Json = None
    states: list[Update] = field(default_factory=list)
    """The states that it showed, the first of them before any node has run."""


def read_runs(exchanges: list[Exchange]) -> list[RecordedRun]:
    """Return the runs that *exchanges* have started and that show what they did."""
    logs = _read_logs(exchanges)
    runs = [_read_run(exchange) or _read_command(exchange, logs) for exchange in exchanges]
    return [
        run for run in runs if run and (run.visits or run.interrupts or run.error or run.states)
    ]


def _read_run(exchange: Exchange) -> RecordedRun | None:
    """Return the run that *exchange* has started and whose events or outcome it shows; None if it is something else."""
    _, path = split_api_path(exchange.request.path.partition("?")[0])
    found = _RUN.fullmatch(path)
    body = parse_body(exchange.request.body)
    if found is None or not isinstance(body, dict) or exchange.response.status != 200:
        return None
    run = RecordedRun(str(body.get("assistant_id")), found["thread"], body.get("input"))
    content = exchange.response.content
    if not isinstance(content, Body):
        _read_stream(run, [one for one in read_events(exchange.response) or () if one.is_root])
    elif isinstance(outcome := parse_body(content.raw.strip()), dict):
        _read_outcome(run, outcome)
    return run


def _read_stream(run: RecordedRun, events: list[RunEvent]) -> None:
    """Take what *run* did from its *events*."""
    custom: list[Json] = []
    for event in events:
        match event.name, event.value:
            case "error", error:
                run.error = run.error or error
            case "values", dict(state):
                run.states.append(state)
            case "custom", value:
                custom.append(value)
            case "updates", dict(outcomes):
                run.interrupts += _list_interrupts(outcomes.get("__interrupt__"))
                for node, outcome in outcomes.items():
                    if node != "__interrupt__":
                        update = _merge_updates(outcome)
                        run.visits.append(RecordedVisit(node, update, tuple(custom)))
                        custom = []
            case _:
                pass
    if any(event.name == "updates" for event in events):
        run.visits += [RecordedVisit(None, {}, tuple(custom))] if custom else []
        return
    if run.states:
        _read_outcome(run, run.states[-1])
    else:
        run.visits = list(_read_messages(events))
    if custom:
        run.visits.insert(0, RecordedVisit(None, {}, tuple(custom)))


def _read_outcome(run: RecordedRun, outcome: Update) -> None:
    """Take what *run* did from its last state."""
    run.error = outcome.get("__error__", run.error)
    run.interrupts = run.interrupts or _list_interrupts(outcome.get("__interrupt__"))
    state = {name: part for name, part in outcome.items() if not name.startswith("__")}
    run.states = run.states or ([state] if state else [])
    given = run.input if isinstance(run.input, dict) else {}
    update = {name: part for name, part in state.items() if given.get(name) != part and part != []}
    if "messages" in update:
        update["messages"] = _after_last_human(read_messages(update["messages"]))
    if update:
        run.visits.append(RecordedVisit(None, update))


def _list_interrupts(value: Json) -> list[Json]:
    return [one.get("value") for one in _list_objects(value)]


def read_messages(value: Json) -> list[Message]:
    """Return the messages in *value*, a list or one message; what is none is left out."""
    items = value if isinstance(value, list) else [value]
    messages = (_read_message(item) for item in items)
    return [message for message in messages if message is not None]


def _read_message(item: Json) -> Message | None:
    """Return *item* with `type`, `content` and `tool_calls`, or None if it is no message."""
    match item:
        case str():
            return {"type": "human", "content": item, "tool_calls": []}
        case {"type": str(kind)} | {"role": str(kind)}:
            calls = item.get("tool_calls")
            return {
                **item,
                "type": _TYPES.get(kind, kind),
                "content": _read_content(item.get("content")),
                "tool_calls": list(filter(_is_call, calls)) if isinstance(calls, list) else [],
            }
        case _:
            return None


def _read_content(content: Json) -> Json:
    if isinstance(content, list):
        return [part for part in content if isinstance(part, str | dict)]
    return content if isinstance(content, str) else ""


def _is_call(call: Json) -> bool:
    match call:
        case {"name": str(name), "args": dict()}:
            return bool(name)
        case _:
            return False


def _list_objects(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _after_last_human(messages: list[Message]) -> list[Message]:
    last = max((n for n, m in enumerate(messages) if m["type"] == "human"), default=-1)
    return messages[last + 1 :]


def _merge_updates(outcome: Json) -> Update:
    """Return the update of a node, which may have returned several."""
    merged: Update = {}
    messages: list[Message] = []
    for update in _list_objects(outcome if isinstance(outcome, list) else [outcome]):
        merged |= update
        messages += read_messages(update.get("messages", []))
    return merged | ({"messages": messages} if "messages" in merged else {})


def _read_messages(events: list[RunEvent]) -> Iterator[RecordedVisit]:
    """Yield a visit for each message that was streamed."""
    messages: dict[str, tuple[str | None, Message]] = {}
    for event in events:
        match event.name, event.value:
            case "messages", [{"id": str(identity)} as chunk, {"langgraph_node": str(node)}]:
                before = messages.get(identity)
                for read in read_messages(chunk):
                    messages[identity] = (node, _add_chunk(before[1], read) if before else read)
            case (("messages/partial" | "messages/complete"), [{"id": str(identity)} as message]):
                for read in read_messages(message):
                    messages[identity] = (None, read)
            case _:
                pass
    for known_node, message in messages.values():
        if message["type"] != "human":
            yield RecordedVisit(known_node, {"messages": read_messages(_join_calls(message))})


def _add_chunk(message: Message, chunk: Message) -> Message:
    first, second = contents = (message["content"], chunk["content"])
    if isinstance(first, str) and isinstance(second, str):
        content: Json = first + second
    else:
        content = [one for part in contents for one in (part if isinstance(part, list) else [part])]
    chunks = [_list_objects(one.get("tool_call_chunks")) for one in (message, chunk)]
    return message | {"content": content, "tool_call_chunks": chunks[0] + chunks[1]}


def _join_calls(message: Message) -> Message:
    """Return *message* with its tool calls, made of their chunks."""
    calls: dict[str, dict[str, Any]] = {}
    for chunk in _list_objects(message.get("tool_call_chunks")):
        call = calls.setdefault(str(chunk.get("index")), {"name": "", "args": "", "id": None})
        for part in ("name", "args"):
            call[part] += str(chunk.get(part) or "")
        call["id"] = call["id"] or chunk.get("id")
    joined = [{**call, "args": _parse_args(call["args"])} for call in calls.values()]
    return message | ({"tool_calls": joined} if joined else {})


def _parse_args(text: str) -> Json:
    try:
        return loads(text)
    except ValueError:
        return {}


def _read_logs(exchanges: Iterable[Exchange]) -> _Logs:
    """Return what the event streams in *exchanges* show."""
    by_thread: defaultdict[str, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        thread = find_event_thread(exchange)
        if thread is not None:
            by_thread[thread].append(exchange)
    return {thread: deque(_read_log(streams)) for thread, streams in by_thread.items()}


def _read_log(streams: list[Exchange]) -> Iterator[tuple[str, list[ThreadEvent]]]:
    for recorded in cut_runs(join_streams(streams)):
        events = [one.event for one in recorded if not one.event.namespace]
        identity = next((event.identity for event in events if event.status), None)
        if identity is not None:
            yield identity.split(":")[1], events


def _read_command(exchange: Exchange, logs: _Logs) -> RecordedRun | None:
    """Return the run that *exchange*, a command, has started, and take it from *logs*; None if it is something else."""
    thread = match_thread_call(exchange.request.path, "commands")
    content = exchange.response.content
    if thread is None or not isinstance(content, Body):
        return None
    runs = logs.get(thread, deque())
    given: Json = None
    match parse_body(exchange.request.body), parse_body(content.raw):
        case {"method": "run.start", "params": dict(params)}, {"result": {"run_id": run_id}}:
            while runs and runs[0][0] != run_id:
                runs.popleft()
            given = params.get("input")
        case {"method": "input.respond", "params": dict(params)}, {"type": "success"}:
            pass
        case _:
            return None
    if not runs:
        return None
    run = RecordedRun(str(params.get("assistant_id")), thread, given)
    for event in runs.popleft()[1]:
        match event.method, event.params.get("data"):
            case "values", dict(state):
                run.states.append(state)
            case "input.requested", {"payload": payload}:
                run.interrupts.append(payload)
            case "lifecycle", {"event": "failed", "error": str(message)}:
                run.error = {"error": "ValueError", "message": message}
            case _:
                pass
    _read_outcome(run, run.states[-1] if run.states else {})
    return run
