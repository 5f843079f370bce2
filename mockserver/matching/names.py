"""Ids under other names: a recorded conversation goes on where a client calls its thread otherwise. No I/O.

An id is a UUID in a place where the Agent Server has one of its own: in a path behind `threads`, `runs`, `state` or `assistants`, or under
a key such as `thread_id`. What is found there stands for itself wherever else it turns up. The assistants that graphs have of
their own are no such ids: those are UUIDs of version 5, the same on every server.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeVar

from mockserver.cassette.assistant_ids import UUID_PATTERN
from mockserver.formats.json_text import Json
from mockserver.http.messages import PrebuiltBody, Reply, Request, StreamingBody, TimedBody
from mockserver.matching.keys import Key, digest, serialize

T = TypeVar("T", bytes, str)

_IDS = re.compile(UUID_PATTERN, re.IGNORECASE)
_RAW_IDS = re.compile(UUID_PATTERN.encode(), re.IGNORECASE)
_MADE = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-46-9a-f][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
_IN_PATH = re.compile(
    rf"(?<=/)(?:(?:threads|runs|state)/({UUID_PATTERN})|assistants/({_MADE}))(?=/|$)", re.IGNORECASE
)
_KEYS = frozenset(
    ("thread_id", "run_id", "checkpoint_id", "checkpoint_ns", "langgraph_checkpoint_ns")
)
_ASSISTANT = "assistant_id"
_MADE_ID = re.compile(_MADE, re.IGNORECASE)
_LISTS = frozenset(("thread_ids", "run_ids", "ids"))

_MAYBE = re.compile(r"-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-")
"""What is in every id, and is found quickly where there is none."""

_OWN = re.compile(r'\{"body":\{"assistant_id":"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-')
"""How the text of a run begins whose assistant is a graph's own: with no such id."""

_MAYBE_IN = ("/threads/", "thread_id", "run_id", "checkpoint")
"""One of these, or an assistant that was made, is in the text of every request that has ids."""

# In either case of the digits alone: a pattern that ignores case is not looked for by its first letters.
_MAYBE_MADE = re.compile(r'assistant(?:s/|_id":")' + _MADE.replace("a-f", "a-fA-F"))


@dataclass(frozen=True, slots=True)
class Shape:
    """A request but for its *ids*, which stand in the order in which they come; the same *key*, the same request under other names."""

    key: Key
    ids: tuple[str, ...]


def shape(form: Json, text: str | None = None) -> Shape | None:
    """Return the shape of the canonical request *form*, whose one *text* may be known; None where it has no ids."""
    text = serialize(form) if text is None else text
    own = _OWN.match(text)
    if not _MAYBE.search(text, own.end() if own else 0):
        return None
    if not any(word in text for word in _MAYBE_IN) and not _MAYBE_MADE.search(text):
        return None
    there = {found.lower() for found in _found(form)}
    if not there:
        return None
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        name = found[0].lower()
        return f"\0{numbers.setdefault(name, len(numbers))}" if name in there else found[0]

    return Shape(digest(_IDS.sub(numbered, text)), tuple(numbers))


def assistants(form: Json) -> set[str]:
    """Return the ids in the canonical request *form* that are of assistants which were made, and not a graph's own."""
    bodies = form.get("body")
    named = {match[2].lower() for match in _IN_PATH.finditer(form["path"]) if match[2]}
    for body in bodies if isinstance(bodies, list) else (bodies,):
        one = body.get(_ASSISTANT) if isinstance(body, dict) else None
        if isinstance(one, str) and _MADE_ID.fullmatch(one):
            named.add(one.lower())
    return named


def _found(form: Json) -> Iterator[str]:
    for match in _IN_PATH.finditer(form["path"]):
        yield match[1] or match[2]
    for part in ("body", "query"):
        yield from _below(form.get(part))


