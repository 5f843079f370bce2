"""What a run has played, written to a file at its end for `mockserver prune`."""

from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import MockServerError

_OUTPUT = "mockserver-usage"


class Played:
    """A plugin that gathers what tests have played, of the workers of pytest-xdist too, for the file *path*, if there is one."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._told: list[dict[str, Any]] = []
        self._lost = False
        self._line = ""

    def add(self, usage: dict[str, Any], *, passed: bool) -> None:
        """Take the *usage* of a test, which has *passed* or not."""
        from mockserver.upkeep import usage as usages

        whole = usages.of_facts(usage)
        self._told.append(usages.facts(whole if passed else usages.unfinished(whole)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker has gathered; one that died has told nothing."""
        output = getattr(node, "workeroutput", None)
        if output is None:
            self._lost = True
        else:
            self._told += output.get(_OUTPUT, ())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what a worker has gathered, or write the file."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self._told
        elif self.path is not None and self._lost:
            self._line = (
                f"{self.path}: not written, since a worker died: what its tests played is not known"
            )
        elif self.path is not None and self._told:
            self._line = self._write(self.path)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell where it was written."""
        if self._line:
            terminalreporter.write_line(f"mockserver: {self._line}")

    def _write(self, path: Path) -> str:
        from mockserver.store import usage as files
        from mockserver.upkeep import usage as usages

        told = usages.merged(map(usages.of_facts, self._told))
        try:
            files.add(path, told)
        except MockServerError as error:
            return f"usage not written: {error}"
        return f"usage of {len(told)} cassettes added to {path}"
