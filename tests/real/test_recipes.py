"""The vitest and Playwright recipes of docs/javascript.md and docs/faults.md: record from a real Agent Server, then replay."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agentserver import free_port
from tests.conftest import tool
from tests.documents import README, ROOT, files
from tests.real.clients import installed

PAGE = ROOT / "docs" / "javascript.md"
FAULTS = ROOT / "docs" / "faults.md"
VITEST = ("vitest.config.js", "mockserver.setup.js", "mockserver.js", "chat.test.js")
PLAYWRIGHT = ("playwright.config.js", "mockserver.js", "chat.spec.js")
CHROMIUM = """\
import config from "./playwright.config.js";

config.use.launchOptions = { executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] };
export default config;
"""
SWALLOWED = """
describe("a miss", () => {
  test("is swallowed", async ({ mockUrl }) => {
    await fetch(`${mockUrl}/runs/wait`, { method: "POST", body: '{"assistant_id": "agent"}' });
  });
});
"""


class Project:
    """A JavaScript project in *folder* with the files of a recipe."""

    def __init__(self, folder: Path, recipe: list[tuple[str, str]]) -> None:
        self.folder = folder
        (folder / "node_modules").symlink_to(installed() / "node_modules")
        (folder / "package.json").write_text(
            '{"type": "module", "private": true, "scripts": {"dev": "node app.js"}}'
        )
        for name, code in recipe:
            (folder / name).write_text(code.replace("@langchain/langgraph-sdk", "sdk-1"))

    def run(self, *command: str, **environment: str) -> tuple[int, str]:
        """Run *command* from node_modules and return its exit status and output."""
        tool("node")
        bins = str(Path(sys.executable).parent), os.environ["PATH"]
        variables = {**os.environ, "PATH": os.pathsep.join(bins), "NO_COLOR": "1", **environment}
        done = subprocess.run(
            [str(self.folder / "node_modules" / ".bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        return done.returncode, done.stdout

    @property
    def cassettes(self) -> list[str]:
        """The paths of all cassettes, relative to the folder of cassettes."""
        root = self.folder / "cassettes"
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.yaml"))


def recipes() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the files for vitest and the files for Playwright."""
    found = files(PAGE)
    second = [name for name, _ in found].index("playwright.config.js")
    return found[:second], found[second:]


@pytest.fixture
def free(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A free port for each port of the recipe."""
    yield {port: str(free_port()) for port in ("8123", "5173")}


def test_the_page_holds_both_recipes() -> None:
    vitest, playwright = recipes()

    assert tuple(name for name, _ in vitest) == VITEST
    assert tuple(name for name, _ in playwright) == PLAYWRIGHT


def test_the_readme_shows_excerpts_of_the_recipes() -> None:
    excerpts = dict(files(README))
    recipe = dict(files(PAGE))

    assert list(excerpts) == ["chat.test.js", "playwright.config.js"]
    for name, code in excerpts.items():
        assert f"\n{recipe[name]}\n".endswith(f"\n{code}\n")


def test_vitest(agent_server: str, tmp_path: Path) -> None:
    """With the recipe of a fault in the same project."""
    project = Project(tmp_path, [*recipes()[0], files(FAULTS)[0]])
    status, output = project.run("vitest", "run")
    assert (status, "mockserver: cassettes: no such file or folder" in output) == (1, True)

    status, output = project.run("vitest", "run", RECORD=agent_server)
    assert status == 0, output
    assert project.cassettes == ["busy/tries again.yaml", "chat/says hello.yaml"]

    missing = (tmp_path / "chat.test.js").read_text() + SWALLOWED
    (tmp_path / "other.test.js").write_text(missing.replace("{ expect }", "{ describe, expect }"))
    (tmp_path / "cassettes" / "other" / "a miss").mkdir(parents=True)
    recorded = tmp_path / "cassettes" / "chat" / "says hello.yaml"
    for name in ("says hello", "a miss/is swallowed"):
        (tmp_path / "cassettes" / "other" / f"{name}.yaml").write_text(recorded.read_text())
    status, output = project.run("vitest", "run")

    assert status == 1
    assert re.search(r"Tests +1 failed \| 3 passed", output), output
    assert "POST /runs/wait: no exchange matches" in output
    assert "nearest: other/a miss/is swallowed.yaml#1" in output
    assert "responses: 3 from cassettes, 1 from faults; 1 miss" in output


def create_playwright_project(
    folder: Path, recipe: list[tuple[str, str]], free: dict[str, str]
) -> Project:
    def with_free_ports(code: str) -> str:
        return re.sub("8123|5173", lambda port: free[port[0]], code)

    project = Project(folder, [(name, with_free_ports(code)) for name, code in recipe])
    (folder / "chromium.config.js").write_text(CHROMIUM)
    app = ROOT / "tests" / "js" / "app.mjs"
    serve = f"process.argv.push({free['5173']}, 'http://127.0.0.1:{free['8123']}'); await import({str(app)!r});"
    (folder / "app.js").write_text(serve)
    return project


COMMAND = ("playwright", "test", "--config=chromium.config.js", "--reporter=line")


def test_playwright(agent_server: str, chromium: str, tmp_path: Path, free: dict[str, str]) -> None:
    """With the recipe of a fault in the same project."""
    project = create_playwright_project(tmp_path, recipes()[1], free)
    status, output = project.run(*COMMAND, RECORD=agent_server, CHROMIUM=chromium)
    assert (status, project.cassettes) == (0, ["chat/answers.yaml"]), output

    other = (tmp_path / "chat.spec.js").read_text().replace("Hello!", "Bye!")
    (tmp_path / "other.spec.js").write_text(other.replace('"Hello"', '"Sorry."'))
    name, fault = files(FAULTS)[1]
    (tmp_path / name).write_text(fault)
    (tmp_path / "cassettes" / "other").mkdir()
    recorded = (tmp_path / "cassettes" / "chat" / "answers.yaml").read_text()
    (tmp_path / "cassettes" / "other" / "answers.yaml").write_text(recorded)
    status, output = project.run(*COMMAND, "--workers=2", CHROMIUM=chromium)

    assert status == 1
    assert re.search(r"1 failed\n.*\n +2 passed", output), output
    assert "nearest: other/answers.yaml#1" in output
