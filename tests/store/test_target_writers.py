"""A folder of cassettes that are recorded at the same time, by name."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.conversations.conversation_index import find_repeated
from mockserver.errors import RequestError, StorageError
from mockserver.store import target_writers
from mockserver.store.cassette_writer import WriteMode
from mockserver.store.target_writers import FolderWriter, is_single_file
from tests.store.documents import HEAD, HEADER, document, exchange

Make = Callable[..., FolderWriter]


@pytest.fixture
def folder(tmp_path: Path) -> Make:
    return lambda mode=WriteMode.NEW: FolderWriter(
        tmp_path / "all", mode, lambda: HEADER, print, find_repeated
    )


def files(root: Path) -> dict[str, str]:
    """Return the text of each file below *root*."""
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def record(folder: FolderWriter, *requests: tuple[str | None, str]) -> None:
    """Record a request into the cassette of each name, and finish."""
    for number, (name, path) in enumerate(requests):
        folder.prepare(name)
        folder.append(name, number, exchange(path))
    folder.close()


def test_each_name_is_a_file_of_its_own(folder: Make, tmp_path: Path) -> None:
    record(folder(), ("a", "/1"), ("b/c.yml", "/2"), (None, "/3"), ("a.yaml", "/4"))

    assert files(tmp_path / "all") == {
        "a.yaml": HEAD + document("/1") + document("/4"),
        "b/c.yml": HEAD + document("/2"),
        "unnamed.yaml": HEAD + document("/3"),
    }


@pytest.mark.parametrize("name", ["", "..", "../a", "/etc/passwd", "a\\..\\b", "mockserver.yaml"])
def test_no_name_leads_out_of_the_folder(folder: Make, tmp_path: Path, name: str) -> None:
    record(folder(), (name, "/1"))

    assert [path.name for path in tmp_path.iterdir()] == ["all"]
    [text] = files(tmp_path / "all").values()
    assert text == HEAD + document("/1")
    assert not list(tmp_path.rglob("mockserver.yaml"))


def test_a_link_leads_nowhere_else(folder: Make, tmp_path: Path) -> None:
    made = folder()
    (tmp_path / "all" / "out").symlink_to(tmp_path)

    with pytest.raises(RequestError, match=r"out/a is outside .*all$"):
        made.prepare("out/a")
    assert not (tmp_path / "a.yaml").exists()


@pytest.mark.parametrize("name", ["a/" * 3000, "round/a"], ids=["too long", "links"])
def test_a_name_that_no_file_can_have_is_refused(folder: Make, tmp_path: Path, name: str) -> None:
    made = folder()
    (tmp_path / "all" / "round").symlink_to("round")

    with pytest.raises(
        RequestError, match=r"the name is too long|cannot be (used as a cassette|created): "
    ):
        made.prepare(name)


def test_a_cassette_that_is_there_is_refused(folder: Make) -> None:
    record(folder(), ("a", "/1"))

    with pytest.raises(RequestError, match=r"a.yaml already exists: add to it with --extend"):
        folder().prepare("a")


def test_a_file_in_the_place_of_a_folder_is_refused(folder: Make) -> None:
    record(folder(), ("a.yaml", "/1"))

    with pytest.raises(RequestError, match=r"a.yaml is not a folder: name another one"):
        folder().prepare("a.yaml/b")


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (WriteMode.EXTEND, HEAD + document("/1") + document("/2")),
        (WriteMode.OVERWRITE, HEAD + document("/2")),
    ],
)
def test_one_that_is_there_is_extended_or_overwritten(
    folder: Make, tmp_path: Path, mode: WriteMode, text: str
) -> None:
    record(folder(), ("a", "/1"), ("b", "/1"))
    record(folder(mode), ("a", "/2"))

    assert files(tmp_path / "all") == {"a.yaml": text, "b.yaml": HEAD + document("/1")}


@pytest.mark.parametrize("mode", WriteMode)
def test_more_than_can_be_open_are_finished_and_gone_on_with(
    folder: Make, tmp_path: Path, mode: WriteMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_writers, "MAX_OPEN", 5)
    many = [f"{number}" for number in range(7)]
    if mode is WriteMode.OVERWRITE:
        record(folder(), *((name, "/0") for name in many))
    made = folder(mode)
    for name in many:
        made.prepare(name)
    record(made, *((name, f"/{turn}") for turn in range(2) for name in many))

    assert set(files(tmp_path / "all")) == {f"{name}.yaml" for name in many}
    assert set(files(tmp_path / "all").values()) == {HEAD + document("/0") + document("/1")}


def test_what_nothing_came_to_leaves_nothing(folder: Make, tmp_path: Path) -> None:
    made = folder()
    made.prepare("a/b/c")
    made.close()

    assert not (tmp_path / "all").exists()


def test_errors_of_closing_are_raised_at_the_end(folder: Make, tmp_path: Path) -> None:
    made = folder()
    for name in ("a", "b"):
        made.prepare(name)
        made.append(name, 1, exchange("/2"))
        made.append(name, 0, exchange("/1"))
    (tmp_path / "all" / f".a.yaml.{os.getpid()}").mkdir()

    with pytest.raises(StorageError, match=r"a.yaml: could not be sorted"):
        made.close()
    assert files(tmp_path / "all")["b.yaml"] == HEAD + document("/1") + document("/2")


def test_a_removed_file_is_reported(
    folder: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_writers, "MAX_OPEN", 1)
    made = folder()
    record_one(made, "a")
    record_one(made, "b")
    (tmp_path / "all" / "a.yaml").write_text("hello")

    with pytest.raises(StorageError, match=r"not recorded: .*a.yaml"):
        made.append("a", 2, exchange("/2"))
    made.close()


def record_one(folder: FolderWriter, name: str) -> None:
    folder.prepare(name)
    folder.append(name, 0, exchange("/1"))


@pytest.mark.parametrize(
    ("name", "expected"), [("a.yaml", True), ("a.yml", True), ("a", False), ("a.b", False)]
)
def test_a_cassette_is_known_by_its_suffix(tmp_path: Path, name: str, expected: bool) -> None:
    assert is_single_file(tmp_path / name) == expected
    (tmp_path / name).mkdir()
    assert not is_single_file(tmp_path / name)
