"""The view Sessions: what each session plays, and its faults."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from mockserver import MockServer
from tests.real.page_requests import FIRST, THREAD, ask
from tests.real.page_view import Scheme, at, find_barriers, is_too_wide, view

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASSETTES = Path(__file__).parents[2] / "cassettes"


async def test_the_threads_of_each_session_and_what_is_expected_next(browser: Browser) -> None:
    with MockServer(CASSETTES) as server:
        ask(server.url, f"/threads/{THREAD}/runs/stream", FIRST, session="checkout <1>")
        async with view(browser, at(server.url, "sessions"), may_fail=True) as page:
            session = page.get_by_role("region", name="Session checkout <1>")
            await expect(session).to_contain_text("1 request, 1 thread")
            await expect(session.locator("li")).to_contain_text("thread.yaml thread 1, #1-#14")
            await expect(session.locator("li")).to_contain_text("1 of 3 turns")
            await expect(session.locator("li q")).to_have_text('resume "send"')

            ask(server.url, "/threads", {})
            other = page.get_by_role("region", name="Session (unnamed)")
            await expect(other).to_contain_text("1 request")
            await other.get_by_role("button", name="Show in Live").click()
            await expect(page.locator("tbody tr")).to_have_count(1)
            await expect(page.locator("tbody tr")).to_contain_text("POST /threads")

            await page.get_by_role("link", name="Sessions").click()
            await session.get_by_role("button", name="Reset").click()
            await expect(session.locator("li")).to_have_count(0)
            assert [call.session for call in server.calls] == [""]


async def test_a_fault_is_set_and_cleared(browser: Browser) -> None:
    with MockServer(CASSETTES) as server:
        ask(server.url, "/info", session="t1")
        async with view(browser, at(server.url, "sessions"), may_fail=True) as page:
            form = page.get_by_role("form", name="Set a fault")
            listed = page.locator(".faults li")
            await form.get_by_role("spinbutton", name="Status").fill("503")
            await form.get_by_label("Path").fill("/runs/stream")
            await form.get_by_label("Times").fill("2")
            await form.get_by_label("Session").select_option("t1")
            await form.get_by_role("button", name="Set").click()
            await expect(listed).to_have_text(
                '{"status":503}: 2 requests for /runs/stream in session t1'
            )
            await form.get_by_label("Fault").select_option("a pause")
            await form.get_by_label("Seconds").fill("2")
            await form.get_by_label("Session").select_option("any")
            await form.get_by_role("button", name="Set").click()
            await expect(listed).to_have_count(2)

            refused = ask(server.url, "/runs/stream", {"assistant_id": "agent"}, session="t1")
            assert refused == '{"detail":"Service Unavailable"}'
            await page.reload()
            await expect(listed.first).to_contain_text("1 request for")
            await expect(listed.last).to_contain_text('{"stall":3,"seconds":2}: 2 requests for')
            assert await find_barriers(page) == []
            await form.get_by_role("button", name="Clear all").click()
            await expect(listed).to_have_count(0)


@pytest.mark.parametrize(
    ("width", "scheme"),
    [pytest.param(360, "dark", id="narrow"), pytest.param(1400, "light", id="wide")],
)
async def test_it_is_accessible_and_as_wide_as_the_window(
    browser: Browser, width: int, scheme: Scheme
) -> None:
    with MockServer(CASSETTES) as server:
        ask(server.url, f"/threads/{THREAD}/runs/stream", FIRST, session="long" * 30)
        async with view(
            browser, at(server.url, "sessions"), width=width, scheme=scheme, may_fail=True
        ) as page:
            await expect(page.locator("li q")).to_be_visible()
            assert await find_barriers(page) == []
            assert not await is_too_wide(page)
