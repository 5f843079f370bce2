"""The page in Chromium."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from tests.real.conftest import browser, chromium  # noqa: F401 - fixtures

WITHIN = 30_000
"""Milliseconds that the page has to show something, on a busy machine."""
expect.set_options(timeout=WITHIN)

OpenPage = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture
def open_page(browser: Browser) -> OpenPage:  # noqa: F811 - the fixture from above
    """Opens the page of a server at a view, and checks at the end that nothing went wrong in it.

    A response with status 404 is nothing wrong: the page asks for what older servers do not have.
    """

    @asynccontextmanager
    async def opened(
        url: str, view: str = "live", width: int = 1300, scheme: str = "light"
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(WITHIN)
        problems: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type == "error" and "Failed to load resource" not in message.text:
                problems.append(message.text)

        try:
            page = await context.new_page()
            page.on("console", note)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("dialog", lambda dialog: problems.append(dialog.message))
            await page.goto(f"{url}/__mockserver__/#/{view}")
            yield page
            assert problems == []
        finally:
            await context.close()

    return opened
