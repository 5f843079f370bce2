"""Lint a cassette: collect the findings of all checks, and apply the unambiguous fixes. No I/O."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from operator import is_

from mockserver.cassette.model import Policy
from mockserver.redaction.redactor import RedactionRules, Redactor
from mockserver.tools.cassette_source import CassetteSource, Part, replace_text
from mockserver.tools.fmt import join_parts, rewrite_part
from mockserver.tools.lint import across_exchanges, parse_errors, scalar_types, sdk_compatibility
from mockserver.tools.lint.findings import CODES, Finding
from mockserver.tools.rewrite_values import find_secrets

_FIX_TRUNCATED = (
    "delete it, or end it with a line `end: {after: 0, how: closed}` below `response`; "
    "`mockserver record --extend` deletes it too"
)
_TYPE_CODES = ("type-changed", "unquoted")
_OVERRIDING_CODES = ("malformed", "unknown-key", "duplicate-key", "header")
"""A finding with one of these makes findings about types on the same line redundant."""


def lint_source(source: CassetteSource, policy: Policy, rules: RedactionRules) -> list[Finding]:
    """Return the findings in *source*, ordered by line. No finding repeats a secret.

    *policy* comes from the project's settings, *rules* are its own redaction rules.
    """
    findings = list(_check_file(source))
    for part in source.parts:
        findings += _check_part(part, rules)
    if source.is_cassette:
        findings += across_exchanges.check_source(source, policy)
        findings += scalar_types.find_other_types(source.exchanges)
    # An error at the end of the input would be reported one line after the last one.
    last = source.raw.rstrip().count(b"\n") + 1
    return _finish([replace(finding, line=min(finding.line, last)) for finding in findings], rules)


def lint_part(part: Part, rules: RedactionRules) -> list[Finding]:
    """Return the findings in *part* that need no other part of its file, ordered by line."""
    return _finish(_check_part(part, rules), rules)


def fix_source(source: CassetteSource, skipped: Set[str] = frozenset()) -> bytes:
    """Return *source* with the unambiguous fixes: missing quotes, headers that a replay sets itself, empty documents.

    Findings with one of the codes *skipped* are not fixed. A file with a git conflict is returned unchanged.
    """
    if not source.is_cassette or any(error.code == "conflict" for error in source.errors):
        return source.raw
    parts = [_fix_part(part, skipped) for part in source.parts]
    if all(map(is_, parts, source.parts)) and (not source.empty_lines or "empty" in skipped):
        return source.raw
    return join_parts(source.header, parts)


def _finish(findings: Iterable[Finding], rules: RedactionRules) -> list[Finding]:
    """Return *findings* ordered by line, each once, and without secrets; on a line with a secret a finding gets the general text of its code."""
    found = sorted(dict.fromkeys(findings), key=lambda finding: (finding.line, finding.code))
    overridden = {finding.line for finding in found if finding.code in _OVERRIDING_CODES}
    secret = {finding.line for finding in found if finding.code == "secret"}
    mask = Redactor((), rules).rewrite_text
    finished: list[Finding] = []
    for finding in found:
        if finding.code in _TYPE_CODES and finding.line in overridden:
            continue
        message, fix = mask(finding.message), mask(finding.fix)
        if finding.code != "secret" and finding.line in secret:
            message, fix = CODES[finding.code], "see this line"
        finished.append(replace(finding, message=message, fix=fix))
    return finished


def _fix_part(part: Part, skipped: Set[str]) -> Part:
    text = scalar_types.add_quotes(part, skipped)
    if text != part.text:
        part = replace_text(part, text)
    if part.exchange is None or part.is_truncated:
        return part
    exchange = replace(
        part.exchange, response=sdk_compatibility.fix_headers(part.exchange, skipped)
    )
    if exchange == part.exchange:
        return part
    return replace(part, raw=rewrite_part(part, exchange), exchange=exchange)


def _check_file(source: CassetteSource) -> Iterator[Finding]:
    name = source.name
    if not source.raw.strip():
        yield Finding(name, 1, "empty", 0, "the file is empty", "record into it, or delete it")
        return
    if not source.is_cassette:
        message = "the file does not begin with `mockserver: 1`"
        fix = "add this line at the top, or move the file elsewhere"
        yield Finding(name, 1, "not-a-cassette", 0, message, fix)
        return
    if len(source.parts) < 2 and not source.errors:
        fix = "record into it, or delete the file"
        yield Finding(name, 1, "empty", 0, "the cassette has no exchanges", fix)
    for line in source.empty_lines:
        fix = "delete the line `---`"
        yield Finding(name, line, "empty", 0, "the document is empty", fix, fixable=True)


def _check_part(part: Part, rules: RedactionRules) -> Iterator[Finding]:
    if part.is_truncated:
        message = (
            "the last exchange is incomplete: a recording was killed, or the `end` line is missing"
        )
        yield Finding(part.file, part.line, "torn", part.number, message, _FIX_TRUNCATED)
    if part.number or b"mockserver" in part.raw:
        yield from _check_syntax(part)
    for secret in find_secrets(part, rules):
        first = "" if part.error is None else "fix the document, "
        fix = f"{first}run `mockserver scrub`, and revoke the secret if it is real"
        message = f"this looks like a secret, in {secret.where}"
        yield Finding(secret.file, secret.line, "secret", secret.exchange, message, fix)
    if part.is_truncated:
        return
    yield from scalar_types.check_part(part)
    if part.exchange is not None:
        yield from sdk_compatibility.check_part(part)


def _check_syntax(part: Part) -> Iterator[Finding]:
    last = part.line + part.raw.rstrip().count(b"\n")
    for error in parse_errors.find_errors(part):
        line = error.line or part.line
        if part.is_truncated and line >= last:
            continue  # a consequence of the missing end
        message, fix = parse_errors.explain(error, is_header=not part.number)
        yield Finding(part.file, line, error.code, part.number, message, fix)
