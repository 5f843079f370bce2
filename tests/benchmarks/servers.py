"""The servers under measurement, each a process of its own, pinned to one core where possible."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_STOP_WITHIN = 60.0
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class Server:
    """A running server that answers at *host* and *port*; it was ready after *seconds*."""

    host = "127.0.0.1"

    def __init__(self, process: subprocess.Popen[str], port: int, seconds: float) -> None:
        self.process = process
        self.port = port
        self.url = f"http://{self.host}:{port}"
        self.seconds = seconds

    @property
    def resident(self) -> float:
        """Return how many MB of memory it takes."""
        listed = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, check=True
        )
        return int(listed.stdout) / 1024

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
    command: Sequence[str],
    *,
    folder: Path | None = None,
    core: int = 0,
    ready: str = r" on http://127\.0\.0\.1:(\d+),",
) -> Iterator[Server]:
    """Run the server *command*, which says on stdout that it is *ready*: a pattern whose group is its port."""
    free = _ALL_CORES
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=None if free else lambda: keep_to(core),
    )
    assert process.stdout is not None
    try:
        said = ""
        while not (found := re.search(ready, said)):
            said = process.stdout.readline()
            if not said:
                raise RuntimeError(f"{' '.join(command)} did not start")
        server = Server(process, int(found[1]), time.perf_counter() - started)
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
