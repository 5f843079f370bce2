"""Take the pictures of the page: `python -m tests.screenshots docs`."""

import asyncio
import json
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.chromium import find_chromium, open_browser
from tests.processes import running

CASSETTES = Path(__file__).parents[1] / "cassettes"
HELLO = "Hello! My name is Bagatur and I am 26 years old."
MODES = ["updates", "messages-tuple", "values"]
REQUESTS: tuple[tuple[str, str | list[str], str], ...] = (
    ("agent", "updates", HELLO),
    ("agent", "messages-tuple", "What is the weather in Paris?"),
    ("agent", "tasks", HELLO),
    ("forecast", MODES, "What is the weather in Oslo?"),
    ("agent", "values", "What is the weather in Lima?"),
)


def send(url: str, assistant: str, mode: str | list[str], text: str) -> None:
    """Start a run with this *text*, and read its response."""
    messages = [{"role": "human", "content": text}]
    body = {"assistant_id": assistant, "input": {"messages": messages}, "stream_mode": mode}
    request = urllib.request.Request(f"{url}/runs/stream", json.dumps(body).encode())
    with urllib.request.urlopen(request) as response:
        response.read()


async def open_tool(page: Page) -> None:
    """Open the tool call of the conversation."""
    await page.locator(".tool > summary").first.click()


async def open_timeline(page: Page) -> None:
    """Open the timeline, and select an event of it."""
    await page.get_by_role("tab", name="Timeline").click()
    await page.locator(".lanes").focus()
    for _ in range(4):
        await page.keyboard.press(".")
    await page.evaluate("document.activeElement.blur()")


async def wait(page: Page) -> None:
    """Wait for the explanation of a miss."""
    await expect(page.get_by_text("a recording almost matches")).to_be_visible()


PICTURES: dict[str, tuple[str, Callable[[Page], Awaitable[None]]]] = {
    "page-live": ("live/5", wait),
    "page-cassettes": ("cassettes/weather.yaml/3", open_tool),
    "page-timeline": ("live/4", open_timeline),
}


async def take(url: str, folder: Path) -> None:
    """Take all pictures of the page of the server at *url*."""
    chromium = find_chromium()
    assert chromium is not None, "chromium is missing"
    async with open_browser(chromium) as browser:
        for name, (place, prepare) in PICTURES.items():
            context = await browser.new_context(
                viewport={"width": 1180, "height": 640}, color_scheme="light"
            )
            page = await context.new_page()
            await page.goto(f"{url}/__mockserver__/#/{place}")
            await prepare(page)
            await page.mouse.move(0, 0)
            await page.screenshot(path=folder / f"{name}.png")
            await context.close()


def main(folder: Path) -> None:
    """Take all pictures, on the bundled cassettes and the fake graph, and write them to *folder*."""
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copytree(CASSETTES, Path(temporary) / "cassettes")
        with running("serve", "cassettes", folder=Path(temporary)) as server:
            for request in REQUESTS:
                send(server.url, *request)
            asyncio.run(take(server.url, folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
