"""A page in a real browser, from another origin than the replay it talks to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.chromium import settled
from tests.browser.pages import page_at
from tests.processes import running
from tests.real.conftest import ByClient
from tests.real.scenarios import said

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def replay(by_client: ByClient, tmp_path: Path) -> Iterator[str]:
    """The URL of a replay of what curl recorded."""
    cassette, _ = by_client("curl")
    with running("replay", cassette, "--speed", "instant", folder=tmp_path) as player:
        yield player.url


async def test_a_page_gets_the_events_that_curl_recorded(
    browser: Browser, replay: str, by_client: ByClient
) -> None:
    _, recorded = by_client("curl")
    async with page_at(browser, server=replay) as page:
        assert await settled(page) == "done"

        assert await shown(page) == [[event, value] for event, value, _ in recorded["stream"]]


async def test_a_page_can_read_which_run_it_was(
    browser: Browser, replay: str, by_client: ByClient
) -> None:
    _, recorded = by_client("curl")
    run_id = recorded["stream"][0][1]["run_id"]
    async with page_at(browser, server=replay) as page:
        await settled(page)
        seen = await page.locator("dd[data-name=content-location]").all_text_contents()

    assert seen == [f"/runs/{run_id}"]


async def test_a_page_can_read_why_its_request_was_a_miss(browser: Browser, replay: str) -> None:
    body = {"assistant_id": "agent", "input": said("Bye!"), "stream_mode": "updates"}
    async with page_at(browser, server=replay, body=json.dumps(body)) as page:
        assert await settled(page) == "refused"
        detail = await page.locator("#detail").text_content()

    assert detail is not None
    assert detail.splitlines()[:5] == [
        "POST /runs/stream: no exchange matches",
        "  nearest: calls.yaml#1, POST /runs/stream, not played yet",
        "    body.input.messages[0].content differs",
        '      recorded "Hello! My name is Bagatur and I am 26 years old."',
        '      got      "Bye!"',
    ]


async def shown(page: Page) -> list[list[Any]]:
    """Return event and data of each block that the page shows."""
    items = await page.locator("#events li").all()
    return [[await item.get_attribute("data-event"), json.loads(await item.text_content() or "")] for item in items]  # fmt: skip
