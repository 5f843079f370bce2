"""The command `script`."""

from pathlib import Path

import pytest

from mockserver.server import script_files
from tests.documents import ROOT
from tests.processes import run

HELLO = ROOT / "cassettes" / "hello.yaml"


def test_the_built_in_script_is_printed(tmp_path: Path) -> None:
    assert run("script", folder=tmp_path).stdout == script_files.read_builtin_text()


def test_a_recording_becomes_a_script_that_serve_loads(tmp_path: Path) -> None:
    ended = run("script", "--from-cassette", HELLO, "--output", "mine.yaml", folder=tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert script_files.load(tmp_path / "mine.yaml").topology.nodes == ("agent",)


GRAPH = """\
class Graph:
    builder = type("Builder", (), {"channels": {}, "state_schema": dict})
    def get_graph(self):
        edges = [("__start__", "a"), ("a", "__end__")]
        made = [type("Edge", (), {"source": one, "target": other}) for one, other in edges]
        return type("Drawing", (), {"nodes": ["__start__", "a", "__end__"], "edges": made})
    def get_subgraphs(self):
        return ()
class Builder:
    def compile(self):
        return Graph()
graph, builder = Graph(), Builder()
"""


@pytest.mark.parametrize("name", ["app:graph", "./app.py:graph", "app:builder"])
def test_a_graph_becomes_a_script(name: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(GRAPH)
    ended = run("script", "--from-graph", name, folder=tmp_path)

    assert ended.stdout.partition("\n")[2] == "extends: built-in\nnodes:\n- a\n"
    assert ended.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--from-graph", "app"], "--from-graph app: write MODULE:NAME, such as app.graph:graph", id="no name"),
        pytest.param(["--from-graph", "nope:x"], "--from-graph nope:x: no module nope", id="no module"),
        pytest.param(["--from-graph", "app:nope"], "--from-graph app:nope: app has no nope", id="no attribute"),
        pytest.param(["--from-graph", "app:Graph.nope"], "--from-graph app:Graph.nope: app has no Graph.nope", id="a path"),
        pytest.param(["--from-graph", "json:dumps"], "--from-graph json:dumps: dumps is no compiled graph, but a function", id="no graph"),
        pytest.param(["--from-graph", "broken:x"], "--from-graph broken:x: broken cannot be imported: ValueError: oh", id="a broken module"),
        pytest.param(["--from-graph", "lacks:x"], "--from-graph lacks:x: langgraph.nope is not installed beside mockserver: pip install langgraph", id="no LangGraph"),
        pytest.param(["--from-cassette", "nope.yaml"], "nope.yaml: no such file or folder", id="no cassette"),
        pytest.param(["--from-cassette", "empty.yaml"], "empty.yaml: no recorded question: no run whose response shows what the graph did", id="no question"),
        pytest.param(["--from-cassette", "app.py"], "app.py: not a cassette: it must begin with `mockserver: 1`", id="no YAML"),
        pytest.param(["--from-graph", "a:b", "--from-cassette", "a"], "--from-graph and --from-cassette: use one of them", id="both"),
        pytest.param(["--output", "app.py"], "app.py already exists: name another file", id="an existing file"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x: int = 1")
    (tmp_path / "broken.py").write_text("raise ValueError('oh\\nno')")
    (tmp_path / "lacks.py").write_text("raise ModuleNotFoundError(name='langgraph.nope')")
    (tmp_path / "empty.yaml").write_text("mockserver: 1\n")
    ended = run("script", *arguments, folder=tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"mockserver: {complaint}\n")
