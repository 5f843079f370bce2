"""The chat pages of tests/js in a browser: how to build them, open them, and talk to them."""

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import open_page
from tests.conftest import tool
from tests.real.clients import installed

HTML = """<!doctype html><meta charset="utf-8"><title>Chat</title><link rel="icon" href="data:,">
<div id="root"></div><script type="module" src="chat.js"></script>"""
DEFINED = '--define:process.env.NODE_ENV="production"'
WITHIN = 60_000
"""Milliseconds that a page has to show something, on a busy machine."""
expect.set_options(timeout=WITHIN)

Open = Callable[..., AbstractAsyncContextManager[Page]]


def build(sdk: str, folder: Path, page: str = "chat.jsx") -> None:
    """Build the *page* in *folder*, with one of the two lines of the SDK."""
    js = installed()
    options = ("--bundle", "--format=esm", "--jsx=automatic", DEFINED, "--log-level=warning")
    command = [str(js / "node_modules/.bin/esbuild"), page, f"--alias:sdk={sdk}"]
    subprocess.run([*command, *options, f"--outfile={folder / 'chat.js'}"], cwd=js, check=True, timeout=100)  # fmt: skip
    (folder / "index.html").write_text(HTML)


def build_svelte(folder: Path) -> None:
    """Build the page chat.svelte in *folder*."""
    js = installed()
    command = [tool("node"), "svelte.mjs", str(folder / "chat.js")]
    subprocess.run(command, cwd=js, check=True, timeout=100)
    (folder / "index.html").write_text(HTML)


@asynccontextmanager
async def served(folder: Path, browser: Browser) -> AsyncIterator[Open]:
    """Serve the page in *folder* from a port of its own; yield what opens it in *browser*, against a server."""
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    @asynccontextmanager
    async def opened(server: str, **query: str) -> AsyncIterator[Page]:
        origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        url = f"{origin}/index.html?{urlencode({'server': server, **query})}"
        async with open_page(browser, url) as page:
            yield page

    yield opened
    await runner.cleanup()


async def say(page: Page, text: str) -> None:
    """Send *text*."""
    await page.locator("input").fill(text)
    await page.locator("#send").click()


async def idle(page: Page) -> list[str]:
    """Wait until nothing comes any more, and return what the page shows of the conversation."""
    await expect(page.locator("main[data-state=idle]")).to_be_visible()
    return await page.locator("li span").all_text_contents()


async def shown(page: Page, count: int) -> list[str]:
    """Wait until the page shows *count* messages and nothing comes any more, and return them."""
    await expect(page.locator("li")).to_have_count(count)
    return await idle(page)


async def ask(page: Page, text: str) -> list[str]:
    """Send *text*, wait for the response, and return what the page shows of the conversation."""
    count = await page.locator("li").count()
    await say(page, text)
    return await shown(page, count + 2)


async def answer_interrupt(page: Page) -> list[str]:
    """Answer the interrupt that the page shows, and return what it shows of the conversation afterwards."""
    count = await page.locator("li").count()
    await page.locator("aside button").click()
    await expect(page.locator("aside")).to_have_count(0)
    return await shown(page, count + 1)


async def new_chat(page: Page) -> None:
    """Leave the conversation, and begin another one."""
    await page.locator("#new").click()
    await shown(page, 0)


async def thread_of(page: Page) -> str:
    """Return the id of the thread of the page."""
    return str(await page.evaluate("new URLSearchParams(location.search).get('thread')"))


async def history_of(page: Page) -> list[list[str]]:
    """Return the texts of each state in the history of the page's thread, the latest first."""
    script = """async () => {
      const query = new URLSearchParams(location.search);
      const path = `${query.get("server")}/threads/${query.get("thread")}/history`;
      const states = await (await fetch(path, { method: "POST", body: '{"limit":10}' })).json();
      return states.map(({ values }) => (values.messages ?? []).map(({ content }) => content));
    }"""
    states: list[list[str]] = await page.evaluate(script)
    return states
