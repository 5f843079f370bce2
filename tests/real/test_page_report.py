"""The report of a run in a browser: the page without a server."""

import sys
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.processes import run
from tests.real.page_view import show, view
from tests.replaying import cassette

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASK = """\
import json, os, urllib.error, urllib.request
for text in ("hi", "<img src=x onerror=alert(1)>"):
    body = {"assistant_id": "agent", "input": {"messages": [{"role": "human", "content": text}]}}
    try:
        urllib.request.urlopen(os.environ["MOCKSERVER_URL"] + "/runs/wait", json.dumps(body).encode()).close()
    except urllib.error.HTTPError as error:
        error.close()
"""


async def test_a_report_shows_the_requests_and_the_list_of_exchanges(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one"), ("ho", "two")))
    (tmp_path / "ask.py").write_text(ASK)
    arguments = ("replay", "chat.yaml", "--port", "0", "--report", "r.html")
    ended = run(*arguments, "--", sys.executable, "ask.py", folder=tmp_path)
    assert ended.returncode == 1, ended.stderr

    async with view(browser, f"{(tmp_path / 'r.html').as_uri()}#/live") as page:
        await expect(page.get_by_text("chat.yaml#1").first).to_be_visible()
        await expect(page.get_by_text("POST /runs/wait")).to_have_count(2)
        await show(page, "cassettes/chat.yaml/2")
        await expect(
            page.get_by_text("The report names this exchange, but does not hold it.")
        ).to_be_visible()
