"""An event of a thread, and its form on the wire. No I/O.

Source: the types `Event` and `Channel` of the Agent Protocol (protocol.cddl), as langgraph-api 0.16.7 sends them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.formats.json_text import Json

_CHANNELS = {"input.requested": "input", "input.answered": "input"}
"""The channels of the methods that are not named like their channel."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event with the id *identity*, which is the same in every stream of the thread.

    A subscription that starts after the event gets the *later_params* in place of the *params*, if there are any.
    """

    identity: str
    method: str
    params: Mapping[str, Json]
    later_params: Mapping[str, Json] | None = None

    @property
    def namespace(self) -> tuple[str, ...]:
        """The graph within the graph that sent it; empty for the outermost graph."""
        return tuple(self.params["namespace"])

    @property
    def channel(self) -> str:
        """The channel on which it is sent."""
        return _CHANNELS.get(self.method, self.method)

    @property
    def custom_channel(self) -> str | None:
        """The second channel of a custom event that has a name, or None."""
        payload = self.params.get("data")
        named = self.method == "custom" and isinstance(payload, dict) and "name" in payload
        return f"custom:{payload['name']}" if named and payload else None


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event of the log with *seq*, its number in the thread."""

    seq: int
    event: Event

    def envelope(self, *, later: bool = False) -> dict[str, Any]:
        """Return the JSON form; with *later*, that for a subscription which started after the event."""
        event = self.event
        is_changed = later and event.later_params is not None
        return {
            "type": "event",
            "event_id": event.identity,
            "seq": self.seq,
            "method": event.method,
            "params": event.later_params if is_changed else event.params,
        }
