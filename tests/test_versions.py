"""The pinned versions of what the tests install, and how they differ from others."""

import re
import tomllib

from tests import versions
from tests.documents import ROOT

TEXT = versions.CONSTRAINTS.read_text()


def test_each_line_is_a_name_and_a_version() -> None:
    comment, *lines = TEXT.splitlines()

    assert comment.startswith("# ")
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_all_that_the_project_names_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    wanted = [*project["project"]["dependencies"], *groups["test"], *groups["lint"]]

    names = [re.split(r"[\[<>=]", one)[0] for one in wanted]
    assert {versions.normalize(name) for name in names} <= versions.pinned(TEXT).keys()


def test_a_version_that_differs_is_a_line() -> None:
    old = versions.pinned("Same==1\nmy_changed==1.0\ngone==2\n")
    new = {"same": "1", "my-changed": "1.1", "added": "3"}

    assert versions.differences(old, new) == [
        "added (none) -> 3",
        "gone 2 -> (none)",
        "my-changed 1.0 -> 1.1",
    ]


def test_the_packages_of_this_environment_are_found() -> None:
    found = versions.installed()

    assert "pytest" in found
    assert "langgraph-mockserver" not in found
