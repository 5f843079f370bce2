"""The command that takes over what other tools have recorded."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli import options
from mockserver.errors import MockServerError, ReadError, UsageError
from mockserver.formats.wording import pluralize

if TYPE_CHECKING:
    from mockserver.redaction.redactor import RedactionRules
    from mockserver.tools.convert.foreign import ImportResult


@click.command("import", short_help="Make a cassette of a HAR file, or of VCR.py cassettes.")
@click.argument("paths", nargs=-1, required=True, type=options.PATH, metavar="FILE...")
@click.option(
    "--into", required=True, type=options.PATH, metavar="FILE", help="The cassette to make."
)
@click.option(
    "--upstream",
    metavar="URL",
    help="The server whose exchanges are taken over.  [default: the one that is asked like an Agent Server]",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it is there.")
@options.config
@options.as_json
def import_(
    paths: tuple[Path, ...],
    into: Path,
    upstream: str | None,
    overwrite: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Make a cassette of what other tools have recorded: HAR files of a browser's devtools or of Playwright (.har, .zip), and VCR.py cassettes.

    Bodies that are event streams become events, spread over the time that the answer took: what came when is in no such file. Chromium keeps no
    body of a stream that a page reads bit by bit. Secrets are left out as in a recording. Exits with 1 if something could not be taken over.
    """
    from mockserver.cassette.model import Header
    from mockserver.cassette.yaml_codec import dump_exchange, dump_header
    from mockserver.server import settings
    from mockserver.store.atomic import check_target, create

    if any(path.exists() and into.exists() and path.samefile(into) for path in paths):
        raise UsageError(f"{into} is what is to be imported: name another file with --into")
    check_target(into, overwrite=overwrite)
    rules = settings.load(config).redact
    taken = [_taken(path, upstream, rules) for path in paths]
    exchanges = [exchange for one in taken for exchange in one.exchanges]
    left = [each for one in taken for each in one.skipped]
    _tell(left, as_json)
    for loss in dict.fromkeys(loss for one in taken for loss in one.warnings):
        click.echo(f"note: {loss}", err=True)
    elsewhere = sum(one.elsewhere for one in taken)
    bases = {one.base for one in taken}
    base = bases.pop() if len(bases) == 1 else None
    if not exchanges:
        raise UsageError(f"{', '.join(map(str, paths))}: nothing to take over from {base or 'it'}")
    dates = sorted(one.recorded for one in taken if one.recorded)
    header = Header(upstream=base, recorded=f"{dates[0][:19]}Z" if dates else None)
    create(into, "".join((dump_header(header), *map(dump_exchange, exchanges))).encode())
    if as_json:
        facts = {
            "file": str(into),
            "exchanges": len(exchanges),
            "left_out": len(left),
            "elsewhere": elsewhere,
        }
        click.echo(json.dumps(facts))
    redacted = sum(exchange.redacted for exchange in exchanges)
    parts = [
        f"{into}: {pluralize(len(exchanges), 'exchange')} with {base or 'several servers'}",
        f"{len(left)} left out" if left else "",
        f"{pluralize(elsewhere, 'request')} to other servers" if elsewhere else "",
        f"{pluralize(redacted, 'secret')} redacted" if redacted else "",
    ]
    click.echo("; ".join(part for part in parts if part), err=True)
    raise SystemExit(1 if left else 0)


def _taken(path: Path, upstream: str | None, rules: "RedactionRules") -> "ImportResult":
    from mockserver.cli.attachments import opened
    from mockserver.tools.convert.har import from_har, is_har
    from mockserver.tools.convert.vcr import from_vcr, is_vcr

    raw, attached = opened(path)
    try:
        if is_har(raw):
            return from_har(raw, attached, upstream, rules)
        if is_vcr(raw):
            return from_vcr(raw, upstream, rules)
    except ReadError as error:
        raise error.at(file=str(path)) from None
    except MockServerError as error:
        raise UsageError(f"{path}: {error}") from None
    raise UsageError(f"{path}: neither a HAR file nor a cassette of VCR.py")


def _tell(left: list[tuple[str, str]], as_json: bool) -> None:
    for (request, why), count in Counter(left).items():
        times = f" ({count} times)" if count > 1 else ""
        if as_json:
            click.echo(json.dumps({"left_out": request, "why": why, "times": count}))
        else:
            click.echo(f"left out: {request}: {why}{times}")
