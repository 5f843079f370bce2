"""Run `mockserver` in forks of a process that has already imported it.

Starting the interpreter and importing take most of the time of a short command. A fork has its own arguments, environment, files, signals,
limits and exit status. Variables that the interpreter reads when it starts, such as PYTHONHASHSEED, have no effect.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "importlib.metadata",
        "importlib.resources.readers",
        "tests.forks",
        "mockserver.cli.diff_verify",
        "mockserver.cli.import_",
        "mockserver.cli.lint_fmt",
        "mockserver.cli.ls_show",
        "mockserver.cli.merge_prune",
        "mockserver.cli.record",
        "mockserver.cli.schema",
        "mockserver.cli.script",
        "mockserver.cli.scrub_substitute",
        "mockserver.cli.serve_replay",
        "mockserver.cli.serving",
        "mockserver.cli.show_html",
        "mockserver.cli.verification",
        "mockserver.fake.api.routes",
        "mockserver.server.client_command",
        "mockserver.server.responders.fake",
        "mockserver.server.responders.record",
        "tests.preload",
    ]
)


class Fork:
    """A running `mockserver`, with the methods of `subprocess.Popen` that the tests use."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdout: IO[str],
        stderr: IO[str],
    ) -> None:
        files = (_duplicate(stdout), _duplicate(stderr))
        self._process = _CONTEXT.Process(
            target=_run, args=(list(arguments), str(folder), dict(environment), files)
        )
        self._process.start()
        for file in files:
            file.close()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("mockserver", timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send the signal *number*."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _duplicate(file: IO[str]) -> Connection:
    """Return a copy of *file* that can be sent to another process."""
    return Connection(os.dup(file.fileno()), readable=False)


def _run(
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    files: tuple[Connection, Connection],
) -> None:
    """Become `mockserver`: only the three standard files are open."""
    for number, file in enumerate(files, 1):
        os.dup2(file.fileno(), number)
        file.close()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["mockserver", *arguments]
    from mockserver.cli import main

    try:
        main()
    finally:
        try:
            sys.stderr.flush()
        except OSError:
            # The interpreter ignores this too: the exit status of a process whose disk is full stays.
            sys.stderr = None
