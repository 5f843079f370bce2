"""A run that was asked for, its request validated. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mockserver.formats.json_text import Json


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the fake graph is to run; *graph* is the graph's name, *input* None where there is none."""

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
    """What takes the place of the input: an update of the state, and where to go with it."""
    durability: str | None = None
    delay: float = 0.0
    """Seconds until the run begins."""
    on_existing_thread: bool = False
    """Whether it is on a thread that was there before."""

    @property
    def keeps_thread(self) -> bool:
        """Whether the thread outlives the run."""
        return self.on_existing_thread or self.on_completion == "keep"
