"""The page of mockserver in a browser: how to open it, and what must hold for each of its views."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ConsoleMessage, Page, expect

from tests.conftest import missing

PAGE = Path(__file__).parents[2] / "page"
WITHIN = 60_000
"""Milliseconds that the page has to show something, on a busy machine."""
expect.set_options(timeout=WITHIN)
Scheme = Literal["light", "dark"]


def page_modules() -> Path:
    """Return the installed npm packages of the page, or skip."""
    modules = PAGE / "node_modules"
    if not (modules / "esbuild").exists():
        missing("page/node_modules (`npm ci --prefix page`)")
    return modules


def at(url: str, place: str) -> str:
    """Return the address of *place*, such as `live/3`, on the page of the server at *url*."""
    return f"{url}/__mockserver__/#/{place}"


@asynccontextmanager
async def view(
    browser: Browser,
    url: str,
    *,
    scheme: Scheme = "light",
    width: int = 1400,
    may_fail: bool = False,
) -> AsyncIterator[Page]:
    """Yield the page at *url*. It must raise no error, break no policy, open no dialog and ask no other host.

    With *may_fail*, the server may be gone, or answer with a status of an error.
    """
    context = await browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
        permissions=["clipboard-read", "clipboard-write"],
    )
    problems: list[str] = []
    try:
        page = await context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))

        def note(message: ConsoleMessage) -> None:
            is_failed = message.text.startswith("Failed to load resource")
            if message.type == "error" and not (may_fail and is_failed):
                problems.append(message.text)

        page.on("console", note)
        own = url.split("#")[0].rpartition("/__mockserver__/")[0] or url.split("#")[0]
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith((own, "data:")) else problems.append(asked.url)
            ),
        )
        await page.goto(url)
        yield page
    finally:
        await context.close()
    assert problems == []


async def show(page: Page, place: str) -> None:
    """Go to *place*, such as `cassettes/chat.yaml/3`."""
    await page.evaluate("place => { location.hash = `#/${place}` }", place)


async def is_too_wide(page: Page) -> bool:
    """Return whether the page scrolls sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth > innerWidth"))


async def find_barriers(page: Page, *rules: str) -> list[str]:
    """Return what axe finds that keeps people from using the page, each with the elements that it means.

    With *rules*, it looks for these only.
    """
    if await page.evaluate("typeof axe === 'undefined'"):
        source = (page_modules() / "axe-core/axe.min.js").read_text()
        # As a script of the page, its policy would refuse it.
        await page.evaluate(f"{source}; null")
    script = """async (rules) => (await axe.run(rules.length ? { runOnly: rules } : {})).violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" ")}`)"""
    barriers: list[str] = await page.evaluate(script, rules)
    return barriers


async def read_clipboard(page: Page) -> str:
    """Return what a button of *page* copied."""
    return str(await page.evaluate("navigator.clipboard.readText()"))
