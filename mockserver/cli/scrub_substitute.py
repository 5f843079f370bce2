"""The commands that change values in cassettes, wherever they stand: scrub, substitute."""

from collections.abc import Callable
from pathlib import Path

import click

from mockserver.cli import options
from mockserver.cli.tables import print_facts
from mockserver.cli.work import Work
from mockserver.errors import SlowPatternError, UsageError
from mockserver.formats.wording import pluralize, printable
from mockserver.redaction.redactor import Redactor, parse_rules
from mockserver.redaction.rewriter import Rewriter
from mockserver.server import settings
from mockserver.tools.rewrite_values import (
    UNREADABLE,
    Change,
    find_changes,
    redactor_for,
    rewrite_values,
)
from mockserver.tools.source import Part, parse_source
from mockserver.tools.substitute import Substitution

_EXCERPT_BEFORE, _EXCERPT_LENGTH = 20, 60
"""How many characters of a value are shown before the first change, and in all."""


@click.command(short_help="Redact secrets in cassettes.")
@options.paths
@click.option(
    "--rule",
    "extra_rules",
    multiple=True,
    metavar="RULE",
    help="Also redact what matches RULE: a regular expression, or field:NAME. Repeatable.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if there is a secret to redact."
)
@options.config
@options.as_json
def scrub(
    paths: tuple[Path, ...],
    extra_rules: tuple[str, ...],
    check: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Redact cassettes again, with the current rules and those of mockserver.yaml, and report each replaced secret.

    An exchange that holds a secret is rewritten as by `fmt`; other exchanges do not change.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.
    """
    if "field:" in extra_rules:
        raise UsageError("--rule field: the name is missing; write field:NAME")
    definitions = [
        {"field": rule[6:]} if rule.startswith("field:") else rule for rule in extra_rules
    ]
    redact = settings.load(config).redact.combine(parse_rules(definitions, "--rule"))
    work = Work()

    def rewriter_for(part: Part) -> Rewriter:
        return redactor_for(part, redact)

    def report_remaining(name: str, raw: bytes) -> None:
        for part in parse_source(name, raw).exchanges:
            for change in find_changes(part, rewriter_for(part)):
                why = "what looks like a secret could not be redacted: edit it by hand"
                work.report_error(f"{change.file}, line {change.line}: {why}")

    changes, files = _rewrite(
        work, paths, "scrub", rewriter_for, None if check else report_remaining
    )
    for change in changes:
        print_facts(change.location(), _location(change), as_json=as_json)
    work.has_findings = check and bool(changes)
    done = "to redact" if check else "redacted"
    click.echo(
        f"{pluralize(len(changes), 'secret')} {done} in {pluralize(files, 'cassette')}", err=True
    )
    work.finish()


@click.command(short_help="Replace a text in cassettes.")
@click.argument("old")
@click.argument("new")
@options.paths
@click.option(
    "--write", is_flag=True, help="Change the files; without this, only show the changes."
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if there is something to replace."
)
@options.as_json
def substitute(
    old: str, new: str, paths: tuple[Path, ...], write: bool, check: bool, as_json: bool
) -> None:
    """Replace the text OLD by NEW everywhere in cassettes: in requests, states and events, and where tokens spread it over several events.

    Shows what it would change; --write does it. A changed exchange is rewritten as by `fmt`; other exchanges do not change.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.
    """
    if write and check:
        raise UsageError("--write and --check exclude each other")
    substitution, redactor = Substitution(old, new), Redactor()
    work = Work()
    changes, files = _rewrite(
        work, paths, "substitute", lambda _: substitution, (lambda *_: None) if write else None
    )
    for change in changes:
        before, after = map(redactor.text, (change.before, change.after))
        facts = change.location() | {"before": before, "after": after}
        print_facts(facts, f"{_location(change)}: {_excerpt(before, after)}", as_json=as_json)
    work.has_findings = check and bool(changes)
    done = "changed" if write else "to change"
    hint = "" if write or check or not changes else "; --write changes them"
    click.echo(
        f"{pluralize(len(changes), 'value')} {done} in {pluralize(files, 'cassette')}{hint}",
        err=True,
    )
    work.finish()


def _rewrite(
    work: Work,
    paths: tuple[Path, ...],
    label: str,
    rewriter_for: Callable[[Part], Rewriter],
    on_written: Callable[[str, bytes], None] | None,
) -> tuple[list[Change], int]:
    """Return the changes of the cassettes in *paths*, and how many files they are in.

    The files are written only if there is *on_written*; it is called with the name and the new content of each.
    """
    all_changes: list[Change] = []
    files = 0
    for opened in work.cassettes(paths, label):
        parts = opened.source.parts
        for error in opened.source.errors:
            work.report_error(f"{error}: this part is not changed")
        try:
            changes = [one for part in parts for one in find_changes(part, rewriter_for(part))]
            raw = (
                b"".join(rewrite_values(part, rewriter_for(part)) for part in parts)
                if changes
                else b""
            )
        except SlowPatternError as error:
            work.report_error(f"{opened.path}: {error}: the file is not changed")
            continue
        unreadable = [change for change in changes if change.where == UNREADABLE]
        for change in unreadable[:1]:
            why = f"`{label}` cannot change a part that cannot be read: fix that part first"
            more = f" ({len(unreadable)} lines of this file)" if len(unreadable) > 1 else ""
            work.report_error(f"{change.file}, line {change.line}: {why}{more}")
        changes = [change for change in changes if change.where != UNREADABLE]
        if not changes or (on_written and not work.rewrite(opened, raw)):
            continue
        files += 1
        all_changes += changes
        if on_written:
            on_written(opened.source.name, raw)
    return all_changes, files


def _location(change: Change) -> str:
    number = f" #{change.exchange}" if change.exchange else ""
    return f"{change.file}:{change.line}:{number} {change.where}"


def _excerpt(before: str, after: str) -> str:
    """Return the values *before* and *after*, shortened to what is around the first change."""
    pairs = zip(before, after, strict=False)
    first = next((place for place, (old, new) in enumerate(pairs) if old != new), 0)
    start = max(0, first - _EXCERPT_BEFORE)
    return " -> ".join(
        ("…" if start else "")
        + printable(text[start : start + _EXCERPT_LENGTH])
        + ("…" if len(text) > start + _EXCERPT_LENGTH else "")
        for text in (before, after)
    )
