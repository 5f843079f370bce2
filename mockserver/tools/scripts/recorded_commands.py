"""What the runs did that commands have started, as the event streams of their threads show it. No I/O."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from mockserver.cassette.event_streams import find_thread
from mockserver.cassette.model import Body, Exchange
from mockserver.conversations.recorded_events import cut_runs, join_streams
from mockserver.formats.json_text import Json
from mockserver.thread_log.event import Event
from mockserver.tools.event_logs import find_event_thread
from mockserver.tools.json_bodies import parse_body
from mockserver.tools.scripts.recorded_turns import RecordedRun, read_outcome

Logs = dict[str, deque[tuple[str, list[Event]]]]
"""For each thread the runs that are not read yet, in order: their ids, and the events of the outermost graph."""


def read_logs(exchanges: Iterable[Exchange]) -> Logs:
    """Return what the event streams in *exchanges* show."""
    by_thread: defaultdict[str, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        thread = find_event_thread(exchange)
        if thread is not None:
            by_thread[thread].append(exchange)
    return {thread: deque(_read_runs(streams)) for thread, streams in by_thread.items()}


def _read_runs(streams: list[Exchange]) -> Iterator[tuple[str, list[Event]]]:
    for recorded in cut_runs(join_streams(streams)):
        events = [one.event for one in recorded if not one.event.namespace]
        identity = next((event.identity for event in events if event.status), None)
        if identity is not None:
            yield identity.split(":")[1], events


def read_command(exchange: Exchange, logs: Logs) -> RecordedRun | None:
    """Return the run that *exchange*, a command, has started, and take it from *logs*; None if it is something else."""
    thread = find_thread(exchange.request.path, "commands")
    content = exchange.response.content
    if thread is None or not isinstance(content, Body):
        return None
    runs = logs.get(thread, deque())
    match parse_body(exchange.request.body), parse_body(content.raw):
        case {"method": "run.start", "params": dict(params)}, {"result": {"run_id": run_id}}:
            while runs and runs[0][0] != run_id:
                runs.popleft()
            given, is_resumed = params.get("input"), False
        case {"method": "input.respond", "params": dict(params)}, {"type": "success"}:
            given, is_resumed = None, True
        case _:
            return None
    if not runs:
        return None
    _, events = runs.popleft()
    run = RecordedRun(str(params.get("assistant_id")), thread, given, is_resumed)
    _read_events(run, events)
    return run


def _read_events(run: RecordedRun, events: list[Event]) -> None:
    run.states = [
        state
        for event in events
        if event.method == "values" and isinstance(state := event.params.get("data"), dict)
    ]
    interrupts: list[Json] = []
    error: Json = None
    for event in events:
        match event.method, event.params.get("data"):
            case "input.requested", {"payload": payload}:
                interrupts.append({"value": payload})
            case "lifecycle", {"event": "failed", "error": str(message)}:
                error = {"error": "ValueError", "message": message}
            case _:
                pass
    state = run.states[-1] if run.states else {}
    shown = {"__interrupt__": interrupts} if interrupts else {}
    read_outcome(run, {**state, **shown, **({"__error__": error} if error else {})})
