"""Plays the runs of threads. No I/O."""

from collections.abc import Callable, Sequence

from mockserver.fake.graph.checkpoint_store import History
from mockserver.fake.graph.checkpointer import Checkpointer
from mockserver.fake.graph.event_log import Event, EventLog
from mockserver.fake.graph.events_mode import Callbacks
from mockserver.fake.graph.graph import Graph
from mockserver.fake.graph.nodes import Nodes
from mockserver.fake.graph.stream_events import StreamEvents
from mockserver.fake.graph.stream_modes import StreamModes
from mockserver.fake.ids import Ids
from mockserver.fake.json_format import JsonText, to_server_json
from mockserver.fake.run_request import RunRequest
from mockserver.fake.script.model import Script
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers

HEARTBEAT = b": heartbeat\r\n\r\n"
NEWLINE = b"\n"
EMPTY_STATE = b"{}"
"""The outcome of a run without any state."""


class RunEngine:
    """Plays *script* for each run; *gap* converts a natural pause to the seconds it takes."""

    def __init__(
        self, script: Script, gap: Callable[[float], float] = lambda seconds: seconds
    ) -> None:
        self.script = script
        self.gap = gap

    def use_script(self, script: Script) -> None:
        self.script = script

    def play(self, request: RunRequest, ids: Ids, history: History) -> EventLog:
        """Return what happens in a run on the thread with that *history*, and add its checkpoints to *history*."""
        log = EventLog(self.gap, resumable=request.resumable, started=ids.milliseconds)
        modes_class = StreamEvents if request.for_event_streams else StreamModes
        modes = modes_class(request, ids, log)
        nodes = Nodes(request, ids, self.script, log, modes, Callbacks(request, log))
        checkpointer = Checkpointer(request, ids, self.script, history, log, modes)
        graph = Graph(nodes, checkpointer)
        log.emit("metadata", {"run_id": request.run_id, "attempt": 1})
        graph.run()
        modes.send_run_end()
        checkpointer.close()
        log.finish()
        return log


def get_stream_headers(run: str) -> Headers:
    return (
        ("location", f"{run}/stream"),
        ("content-location", run),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("content-type", "text/event-stream; charset=utf-8"),
    )


def get_wait_headers(run: str) -> Headers:
    return (
        ("location", f"{run}/join"),
        ("content-location", run),
        ("content-type", "application/json"),
    )


def build_outcome(events: Sequence[Event]) -> bytes:
    """Return the outcome of a run with these *events*, as JSON."""
    value: Json | JsonText = {}
    interrupts: list[Json] = []
    for event in events:
        match event.name, event.value:
            case "updates", {"__interrupt__": [*more]} if more:
                interrupts += more
                value = {"__interrupt__": interrupts}
            case "values", {"__interrupt__": more} if interrupts:
                # As on the real server: with both modes the outcome has only the interrupts, twice.
                interrupts += more
            case "values", state:
                value = state
            case "error", error:
                value = {"__error__": error}
            case _:
                pass
    return to_server_json(value).encode("utf-8", "replace")
