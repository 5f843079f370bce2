"""An event of a thread, and its form on the wire. No I/O.

Source: the types `Event` and `Channel` of the Agent Protocol (protocol.cddl), as langgraph-api 0.16.7 sends them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.formats.json_text import Json

_CHANNELS = {"input.requested": "input", "input.answered": "input"}
"""The channels of the methods that are not named like their channel."""


_ENDS = ("completed", "failed", "interrupted")


@dataclass(frozen=True, slots=True)
class ThreadEvent:
    """An event with the id *identity*, which is the same in every stream of the thread."""

    identity: str
    method: str
    params: Mapping[str, Json]

    @property
    def namespace(self) -> tuple[str, ...]:
        """The graph within the graph that sent it; empty for the outermost graph."""
        return tuple(self.params["namespace"])

    @property
    def channel(self) -> str:
        """The channel on which it is sent."""
        return _CHANNELS.get(self.method, self.method)

    @property
    def status(self) -> str | None:
        """The status of a run of the thread that it shows, or None."""
        match self.params:
            case {"namespace": [], "data": {"event": str(status)}} if self.method == "lifecycle":
                return status
            case _:
                return None

    @property
    def ends_run(self) -> bool:
        return self.status in _ENDS

    @property
    def custom_channel(self) -> str | None:
        """The second channel of a custom event that has a name, or None."""
        payload = self.params.get("data")
        named = self.method == "custom" and isinstance(payload, dict) and "name" in payload
        return f"custom:{payload['name']}" if named and payload else None


@dataclass(frozen=True, slots=True, eq=False)
class NumberedEvent:
    """An event of the log with *seq*, its number in the thread.

    One that is not *lasting* is sent only to the streams that are open when it happens.
    """

    seq: int
    event: ThreadEvent
    lasting: bool = True
    raw: bytes | None = None
    """Its JSON form as another server wrote it, or None if it is written from *event*."""

    @property
    def envelope(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "type": "event",
            "event_id": self.event.identity,
            "seq": self.seq,
            "method": self.event.method,
            "params": self.event.params,
        }
