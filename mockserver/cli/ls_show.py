"""The commands that print: ls, show, script."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli import options
from mockserver.cli.tables import print_table
from mockserver.errors import ReadError, UsageError

if TYPE_CHECKING:
    from mockserver.cassette.model import Exchange
    from mockserver.matching.index import Entry


@click.command(short_help="List the exchanges of cassettes.")
@options.paths
@options.as_json
def ls(paths: tuple[Path, ...], as_json: bool) -> None:
    """List the exchanges of cassettes, one per line.

    PATH is a cassette or a folder of cassettes. The default is ./cassettes.
    """
    from mockserver.store.listing import list_files

    rows: list[tuple[str, ...]] = []
    broken = count = 0
    for file in list_files(paths or (options.FOLDER,)):
        for note in (*file.notes, *(f"mockserver: {fault}" for fault in file.errors)):
            click.echo(note, err=True)
        broken += len(file.errors)
        count += len(file.rows)
        for row in file.rows:
            facts = asdict(row)
            if as_json:
                click.echo(json.dumps(facts, ensure_ascii=False))
            else:
                rows.append(tuple(map(str, (facts | {"seconds": f"{row.seconds:.3f} s"}).values())))
    print_table(rows)
    if not count and not as_json:
        click.echo("no exchanges", err=True)
    if broken:
        sys.exit(2)


@click.command(short_help="Show one or all exchanges of a cassette.")
@click.argument("cassette", type=options.PATH)
@click.argument("number", type=click.IntRange(1), required=False)
@click.option(
    "--raw", is_flag=True, help="Print the exact bytes of the response body. Needs NUMBER."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per exchange, for programs."
)
@click.option(
    "--stable",
    is_flag=True,
    help="Replace ids by numbers and omit times, so that two recordings can be compared.",
)
def show(cassette: Path, number: int | None, raw: bool, as_json: bool, stable: bool) -> None:
    """Show exchange NUMBER of CASSETTE, or all exchanges.

    Each event is shown with the seconds since the request.
    """
    from mockserver.cassette.normalize import Normalizer
    from mockserver.cassette.playback import encode_body
    from mockserver.matching import summary

    if not cassette.is_file():
        raise UsageError(f"{cassette} is not a file: name a cassette")
    if raw and (number is None or as_json or stable):
        raise UsageError("--raw needs a NUMBER, and excludes --json and --stable")
    try:
        exchanges = _Exchanges((cassette,), number)
    except ReadError as error:
        if not stable or number is not None:
            raise
        # As a textconv filter of git, the command also reads old and broken versions; if it failed, git would show no diff.
        click.echo(f"mockserver: {error}: the file is printed unchanged", err=True)
        click.echo(cassette.read_text("utf-8", "replace"), nl=False)
        return
    stabilizer = Normalizer()
    for entry, exchange in exchanges:
        if raw:
            sys.stdout.buffer.write(encode_body(exchange.response.content))
            sys.stdout.buffer.flush()
            continue
        facts: Any = summary.exchange_to_json(entry.number, exchange)
        if stable:
            facts = stabilizer.normalize_exchange(facts)
        click.echo(
            json.dumps(facts, ensure_ascii=False) if as_json else "\n".join(_exchange_lines(facts))
        )
    exchanges.finish()


@click.command(short_help="Print the built-in script of the fake graph.")
def script() -> None:
    """Print the built-in script of the fake graph.

    Edit a copy of it and use that with `mockserver serve --script FILE`.
    """
    from mockserver.server.script_files import read_builtin_text

    click.echo(read_builtin_text(), nl=False)


class _Exchanges:
    """The exchanges below *paths*, or only the exchange with this *number*, each with its index entry.

    An exchange that cannot be read is reported and skipped; `finish` then exits with 2.
    """

    def __init__(self, paths: Iterable[Path], number: int | None = None) -> None:
        from mockserver.cassette.model import Policy
        from mockserver.store.library import Library

        self._library = Library(paths, Policy(), lambda line: click.echo(line, err=True))
        cassettes = self._library.index.cassettes
        self._entries = [entry for cassette in cassettes for entry in cassette.entries]
        if number is not None:
            if number > len(self._entries):
                raise UsageError(f"no exchange {number}: the last one is {len(self._entries)}")
            self._entries = self._entries[number - 1 : number]
        self._broken = False

    def __iter__(self) -> Iterator[tuple["Entry", "Exchange"]]:
        for entry in self._entries:
            try:
                yield entry, self._library.exchange(entry)
            except ReadError as error:
                click.echo(f"mockserver: {error}", err=True)
                self._broken = True

    def finish(self) -> None:
        """Exit with 2 if an exchange could not be read."""
        if self._broken:
            sys.exit(2)


def _exchange_lines(facts: dict[str, Any]) -> Iterator[str]:
    request, response = facts["request"], facts["response"]
    yield f"#{facts['number']} {request['method']} {request['path']}"
    yield from (f"{name}: {value}" for name, value in request.get("headers", ()))
    yield from _body_lines(request)
    yield ""
    redacted = f" ({facts['redacted']} redacted)" if "redacted" in facts else ""
    yield f"{response['status']}{redacted}"
    yield from (f"{name}: {value}" for name, value in response["headers"])
    if "events" in response:
        yield ""
        yield from _event_lines(response["events"])
        if "tail" in response:
            yield f"unfinished: {response['tail']!r}"
    else:
        yield from _body_lines(response)
    if response.get("end") == "cut":
        yield "the upstream closed the connection here"
    yield ""


def _body_lines(part: dict[str, Any]) -> Iterator[str]:
    if "body" in part:
        yield ""
        yield json.dumps(part["body"], ensure_ascii=False, indent=2)
    elif "text" in part or "base64" in part:
        yield ""
        yield str(part.get("text", part.get("base64")))


def _event_lines(events: list[dict[str, Any]]) -> Iterator[str]:
    width = max((len(str(event.get("event", ""))) for event in events), default=0)
    for event in events:
        at = f"{event['at']:9.3f}  " if "at" in event else ""
        if "comment" in event:
            yield f"{at}: {event['comment']}"
            continue
        if "raw" in event or "base64" in event:
            yield f"{at}{event.get('raw', event.get('base64'))!r}"
            continue
        marks = "".join(f" {name}={event[name]}" for name in ("id", "retry") if name in event)
        data = event.get("data", "")
        shown = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        yield f"{at}{event.get('event', ''):{width}}{marks}  {shown}"
