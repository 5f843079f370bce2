"""The usage file for `mockserver prune`: what tests have played, written at the end of the run."""

import json
from pathlib import Path

import pytest

from mockserver.store import usage_files
from tests.processes import run
from tests.pytest_plugin.conftest import XDIST, Project

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


@pytest.mark.parametrize(
    "workers",
    [pytest.param((), id="alone"), pytest.param(XDIST, id="xdist", marks=pytest.mark.slow)],
)
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
    assert "cassettes/other.yaml: kept, a test that plays it failed or did not run" in said


def test_runs_add_to_one_file(tests: Project) -> None:
    tests.test(TESTS.format(assertion="True"))
    for _ in range(2):
        tests.run("--mockserver-usage=usage.json").assert_outcomes(passed=3)

    assert pruned(tests)[0] == ["cassettes/chat.yaml#3", "cassettes/other.yaml#2"]
    usage = json.loads((tests.pytester.path / "usage.json").read_text())
    assert set(usage["cassettes"]["cassettes/chat.yaml"]["exchanges"].values()) == {0, 2}


@pytest.mark.parametrize("how", [("-k", "one"), ("-x",)])
def test_what_the_tests_that_did_not_run_share_is_left_alone(
    tests: Project, how: tuple[str, ...]
) -> None:
    broken = TESTS.replace('assert ask(mock_server, "two")', "assert False")
    tests.test((TESTS if how[0] == "-k" else broken).format(assertion="True"))
    tests.run("--mockserver-usage=usage.json", *how)

    exchanges, said = pruned(tests)
    assert exchanges == []
    assert "cassettes/chat.yaml: kept, a test that plays it failed or did not run" in said


def test_single_tests_tell_too_little(tests: Project) -> None:
    tests.test(TESTS.format(assertion="True"))
    done = tests.run("--mockserver-usage=usage.json", "test_chat.py::test_one")

    done.stdout.fnmatch_lines(
        ["mockserver: *usage.json: not written, since only single tests were selected*"]
    )
    assert not (tests.pytester.path / "usage.json").exists()


@pytest.mark.slow
def test_a_worker_that_dies_makes_the_usage_unknown(tests: Project) -> None:
    tests.test(TESTS.format(assertion="__import__('os')._exit(1)"))
    done = tests.run("--mockserver-usage=usage.json", *XDIST)

    done.stdout.fnmatch_lines(["mockserver: *usage.json: not written, since a worker crashed*"])
    assert not Path(tests.pytester.path / "usage.json").exists()


def test_without_the_option_nothing_is_written(tests: Project) -> None:
    tests.test(TESTS.format(assertion="True"))
    done = tests.run()

    done.stdout.no_fnmatch_line("*usage*")


def test_a_folder_that_is_not_there_is_refused_at_once(tests: Project) -> None:
    tests.test(TESTS.format(assertion="True"))
    done = tests.run("--mockserver-usage=nowhere/usage.json")

    done.stderr.fnmatch_lines(
        ["ERROR: --mockserver-usage=nowhere/usage.json: the folder * does not exist"]
    )


def test_a_foreign_file_is_reported_and_left_alone(tests: Project) -> None:
    tests.test(TESTS.format(assertion="True"))
    (tests.pytester.path / "notes").write_text("mine")
    done = tests.run("--mockserver-usage=notes")
    done.assert_outcomes(passed=3)

    done.stdout.fnmatch_lines(["mockserver: usage not written: *notes, line 1: not a usage file*"])
    assert (tests.pytester.path / "notes").read_text() == "mine"


def test_a_path_below_the_working_directory_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    assert usage_files.display_path("a/b.yaml") == "a/b.yaml"
    assert usage_files.display_path(tmp_path / "here" / "b.yaml") == "b.yaml"
    assert usage_files.display_path(tmp_path / "b.yaml") == str(tmp_path.resolve() / "b.yaml")
