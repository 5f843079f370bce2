"""Files that are no files, and files that a kill has left: one line each, and no command hangs."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import run, running

HELLO = "mockserver: 1\n---\nrequest: {path: /a}\nresponse: {text: hi}\n"


def _linked_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


ODD: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "link to a pipe": _linked_pipe,
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
}

COMMANDS = [
    "replay all",
    "replay all/odd.yaml",
    "replay hello.yaml --usage all/odd.yaml",
    "replay hello.yaml --config all/odd.yaml",
    "serve all",
    "serve --script all/odd.yaml",
    "record all/odd.yaml --upstream http://127.0.0.1:9",
    "record all/ --extend --upstream http://127.0.0.1:9",
    "ls all",
    "show all/odd.yaml",
    "lint all",
    "fmt all",
    "scrub all",
    "diff all/odd.yaml hello.yaml",
    "merge all --into new.yaml",
    "prune hello.yaml --usage all/odd.yaml",
    "import all/odd.yaml --into new.yaml",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "all").mkdir()
    for name in ("hello.yaml", "all/hello.yaml"):
        (tmp_path / name).write_text(HELLO)
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "command"),
    [("pipe", command) for command in COMMANDS]
    + [(kind, "replay all") for kind in ODD if kind != "pipe"],
)
def test_what_is_no_file_is_refused(kind: str, command: str, folder: Path) -> None:
    ODD[kind](folder / "all" / "odd.yaml")
    done = run(*command.split(), folder=folder)

    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if "all/odd.yaml" in line] != []
    assert "Traceback" not in done.stderr


def test_settings_that_are_no_file_are_refused(folder: Path) -> None:
    os.mkfifo(folder / "mockserver.yaml")
    done = run("replay", "hello.yaml", folder=folder)

    assert done.returncode == 2
    assert done.stderr == (
        "mockserver: mockserver.yaml: cannot be read: not a regular file: name a file, or move this one away\n"
    )


def test_the_null_device_stands_for_no_settings(folder: Path) -> None:
    with running("replay", "hello.yaml", "--config", "/dev/null", folder=folder) as player:
        assert player.ready.endswith("1 exchange in 1 cassette\n")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it is empty"),
        ("mockserver: 1\nserver: {version: 0.", "its header is incomplete"),
        ("mockserver: 1\nrecorded", "its header is incomplete"),
    ],
)
def test_a_folder_with_what_a_kill_left_is_replayed(content: str, why: str, folder: Path) -> None:
    (folder / "all" / "left.yaml").write_text(content)
    with running("replay", "all", folder=folder) as player:
        ready, errors = player.ready, player.errors
        player.stop()
    named = run("replay", "all/left.yaml", folder=folder)

    assert ready.endswith("1 exchange in 1 cassette\n")
    said = f"{why} (a recording was killed before its first exchange)"
    assert errors == f"left.yaml: skipped, {said}\n"
    assert named.returncode == 2
    assert named.stderr.startswith("mockserver: all/left.yaml")
