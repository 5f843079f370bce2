"""What a run has played, written to a file at its end for `mockserver prune`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import MockServerError

_OUTPUT = "mockserver-usage"
FIXTURE = "mock_server"


class Played:
    """A plugin that gathers what tests have played, of the workers of pytest-xdist too, for the file *path*, if there is one.

    The cassettes of a test that did not pass, or did not run, are told to be known too little.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._expected: dict[str, list[str]] = {}
        self._told: dict[str, Any] = {}
        self._lost = False
        self._line = ""

    def add(self, item: pytest.Item, usage: dict[str, Any], *, passed: bool) -> None:
        """Take the *usage* of the test *item*, which has *passed* or not."""
        if passed:
            self._told[item.nodeid] = usage

    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        """Take note of the cassettes that will be played."""
        self._expect(items)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Take note of those of tests that were deselected."""
        self._expect(items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker has gathered; one that died has told nothing."""
        output = getattr(node, "workeroutput", None)
        if output is None:
            self._lost = True
        elif _OUTPUT in output:
            expected, told = output[_OUTPUT]
            self._expected |= expected
            self._told |= told

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what a worker has gathered, or write the file."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = (self._expected, self._told)
        elif self.path is not None and self._expected and _is_part(session.config):
            self._line = (
                f"{self.path}: not written, since single tests were named: the others may play more"
            )
        elif self.path is not None and self._lost:
            self._line = (
                f"{self.path}: not written, since a worker died: what its tests played is not known"
            )
        elif self.path is not None and self._expected:
            self._line = self._write(self.path)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell where it was written."""
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
                    continue  # the test will fail by itself
                self._expected[item.nodeid] = [str(path) for path in paths]

    def _write(self, path: Path) -> str:
        from mockserver.formats.wording import pluralize
        from mockserver.matching import usage
        from mockserver.matching.usage import Plays
        from mockserver.store import discovery as files
        from mockserver.store import usage as stored

        missing = [
            path
            for test, paths in self._expected.items()
            if test not in self._told
            for path in paths
        ]
        there = [Path(one) for one in missing if Path(one).exists()]
        unknown = {
            stored.display_path(file): Plays(unfinished=True)
            for file, _ in files.find_files(there).values()
        }
        told = usage.merge_usages([*map(usage.from_json, self._told.values()), unknown])
        try:
            stored.add_usage(path, told)
        except MockServerError as error:
            return f"usage not written: {error}"
        return f"usage of {pluralize(len(told), 'cassette')} added to {path}"


def _is_part(config: pytest.Config) -> bool:
    """Tell whether single tests were named, so that those around them are not even collected."""
    return any("::" in argument for argument in config.args)
