"""Conversations that `--extend` records although the cassette holds them: they are dropped at the end."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from mockserver.cassette.model import Exchange, Policy
from mockserver.cassette.yaml_codec import dump_exchange
from mockserver.conversations.conversation_index import find_repeated
from mockserver.store.cassette_file import CassetteFile
from mockserver.store.cassette_writer import CassetteWriter, WriteMode
from tests.conversations.scenes import Script, exchange
from tests.store.documents import HEADER

HI, MORE, OTHER = ("hi", "hello"), ("more", "yes"), ("other", "no")
STATELESS = exchange("POST", "/runs/wait", {"assistant_id": "agent"}, {"n": 1})


def record(path: Path, mode: WriteMode, exchanges: Iterable[Exchange]) -> list[str]:
    """Record *exchanges* into *path*; return what is reported."""
    lines: list[str] = []
    writer = CassetteWriter(path, mode, lambda: HEADER, lines.append, find_repeated)
    for number, one in enumerate(exchanges):
        writer.append(number, dump_exchange(one).encode())
    writer.close()
    return lines


def requests(path: Path) -> list[tuple[str, str]]:
    file = CassetteFile(path, path.name, Policy(), 1 << 20)
    return [(one.method, one.path) for one in map(file.load_request, file.cassette.entries)]


def paths(*scripts: Script) -> list[tuple[str, str]]:
    return [
        (one.request.method, one.request.path) for script in scripts for one in script.exchanges()
    ]


@pytest.mark.parametrize(
    ("turns", "count"),
    [
        pytest.param((HI, MORE), 0, id="the same"),
        pytest.param((HI,), 0, id="a part of it"),
        pytest.param((("hi", "good day"), MORE), 0, id="other answers"),
        pytest.param((HI, MORE, OTHER), 1, id="one more turn"),
        pytest.param((OTHER,), 1, id="another question"),
    ],
)
@pytest.mark.parametrize("names_thread", [False, True])
def test_a_conversation_that_was_recorded_before_is_dropped(
    tmp_path: Path, turns: tuple[tuple[str, str], ...], count: int, names_thread: bool
) -> None:
    path = tmp_path / "chat.yaml"
    first = Script(1, (HI, MORE), names_thread=names_thread)
    second = Script(2, turns, names_thread=names_thread)
    record(path, WriteMode.NEW, first.exchanges())
    before = path.read_bytes()

    lines = record(path, WriteMode.EXTEND, [*second.exchanges(), STATELESS])

    assert path.read_bytes().startswith(before)
    expected = paths(first, second) if count else paths(first)
    assert requests(path) == [*expected, ("POST", "/runs/wait")]
    dropped = [] if count else [
        f"{path}: kept 0 new conversations, dropped 1 that was recorded before; --overwrite renews them"
    ]  # fmt: skip
    assert lines == dropped


def test_new_conversations_next_to_known_ones_are_saved(tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    known = [Script(1, (HI, MORE)), Script(2, (OTHER,))]
    record(path, WriteMode.NEW, [one for script in known for one in script.exchanges()])
    again = [Script(3, (HI, MORE)), Script(4, (MORE,)), Script(5, (OTHER,))]

    lines = record(path, WriteMode.EXTEND, [one for script in again for one in script.exchanges()])

    assert requests(path) == paths(*known, again[1])
    assert lines == [
        f"{path}: kept 1 new conversation, dropped 2 that were recorded before; --overwrite renews them"
    ]


def test_a_copy_that_a_new_conversation_needs_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    record(path, WriteMode.NEW, Script(1, (HI,)).exchanges())
    origin, copied = Script(2, (HI,)), Script(3, (MORE,))
    copy = exchange("POST", f"/threads/{origin.thread}/copy", None, {"thread_id": copied.thread})
    _, *turns = copied.exchanges()

    record(path, WriteMode.EXTEND, [*origin.exchanges(), copy, *turns])

    assert ("POST", f"/threads/{origin.thread}/copy") in requests(path)


def test_a_recording_that_repeats_itself_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    twice = [Script(1, (HI,)), Script(2, (HI,))]

    assert record(path, WriteMode.NEW, [one for s in twice for one in s.exchanges()]) == []
    assert requests(path) == paths(*twice)
