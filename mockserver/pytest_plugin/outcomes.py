"""How the tests of a run went so far, and what they have recorded."""

from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from mockserver.errors import UsageError
from mockserver.pytest_plugin import marker

FIXTURE = "mock_server"


class Outcomes:
    """A plugin that listens; *recorded* are the cassettes that this run has recorded."""

    def __init__(self) -> None:
        self.recorded: set[Path] = set()
        self._items: list[pytest.Item] = []
        self._shares: Counter[Path] | None = None
        self._passed: set[str] = set()
        self._failed: set[str] = set()

    def begin(self, item: pytest.Item) -> None:
        """Forget how *item* went before: it may be run again."""
        self._passed.discard(item.nodeid)
        self._failed.discard(item.nodeid)

    def passed(self, item: pytest.Item) -> bool:
        """Tell whether *item* was called, and nothing of it has failed."""
        return item.nodeid in self._passed and item.nodeid not in self._failed

    def shares(self, target: Path) -> int:
        """Return how many of all tests record into the cassette *target*."""
        if self._shares is None:
            self._shares = Counter(self._targets())
        return self._shares[target]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take note of the tests."""
        self._items = session.items

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take note of how setup and call went."""
        report = yield
        if report.when == "call" and report.passed:
            self._passed.add(item.nodeid)
        elif not report.passed:
            self._failed.add(item.nodeid)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of subtests, which fail without failing their test's call."""
        if report.failed:
            self._failed.add(report.nodeid)

    def _targets(self) -> Iterator[Path]:
        for item in self._items:
            if FIXTURE in getattr(item, "fixturenames", ()):
                try:
                    target = marker.read(item).target
                except UsageError:
                    continue  # it says so itself when its turn comes
                if target is not None:
                    yield target
