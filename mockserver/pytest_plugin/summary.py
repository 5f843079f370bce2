"""Report the recorded cassettes at the end of a run."""

from typing import Any

import pytest

_OUTPUT = "mockserver"


class Summary:
    """A plugin that collects lines, also from workers of pytest-xdist, and prints them."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add_line(self, line: str) -> None:
        """Print *line* at the end of the run."""
        self._lines.append(line)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """In a worker, pass the lines to the main process."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self._lines

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect the lines of a worker."""
        self._lines += getattr(node, "workeroutput", {}).get(_OUTPUT, ())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the lines."""
        if self._lines:
            terminalreporter.section("mockserver")
        for line in sorted(self._lines):
            terminalreporter.write_line(line)
