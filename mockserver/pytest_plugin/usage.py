"""Write the exchanges that a run has played to a file, for `mockserver prune`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import MockServerError

_OUTPUT = "mockserver-usage"
FIXTURE = "mock_server"


class UsageCollector:
    """A plugin that collects the plays of tests, also from workers of pytest-xdist, and writes them to *path*, if given.

    The cassettes of a test that did not pass or did not run are marked as unfinished.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._expected: dict[str, list[str]] = {}
        self._usage: dict[str, Any] = {}
        self._has_lost_worker = False
        self._line = ""

    def add(self, item: pytest.Item, usage: dict[str, Any], *, passed: bool) -> None:
        """Add the *usage* of the test *item* if it *passed*."""
        if passed:
            self._usage[item.nodeid] = usage

    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        """Collect the cassettes of the selected tests."""
        self._expect(items)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Collect the cassettes of deselected tests."""
        self._expect(items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect the usage of a worker; a crashed worker has none."""
        output = getattr(node, "workeroutput", None)
        if output is None:
            self._has_lost_worker = True
        elif _OUTPUT in output:
            expected, usage = output[_OUTPUT]
            self._expected |= expected
            self._usage |= usage

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """In a worker, pass the usage to the main process; otherwise write the file."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = (self._expected, self._usage)
        elif self.path is not None and self._expected and _is_partial(session.config):
            self._line = f"{self.path}: not written, since only single tests were selected: other tests may play more"
        elif self.path is not None and self._has_lost_worker:
            self._line = f"{self.path}: not written, since a worker crashed: the usage of its tests is unknown"
        elif self.path is not None and self._expected:
            self._line = self._write(self.path)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print where the usage was written, or why not."""
        if self._line:
            terminalreporter.write_line(f"mockserver: {self._line}")

    def _expect(self, items: Sequence[pytest.Item]) -> None:
        if self.path is None:
            return
        from mockserver.pytest_plugin import marker

        for item in items:
            if FIXTURE in getattr(item, "fixturenames", ()):
                try:
                    paths = marker.read(item).paths
                except MockServerError:
                    continue  # the test itself reports this error
                self._expected[item.nodeid] = [str(path) for path in paths]

    def _write(self, path: Path) -> str:
        from mockserver.formats.wording import pluralize
        from mockserver.matching.usage import Plays, from_json, merge_usages
        from mockserver.store import discovery
        from mockserver.store.usage import add_usage, display_path

        unfinished = [
            path
            for test, paths in self._expected.items()
            if test not in self._usage
            for path in paths
        ]
        existing = [Path(each) for each in unfinished if Path(each).exists()]
        unfinished_usage = {
            display_path(file): Plays(unfinished=True)
            for file, _ in discovery.find_files(existing).values()
        }
        usage = merge_usages([*map(from_json, self._usage.values()), unfinished_usage])
        try:
            add_usage(path, usage)
        except MockServerError as error:
            return f"usage not written: {error}"
        return f"usage of {pluralize(len(usage), 'cassette')} added to {path}"


def _is_partial(config: pytest.Config) -> bool:
    """Return whether single tests were named on the command line, so that other tests were not collected."""
    return any("::" in argument for argument in config.args)
