"""One file while it is recorded into: what is appended, in which order it ends, and what is refused."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockserver.cassette.model import Body, End, Exchange, Header, Response
from mockserver.errors import StorageError, UsageError
from mockserver.messages import Request
from mockserver.store.tape import Mode, Tape

HEADER = Header(recorded="2026-11-22T15:36:36Z")
HEAD = "mockserver: 1\nrecorded: 2026-11-22T15:36:36Z\n"


def exchange(path: str, text: str = "") -> Exchange:
    content = Body(text.encode())
    return Exchange(Request("POST", path), Response(200, None, (), content, End()))


def document(path: str) -> str:
    return f"""\
---
request:
  method: POST
  path: {path}
response:
  status: 200
  headers: {{}}
  end: {{after: 0, how: closed}}
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def tape(tmp_path: Path, said: list[str]) -> Callable[[Mode], Tape]:
    return lambda mode: Tape(tmp_path / "chat.yaml", mode, lambda: HEADER, said.append)


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Let this process write no file beyond *size* bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_exchange_is_in_the_file_as_soon_as_it_is_appended(
    tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    recording = tape(Mode.NEW)
    recording.append(0, exchange("/a"))

    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a")
    recording.close()


def test_the_exchanges_end_in_the_order_of_their_requests(
    tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    recording = tape(Mode.NEW)
    (tmp_path / "chat.yaml").chmod(0o640)
    for number in (4, 0, 9, 1):
        recording.append(number, exchange(f"/{number}"))
    recording.close()

    assert (tmp_path / "chat.yaml").read_text() == HEAD + "".join(
        map(document, ("/0", "/1", "/4", "/9"))
    )
    assert (tmp_path / "chat.yaml").stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["chat.yaml"]


def test_what_was_there_stays_before_what_is_added(
    tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text(HEAD + document("/old").removesuffix("\n"))
    recording = tape(Mode.EXTEND)
    recording.append(1, exchange("/b"))
    recording.append(0, exchange("/a"))
    recording.close()

    assert (tmp_path / "chat.yaml").read_text() == HEAD + "".join(
        map(document, ("/old", "/a", "/b"))
    )


def test_the_header_is_asked_for_once_and_only_for_an_exchange(tmp_path: Path) -> None:
    asked: list[int] = []

    def header() -> Header:
        asked.append(1)
        return HEADER

    recording = Tape(tmp_path / "chat.yaml", Mode.NEW, header, print)
    before = len(asked)
    recording.append(0, exchange("/a"))
    recording.append(1, exchange("/b"))
    recording.close()

    assert before == 0
    assert len(asked) == 1


@pytest.mark.parametrize("mode", Mode)
def test_a_recording_of_nothing_leaves_nothing(
    mode: Mode, tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    tape(mode).close()

    assert names(tmp_path) == []


@pytest.mark.parametrize("mode", Mode)
def test_an_empty_file_is_as_good_as_none(
    mode: Mode, tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").touch()
    recording = tape(mode)
    recording.append(0, exchange("/a"))
    recording.close()

    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a")
    assert names(tmp_path) == ["chat.yaml"]


def test_a_file_is_overwritten_at_the_end(tape: Callable[[Mode], Tape], tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text("mockserver: 1\n")
    recording = tape(Mode.OVERWRITE)
    recording.append(1, exchange("/b"))
    recording.append(0, exchange("/a"))
    during = (tmp_path / "chat.yaml").read_text()
    recording.close()

    assert during == "mockserver: 1\n"
    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a") + document("/b")
    assert names(tmp_path) == ["chat.yaml"]


@pytest.mark.parametrize("length", [1, 2, 3, 4, *range(5, len(document("/b")), 7)])
def test_a_torn_exchange_is_cut_off(
    length: int, tape: Callable[[Mode], Tape], tmp_path: Path, said: list[str]
) -> None:
    (tmp_path / "chat.yaml").write_text(HEAD + document("/a") + document("/b")[:length])
    recording = tape(Mode.EXTEND)
    recording.append(0, exchange("/c"))
    recording.close()

    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a") + document("/c")
    assert said == [
        f"{tmp_path}/chat.yaml: its last exchange was torn by a kill; it is cut off before recording goes on"
    ]


def test_an_exchange_that_does_not_fit_leaves_no_trace(
    tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    recording = tape(Mode.NEW)
    recording.append(0, exchange("/a"))
    with (
        at_most(1000),
        pytest.raises(
            StorageError,
            match=r"chat\.yaml: not recorded: File too large: make room, then record again",
        ),
    ):
        recording.append(1, exchange("/b", "long " * 1000))
    during = (tmp_path / "chat.yaml").read_text()
    recording.append(2, exchange("/c"))
    recording.close()

    assert during == HEAD + document("/a")
    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a") + document("/c")


def test_a_header_that_does_not_fit_is_written_with_the_next_exchange(
    tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    recording = tape(Mode.NEW)
    with at_most(20), pytest.raises(StorageError):
        recording.append(0, exchange("/a"))
    recording.append(1, exchange("/b"))
    recording.close()

    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/b")


@pytest.mark.parametrize("mode", [Mode.NEW, Mode.OVERWRITE])
def test_exchanges_that_cannot_be_put_in_order_stay(
    mode: Mode, tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    if mode is Mode.OVERWRITE:
        (tmp_path / "chat.yaml").write_text("mockserver: 1\n")
    recording = tape(mode)
    recording.append(1, exchange("/b"))
    recording.append(0, exchange("/a"))
    with at_most(100), pytest.raises(StorageError, match="File too large"):
        recording.close()

    written = {Mode.NEW: ["chat.yaml"], Mode.OVERWRITE: ["chat.yaml", "chat.yaml.new"]}[mode]
    assert names(tmp_path) == written
    assert (tmp_path / written[-1]).read_text() == HEAD + document("/b") + document("/a")


@pytest.mark.parametrize("change", ["edited", "replaced", "removed"])
def test_a_file_that_another_program_changed_is_not_written_into(
    change: str, tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    path = tmp_path / "chat.yaml"
    recording = tape(Mode.NEW)
    recording.append(0, exchange("/a"))
    path.rename(tmp_path / "moved")
    if change == "edited":
        (tmp_path / "moved").rename(path)
    if change != "removed":
        path.write_text("edited")

    with pytest.raises(StorageError, match="another program changed the file meanwhile"):
        recording.append(1, exchange("/b"))
    if change != "removed":
        assert path.read_text() == "edited"


@pytest.mark.parametrize("mode", Mode)
def test_a_file_is_recorded_by_one_at_a_time(mode: Mode, tape: Callable[[Mode], Tape]) -> None:
    first = tape(Mode.NEW)
    with pytest.raises(UsageError, match="is being recorded by another mockserver"):
        tape(mode)
    first.close()

    tape(mode).close()


def test_a_file_is_let_go_of_when_it_is_refused(
    tape: Callable[[Mode], Tape], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text(HEAD)
    with pytest.raises(UsageError, match="is there already: add to it with --extend"):
        tape(Mode.NEW)

    tape(Mode.EXTEND).close()


def test_what_a_killed_recording_left_is_kept(tape: Callable[[Mode], Tape], tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text("mockserver: 1\n")
    (tmp_path / "chat.yaml.new").write_text("left")
    with pytest.raises(UsageError, match=r"chat\.yaml\.new is left from a recording"):
        tape(Mode.OVERWRITE)

    assert (tmp_path / "chat.yaml.new").read_text() == "left"


def test_a_place_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere: there is no such folder$"):
        Tape(tmp_path / "nowhere" / "chat.yaml", Mode.NEW, lambda: HEADER, print)
    with pytest.raises(UsageError, match=r"is no file: name a cassette, such as .*/chat\.yaml$"):
        Tape(tmp_path, Mode.NEW, lambda: HEADER, print)
    with pytest.raises(UsageError, match="cannot be written: "):
        Tape(tmp_path / ("x" * 300), Mode.NEW, lambda: HEADER, print)
