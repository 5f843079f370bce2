"""Recording into files that are links, or whose names a Mac has written."""

from pathlib import Path
from unicodedata import normalize

import pytest

from tests.processes import running
from tests.scripted import ask, say, upstream

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[1]"
OLD = "mockserver: 1\n---\nrequest: {method: GET, path: /old}\nresponse: {body: 0}\n"
NAME = normalize("NFC", "café")
MAC_NAME = normalize("NFD", "café")
HEADER = b"x-mockserver-cassette: caf%C3%A9"


def cassettes(folder: Path) -> list[str]:
    """Return the names of the cassettes in *folder*."""
    return [path.name for path in folder.glob("*.yaml")]


async def record(folder: Path, target: str, option: str, *headers: bytes) -> None:
    """Record one request."""
    async with upstream(say(OK)) as server:
        with running("record", target, option, "--upstream", server.url, folder=folder) as recorder:
            await ask(recorder.url, "GET", "/new", b"", *headers)
            assert recorder.stop() == 0


@pytest.mark.parametrize("option", ["--overwrite", "--extend"])
async def test_a_link_is_written_through(option: str, tmp_path: Path) -> None:
    real = tmp_path / "shared" / "real.yaml"
    real.parent.mkdir()
    real.write_text(OLD)
    link = tmp_path / "chat.yaml"
    link.symlink_to("shared/real.yaml")

    await record(tmp_path, "chat.yaml", option)

    assert link.is_symlink()
    assert "path: /new" in real.read_text()
    assert ("path: /old" in real.read_text()) == (option == "--extend")
    assert [file.name for file in real.parent.iterdir()] == ["real.yaml"]


@pytest.mark.parametrize(
    ("paths", "headers"),
    [
        pytest.param(["."], (), id="folder"),
        pytest.param(["."], (HEADER,), id="named by a request"),
        pytest.param([f"{NAME}/{NAME}.yaml"], (), id="named by a command"),
    ],
)
async def test_a_name_from_a_mac_is_found(
    paths: list[str], headers: tuple[bytes, ...], tmp_path: Path
) -> None:
    folder = tmp_path / MAC_NAME if "/" in paths[0] else tmp_path
    folder.mkdir(exist_ok=True)
    (folder / f"{MAC_NAME}.yaml").write_text(OLD)

    with running("replay", *paths, folder=tmp_path) as player:
        answer = await ask(player.url, "GET", "/old", b"", *headers)

    assert answer.body == b"0"
    assert answer.header(b"x-mockserver-exchange") in (
        b"caf%C3%A9.yaml%231",
        b"caf%C3%A9.yaml#1",
    )


@pytest.mark.parametrize(
    ("target", "headers"),
    [pytest.param("./", (HEADER,), id="folder"), pytest.param(f"{NAME}.yaml", (), id="file")],
)
async def test_a_file_with_a_name_from_a_mac_is_extended(
    target: str, headers: tuple[bytes, ...], tmp_path: Path
) -> None:
    path = tmp_path / f"{MAC_NAME}.yaml"
    path.write_text(OLD)

    await record(tmp_path, target, "--extend", *headers)

    assert "path: /new" in path.read_text()
    assert cassettes(tmp_path) == [path.name]
