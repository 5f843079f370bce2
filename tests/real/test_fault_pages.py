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
from tests.real.chat_page import Open, idle, say

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


@pytest.mark.parametrize(
    ("fault", "errors", "again"),
    [
        pytest.param({"status": 429}, {"sdk-1": "HTTP 429"}, {"sdk-2": "POST stream 200"}, id="429"),
        pytest.param({"status": 503}, {"sdk-1": "HTTP 503"}, {"sdk-2": "POST stream 200"}, id="503"),
        pytest.param({"cut": 3}, {"sdk-1": "network error"}, {"sdk-2": "GET stream 200"}, id="cut"),
        pytest.param({"garbage": 2}, {"sdk-1": "JSON"}, {"sdk-2": "GET stream 200"}, id="garbage"),
        pytest.param({"stall": 3, "seconds": 1}, {}, {}, id="stall"),
        pytest.param({"split": 7}, {}, {}, id="split"),
    ],
)  # fmt: skip
async def test_a_page_meets_a_fault_of_a_run(
    chat: Open,
    fake: MockServer,
    sdk: str,
    fault: dict[str, Any],
    errors: dict[str, str],
    again: dict[str, str],
) -> None:
    fake.fault(fault, path="/runs/stream")
    async with chat(fake.url) as page:
        await say(page, ADA)
        if sdk in errors:
            await expect(page.locator("#error")).to_contain_text(errors[sdk])
        else:
            await expect(page.locator("li").last).to_contain_text(HELLO)
            assert await page.locator("#error").text_content() == ""
        await idle(page)
        requests = [one for one in asked(fake)[1:] if "history" not in one]
        await say(page, "And now?")
        await expect(page.locator("li").last).to_contain_text("And now?")
        await expect(page.locator("#error")).to_be_empty()

    assert requests == ([again[sdk]] if sdk in again else [])


EVENTS, COMMANDS = "/stream/events", "/commands"


@pytest.mark.parametrize("transport", ["sse", "websocket"])
@pytest.mark.parametrize(
    "fault", [{"cut": 3}, {"garbage": 2}, {"stall": 3, "seconds": 1}, {"split": 7}], ids=str
)
async def test_a_page_that_follows_events_recovers(
    following: Open, fake: MockServer, transport: str, fault: dict[str, Any]
) -> None:
    fake.fault(fault, path=EVENTS)
    async with following(fake.url, transport=transport) as page:
        await say(page, ADA)
        await expect(page.locator("ol li").last).to_contain_text(HELLO)
        await idle(page)
        assert await page.locator("#error").text_content() == ""

    assert [call.fault for call in fake.calls if call.fault] == [fault]


@pytest.mark.parametrize(
    ("transport", "path", "fault", "error"),
    [
        ("sse", COMMANDS, {"status": 429}, ""),
        ("sse", EVENTS, {"status": 503}, ""),
        ("sse", COMMANDS, {"cut": 1}, "Failed to fetch"),
        ("websocket", COMMANDS, {"status": 429}, "429: Too Many Requests"),
        ("websocket", COMMANDS, {"cut": 1}, "closed unexpectedly"),
    ],
)
async def test_a_page_that_follows_events_is_refused(
    following: Open, fake: MockServer, transport: str, path: str, fault: dict[str, Any], error: str
) -> None:
    fake.fault(fault, path=path)
    async with following(fake.url, transport=transport) as page:
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
