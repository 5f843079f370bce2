"""mockserver as people run it: a process with a ready line, a stop and an exit status."""

import gc
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import IO

import click
import pytest

from mockserver.cli import cli, main
from tests.forks import Fork

READY = re.compile(r"mockserver (?:serve|replay|record) on (http://\S+), .+\n")
PAGE = re.compile(r"^page: http://\S+/__mockserver__/\n", re.MULTILINE)
STOP_WITHIN = 60.0
RUN_WITHIN = 60.0


class Mockserver:
    """A running `mockserver …`; *url* is where it answers, *errors* the file its stderr goes to."""

    def __init__(
        self, process: subprocess.Popen[bytes] | Fork, url: str, ready: str, errors: Path
    ) -> None:
        self.process = process
        self.url = url
        self.ready = ready
        self._errors = errors

    @property
    def errors(self) -> str:
        """What it has written to stderr so far, after the line that names the page."""
        return PAGE.sub("", self._errors.read_text(), count=1)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send the signal *number*, wait for the end and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_WITHIN)


COMMANDS = list(cli.commands)


def click_command(name: str) -> click.Command:
    """Return the command `mockserver NAME`."""
    _, found, _ = cli.resolve_command(click.Context(cli), [name])
    assert found is not None
    return found


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of `mockserver` with *arguments*."""
    return [sys.executable, "-m", "mockserver", *map(str, arguments)]


@contextmanager
def running(
    *arguments: str | Path, folder: Path, environment: dict[str, str] | None = None
) -> Iterator[Mockserver]:
    """Run `mockserver` with *arguments* on a free port, in *folder*, until the block ends.

    Variables of Python in *environment* need a new interpreter; otherwise it runs in a `Fork`, which starts faster.
    """
    variables = {**os.environ, **(environment or {})}
    errors = folder / f"stderr-{len(list(folder.glob('stderr-*')))}"
    process: subprocess.Popen[bytes] | Fork
    reader, writer = os.pipe()
    with errors.open("w") as log, os.fdopen(writer, "w") as out, os.fdopen(reader) as shown:
        if any(name.startswith("PYTHON") for name in environment or ()):
            process = subprocess.Popen(
                command(*arguments, "--port", "0"),
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
            )
        else:
            texts = [*map(str, arguments), "--port", "0"]
            process = Fork(texts, folder, variables, out, log)
        out.close()
        try:
            ready = shown.readline()
            found = READY.fullmatch(ready)
            assert found, f"no ready line but {ready!r}: {errors.read_text()}"
            yield Mockserver(process, found[1], ready, errors)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(STOP_WITHIN)


TOOLS = (
    "ls",
    "show",
    "schema",
    "lint",
    "fmt",
    "diff",
    "scrub",
    "substitute",
    "prune",
    "merge",
    "import",
)
"""The commands that only read and write files."""


def run(
    *arguments: str | Path, folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `mockserver` with *arguments* in *folder* to its end: one of the TOOLS in this process, other commands in a `Fork`."""
    texts = [*map(str, arguments)]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        if texts and texts[0] in TOOLS and not environment:
            status = _run_here(texts, folder, out, errors)
        else:
            status = _run_in_fork(texts, folder, {**os.environ, **(environment or {})}, out, errors)
        out.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(texts, status, out.read(), errors.read())


def _run_here(texts: list[str], folder: Path, out: IO[str], errors: IO[str]) -> int:
    """Return the exit status of `main`, which saves three quarters of the time of a fork."""
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(errors),
        pytest.raises(SystemExit) as ended,
    ):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["mockserver", *texts])
        try:
            main()
        finally:
            gc.enable()
        sys.exit(0)
    return ended.value.code if isinstance(ended.value.code, int) else 0


def _run_in_fork(
    texts: list[str], folder: Path, environment: dict[str, str], out: IO[str], errors: IO[str]
) -> int:
    process = Fork(texts, folder, environment, out, errors)
    try:
        return process.wait(RUN_WITHIN)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def on_a_terminal(arguments: list[str], folder: Path) -> str:
    """Return what *arguments* print on a terminal of 80 columns."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80"}
    process = subprocess.Popen(
        arguments, cwd=folder, stdin=follower, stdout=follower, stderr=follower, env=environment
    )
    os.close(follower)
    shown = b""
    try:
        while block := os.read(leader, 1 << 16):
            shown += block
    except OSError:
        pass  # the other side of a terminal is closed
    os.close(leader)
    process.wait()
    return shown.decode().replace("\r\n", "\n")
