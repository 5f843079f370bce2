"""The test page, served from a port of its own and opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from aiohttp import web
from playwright.async_api import Browser, Page

from tests.browser.chromium import create_pages, open_page


@asynccontextmanager
async def page_at(browser: Browser, **query: str) -> AsyncIterator[Page]:
    """Serve the page from a port of its own and open it."""
    runner = web.AppRunner(create_pages())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        url = f"http://127.0.0.1:{port}/index.html?{urlencode(query)}"
        async with open_page(browser, url) as page:
            yield page
    finally:
        await runner.cleanup()
