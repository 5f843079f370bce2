"""Run the server of one test, or of a whole run of pytest: save the recording, and fail the test for misses."""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, Self
from unittest import TestCase

import pytest

from mockserver.errors import MockServerError, UsageError
from mockserver.pytest_plugin import marker
from mockserver.pytest_plugin.options import PluginOptions
from mockserver.pytest_plugin.outcomes import Outcomes
from mockserver.pytest_plugin.report import Report
from mockserver.pytest_plugin.staged_cassette import StagedCassette
from mockserver.server import settings
from mockserver.server.call import Call, describe_problems
from mockserver.server.mock_server import MockServer


class ServerFixture:
    """Runs the server of the test *item* from entry to exit; its recording is discarded unless `save` is called within `ending`."""

    def __init__(
        self, item: pytest.Item, options: PluginOptions, outcomes: Outcomes, report: Report
    ) -> None:
        outcomes.forget(item)
        self._item = item
        self._options = options
        self._outcomes = outcomes
        self._report = report
        self._problems: list[Call] = []
        self._staged: StagedCassette | None = None
        self._is_ending = False
        self._unittest_message = ""
        try:
            self._marker = marker.read(item)
            paths = self._find_cassettes()
            self._server = MockServer(
                *paths,
                **self._marker.server_options,
                upstream=options.upstream if self._staged else None,
                upstream_headers=options.upstream_headers if self._staged else None,
                config=settings.find_file(item.config.rootpath),
                on_problem=self._problems.append,
            )
        except (MockServerError, TypeError) as error:
            self._discard()
            _fail(f"@pytest.mark.{marker.NAME}: {error}")

    def __enter__(self) -> MockServer:
        """Start the server; fail the test with one line if it cannot start."""
        try:
            return self._server.__enter__()
        except MockServerError as error:
            _fail(str(error))

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Stop the server, and fail the test for problems that are known only now."""
        passed = self._outcomes.has_passed(self._item)
        if passed and self._options.usage is not None and self._staged is None:
            self._report.add_usage(self._item, self._server.usage())
        storage_error = ""
        try:
            self._server.__exit__(kind, *error)
        except MockServerError as raised:
            storage_error = f"not recorded: {raised}"
        if not self._is_ending:
            # The run was interrupted: there is no test to fail.
            self._discard()
            return
        if storage_error:
            _fail(storage_error)
        self.report_problems(fail=True)
        if self._outcomes.is_skipped(self._item) and self._unittest_message:
            _fail(self._unittest_message)
        unplayed = self._server.unplayed
        if unplayed and passed and self._options.fail_on_unplayed:
            _fail(f"{self._display_names}: never played: {', '.join(unplayed)}")

    def report_problems(self, *, fail: bool) -> None:
        """Report the misses and errors since the last call, if any: *fail* the test, or add them to the report of its failure."""
        message = self._take_message()
        if not message:
            return
        if fail and not _is_unittest(self._item):
            _fail(message)
        self._item.add_report_section("call", "mockserver", message)
        if fail:
            # unittest reports its own failure or skip later, in place of our message.
            self._unittest_message = message
            _fail(message.partition("\n")[0])

    @contextmanager
    def ending(self) -> Iterator[None]:
        """The teardown of the test, in which it can still fail; an interrupted test has no teardown."""
        self._is_ending = True
        try:
            yield
        finally:
            self._discard()

    def save(self) -> None:
        """Save the recording, if there is one and the test passed."""
        if self._staged is None or not self._server.recorded:
            return
        if self._outcomes.has_passed(self._item):
            try:
                self._staged.save()
            except MockServerError as error:
                _fail(f"{self._display_names} {error}")
            self._report.add_recording(f"recorded {self._display_names}")
        else:
            self._report.add_recording(
                f"not saved, since its test did not pass: {self._display_names}"
            )

    def _discard(self) -> None:
        if self._staged is not None:
            self._staged.discard()

    @property
    def _display_names(self) -> str:
        return ", ".join(map(self._display, self._marker.paths))

    def _display(self, path: Path) -> str:
        return os.path.relpath(path, self._item.config.invocation_params.dir)

    def _find_cassettes(self) -> tuple[Path, ...]:
        """Return the cassettes to replay or record into; raise UsageError if the marker names one that does not exist."""
        target = self._marker.target
        if self._options.record != "none" and target is not None:
            is_replaced = self._options.record == "all" and not self._outcomes.was_recorded(target)
            self._staged = StagedCassette(target, replace=is_replaced)
            return (self._staged.file,)
        for path in self._marker.paths:
            if self._marker.has_names and not path.exists():
                raise UsageError(
                    f"{self._display(path)} does not exist, nor does a file of this name next to the test{self._record_hint()}"
                )
        return tuple(path for path in self._marker.paths if path.exists())

    def _take_message(self) -> str:
        """Return a message about the misses and errors since the last call; empty if there are none."""
        problems = _take_all(self._problems)
        if self._marker.allow_misses:
            problems = [problem for problem in problems if not problem.is_miss]
        message = describe_problems(problems)
        target = self._marker.target
        if any(problem.is_miss for problem in problems) and target and self._staged is None:
            state = "" if target.exists() else " does not exist"
            message += f"\n{self._display_names}{state}{self._record_hint()}"
        return message

    def _record_hint(self) -> str:
        """Return how to record the missing exchanges; empty if the test cannot record."""
        if self._marker.target is None:
            return ""
        test = f"{self._display(self._item.path)}::{self._item.nodeid.partition('::')[2]}"
        command = "pytest --mockserver-record=new --mockserver-upstream=URL"
        return f": record the missing exchanges with {command} {shlex.quote(test)}"


class SharedServer:
    """Runs *server* from entry to exit: by default with the cassettes in `cassettes` in pytest's root folder.

    *options* are arguments of MockServer; `cassettes` lists files and folders, relative to *root*.
    """

    def __init__(self, root: Path, options: Mapping[str, Any]) -> None:
        self._problems: list[Call] = []
        defaults = {"config": settings.find_file(root), "on_problem": self._problems.append}
        arguments = {**defaults, **options}
        try:
            paths = [root / path for path in arguments.pop("cassettes", ("cassettes",))]
            self.server = MockServer(*paths, **arguments)
        except (MockServerError, TypeError) as error:
            raise pytest.UsageError(f"shared_mock_server_options: {error}") from None

    def __enter__(self) -> Self:
        """Start the server; raise pytest.UsageError if it cannot start."""
        try:
            self.server.__enter__()
        except MockServerError as error:
            raise pytest.UsageError(f"shared_mock_server: {error}") from None
        return self

    def __exit__(self, *error: Any) -> None:
        self.server.__exit__(*error)

    def take_message(self) -> str:
        """Return a message about the misses and errors since the last call; empty if there are none."""
        return describe_problems(_take_all(self._problems))


def _take_all(problems: list[Call]) -> list[Call]:
    """Remove the calls from *problems*, to which the server's thread may append meanwhile, and return them."""
    return [problems.pop(0) for _ in range(len(problems))]


def _fail(message: str) -> NoReturn:
    raise pytest.fail.Exception(message, pytrace=False) from None


def _is_unittest(item: pytest.Item) -> bool:
    kind = getattr(item, "cls", None)
    return isinstance(kind, type) and issubclass(kind, TestCase)
