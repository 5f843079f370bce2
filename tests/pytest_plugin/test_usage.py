"""What tests have played, told to `mockserver prune` at the end of the run."""

import json
from pathlib import Path

import pytest

from mockserver.store import usage
from tests.processes import run
from tests.pytest_plugin.conftest import Project

pytest_plugins = ["pytester"]

TESTS = """
import pytest

@pytest.mark.mockserver("chat.yaml")
def test_one(mock_server):
    assert ask(mock_server, "one")

@pytest.mark.mockserver("chat.yaml")
def test_two(mock_server):
    assert ask(mock_server, "two")
    mock_server.reset()

@pytest.mark.mockserver("other.yaml")
def test_other(mock_server):
    assert ask(mock_server, "one")
    assert {assertion}
"""


@pytest.fixture
def tests(project: Project) -> Project:
    project.cassette("chat.yaml", ("one", "1"), ("two", "2"), ("three", "3"))
    project.cassette("other.yaml", ("one", "1"), ("two", "2"))
    return project


def pruned(project: Project) -> tuple[list[str], str]:
    """Return which exchanges `prune` would take out, and what else it says."""
    done = run(
        "prune", "cassettes", "--usage", "usage.json", "--json", folder=project.pytester.path
    )
    return [json.loads(line)["exchange"] for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_what_no_test_has_played_may_go(tests: Project, workers: tuple[str, ...]) -> None:
    tests.test(TESTS.format(assertion="True"))
    done = tests.run("--mockserver-usage=usage.json", *workers)
    done.assert_outcomes(passed=3)

    done.stdout.fnmatch_lines(["mockserver: usage of 2 cassettes added to *usage.json"])
    assert pruned(tests)[0] == ["cassettes/chat.yaml#3", "cassettes/other.yaml#2"]


def test_a_failed_test_leaves_its_cassette_alone(tests: Project) -> None:
    tests.test(TESTS.format(assertion="False"))
    tests.run("--mockserver-usage=usage.json").assert_outcomes(passed=2, failed=1)

    exchanges, said = pruned(tests)
    assert exchanges == ["cassettes/chat.yaml#3"]
    assert "cassettes/other.yaml: kept, a test that plays it has failed" in said


def test_tests_that_did_not_run_leave_their_cassettes_alone(tests: Project) -> None:
    tests.test(TESTS.format(assertion="True"))
    tests.run("--mockserver-usage=usage.json", "-k", "one or two").assert_outcomes(
        passed=2, deselected=1
    )

    exchanges, said = pruned(tests)
    assert exchanges == ["cassettes/chat.yaml#3"]
    assert "cassettes/other.yaml: kept, the usage does not know it" in said


def test_runs_add_to_one_file(tests: Project) -> None:
    tests.test(TESTS.format(assertion="True"))
    tests.run("--mockserver-usage=usage.json", "-k", "one")
    assert "cassettes/chat.yaml#2" in pruned(tests)[0]
    tests.run("--mockserver-usage=usage.json", "-k", "two")

    assert pruned(tests)[0] == ["cassettes/chat.yaml#3"]


def test_a_worker_that_dies_makes_the_usage_unknown(tests: Project) -> None:
    tests.test(TESTS.format(assertion="__import__('os')._exit(1)"))
    done = tests.run("--mockserver-usage=usage.json", "-n2")

    done.stdout.fnmatch_lines(["mockserver: *usage.json: not written, since a worker died*"])
    assert not Path(tests.pytester.path / "usage.json").exists()


def test_without_the_option_nothing_is_written(tests: Project) -> None:
    tests.test(TESTS.format(assertion="True"))
    done = tests.run()

    done.stdout.no_fnmatch_line("*usage*")


def test_a_file_that_cannot_be_written_is_told(tests: Project) -> None:
    tests.test(TESTS.format(assertion="True"))
    done = tests.run("--mockserver-usage=nowhere/usage.json")
    done.assert_outcomes(passed=3)

    done.stdout.fnmatch_lines(
        ["mockserver: usage not written: *nowhere/usage.json: cannot be written*"]
    )


def test_a_path_below_the_working_directory_is_told_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    assert usage.shown("a/b.yaml") == "a/b.yaml"
    assert usage.shown(tmp_path / "here" / "b.yaml") == "b.yaml"
    assert usage.shown(tmp_path / "b.yaml") == str(tmp_path.resolve() / "b.yaml")
