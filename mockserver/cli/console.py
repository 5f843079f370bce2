"""The output of a serving command: the ready line goes to stdout, everything else to stderr."""

import contextlib
import gc
import sys

import click

from mockserver.server.log import Log


def create_log() -> Log:
    """Return the log of a server: one line per request on a terminal, otherwise only misses and errors."""

    def write(line: str) -> None:
        with contextlib.suppress(OSError):
            click.echo(line, err=True)

    return Log(write, verbose=sys.stderr.isatty())


def report_ready(line: str) -> None:
    """Print the ready *line* to stdout, and start garbage collection."""
    # The objects of the start-up live until the stop: the collector need not look at them.
    gc.freeze()
    gc.enable()
    click.echo(line)
    sys.stdout.flush()
