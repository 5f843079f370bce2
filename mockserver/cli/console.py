"""What a command says while it serves: to stderr all but the one line that it is ready."""

import contextlib
import gc
import sys

import click

from mockserver.server.log import Log


def log() -> Log:
    """Return the log of a server: on a terminal a line a request, else misses and faults."""

    def tell(line: str) -> None:
        with contextlib.suppress(OSError):
            click.echo(line, err=True)

    return Log(tell, every=sys.stderr.isatty())


def ready(line: str) -> None:
    """Say on stdout that the server listens; what was made until now stays, what is made from now on is not all to stay."""
    gc.freeze()
    gc.enable()
    click.echo(line)
    sys.stdout.flush()
