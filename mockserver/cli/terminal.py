"""Tables, wrapped lines and progress bars on a terminal; plain lines elsewhere."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click

T = TypeVar("T")

_MAX_LAST_COLUMN = 60


def print_facts(facts: Mapping[str, Any], line: str, *, as_json: bool) -> None:
    """Print *facts* as a JSON object for programs, or *line* for people."""
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else line)


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print *rows*: on a terminal as aligned columns, without empty ones, the last one truncated to the line; elsewhere separated by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    rows = list(zip(*columns, strict=True))
    widths = [max(map(len, column)) for column in columns] or [0]
    used = sum(widths[:-1]) + 2 * (len(widths) - 1)
    width = min(max(shutil.get_terminal_size().columns - used, 20), _MAX_LAST_COLUMN)
    for *cells, last in rows:
        shown = last if len(last) <= width else f"{last[: width - 1]}…"
        aligned = [cell.ljust(length) for cell, length in zip(cells, widths, strict=False)]
        click.echo("  ".join((*aligned, shown)).rstrip())


def wrap(text: str, indent: int) -> str:
    """Return *text* wrapped to the width of the terminal, indented by *indent* spaces."""
    width = max(shutil.get_terminal_size().columns - indent, 30)
    lines = textwrap.wrap(text, width, break_on_hyphens=False)
    return textwrap.indent("\n".join(lines), " " * indent)


def with_progress(items: Sequence[T], label: str, at_least: int = 20) -> Iterator[T]:
    """Yield *items*, and show a progress bar on a terminal if they are *at_least* so many."""
    if not sys.stderr.isatty() or len(items) < at_least:
        yield from items
        return
    with click.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar
