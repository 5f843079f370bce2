"""Compare two recordings: match the exchanges, align the events, and list the JSON paths that changed. No I/O."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mockserver.cassette import playback
from mockserver.cassette.model import Exchange, Header, Policy
from mockserver.cassette.normalize import VOLATILE
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize, request_key
from mockserver.matching.differences import ABSENT
from mockserver.matching.rules import MatchRules, apply_rules, merge_rules
from mockserver.matching.shape import find_shape
from mockserver.tools.cassette_source import CassetteSource, Part
from mockserver.tools.compare.comparator import Change, Comparator
from mockserver.tools.compare.responses import compare_responses
from mockserver.tools.compare.thread_logs import compare_logs
from mockserver.tools.readable_events import find_event_thread


@dataclass(frozen=True, slots=True)
class ExchangePair:
    """The numbers of two corresponding exchanges, None if a cassette has no such exchange, and their *changes*."""

    request: str
    """Method and path."""
    before: int | None
    after: int | None
    changes: tuple[Change, ...] = ()
    is_header: bool = False
    """Whether this compares the headers of the two cassettes."""

    @property
    def differs(self) -> bool:
        """Whether there is a change, or one of the exchanges is missing."""
        return bool(self.changes) or self.before is None or self.after is None


def compare_sources(
    before: CassetteSource, after: CassetteSource, policy: Policy, *, exact: bool = False
) -> list[ExchangePair]:
    """Return the exchanges of both cassettes in recorded order, corresponding ones as a pair.

    Exchanges are matched by key, then by key with the ids of the other cassette, then by method and path. The event streams of a thread
    are compared as one log. With *exact*, they are compared one by one, and so are ids and times.
    """
    rules = merge_rules(policy, before.header, after.header)
    comparator = Comparator(exact=exact)
    parts, threads = _split(before.exchanges, exact=exact)
    other_parts, other_threads = _split(after.exchanges, exact=exact)
    unmatched = _Unmatched(other_parts, rules, comparator)
    pairs: list[ExchangePair] = []
    # Of identical requests, match those with the same response first: otherwise one missing exchange would shift all others.
    for take in (unmatched.take_identical, unmatched.take_by_key, unmatched.take_by_route):
        remaining: list[Part] = []
        for part in parts:
            if partner := take(part):
                pairs.append(_compare_parts(part, partner, comparator))
            else:
                remaining.append(part)
        parts = remaining
    pairs += [ExchangePair(_route(part), part.number, None) for part in parts]
    pairs += [ExchangePair(_route(part), None, part.number) for part in unmatched.parts.values()]
    pairs += _compare_threads(threads, other_threads, comparator)
    pairs.sort(key=lambda pair: (pair.before or pair.after or 0, pair.before is None))
    header = tuple(_compare_headers(before.header, after.header, comparator))
    return [ExchangePair("header", 0, 0, header, is_header=True), *pairs] if header else pairs


class _Unmatched:
    """The *parts* of the second cassette without a partner so far, by number."""

    def __init__(self, parts: Iterable[Part], rules: MatchRules, comparator: Comparator) -> None:
        self.parts = {part.number: part for part in parts}
        self._rules = rules
        self._comparator = comparator
        self._numbers: dict[tuple[object, ...], deque[int]] = defaultdict(deque)
        """The numbers of the parts by key, by key and response, by shape, and by route."""
        for number, part in self.parts.items():
            form = self._form(part.require_exchange().request)
            key, shape = request_key(form), find_shape(form)
            self._numbers["key", key].append(number)
            self._numbers["response", key, _mask_response(part)].append(number)
            self._numbers["route", _mask_route(part)].append(number)
            if shape:
                self._numbers["shape", shape.key].append(number)

    def take_identical(self, part: Part) -> Part | None:
        """Return the first exchange with the request of *part* and the same response, apart from ids and times."""
        key = request_key(self._form(part.require_exchange().request))
        return self._take("response", key, _mask_response(part))

    def take_by_key(self, part: Part) -> Part | None:
        """Return the first exchange with the key of *part*: with its own ids, with the paired ids, or with any ids."""
        request = part.require_exchange().request
        for candidate in (request, self._comparator.translate_request(request)):
            if found := self._take("key", request_key(self._form(candidate))):
                return found
        shape = find_shape(self._form(request))
        return self._take("shape", shape.key) if shape else None

    def take_by_route(self, part: Part) -> Part | None:
        """Return the first exchange with the method and path of *part*, apart from ids and the query."""
        return self._take("route", _mask_route(part))

    def _take(self, *key: object) -> Part | None:
        numbers = self._numbers[key]
        while numbers:
            if part := self.parts.pop(numbers.popleft(), None):
                return part
        return None

    def _form(self, request: Request) -> Json:
        return apply_rules(canonicalize(request), self._rules)


def _split(parts: Iterable[Part], *, exact: bool) -> tuple[list[Part], dict[str, list[Part]]]:
    """Return the *parts* that are compared one by one, and the event streams by the path of their thread."""
    alone: list[Part] = []
    threads: dict[str, list[Part]] = {}
    for part in parts:
        thread = None if exact else find_event_thread(part.require_exchange())
        (alone if thread is None else threads.setdefault(thread, [])).append(part)
    return alone, threads


def _compare_threads(
    before: dict[str, list[Part]], after: dict[str, list[Part]], comparator: Comparator
) -> Iterator[ExchangePair]:
    """Yield the comparison of the logs of each thread: those whose ids are paired, then the others in recorded order."""
    remaining = dict(after)
    partners = {thread: remaining.pop(comparator.translate(thread), None) for thread in before}
    for thread, parts in before.items():
        first = next(iter(remaining), "")
        partner = partners[thread] or remaining.pop(first, None)
        request = f"POST {thread}/stream/events"
        if partner is None:
            yield ExchangePair(request, parts[0].number, None)
            continue
        old, new = ([part.require_exchange() for part in each] for each in (parts, partner))
        changes = tuple(compare_logs(old, new, comparator))
        yield ExchangePair(request, parts[0].number, partner[0].number, changes)
    for thread, parts in remaining.items():
        yield ExchangePair(f"POST {thread}/stream/events", None, parts[0].number)


def _compare_parts(part: Part, partner: Part, comparator: Comparator) -> ExchangePair:
    before, after = part.require_exchange(), partner.require_exchange()
    changes = tuple(compare_exchanges(before, after, comparator))
    return ExchangePair(_route(part), part.number, partner.number, changes)


def compare_exchanges(before: Exchange, after: Exchange, comparator: Comparator) -> list[Change]:
    changes = [
        *comparator.compare(
            canonicalize(before.request), canonicalize(after.request), ("request",)
        ),
        *compare_responses(before, after, comparator),
    ]
    old, new = (str(exchange.repeat) if exchange.repeat else ABSENT for exchange in (before, after))
    if old != new:
        changes.append(Change(("repeat",), old, new))
    return changes


def _compare_headers(before: Header, after: Header, comparator: Comparator) -> Iterator[Change]:
    """Yield the changes of the header that affect a replay, and all others if *comparator* is exact."""
    others = ("upstream", "recorded", "server") if comparator.exact else ()
    fields = ("ignore", "volatile", "repeat", *others)
    for field in fields:
        values = [getattr(header, field) or ABSENT for header in (before, after)]
        old, new = (list(value) if isinstance(value, tuple) else value for value in values)
        yield from comparator.compare(old, new, (field,))


def _mask_response(part: Part) -> tuple[object, ...]:
    """Return the status and the body of the response without ids and times."""
    response = part.require_exchange().response
    body = playback.encode_body(response.content).decode("utf-8", "replace")
    return response.status, VOLATILE.sub("*", body)


def _mask_route(part: Part) -> str:
    return VOLATILE.sub("*", _route(part).partition("?")[0])


def _route(part: Part) -> str:
    request = part.require_exchange().request
    return f"{request.method} {request.path}"
