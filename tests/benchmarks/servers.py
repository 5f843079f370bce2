"""The servers under measurement, each a process of its own, kept to one core where that can be done."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

_STOP_WITHIN = 60.0
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class Server:
    """A running server that answers at *host* and *port*; it was ready after *seconds*."""

    def __init__(self, process: subprocess.Popen[str], ready: str, seconds: float) -> None:
        self.process = process
        self.url = ready.partition(" on ")[2].split(",")[0].strip()
        self.seconds = seconds
        self.host = urlsplit(self.url).hostname or ""
        self.port = urlsplit(self.url).port or 0

    @property
    def resident(self) -> float:
        """Return how many MB of memory it takes."""
        told = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, check=True
        )
        return int(told.stdout) / 1024

    def stop(self) -> None:
        """End it as a person would, and wait until it has ended."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(_STOP_WITHIN)


@contextmanager
def mockserver(*arguments: str | Path, folder: Path | None = None) -> Iterator[Server]:
    """Run `mockserver` with *arguments* on a free port, in *folder*."""
    command = [sys.executable, "-m", "mockserver", *map(str, arguments), "--port", "0"]
    with running(command, folder=folder) as server:
        yield server


@contextmanager
def baseline(name: str, *arguments: str, core: int = 0) -> Iterator[Server]:
    """Run the baseline of that *name*, on that *core*."""
    command = [sys.executable, "-m", "tests.benchmarks.baselines", name, *arguments]
    with running(command, core=core) as server:
        yield server


_ALL_CORES = False


@contextmanager
def spread_out() -> Iterator[None]:
    """Let servers run on all cores within the block."""
    global _ALL_CORES
    _ALL_CORES = True
    try:
        yield
    finally:
        _ALL_CORES = False


@contextmanager
def running(
    command: Sequence[str], *, folder: Path | None = None, core: int = 0
) -> Iterator[Server]:
    """Run the server *command*, which says on stdout when it is ready, and where."""
    free = _ALL_CORES
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=None if free else lambda: keep_to(core),
    )
    assert process.stdout is not None
    try:
        ready = process.stdout.readline()
        if " on http" not in ready:
            raise RuntimeError(f"{' '.join(command)} did not start: {ready!r}")
        server = Server(process, ready, time.perf_counter() - started)
        yield server
        server.stop()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(_STOP_WITHIN)
        process.stdout.close()


def keep_to(core: int) -> None:
    """Keep this process to one *core*, where the system can do that and has two at least."""
    if len(_CORES) > 1:
        os.sched_setaffinity(0, {_CORES[core % len(_CORES)]})
