"""The claims of the README and the pages in docs are true."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from mockserver.cassette.model import Policy
from mockserver.formats import strict_yaml
from mockserver.pytest_plugin import options
from mockserver.pytest_plugin.marker import SERVER_OPTIONS
from mockserver.server import script_files, settings
from mockserver.store.library import Library
from tests.conftest import tool
from tests.documents import PAGES, README, ROOT, Block, blocks, commands
from tests.processes import COMMANDS, click_command, run, running
from tests.real.clients import shell

MODES = ("serve", "replay", "record")
INSTALLATION = ROOT / "docs" / "installation.md"
CI = ROOT / "docs" / "ci.md"
BIN = Path(sys.executable).parent


def anchors(page: Path) -> set[str]:
    """Return the headings of *page* in the form that links use."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert README.read_text().count("\n") < 220


def test_the_readme_links_to_every_page() -> None:
    for page in PAGES[1:]:
        assert f"]({page.relative_to(ROOT).as_posix()})" in README.read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_have_a_target(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            assert target.is_file()
            assert not anchor or anchor in anchors(target)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_names_each_command(name: str) -> None:
    assert f"mockserver {name}" in README.read_text()


@pytest.mark.parametrize("name", MODES)
def test_the_readme_names_each_option(name: str) -> None:
    readme = README.read_text()

    for option in click_command(name).params:
        assert option.param_type_name == "argument" or f"{option.opts[0]}" in readme or (
            option.name == "upstream_api_key" and "MOCKSERVER_UPSTREAM_API_KEY" in readme
        )  # fmt: skip


def test_each_option_of_the_plugin_is_documented(pytestconfig: pytest.Config) -> None:
    page = (ROOT / "docs" / "python.md").read_text()
    parser = pytest.Parser(_ispytest=True)
    options.add(parser)

    for option in parser.getgroup("mockserver").options:
        assert option.names()[0] in page
    for name in SERVER_OPTIONS:
        assert f"`{name}" in page


def test_each_command_line_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for line in commands() if line.startswith("mockserver")]

    assert len(lines) >= 3
    for line in lines:
        _, name, *arguments = shlex.split(line, comments=True)
        click_command(name).make_context(name, arguments).close()


