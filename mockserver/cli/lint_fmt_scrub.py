"""The commands that look after the text of cassettes: lint, fmt, scrub."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli import options
from mockserver.cli.tables import wrapped
from mockserver.cli.work import Work
from mockserver.errors import SlowPatternError, UsageError
from mockserver.formats.wording import pluralize, printable

if TYPE_CHECKING:
    from mockserver.tools.lint.findings import Finding


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
    """Find what is wrong with cassettes: what cannot be read or matched, values whose type a hand edit changed, secrets, answers that no SDK takes.

    PATH is a cassette or a folder of them; ./cassettes if none is given. Exits with 1 if there are findings.
    """
    from mockserver.server import settings
    from mockserver.tools.lint.findings import CODES
    from mockserver.tools.lint.lint import fix_source, lint_source
    from mockserver.tools.source import looks_recorded, parse_source

    if codes:
        _codes(CODES, as_json)
        return
    for code in ignored:
        if code not in CODES:
            raise UsageError(
                f"--ignore {code}: there is no such code; `mockserver lint --codes` lists them"
            )
    project = settings.load(config)
    skipped = frozenset(ignored)
    work, count = Work(), 0
    found: list[Finding] = []
    mended: list[Finding] = []
    for opened in work.files(paths, "lint"):
        held = opened.source
        if not held.is_cassette and not opened.named and not looks_recorded(held.raw):
            work.skip(opened.path)
            continue
        count += 1
        try:
            told = lint_source(held, project.policy, project.redact, work.advance)
            if fix and (raw := fix_source(held, skipped)) != held.raw and work.rewrite(opened, raw):
                mended += [one for one in told if one.fixable and one.code not in skipped]
                told = lint_source(parse_source(held.name, raw), project.policy, project.redact)
        except SlowPatternError as error:
            work.trouble(f"{opened.path}: {error}")
            continue
        found += [one for one in told if one.code not in skipped]
    work.found = bool(found)
    for finding in mended:
        click.echo(f"mended {finding.location}: {printable(finding.message)}", err=True)
    _tell(found, as_json)
    fixable = sum(finding.fixable for finding in found)
    ways = f"; --fix mends {fixable} of them" if fixable else ""
    done = f", {len(mended)} mended" if mended else ""
    click.echo(
        f"{pluralize(len(found), 'finding')} in {pluralize(count, 'cassette')}{done}{ways}",
        err=True,
    )
    work.finish()


@click.command(short_help="Put cassettes into their one form.")
@options.paths
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if a cassette is in another form."
)
@options.as_json
def fmt(paths: tuple[Path, ...], check: bool, as_json: bool) -> None:
    """Put cassettes into the form in which they are recorded: the same exchanges, the same text. Comments stay.

    What is left out by hand is written, such as `method: POST`; the data of an event becomes its JSON. A file that cannot be read is left as it is,
    and the exit status is 2.

    PATH is a cassette or a folder of them; ./cassettes if none is given.
    """
    from mockserver.tools.fmt import format_source

    work, changed, same = Work(), [], 0
    for opened in work.cassettes(paths, "fmt"):
        if faults := opened.source.errors:
            work.trouble(f"{faults[0]}: the file is left as it is")
            continue
        raw = format_source(opened.source)
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
        f"{pluralize(len(changed), 'cassette')} {'to format' if check else 'formatted'}, {same} as they should be",
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

    An exchange that held a secret is written anew, as `fmt` does it; the others stay as they are.

    PATH is a cassette or a folder of them; ./cassettes if none is given.
    """
    from mockserver.redaction.redactor import parse_rules
    from mockserver.server import settings
    from mockserver.tools.scrub import UNREADABLE, find_secrets, scrub_part
    from mockserver.tools.source import parse_source

    if "field:" in given:
        raise UsageError("--rule field: names no field, write field:NAME")
    named = [{"field": one[6:]} if one.startswith("field:") else one for one in given]
    own = parse_rules(named, "--rule")
    redact = settings.load(config).redact.combine(own)
    work, replaced, files = Work(), [], 0
    for opened in work.cassettes(paths, "scrub"):
        parts = opened.source.parts
        for fault in opened.source.errors:
            work.trouble(f"{fault}: this part is left as it is")
        try:
            told = [one for part in parts for one in find_secrets(part, redact)]
            raw = b"".join(scrub_part(part, redact) for part in parts) if told else b""
        except SlowPatternError as error:
            work.trouble(f"{opened.path}: {error}: the file is left as it is")
            continue
        for one in told:
            if one.where == UNREADABLE:
                why = "what looks like a secret stands in what cannot be read: mend that first"
                work.trouble(f"{one.file}, line {one.line}: {why}")
        told = [one for one in told if one.where != UNREADABLE]
        if not told:
            continue
        if not (check or work.rewrite(opened, raw)):
            continue
        files += 1
        replaced += told
        for part in () if check else parse_source(opened.source.name, raw).exchanges:
            for one in find_secrets(part, redact):
                why = "what looks like a secret could not be taken out: edit it by hand"
                work.trouble(f"{one.file}, line {one.line}: {why}")
    for one in replaced:
        number = f" #{one.exchange}" if one.exchange else ""
        shown = f"{one.file}:{one.line}:{number} {one.where}"
        click.echo(json.dumps(asdict(one), ensure_ascii=False) if as_json else shown)
    count = len(replaced)
    work.found = check and count > 0
    done = "to replace" if check else "replaced"
    click.echo(f"{pluralize(count, 'place')} {done} in {pluralize(files, 'cassette')}", err=True)
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
    for finding in found:
        click.secho(finding.location, bold=True)
        click.echo(wrapped(printable(finding.message), 4))
        click.echo(wrapped(f"→ {finding.advice}", 4))


def _codes(codes: dict[str, str], as_json: bool) -> None:
    width = max(map(len, codes))
    for code, meaning in codes.items():
        told = {"code": code, "finds": meaning}
        click.echo(json.dumps(told) if as_json else f"{code:{width}}  {meaning}")
