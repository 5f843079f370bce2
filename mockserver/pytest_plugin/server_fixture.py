"""The server of one test: what it plays, what it records, and whether the test may pass."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import pytest

from mockserver.cassette.file_names import SETTINGS_FILE
from mockserver.errors import MockServerError, StorageError, UsageError
from mockserver.formats.wording import pluralize
from mockserver.http.messages import Source
from mockserver.pytest_plugin import marker
from mockserver.pytest_plugin.options import Choices
from mockserver.pytest_plugin.outcomes import Outcomes
from mockserver.pytest_plugin.staged_cassette import Draft
from mockserver.pytest_plugin.usage import Played
from mockserver.server.journal import Call
from mockserver.server.mock_server import MockServer


class Stand:
    """Runs the server of the test *item* from entry to exit; what it recorded is thrown away unless `keep` comes at its `ending`."""

    def __init__(
        self, item: pytest.Item, choices: Choices, outcomes: Outcomes, played: Played
    ) -> None:
        outcomes.begin(item)
        self._item = item
        self._choices = choices
        self._outcomes = outcomes
        self._played = played
        self._faults: list[Call] = []
        self._draft: Draft | None = None
        self._ending = False
        self._unsaid = ""
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
            self._clear()
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
        trouble = ""
        if self._played.path is not None and self._draft is None:
            passed = self._outcomes.passed(self._item)
            self._played.add(self._item, self._server.usage(), passed=passed)
        try:
            self._server.__exit__(kind, error, trace)
        except MockServerError as raised:
            trouble = f"not recorded: {raised}"
        if not self._ending:
            # The run was broken off: there is no test left to fail.
            self._clear()
            return
        if trouble:
            _refuse(trouble)
        self.fail_for_faults()
        if self._outcomes.skipped(self._item) and self._unsaid:
            _refuse(self._unsaid)
        unplayed = self._server.unplayed
        if unplayed and self._choices.fail_on_unplayed and self._outcomes.passed(self._item):
            _refuse(f"{self._shown}: never played: {', '.join(unplayed)}")

    def fail_for_faults(self) -> None:
        """Fail the test if a request was missed, or could not be answered, since this was last asked."""
        words = self._words()
        if words and _is_unittest(self._item):
            # It may have failed, or been skipped, by itself, which comes to light later and in the place of what we say.
            self._item.add_report_section("call", "mockserver", words)
            self._unsaid = words
            _refuse(words.partition("\n")[0])
        if words:
            _refuse(words)

    def report_faults(self) -> None:
        """Add them to the report of the test, which fails by itself."""
        if words := self._words():
            self._item.add_report_section("call", "mockserver", words)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """The end of the test, in which it can still fail; a test whose fixtures are left behind has none."""
        self._ending = True
        try:
            yield
        finally:
            self._clear()

    def keep(self) -> str | None:
        """Put what was recorded in its place, if all of the test went well; return what to say of it, None if it was nothing."""
        if self._draft is None or not self._server.recorded:
            return None
        if not self._outcomes.passed(self._item):
            return f"not kept, since its test did not pass: {self._shown}"
        try:
            self._draft.keep()
        except StorageError as error:
            _refuse(f"{self._shown} {error}")
        return f"recorded {self._shown}"

    def _clear(self) -> None:
        if self._draft is not None:
            self._draft.clear()

    @property
    def _shown(self) -> str:
        return ", ".join(map(self._told, self._marked.paths))

    def _told(self, path: Path) -> str:
        return os.path.relpath(path, self._item.config.invocation_params.dir)

    def _cassettes(self) -> tuple[Path, ...]:
        """Return what the server plays, or records into; UsageError where the marker names what is not there."""
        target = self._marked.target
        if self._choices.record != "none" and target is not None:
            anew = self._choices.record == "all" and not self._outcomes.recorded(target)
            self._draft = Draft(target, anew=anew)
            return (self._draft.file,)
        for path in self._marked.paths:
            if self._marked.named and not path.exists():
                places = f"{self._told(path)}, nor is it beside the test"
                raise UsageError(f"there is no {places}{self._way()}")
        return tuple(path for path in self._marked.paths if path.exists())

    def _recording(self) -> dict[str, Any]:
        if self._draft is None:
            return {}
        choices = self._choices
        return {"upstream": choices.upstream, "upstream_headers": dict(choices.upstream_headers)}

    def _settings(self) -> Path:
        """Return the settings in pytest's root folder; those in the working directory are not for its tests."""
        path = self._item.config.rootpath / SETTINGS_FILE
        return path if path.exists() else Path(os.devnull)

    def _words(self) -> str:
        """Return what is to be said about the faults that were not yet told; empty if there are none."""
        # The server's thread may add to them meanwhile.
        faults = [self._faults.pop(0) for _ in range(len(self._faults))]
        allowed = (Source.MISS,) if self._marked.allow_misses else ()
        told = [fault for fault in faults if fault.source not in allowed]
        if not told:
            return ""
        missed = any(fault.source is Source.MISS for fault in told)
        lines = [f"mockserver could not answer {pluralize(len(told), 'request')}", *map(str, told)]
        target = self._marked.target
        if missed and target is not None and self._draft is None:
            state = "" if target.exists() else " is not there"
            lines.append(f"{self._shown}{state}{self._way()}")
        return "\n".join(lines)

    def _way(self) -> str:
        """Return how to record what is missing, if the test can."""
        if self._marked.target is None:
            return ""
        test = f"{self._told(self._item.path)}::{self._item.nodeid.partition('::')[2]}"
        command = "pytest --mockserver-record=new --mockserver-upstream=URL"
        return f": record what is missing by {command} {shlex.quote(test)}"


def _refuse(why: str) -> NoReturn:
    raise pytest.fail.Exception(why, pytrace=False) from None


def _is_unittest(item: pytest.Item) -> bool:
    unittest = sys.modules.get("unittest")
    kind = getattr(item, "cls", None)
    return bool(unittest and isinstance(kind, type) and issubclass(kind, unittest.TestCase))
