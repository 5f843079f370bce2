"""Plays the runs of threads. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass

from mockserver.fake.graph.checkpoint_store import History
from mockserver.fake.graph.checkpointer import Checkpointer
from mockserver.fake.graph.event_log import EventLog
from mockserver.fake.graph.events_mode import Callbacks
from mockserver.fake.graph.graph import Graph
from mockserver.fake.graph.nodes import Nodes
from mockserver.fake.graph.stream_events import StreamEvents
from mockserver.fake.graph.stream_modes import StreamModes
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.run_request import RunRequest
from mockserver.fake.script.model import Script


@dataclass(slots=True)
class RunEngine:
    """Plays *script* for each run; *scale_pause* converts a natural pause to the seconds it takes."""

    script: Script
    scale_pause: Callable[[float], float] = lambda seconds: seconds

    def use_script(self, script: Script) -> None:
        self.script = script

    def play(self, request: RunRequest, ids: IdGenerator, history: History) -> EventLog:
        """Return what happens in a run on the thread with that *history*, and add its checkpoints to *history*."""
        log = EventLog(self.scale_pause, resumable=request.resumable, started=ids.milliseconds)
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
