"""What is played for a request on a thread, or why nothing is. No I/O."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from mockserver.cassette.model import Response
from mockserver.conversations.conversation import Conversation, Step
from mockserver.conversations.id_map import IdMap
from mockserver.conversations.live_threads import LiveThread, ReadKey
from mockserver.conversations.thread_requests import RequestKind
from mockserver.formats.json_text import Json
from mockserver.matching.index import Entry


class How(StrEnum):
    """How a response came about that was not recorded like this, the value of `x-mockserver-how`."""

    CLOSEST = "closest"
    DERIVED = "derived"
    SWITCHED = "switched"


@dataclass(frozen=True, slots=True)
class Answer:
    """The exchange to play for a request on *thread*, which stands at *progress* afterwards.

    Nothing has changed yet: see `commit`. *ids* are those of the thread in *conversation*.
    """

    entry: Entry
    kind: RequestKind
    thread: LiveThread
    conversation: Conversation
    progress: int
    ids: IdMap
    why: str
    how: How | None = None
    response: Response | None = None
    """The response, if it is not that of *entry*."""
    read_key: ReadKey | None = None
    waits_until: float = -inf
    """The response is not complete before this time of the clock, the end of a run after which it was recorded.

    The Python SDK reads the state as soon as a subgraph completes.
    """

    def to_journal(self) -> dict[str, Json]:
        """Return what the journal says about the answer."""
        return {**describe_place(self.conversation, self.progress), "why": self.why}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no exchange is played for a request; *expected* is what was recorded instead, and *ids* those of its thread."""

    reason: str
    expected: Entry | None = None
    ids: IdMap = field(default_factory=IdMap)
    conversation: Conversation | None = None
    """The conversation that the thread plays."""
    progress: int = 0

    def to_journal(self) -> dict[str, Json]:
        """Return what the journal says about a request that the fake graph answers instead."""
        place = (
            {} if self.conversation is None else describe_place(self.conversation, self.progress)
        )
        return {**place, "why": f"answered by the fake graph: {self.reason}"}


def answer_turn(
    live: LiveThread, conversation: Conversation, step: Step, names: IdMap, why: str
) -> Answer:
    """Return the answer that plays *step*, a turn of *conversation*."""
    return Answer(step.entry, RequestKind.TURN, live, conversation, step.progress, names, why)


def describe_place(conversation: Conversation, progress: int) -> dict[str, Json]:
    """Return what the journal says about a thread that stands at *progress* of *conversation*."""
    turns = conversation.turns
    return {
        "conversation": f"{conversation.label}, {conversation.span}",
        "progress": f"{progress} of {len(turns)} turns",
        "next": turns[progress].entry.label if progress < len(turns) else None,
    }
