"""Names of files in other Unicode forms, as a Mac writes them."""

from pathlib import Path
from unicodedata import normalize

import pytest

from mockserver.store.discovery import find_existing

NAME = normalize("NFC", "é")
MAC_NAME = normalize("NFD", "é")


def test_an_existing_file_is_found_by_the_same_text(tmp_path: Path) -> None:
    path = tmp_path / MAC_NAME / f"{MAC_NAME}.yaml"
    path.parent.mkdir()
    path.touch()

    assert find_existing(tmp_path / NAME / f"{NAME}.yaml") == path
    assert find_existing(path) == path


def test_a_new_file_goes_to_the_existing_folder(tmp_path: Path) -> None:
    folder = tmp_path / MAC_NAME
    folder.mkdir()

    assert find_existing(tmp_path / NAME / "new.yaml") == folder / "new.yaml"


@pytest.mark.parametrize("name", ["a.yaml", "é.yaml", "é" * 300, "é/é"])
def test_any_other_path_stays(name: str, tmp_path: Path) -> None:
    assert find_existing(tmp_path / name) == tmp_path / name
