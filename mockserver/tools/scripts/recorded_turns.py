"""What the nodes of a recorded graph did, run by run. No I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mockserver.cassette.model import Body, Exchange
from mockserver.conversations.run_events import RunEvent, read_events
from mockserver.formats.json_text import Json, loads
from mockserver.matching.canonical import split_api_path
from mockserver.tools.json_bodies import parse_body
from mockserver.tools.scripts.recorded_messages import Message, read_messages

_RUN = re.compile(r"(?P<thread>/threads/[^/]+)?/runs/(?:stream|wait)")

Update = dict[str, Any]


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
    is_resumed: bool
    visits: list[RecordedVisit] = field(default_factory=list)
    interrupts: list[Json] = field(default_factory=list)
    error: Json = None
    states: list[Update] = field(default_factory=list)
    """The states that it showed, the first of them before any node has run."""

    @property
    def shows_something(self) -> bool:
        return bool(self.visits or self.interrupts or self.error or self.states)


def read_run(exchange: Exchange) -> RecordedRun | None:
    """Return the run that *exchange* has started and whose events or outcome it shows; None if it is something else."""
    _, path = split_api_path(exchange.request.path.partition("?")[0])
    found = _RUN.fullmatch(path)
    body = parse_body(exchange.request.body)
    if found is None or not isinstance(body, dict) or exchange.response.status != 200:
        return None
    command = body.get("command")
    is_resumed = isinstance(command, dict) and "resume" in command
    graph = str(body.get("assistant_id"))
    run = RecordedRun(graph, found["thread"], body.get("input"), is_resumed)
    _read_response(run, exchange)
    return run


def _read_response(run: RecordedRun, exchange: Exchange) -> None:
    content = exchange.response.content
    if isinstance(content, Body):
        outcome = parse_body(content.raw.strip())
        if isinstance(outcome, dict):
            read_outcome(run, outcome)
        return
    events = [event for event in read_events(exchange.response) or () if event.is_root]
    names = {event.name for event in events}
    run.error = next((event.value for event in events if event.name == "error"), None)
    run.states = [
        event.value for event in events if event.name == "values" and isinstance(event.value, dict)
    ]
    if "updates" in names:
        run.visits = list(_read_updates(events, run))
        return
    if run.states:
        read_outcome(run, run.states[-1])
    else:
        run.visits = list(_read_messages(events))
    custom = tuple(event.value for event in events if event.name == "custom")
    if custom:
        run.visits.insert(0, RecordedVisit(None, {}, custom))


def read_outcome(run: RecordedRun, outcome: Update) -> None:
    """Take what *run* did from its last state."""
    run.error = outcome.get("__error__", run.error)
    run.interrupts = _list_interrupts(outcome.get("__interrupt__"))
    state = {name: part for name, part in outcome.items() if not name.startswith("__")}
    run.states = run.states or ([state] if state else [])
    given = run.input if isinstance(run.input, dict) else {}
    update = {name: part for name, part in state.items() if given.get(name) != part and part != []}
    if "messages" in update:
        update["messages"] = _after_last_human(read_messages(update["messages"]))
    if update:
        run.visits.append(RecordedVisit(None, update))


def _list_interrupts(value: Json) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _after_last_human(messages: list[Message]) -> list[Message]:
    last = max((n for n, m in enumerate(messages) if m["type"] == "human"), default=-1)
    return messages[last + 1 :]


def _read_updates(events: list[RunEvent], run: RecordedRun) -> Iterator[RecordedVisit]:
    custom: list[Json] = []
    for event in events:
        if event.name == "custom":
            custom.append(event.value)
        if event.name != "updates" or not isinstance(event.value, dict):
            continue
        for node, outcome in event.value.items():
            if node == "__interrupt__":
                run.interrupts += _list_interrupts(outcome)
            else:
                yield RecordedVisit(node, _merge_updates(outcome), tuple(custom))
                custom = []
    if custom:
        yield RecordedVisit(None, {}, tuple(custom))


def _merge_updates(outcome: Json) -> Update:
    """Return the update of a node, which may have returned several."""
    merged: Update = {}
    messages: list[Message] = []
    for update in outcome if isinstance(outcome, list) else [outcome]:
        if isinstance(update, dict):
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
            yield RecordedVisit(known_node, {"messages": read_messages(_finish(message))})


def _add_chunk(message: Message, chunk: Message) -> Message:
    before, more = message["content"], chunk["content"]
    if isinstance(before, str) != isinstance(more, str):
        before, more = (
            part if isinstance(part, list) else _to_blocks(part) for part in (before, more)
        )
    return message | {
        "content": before + more,
        "tool_call_chunks": [*_list_chunks(message), *_list_chunks(chunk)],
    }


def _list_chunks(message: Message) -> list[dict[str, Any]]:
    chunks = message.get("tool_call_chunks")
    return [one for one in chunks if isinstance(one, dict)] if isinstance(chunks, list) else []


def _to_blocks(text: str) -> list[Json]:
    return [{"type": "text", "text": text}] if text else []


def _finish(message: Message) -> Message:
    """Return *message* with its tool calls, made of their chunks."""
    calls: dict[str, dict[str, Any]] = {}
    for chunk in _list_chunks(message):
        call = calls.setdefault(str(chunk.get("index")), {"name": "", "args": "", "id": None})
        for part in ("name", "args"):
            call[part] += str(chunk.get(part) or "")
        call["id"] = call["id"] or chunk.get("id")
    if not calls:
        return message
    finished = [{**call, "args": _parse_args(call["args"])} for call in calls.values()]
    return message | {"tool_calls": finished}


def _parse_args(text: str) -> Json:
    try:
        return loads(text)
    except ValueError:
        return {}
