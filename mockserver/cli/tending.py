"""The commands that look after the text of cassettes: lint, fmt, scrub."""

import json
import sys
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli import options
from mockserver.cli.opened import Work
from mockserver.cli.tables import wrapped
from mockserver.errors import UsageError
from mockserver.words import counted

if TYPE_CHECKING:
    from mockserver.upkeep.findings import Finding


@click.command(short_help="Find what is wrong with cassettes.")
@options.paths
@click.option("--fix", is_flag=True, help="Mend what has but one meaning, such as a missing quote.")
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="CODE",
    help="Do not tell findings of that code. Repeatable.",
)
@click.option("--codes", is_flag=True, help="List the codes, and what each finds.")
@options.config
@options.as_json
def lint(
    paths: tuple[Path, ...],
    fix: bool,
    ignored: tuple[str, ...],
    codes: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Find what is wrong with cassettes: what cannot be read or matched, secrets, answers that no SDK takes.

    PATH is a cassette or a folder of them; ./cassettes if none is given. Exits with 1 if there are findings.
    """
    from mockserver import settings
    from mockserver.upkeep.findings import CODES
    from mockserver.upkeep.lint import fixed
    from mockserver.upkeep.lint import lint as findings_of
    from mockserver.upkeep.source import looks_recorded, source

    if codes:
        _codes(CODES)
        return
    for code in ignored:
        if code not in CODES:
            raise UsageError(
                f"--ignore {code}: there is no such code; `mockserver lint --codes` lists them"
            )
    project = settings.load(config)
    work, found, mended, count = Work(), [], 0, 0
    for opened in work.files(paths, "lint"):
        held = opened.source
        if not held.is_cassette and not opened.named and not looks_recorded(held.raw):
            work.skip(opened.path)
            continue
        count += 1
        if fix and (raw := fixed(held, project.policy)) != held.raw and work.rewrite(opened, raw):
            held = source(held.name, raw)
            mended += 1
        found += findings_of(held, project.policy, project.redact)
    found = [finding for finding in found if finding.code not in ignored]
    work.found = bool(found)
    _tell(found, as_json)
    if mended:
        click.echo(f"mended {counted(mended, 'cassette')}", err=True)
    fixable = sum(finding.fixable for finding in found)
    ways = f", {fixable} of them mended by --fix" if fixable else ""
    click.echo(f"{counted(len(found), 'finding')} in {counted(count, 'cassette')}{ways}", err=True)
    work.finish()


@click.command(short_help="Put cassettes into their one form.")
@options.paths
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if a cassette is in another form."
)
@options.as_json
def fmt(paths: tuple[Path, ...], check: bool, as_json: bool) -> None:
    """Put cassettes into the form in which they are recorded: the same exchanges, the same text. Comments stay.

    PATH is a cassette or a folder of them; ./cassettes if none is given.
    """
    from mockserver.upkeep.formatting import formatted

    work, changed, same = Work(), [], 0
    for opened in work.cassettes(paths, "fmt"):
        for fault in opened.source.faults:
            work.trouble(f"{fault}: left as it is")
        raw = formatted(opened.source)
        if raw == opened.source.raw:
            same += 1
        elif check or work.rewrite(opened, raw):
            changed.append(str(opened.path))
    work.found = check and bool(changed)
    for path in changed:
        done = "would be formatted" if check else "formatted"
        click.echo(
            json.dumps({"file": path, "written": not check}) if as_json else f"{done} {path}"
        )
    click.echo(
        f"{counted(len(changed), 'cassette')} {'to format' if check else 'formatted'}, {same} as they should be",
        err=True,
    )
    work.finish()


@click.command(short_help="Take secrets out of cassettes.")
@options.paths
@click.option(
    "--rule",
    "given",
    multiple=True,
    metavar="RULE",
    help="What else is secret: a regular expression, or field:NAME. Repeatable.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if there is something to replace."
)
@options.config
@options.as_json
def scrub(
    paths: tuple[Path, ...],
    given: tuple[str, ...],
    check: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Redact cassettes again, with today's rules and those of mockserver.yaml, and tell where something was replaced.

    PATH is a cassette or a folder of them; ./cassettes if none is given.
    """
    from mockserver import settings
    from mockserver.cassette.redaction import rules
    from mockserver.upkeep import exposed

    own = rules([{"field": one[6:]} if one.startswith("field:") else one for one in given])
    redact = settings.load(config).redact.joined(own)
    work, replaced, files = Work(), [], 0
    for opened in work.cassettes(paths, "scrub"):
        parts = opened.source.parts
        told = [one for part in parts for one in exposed.exposures(part, redact)]
        for one in told:
            if one.where == exposed.UNREAD:
                fault = "what looks like a secret stands in what cannot be read: mend that first"
                work.trouble(f"{one.file}, line {one.line}: {fault}")
        told = [one for one in told if one.where != exposed.UNREAD]
        raw = b"".join(exposed.scrubbed(part, redact) for part in parts)
        if told and (check or work.rewrite(opened, raw)):
            files += 1
            replaced += told
    for one in replaced:
        number = f" #{one.exchange}" if one.exchange else ""
        shown = f"{one.file}:{one.line}:{number} {one.where}"
        click.echo(json.dumps(asdict(one)) if as_json else shown)
    count = len(replaced)
    work.found = check and count > 0
    done = "to replace" if check else "replaced"
    click.echo(f"{counted(count, 'place')} {done} in {counted(files, 'cassette')}", err=True)
    work.finish()


def _tell(found: "list[Finding]", as_json: bool) -> None:
    if as_json:
        for finding in found:
            click.echo(json.dumps(finding.facts(), ensure_ascii=False))
        return
    if not sys.stdout.isatty():
        for finding in found:
            click.echo(str(finding))
        return
    for file, those in groupby(found, key=lambda finding: finding.file):
        click.secho(file, bold=True)
        rows = list(those)
        lines = max(len(str(one.line)) for one in rows) + 2
        indent = lines + max(len(one.code) for one in rows) + 4
        for one in rows:
            number = f"#{one.exchange}: " if one.exchange else ""
            head = f"{one.line:>{lines}}  {one.code}"
            click.echo(wrapped(f"{number}{one.message}", indent, head))
            click.echo(wrapped(f"→ {one.mend}{' [--fix]' if one.fixable else ''}", indent))


def _codes(codes: dict[str, str]) -> None:
    width = max(map(len, codes))
    for code, meaning in codes.items():
        click.echo(f"{code:{width}}  {meaning}")
