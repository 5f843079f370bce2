"""The command that imports the recordings of other tools."""

import json
import zipfile
import zlib
from collections import Counter
from io import BytesIO
from pathlib import Path

import click

from mockserver.cassette.model import Header
from mockserver.cassette.yaml_codec import dump_exchange, dump_header
from mockserver.cli import options
from mockserver.cli.terminal import print_facts
from mockserver.errors import MockServerError, ReadError, UsageError
from mockserver.formats.wording import pluralize
from mockserver.redaction.redactor import RedactionRules
from mockserver.server import settings
from mockserver.store import discovery
from mockserver.store.atomic import check_target, create
from mockserver.tools.convert.foreign import ImportResult
from mockserver.tools.convert.har import ReadAttachment, from_har, is_har
from mockserver.tools.convert.vcr import from_vcr, is_vcr


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=options.parse_path, metavar="FILE...")
@options.output_file
@click.option(
    "--upstream",
    metavar="URL",
    help="Import only the exchanges with this server.  [default: the server whose URLs look like an Agent Server's]",
)
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
    """Convert the recordings of other tools into a cassette: HAR files from browser devtools or Playwright (.har, .zip), and VCR.py cassettes.

    Event streams become events. If a file has no times for the events, they are spread over the duration of the response. Chromium stores no
    body for a stream that a page reads in chunks: record such a stream with `mockserver record`. Secrets are redacted as in a recording.

    Exits with 1 if something could not be imported.
    """
    if any(path.exists() and into.exists() and path.samefile(into) for path in paths):
        raise UsageError(f"{into} is also an input file: name another file with --into")
    check_target(into, overwrite=overwrite)
    rules = settings.load(config).redact
    imports = [_import_file(path, upstream, rules) for path in paths]
    exchanges = [exchange for result in imports for exchange in result.exchanges]
    skipped = [entry for result in imports for entry in result.skipped]
    for (request, why), count in Counter(skipped).items():
        times = f" ({count} times)" if count > 1 else ""
        skip = {"left_out": request, "why": why, "times": count}
        print_facts(skip, f"left out: {request}: {why}{times}", as_json=as_json)
    for warning in dict.fromkeys(warning for result in imports for warning in result.warnings):
        click.echo(f"note: {warning}", err=True)
    elsewhere = sum(result.elsewhere for result in imports)
    bases = {result.base for result in imports}
    base = bases.pop() if len(bases) == 1 else None
    if not exchanges:
        names = ", ".join(map(str, paths))
        raise UsageError(f"{names}: no exchanges to import from {base or 'any server'}")
    date = min((result.recorded for result in imports if result.recorded), default=None)
    header = Header(upstream=base, recorded=f"{date[:19]}Z" if date else None)
    create(into, "".join((dump_header(header), *map(dump_exchange, exchanges))).encode())
    facts = {"file": str(into), "exchanges": len(exchanges), "left_out": len(skipped)}
    if as_json:
        click.echo(json.dumps(facts | {"elsewhere": elsewhere}))
    redacted = sum(exchange.redacted for exchange in exchanges)
    parts = [
        f"{into}: {pluralize(len(exchanges), 'exchange')} with {base or 'several servers'}",
        f"{len(skipped)} left out" if skipped else "",
        f"{pluralize(elsewhere, 'request')} to other servers" if elsewhere else "",
        f"{pluralize(redacted, 'secret')} redacted" if redacted else "",
    ]
    click.echo("; ".join(filter(None, parts)), err=True)
    raise SystemExit(1 if skipped else 0)


def _import_file(path: Path, upstream: str | None, rules: RedactionRules) -> ImportResult:
    raw, attached = read_recording(path)
    try:
        if is_har(raw):
            return from_har(raw, attached, upstream, rules)
        if is_vcr(raw):
            return from_vcr(raw, upstream, rules)
    except ReadError as error:
        raise error.at(file=str(path)) from None
    except MockServerError as error:
        raise UsageError(f"{path}: {error}") from None
    raise UsageError(f"{path}: neither a HAR file nor a VCR.py cassette")


def read_recording(path: Path) -> tuple[bytes, ReadAttachment]:
    """Return the content of the recording at *path*, and a function that returns its attachments by name.

    For a zip file the content is that of the one HAR file in it. Raise UsageError if *path* cannot be read.
    """
    try:
        raw = discovery.read_bytes(path)
        if zipfile.is_zipfile(BytesIO(raw)):
            return _read_archive(path, raw)
        return raw, lambda name: _read_sibling(path, name)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read: {reason}") from None


def _read_archive(path: Path, raw: bytes) -> tuple[bytes, ReadAttachment]:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        contents = {
            name: archive.read(name) for name in archive.namelist() if not name.endswith("/")
        }
    # macOS adds a file `._NAME` with metadata for each file.
    hars = [name for name in contents if name.endswith(".har") and "/._" not in f"/{name}"]
    if len(hars) != 1:
        count = len(hars) or "no"
        raise UsageError(f"{path}: the archive holds {count} .har files; it must hold exactly one")
    folder = hars[0].rpartition("/")[0]
    return contents[hars[0]], lambda name: contents.get(f"{folder}/{name}" if folder else name)


def _read_sibling(path: Path, name: str) -> bytes | None:
    """Return the content of *name* in the folder of *path*; None for a name that leads out of that folder."""
    sibling = path.parent / name
    try:
        return sibling.read_bytes() if Path(name).name == name and sibling.is_file() else None
    except OSError:
        return None
