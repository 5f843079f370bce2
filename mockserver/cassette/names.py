"""Ids under other names: a recorded conversation goes on where a client calls its thread otherwise. No I/O.

An id is a UUID in a place where the Agent Server has one of its own: in a path behind `threads`, `runs` or `state`, or under a
key such as `thread_id`. What is found there stands for itself wherever else it turns up.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeVar

from mockserver.cassette.matching import Key, hashed, spelled
from mockserver.jsontext import Json
from mockserver.messages import Live, Paced, Reply, Request

T = TypeVar("T", bytes, str)

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IDS = re.compile(_UUID, re.IGNORECASE)
_RAW_IDS = re.compile(_UUID.encode(), re.IGNORECASE)
_IN_PATH = re.compile(rf"(?<=/)(?:threads|runs|state)/({_UUID})(?=/|$)", re.IGNORECASE)
_KEYS = frozenset(("thread_id", "run_id", "checkpoint_id", "checkpoint_ns"))
_LISTS = frozenset(("thread_ids", "run_ids", "ids"))

_MAYBE = ("/threads/", "thread_id", "run_id", "checkpoint")
"""One of these is in the text of every request that has ids."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A request but for its *ids*, which stand in the order in which they come; the same *key*, the same request under other names."""

    key: Key
    ids: tuple[str, ...]


def shape(form: Json, text: str | None = None) -> Shape | None:
    """Return the shape of the canonical request *form*, whose one *text* may be known; None where it has no ids."""
    text = spelled(form) if text is None else text
    if not any(word in text for word in _MAYBE):
        return None
    there = {found.lower() for found in _found(form)}
    if not there:
        return None
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        name = found[0].lower()
        return f"\0{numbers.setdefault(name, len(numbers))}" if name in there else found[0]

    return Shape(hashed(_IDS.sub(numbered, text)), tuple(numbers))


def _found(form: Json) -> Iterator[str]:
    for match in _IN_PATH.finditer(form["path"]):
        yield match[1]
    for part in ("body", "query"):
        yield from _below(form.get(part))


def _below(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name in _KEYS or name in _LISTS:
                yield from _within(part)
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
    """What the ids of one session stand for: each for one recorded id, or for one of several that say the same so far."""

    def __init__(self) -> None:
        self._meant: dict[str, tuple[str, ...]] = {}
        self._live: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._meant)

    @property
    def pairs(self) -> Mapping[str, str]:
        """The live id of each recorded one that has another name."""
        return self._live

    def has(self, live: str) -> bool:
        """Tell whether *live* stands for a recorded id already."""
        return live in self._meant

    def may_be(self, live: str, recorded: str) -> bool:
        """Tell whether *live* can stand for *recorded*: neither of them for another one."""
        if live in self._meant:
            return recorded in self._meant[live]
        return recorded not in self._live

    def bind(self, candidates: Iterable[Mapping[str, str]]) -> None:
        """Have each live id stand for the recorded one that all *candidates*, of which the first is played, say it means."""
        first, *others = candidates
        for live, recorded in first.items():
            meant = tuple(dict.fromkeys((recorded, *(other[live] for other in others))))
            if meant == (live,):
                continue
            for before in self._meant.get(live, ()):
                self._live.pop(before, None)
            self._meant[live] = meant
            self._live[recorded] = live

    def recorded(self, request: Request) -> Iterator[Request]:
        """Yield *request* with the recorded ids in the place of live ones; several where a name is still open."""
        text = request.path + request.body.decode("utf-8", "replace")
        there = {found.lower() for found in _IDS.findall(text)} & self._meant.keys()
        live = sorted(there)
        for meant in product(*(self._meant[name] for name in live)) if live else ():
            known = dict(zip(live, meant, strict=True))
            path, body = _put(request.path, known), _put(request.body, known)
            yield replace(request, path=path, body=body)

    def told(self, reply: Reply) -> Reply:
        """Return *reply* with the live ids in the place of recorded ones."""
        headers = tuple((name, _put(value, self._live)) for name, value in reply.headers)
        body = self._body(reply.body)
        if body == reply.body and headers == reply.headers:
            return reply
        return replace(reply, headers=headers, body=body)

    def _body(self, body: bytes | Paced | Live) -> bytes | Paced | Live:
        if isinstance(body, bytes):
            return _put(body, self._live)
        if isinstance(body, Paced):
            return replace(body, steps=tuple((at, _put(raw, self._live)) for at, raw in body.steps))
        return body


def _put(text: T, known: Mapping[str, str]) -> T:
    """Return *text* with each id that is *known* called otherwise: in one pass, since one's name may be another's too."""
    if isinstance(text, bytes):
        return _RAW_IDS.sub(lambda found: _other(found[0].decode(), known).encode(), text)
    return _IDS.sub(lambda found: _other(found[0], known), text)


def _other(name: str, known: Mapping[str, str]) -> str:
    return known.get(name.lower(), name)
