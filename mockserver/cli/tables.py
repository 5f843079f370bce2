"""Tables, wrapped lines and a progress bar for a terminal; plain lines for everything else."""

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import click

T = TypeVar("T")

TWICE = 2
_STEPS = 200
"""How often a bar is drawn."""

_SHORT = 60
_LONG = 1 << 20
"""From how many bytes on a command may take longer than a second."""


def table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print *rows*: aligned on a terminal, where the last column is cut to what is left of the line; else parted by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] or [0]
    room = max(width() - sum(widths[:-1]) - 2 * (len(widths) - 1), 20)
    for *cells, human in rows:
        aligned = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
        click.echo(f"{aligned}  {cut(human, min(room, _SHORT))}".rstrip())


def cut(text: str, width: int) -> str:
    """Return *text* in *width* characters at the most."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def wrapped(text: str, indent: int) -> str:
    """Return *text* in lines of the terminal's width, *indent* spaces deep."""
    lines = textwrap.wrap(text, max(width() - indent, 30), break_on_hyphens=False) or [""]
    return "\n".join(f"{' ' * indent}{line}" for line in lines)


def width() -> int:
    """Return how wide the terminal is."""
    return shutil.get_terminal_size().columns


@contextmanager
def progress(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal where work on *size* bytes may take longer than a second.

    It yields what is to be called with a number of bytes, twice for each: when they are read, and when the work on them is done.
    """
    if not sys.stderr.isatty() or size < _LONG:
        yield lambda done: None
        return
    length = TWICE * size
    # To draw the bar takes longer than to read a short exchange.
    steps = max(length // _STEPS, 1)
    with click.progressbar(
        length=length, label=label, file=sys.stderr, update_min_steps=steps
    ) as bar:
        yield bar.update


def progressing(items: Sequence[T], label: str, size: int | None = None) -> Iterator[T]:
    """Yield *items*, with a bar on a terminal where that may take longer than a second: where they are *size* bytes, or it is not known."""
    if not sys.stderr.isatty() or (size is not None and size < _LONG):
        yield from items
        return
    with click.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar
