"""The fake graph and its twin, a real graph of the real server, get the same requests, and their responses are compared.

What they may differ in is put away here and nowhere else: placeholders stand for ids, times, versions and addresses, and the
names of the differences are in `DIFFERENCES`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import takewhile, zip_longest
from typing import Any
from uuid import UUID

from mockserver.fake.api.database import Database
from mockserver.fake.api.routes import Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.response import BodyReader
from mockserver.fake.script import parse
from mockserver.fake.script.model import Script, Situation
from mockserver.http.messages import Request
from tests.agentserver import GRAPHS
from tests.real.wire import Ask, Headers, Seen, send

SCRIPT = parse.parse_script((GRAPHS / "script.yaml").read_text("utf-8"), Script)
GRAPH_NAMES = ("scripted", "figures", "plain")
"""The graphs of the twin that the fake declares."""

LANES = 40
"""How many runs the real server plays at a time: more would wait in its queue."""

DIFFERENCES = {
    "ids": "ids and times are made anew for each run there; their kinds are the same, and where one is that of another",
    "tasks": "the id of a task has the look of a UUID there, and no version; it is a uuid5 here",
    "versions": "the real server reports its own versions and address",
    "metadata": "run_id, thread_id and graph_id come in an order that the hash seed of the server's process decides",
    "events": "whether an event of the mode `events` comes before one of another mode is a race in the server",
    "heartbeats": "under load the server is silent for five seconds sooner",
    "newlines": "so it is where a run is waited for",
    "saved": "the keys of a checkpoint's metadata come in an order that goes by where the request says what",
    "state": "the keys of the state are in the order of the schema there, of the request here: the fake has no schema",
}
"""What the comparison lets pass.

Not requested: feedback_keys, for which the real server calls LangSmith and fails without it; and, except in one test, keys of the
state that are not in the schema of the twin.
"""

_SERVER_PROSE = re.compile(
    rb"validation errors? for|can only concatenate|AsyncPregelLoop|For troubleshooting, visit|not iterable|has no attribute"
    rb"|unhashable type|required positional argument|not subscriptable|Message as a sequence"
    rb"|Recursion limit of|Unexpected message type|Attempting to delete|Must specify non-null|without checkpointer|dictionary update sequence"
    rb"|Interrupt\(value="
)
"""Error texts of Python, pydantic and LangGraph that the fake replaces by short ones of its own."""

_ERROR_TEXT = re.compile(rb'("(?:message|detail)":"|"error":"\w+\()(?:[^"\\]|\\.)*(?=")')

_CORS = ("vary",)
"""The app's part, for the fake as for cassettes."""

_SHUFFLED = ("graph_id", "run_id", "thread_id")
_VERSIONS = ("langgraph_version", "langgraph_api_version", "langgraph_api_url", "langchain-core")
_STATE = ("messages", "notes", "count")
_FIGURES = ("question", "answer")
_SPELLINGS = re.compile(r"\\u[0-9a-fA-F]{4}|\\/|[,:{\[] |\s\Z")
_VOLATILE = re.compile(
    r"(?P<uuid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"
    r"|(?P<hex>\b[0-9a-f]{32}\b)"
    r"|(?P<call>\bcall_\w+)"
    r"|(?P<time>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+00:00)"
)
_SHORTEST = len("2026-01-01T00:00:00+00:00")
"""Nothing volatile is shorter."""

_NODES = tuple(
    f"{node}:"
    for node in (
        *("agent", "tools", "researcher", "clarify", "plan", "search", "read", "write", "check"),
        *("triage", "notify", "respond", "model", "mail_tools"),
    )
)
"""What is before the id of a task in a namespace."""

_MILLISECONDS = range(1_500_000_000_000, 2_500_000_000_000)


@dataclass(frozen=True, slots=True)
class NormalizedResponse:
    """A response without what may differ; each line of *body* is an event, or the whole of another body."""

    status: int
    headers: Headers
    body: tuple[str, ...]

    def difference(self, other: "NormalizedResponse") -> str | None:
        """Return where this response first differs from *other*, and how, or None."""
        lines = zip_longest(self._lines(), other._lines(), fillvalue="(nothing)")
        for number, (own, wanted) in enumerate(lines):
            if own != wanted:
                alike = takewhile(lambda pair: pair[0] == pair[1], zip(own, wanted, strict=False))
                at = max(0, len(list(alike)) - 60)
                return f"line {number}:\n  {own[at : at + 300]}\nbut the other\n  {wanted[at : at + 300]}"
        return None

    def _lines(self) -> tuple[str, ...]:
        return (str(self.status), *(": ".join(header) for header in self.headers), *self.body)


@contextmanager
def real(url: str, asks: Mapping[str, Ask]) -> Iterator[dict[str, Future[Seen]]]:
    """Ask the real server at *url* all of *asks*, as many at a time as it can play; what it answers may come later."""
    with ThreadPoolExecutor(LANES) as pool:
        yield {name: pool.submit(send, url, ask) for name, ask in asks.items()}
        pool.shutdown(cancel_futures=True)


def fake(ask: Ask, script: Script = SCRIPT, graphs: tuple[str, ...] = GRAPH_NAMES) -> Seen:
    """Return what the fake graph of *script* answers to *ask*, all at once."""
    runs = RunEngine(script)
    raw = ask.body if isinstance(ask.body, bytes) else json.dumps(ask.body).encode()
    api = Api(runs, graphs)
    answer = api.handle(
        Request(ask.method, ask.path, (), raw), IdGenerator(raw.decode()), Database()
    )
    return Seen(answer.status, None, answer.headers, steps_of(answer.body))


