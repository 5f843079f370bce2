"""A stranger's project, and an Agent Server that it may record."""

from collections.abc import Iterator
from textwrap import dedent

import httpcore  # noqa: F401 - else each test imports it anew, and httpx does not know its exceptions
import pytest

from mockserver import MockServer
from tests.replaying import cassette

INI = """
[pytest]
filterwarnings = error
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
addopts = {options}
"""
PLUGINS = "-p pytest_asyncio.plugin -p mockserver.pytest_plugin"
"""The plugins of a test, by their modules: the search for installed ones takes a quarter of the time of a short test."""
XDIST = ("-p", "xdist.plugin", "-n2")

ASK = '''
import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def ask(server, text="hi"):
    """Return the answer to a run of *text*, None where there is none."""
    body = {"assistant_id": "agent", "input": {"messages": [{"role": "human", "content": text}]}}
    try:
        with urlopen(Request(f"{server.url}/runs/wait", json.dumps(body).encode()), timeout=20) as response:
            return json.load(response)
    except HTTPError as error:
        error.close()
        return None
'''


class Project:
    """Files of tests and cassettes, and runs of pytest over them."""

    def __init__(self, pytester: pytest.Pytester, upstream: str) -> None:
        self.pytester = pytester
        self.upstream = upstream
        pytester.makeini(INI.format(options=PLUGINS))
        pytester.makepyfile(ask=ASK)

    def test(self, code: str, name: str = "test_chat") -> None:
        """Write a file of tests."""
        self.pytester.makepyfile(**{name: "from ask import ask\n" + dedent(code)})

    def cassette(self, path: str, *pairs: tuple[str, str], header: str = "") -> None:
        """Write the cassette at *path* below `cassettes`."""
        file = self.pytester.path / "cassettes" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(cassette(*pairs, header=header))

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in this process."""
        return self.pytester.runpytest_inprocess(*arguments)

    def record(self, *arguments: str, how: str = "new") -> pytest.RunResult:
        """Run pytest, and record."""
        upstream = f"--mockserver-upstream={self.upstream}"
        return self.run(f"--mockserver-record={how}", upstream, *arguments)

    @property
    def cassettes(self) -> dict[str, int]:
        """The number of exchanges in each cassette, by its path below `cassettes`."""
        root = self.pytester.path / "cassettes"
        return {
            path.relative_to(root).as_posix(): path.read_text().count("\n---\n")
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


def runs(upstream: MockServer) -> int:
    """Return how many runs *upstream* has received."""
    return sum(call.path.startswith("/runs") for call in upstream.calls)


@pytest.fixture(scope="session")
def upstream() -> Iterator[MockServer]:
    """The fake graph, which stands for an Agent Server."""
    with MockServer(fallback="fake") as server:
        yield server


@pytest.fixture
def project(
    pytester: pytest.Pytester, upstream: MockServer, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """An empty project, out of any CI."""
    for name in ("CI", "MOCKSERVER_UPSTREAM", "MOCKSERVER_UPSTREAM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    upstream.reset()
    return Project(pytester, upstream.url)