def _below(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name in _KEYS or name in _LISTS:
                yield from _within(part)
            elif name == _ASSISTANT and isinstance(part, str) and _MADE_ID.fullmatch(part):
                yield part
            else:
                yield from _below(part)
    elif isinstance(value, list):
        for part in value:
            yield from _below(part)


def _within(value: Json) -> Iterator[str]:
    for part in value if isinstance(value, list) else (value,):
        if isinstance(part, str):
            yield from _IDS.findall(part)


class Names:
    """What the ids of one session stand for: each for one recorded id, or for one of several that say the same so far.

    Names that come up together are a group, and have one *reading* each for what all of them may mean; the first is played.
    """

    def __init__(self) -> None:
        self._readings: dict[str, tuple[Mapping[str, str], ...]] = {}
        self._live: dict[str, str] = {}
        self._given: set[str] = set()
        self._lent: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._readings)

    @property
    def pairs(self) -> Mapping[str, str]:
        """The live id of each recorded one that has another name."""
        return self._live

    def has(self, live: str) -> bool:
        """Tell whether *live* stands for a recorded id already."""
        return live in self._readings

    def may_be(self, live: str, recorded: str) -> bool:
        """Tell whether *live* can stand for *recorded*: neither of them for another one."""
        if live in self._readings:
            return any(reading[live] == recorded for reading in self._readings[live])
        return self._live.get(recorded, live) == live

    def taken(self, live: str, recorded: str) -> bool:
        """Tell whether another id than *live* stands for *recorded*, and can stand for nothing else."""
        return any(
            other != live and len(readings) == 1 and readings[0][other] == recorded
            for other, readings in self._readings.items()
        )

    def rename(self, request: Request) -> bool:
        """Tell whether an id in *request* stands for another one."""
        groups = self._groups(ids_in(request.path + request.body.decode("utf-8", "replace")))
        return any(live != meant for group in groups for live, meant in group[0].items())

    def bind(self, candidates: Iterable[Mapping[str, str]]) -> None:
        """Have each live id stand for the recorded one that all *candidates*, of which the first is played, say it means."""
        readings = _without_same([dict(candidate) for candidate in candidates])
        groups = self._groups(readings[0])
        for group in groups:
            joined = [{**old, **new} for new in readings for old in group if _agree(old, new)]
            readings = joined or readings
            for live, before in group[0].items():
                self._live.pop(before, None)
                self._readings.pop(live, None)
        bound = tuple(readings)
        self._readings.update(dict.fromkeys(bound[0], bound))
        self._live.update({recorded: live for live, recorded in bound[0].items()})
        self._given.update(live for live, recorded in bound[0].items() if live == recorded)
        for group in groups:
            self._swap(group[0], bound[0])

    def _swap(self, before: Mapping[str, str], now: Mapping[str, str]) -> None:
        """Call what ids of answers meant *before* by the names that are free *now*, since theirs are in use."""
        for live, recorded in before.items():
            name = now.get(live, recorded)
            free = name not in self._readings and recorded not in self._live
            if live in self._given and name != recorded and free:
                self._given.add(name)
                self._live[recorded] = name
                self._lent[name] = recorded

    def recorded(self, request: Request) -> Iterator[Request]:
        """Yield *request* with the recorded ids in the place of live ones; several where a name is still open."""
        text = request.path + request.body.decode("utf-8", "replace")
        there = ids_in(text)
        groups = self._groups(there)
        lent = {name: self._lent[name] for name in there if name in self._lent}
        if own := {name: meant for name, meant in lent.items() if name not in self._readings}:
            groups.append((own,))
        for readings in product(*groups) if groups else ():
            known = {live: meant for reading in readings for live, meant in reading.items()}
            path, body = _put(request.path, known), _put(request.body, known)
            yield replace(request, path=path, body=body)

    def _groups(self, lives: Iterable[str]) -> list[tuple[Mapping[str, str], ...]]:
        """Return the readings of the groups in which *lives* are, each group once."""
        groups = (self._readings[live] for live in lives if live in self._readings)
        return list({id(group): group for group in groups}.values())

    def told(self, reply: Reply) -> Reply:
        """Return *reply* with the live ids in the place of recorded ones."""
        headers = tuple((name, _put(value, self._live)) for name, value in reply.headers)
        before = reply.body.body if isinstance(reply.body, PrebuiltBody) else reply.body
        body = self._body(before)
        if body == before and headers == reply.headers:
            return reply
        return replace(reply, headers=headers, body=body)

    def _body(self, body: bytes | TimedBody | StreamingBody) -> bytes | TimedBody | StreamingBody:
        if isinstance(body, bytes):
            return _put(body, self._live)
        if isinstance(body, TimedBody):
            return replace(body, steps=tuple((at, _put(raw, self._live)) for at, raw in body.steps))
        return body


class MessageNames(Names):
    """What the ids stand for that a client makes up for its messages: they do not count for a match, but come up in answers."""


def message_ids(body: Json) -> tuple[str | None, ...]:
    """Return the id of each message in *body*, the input of a run or the values of a state, None where it has none that is a UUID."""
    given = body.get("input") or body.get("values") if isinstance(body, dict) else None
    messages = given.get("messages") if isinstance(given, dict) else None
    ids = (
        one.get("id") if isinstance(one, dict) else None
        for one in (messages if isinstance(messages, list) else ())
    )
    return tuple(
        one.lower() if isinstance(one, str) and _IDS.fullmatch(one) else None for one in ids
    )


def _without_same(readings: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return *readings* without the ids that stand for themselves in all of them."""
    own = [live for live in readings[0] if all(reading[live] == live for reading in readings)]
    return [{k: v for k, v in reading.items() if k not in own} for reading in readings]


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(one.get(live, recorded) == recorded for live, recorded in other.items())


def ids_in(text: str) -> tuple[str, ...]:
    """Return the UUIDs in *text*, in small letters, as they come."""
    return tuple(found.lower() for found in _IDS.findall(text))


def _put(text: T, known: Mapping[str, str]) -> T:
    """Return *text* with each id that is *known* called otherwise: in one pass, since one's name may be another's too."""
    if isinstance(text, bytes):
        return _RAW_IDS.sub(lambda found: _other(found[0].decode(), known).encode(), text)
    return _IDS.sub(lambda found: _other(found[0], known), text)


def _other(name: str, known: Mapping[str, str]) -> str:
    return known.get(name.lower(), name)
