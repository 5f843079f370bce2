"""The commands that print: ls, show."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from mockserver.cassette.normalize import Normalizer
from mockserver.cassette.playback import encode_body
from mockserver.cassette.summary import exchange_to_json
from mockserver.cli import options
from mockserver.cli.batch import NOT_A_CASSETTE, Batch
from mockserver.cli.terminal import print_facts, print_table
from mockserver.errors import UsageError
from mockserver.redaction.redactor import Redactor, redact_exchange_for_display
from mockserver.tools.cassette_source import Part
from mockserver.tools.exchange_row import summarize
from mockserver.tools.timeline import TimelineEntry, find_timelines

_NAME_WIDTH = 20
"""The width of the names in a timeline; longer ones stand out."""


@click.command()
@options.paths
@options.as_json
def ls(paths: tuple[Path, ...], as_json: bool) -> None:
    """List the exchanges of cassettes, one per line.

    The columns are the exchange, method, path, status, size, duration, thread, graph, what the request asks for (stream modes, the method of a
    command, or the channels of an event stream), and the last human message.

    PATH is a cassette, a folder of cassettes, or one exchange, written FILE#N. The default is ./cassettes.
    """
    batch, redactor = Batch(), Redactor()
    rows: list[tuple[str, ...]] = []
    count = 0
    files, numbers = options.select_exchanges(paths)
    for opened in batch.iter_cassettes(files, "ls"):
        for part in batch.select_parts(opened.source, numbers.get(os.path.realpath(opened.path))):
            count += 1
            facts = summarize(f"{opened.name}#{part.number}", part.require_exchange(), redactor)
            if as_json:
                click.echo(json.dumps(facts, ensure_ascii=False))
            else:
                if facts["thread"] and sys.stdout.isatty():
                    facts["path"] = facts["path"].replace(facts["thread"], "…")
                seconds = f"{facts['seconds']:.3f} s"
                rows.append(tuple(map(str, (facts | {"seconds": seconds}).values())))
    print_table(rows)
    batch.finish("" if count or as_json else "no exchanges")


@click.command()
@click.argument("cassette", type=options.parse_path)
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
    help="Replace ids with numbers and omit times, so that two recordings can be compared.",
)
@click.option(
    "--html",
    type=options.parse_path,
    metavar="FILE",
    help="Write a web page to FILE instead; it needs no server. CASSETTE may be a folder. Fails if something looks like a secret.",
)
def show(
    cassette: Path, number: int | None, raw: bool, as_json: bool, stable: bool, html: Path | None
) -> None:
    """Show exchange NUMBER of CASSETTE, or all exchanges. CASSETTE#NUMBER is the same.

    Each event is shown with the seconds since the request. Without NUMBER, the commands and event streams of a thread are shown as one
    timeline, with the seconds since the recording started. What looks like a secret is shown as REDACTED, except with --raw.
    """
    cassette, numbered = options.split_exchange(cassette)
    if numbered and number:
        raise UsageError(f"{cassette}#{numbered} {number}: name one exchange")
    number = numbered or number
    if html is not None:
        if raw or as_json or stable:
            raise UsageError("--html excludes --raw, --json and --stable")
        if number and not cassette.is_file():
            raise UsageError(f"{cassette} is not a file: name a cassette")
        from mockserver.cli.show_html import write_page  # its imports are slow

        write_page(cassette, number, html)
    if not cassette.is_file():
        raise UsageError(f"{cassette} is not a file: name a cassette")
    if raw and (number is None or as_json or stable):
        raise UsageError("--raw needs a NUMBER, and excludes --json and --stable")
    batch, normalizer = Batch(), Normalizer()
    for opened in batch.iter_files((cassette,), "show"):
        source = opened.source
        if stable and number is None and (source.errors or not source.is_cassette):
            # As a textconv filter of git, the command also reads old and broken versions; if it failed, git would show no diff.
            problem = source.errors[0] if source.is_cassette else f"{cassette}: {NOT_A_CASSETTE}"
            batch.print_note(f"mockserver: {problem}: the file is printed unchanged")
            click.echo(source.raw.decode("utf-8", "replace"), nl=False)
            continue
        parts = list(batch.select_parts(source, {number} if number else None))
        timelines: dict[int, list[str]] = {}
        if number is None and not as_json:
            timelines = _find_timelines(parts, normalizer if stable else None)
        for part in parts:
            exchange = part.require_exchange()
            if part.number in timelines:
                for line in timelines[part.number]:
                    click.echo(line)
                continue
            if raw:
                sys.stdout.buffer.write(encode_body(exchange.response.content))
                sys.stdout.buffer.flush()
                continue
            facts: Any = exchange_to_json(part.number, redact_exchange_for_display(exchange))
            if stable:
                facts = normalizer.normalize_exchange(facts)
            print_facts(facts, "\n".join(_format_exchange(facts)), as_json=as_json)
    batch.finish()


def _find_timelines(parts: list[Part], normalizer: Normalizer | None) -> dict[int, list[str]]:
    """Return the lines to print instead of each exchange that a timeline shows; with *normalizer*, without ids and times.

    The first exchange of each timeline has all its lines.
    """
    exchanges = [
        (part.number, redact_exchange_for_display(part.require_exchange())) for part in parts
    ]
    shown: dict[int, list[str]] = {}
    for timeline in find_timelines(exchanges, whole=normalizer is not None):
        lines = [timeline.title, *(_format_entry(one, normalizer) for one in timeline.entries), ""]
        if normalizer is not None:
            lines = list(map(normalizer.normalize_text, lines))
        first, *others = timeline.numbers
        shown |= {first: lines, **{number: [] for number in others}}
    return shown


def _format_entry(entry: TimelineEntry, normalizer: Normalizer | None) -> str:
    at = f"{entry.at:9.3f}" if entry.at is not None and normalizer is None else ""
    return f"{at}  {entry.name:{_NAME_WIDTH}}  {entry.text}"


def _format_exchange(facts: dict[str, Any]) -> Iterator[str]:
    request, response = facts["request"], facts["response"]
    yield f"#{facts['number']} {request['method']} {request['path']}"
    yield from (f"{name}: {value}" for name, value in request.get("headers", ()))
    yield from _format_body(request)
    yield ""
    redacted = f" ({facts['redacted']} redacted)" if "redacted" in facts else ""
    yield f"{response['status']}{redacted}"
    yield from (f"{name}: {value}" for name, value in response["headers"])
    if "events" in response:
        yield ""
        yield from _format_events(response["events"])
        if "tail" in response:
            yield f"unfinished: {response['tail']!r}"
    else:
        yield from _format_body(response)
        if times := response.get("times"):
            yield f"in {len(times)} chunks, after {', '.join(f'{at:.3f}' for at in times)} s"
    if response.get("end") == "cut":
        yield "the upstream closed the connection here"
    if response.get("end") == "open":
        yield "the stream was still open here"
    yield ""


def _format_body(part: dict[str, Any]) -> Iterator[str]:
    if "body" in part:
        yield ""
        yield json.dumps(part["body"], ensure_ascii=False, indent=2)
    elif "text" in part or "base64" in part:
        yield ""
        yield str(part.get("text", part.get("base64")))


def _format_events(events: list[dict[str, Any]]) -> Iterator[str]:
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
