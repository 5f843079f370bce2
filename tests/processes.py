"""mockserver as people run it: a process with a ready line, a stop and an exit status."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY = re.compile(r"mockserver (?:serve|replay|record) on (http://\S+), .+\n")
STOP_WITHIN = 20.0


class Mockserver:
    """A running `mockserver …`; *url* is where it answers, *errors* the file its stderr goes to."""

    def __init__(self, process: subprocess.Popen[str], url: str, ready: str, errors: Path) -> None:
        self.process = process
        self.url = url
        self.ready = ready
        self._errors = errors

    @property
    def errors(self) -> str:
        """What it has written to stderr so far."""
        return self._errors.read_text()

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send the signal *number*, wait for the end and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_WITHIN)


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of `mockserver` with *arguments*."""
    return [sys.executable, "-m", "mockserver", *map(str, arguments)]


@contextmanager
def running(
    *arguments: str | Path, folder: Path, environment: dict[str, str] | None = None
) -> Iterator[Mockserver]:
    """Run `mockserver` with *arguments* on a free port, in *folder*, until the block ends."""
    errors = folder / f"stderr-{len(list(folder.glob('stderr-*')))}"
    with errors.open("w") as log:
        process = subprocess.Popen(
            command(*arguments, "--port", "0"),
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        ready = process.stdout.readline()
        found = READY.fullmatch(ready)
        assert found, f"no ready line but {ready!r}: {errors.read_text()}"
        yield Mockserver(process, found[1], ready, errors)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(STOP_WITHIN)
        process.stdout.close()


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `mockserver` with *arguments* in *folder* to its end."""
    return subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


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
