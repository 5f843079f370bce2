"""What the tests share: a real Agent Server, and the tools that may be missing."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from aiohttp.test_utils import RawTestServer
from pytest_aiohttp import AiohttpClient

from mockserver.http.pacing import parse_pace
from mockserver.server import modes, settings
from mockserver.server.log import Log
from tests.agentserver import AgentServer
from tests.replaying import Server, Start

# A busy machine is no failure.
hypothesis.settings.register_profile("all", deadline=None)
hypothesis.settings.register_profile("unit", deadline=None, max_examples=15)
UNIT = os.environ.get("MOCKSERVER_TEST_TOOLS") == "none"
hypothesis.settings.load_profile("unit" if UNIT else "all")


REAL = Path(__file__).with_name("real")
LONGEST = (
    *("faults", "event_replay", "fake_truth", "chat_pages", "page_cassettes", "recipes"),
    *("fault_pages", "page_live", "chat", "event_clients", "react", "derived", "page_try"),
    *("thread_truth", "event_truth", "clients", "fake_api"),
)
"""The files of tests/real that take longest, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of tests/real as `real`. Long files come first, so that workers share short ones at the end."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(str(item.path), []).append(item)
    longest = [str(REAL / f"test_{name}.py") for name in LONGEST]
    places: dict[str, int] = {}
    for path, tests in files.items():
        is_real = path.startswith(f"{REAL}{os.sep}")
        if is_real:
            for test in tests:
                test.add_marker("real")
        is_slow = any(test.get_closest_marker("slow") for test in tests)
        places[path] = len(longest) + (not is_real and not is_slow)
    places |= {path: number for number, path in enumerate(longest)}
    items.sort(key=lambda item: places[str(item.path)])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector away from the imported modules and the collected tests, which stay to the end.

    Each pytest that a test runs collects all garbage several times when it ends.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def agent_server() -> Iterator[str]:
    """The URL of a real Agent Server with the graphs of tests/agent."""
    fail_without_tools("a real Agent Server")
    with AgentServer() as server:
        yield server.url


@pytest.fixture
def start(aiohttp_client: AiohttpClient, tmp_path: Path) -> Start:
    async def start(speed: str = "instant", loopback: bool = True, **files: str) -> Server:
        lines: list[str] = []
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        project = settings.load(tmp_path / "mockserver.yaml" if "mockserver" in files else None)
        log = Log(lines.append)
        options = modes.ServerOptions(project, parse_pace(speed, None), loopback)
        server = modes.create_replay_server([tmp_path], options, log)
        return Server(
            await aiohttp_client(RawTestServer(server.app.handle)), server.replay, log, lines
        )

    return start


def missing(what: str) -> None:
    """Skip the test because *what* is not on this machine; where all tools are required, fail."""
    if os.environ.get("MOCKSERVER_TEST_TOOLS") == "required":
        pytest.fail(f"{what} is required here, and missing")
    pytest.skip(f"{what} is missing")


def fail_without_tools(what: str) -> None:
    """Fail the test in `make unit`, where only tests that are marked `real` may use *what*."""
    if UNIT:
        pytest.fail(f"{what} is not for unit tests: mark the test as real")


def tool(name: str) -> str:
    """Return the path of the program *name*, or skip."""
    fail_without_tools(name)
    path = shutil.which(name)
    if path is None:
        missing(name)
    assert path is not None
    return path
