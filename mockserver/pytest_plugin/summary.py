"""What a run has recorded, told at its end."""

from typing import Any

import pytest

_OUTPUT = "mockserver"


class Summary:
    """A plugin that gathers what is `told`, of the workers of pytest-xdist too."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def told(self, line: str) -> None:
        """Take a *line* for the end of the run."""
        self._lines.append(line)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand the lines of a worker over to whoever writes the report."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self._lines

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take the lines of a worker."""
        self._lines += getattr(node, "workeroutput", {}).get(_OUTPUT, ())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the lines."""
        if self._lines:
            terminalreporter.section("mockserver")
        for line in sorted(self._lines):
            terminalreporter.write_line(line)
