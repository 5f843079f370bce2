"""The commands that check and rewrite cassettes: lint, fmt."""

import os
import sys
from pathlib import Path

import click

from mockserver.cli import options
from mockserver.cli.batch import Batch
from mockserver.cli.terminal import print_facts, wrap
from mockserver.errors import SlowPatternError, UsageError
from mockserver.formats.wording import pluralize, printable
from mockserver.server import settings
from mockserver.tools.cassette_source import looks_recorded, parse_source
from mockserver.tools.fmt import format_source
from mockserver.tools.lint.findings import CODES, Finding
from mockserver.tools.lint.lint import fix_source, lint_source


@click.command()
@options.paths
@click.option(
    "--fix",
    is_flag=True,
    help="Fix unambiguous problems, such as a missing quote, and report each fix.",
)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="CODE",
    help="Do not report findings with this code. Repeatable.",
)
@click.option("--codes", is_flag=True, help="List all codes with their meanings, and exit.")
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
    """Check cassettes for problems.

    Reports what cannot be read or matched, values whose type changed by a manual edit, secrets, and responses that the SDKs reject.

    PATH is a cassette, a folder of cassettes, or one exchange, written FILE#N. The default is ./cassettes.

    Exits with 1 if there are findings; with --fix, if findings are left.
    """
    if codes:
        width = max(map(len, CODES))
        for code, meaning in CODES.items():
            line = f"{code:{width}}  {meaning}"
            print_facts({"code": code, "finds": meaning}, line, as_json=as_json)
        return
    for code in ignored:
        if code not in CODES:
            hint = "`mockserver lint --codes` lists all codes"
            raise UsageError(f"--ignore {code}: unknown code; {hint}")
    files, numbers = options.select_exchanges(paths)
    if fix and numbers:
        raise UsageError("--fix needs whole cassettes: name files without #N")
    project = settings.load(config)
    skipped = frozenset(ignored)
    batch, count = Batch(), 0
    findings: list[Finding] = []
    fixed: list[Finding] = []
    for opened in batch.iter_files(files, "lint"):
        original = opened.source
        if not original.is_cassette and not opened.is_explicit and not looks_recorded(original.raw):
            batch.report_skipped(opened)
            continue
        count += 1
        try:
            current = lint_source(original, project.policy, project.redact)
            raw = fix_source(original, skipped) if fix else original.raw
            if raw != original.raw and batch.rewrite(opened, raw):
                fixed += [each for each in current if each.fixable and each.code not in skipped]
                changed = parse_source(original.name, raw)
                current = lint_source(changed, project.policy, project.redact)
        except SlowPatternError as error:
            batch.report_error(f"{opened.path}: {error}")
            continue
        chosen = numbers.get(os.path.realpath(opened.path))
        for number in chosen or ():
            original.require_number(number)
        findings += [
            each
            for each in current
            if each.code not in skipped and (chosen is None or each.exchange in chosen)
        ]
    batch.has_findings = bool(findings)
    for finding in fixed:
        click.echo(f"fixed {finding.location}: {printable(finding.message)}", err=True)
    _print_findings(findings, as_json)
    fixable = sum(finding.fixable for finding in findings)
    done = f", {len(fixed)} fixed" if fixed else ""
    done += f"; --fix fixes {fixable} of them" if fixable else ""
    counts = f"{pluralize(len(findings), 'finding')} in {pluralize(count, 'cassette')}"
    batch.finish(f"{counts}{done}")


@click.command()
@options.paths
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if a cassette is not formatted."
)
@options.as_json
def fmt(paths: tuple[Path, ...], check: bool, as_json: bool) -> None:
    """Format cassettes as `record` writes them: equal exchanges get equal text. Comments stay.

    Omitted defaults such as `method: POST` are written out, and the data of events is written as JSON. A file that cannot be read is not
    changed, and the exit status is 2.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.
    """
    batch, changed, unchanged = Batch(), [], 0
    for opened in batch.iter_cassettes(paths, "fmt"):
        if errors := opened.source.errors:
            batch.report_error(f"{errors[0]}: the file is not changed")
            continue
        raw = format_source(opened.source)
        if raw == opened.source.raw:
            unchanged += 1
        elif check or batch.rewrite(opened, raw):
            changed.append(str(opened.path))
    batch.has_findings = check and bool(changed)
    for path in changed:
        done = "would be formatted" if check else "formatted"
        print_facts({"file": path, "written": not check}, f"{done} {path}", as_json=as_json)
    done = "to format" if check else "formatted"
    batch.finish(f"{pluralize(len(changed), 'cassette')} {done}, {unchanged} unchanged")


def _print_findings(findings: list[Finding], as_json: bool) -> None:
    for finding in findings:
        if as_json or not sys.stdout.isatty():
            print_facts(finding.to_json(), str(finding), as_json=as_json)
            continue
        click.secho(finding.location, bold=True)
        click.echo(wrap(printable(finding.message), 4))
        click.echo(wrap(f"→ {finding.advice}", 4))
