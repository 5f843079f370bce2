"""The command `script`."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from mockserver.cassette.model import Exchange
from mockserver.cli import options
from mockserver.cli.batch import Batch
from mockserver.errors import UsageError
from mockserver.redaction.redactor import redact_exchange_for_display
from mockserver.server import settings
from mockserver.server.script_files import read_builtin_text
from mockserver.store import atomic
from mockserver.tools.scripts.from_cassette import write_script
from mockserver.tools.scripts.from_graph import describe_graph
from mockserver.tools.scripts.script_yaml import dump_script


@click.command()
@click.option(
    "--from-graph",
    "graph",
    metavar="MODULE:NAME",
    help="Print a script with the nodes and the state of a LangGraph graph, such as `app.graph:graph` or `./graph.py:graph`. Runs its code, and needs LangGraph "
    "(the extra `graph`).",
)
@click.option(
    "--from-cassette",
    "cassette",
    type=options.parse_path,
    metavar="FILE",
    help="Print a script with the nodes and the state of the graph in a recording, and one rule for each recorded question.",
)
@click.option(
    "--output",
    type=options.parse_path,
    metavar="FILE",
    help="Write to FILE, which must not exist.  [default: stdout]",
)
def script(graph: str | None, cassette: Path | None, output: Path | None) -> None:
    """Print the built-in script of the fake graph, or one for your own graph.

    Edit a copy of it, and pass the copy to `mockserver serve --script FILE`.
    """
    if graph is not None and cassette is not None:
        raise UsageError("--from-graph and --from-cassette: use one of them")
    if output is not None and output.exists():
        raise UsageError(f"{output} already exists: name another file")
    text = _create_text(graph, cassette)
    if output is None:
        click.echo(text, nl=False)
    else:
        atomic.create(output, text.encode())


def _create_text(graph: str | None, cassette: Path | None) -> str:
    if graph is not None:
        note = "Add `rules`, whose steps say `node:`; `mockserver script` explains them."
        return dump_script(describe_graph(_load_graph(graph)), f"The graph {graph}. {note}")
    if cassette is None:
        return read_builtin_text()
    exchanges = _read_exchanges(cassette)
    try:
        return write_script(exchanges, f"Made of {cassette.name}.")
    except UsageError as error:
        raise UsageError(f"{cassette}: {error}") from None


def _read_exchanges(path: Path) -> list[Exchange]:
    batch, rules = Batch(), settings.load(None).redact
    exchanges = [
        redact_exchange_for_display(part.require_exchange(), rules)
        for opened in batch.iter_readable_cassettes([path], "script")
        for part in opened.source.exchanges
    ]
    if batch.has_errors:
        batch.finish()
    return exchanges


def _load_graph(name: str) -> Any:
    """Return the compiled graph *name*, `module:attribute`; raise UsageError if there is none."""
    module_name, colon, attribute = name.rpartition(":")
    if not colon or not module_name or not attribute:
        raise UsageError(f"--from-graph {name}: write MODULE:NAME, such as app.graph:graph")
    module = _import_module(module_name, name)
    try:
        graph = getattr(module, attribute)
    except AttributeError:
        raise UsageError(f"--from-graph {name}: {module_name} has no {attribute}") from None
    if hasattr(graph, "compile"):
        graph = graph.compile()
    if not hasattr(graph, "get_graph") or not hasattr(graph, "builder"):
        kind = type(graph).__name__
        raise UsageError(f"--from-graph {name}: {attribute} is no compiled graph, but a {kind}")
    return graph


def _import_module(module_name: str, name: str) -> ModuleType:
    path = Path(module_name)
    is_file = path.suffix == ".py"
    sys.path.insert(0, str(path.parent if is_file else Path.cwd()))
    try:
        if is_file:
            spec = importlib.util.spec_from_file_location(path.stem, path)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.partition(".")[0] in ("langgraph", "langchain_core"):
            why = f"{missing} is not installed beside mockserver: pip install langgraph"
        else:
            why = f"no module {missing}"
        raise UsageError(f"--from-graph {name}: {why}") from None
    except Exception as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(f"--from-graph {name}: {module_name} cannot be imported: {why}") from None