def steps_of(body: bytes | BodyReader) -> tuple[tuple[float, bytes], ...]:
    """Return the *body* of an answer of the fake in chunks, all that comes."""
    match body:
        case bytes():
            return ((0.0, body),)
        case _:
            return ((0.0, body.read(float("inf"))[0]),)


def rule_of(text: str) -> int:
    """Return the number of the rule that is played when a human says *text*."""
    situation = Situation("scripted", text, 1)
    matches = [rule.match(situation) for rule in SCRIPT.rules]
    return next(number for number, match in enumerate(matches) if match is not None)


def normalize(ask: Ask, seen: Seen, stable: "Stable | None" = None) -> NormalizedResponse:
    """Return *seen*, the answer to *ask*, with placeholders for what it may differ in: those of *stable*, where there are more answers."""
    stable = stable or Stable()
    headers = tuple((n, stable.text(v)) for n, v in seen.kept_headers if n not in _CORS)
    if seen.header("content-type") == "application/json":
        body: tuple[str, ...] = (stable.json(seen.raw.decode().lstrip("\n"), ask),)
    else:
        body = tuple(stable.event(block, ask) for block in _blocks(ask, seen.raw.decode()))
    return NormalizedResponse(seen.status, headers, body)


def without_server_prose(fake: Seen, real: Seen) -> tuple[Seen, Seen]:
    """Return both responses, without the text of errors if *real* has one that the fake words differently, such as any `detail`."""
    if not (_SERVER_PROSE.search(real.raw) or real.raw.startswith(b'{"detail":"')):
        return fake, real
    short = [
        replace(seen, chunks=((0.0, _ERROR_TEXT.sub(rb"\1", seen.raw)),)) for seen in (fake, real)
    ]
    return short[0], short[1]


def _blocks(ask: Ask, raw: str) -> list[str]:
    """Return the events of a stream, those of a race one after the other: see DIFFERENCES, events and heartbeats."""
    *blocks, rest = raw.split("\r\n\r\n")
    assert rest == ""
    blocks = [block for block in blocks if block != ": heartbeat"]
    races = isinstance(ask.body, dict) and "events" in ask.body.get("stream_mode", ())
    return sorted(blocks, key=lambda block: races and block.startswith("event: events\r\n"))


class Stable:
    """Puts placeholders: the same id is the same number all over one answer."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._tasks: set[str] = set()

    def event(self, block: str, ask: Ask) -> str:
        """Return the event in *block* on one line."""
        fields = [line.partition(": ") for line in block.split("\r\n")]
        return " ".join(f"{n}{mark}{self._field(n, text, ask)}" for n, mark, text in fields)

    def json(self, text: str, ask: Ask) -> str:
        """Return the JSON *text*, and how it spells what JSON can spell in several ways."""
        value = _dumped(self._value(json.loads(text, parse_float=_spelled), _sorted_state(ask)))
        return " ".join([value, *_SPELLINGS.findall(text)])

    def text(self, text: str) -> str:
        """Return *text* with a placeholder for each id and time."""
        return text if len(text) < _SHORTEST else _VOLATILE.sub(self._name, text)

    def _field(self, name: str, text: str, ask: Ask) -> str:
        match name:
            case "data":
                return self.json(text, ask)
            case "id":
                assert re.fullmatch(r"1\d{12}-\d+", text), text
                return "<id>"
            case _:
                return self.text(text)

    def _value(self, value: Any, sort: bool) -> Any:
        match value:
            case dict():
                if isinstance(interrupts := value.get("interrupts"), dict):
                    self._tasks.update(interrupts)
                if {"id", "name"} < value.keys() and value.keys() & {"triggers", "interrupts"}:
                    self._tasks.add(value["id"])
                return {
                    self.text(name): (f"<{name}>" if name in _VERSIONS else self._value(part, sort))
                    for name, part in _ordered(value, sort)
                }
            case list():
                return [self._value(part, sort) for part in value]
            case str():
                return self.text(value)
            case int() if value in _MILLISECONDS:
                return "<milliseconds>"
            case _:
                return value

    def _name(self, found: re.Match[str]) -> str:
        kind, text = found.lastgroup, found[0]
        if kind == "time":
            return "<time>"
        if text not in self._names:
            if kind == "uuid":
                of_task = text in self._tasks or found.string[: found.start()].endswith(_NODES)
                kind = "task" if of_task else f"uuid{UUID(text).version}"
            self._names[text] = f"<{kind} {len(self._names) + 1}>"
        return self._names[text]


def _spelled(number: str) -> str:
    """Return a *number* that JSON can spell in several ways as it is spelled."""
    return f"<{number}>"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sorted_state(ask: Ask) -> bool:
    """Tell whether the input does not begin with the schema's first keys: see DIFFERENCES, state."""
    given = ask.body.get("input") if isinstance(ask.body, dict) else None
    keys = (
        tuple(key for key in given if key in (*_STATE, *_FIGURES))
        if isinstance(given, dict)
        else ()
    )
    return keys not in (_STATE[: len(keys)], _FIGURES[: len(keys)])


def _ordered(value: dict[str, Any], sort: bool) -> Iterator[tuple[str, Any]]:
    """Give the parts of *value* in a steady order: see DIFFERENCES, metadata and state."""
    shuffled = sorted(key for key in value if key in _SHUFFLED)
    steady = iter(
        shuffled if "langgraph_api_url" in value else [k for k in value if k in _SHUFFLED]
    )
    keys = [next(steady) if key in _SHUFFLED else key for key in value]
    if {"source", "step"} <= value.keys():
        keys.sort()
    if sort and set(keys) <= {*_STATE, *_FIGURES, "__interrupt__"}:
        keys.sort()
    return ((key, value[key]) for key in keys)
