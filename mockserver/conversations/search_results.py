"""What is played for a request on a thread, or why nothing is. No I/O."""

from dataclasses import dataclass, field
from math import inf

from mockserver.cassette.model import Response
from mockserver.conversations.conversation import Conversation, Step
from mockserver.conversations.id_map import IdMap
from mockserver.conversations.live_threads import LiveThread, ReadKey
from mockserver.conversations.thread_requests import RequestKind
from mockserver.formats.json_text import Json
from mockserver.matching.index import Entry


@dataclass(frozen=True, slots=True)
class SearchHit:
    """The *step* of *conversation* to play for a request on *thread*, whose ids there are *ids*. Nothing has changed yet: see `advance_thread`."""

    step: Step
    thread: LiveThread
    conversation: Conversation
    ids: IdMap
    why: str
    how: str | None = None
    """`closest`, `derived` or `switched` if the response was not recorded like this."""
    response: Response | None = None
    """The response, if it is not that of *step*."""
    read_key: ReadKey | None = None
    waits_until: float = -inf
    """The response is not complete before this time of the clock, the end of a run after which it was recorded.

    The Python SDK reads the state as soon as a subgraph completes.
    """

    @property
    def entry(self) -> Entry:
        return self.step.entry

    @property
    def is_turn(self) -> bool:
        return self.step.kind is RequestKind.TURN

    @property
    def progress(self) -> int:
        """The progress of the thread afterwards."""
        return self.step.progress if self.is_turn else self.thread.progress

    def to_journal(self) -> dict[str, Json]:
        """Return what the journal says about the hit."""
        return {**self.conversation.describe_place(self.progress), "why": self.why}


@dataclass(frozen=True, slots=True)
class SearchMiss:
    """Why no exchange is played for a request; *expected* is what was recorded instead, and *ids* those of its thread."""

    reason: str
    expected: Entry | None = None
    ids: IdMap = field(default_factory=IdMap)
    conversation: Conversation | None = None
    """The conversation that the thread plays."""
    progress: int = 0

    def to_journal(self) -> dict[str, Json]:
        """Return what the journal says about a request that the fake graph answers instead."""
        place = self.conversation.describe_place(self.progress) if self.conversation else {}
        return {**place, "why": f"answered by the fake graph: {self.reason}"}
