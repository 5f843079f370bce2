"""One server for a whole run of pytest; a miss fails the test in which it happened."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from mockserver.cassette.file_names import SETTINGS_FILE
from mockserver.errors import MockServerError
from mockserver.pytest_plugin.server_fixture import describe_problems, take_problems
from mockserver.server.call import Call
from mockserver.server.mock_server import MockServer


class SharedServer:
    """Runs *server* from entry to exit: by default with the cassettes in `cassettes` in pytest's root folder.

    *options* are arguments of MockServer; `cassettes` lists files and folders, relative to *root*.
    """

    def __init__(self, root: Path, options: Mapping[str, Any]) -> None:
        self._problems: list[Call] = []
        arguments = dict(options)
        settings = root / SETTINGS_FILE
        try:
            self.server = MockServer(
                *(root / path for path in arguments.pop("cassettes", ("cassettes",))),
                **{
                    "config": settings if settings.exists() else os.devnull,
                    "on_problem": self._problems.append,
                    **arguments,
                },
            )
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
        problems = take_problems(self._problems)
        return describe_problems(problems) if problems else ""
