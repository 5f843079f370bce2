"""Scripts that are made of LangGraph graphs have their nodes and their state."""

from pathlib import Path

import pytest

from mockserver.fake.script.model import Script
from mockserver.fake.script.parse import parse_script
from mockserver.server import script_files
from tests.agentserver import GRAPHS
from tests.processes import run


@pytest.mark.parametrize("name", ["research", "mail"])
def test_the_twin_of_a_script_becomes_that_script(name: str, tmp_path: Path) -> None:
    wanted = parse_script((GRAPHS / f"{name}.yaml").read_text(), Script)
    target = tmp_path / "mine.yaml"
    environment = {"PYTHONPATH": str(GRAPHS), "PYTHONDONTWRITEBYTECODE": "1"}
    graph = f"{GRAPHS}/shaped.py:{name}"
    ended = run("script", "--from-graph", graph, "--output", target, folder=tmp_path, environment=environment)  # fmt: skip
    assert ended.stderr == ""
    target.write_text(
        target.read_text().replace("extends: built-in", "rules: [steps: [{pause: 0}]]")
    )
    made = script_files.load(target)

    assert {n: set(t) for n, t in made.topology.edges.items()} == {
        node: set(targets) for node, targets in wanted.topology.edges.items()
    }
    assert made.topology.subgraphs.keys() == wanted.topology.subgraphs.keys()
    assert made.state == wanted.state
