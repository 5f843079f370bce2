"""What the tests of the fake graph's engine share: a request, scripts, and what a run of them comes to."""

import json
import re
from typing import Any

from mockserver.fake.graph.checkpoint_store import History
from mockserver.fake.graph.event_log import EventLog
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.run_request import RunRequest
from mockserver.fake.script.model import Rule, Script, ScriptPace, Step
from mockserver.fake.server_json import JsonText

IDS = IdGenerator("seed")
PACE = ScriptPace(1.0, 0.5, 2.0)
"""Seconds that are easy to distinguish: until the first token, from one to the next, for a tool."""

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b|call_[0-9a-f]{24}")


def run_request(said: Any = "hi", *modes: str, **given: Any) -> RunRequest:
    """Return a request in these *modes* whose input are the messages *said*, or what is *given* as input."""
    return RunRequest(
        **{
            "run_id": "RUN",
            "thread_id": "THREAD",
            "assistant_id": "ASSISTANT",
            "graph": "chat",
            "input": {"messages": said},
            "modes": modes or ("values",),
            **given,
        }
    )


def script(*steps: Step, **given: Any) -> Script:
    """Return the script of one rule with these *steps*."""
    return Script((Rule(steps, **given),), PACE)


class Log(EventLog):
    """The log of a run at the natural pace, which also keeps how long the run has waited."""

    def __init__(self) -> None:
        super().__init__(lambda seconds: seconds, resumable=False, started=0)
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        self.waits.append(seconds)

    @property
    def shown(self) -> list[tuple[str, Any]]:
        """The name and the value of each event."""
        return [
            (one.name, json.loads(one.value.text) if isinstance(one.value, JsonText) else one.value)
            for one in self.events
        ]


def play(played: Script, request: RunRequest, ids: IdGenerator = IDS) -> EventLog:
    """Return the result of the run *request* on a new thread."""
    return RunEngine(played).play(request, ids, History())


def stream(played: Script, request: RunRequest, ids: IdGenerator = IDS) -> bytes:
    """Return all bytes of the event stream of the run *request*."""
    return b"".join(event.raw for event in play(played, request, ids).events)


def events_of(played: Script, request: RunRequest) -> list[tuple[str, Any]]:
    """Return the events of the stream after its metadata, as (event, data), ids as `<0>`, `<1>`, … in their order."""
    text = stream(played, request).decode()
    seen: dict[str, str] = {}
    text = _ID.sub(lambda found: seen.setdefault(found[0], f"<{len(seen)}>"), text)
    events = [block.split("\r\n") for block in text.removesuffix("\r\n\r\n").split("\r\n\r\n")]
    return [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in events[1:]
    ]


def outline(played: Script, request: RunRequest) -> list[str]:
    """Return the names of the events of the stream, each with what identifies it."""
    return [f"{name} {_gist(value)}".strip() for name, value in events_of(played, request)]


def _gist(value: Any) -> str:
    match value:
        case {"messages": [*messages], "__interrupt__": _}:
            return f"{len(messages)} messages, interrupted"
        case {"messages": [*messages]}:
            return f"{len(messages)} messages"
        case {"type": str(kind), "payload": {"name": str(node)}}:
            return f"{kind} {node}"
        case {"type": "checkpoint", "payload": {"next": following}}:
            return f"checkpoint next {following}"
        case {"event": str(event), "name": str(name)}:
            return f"{event} {name}"
        case {"id": str(), "name": str(node)}:
            return f"{'input' if 'input' in value else 'result'} {node}"
        case [{"content": content, "type": str(kind)}, *_]:
            return f"{kind} {content}"
        case {"config": _, "next": following}:
            return f"next {following}"
        case {"error": str(kind)}:
            return kind
        case {**parts}:
            return " ".join(map(str, parts))
        case _:
            return str(value)
