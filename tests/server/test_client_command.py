"""`mockserver replay … -- COMMAND`: the server runs while a command does."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.forks import Fork
from tests.processes import run
from tests.replaying import cassette

ASK = """
import json, os, sys, urllib.request

body = {"assistant_id": "agent", "input": {"messages": [{"role": "human", "content": sys.argv[1]}]}}
request = urllib.request.Request(os.environ["MOCKSERVER_URL"] + "/runs/wait", json.dumps(body).encode())
try:
    print(urllib.request.urlopen(request).read().decode())
except urllib.error.HTTPError as error:
    print("status", error.code)
sys.exit(int(sys.argv[2]))
"""
"""Sends the question in its first argument, prints the response and ends with the status in its second argument."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ask.py").write_text(ASK)
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one"), ("ho", "two")))
    return tmp_path


def ask(question: str, status: int) -> list[str]:
    return ["--", sys.executable, "ask.py", question, str(status)]


@pytest.mark.parametrize(
    ("question", "status", "expected"),
    [
        pytest.param("hi", 0, 0, id="both succeed"),
        pytest.param("hi", 7, 7, id="the command fails"),
        pytest.param("unknown", 0, 1, id="a miss"),
        pytest.param("unknown", 7, 7, id="the command fails after a miss"),
    ],
)
def test_replay_ends_with_the_status_of_the_command(
    folder: Path, question: str, status: int, expected: int
) -> None:
    ended = run("replay", "chat.yaml", "--port", "0", *ask(question, status), folder=folder)

    assert ended.returncode == expected
    assert ended.stdout == ('{"answer":"one"}\n' if question == "hi" else "status 404\n")
    page, ready, *_ = ended.stderr.splitlines()
    assert page.startswith("page: http://127.0.0.1:")
    assert ready.startswith("mockserver replay on http://127.0.0.1:")


def test_serve_runs_a_command(folder: Path) -> None:
    ended = run("serve", "chat.yaml", "--port", "0", *ask("unknown", 0), folder=folder)

    assert ended.returncode == 0
    assert '"content":"unknown"' in ended.stdout


def test_unplayed_exchanges_fail_if_asked(folder: Path) -> None:
    options = ["replay", "chat.yaml", "--port", "0", "--fail-on-unplayed"]

    ended = run(*options, *ask("hi", 0), folder=folder)

    assert ended.returncode == 1
    assert ended.stderr.endswith("never played: chat.yaml#2\n")


def test_a_command_that_cannot_be_run(folder: Path) -> None:
    ended = run("replay", "chat.yaml", "--port", "0", "--", "no-such-command", folder=folder)

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        "mockserver: no-such-command: cannot be run: no such file or directory"
    )


def test_a_missing_command(folder: Path) -> None:
    ended = run("replay", "chat.yaml", "--", folder=folder)

    assert ended.returncode == 2
    assert ended.stderr == "mockserver: the command after -- is missing, such as `-- npm test`\n"


WAIT = """
import signal, sys

if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, lambda *_: print("goes on", flush=True))
print("waits", flush=True)
while True:
    signal.pause()
"""


@pytest.mark.parametrize(
    ("manner", "lines", "expected"),
    [
        pytest.param("polite", [b"waits\n"], 128 + signal.SIGTERM, id="one signal asks it to end"),
        pytest.param(
            "stubborn", [b"waits\n", b"goes on\n"], 128 + signal.SIGKILL, id="the second kills it"
        ),
    ],
)
def test_a_stop_ends_the_command(
    folder: Path, manner: str, lines: list[bytes], expected: int
) -> None:
    (folder / "wait.py").write_text(WAIT)
    words = ["replay", "chat.yaml", "--port", "0", "--", sys.executable, "wait.py", manner]
    reader, writer = os.pipe()
    with Path(os.devnull).open("w") as errors, os.fdopen(reader, "rb") as shown:
        with os.fdopen(writer, "w") as out:
            server = Fork(words, folder, os.environ, out, errors)
        for line in lines:
            assert shown.readline() == line
            server.send_signal(signal.SIGTERM)
        status = server.wait(60)

    assert status == expected
