"""Collect which tests of a run passed, failed or were skipped."""

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

_STARTED = "mockserver-started"


class Outcomes:
    """A plugin that collects the outcomes of tests."""

    def __init__(self, config: pytest.Config) -> None:
        # A worker that replaces a crashed one starts later than the run.
        self._started: float = getattr(config, "workerinput", {}).get(_STARTED, time.time())
        self._outcomes: dict[str, str] = {}
        self._failed: set[str] = set()

    def forget(self, item: pytest.Item) -> None:
        """Forget the previous outcome of *item*, which may be run again."""
        self._outcomes.pop(item.nodeid, None)
        self._failed.discard(item.nodeid)

    def has_passed(self, item: pytest.Item) -> bool:
        """Return whether *item* was called and no part of it failed."""
        return self._outcomes.get(item.nodeid) == "passed" and item.nodeid not in self._failed

    def is_skipped(self, item: pytest.Item) -> bool:
        """Return whether *item* was skipped during its call."""
        return self._outcomes.get(item.nodeid) == "skipped"

    def was_recorded(self, cassette: Path) -> bool:
        """Return whether *cassette* was recorded earlier in this run, in this worker or in another."""
        return cassette.exists() and cassette.stat().st_mtime > self._started

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Pass the start time of the run to a worker of pytest-xdist."""
        node.workerinput[_STARTED] = self._started

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Collect the outcome of the call; the last report counts, since earlier ones are of subtests."""
        report = yield
        if report.when == "call":
            self._outcomes[item.nodeid] = report.outcome
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect failures; a subtest fails without failing the call of its test."""
        if report.failed:
            self._failed.add(report.nodeid)
