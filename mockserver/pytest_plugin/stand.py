"""The server of one test: what it plays, what it records, and whether the test may pass."""

import os
import shlex
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import pytest

from mockserver.cassette.filing import SETTINGS
from mockserver.errors import MockServerError, UsageError
from mockserver.journal import Call
from mockserver.messages import Source
from mockserver.pytest_plugin import marker
from mockserver.pytest_plugin.choices import Choices
from mockserver.pytest_plugin.outcomes import Outcomes
from mockserver.pytest_plugin.taping import Taping
from mockserver.server import MockServer
from mockserver.words import counted


class Stand:
    """Runs the server of the test *item* from entry to exit; what it recorded is thrown away unless `keep` comes before `clear`."""

    def __init__(self, item: pytest.Item, choices: Choices, outcomes: Outcomes) -> None:
        outcomes.begin(item)
        self._item = item
        self._choices = choices
        self._outcomes = outcomes
        self._faults: list[Call] = []
        self._taping: Taping | None = None
        try:
            self._marked = marker.read(item)
            self._server = MockServer(
                *self._cassettes(),
                **self._marked.how,
                **self._recording(),
                config=self._settings(),
                on_fault=self._faults.append,
            )
        except (MockServerError, TypeError) as error:
            self.clear()
            _refuse(f"@pytest.mark.{marker.NAME}: {error}")

    def __enter__(self) -> MockServer:
        """Start the server; the test that it cannot start for fails with one line."""
        try:
            return self._server.__enter__()
        except MockServerError as error:
            _refuse(str(error))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server, and fail for what has only come to light now."""
        try:
            self._server.__exit__(kind, error, trace)
        except MockServerError as trouble:
            _refuse(f"not recorded: {trouble}")
        self.fail_for_faults()
        unplayed = self._server.unplayed
        if unplayed and self._choices.fail_on_unplayed and self._outcomes.passed(self._item):
            _refuse(f"{self._shown}: never played: {', '.join(unplayed)}")

    def fail_for_faults(self) -> None:
        """Fail the test if a request was missed, or could not be answered, since this was last asked."""
        words = self._words()
        if words and _is_unittest(self._item):
            # It may have failed by itself, which comes to light later, and in the place of what we say.
            self._item.add_report_section("call", "mockserver", words)
            _refuse(words.partition("\n")[0])
        if words:
            _refuse(words)

    def report_faults(self) -> None:
        """Add them to the report of the test, which fails by itself."""
        if words := self._words():
            self._item.add_report_section("call", "mockserver", words)

    def keep(self) -> None:
        """Put what was recorded in its place, if all of the test went well."""
        taping = self._taping
        if taping is None or not self._outcomes.passed(self._item):
            return
        try:
            if taping.keep():
                self._outcomes.recorded.add(taping.target)
        except OSError as error:
            _refuse(f"{self._shown} cannot be written: {error.strerror}")

    def clear(self) -> None:
        """Throw away what was not kept."""
        if self._taping is not None:
            self._taping.clear()

    @property
    def _shown(self) -> str:
        return ", ".join(map(self._told, self._marked.paths))

    def _told(self, path: Path) -> str:
        return os.path.relpath(path, self._item.config.invocation_params.dir)

    def _cassettes(self) -> tuple[Path, ...]:
        """Return what the server plays, or records into; UsageError where the marker names what is not there."""
        target = self._marked.target
        if self._choices.record != "none" and target is not None:
            self._tape(target)
            assert self._taping is not None
            return (self._taping.file,)
        for path in self._marked.paths:
            if self._marked.named and not path.exists():
                raise UsageError(f"there is no {self._told(path)}: {self._way()}")
        return tuple(path for path in self._marked.paths if path.exists())

    def _tape(self, target: Path) -> None:
        outcomes = self._outcomes
        if hasattr(self._item.config, "workerinput") and outcomes.shares(target) > 1:
            raise UsageError(f"several tests record into {self._shown}: record without -n")
        anew = self._choices.record == "all" and target not in outcomes.recorded
        self._taping = Taping(target, anew=anew)

    def _recording(self) -> dict[str, Any]:
        if self._taping is None:
            return {}
        choices = self._choices
        return {"upstream": choices.upstream, "upstream_headers": dict(choices.upstream_headers)}

    def _settings(self) -> Path | None:
        path = self._item.config.rootpath / SETTINGS
        return path if path.exists() else None

    def _words(self) -> str:
        """Return what is to be said about the faults that were not yet told; empty if there are none."""
        # The server's thread may add to them meanwhile.
        faults = [self._faults.pop(0) for _ in range(len(self._faults))]
        allowed = (Source.MISS,) if self._marked.allow_misses else ()
        told = [fault for fault in faults if fault.source not in allowed]
        if not told:
            return ""
        missed = any(fault.source is Source.MISS for fault in told)
        lines = [f"mockserver could not answer {counted(len(told), 'request')}", *map(str, told)]
        if missed and self._taping is None:
            state = "" if all(path.exists() for path in self._marked.paths) else " is not there"
            lines.append(f"{self._shown}{state}: {self._way()}")
        return "\n".join(lines)

    def _way(self) -> str:
        """Return how to record what is missing."""
        return (
            "record what is missing by "
            f"pytest --mockserver-record=new --mockserver-upstream=URL {shlex.quote(self._item.nodeid)}"
        )


def _refuse(why: str) -> NoReturn:
    pytest.fail(why, pytrace=False)


def _is_unittest(item: pytest.Item) -> bool:
    unittest = sys.modules.get("unittest")
    kind = getattr(item, "cls", None)
    return bool(unittest and isinstance(kind, type) and issubclass(kind, unittest.TestCase))
