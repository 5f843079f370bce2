"""Runs: the fake graph's answers to `POST /runs/stream` and `POST /runs/wait`, and what it does on a thread. No I/O."""

from collections.abc import Callable

from mockserver.fake.graph.checkpoint_store import History
from mockserver.fake.graph.checkpointer import Checkpoints
from mockserver.fake.graph.event_log import Event, Played, Reel
from mockserver.fake.graph.events_mode import Callbacks
from mockserver.fake.graph.graph import Graph
from mockserver.fake.graph.nodes import Nodes
from mockserver.fake.graph.stream_modes import Modes
from mockserver.fake.ids import Ids
from mockserver.fake.json_format import Written, written
from mockserver.fake.replies import Answer, Timed
from mockserver.fake.run_request import RunRequest
from mockserver.fake.script.model import Script
from mockserver.formats.json_text import Json
from mockserver.http.messages import Headers

HEARTBEAT = b": heartbeat\r\n\r\n"
NEWLINE = b"\n"
NOTHING = b"{}"
"""What a run comes to that has told no state."""

_SPEECHLESS = "no rule of the script fits, so the graph says nothing"


class Runs:
    """Plays *script* for each run; *gap* tells how long a pause takes on a thread, of so many natural seconds."""

    def __init__(
        self, script: Script, gap: Callable[[float], float] = lambda seconds: seconds
    ) -> None:
        self.script = script
        self.gap = gap

    def play(self, script: Script) -> None:
        """Play another *script* from now on."""
        self.script = script

    def stream(self, request: RunRequest, ids: Ids) -> Answer:
        """Return the events of the run."""
        played = self._alone(request, ids)
        steps = tuple((event.at, event.raw) for event in played.events)
        headers = stream_headers(f"/runs/{request.run_id}")
        return Answer(200, headers, Timed(steps, HEARTBEAT, played.end), played.note)

    def wait(self, request: RunRequest, ids: Ids) -> Answer:
        """Return what the run comes to: the last state, an interrupt, or an error."""
        played = self._alone(request, ids)
        headers = wait_headers(f"/threads/{request.thread_id}/runs/{request.run_id}")
        body = ((played.end, outcome(played.events)),)
        return Answer(200, headers, Timed(body, NEWLINE, played.end), played.note)

    def on_thread(self, request: RunRequest, ids: Ids, history: History) -> Played:
        """Return the run on the thread with that *history*, which has its checkpoints afterwards."""
        reel = Reel(self.gap, resumable=request.resumable, started=ids.milliseconds)
        return self._played(request, ids, reel, history)

    def _alone(self, request: RunRequest, ids: Ids) -> Played:
        reel = Reel(lambda seconds: seconds, resumable=request.resumable, started=ids.milliseconds)
        reel.wait(request.delay)
        return self._played(request, ids, reel, History())

    def _played(self, request: RunRequest, ids: Ids, reel: Reel, history: History) -> Played:
        modes = Modes(request, ids, reel.emit, lambda: reel.now)
        callbacks = Callbacks(request, reel.emit)
        nodes = Nodes(request, ids, modes, callbacks, self.script.pace, reel.wait)
        checkpoints = Checkpoints(request, ids, modes, history, reel.save)
        graph = Graph(self.script, nodes, checkpoints)
        reel.emit("metadata", {"run_id": request.run_id, "attempt": 1})
        graph.run()
        checkpoints.close()
        note = _SPEECHLESS if graph.speechless else graph.slow
        return reel.played(graph.failed, note)


def stream_headers(run: str) -> Headers:
    """Return the headers of the stream of the run at the path *run*."""
    return (
        ("location", f"{run}/stream"),
        ("content-location", run),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("content-type", "text/event-stream; charset=utf-8"),
    )


def wait_headers(run: str) -> Headers:
    """Return the headers of what the run at the path *run* comes to."""
    return (
        ("location", f"{run}/join"),
        ("content-location", run),
        ("content-type", "application/json"),
    )


def outcome(events: tuple[Event, ...]) -> bytes:
    """Return what a run comes to that has told *events*, as JSON."""
    value: Json | Written = {}
    asked: list[Json] = []
    for event in events:
        match event.name, event.value:
            case "updates", {"__interrupt__": [*more]} if more:
                asked += more
                value = {"__interrupt__": asked}
            case "values", {"__interrupt__": more} if asked:
                # So does the server: whoever asks for both modes gets the interrupts alone, and twice.
                asked += more
            case "values", state:
                value = state
            case "error", error:
                value = {"__error__": error}
            case _:
                pass
    return written(value).encode("utf-8", "replace")
