"""Recordings of the real server, made once and replayed by many tests, and a chat page in a browser."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import find_chromium, open_browser
from tests.conftest import fail_without_tools, missing, tool
from tests.processes import running
from tests.real import chat_page
from tests.real.clients import CLIENTS, Values
from tests.real.scenarios import SCENARIOS
from tests.real.wire import Seen, send_all

Answers = dict[str, tuple[Seen, ...]]
ByClient = Callable[[str], tuple[Path, Values]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A cassette, what the clients saw while it was recorded, and how the recorder ended."""

    cassette: Path
    answers: Answers
    status: int
    errors: str


@pytest.fixture(scope="session")
def recorded(agent_server: str, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """All scenarios, recorded by a client that sends them at the same time.

    Only `info` comes before: the recorder fetches the versions of the server then, and gives up where that takes seconds.
    """
    first = {"info": SCENARIOS["info"]}
    rest = {name: asks for name, asks in SCENARIOS.items() if name not in first}
    folder = tmp_path_factory.mktemp("recorded")
    cassette = folder / "all.yaml"
    with running("record", cassette, "--upstream", agent_server, folder=folder) as recorder:
        answers = send_all(recorder.url, first) | send_all(recorder.url, rest)
        status = recorder.stop()
        return Recorded(cassette, answers, status, recorder.errors)


@pytest.fixture(scope="session")
def at_once(recorded: Recorded) -> Answers:
    """The same scenarios, replayed without pauses."""
    return replayed(recorded.cassette, "instant")


@pytest.fixture(scope="session")
def at_pace(recorded: Recorded) -> Answers:
    """The same scenarios, replayed as fast as they were recorded."""
    return replayed(recorded.cassette, "recorded")


def replayed(cassette: Path, speed: str) -> Answers:
    """Replay all scenarios from *cassette*."""
    with running("replay", cassette, "--speed", speed, folder=cassette.parent) as player:
        return send_all(player.url, SCENARIOS)


@pytest.fixture(scope="session")
def by_client(agent_server: str, tmp_path_factory: pytest.TempPathFactory) -> ByClient:
    """Records with one client when a test first needs it; returns the cassette and the values that the client got."""

    @cache
    def record(client: str) -> tuple[Path, Values]:
        folder = tmp_path_factory.mktemp("client")
        cassette = folder / "calls.yaml"
        with running("record", cassette, "--upstream", agent_server, folder=folder) as recorder:
            values = CLIENTS[client](recorder.url)
            assert recorder.stop() == 0
        return cassette, values

    return record


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    fail_without_tools("chromium")
    found = find_chromium()
    if found is None:
        missing("chromium")
    assert found is not None
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One browser for all tests of a worker. It lives in the event loop of the session, and so must they."""
    async with open_browser(chromium) as opened:
        yield opened


@pytest.fixture(scope="module", params=["sdk-1", "sdk-2"])
def sdk(request: pytest.FixtureRequest) -> str:
    """The line of the SDK that the chat page uses, by the name of its package."""
    return str(request.param)


@pytest.fixture(scope="module")
def built(sdk: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the chat page."""
    tool("node")
    folder = tmp_path_factory.mktemp(sdk)
    chat_page.build(sdk, folder)
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def chat(built: Path, browser: Browser) -> AsyncIterator[chat_page.Open]:
    """Opens the chat page from a port of its own, against a server."""
    async with chat_page.served(built, browser) as opened:
        yield opened
