"""A validated request for a run. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mockserver.formats.json_text import Json


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The run to play; *graph* is the name of the graph, *input* is None if the request has none."""

    run_id: str
    thread_id: str
    assistant_id: str
    graph: str
    input: Json = None
    modes: tuple[str, ...] = ("values",)
    subgraphs: bool = False
    resumable: bool = False
    config: Mapping[str, Json] = field(default_factory=dict)
    context: Json = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    interrupt_before: Json = None
    interrupt_after: Json = None
    on_completion: str = "delete"
    command: Json = None
    """Replaces the input: an update of the state, the next node, or an answer to an interrupt."""
    durability: str | None = None
    delay: float = 0.0
    """Seconds until the run starts."""
    for_event_streams: bool = False
    """Whether a command started it, so that the event streams of its thread show it."""
    on_existing_thread: bool = False
    """Whether the thread existed before the run."""

    @property
    def facts(self) -> dict[str, Json]:
        """What the rules of a script may ask for."""
        return {
            "input": self.input,
            "context": self.context,
            "config": self.config,
            "metadata": self.metadata,
        }

    @property
    def keeps_thread(self) -> bool:
        """Whether the thread still exists after the run."""
        return self.on_existing_thread or self.on_completion == "keep"
