"""A real Agent Server on loopback, running the graphs of tests/agent."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import urlopen

GRAPHS = Path(__file__).with_name("agent")
START_WITHIN = 90.0
STOP_WITHIN = 10.0

# A developer's keys would make it call home, and coverage would measure it.
NOT_INHERITED = ("LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_", "COVERAGE_")
ENVIRONMENT = {
    "BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS": "1",
    "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    "LANGSMITH_TRACING": "false",
}


class AgentServer:
    """Runs from entry to exit; in between it answers at *url*."""

    url: str
    _process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="agentserver-")
        home = Path(self._folder.name)
        self._log = home / "log"
        # The server leaves files beside its langgraph.json: it gets a copy.
        copy = shutil.copytree(
            GRAPHS, home / "graphs", ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command(port),
                cwd=copy,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _wait_until_ready(self) -> None:
        give_up = time.monotonic() + START_WITHIN
        while not self._is_ready():
            ended = self._process.poll() is not None
            # It would take another port, and whoever has ours would answer us.
            evicted = "already in use" in self._said()
            if ended or evicted or time.monotonic() > give_up:
                tail = self._said()[-4000:]
                raise RuntimeError(f"no Agent Server at {self.url}, its log:\n{tail}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        paths = ("/ok", "/info")
        return self.url in self._said() and all(answers(self.url + p) for p in paths)

    def _said(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def _stop(self) -> None:
        """End the server and all it started, first asking, then killing."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, sign)
                self._process.wait(STOP_WITHIN)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()
        self._folder.cleanup()


def command(port: int) -> list[str]:
    options = "--no-browser --no-reload --host 127.0.0.1 --n-jobs-per-worker 40"
    run = [sys.executable, "-m", "langgraph_cli", "dev"]
    return [*run, *options.split(), "--port", str(port)]


def environment() -> dict[str, str]:
    inherited = os.environ.items()
    passed_on = {name: v for name, v in inherited if not name.startswith(NOT_INHERITED)}
    return passed_on | ENVIRONMENT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False
