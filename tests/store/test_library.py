import asyncio
import os
from pathlib import Path

import pytest

from mockserver.cassette.model import Policy
from mockserver.errors import ReadError, UsageError
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize
from mockserver.store.library import Library


def text(*paths: str, header: str = "") -> str:
    exchanges = (
        f"---\nrequest:\n  path: {path}\nresponse:\n  text: answer {path}\n" for path in paths
    )
    return f"mockserver: 1\n{header}" + "".join(exchanges)


class Lines:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def report() -> Lines:
    return Lines()


def library(report: Lines, *paths: Path) -> Library:
    return Library(paths, Policy(), report)


def labels(loaded: Library) -> list[str]:
    return [
        f"{e.label} {e.route[1]}" for cassette in loaded.index.cassettes for e in cassette.entries
    ]


def write(path: Path, content: str) -> None:
    """Replace the file as editors do, so that its stamp is another one."""
    beside = path.with_suffix(".tmp")
    beside.write_text(content)
    beside.replace(path)


def test_a_folder_is_loaded_in_path_order(tmp_path: Path, report: Lines) -> None:
    (tmp_path / "b.yaml").write_text(text("/b"))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "c.yml").write_text(text("/c1", "/c2"))
    (tmp_path / ".hidden.yaml").write_text("no cassette")
    (tmp_path / "mockserver.yaml").write_text("ignore: []")
    (tmp_path / "notes.txt").write_text("no cassette")

    assert labels(library(report, tmp_path)) == ["a/c.yml#1 /c1", "a/c.yml#2 /c2", "b.yaml#1 /b"]
    assert report.lines == []


def test_a_yaml_file_that_is_no_cassette_is_skipped_with_a_line(
    tmp_path: Path, report: Lines
) -> None:
    (tmp_path / "compose.yaml").write_text("services: {}")

    assert labels(library(report, tmp_path)) == []
    assert report.lines == ["compose.yaml: skipped, it is not a cassette (no `mockserver:` key)"]


def test_a_file_named_outright_must_be_a_cassette(tmp_path: Path, report: Lines) -> None:
    (tmp_path / "compose.yaml").write_text("services: {}")

    with pytest.raises(ReadError, match=r"compose.yaml: not a cassette"):
        library(report, tmp_path / "compose.yaml")


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path, report: Lines) -> None:
    with pytest.raises(UsageError, match="nowhere: no such file or folder"):
        library(report, tmp_path / "nowhere")


def test_two_files_of_one_name_get_different_names(tmp_path: Path, report: Lines) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.yaml").write_text(text(f"/{folder}"))

    loaded = library(report, tmp_path / "x" / "a.yaml", tmp_path / "y" / "a.yaml")

    assert labels(loaded) == ["a.yaml#1 /x", f"{tmp_path}/y/a.yaml#1 /y"]


def test_a_file_named_twice_is_loaded_once(tmp_path: Path, report: Lines) -> None:
    (tmp_path / "a.yaml").write_text(text("/a"))

    assert labels(library(report, tmp_path, tmp_path / "a.yaml")) == ["a.yaml#1 /a"]


async def test_edited_new_and_removed_files_are_followed(tmp_path: Path, report: Lines) -> None:
    (tmp_path / "b.yaml").write_text(text("/b"))
    (tmp_path / "c.yaml").write_text(text("/c"))
    loaded = library(report, tmp_path)
    write(tmp_path / "b.yaml", text("/b", "/b2"))
    (tmp_path / "a.yaml").write_text(text("/a"))
    (tmp_path / "c.yaml").unlink()

    assert await loaded.reload_if_changed()

    assert labels(loaded) == ["a.yaml#1 /a", "b.yaml#1 /b", "b.yaml#2 /b2"]
    assert report.lines == [
        "c.yaml: the file was removed, its exchanges are no longer served",
        "a.yaml: reloaded, 1 exchange",
        "b.yaml: reloaded, 2 exchanges",
    ]
    assert not await loaded.reload_if_changed()


async def test_an_exchange_whose_file_has_changed_is_not_current(
    tmp_path: Path, report: Lines
) -> None:
    (tmp_path / "a.yaml").write_text(text("/a"))
    loaded = library(report, tmp_path)
    entry = loaded.index.cassettes[0].entries[0]

    assert loaded.is_fresh(entry)
    write(tmp_path / "a.yaml", text("/new"))
    assert not loaded.is_fresh(entry)
    assert await loaded.reload_if_changed()
    assert labels(loaded) == ["a.yaml#1 /new"]


@pytest.mark.parametrize("in_place", [True, False])
async def test_a_broken_edit_keeps_the_last_good_version(
    tmp_path: Path, report: Lines, in_place: bool
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text("/a"))
    loaded = library(report, tmp_path)
    entry = loaded.index.cassettes[0].entries[0]
    broken = text("/a") + "---\nrequest: [\n"
    if in_place:
        path.write_text(broken)
    else:
        write(path, broken)

    assert not loaded.is_fresh(entry)
    assert not await loaded.reload_if_changed()
    assert loaded.is_fresh(entry)
    assert loaded.load_exchange(entry).request.path == "/a"
    assert report.lines == [
        f"{path}, line 9: not YAML: did not find expected node content; the last good version stays in use"
    ]


