"""The tests shown in the README, docs/python.md and docs/faults.md pass."""

import shutil
from pathlib import Path

import pytest

from tests.documents import README, ROOT, blocks, commands
from tests.pytest_plugin.conftest import Project

pytest_plugins = ["pytester"]

PYTHON = ROOT / "docs" / "python.md"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "skipped", "count"), [(README, 1, 1), (PYTHON, 0, 5)], ids=["README", "docs"]
)
def test_the_shown_tests_can_be_recorded_and_replayed(
    page: Path, skipped: int, count: int, project: Project
) -> None:
    shutil.copytree(ROOT / "cassettes", project.pytester.path / "cassettes")
    shown = blocks("python", page)[skipped:]
    code = "\n\n".join(one.text for one in shown if not one.text.startswith("# conftest.py"))
    project.pytester.makepyfile(test_chat=code)
    record, replay = (line for line in commands(page) if line.startswith("pytest"))
    _, *arguments = (
        record.partition("#")[0].replace("http://127.0.0.1:2024", project.upstream).split()
    )

    project.run(*arguments).assert_outcomes(passed=count)
    assert replay == "pytest"
    project.run().assert_outcomes(passed=count)
    assert "chat.yaml" in project.cassettes


def test_the_shown_test_of_a_fault_passes(project: Project) -> None:
    [code] = blocks("python", ROOT / "docs" / "faults.md")
    project.pytester.makepyfile(code.text)

    project.run().assert_outcomes(passed=1)
