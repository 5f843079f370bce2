"""The command `schema`."""

from importlib import resources

import click


@click.command()
@click.argument("name", type=click.Choice(["cassette", "script", "settings"]))
def schema(name: str) -> None:
    """Print the JSON Schema of cassettes, of scripts of the fake graph, or of mockserver.yaml.

    Editors with yaml-language-server complete and check a file that begins with `# yaml-language-server: $schema=FILE`.
    """
    text = (resources.files("mockserver") / "schemas" / f"{name}.json").read_text("utf-8")
    click.echo(text, nl=False)
