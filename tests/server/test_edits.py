"""A cassette that is edited while it is recorded into: the edit stays, and no exchange is lost."""

import asyncio
import os
import re
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.processes import run, running
from tests.scripted import EVENTS, LAST, Client, Wire, ask, chunk, upstream


async def _answer(wire: Wire) -> None:
    """Answer with a stream that names the request; paths below /slow take a little time."""
    await wire.send(EVENTS + chunk(b"data: %b\r\n\r\n" % wire.request.path.encode()))
    if wire.request.path.startswith("/slow"):
        await asyncio.sleep(Random(wire.request.path).random() / 20)
    await wire.send(LAST)


def _save(path: Path, raw: bytes) -> None:
    path.with_name("saved").write_bytes(raw)
    path.with_name("saved").replace(path)


EDITS: dict[str, Callable[[Path], object]] = {
    "saved": lambda path: _save(path, path.read_bytes() + b"# a note\n"),
    "saved in place": lambda path: path.write_bytes(path.read_bytes().replace(b"slow", b"SLOW")),
    "shortened": lambda path: os.truncate(path, path.stat().st_size // 2),
    "emptied": lambda path: os.truncate(path, 0),
    "deleted": lambda path: path.unlink(),
}


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != "stderr-0"}


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("seed", range(2))
async def test_edits_stay_and_the_merge_command_brings_all_together(
    edit: Callable[[Path], object], seed: int, tmp_path: Path
) -> None:
    path, random = tmp_path / "chat.yaml", Random(seed)
    async with upstream(_answer) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            await ask(recorder.url, path="/first")
            pending = [asyncio.create_task(ask(recorder.url, path=f"/slow/{n}")) for n in range(20)]
            await asyncio.sleep(random.random() / 20)
            before = path.read_bytes()
            edit(path)
            edited = _content(path)
            answers = await asyncio.gather(*pending)
            await ask(recorder.url, path="/last")
            status = await asyncio.to_thread(recorder.stop, signal.SIGTERM)

    assert all(answer.whole for answer in answers)
    assert status == 2
    assert _content(path) == edited
    there = {"chat.yaml", "chat.yaml.recorded"} - ({"chat.yaml"} if edited is None else set())
    assert _names(tmp_path) == there
    beside = (tmp_path / "chat.yaml.recorded").read_bytes()
    paths = [b"/first", *(b"/slow/%d" % n for n in range(20)), b"/last"]
    for name in paths:
        mark = b"  path: %b\n" % name
        assert mark in beside or (mark in before and edit is not EDITS["deleted"])
    command = re.findall(r"`mockserver (merge .+)`", recorder.errors)[-1]
    if edit in (EDITS["saved"], EDITS["saved in place"], EDITS["deleted"]):
        assert run(*shlex.split(command), folder=tmp_path).returncode == 0
        merged = path.read_bytes().replace(b"SLOW", b"slow")
        assert all(b"  path: %b\n" % name in merged for name in paths)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
async def test_a_stop_after_an_edit_ends_and_says_what_happened(
    edit: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "chat.yaml"
    async with upstream(_answer) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            await asyncio.gather(*(ask(recorder.url, path=f"/slow/{n}") for n in range(4)))
            edit(path)
            edited = _content(path)
            status = await asyncio.to_thread(recorder.stop, signal.SIGTERM)

    assert status == 2
    assert _content(path) == edited
    assert "chat.yaml was edited during the recording: the edit stays" in recorder.errors
    assert _names(tmp_path) <= {"chat.yaml", "chat.yaml.recorded"}


async def test_a_folder_does_not_replay_what_lies_beside(tmp_path: Path) -> None:
    path = tmp_path / "all" / "chat.yaml"
    path.parent.mkdir()
    async with upstream(_answer) as server:
        with running("record", str(path), "--upstream", server.url, folder=tmp_path) as recorder:
            await ask(recorder.url, path="/a")
            EDITS["saved"](path)
            await ask(recorder.url, path="/b")
            assert await asyncio.to_thread(recorder.stop) == 2
    with running("replay", "all", "--speed", "instant", folder=tmp_path) as player:
        played = await ask(player.url, path="/a")
        missed = await ask(player.url, path="/b")

    assert (tmp_path / "all" / "chat.yaml.recorded").exists()
    assert played.header(b"x-mockserver-source") == b"cassette"
    assert missed.header(b"x-mockserver-source") == b"miss"


async def test_an_edit_between_the_events_of_a_stream_stays(tmp_path: Path) -> None:
    edited = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(EVENTS + chunk(b"data: 1\r\n\r\n"))
        await edited.wait()
        await wire.send(chunk(b"data: 2\r\n\r\n") + LAST)

    path = tmp_path / "chat.yaml"
    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask()
                await client.until(b"data: 1\r\n\r\n")
                _save(path, b"mine\n")
                edited.set()
                answer = await client.until(LAST)
            status = await asyncio.to_thread(recorder.stop)

    assert answer.endswith(LAST)
    assert status == 2
    assert path.read_bytes() == b"mine\n"
    assert b"data: |-\n      2\n" in (tmp_path / "chat.yaml.recorded").read_bytes()
