"""`python -m tests.benchmarks`: measures all figures, prints a table, and writes it as JSON and as a chart."""

from pathlib import Path

import click

from tests.benchmarks.figures import ALL, Effort
from tests.benchmarks.report import as_json, chart, table

_WORK = Path(".bench")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(ALL)))
@click.option("--rounds", default=5, show_default=True, help="How often each figure is measured.")
@click.option("--seconds", default=2.0, show_default=True, help="How long a load lasts.")
@click.option(
    "--work",
    "below",
    default=_WORK,
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the exchanges are generated, and the results written.",
)
@click.option("--chart", "picture", type=click.Path(path_type=Path), help="Where the chart goes.")
def main(
    names: tuple[str, ...], rounds: int, seconds: float, below: Path, picture: Path | None
) -> None:
    """Measure the figures NAMES, all of them if none is given, each beside its baseline in the same run."""
    below.mkdir(parents=True, exist_ok=True)
    effort = Effort(rounds, seconds, below)
    figures = []
    for name in names or ALL:
        click.echo(f"measuring: {name}", err=True)
        for figure in ALL[name](effort):
            figures.append(figure)
            click.echo(table([figure]), err=True)
    click.echo(table(figures))
    (below / "results.json").write_text(as_json(figures), "utf-8")
    (picture or below / "results.svg").write_text(chart(figures), "utf-8")


if __name__ == "__main__":
    main()
