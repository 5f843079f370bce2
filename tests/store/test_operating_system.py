"""What a system without POSIX lacks is not needed: serve, replay, record, the tools and the plugin work without it.

The names are taken away before mockserver is imported. What only Windows itself shows, such as that an open file cannot be replaced, is not
tested.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.processes import Mockserver, running
from tests.replaying import RUN, cassette

WITHOUT_POSIX = """
import asyncio, os, sys

for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("pread", "fchmod", "fdatasync", "fork", "getuid", "O_CLOEXEC", "O_NONBLOCK"):
    delattr(os, name)


class Msvcrt:
    LK_NBLCK = 2
    locked = []

    @classmethod
    def locking(cls, descriptor, mode, size):
        cls.locked.append(os.lseek(descriptor, 0, os.SEEK_CUR))


def add_signal_handler(self, *arguments):
    raise NotImplementedError


sys.modules["msvcrt"] = Msvcrt
asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler = add_signal_handler
"""
"""Removes what Windows does not have. Its locks are replaced by a list of the locked positions."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables with which Python runs WITHOUT_POSIX when it starts."""
    folder = tmp_path / "without-posix"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT_POSIX)
    paths = [str(folder), str(Path(__file__).parents[2])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def ask(server: Mockserver) -> object:
    request = Request(f"{server.url}/runs/wait", json.dumps(RUN).encode())
    with urlopen(request, timeout=30) as response:
        return json.load(response)


@pytest.mark.slow
def test_a_recording_is_replayed(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "old.yaml").write_text(cassette(("hi", "one")))
    with running("replay", "old.yaml", folder=tmp_path) as upstream:
        options = ["record", "new.yaml", "--upstream", upstream.url]
        with running(*options, folder=tmp_path, environment=environment) as recorder:
            assert ask(recorder) == {"answer": "one"}
            assert recorder.stop(signal.SIGINT) == 0

    options = ["replay", "new.yaml", "--usage", "usage.json"]
    with running(*options, folder=tmp_path, environment=environment) as server:
        assert ask(server) == {"answer": "one"}
        assert server.stop(signal.SIGTERM) == 0
    assert '"new.yaml"' in (tmp_path / "usage.json").read_text()


def test_the_fake_graph_serves(tmp_path: Path, environment: dict[str, str]) -> None:
    with running("serve", folder=tmp_path, environment=environment) as server:
        assert '"content": "hi"' in json.dumps(ask(server))


TOOLS = """
import sys
from mockserver.cli import main

for line in ("ls chat.yaml", "lint chat.yaml", "fmt chat.yaml", "merge chat.yaml --into all.yaml"):
    sys.argv = ["mockserver", *line.split()]
    try:
        main()
        status = 0
    except SystemExit as ended:
        status = ended.code
    print("exit status", status, "of", line)
"""


def test_the_tools_work(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one")))

    ended = subprocess.run(
        [sys.executable, "-c", TOOLS],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    assert [line for line in ended.stdout.splitlines() if line.startswith("exit status")] == [
        "exit status 0 of ls chat.yaml",
        "exit status 0 of lint chat.yaml",
        "exit status 0 of fmt chat.yaml",
        "exit status 0 of merge chat.yaml --into all.yaml",
    ]
    assert "/runs/wait" in ended.stdout
    assert (tmp_path / "all.yaml").is_file()


@pytest.mark.slow
def test_the_plugin_records_and_replays(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "old.yaml").write_text(cassette(("hi", "one")))
    (tmp_path / "test_it.py").write_text(
        "import json\nfrom urllib.request import urlopen\n\n\n"
        "def test_it(mock_server):\n"
        f"    with urlopen(mock_server.url + '/runs/wait', {json.dumps(RUN).encode()!r}) as response:\n"
        "        assert json.load(response) == {'answer': 'one'}\n"
    )
    plugins = ["no:cacheprovider", "mockserver.pytest_plugin"]
    pytest_command = [
        sys.executable,
        "-m",
        "pytest",
        *(f"-p{name}" for name in plugins),
        "test_it.py",
    ]
    variables = {**os.environ, **environment, "CI": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with running("replay", "old.yaml", folder=tmp_path) as upstream:
        record = ["--mockserver-record=new", f"--mockserver-upstream={upstream.url}"]
        for options in (record, []):
            ended = subprocess.run(
                [*pytest_command, *options],
                cwd=tmp_path,
                env=variables,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert ended.returncode == 0, ended.stdout

    assert (tmp_path / "cassettes" / "test_it" / "test_it.yaml").is_file()
