"""Stateless runs: the fake graph's answers to `POST /runs/stream` and `POST /runs/wait`. No I/O."""

from mockserver import sse
from mockserver.fake.answers import Answer, Timed
from mockserver.fake.ids import Ids
from mockserver.fake.request import RunRequest
from mockserver.fake.run.callbacks import Callbacks
from mockserver.fake.run.graph import Graph
from mockserver.fake.run.modes import Modes
from mockserver.fake.run.nodes import Nodes
from mockserver.fake.script import Script
from mockserver.fake.written import written
from mockserver.jsontext import Json

HEARTBEAT = b": heartbeat\r\n\r\n"
NEWLINE = b"\n"


class Runs:
    """Plays *script* for each run."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def play(self, script: Script) -> None:
        """Play another *script* from now on."""
        self._script = script

    def stream(self, request: RunRequest, ids: Ids) -> Answer:
        """Return the events of the run."""
        tape = _Tape(resumable=request.resumable, started=ids.milliseconds)
        tape.wait(request.delay)
        tape.emit("metadata", {"run_id": request.run_id, "attempt": 1})
        note = self._play(request, ids, tape)
        run = f"/runs/{request.run_id}"
        headers = (
            ("location", f"{run}/stream"),
            ("content-location", run),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
            ("content-type", "text/event-stream; charset=utf-8"),
        )
        return Answer(200, headers, Timed(tuple(tape.steps), HEARTBEAT, tape.now), note)

    def wait(self, request: RunRequest, ids: Ids) -> Answer:
        """Return what the run comes to: the last state, an interrupt, or an error."""
        outcome = _Outcome()
        outcome.wait(request.delay)
        note = self._play(request, ids, outcome)
        run = f"/threads/{request.thread_id}/runs/{request.run_id}"
        headers = (
            ("location", f"{run}/join"),
            ("content-location", run),
            ("content-type", "application/json"),
        )
        body = written(outcome.value).encode("utf-8", "replace")
        return Answer(200, headers, Timed(((outcome.now, body),), NEWLINE, outcome.now), note)

    def _play(self, request: RunRequest, ids: Ids, tape: "_Tape | _Outcome") -> str | None:
        """Play the run; return what a person should know of it."""
        modes = Modes(request, ids, tape.emit, lambda: tape.now)
        callbacks = Callbacks(request, tape.emit)
        nodes = Nodes(request, ids, modes, callbacks, self._script.pace, tape.wait, iter(()))
        graph = Graph(self._script, nodes)
        graph.run()
        return "no rule of the script fits, so the graph says nothing" if graph.speechless else None


class _Tape:
    """Takes down events as the bytes of a stream, each with its time."""

    def __init__(self, *, resumable: bool, started: int) -> None:
        self.now = 0.0
        self.steps: list[tuple[float, bytes]] = []
        self._resumable = resumable
        self._started = started
        self._numbers: dict[int, int] = {}

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def emit(self, name: str, value: Json) -> None:
        self.steps.append((self.now, sse.message(name, written(value), self._identity())))

    def _identity(self) -> str | None:
        """Return the id of the next event: its moment, and its number among the events of that moment."""
        if not self._resumable:
            return None
        moment = self._started + round(self.now * 1000)
        self._numbers[moment] = number = self._numbers.get(moment, -1) + 1
        return f"{moment}-{number}"


class _Outcome:
    """Keeps what a run comes to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.value: Json = {}
        self._asked: list[Json] = []

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def emit(self, name: str, value: Json) -> None:
        match name, value:
            case "updates", {"__interrupt__": [*asked]} if asked:
                self._asked += asked
                self.value = {"__interrupt__": self._asked}
            case "values", {"__interrupt__": asked} if self._asked:
                # So does the server: whoever asks for both modes gets the interrupts alone, and twice.
                self._asked += asked
            case "values", _:
                self.value = value
            case "error", _:
                self.value = {"__error__": value}
            case _:
                pass
