"""What two recordings differ in: exchanges matched by key, events aligned, the JSON paths that changed. No I/O."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mockserver.cassette import playback
from mockserver.cassette.model import Exchange, Header, Policy
from mockserver.cassette.normalize import VOLATILE
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching import keys, names
from mockserver.matching.canonical import canonical
from mockserver.matching.keys import ABSENT
from mockserver.tools.compare.exchanges import response_changes
from mockserver.tools.compare.volatile import Aside, Change
from mockserver.tools.source import Part, Source


@dataclass(frozen=True, slots=True)
class Pair:
    """Exchanges *before* and *after* that belong together, by their numbers, with their *changes*; None where there is no such one."""

    request: str
    """Method and path."""
    before: int | None
    after: int | None
    changes: tuple[Change, ...] = ()
    is_header: bool = False
    """Whether it is the headers of the two cassettes."""

    @property
    def differs(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.changes) or self.before is None or self.after is None


def diff(before: Source, after: Source, policy: Policy, *, exact: bool = False) -> list[Pair]:
    """Return the exchanges of both cassettes, those that belong together as one, in recorded order.

    They do by their key; else where one's ids stand for the other's; else by method and path. With *exact*, ids and times are compared too.
    """
    in_force = keys.rules(policy.ignore, before.header.ignore, after.header.ignore)
    aside = Aside(exact=exact)
    left = _Left(after.exchanges, in_force)
    parts = list(before.exchanges)
    # Of identical requests those belong together that were answered alike; else one that is missing would move all others.
    alike = {part.number: other for part in parts if (other := left.take_same(part))}
    told: list[Pair] = []
    unmatched: list[Part] = []
    for part in parts:
        if other := alike.get(part.number) or left.take(part, aside):
            told.append(_pair(part, other, aside))
        else:
            unmatched.append(part)
    for part in unmatched:
        other = left.take_alike(part)
        told.append(_pair(part, other, aside) if other else Pair(_route(part), part.number, None))
    told += [Pair(_route(part), None, part.number) for part in left.rest]
    told.sort(key=lambda pair: (pair.before or pair.after or 0, pair.before is None))
    header = tuple(_header_changes(before.header, after.header, aside))
    return [Pair("header", 0, 0, header, is_header=True), *told] if header else told


class _Left:
    """The exchanges that have no counterpart yet."""

    def __init__(self, parts: Iterable[Part], in_force: keys.Rules) -> None:
        self._in_force = in_force
        self._parts = {part.number: part for part in parts}
        self._by_key: dict[bytes, deque[int]] = {}
        self._by_looks: dict[object, deque[int]] = {}
        self._by_shape: dict[bytes, deque[int]] = {}
        self._by_route: dict[str, deque[int]] = {}
        for part in self._parts.values():
            form = self._form(_exchange(part).request)
            key = keys.key(form)
            self._by_key.setdefault(key, deque()).append(part.number)
            self._by_looks.setdefault((key, _looks(part)), deque()).append(part.number)
            self._by_route.setdefault(_plain_route(part), deque()).append(part.number)
            if shape := names.shape(form):
                self._by_shape.setdefault(shape.key, deque()).append(part.number)

    @property
    def rest(self) -> list[Part]:
        """Those that are left."""
        return list(self._parts.values())

    def take_same(self, part: Part) -> Part | None:
        """Return the first one that asks the same as *part* and was answered alike."""
        key = keys.key(self._form(_exchange(part).request))
        return self._first(self._by_looks.get((key, _looks(part))))

    def take(self, part: Part, aside: Aside) -> Part | None:
        """Return the counterpart of *part*: of the same key, under its own ids or those that stand for them, or else alike but for ids."""
        request = _exchange(part).request
        for asked in (request, aside.request(request)):
            if found := self._first(self._by_key.get(keys.key(self._form(asked)))):
                return found
        shape = names.shape(self._form(request))
        return self._first(self._by_shape.get(shape.key)) if shape else None

    def take_alike(self, part: Part) -> Part | None:
        """Return the first one with the method and path of *part*, whatever its ids and its query."""
        return self._first(self._by_route.get(_plain_route(part)))

    def _first(self, numbers: deque[int] | None) -> Part | None:
        while numbers:
            if (number := numbers.popleft()) in self._parts:
                return self._parts.pop(number)
        return None

    def _form(self, request: Request) -> Json:
        return keys.reduced(canonical(request), self._in_force)


def _pair(part: Part, other: Part, aside: Aside) -> Pair:
    before, after = _exchange(part), _exchange(other)
    changes = (
        *_request_changes(before.request, after.request, aside),
        *response_changes(before.response, after.response, aside),
    )
    repeats = tuple(one.repeat and str(one.repeat) for one in (before, after))
    if repeats[0] != repeats[1]:
        changes = (
            *changes,
            Change(("repeat",), *(ABSENT if one is None else one for one in repeats)),
        )
    return Pair(_route(part), part.number, other.number, changes)


def _header_changes(before: Header, after: Header, aside: Aside) -> Iterator[Change]:
    """Yield what changed of the header: what a replay goes by; and what else it tells, if all is to be exact."""
    names = ("ignore", "repeat", *(("upstream", "recorded", "server") if aside.exact else ()))
    for name in names:
        values = [getattr(one, name) or ABSENT for one in (before, after)]
        old, new = (list(one) if isinstance(one, tuple) else one for one in values)
        yield from aside.changes(old, new, (name,))


def _looks(part: Part) -> tuple[object, ...]:
    """Return what an answer looks like, whatever its ids and times are."""
    response = _exchange(part).response
    body = playback.encoded(response.content).decode("utf-8", "replace")
    return response.status, VOLATILE.sub("*", body)


def _plain_route(part: Part) -> str:
    return VOLATILE.sub("*", _route(part).partition("?")[0])


def _request_changes(before: Request, after: Request, aside: Aside) -> Iterator[Change]:
    forms = canonical(before), canonical(after)
    for change in aside.changes(*forms):
        yield replace(change, place=("request", *change.place))


def _exchange(part: Part) -> Exchange:
    assert part.exchange is not None
    return part.exchange


def _route(part: Part) -> str:
    request = _exchange(part).request
    return f"{request.method} {request.path}"