def test_each_make_target_exists() -> None:
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^\$ |`)make ([\w-]+)", page.read_text(), re.MULTILINE)
    }

    assert {"serve", "test", "check", "record", "bench"} <= named <= targets


def test_make_help_names_each_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    [targets] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)

    assert re.findall(r'@echo "make ([\w-]+)', makefile) == targets.split()[1:]


YAML = {f"{block.page} {number}": block for number, block in enumerate(blocks("yaml"))}


@pytest.mark.parametrize("block", YAML.values(), ids=YAML)
def test_yaml_can_be_loaded(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "mockserver.yaml"
    path.write_text(block.text)
    match block.text.partition(":")[0]:
        case "mockserver":
            path = path.rename(tmp_path / "chat.yaml")
            library = Library([path], Policy(), pytest.fail)
            [entry, *_] = library.index.cassettes[0].entries
            assert library.load_exchange(entry).response.status == 200
        case "ignore":
            expected: Any = strict_yaml.parse(block.text)
            assert expected["ignore"] == list(settings.load(path).policy.ignore)
        case "extends" | "rules" | "state":
            assert script_files.load(path).rules
        case first_key:
            assert block.page in (
                "ci.md",
                "container.md",
                "installation.md",
                "scaling.md",
                "upkeep.md",
            )
            assert all(map(strict_yaml.parse, block.text.split("---\n"))), first_key


def test_the_python_of_the_readme_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = blocks("python", README)[0].text
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        names: dict[str, Any] = {}
        exec(code.replace("http://127.0.0.1:8123", server.url), names)
        names["client"].http.client.close()
        assert server.stop() == 0

    assert capsys.readouterr().out.startswith("metadata {'run_id': ")


@pytest.mark.real
@pytest.mark.parametrize(
    ("page", "start", "expected"),
    [
        (README.name, "curl -sN", '"content":"Hello Bagatur! What would you like to talk about?"'),
        ("docs/chat-pages.md", "curl -sN", '"__interrupt__":[{"value":{"question":"Send this reply?"'),
        ("docs/control.md", "curl http", '"graph_id":"agent"'),
    ],
)  # fmt: skip
def test_the_curl_commands_get_their_response(
    page: str, start: str, expected: str, tmp_path: Path
) -> None:
    [block] = [block for block in blocks("console", ROOT / page) if start in block.text]
    command = re.split(r"\n(?:event|data): ", block.text[2:])[0]
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        response = shell(
            command.replace("curl", "curl -s", 1).replace("http://127.0.0.1:8123", server.url),
            server.url,
        ).decode()
        assert server.stop() == 0

    assert expected in response


def test_the_ready_lines_are_current(tmp_path: Path) -> None:
    """The README shows that of `make serve`, container.md that of the image: only the address differs."""
    shutil.copytree(ROOT / "cassettes", tmp_path / "cassettes")
    with running("serve", folder=tmp_path) as server:
        counts = server.ready.partition(", ")[2]

    assert f"mockserver serve on http://127.0.0.1:8123, {counts}" in README.read_text()
    assert f"http://0.0.0.0:8123, {counts}" in (ROOT / "docs" / "container.md").read_text()


CASSETTE = """\
mockserver: 1
---
request: {path: /runs/stream, body: {assistant_id: agent}}
response: {status: 200}
---
request: {path: /runs/wait, body: {assistant_id: agent, config: {configurable: {user_id: "7"}}}}
response: {status: 200}
"""


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "matching.md"], ids=["README", "docs"])
def test_the_shown_miss_is_current(page: Path, tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(CASSETTE)
    body = b'{"assistant_id": "agent", "config": {"configurable": {"user_id": "8"}}}'
    with running("replay", "chat.yaml", folder=tmp_path) as server:
        with pytest.raises(HTTPError) as miss:
            urlopen(f"{server.url}/runs/wait", body)
        explanation = json.load(miss.value)["detail"]
        assert server.stop() == 1

    [block] = [block for block in blocks("console", page) if "nearest:" in block.text]
    assert block.text == f"{explanation}\n"


def test_each_shell_completion_is_printed(tmp_path: Path) -> None:
    variables = re.findall(r"(_MOCKSERVER_COMPLETE)=(\w+) mockserver", INSTALLATION.read_text())

    assert [value for _, value in variables] == ["bash_source", "zsh_source", "fish_source"]
    for name, value in variables:
        printed = run(folder=tmp_path, environment={name: value})
        assert "_mockserver_completion" in printed.stdout


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])}
    command = [tool("git"), *arguments]
    return subprocess.check_output(command, cwd=folder, env=environment, text=True)


@pytest.mark.real
def test_git_compares_recordings_with_the_committed_ones(tmp_path: Path) -> None:
    cassettes = tmp_path / "cassettes"
    shutil.copytree(ROOT / "cassettes", cassettes)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    error = cassettes / "error.yaml"
    error.write_text(error.read_text().replace("Do it.", "Do it now.").replace("0.0", "0.1"))
    (cassettes / "hello.yaml").unlink()
    config, difftool = (line for line in commands(CI) if line.startswith("git"))
    git(tmp_path, *shlex.split(config)[1:])
    shown = git(tmp_path, *shlex.split(difftool)[1:])

    assert shown.count('    - "Do it."\n    + "Do it now."\n') == 2
    lines = [line for line in shown.splitlines() if not line.startswith(" ")]
    assert lines[:2] == [
        "cassettes/error.yaml#1 POST /runs/stream",
        "cassettes/error.yaml#2 POST /runs/wait",
    ]
    assert re.fullmatch("only in .*/left: cassettes/hello.yaml", lines[2])


@pytest.mark.real
def test_git_shows_no_difference_of_times(tmp_path: Path) -> None:
    [attributes] = blocks("gitattributes", INSTALLATION)
    (tmp_path / ".gitattributes").write_text(attributes.text)
    cassette = tmp_path / "cassettes" / "error.yaml"
    shutil.copytree(ROOT / "cassettes", cassette.parent)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    recorded = cassette.read_text()
    cassette.write_text(re.sub(r"after: 0\.\d+", "after: 0.5", recorded))
    before = git(tmp_path, "diff")
    [config] = [line for line in commands(INSTALLATION) if line.startswith("git config")]
    git(tmp_path, *shlex.split(config)[1:])

    assert "+  - after: 0.5" in before
    assert git(tmp_path, "diff") == ""
    cassette.write_text(recorded.replace("Do it.", "Do it now."))
    assert "Do it now." in git(tmp_path, "diff")
    assert attributes.text.splitlines()[-1] in (ROOT / ".gitattributes").read_text().splitlines()
