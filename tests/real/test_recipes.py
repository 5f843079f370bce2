"""The recipes for vitest and Playwright, run for real: recorded from a real Agent Server, and replayed."""

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
VITEST = ("vitest.config.js", "mockserver.setup.js", "mockserver.js")
PLAYWRIGHT = ("playwright.config.js", "mockserver.js")
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


class Scene:
    """A project of its own in *folder*, with the files of a recipe."""

    def __init__(self, folder: Path, recipe: list[tuple[str, str]]) -> None:
        self.folder = folder
        (folder / "node_modules").symlink_to(installed() / "node_modules")
        (folder / "package.json").write_text(
            '{"type": "module", "private": true, "scripts": {"dev": "node app.js"}}'
        )
        for name, code in recipe:
            (folder / name).write_text(code.replace("@langchain/langgraph-sdk", "sdk-1"))

    def run(self, *command: str, **environment: str) -> tuple[int, str]:
        """Return the status of *command* of node_modules, and what it says."""
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
        """The cassettes that there are."""
        root = self.folder / "cassettes"
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.yaml"))


def recipes() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the files for vitest, and those for Playwright."""
    found = files(PAGE)
    second = [name for name, _ in found].index("playwright.config.js")
    return found[:second], found[second:]


@pytest.fixture
def free(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The ports of the recipe, and those that are free here."""
    yield {port: str(free_port()) for port in ("8123", "5173")}


def test_the_readme_shows_the_same() -> None:
    shown = files(README)
    page = files(PAGE)

    assert [name for name, _ in shown] == [*VITEST, PLAYWRIGHT[-1]]
    assert [one for one in page if one in shown] == shown


def test_vitest(agent_server: str, tmp_path: Path) -> None:
    scene = Scene(tmp_path, recipes()[0])
    status, told = scene.run("vitest", "run")
    assert (status, "mockserver: cassettes: there is no such file or folder" in told) == (1, True)

    status, told = scene.run("vitest", "run", RECORD=agent_server)
    assert (status, scene.cassettes) == (0, ["chat/says hello.yaml"]), told

    missing = (tmp_path / "chat.test.js").read_text() + SWALLOWED
    (tmp_path / "other.test.js").write_text(missing.replace("{ expect }", "{ describe, expect }"))
    (tmp_path / "cassettes" / "other" / "a miss").mkdir(parents=True)
    recorded = tmp_path / "cassettes" / "chat" / "says hello.yaml"
    for name in ("says hello", "a miss/is swallowed"):
        (tmp_path / "cassettes" / "other" / f"{name}.yaml").write_text(recorded.read_text())
    status, told = scene.run("vitest", "run")

    assert status == 1
    assert re.search(r"Tests +1 failed \| 2 passed", told), told
    assert "POST /runs/wait: no exchange matches" in told
    assert "nearest: other/a miss/is swallowed.yaml#1" in told


def test_playwright(agent_server: str, chromium: str, tmp_path: Path, free: dict[str, str]) -> None:
    def placed(code: str) -> str:
        return re.sub("8123|5173", lambda found: free[found[0]], code)

    scene = Scene(tmp_path, [(name, placed(code)) for name, code in recipes()[1]])
    (tmp_path / "chromium.config.js").write_text(CHROMIUM)
    app = ROOT / "tests" / "js" / "app.mjs"
    serve = f"process.argv.push({free['5173']}, 'http://127.0.0.1:{free['8123']}'); await import({str(app)!r});"
    (tmp_path / "app.js").write_text(serve)
    command = ("playwright", "test", "--config=chromium.config.js", "--reporter=line")
    status, told = scene.run(*command, RECORD=agent_server, CHROMIUM=chromium)
    assert (status, scene.cassettes) == (0, ["chat/answers.yaml"]), told

    other = (tmp_path / "chat.spec.js").read_text().replace("Hello!", "Bye!")
    (tmp_path / "other.spec.js").write_text(other.replace('"Hello"', '"Sorry."'))
    (tmp_path / "cassettes" / "other").mkdir()
    recorded = (tmp_path / "cassettes" / "chat" / "answers.yaml").read_text()
    (tmp_path / "cassettes" / "other" / "answers.yaml").write_text(recorded)
    status, told = scene.run(*command, "--workers=2", CHROMIUM=chromium)

    assert status == 1
    assert re.search(r"1 failed\n.*\n +1 passed", told), told
    assert "nearest: other/answers.yaml#1" in told
