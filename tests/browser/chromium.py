"""Real headless chromium for tests, and this folder's page to open in it."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
NOT_NEEDED = (
    *("AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades"),
    *("LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints"),
    *("PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning"),
    # Chromium prepares these for each new page. That is half of its CPU time, and no test sees them.
    *("SpareRendererForSitePerProcess", "WebUIOmniboxAimPopup", "WebUIOmniboxPopup"),
)
"""The features that Playwright disables, and three more: only the last `--disable-features` counts."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(NOT_NEEDED)}",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
)
"""Every host in `.example` is this machine: the tests of origins open pages of such hosts."""


def find_chromium() -> str | None:
    """Return the path of the system's chromium, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def create_pages() -> web.Application:
    """Serve this folder; on a port of its own it is another origin than the server under test."""
    app = web.Application()
    app.router.add_static("/", Path(__file__).parent)
    return app


@asynccontextmanager
async def open_browser(executable: str) -> AsyncIterator[Browser]:
    """Run *executable* headless until the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_page(browser: Browser, url: str) -> AsyncIterator[Page]:
    """Yield the page at *url* in a new context: it shares no cookies, cache or connections with other pages."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(url)
        yield page
    finally:
        await context.close()


async def settled(page: Page) -> str:
    """Wait until the page's run is over and return how it ended: done, refused or failed."""
    over = page.locator("body:is([data-state=done], [data-state=refused], [data-state=failed])")
    return str(await over.get_attribute("data-state"))
