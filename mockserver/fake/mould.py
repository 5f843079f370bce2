"""An answer as a mould: asked again, the same run says the same under other ids, so that only these are made anew. No I/O.

What the ids of a run are made of is taken down while it is played, and done again for the next one. A mould counts only when it has
given, for the second run, the very bytes that playing it has given.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.fake.ids import Ids

_CALL_ID = 24
"""How many digits of a `hex` the id of a tool call has."""


@dataclass(frozen=True, slots=True)
class _Made:
    """An id, made by the method *kind* of *names*, which may be earlier ones."""

    kind: str
    names: tuple[Any, ...]
    result: str


def _noted(kind: str) -> Callable[..., str]:
    """Return the method *kind* of Ids, which takes down what it has made."""
    make = getattr(Ids, kind)

    def noted(self: "NotedIds", *names: Any) -> str:
        result: str = make(self.plain, *names)
        self.made.append(_Made(kind, names, result))
        return result

    return noted


class NotedIds(Ids):
    """Ids that take down how each was made; *steady* tells whether that is all there is to know."""

    plain: Ids
    made: list[_Made]
    steady: bool

    def __init__(self, seed: str, count: int) -> None:
        super().__init__(seed, count)
        object.__setattr__(self, "plain", Ids(seed, count))
        object.__setattr__(self, "made", [])
        object.__setattr__(self, "steady", True)

    def at(self, moment: int) -> Ids:
        """Return the same ids, of what happened at *moment*, which nobody takes down."""
        object.__setattr__(self, "steady", False)
        return self.plain.at(moment)

    hex = _noted("hex")
    uuid4 = _noted("uuid4")
    uuid5 = _noted("uuid5")
    uuid6 = _noted("uuid6")
    uuid7 = _noted("uuid7")
    time = _noted("time")
    time_after = _noted("time_after")


class Mould:
    """What to do for the next answer: make the ids that are in the one that is *raw* anew, and put them in their places."""

    def __init__(self, raw: bytes, made: Iterable[_Made]) -> None:
        self.proven = False
        text = raw.decode("utf-8", "surrogateescape")
        there = {token: one for one in made for token in _tokens(one) if token in text}
        needed = _needed(there.values(), tuple(made))
        self._steps = tuple((getattr(Ids, one.kind), one.names, _tokens(one)) for one in needed)
        places = re.compile("(" + "|".join(map(re.escape, sorted(there, reverse=True))) + ")")
        pieces = places.split(text) if there else [text]
        self._runs, self._parts, self._slots = _grouped(pieces)

    def cast(self, ids: Ids) -> tuple[bytes, dict[str, str]]:
        """Return the bytes of the answer whose ids are *ids*, and what each of the first ones is called in it."""
        names: dict[str, str] = {}
        for make, given, tokens in self._steps:
            result = make(ids, *[names.get(name, name) for name in given])
            names[tokens[0]] = result
            if len(tokens) > 1:
                names[tokens[1]] = _call_id(result)
        runs = [
            "".join([names.get(piece, piece) for piece in run]).encode("utf-8", "surrogateescape")
            for run in self._runs
        ]
        parts = self._parts.copy()
        for number, run in self._slots:
            parts[number] = runs[run]
        return b"".join(parts), names


def put(text: str, names: Mapping[str, str]) -> str:
    """Return *text* with what the ids in it are called now."""
    if "-" in text:
        for old, new in names.items():
            text = text.replace(old, new)
    return text


def _grouped(
    pieces: list[str],
) -> tuple[list[tuple[str, ...]], list[bytes], list[tuple[int, int]]]:
    """Return the runs of *pieces* that come again and again, the parts of the whole, and which run each part is, where it is one.

    Events end alike: what stands between two texts that occur but once is made once, and used wherever it stands.
    """
    often = Counter(pieces)
    runs: dict[tuple[str, ...], int] = {}
    parts: list[bytes] = []
    slots: list[tuple[int, int]] = []
    run: list[str] = []
    for number, piece in enumerate([*pieces, ""]):
        is_token = number % 2 == 1
        if number < len(pieces) and (is_token or often[piece] > 1):
            run.append(piece)
            continue
        if run:
            slots.append((len(parts), runs.setdefault(tuple(run), len(runs))))
            parts.append(b"")
            run = []
        parts.append(piece.encode("utf-8", "surrogateescape"))
    return list(runs), parts, slots


def _tokens(made: _Made) -> tuple[str, ...]:
    """Return in which forms the id comes up."""
    if made.kind != "hex":
        return (made.result,)
    return made.result, _call_id(made.result)


def _call_id(digits: str) -> str:
    return f"call_{digits[:_CALL_ID]}"


def _needed(there: Iterable[_Made], made: tuple[_Made, ...]) -> tuple[_Made, ...]:
    """Return those of what was *made* which *there* are, and those of which these were made, in the order of their making."""
    wanted = {id(one) for one in there}
    names = {name for one in there for name in one.names}
    for one in reversed(made):
        if id(one) in wanted or not names.isdisjoint(_tokens(one)):
            wanted.add(id(one))
            names.update(one.names)
    return tuple(one for one in made if id(one) in wanted)
