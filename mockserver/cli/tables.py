"""Tables, wrapped lines and progress bars on a terminal; plain lines elsewhere."""

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import click

T = TypeVar("T")

PASSES = 2
"""A progress bar counts each byte twice: when it is read, and when the work on it is done."""

_MAX_REDRAWS = 200
_MAX_LAST_COLUMN = 60
_MIN_BYTES = 1 << 20
"""The size from which a command may take longer than a second."""


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


@contextmanager
def progress(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances a progress bar by a number of bytes; see PASSES.

    The bar is shown on a terminal if the work on *size* bytes may take longer than a second.
    """
    if not sys.stderr.isatty() or size < _MIN_BYTES:
        yield lambda count: None
        return
    length = PASSES * size
    # Drawing the bar takes longer than reading a short exchange.
    steps = max(length // _MAX_REDRAWS, 1)
    with click.progressbar(
        length=length, label=label, file=sys.stderr, update_min_steps=steps
    ) as bar:
        yield bar.update


def with_progress(items: Sequence[T], label: str, size: int | None = None) -> Iterator[T]:
    """Yield *items*, and show a progress bar on a terminal unless their *size* in bytes is small."""
    if not sys.stderr.isatty() or (size is not None and size < _MIN_BYTES):
        yield from items
        return
    with click.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar
