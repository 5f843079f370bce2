"""The commands that look: ls, show."""

import click


@click.command()
def ls() -> None:
    """List the exchanges of cassettes."""


@click.command()
def show() -> None:
    """Show what a cassette holds."""
