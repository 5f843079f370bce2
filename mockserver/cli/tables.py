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
    """Print *rows*: on a terminal as aligned columns, the last one truncated to the line; elsewhere separated by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] or [0]
    rest = max(terminal_width() - sum(widths[:-1]) - 2 * (len(widths) - 1), 20)
    for *cells, last in rows:
        aligned = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
        click.echo(f"{aligned}  {truncate(last, min(rest, _MAX_LAST_COLUMN))}".rstrip())


def truncate(text: str, width: int) -> str:
    """Return *text* shortened to at most *width* characters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def wrap(text: str, indent: int) -> str:
    """Return *text* wrapped to the width of the terminal, indented by *indent* spaces."""
    lines = textwrap.wrap(text, max(terminal_width() - indent, 30), break_on_hyphens=False) or [""]
    return "\n".join(f"{' ' * indent}{line}" for line in lines)


def terminal_width() -> int:
    """Return the number of columns of the terminal."""
    return shutil.get_terminal_size().columns


def with_progress(items: Sequence[T], label: str, at_least: int = 20) -> Iterator[T]:
    """Yield *items*, and show a progress bar on a terminal if they are *at_least* so many."""
    if not sys.stderr.isatty() or len(items) < at_least:
        yield from items
        return
    with click.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar
