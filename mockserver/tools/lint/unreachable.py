"""Which exchanges are ever played: duplicates, shadows, and requests that are never looked for. No I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mockserver.cassette import playback
from mockserver.cassette.model import Exchange, Policy, Repeat
from mockserver.formats.json_text import Json
from mockserver.http.request_target import is_own
from mockserver.matching import json_path, keys
from mockserver.matching.canonical import canonical
from mockserver.tools.lint.findings import Finding
from mockserver.tools.source import Part, Source

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"))
"""What an Agent Server takes."""


@dataclass(frozen=True, slots=True)
class _Asked:
    part: Part
    form: Json
    """Its canonical request, with nothing left out."""

    @property
    def exchange(self) -> Exchange:
        assert self.part.exchange is not None
        return self.part.exchange


def findings(source: Source, policy: Policy) -> Iterator[Finding]:
    """Yield which exchanges of *source* cannot be reached, or tell nothing new."""
    in_force = keys.rules(policy.ignore, source.header.ignore)
    asked = [_Asked(part, _form(part)) for part in source.exchanges]
    # What cannot be read may stand between identical requests.
    whole = not source.faults and not any(part.torn for part in source.parts)
    for one in asked:
        if why := _never(one.exchange):
            field = "path" if one.exchange.request.method in METHODS else "method"
            mend = "correct it, or delete the exchange"
            yield _finding(one, "never-matched", ("request", field), why, mend)
    for group in _groups(asked, in_force).values():
        yield from _shadowed(group)
        yield from _repeats(group)
        if whole:
            yield from _duplicates(group, policy.repeating(source.header))
    yield from _ignored(source, asked)


def _duplicates(group: list[_Asked], repeat: Repeat) -> Iterator[Finding]:
    """Yield those of identical requests that tell nothing new.

    That is: with `repeat: last` the last of them, as long as their answers are the same; with `cycle` all but the first, if all answers are.
    """
    if len(group) < 2 or any(one.exchange.repeat for one in group):
        return
    answers = [_answer(one.exchange) for one in group]
    same = len(answers) - 1
    while same and answers[same - 1] == answers[-1]:
        same -= 1
    if repeat is Repeat.LAST or (repeat is Repeat.CYCLE and same == 0):
        first = group[same].part.number
        message = f"its answer is that of #{first}, which is given again anyway"
        for one in group[same + 1 :]:
            yield _finding(one, "duplicate", ("request",), message, "delete the exchange")


def _groups(asked: Sequence[_Asked], in_force: keys.Rules) -> dict[keys.Key, list[_Asked]]:
    """Return *asked* by their keys, in recorded order."""
    groups: dict[keys.Key, list[_Asked]] = {}
    for one in asked:
        groups.setdefault(keys.key(keys.reduced(one.form, in_force)), []).append(one)
    return groups


def _shadowed(group: list[_Asked]) -> Iterator[Finding]:
    first = group[0]
    for one in group[1:]:
        if one.form != first.form:
            differs = next(keys.differences(first.form, one.form)).path
            message = f"`ignore` makes it the same request as #{first.part.number}, which is played first: {json_path.text(differs)} differs"
            mend = "take that path out of `ignore`, or part them into two cassettes"
            yield _finding(one, "shadowed", ("request",), message, mend)


def _repeats(group: list[_Asked]) -> Iterator[Finding]:
    last = group[-1].part.number
    for one in group[:-1]:
        if one.exchange.repeat:
            message = f"`repeat` counts on the last of identical requests alone, which is #{last}"
            yield _finding(one, "useless-repeat", ("repeat",), message, f"move it to #{last}")


def _ignored(source: Source, asked: list[_Asked]) -> Iterator[Finding]:
    for number, text in enumerate(source.header.ignore):
        path = json_path.parse(text)
        if asked and all(json_path.remove(one.form, path) == one.form for one in asked):
            line = source.parts[0].line_of(("ignore", number))
            message = f"`ignore: {text}` meets nothing in any request"
            mend = "correct the path, or delete it"
            yield Finding(source.name, line, "useless-ignore", 0, message, mend)


def _never(exchange: Exchange) -> str | None:
    """Return why nothing is ever looked for under the request of *exchange*."""
    request = exchange.request
    path = request.path.partition("?")[0]
    if path == "/ok" and request.method in ("GET", "HEAD"):
        return "/ok is always answered by mockserver itself"
    if is_own(request.path):
        return f"{path} is mockserver's own"
    if request.method not in METHODS:
        return f"no client sends {request.method}"
    if "#" in request.path:
        return "no client sends what stands behind a #"
    if any(one.isspace() for one in request.path):
        return "no client sends a path with white space"
    return None


def _answer(exchange: Exchange) -> tuple[object, ...]:
    """Return what a client gets, whenever it does."""
    response = exchange.response
    return response.status, response.reason, response.headers, playback.encoded(response.content)


def _form(part: Part) -> Json:
    assert part.exchange is not None
    return canonical(part.exchange.request)


def _finding(
    one: _Asked,
    code: str,
    place: tuple[str, ...],
    message: str,
    mend: str,
) -> Finding:
    part = one.part
    return Finding(part.file, part.line_of(place), code, part.number, message, mend)
