"""What the README and the pages in docs say is true."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from mockserver.cassette.model import Policy
from mockserver.cli import cli
from mockserver.formats import strict_yaml
from mockserver.pytest_plugin import options
from mockserver.pytest_plugin.marker import HOW
from mockserver.server import script_files, settings
from mockserver.store.library import Library
from tests.documents import PAGES, README, ROOT, Block, blocks, commands
from tests.processes import running
from tests.real.clients import shell

MODES = ("serve", "replay", "record")


def anchors(page: Path) -> set[str]:
    """Return the headings of *page* as links have them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert README.read_text().count("\n") < 300


def test_the_readme_leads_to_every_page() -> None:
    for page in PAGES[1:]:
        assert f"](docs/{page.name})" in README.read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if not target.startswith("https://"):
            name, _, anchor = target.partition("#")
            there = page.parent / name if name else page
            assert there.is_file()
            assert not anchor or anchor in anchors(there)


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_each_command_is_told(name: str) -> None:
    assert f"mockserver {name}" in README.read_text()


@pytest.mark.parametrize("name", MODES)
def test_each_option_is_told(name: str) -> None:
    told = README.read_text()

    for option in cli.commands[name].params:
        assert option.param_type_name == "argument" or f"{option.opts[0]}" in told or (
            option.name == "upstream_api_key" and "MOCKSERVER_UPSTREAM_API_KEY" in told
        )  # fmt: skip


def test_each_option_of_the_plugin_is_told(pytestconfig: pytest.Config) -> None:
    told = (ROOT / "docs" / "python.md").read_text()
    parser = pytest.Parser(_ispytest=True)
    options.add(parser)

    for option in parser.getgroup("mockserver").options:
        assert option.names()[0] in told
    for name in HOW:
        assert f"`{name}" in told


def test_each_command_line_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for line in commands() if line.startswith("mockserver")]

    assert len(lines) >= 3
    for line in lines:
        _, name, *arguments = shlex.split(line, comments=True)
        cli.commands[name].make_context(name, arguments).close()


YAML = {f"{block.page} {number}": block for number, block in enumerate(blocks("yaml"))}


@pytest.mark.parametrize("block", YAML.values(), ids=YAML)
def test_yaml_is_what_it_seems(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "mockserver.yaml"
    path.write_text(block.text)
    match block.text.partition(":")[0]:
        case "mockserver":
            path = path.rename(tmp_path / "chat.yaml")
            loaded = Library([path], Policy(), pytest.fail)
            assert loaded.exchange(loaded.index.cassettes[0].entries[0]).response.status == 200
        case "ignore":
            told: Any = strict_yaml.read(block.text)
            assert told["ignore"] == list(settings.load(path).policy.ignore)
        case "extends":
            assert script_files.load(path).rules
        case other:
            assert block.page in ("container.md", "scaling.md", "upkeep.md")
            assert all(map(strict_yaml.read, block.text.split("---\n"))), other


def test_the_python_of_the_readme_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = blocks("python", README)[0].text
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        names: dict[str, Any] = {}
        exec(code.replace("http://127.0.0.1:8123", server.url), names)
        names["client"].http.client.close()
        assert server.stop() == 0

    assert capsys.readouterr().out.startswith("metadata {'run_id': ")


@pytest.mark.parametrize(
    ("page", "start", "expected"),
    [
        ("chat-pages.md", "curl -sN", '"__interrupt__":[{"value":{"question":"Send this reply?"'),
        ("control.md", "curl http", '"graph_id":"agent"'),
    ],
)
def test_a_request_is_answered(page: str, start: str, expected: str, tmp_path: Path) -> None:
    [block] = [one for one in blocks("console", ROOT / "docs" / page) if start in one.text]
    command = block.text[2:].partition("\ndata: ")[0]
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        told = shell(
            command.replace("curl", "curl -s", 1).replace("http://127.0.0.1:8123", server.url),
            server.url,
        ).decode()
        assert server.stop() == 0

    assert expected in told


def test_the_first_command_says_what_it_says(tmp_path: Path) -> None:
    """`make serve`, and what a container says, but for where it listens."""
    shutil.copytree(ROOT / "cassettes", tmp_path / "cassettes")
    with running("serve", folder=tmp_path) as server:
        told = server.ready.partition(", ")[2]

    assert f"mockserver serve on http://127.0.0.1:8123, {told}" in README.read_text()
    assert f"http://0.0.0.0:8123, {told}" in (ROOT / "docs" / "container.md").read_text()
