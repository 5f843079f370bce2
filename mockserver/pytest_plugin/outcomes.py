"""How the tests of a run went so far."""

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

_STARTED = "mockserver-started"


class Outcomes:
    """A plugin that listens."""

    def __init__(self, config: pytest.Config) -> None:
        # A worker that takes the place of one that died begins later than the run.
        self._started: float = getattr(config, "workerinput", {}).get(_STARTED, time.time())
        self._passed: set[str] = set()
        self._failed: set[str] = set()
        self._skipped: set[str] = set()

    def begin(self, item: pytest.Item) -> None:
        """Forget how *item* went before: it may be run again."""
        for ids in (self._passed, self._failed, self._skipped):
            ids.discard(item.nodeid)

    def passed(self, item: pytest.Item) -> bool:
        """Tell whether *item* was called, and nothing of it has failed."""
        return item.nodeid in self._passed and item.nodeid not in self._failed

    def skipped(self, item: pytest.Item) -> bool:
        """Tell whether *item* was skipped while it was called."""
        return item.nodeid in self._skipped

    def recorded(self, cassette: Path) -> bool:
        """Tell whether *cassette* was recorded in this run: by a test before this one, maybe by another worker's."""
        return cassette.exists() and cassette.stat().st_mtime > self._started

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist when the run began."""
        node.workerinput[_STARTED] = self._started

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take note of how the call went: the last word on it counts, those before it are of subtests."""
        report = yield
        if report.when == "call":
            for outcome, ids in ((report.passed, self._passed), (report.skipped, self._skipped)):
                (ids.add if outcome else ids.discard)(item.nodeid)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of subtests, which fail without failing their test's call."""
        if report.failed:
            self._failed.add(report.nodeid)
