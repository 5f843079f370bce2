"""What the chat pages make of each fault: the table in docs/faults.md."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from mockserver import MockServer
from tests.conftest import tool
from tests.real import chat_page
from tests.real.chat_page import Open, idle, new_chat, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADA = "My name is Ada"
HELLO = "Hello Ada!"


@pytest.fixture
def fake() -> Iterator[MockServer]:
    with MockServer(fallback="fake") as server:
        yield server


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page that follows event streams."""
    tool("node")
    folder = tmp_path_factory.mktemp("react")
    chat_page.build("sdk-1", folder, page="react.jsx")
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def following(followed: Path, browser: Browser) -> AsyncIterator[Open]:
    async with chat_page.served(followed, browser) as opened:
        yield opened


def asked(server: MockServer) -> list[str]:
    """Return method, last segment and status of each request, without the creation of the thread."""
    return [
        f"{call.method} {call.path.partition('?')[0].rpartition('/')[2]} {call.status}"
        for call in server.calls
        if call.path != "/threads"
    ]


FAULTS: dict[str, dict[str, Any]] = {
    "429": {"status": 429},
    "503": {"status": 503},
    "cut": {"cut": 3},
    "garbage": {"garbage": 2},
    "stall": {"stall": 3, "seconds": 1},
    "split": {"split": 7},
}
ERRORS = {"429": "HTTP 429", "503": "HTTP 503", "cut": "network error", "garbage": "JSON"}
"""What SDK 1 shows. SDK 2 shows no error, and asks again."""
AGAIN = {
    "429": ["POST stream 200"],
    "503": ["POST stream 200"],
    "cut": ["GET stream 200"],
    "garbage": ["GET stream 200"],
}


async def test_a_page_meets_faults_of_runs(chat: Open, fake: MockServer, sdk: str) -> None:
    """One page, with a new conversation for each fault."""
    requests = {}
    async with chat(fake.url) as page:
        for name, fault in FAULTS.items():
            await new_chat(page)
            fake.reset()
            fake.fault(fault, path="/runs/stream")
            await say(page, ADA)
            if sdk == "sdk-1" and name in ERRORS:
                await expect(page.locator("#error")).to_contain_text(ERRORS[name])
            else:
                await expect(page.locator("li").last).to_contain_text(HELLO)
                assert await page.locator("#error").text_content() == ""
            await idle(page)
            requests[name] = [one for one in asked(fake) if "history" not in one][1:]
            await say(page, "And now?")
            await expect(page.locator("li").last).to_contain_text("And now?")
            await expect(page.locator("#error")).to_be_empty()
            await idle(page)

    assert requests == {name: AGAIN.get(name, []) if sdk == "sdk-2" else [] for name in FAULTS}


EVENTS, COMMANDS = "/stream/events", "/commands"


@pytest.mark.parametrize("transport", ["sse", "websocket"])
async def test_a_page_that_follows_events_recovers(
    following: Open, fake: MockServer, transport: str
) -> None:
    async with following(fake.url, transport=transport) as page:
        first = page.url
        for fault in (FAULTS[name] for name in ("cut", "garbage", "stall", "split")):
            await page.goto(first)
            fake.reset()
            fake.fault(fault, path=EVENTS)
            await say(page, ADA)
            await expect(page.locator("ol li").last).to_contain_text(HELLO)
            await idle(page)

            assert await page.locator("#error").text_content() == ""
            assert [call.fault for call in fake.calls if call.fault] == [fault]


REFUSALS: dict[str, list[tuple[str, dict[str, Any], str]]] = {
    "sse": [
        (COMMANDS, {"status": 429}, ""),
        (EVENTS, {"status": 503}, ""),
        (COMMANDS, {"cut": 1}, "Failed to fetch"),
    ],
    "websocket": [
        (COMMANDS, {"status": 429}, "429: Too Many Requests"),
        (COMMANDS, {"cut": 1}, "closed unexpectedly"),
    ],
}


@pytest.mark.parametrize("transport", REFUSALS)
async def test_a_page_that_follows_events_is_refused(
    following: Open, fake: MockServer, transport: str
) -> None:
    async with following(fake.url, transport=transport) as page:
        first = page.url
        for path, fault, error in REFUSALS[transport]:
            await page.goto(first)
            fake.reset()
            fake.fault(fault, path=path)
            await say(page, ADA)
            if error:
                await expect(page.locator("#error")).to_contain_text(error)
            else:
                await expect(page.locator("ol li").last).to_contain_text(HELLO)


async def test_a_page_whose_socket_is_refused_events_waits(
    following: Open, fake: MockServer
) -> None:
    fake.fault({"status": 503}, path=EVENTS)
    async with following(fake.url, transport="websocket") as page:
        async with page.expect_websocket() as opened:
            await say(page, ADA)
        socket = await opened.value
        if not socket.is_closed():
            await socket.wait_for_event("close")

        assert await page.locator("main").get_attribute("data-state") == "loading"
