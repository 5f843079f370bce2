"""Report what a run has recorded, and write what it has played to a file, for `mockserver prune`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import MockServerError

_OUTPUT = "mockserver"
_FIXTURE = "mock_server"


class Report:
    """A plugin that collects recordings and plays of tests, also from workers of pytest-xdist, and reports them at the end.

    The plays go to *usage_file*, if given. The cassettes of a test that did not pass or did not run are marked as unfinished.
    """

    def __init__(self, usage_file: Path | None) -> None:
        self._usage_file = usage_file
        self._recordings: list[str] = []
        self._cassettes: dict[str, list[str]] = {}
        self._usage: dict[str, Any] = {}
        self._has_lost_worker = False
        self._usage_line = ""

    def add_recording(self, line: str) -> None:
        self._recordings.append(line)

    def add_usage(self, item: pytest.Item, usage: dict[str, Any]) -> None:
        self._usage[item.nodeid] = usage

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        """Collect the cassettes of all tests, also of those that are deselected later."""
        if self._usage_file is None:
            return
        from mockserver.pytest_plugin import marker

        for item in items:
            if _FIXTURE in getattr(item, "fixturenames", ()):
                try:
                    paths = marker.read(item).paths
                except MockServerError:
                    continue  # the test itself reports this error
                self._cassettes[item.nodeid] = list(map(str, paths))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect the output of a worker; a crashed worker has none."""
        output = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if output is None:
            self._has_lost_worker = True
            return
        recordings, cassettes, usage = output
        self._recordings += recordings
        self._cassettes |= cassettes
        self._usage |= usage

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """In a worker, pass everything to the main process; there, write the file."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self._recordings, self._cassettes, self._usage
        elif self._usage_file is not None and (self._cassettes or self._has_lost_worker):
            self._usage_line = self._write_usage(self._usage_file, session.config)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the recordings, and where the usage was written, or why not."""
        if self._recordings:
            terminalreporter.section("mockserver")
        for line in sorted(self._recordings):
            terminalreporter.write_line(line)
        if self._usage_line:
            terminalreporter.write_line(f"mockserver: {self._usage_line}")

    def _write_usage(self, usage_file: Path, config: pytest.Config) -> str:
        from mockserver.store.usage_files import add_test_usages

        if any("::" in argument for argument in config.args):
            return f"{usage_file}: not written, since only single tests were selected: other tests may play more"
        if self._has_lost_worker:
            return f"{usage_file}: not written, since a worker crashed: the usage of its tests is unknown"
        unfinished = [
            Path(path)
            for test, paths in self._cassettes.items()
            for path in paths
            if test not in self._usage and Path(path).exists()
        ]
        try:
            count = add_test_usages(usage_file, self._usage.values(), unfinished)
        except MockServerError as error:
            return f"usage not written: {error}"
        return f"usage of {count} added to {usage_file}"
