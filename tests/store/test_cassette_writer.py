"""One file while it is recorded into: what is appended, in which order it ends, and what is refused."""

import contextlib
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.cassette.model import Header
from mockserver.conversations.conversation_index import find_repeated
from mockserver.errors import StorageError, UsageError
from mockserver.store.cassette_writer import CassetteWriter, WriteMode
from tests.store.documents import HEAD, HEADER, document, exchange


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def tape(tmp_path: Path, said: list[str]) -> Callable[[WriteMode], CassetteWriter]:
    return lambda mode: CassetteWriter(
        tmp_path / "chat.yaml", mode, lambda: HEADER, said.append, find_repeated
    )


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
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    recording = tape(WriteMode.NEW)
    recording.append(0, exchange("/a"))

    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a")
    recording.close()


def test_the_exchanges_end_in_the_order_of_their_requests(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    recording = tape(WriteMode.NEW)
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
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text(HEAD + document("/old").removesuffix("\n"))
    recording = tape(WriteMode.EXTEND)
    recording.append(1, exchange("/b"))
    recording.append(0, exchange("/a"))
    recording.close()

    assert (tmp_path / "chat.yaml").read_text() == HEAD + "".join(
        map(document, ("/old", "/a", "/b"))
    )


def test_the_header_is_created_once_and_only_for_an_exchange(tmp_path: Path) -> None:
    calls: list[int] = []

    def header() -> Header:
        calls.append(1)
        return HEADER

    recording = CassetteWriter(tmp_path / "chat.yaml", WriteMode.NEW, header, print, find_repeated)
    before = len(calls)
    recording.append(0, exchange("/a"))
    recording.append(1, exchange("/b"))
    recording.close()

    assert before == 0
    assert len(calls) == 1


@pytest.mark.parametrize("mode", WriteMode)
def test_a_recording_of_nothing_leaves_nothing(
    mode: WriteMode, tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    tape(mode).close()

    assert names(tmp_path) == []


@pytest.mark.parametrize("mode", WriteMode)
def test_an_empty_file_is_as_good_as_none(
    mode: WriteMode, tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").touch()
    recording = tape(mode)
    recording.append(0, exchange("/a"))
    recording.close()

    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a")
    assert names(tmp_path) == ["chat.yaml"]


def test_a_file_is_overwritten_at_the_end(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text("mockserver: 1\n")
    recording = tape(WriteMode.OVERWRITE)
    recording.append(1, exchange("/b"))
    recording.append(0, exchange("/a"))
    during = (tmp_path / "chat.yaml").read_text()
    recording.close()

    assert during == "mockserver: 1\n"
    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a") + document("/b")
    assert names(tmp_path) == ["chat.yaml"]


@pytest.mark.parametrize("length", [1, 2, 3, 4, *range(5, len(document("/b")), 7)])
def test_an_incomplete_exchange_is_cut_off(
    length: int, tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path, said: list[str]
) -> None:
    (tmp_path / "chat.yaml").write_text(HEAD + document("/a") + document("/b")[:length])
    recording = tape(WriteMode.EXTEND)
    recording.append(0, exchange("/c"))
    recording.close()

    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a") + document("/c")
    assert said == [
        f"{tmp_path}/chat.yaml: its last exchange is incomplete (a recording was killed); it is cut off before recording continues"
    ]


def test_an_exchange_that_does_not_fit_leaves_no_trace(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    recording = tape(WriteMode.NEW)
    recording.append(0, exchange("/a"))
    with (
        at_most(1000),
        pytest.raises(
            StorageError,
            match=r"chat\.yaml: not recorded: File too large: free some disk space, then record again",
        ),
    ):
        recording.append(1, exchange("/b", "long " * 1000))
    during = (tmp_path / "chat.yaml").read_text()
    recording.append(2, exchange("/c"))
    recording.close()

    assert during == HEAD + document("/a")
    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/a") + document("/c")


def test_a_header_that_does_not_fit_is_written_with_the_next_exchange(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    recording = tape(WriteMode.NEW)
    with at_most(20), pytest.raises(StorageError):
        recording.append(0, exchange("/a"))
    recording.append(1, exchange("/b"))
    recording.close()

    assert (tmp_path / "chat.yaml").read_text() == HEAD + document("/b")


@pytest.mark.parametrize("mode", [WriteMode.NEW, WriteMode.OVERWRITE])
def test_exchanges_that_cannot_be_put_in_order_stay(
    mode: WriteMode, tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    if mode is WriteMode.OVERWRITE:
        (tmp_path / "chat.yaml").write_text("mockserver: 1\n")
    recording = tape(mode)
    recording.append(1, exchange("/b"))
    recording.append(0, exchange("/a"))
    with at_most(100), pytest.raises(StorageError, match="File too large"):
        recording.close()

    written = {WriteMode.NEW: ["chat.yaml"], WriteMode.OVERWRITE: ["chat.yaml", "chat.yaml.new"]}[
        mode
    ]
    assert names(tmp_path) == written
    assert (tmp_path / written[-1]).read_text() == HEAD + document("/b") + document("/a")


def save(path: Path, text: str) -> None:
    """Save as most editors do: a new file in the place of the old one."""
    path.with_name("saved").write_text(text)
    path.with_name("saved").replace(path)


EDITS: dict[str, Callable[[Path], object]] = {
    "saved": lambda path: save(path, path.read_text().replace("/a", "/edited")),
    "saved as it was": lambda path: save(path, path.read_text()),
    "saved in place": lambda path: path.write_text(path.read_text().replace("/a", "/edited")),
    "shortened": lambda path: os.truncate(path, 60),
    "emptied": lambda path: path.write_text(""),
    "appended to": lambda path: path.write_text(path.read_text() + "# a comment\n"),
    "filled with zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_stays_and_what_comes_later_goes_beside_it(
    edit: Callable[[Path], None],
    tape: Callable[[WriteMode], CassetteWriter],
    tmp_path: Path,
    said: list[str],
) -> None:
    path = tmp_path / "chat.yaml"
    recording = tape(WriteMode.NEW)
    recording.append(5, exchange("/a"))
    edit(path)
    edited = path.read_bytes()
    held = document("/a").encode() in edited
    recording.append(2, exchange("/c"))
    recording.append(1, exchange("/b"))
    with pytest.raises(StorageError) as raised:
        recording.close()

    beside = tmp_path / "chat.yaml.recorded"
    there = ["/b", "/c"] if held else ["/b", "/c", "/a"]
    assert path.read_bytes() == edited
    assert beside.read_text() == HEAD + "".join(map(document, there))
    assert names(tmp_path) == ["chat.yaml", "chat.yaml.recorded"]
    start = f"{path} was edited during the recording: the edit stays"
    assert said == [f"{start}, and further exchanges go to {beside}"]
    assert str(raised.value) == (
        f"{start}, {len(there)} exchanges went to {beside}: merge them with "
        f"`mockserver merge {path} {beside} --into {path} --overwrite`"
    )


def test_a_deleted_file_stays_deleted(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    path, beside = tmp_path / "chat.yaml", tmp_path / "chat.yaml.recorded"
    recording = tape(WriteMode.NEW)
    recording.append(1, exchange("/b"))
    path.unlink()
    recording.append(0, exchange("/a"))
    with pytest.raises(StorageError, match=rf"with `mockserver merge {beside} --into {path}`$"):
        recording.close()

    assert names(tmp_path) == ["chat.yaml.recorded"]
    assert beside.read_text() == HEAD + document("/a") + document("/b")


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_stays_at_the_stop(
    edit: Callable[[Path], None], tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    path = tmp_path / "chat.yaml"
    recording = tape(WriteMode.NEW)
    for number in (3, 2, 1, 0):
        recording.append(number, exchange(f"/a{number}"))
    edit(path)
    edited = path.read_bytes()
    with pytest.raises(StorageError, match="was edited during the recording: the edit stays"):
        recording.close()

    assert path.read_bytes() == edited
    missing = [n for n in range(4) if document(f"/a{n}").encode() not in edited]
    if missing:
        beside = (tmp_path / "chat.yaml.recorded").read_text()
        assert beside == HEAD + "".join(document(f"/a{n}") for n in missing)
    else:
        assert names(tmp_path) == ["chat.yaml"]


def test_an_exchange_that_somebody_deleted_does_not_come_back(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    path = tmp_path / "chat.yaml"
    recording = tape(WriteMode.NEW)
    for number, name in enumerate(("/a", "/b", "/c")):
        recording.append(number, exchange(name))
    edited = HEAD + document("/a") + document("/c")
    save(path, edited)
    recording.append(3, exchange("/d"))
    with pytest.raises(StorageError, match="1 exchange went to"):
        recording.close()

    assert path.read_text() == edited
    assert (tmp_path / "chat.yaml.recorded").read_text() == HEAD + document("/d")


def test_what_lies_beside_from_before_is_not_touched(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml.recorded").write_text("before")
    recording = tape(WriteMode.NEW)
    recording.append(0, exchange("/a"))
    for name in ("chat.yaml", "chat.yaml.2.recorded"):
        save(tmp_path / name, "edited")
        recording.append(1, exchange("/b"))
    with pytest.raises(StorageError, match=r"3 exchanges went to .*/chat\.yaml\.3\.recorded"):
        recording.close()

    assert (tmp_path / "chat.yaml").read_text() == "edited"
    assert (tmp_path / "chat.yaml.recorded").read_text() == "before"
    assert (tmp_path / "chat.yaml.2.recorded").read_text() == "edited"
    rest = HEAD + document("/a") + document("/b") + document("/b")
    assert (tmp_path / "chat.yaml.3.recorded").read_text() == rest


@pytest.mark.parametrize("name", ["chat.yaml", "chat.yaml.new"])
def test_an_edit_stays_when_a_file_is_overwritten(
    name: str, tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text("mockserver: 1\n")
    recording = tape(WriteMode.OVERWRITE)
    recording.append(1, exchange("/b"))
    recording.append(0, exchange("/a"))
    save(tmp_path / name, "edited")
    with pytest.raises(StorageError, match=rf"/{name} was edited during"):
        recording.close()

    assert (tmp_path / name).read_text() == "edited"
    assert (tmp_path / "chat.yaml.recorded").read_text() == HEAD + document("/a") + document("/b")


def test_an_empty_recording_does_not_delete_what_somebody_wrote(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    recording = tape(WriteMode.NEW)
    save(tmp_path / "chat.yaml", "edited")
    with pytest.raises(StorageError, match="no exchange is missing in it"):
        recording.close()

    assert (tmp_path / "chat.yaml").read_text() == "edited"
    assert names(tmp_path) == ["chat.yaml"]


STEPS = st.lists(st.sampled_from(["append", "append", "append", *EDITS]), max_size=12)


@given(steps=STEPS)
def test_nothing_is_lost_whatever_is_edited_and_when(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.yaml"
        recording = CassetteWriter(
            path, WriteMode.NEW, lambda: HEADER, lambda line: None, find_repeated
        )
        seen: set[str] = set()
        appended: list[str] = []
        first_edit: bytes | None = None
        for number, step in enumerate(steps):
            if step == "append":
                appended.append(f"/{number}")
                recording.append(-number, exchange(appended[-1]))
            elif first_edit is None:
                EDITS[step](path)
                first_edit = path.read_bytes()
                seen = {name for name in appended if document(name).encode() in first_edit}
        with contextlib.suppress(StorageError):
            recording.close()

        beside = Path(f"{path}.recorded")
        rest = beside.read_text() if beside.exists() else ""
        if first_edit is not None:
            assert path.read_bytes() == first_edit
        elif appended:
            rest = path.read_text()
        assert {name for name in appended if document(name) in rest} == set(appended) - seen


@pytest.mark.parametrize("mode", WriteMode)
def test_a_file_is_recorded_by_one_at_a_time(
    mode: WriteMode, tape: Callable[[WriteMode], CassetteWriter]
) -> None:
    first = tape(WriteMode.NEW)
    with pytest.raises(UsageError, match="is in use by another mockserver"):
        tape(mode)
    first.close()

    tape(mode).close()


def test_a_file_is_let_go_of_when_it_is_refused(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text(HEAD)
    with pytest.raises(UsageError, match="already exists: add to it with --extend"):
        tape(WriteMode.NEW)

    tape(WriteMode.EXTEND).close()


def test_the_file_of_a_killed_recording_stays(
    tape: Callable[[WriteMode], CassetteWriter], tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text("mockserver: 1\n")
    (tmp_path / "chat.yaml.new").write_text("left")
    with pytest.raises(UsageError, match=r"chat\.yaml\.new is left over from a killed recording"):
        tape(WriteMode.OVERWRITE)

    assert (tmp_path / "chat.yaml.new").read_text() == "left"


def test_a_place_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere: folder does not exist$"):
        CassetteWriter(
            tmp_path / "nowhere" / "chat.yaml", WriteMode.NEW, lambda: HEADER, print, find_repeated
        )
    with pytest.raises(UsageError, match=r"is not a file: name a cassette, such as .*/chat\.yaml$"):
        CassetteWriter(tmp_path, WriteMode.NEW, lambda: HEADER, print, find_repeated)
    with pytest.raises(UsageError, match="cannot be written: "):
        CassetteWriter(tmp_path / ("x" * 300), WriteMode.NEW, lambda: HEADER, print, find_repeated)
