"""The work: exchanges like those of a real server, and folders of them."""

import json
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from mockserver.cassette.model import Header
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.yaml_codec import dump_exchange, dump_header
from mockserver.fake.api.database import Database
from mockserver.fake.api.routes import Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.response import Response
from mockserver.fake.script.model import Rule, Script, ScriptPace, Speak
from mockserver.fake.threads.run_readers import RunStreamReader
from mockserver.formats.server_ids import default_assistant_id
from mockserver.http.messages import Request

EVENTS = 62
"""How many events each answer has: the metadata, sixty tokens, one update. Together they are some 64 KB."""

GAP = 0.1
"""Seconds from one event to the next."""

HISTORY = 5 << 10
"""How many bytes of earlier messages every second request has."""

EACH = 25
"""How many exchanges each file of a folder has."""

SAID = " ".join(f"word{number}" for number in range(EVENTS - 3))
"""What the answers say: with the empty one behind them, sixty tokens."""

PATH = "/runs/stream"

_VERSION = 2
_NUMBER = "000000"
_VARIES = re.compile(rf"({_NUMBER}|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})")
_HEADER = Header("https://my-agent.example", "2026-11-22T15:36:36Z", {"version": "0.16.7"})
_SENTENCE = "A long history makes a request slow to be found, or so it is said."


def question(number: int) -> bytes:
    """Return the body of request *number* (from 0)."""
    return _question(_is_long(number)).replace(_NUMBER.encode(), f"{number:06}".encode())


def events() -> tuple[bytes, ...]:
    """Return an answer as it is on the wire, event by event."""
    return _events(_answer(_question(long=False)))


def script() -> str:
    """Return the script with which the fake graph gives such answers."""
    return json.dumps({"rules": [{"steps": [{"say": SAID}]}]})


def folder(below: Path, count: int) -> Path:
    """Return the folder of *count* exchanges, which is written below *below* if it is not there."""
    made = below / f"{count}-exchanges-{_VERSION}"
    if not made.exists():
        beside = below / f"{made.name}.new"
        beside.mkdir(parents=True, exist_ok=True)
        for first in range(0, count, EACH):
            documents = map(_document, range(first, min(first + EACH, count)))
            file = beside / f"conversation-{first // EACH:04}.yaml"
            file.write_text(dump_header(_HEADER) + "".join(documents), "utf-8")
        beside.rename(made)
    return made


def _is_long(number: int) -> bool:
    return number % 2 == 1


@cache
def _question(long: bool) -> bytes:
    messages: list[dict[str, Any]] = []
    while long and len(json.dumps(messages)) < HISTORY:
        turn = f"{_NUMBER}, turn {len(messages) // 2}"
        messages += [
            {"role": "human", "content": f"Question {turn}: why is that so? {_SENTENCE * 2}"},
            {"role": "ai", "content": f"Answer {turn}:\n\n- {_SENTENCE * 3}\n- that is why."},
        ]
    messages.append({"role": "human", "content": f"What is the answer to question {_NUMBER}?"})
    request = {
        "assistant_id": "agent",
        "input": {"messages": messages},
        "stream_mode": ["messages-tuple", "updates"],
    }
    return json.dumps(request, separators=(",", ":")).encode()


def _answer(body: bytes) -> Response:
    played = Script((Rule((Speak(SAID),)),), ScriptPace(GAP, GAP, GAP))
    request = Request("POST", PATH, body=body)
    return Api(RunEngine(played), ()).handle(request, IdGenerator("work"), Database(), 0.0)


def _events(answer: Response) -> tuple[bytes, ...]:
    assert isinstance(answer.body, RunStreamReader)
    events = answer.body.run.events
    assert len(events) == EVENTS
    return tuple(event.raw for event in events)


@cache
def _pieces(long: bool) -> list[str]:
    """Return the document of an exchange, cut before and behind what is another in each."""
    answer = _answer(_question(long))
    recorder = Recorder(Request("POST", PATH, body=_question(long)), 0.0)
    recorder.start_response(answer.status, "OK", answer.headers)
    for number, raw in enumerate(_events(answer), 1):
        recorder.feed(raw, number * GAP)
    return _VARIES.split(dump_exchange(recorder.finish(EVENTS * GAP)))


def _document(number: int) -> str:
    pieces = _pieces(_is_long(number))
    varies = set(pieces[1::2]) - {default_assistant_id("agent")}
    names = {piece: _renamed(piece, number) for piece in varies}
    return "".join(names.get(piece, piece) for piece in pieces)


def _renamed(piece: str, number: int) -> str:
    if piece == _NUMBER:
        return f"{number:06}"
    digits = sha256(f"{piece} {number}".encode()).hexdigest()
    return f"{piece[:13]}-7{digits[:3]}-8{digits[3:6]}-{digits[6:18]}"