async def test_an_edit_that_breaks_an_answer_keeps_the_last_good_version(
    tmp_path: Path, report: Lines
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text("/a", "/b"))
    loaded = library(report, tmp_path)
    write(path, text("/a", "/b").replace("text: answer /b", "txt: answer /b"))

    assert not await loaded.reload_if_changed()
    assert labels(loaded) == ["a.yaml#1 /a", "a.yaml#2 /b"]
    assert "line 11: response has no key `txt`" in report.lines[0]


async def test_a_fixed_edit_is_read(tmp_path: Path, report: Lines) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text("/a"))
    loaded = library(report, tmp_path)
    write(path, "mockserver: 1\n---\nrequest: [\n")
    await loaded.reload_if_changed()
    write(path, text("/b"))

    assert await loaded.reload_if_changed()
    assert labels(loaded) == ["a.yaml#1 /b"]


async def test_requests_that_did_not_change_are_not_read_again(
    tmp_path: Path, report: Lines
) -> None:
    paths = [f"/{number}" for number in range(50)]
    (tmp_path / "a.yaml").write_text(text(*paths))
    (tmp_path / "b.yaml").write_text(text("/b"))
    loaded = library(report, tmp_path)
    before, other = loaded.index.cassettes
    write(tmp_path / "a.yaml", text("/new", *paths[:20], "/newer", *paths[20:]))

    assert await loaded.reload_if_changed()

    now = loaded.index.cassettes[0]
    known = {entry.fingerprint for entry in before.entries}
    fresh = [entry.route[1] for entry in now.entries if entry.fingerprint not in known]
    assert fresh == ["/new", "/newer"]
    assert loaded.index.cassettes[1] is other
    assert [loaded.load_request(entry).path for entry in now.entries][:2] == ["/new", "/0"]


@pytest.mark.slow
async def test_an_edit_stalls_no_other_request(tmp_path: Path, report: Lines) -> None:
    """While a large edit is read, which takes a while, what needs no wait is done again and again."""
    (tmp_path / "a.yaml").write_text(text("/a"))
    (tmp_path / "b.yaml").write_text(text("/b"))
    loaded = library(report, tmp_path)
    _, other = (cassette.entries[0] for cassette in loaded.index.cassettes)
    write(tmp_path / "a.yaml", text(*(f"/{number}" for number in range(2000))))
    turns = 0

    reading = asyncio.create_task(loaded.reload_if_changed())
    while not reading.done():
        assert loaded.load_request(other).path == "/b"
        turns += 1
        await asyncio.sleep(0)

    assert await reading
    assert turns > 10


async def test_concurrent_reloads_read_a_file_once(tmp_path: Path, report: Lines) -> None:
    (tmp_path / "a.yaml").write_text(text("/a"))
    loaded = library(report, tmp_path)
    write(tmp_path / "a.yaml", text("/b"))

    assert await asyncio.gather(*(loaded.reload_if_changed() for _ in range(5))) == [True] * 5
    assert report.lines == ["a.yaml: reloaded, 1 exchange"]


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path, report: Lines) -> None:
    if os.geteuid() == 0:
        (tmp_path / "a.yaml").symlink_to(tmp_path / "nowhere")
    else:
        (tmp_path / "a.yaml").write_text(text("/a"))
        (tmp_path / "a.yaml").chmod(0)

    with pytest.raises(ReadError, match=r"a.yaml: cannot be read: "):
        library(report, tmp_path)


def test_each_cassette_has_its_own_ignore_rules(tmp_path: Path, report: Lines) -> None:
    (tmp_path / "a.yaml").write_text(text("/x", header="ignore: [query.user]\n"))
    (tmp_path / "b.yaml").write_text(text("/x"))
    index = library(report, tmp_path).index

    def found(path: str) -> list[str]:
        hit = index.find(index.request_keys(canonicalize(Request("POST", path))))
        return [entry.label for entry in hit.entries] if hit else []

    assert found("/x?user=1") == ["a.yaml#1"]
    assert found("/x") == ["a.yaml#1", "b.yaml#1"]
    assert found("/x?other=1") == []


RECORDED = """\
mockserver: 1
upstream: http://127.0.0.1:2024
recorded: 2026-11-22T15:36:36Z
server: {version: 0.16.7}
---
request:
  method: POST
  path: /a
response:
  status: 200
  headers: {}
  text: hi
  end: {after: 0, how: closed}
"""


@pytest.mark.parametrize("rest", ["", "\0\0\0"])
def test_a_folder_is_loaded_wherever_a_kill_has_cut_a_file(rest: str, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(RECORDED)
    lines: list[str] = []
    for length in range(len(RECORDED)):
        (tmp_path / "torn.yaml").write_text(RECORDED[:length] + rest)
        lines.clear()
        library = Library([tmp_path], Policy(), lines.append)

        assert len(library.index.entries) in (1, 2), length
        assert len(lines) <= 1, length


@pytest.mark.parametrize("number", ["1000", "1000.0", "1e3", "10E+2"])
def test_a_number_is_the_same_however_it_is_written(
    number: str, tmp_path: Path, report: Lines
) -> None:
    body = f"mockserver: 1\n---\nrequest:\n  path: /x\n  body:\n    n: {number}\nresponse:\n  status: 204\n"
    (tmp_path / "a.yaml").write_text(body)
    loaded = library(report, tmp_path)

    form = canonicalize(Request("POST", "/x", (), b'{"n":1000}'))
    assert loaded.index.find(loaded.index.request_keys(form)) is not None
