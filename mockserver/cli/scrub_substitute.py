"""The commands that change values in cassettes, wherever they stand: scrub, substitute."""

from collections.abc import Callable
from pathlib import Path

import click

from mockserver.cli import options
from mockserver.cli.batch import Batch
from mockserver.cli.terminal import print_facts
from mockserver.errors import SlowPatternError, UsageError
from mockserver.formats.wording import pluralize, printable
from mockserver.redaction.redactor import Redactor, parse_rules
from mockserver.redaction.rewriter import Rewriter
from mockserver.server import settings
from mockserver.tools.cassette_source import Part, parse_source
from mockserver.tools.rewrite_values import (
    UNREADABLE,
    Replacement,
    create_redactor,
    find_changes,
    rewrite_values,
)
from mockserver.tools.substitute import Substitution

_EXCERPT_BEFORE, _EXCERPT_LENGTH = 20, 60
"""How many characters of a value are shown before the first change, and in all."""


@click.command()
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
    """Redact cassettes again, with the built-in rules and those of mockserver.yaml, and report each secret that is replaced. The files are changed, unless --check is given.

    An exchange that holds a secret is also formatted, as by `mockserver fmt`; other exchanges do not change.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.
    """
    if "field:" in extra_rules:
        raise UsageError("--rule field: the name is missing; write field:NAME")
    definitions = [
        {"field": rule[6:]} if rule.startswith("field:") else rule for rule in extra_rules
    ]
    redact = settings.load(config).redact.combine(parse_rules(definitions, "--rule"))
    batch = Batch()

    def rewriter_for(part: Part) -> Rewriter:
        return create_redactor(part, redact)

    changes, written = _rewrite(batch, paths, "scrub", rewriter_for, write=not check)
    for name, raw in written.items():
        for part in parse_source(name, raw).exchanges:
            for change in find_changes(part, rewriter_for(part)):
                why = "what looks like a secret could not be redacted: edit it by hand"
                batch.report_error(f"{change.file}, line {change.line}: {why}")
    for change in changes:
        print_facts(change.location(), _location(change), as_json=as_json)
    batch.has_findings = check and bool(changes)
    batch.finish(_count(changes, "secret", "to redact" if check else "redacted"))


@click.command()
@click.argument("old")
@click.argument("new")
@options.paths
@click.option(
    "--write", is_flag=True, help="Change the files. By default the changes are only shown."
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if there is something to replace."
)
@options.as_json
def substitute(
    old: str, new: str, paths: tuple[Path, ...], write: bool, check: bool, as_json: bool
) -> None:
    """Replace the text OLD with NEW everywhere in cassettes: in requests, states and events, and where tokens spread it over several events.

    By default the changes are only shown; --write makes them. A changed exchange is also formatted, as by `mockserver fmt`; other exchanges do
    not change.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.
    """
    if write and check:
        raise UsageError("--write and --check exclude each other")
    substitution, redactor = Substitution(old, new), Redactor()
    batch = Batch()
    changes, _ = _rewrite(batch, paths, "substitute", lambda _: substitution, write=write)
    for change in changes:
        before, after = map(redactor.rewrite_text, (change.before, change.after))
        facts = change.location() | {"before": before, "after": after}
        print_facts(facts, f"{_location(change)}: {_excerpt(before, after)}", as_json=as_json)
    batch.has_findings = check and bool(changes)
    hint = "" if write or check or not changes else "; --write changes them"
    batch.finish(_count(changes, "value", "changed" if write else "to change") + hint)


def _rewrite(
    batch: Batch,
    paths: tuple[Path, ...],
    label: str,
    rewriter_for: Callable[[Part], Rewriter],
    *,
    write: bool,
) -> tuple[list[Replacement], dict[str, bytes]]:
    """Return the changes of the cassettes in *paths*, and the new content of the files that were written."""
    all_changes: list[Replacement] = []
    written: dict[str, bytes] = {}
    for opened in batch.iter_cassettes(paths, label):
        parts = opened.source.parts
        for error in opened.source.errors:
            batch.report_error(f"{error}: this part is not changed")
        try:
            found = [one for part in parts for one in find_changes(part, rewriter_for(part))]
            changes = [change for change in found if change.where != UNREADABLE]
            raws = [rewrite_values(part, rewriter_for(part)) for part in parts if changes]
        except SlowPatternError as error:
            batch.report_error(f"{opened.path}: {error}: the file is not changed")
            continue
        if unreadable := [change for change in found if change.where == UNREADABLE]:
            why = f"`{label}` cannot change a part that cannot be read: fix that part first"
            more = f" ({len(unreadable)} lines of this file)" if len(unreadable) > 1 else ""
            batch.report_error(f"{unreadable[0].file}, line {unreadable[0].line}: {why}{more}")
        if changes and write:
            raw = b"".join(raws)
            if not batch.rewrite(opened, raw):
                continue
            written[opened.source.name] = raw
        all_changes += changes
    return all_changes, written


def _count(changes: list[Replacement], what: str, done: str) -> str:
    files = len({change.file for change in changes})
    return f"{pluralize(len(changes), what)} {done} in {pluralize(files, 'cassette')}"


def _location(change: Replacement) -> str:
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
