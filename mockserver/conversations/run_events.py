"""The events of a recorded run, and the stream modes that send them. No I/O."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from mockserver.cassette.model import Response, Stream, TimedEvent
from mockserver.formats.json_text import Json, loads

TUPLES = "messages-tuple"
_PARTIALS = ("messages/metadata", "messages/partial", "messages/complete")
_OTHERS = ("values", "updates", "events", "debug", "tasks", "checkpoints", "custom")
MODE_OF = {
    **{name: name for name in _OTHERS},
    **dict.fromkeys(_PARTIALS, "messages"),
    "messages": TUPLES,
}
"""The stream mode that sends an event, by the event's name without its namespace."""

_IN_EVERY_MODE = ("metadata", "error")
_MODEL_ID = "lc_run--"
"""The prefix of the id of a message from a chat model. Such a message has its id before it is in the state."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """A recorded event: *name* without its namespace, data as *text* and as JSON *value*; a comment has no name.

    *is_root*: it has no namespace, so it is not from a subgraph.
    """

    timed: TimedEvent
    name: str = ""
    is_root: bool = True
    text: str = ""
    value: Json = None
    identity: str = ""


def read_events(response: Response) -> list[RunEvent] | None:
    """Return the events of *response* if it is a complete stream of known events, else None.

    None also for a stream of the JavaScript server, which sends no `location`: its modes were not compared.
    """
    content, headers = response.content, dict(response.headers)
    is_javascript = "content-location" in headers and "location" not in headers
    is_cut = response.end is not None and response.end.cut
    if not isinstance(content, Stream) or response.status != 200 or is_javascript:
        return None
    if is_cut or content.tail:
        return None
    events = [_read_event(timed) for timed in content.events]
    known = [event for event in events if event is not None]
    return known if len(known) == len(events) else None


def _read_event(timed: TimedEvent) -> RunEvent | None:
    fields = dict(timed.event.fields)
    name, bar, _ = fields.get("event", "").partition("|")
    if "comment" in fields:
        return RunEvent(timed)
    if name not in MODE_OF and name not in _IN_EVERY_MODE:
        return None
    text = fields.get("data", "")
    try:
        return RunEvent(timed, name, not bar, text, loads(text), fields.get("id", ""))
    except ValueError:
        return None


def is_sent_in(event: RunEvent, modes: Collection[str]) -> bool:
    """Return whether the server sends *event* if a request has these *modes*."""
    return not event.name or event.name in _IN_EVERY_MODE or MODE_OF[event.name] in modes


def has_model_ids_only(event: RunEvent) -> bool:
    """Return whether all messages in the output of a node have ids from a chat model."""
    return all(str(message["id"]).startswith(_MODEL_ID) for message in _find_node_messages(event))


def _find_node_messages(event: RunEvent) -> Iterator[dict[str, Json]]:
    """Yield the messages in the output of a node, if *event* shows it."""
    match event.name, event.value:
        case "updates", output:
            pending = [output]
        case ("tasks", {"result": output}) | ("debug", {"payload": {"result": output}}):
            pending = [output]
        case _:
            pending = []
    for value in pending:
        match value:
            case {"type": _, "content": _, "id": _}:
                yield value
            case dict():
                pending.extend(value.values())
            case list():
                pending.extend(value)
            case _:
                pass
