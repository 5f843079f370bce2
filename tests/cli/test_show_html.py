"""`mockserver show --html`: the cassettes as one file."""

from pathlib import Path
from typing import Any

import pytest

from tests.processes import run
from tests.replaying import cassette
from tests.single_page import read_page_data

SECRET = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def read(path: Path) -> Any:
    return read_page_data(path.read_text())


def test_a_folder_is_written_as_one_page(tmp_path: Path) -> None:
    write(tmp_path, chat=cassette(("hi", "one"), ("</script>", "two")), more=cassette(("x", "y")))

    ended = run("show", ".", "--html", "out.html", folder=tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    shown = read(tmp_path / "out.html")
    assert (shown["kind"], shown["health"]["mode"]) == ("show", "show")
    assert (shown["health"]["cassettes"], shown["health"]["exchanges"]) == (2, 3)
    assert [one["exchange"] for one in shown["exchanges"]] == [
        "chat.yaml#1",
        "chat.yaml#2",
        "more.yaml#1",
    ]
    second = shown["exchanges"][1]
    assert second["request"]["body"]["input"]["messages"][0]["content"] == "</script>"
    assert second["response"]["body"] == {"answer": "two"}
    assert (second["file"], second["line"]) == ("chat.yaml", 8)
    assert shown["cassettes"] == [
        {"cassette": "chat.yaml", "exchanges": 2, "played": 0},
        {"cassette": "more.yaml", "exchanges": 1, "played": 0},
    ]


@pytest.mark.parametrize("arguments", [("chat.yaml#2",), ("chat.yaml", "2")])
def test_one_exchange_is_written_alone(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write(tmp_path, chat=cassette((SECRET, "one"), ("ho", "two")))

    ended = run("show", *arguments, "--html", "out.html", folder=tmp_path)

    assert ended.returncode == 0
    shown = read(tmp_path / "out.html")
    assert [one["exchange"] for one in shown["exchanges"]] == ["chat.yaml#2"]
    assert SECRET not in (tmp_path / "out.html").read_text()


def test_a_secret_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path, chat=cassette(("hi", "one"), (SECRET, "two")), more=cassette(("x", "y")))
    (tmp_path / "out.html").write_text("old")

    ended = run("show", ".", "--html", "out.html", folder=tmp_path)

    assert ended.returncode == 2
    assert ended.stderr == (
        "mockserver: chat.yaml:11: secret #2: this looks like a secret, in request.body.input.messages[0].content: "
        "run `mockserver scrub`, and revoke the secret if it is real\n"
        "mockserver: out.html is not written, since it would show what looks like a secret\n"
    )
    assert (tmp_path / "out.html").read_text() == "old"


def test_the_findings_of_the_linter_stand_beside_the_exchanges(tmp_path: Path) -> None:
    write(tmp_path, chat=cassette(("hi", "one"), ("hi", "one")))

    assert run("show", "chat.yaml", "--html", "out.html", folder=tmp_path).returncode == 0

    shown = read(tmp_path / "out.html")
    [finding] = shown["findings"]
    assert (finding["code"], finding["exchange"]) == ("duplicate", "chat.yaml#2")
    assert shown["exchanges"][1]["findings"] == [finding]


def test_what_cannot_be_read_is_an_error_beside_the_rest(tmp_path: Path) -> None:
    write(tmp_path, chat=f"{cassette(('hi', 'one'))}---\nrequest: [\n")

    ended = run("show", "chat.yaml", "--html", "out.html", folder=tmp_path)

    assert ended.returncode == 2
    assert ended.stderr.startswith("mockserver: chat.yaml, line 10: not YAML: ")
    assert len(read(tmp_path / "out.html")["exchanges"]) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("chat.yaml", "--html", "chat.yaml"), "chat.yaml: the name of the page must end in .html"),
        (("chat.yaml", "--html", "none/a.html"), "none: folder does not exist"),
        (("chat.yaml", "--html", "a.html", "--json"), "--html excludes --raw, --json and --stable"),
        ((".", "1", "--html", "a.html"), ". is not a file: name a cassette"),
    ],
)
def test_a_wrong_use_is_an_error(tmp_path: Path, arguments: tuple[str, ...], error: str) -> None:
    write(tmp_path, chat=cassette(("hi", "one")))

    ended = run("show", *arguments, folder=tmp_path)

    assert (ended.returncode, ended.stderr) == (2, f"mockserver: {error}\n")


@pytest.mark.slow
def test_a_pattern_that_takes_too_long_is_named(tmp_path: Path) -> None:
    write(tmp_path, chat=cassette(("a" * 3000 + "!", "one")))
    (tmp_path / "mockserver.yaml").write_text("redact: ['(a+)+$']\n")

    ended = run("show", "chat.yaml", "--html", "out.html", folder=tmp_path)

    assert ended.returncode == 2
    assert ended.stderr.startswith("mockserver: chat.yaml: ")
    assert "(a+)+$" in ended.stderr
    assert "aaaa" not in (tmp_path / "out.html").read_text()
