"""Check the exchanges of a cassette together: that each request can be matched, each response played, and that each run ends. No I/O."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mockserver.cassette.model import Exchange, Policy, Repeat
from mockserver.cassette.thread_streams import RunCounter, find_shown_runs
from mockserver.formats.json_text import Json
from mockserver.formats.wording import pluralize
from mockserver.http.messages import Request, is_own_path
from mockserver.matching import json_path
from mockserver.matching.canonical import (
    Key,
    canonicalize,
    decode_path,
    request_key,
    split_api_path,
)
from mockserver.matching.differences import differences
from mockserver.matching.rules import (
    PATTERNS,
    apply_rules,
    mask_volatile,
    merge_rules,
    without_ignored,
)
from mockserver.tools.cassette_source import CassetteSource, Part
from mockserver.tools.fmt import strip_times
from mockserver.tools.lint.findings import Finding, create_finding

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"))
"""The methods that an Agent Server accepts."""

_READ_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "QUERY"))
_POSTED_READ = re.compile(
    r"/(?:assistants|threads|runs/crons)/(?:search|count)|/assistants/[^/]+/versions"
    r"|/threads/[^/]+/(?:history|state/checkpoint|stream/events)|/store/(?:items/search|namespaces)"
)
"""The calls that read with POST."""


class _Candidate(NamedTuple):
    part: Part
    exchange: Exchange
    form: Json
    """Its canonical request, before `ignore` and `volatile` are applied."""


def check_source(source: CassetteSource, policy: Policy) -> Iterator[Finding]:
    """Yield the findings about exchanges of *source* that are never played, or whose `repeat`, `ignore` or `volatile` has no effect."""
    rules = merge_rules(policy, source.header)
    candidates: list[_Candidate] = []
    groups: dict[Key, list[_Candidate]] = {}
    for part in source.exchanges:
        exchange = part.require_exchange()
        candidate = _Candidate(part, exchange, canonicalize(exchange.request))
        key = request_key(apply_rules(candidate.form, rules))
        groups.setdefault(key, []).append(candidate)
        candidates.append(candidate)
    # A part that cannot be read may lie between identical requests, or hold the end of a run.
    is_readable = not source.errors and not any(part.is_truncated for part in source.parts)
    for candidate in candidates:
        if reason := _explain_unmatched(candidate.exchange):
            field = "path" if candidate.exchange.request.method in METHODS else "method"
            fix = "correct it, or delete the exchange"
            yield create_finding(candidate.part, ("request", field), "never-matched", reason, fix)
    for group in groups.values():
        yield from _check_shadowed(group, rules.volatile)
        yield from _check_repeats(group)
        if is_readable:
            yield from _check_duplicates(group, policy.get_repeat(source.header))
    yield from _check_rules(source, candidates)
    if is_readable:
        yield from _check_run_ends(source)


def _check_duplicates(group: list[_Candidate], repeat: Repeat) -> Iterator[Finding]:
    """Yield a finding for each exchange of *group*, which have one request, that makes no difference.

    With `repeat: last` these are the final ones with equal responses; with `cycle` all except the first, if all responses are equal. Reads
    are left out: a page repeats them in a recording and in the replay.
    """
    if len(group) < 2 or any(candidate.exchange.repeat for candidate in group):
        return
    if _is_read(group[0].exchange.request):
        return
    responses = [strip_times(candidate.exchange.response) for candidate in group]
    start = len(responses) - 1
    while start and responses[start - 1] == responses[-1]:
        start -= 1
    if repeat is Repeat.LAST or (repeat is Repeat.CYCLE and start == 0):
        number = group[start].part.number
        message = f"same request and response as #{number}, which is played again anyway"
        for candidate in group[start + 1 :]:
            yield create_finding(
                candidate.part, ("request",), "duplicate", message, "delete the exchange"
            )


def _check_shadowed(group: list[_Candidate], volatile: tuple[str, ...]) -> Iterator[Finding]:
    """Yield the exchanges of *group* that differ from the first in more than *volatile* values, which are the same request by intention."""
    first, *others = (mask_volatile(candidate.form, volatile) for candidate in group)
    for candidate, form in zip(group[1:], others, strict=True):
        if form != first:
            path = json_path.format_path(next(differences(first, form)).path)
            message = f"`ignore` makes it the same request as #{group[0].part.number}, which is played first: {path} differs"
            fix = "remove that path from `ignore`, or split the exchanges into two cassettes"
            yield create_finding(candidate.part, ("request",), "shadowed", message, fix)


def _check_repeats(group: list[_Candidate]) -> Iterator[Finding]:
    last = group[-1].part.number
    message = f"`repeat` has an effect only on the last of identical requests, #{last}"
    for candidate in group[:-1]:
        if candidate.exchange.repeat:
            yield create_finding(
                candidate.part, ("repeat",), "useless-repeat", message, f"move it to #{last}"
            )


def _check_rules(source: CassetteSource, candidates: list[_Candidate]) -> Iterator[Finding]:
    forms = [candidate.form for candidate in candidates]
    names = ", ".join(PATTERNS)
    for key, apply, fix in (
        ("ignore", without_ignored, "correct the path, or delete it"),
        ("volatile", mask_volatile, f"correct the pattern, or delete it (the names are {names})"),
    ):
        for number, rule in enumerate(getattr(source.header, key) if forms else ()):
            if all(apply(form, (rule,)) == form for form in forms):
                message = f"`{key}: {rule}` matches nothing in any request"
                path = (key, number)
                yield create_finding(source.parts[0], path, f"useless-{key}", message, fix)


def _check_run_ends(source: CassetteSource) -> Iterator[Finding]:
    """Yield a finding for each thread of *source* with a run that does not end, at the last command or stream of the thread."""
    count = RunCounter()
    last_parts: dict[str, Part] = {}
    for part in source.exchanges:
        marks = find_shown_runs(part.require_exchange())
        if marks is not None:
            count.add(marks)
            last_parts[marks.thread] = part
    for thread, number in count.find_unended().items():
        message = f"no event stream shows the end of {pluralize(number, 'run')} on {thread}"
        fix = "record it again, and keep the client connected until the run has ended"
        yield create_finding(last_parts[thread], ("request",), "no-end", message, fix)


def _explain_unmatched(exchange: Exchange) -> str | None:
    """Return why the request of *exchange* can never be matched, or None if it can."""
    request = exchange.request
    path = request.path.partition("?")[0]
    if path == "/ok" and request.method in ("GET", "HEAD"):
        return "mockserver always answers /ok itself"
    if is_own_path(request.path):
        return f"mockserver answers {path} itself"
    if request.method not in METHODS:
        return f"no client sends the method {request.method}"
    if "#" in request.path:
        return "no client sends the part of a path after a #"
    if any(character.isspace() for character in request.path):
        return "no client sends a path with white space"
    return None


def _is_read(request: Request) -> bool:
    """Return whether *request* reads from the server, and changes nothing there."""
    if request.method in _READ_METHODS:
        return True
    _, call = split_api_path(decode_path(request.path.partition("?")[0]))
    return request.method == "POST" and _POSTED_READ.fullmatch(call) is not None
