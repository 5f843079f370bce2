"""The view Live: requests as they come, and why each got its response."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from mockserver import MockServer
from tests.processes import Mockserver, running
from tests.real.page_requests import FIRST, RECORDED, THREAD, ask, run, turn
from tests.real.page_view import Scheme, at, find_barriers, is_too_wide, read_clipboard, show, view

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASSETTES = Path(__file__).parents[2] / "cassettes"


@contextmanager
def replaying(folder: Path, mode: str = "replay") -> Iterator[Mockserver]:
    """Play a copy of the bundled cassettes in *folder*, without pauses."""
    shutil.copytree(CASSETTES, folder / "cassettes", dirs_exist_ok=True)
    with running(mode, "cassettes", "--speed", "instant", folder=folder) as server:
        yield server


def rows(page: Page) -> Locator:
    return page.locator(".calls tbody tr")


async def test_a_miss_shows_what_differs_and_the_line_that_fixes_it(
    browser: Browser, tmp_path: Path
) -> None:
    body = run(RECORDED, config={"configurable": {"user_id": "8"}})
    with replaying(tmp_path) as server:
        ask(server.url, "/runs/stream", body)
        async with view(browser, at(server.url, "live")) as page:
            await expect(page.locator(".chips")).to_contain_text("miss 1")
            await page.get_by_role("link", name="POST /runs/stream").click()

            await expect(page).to_have_url(re.compile("#/live/1$"))
            reason = page.get_by_role("region", name="Miss: no exchange matches")
            await expect(reason).to_contain_text("The nearest recording is hello.yaml#1")
            difference = reason.get_by_role("table", name="body.config").first
            assert await difference.locator("tr").all_inner_texts() == [
                "recorded\t(absent)",
                'this request\t{"configurable":{"user_id":"8"}}',
            ]
            await reason.get_by_role("button", name="Copy record command").click()
            file = tmp_path / "cassettes/hello.yaml"
            command = f"mockserver record {file} --extend --upstream http://127.0.0.1:2024"
            assert await read_clipboard(page) in (command, command.replace(f"{tmp_path}/", ""))
            await reason.get_by_role("button", name="Copy ignore line").click()
            line = await read_clipboard(page)
            await reason.get_by_role("link", name="hello.yaml#1").click()
            await expect(page).to_have_url(re.compile("#/cassettes/hello.yaml/1$"))

    assert line == "ignore: [body.config]"
    (tmp_path / "mockserver.yaml").write_text(line)
    with replaying(tmp_path) as server:
        assert "no exchange matches" not in ask(server.url, "/runs/stream", body)


async def test_a_near_miss_of_the_fake_graph_is_a_problem_too(
    browser: Browser, tmp_path: Path
) -> None:
    with replaying(tmp_path, "serve") as server:
        ask(server.url, "/runs/stream", run(RECORDED))
        ask(server.url, "/runs/stream", run(f"{RECORDED} And you?"))
        async with view(browser, at(server.url, "live")) as page:
            await expect(rows(page)).to_have_count(2)
            await page.get_by_role("button", name="problems only 1").click()
            await expect(rows(page)).to_have_count(1)
            await expect(rows(page)).to_contain_text("fake near miss")
            await rows(page).get_by_role("link").click()

            reason = page.get_by_role("region", name="Near miss: a recording almost matches")
            await expect(reason.locator(".changed")).to_have_text(" And you?")
            conversation = page.get_by_role("tabpanel", name="Conversation")
            await expect(conversation).to_contain_text("Hello Bagatur!")


async def test_a_hit_on_a_thread_says_why(browser: Browser, tmp_path: Path) -> None:
    thread = THREAD.replace("5c9a", "1111")
    with replaying(tmp_path) as server:
        ask(server.url, f"/threads/{thread}/runs/stream", FIRST)
        ask(server.url, f"/threads/{thread}/runs/stream", turn(command={"resume": "send"}))
        async with view(browser, at(server.url, "live/1")) as page:
            await expect(rows(page)).to_have_count(2)
            why = page.get_by_role("region", name="Why this response")
            await expect(why).to_contain_text("thread.yaml thread 1, #1-#14")
            await expect(why.get_by_role("progressbar")).to_have_attribute("value", "1")
            await expect(why).to_contain_text("1 of 3 turns")
            await expect(why).to_contain_text("thread.yaml#7")
            await expect(why.locator("q")).to_have_text('resume "send"')
            pairs = why.locator(".ids tbody tr")
            assert await pairs.all_inner_texts() == [f"{thread}\t{THREAD}"]
            await page.get_by_role("tab", name="Events").click()
            await expect(page.get_by_role("option").first).to_be_visible()
            await page.get_by_role("tab", name="Timeline").click()
            await expect(page.locator("canvas").first).to_be_visible()

            await show(page, "live/2")
            await expect(why).to_contain_text("2 of 3 turns")
            await expect(why.locator("q")).to_have_text("And the next release?")


async def test_requests_appear_as_they_come_and_the_list_does_not_jump(
    browser: Browser, tmp_path: Path
) -> None:
    with MockServer(CASSETTES) as server:
        for number in range(60):
            ask(server.url, f"/first/{number}")
        async with view(browser, at(server.url, "live")) as page:
            await expect(rows(page).first).to_contain_text("GET /first/59")
            ask(server.url, "/second")
            await expect(rows(page).first).to_contain_text("GET /second")

            await page.locator(".calls").evaluate("element => element.scrollTop = 300")
            seen = page.get_by_role("link", name="GET /first/48")
            before = await seen.bounding_box()
            ask(server.url, "/third")
            ask(server.url, "/fourth")
            fresh = page.get_by_role("button", name="2 new")
            await expect(fresh).to_be_visible()
            assert await seen.bounding_box() == before
            await fresh.click()
            await expect(rows(page).first).to_contain_text("GET /fourth")
            await expect(page.get_by_role("button", name="new")).to_have_count(0)


async def test_pause_and_clear(browser: Browser) -> None:
    with MockServer(CASSETTES) as server:
        ask(server.url, "/first")
        async with view(browser, at(server.url, "live"), may_fail=True) as page:
            await expect(rows(page)).to_have_count(1)
            await page.get_by_role("button", name="Pause").click()
            ask(server.url, "/second")
            await expect(page.get_by_role("button", name="1 new")).to_be_visible()
            await expect(rows(page)).to_have_count(1)
            await page.get_by_role("button", name="Resume").click()
            await expect(rows(page)).to_have_count(2)

            await page.get_by_role("button", name="Clear").click()
            await expect(rows(page)).to_have_count(0)
            await page.get_by_role("link", name="Sessions").click()
            await page.get_by_role("link", name="Live").click()
            ask(server.url, "/third")
            await expect(rows(page)).to_have_count(1)
            await page.get_by_role("button", name="Show cleared").click()
            await expect(rows(page)).to_have_count(3)
        assert len(server.calls) == 3


async def test_filters(browser: Browser, tmp_path: Path) -> None:
    with replaying(tmp_path) as server:
        ask(server.url, "/runs/stream", run(RECORDED), session="t1")
        ask(server.url, "/runs/stream", run("What is the weather in Paris?"), session="t2")
        ask(server.url, "/runs/stream", run("What is new?"))
        async with view(browser, at(server.url, "live")) as page:
            await expect(rows(page)).to_have_count(3)
            search = page.get_by_role("searchbox", name="Filter by text")
            await search.fill("weather PARIS")
            await expect(rows(page)).to_have_count(1)
            await search.fill("nothing like this")
            await expect(page.locator(".empty")).to_have_text("No request fits the filter.")
            await search.fill("")
            await page.get_by_role("button", name=re.compile("^miss")).click()
            await expect(rows(page)).to_have_count(1)
            await expect(rows(page)).to_contain_text("What is new?")
            await page.get_by_role("button", name=re.compile("^miss")).click()
            await page.get_by_role("combobox").select_option("t1")
            await expect(rows(page)).to_have_count(1)
            await expect(rows(page)).to_contain_text("hello.yaml#1")


async def test_a_walk_with_the_keyboard(browser: Browser) -> None:
    with MockServer(CASSETTES) as server:
        for number in range(3):
            ask(server.url, f"/{number}")
        async with view(browser, at(server.url, "live")) as page:
            await expect(rows(page)).to_have_count(3)
            await page.get_by_role("button", name="Clear").focus()
            focused = page.locator("a:focus")

            await page.keyboard.press("Tab")
            await expect(focused).to_have_text("GET /2")
            await page.keyboard.press("ArrowDown")
            await expect(focused).to_have_text("GET /1")
            await page.keyboard.press("End")
            await expect(focused).to_have_text("GET /0")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("heading", name="GET /0")).to_be_visible()
            await page.keyboard.press("k")
            await expect(page.get_by_role("heading", name="GET /1")).to_be_visible()
            await expect(focused).to_have_text("GET /1")
            await page.keyboard.press("Escape")
            await expect(page).to_have_url(re.compile("#/live$"))
            await expect(focused).to_have_text("GET /1")


async def test_on_a_narrow_screen_the_keyboard_goes_to_the_request_and_back(
    browser: Browser,
) -> None:
    with MockServer(CASSETTES) as server:
        for number in range(3):
            ask(server.url, f"/{number}")
        async with view(browser, at(server.url, "live"), width=360) as page:
            await page.get_by_role("link", name="GET /1").focus()
            await page.keyboard.press("Enter")
            await expect(page.locator("h1:focus")).to_have_text("GET /1")
            await expect(page.get_by_role("link", name="GET /2")).to_be_hidden()
            await page.keyboard.press("Escape")
            await expect(page.locator("a:focus")).to_have_text("GET /1")


async def test_a_restart_of_the_server_is_announced(browser: Browser) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(MockServer(CASSETTES))
        ask(server.url, "/before")
        ask(server.url, "/before/2")
        port = int(server.url.rpartition(":")[2])
        async with view(browser, at(server.url, "live"), may_fail=True) as page:
            await expect(rows(page)).to_have_count(2)

            await asyncio.to_thread(stack.close)
            await expect(page.locator(".notice")).to_contain_text("does not answer")
            with MockServer(CASSETTES, port=port) as again:
                await expect(page.locator(".notice")).to_contain_text(
                    "The server was restarted, and has forgotten 2 earlier requests."
                )
                ask(again.url, "/after")
                await expect(rows(page)).to_have_count(1)
                await expect(rows(page)).to_contain_text("GET /after")


HOSTILE = "<img src=x onerror=alert(1)> </script><script>alert(2)</script> \u202eabc\u2066"


@pytest.mark.parametrize("mode", ["serve", "replay"])
async def test_what_a_client_sends_is_only_text(
    browser: Browser, tmp_path: Path, mode: str
) -> None:
    with replaying(tmp_path, mode) as server:
        body = run(HOSTILE, config={HOSTILE: "javascript:alert(3)"})
        ask(server.url, "/runs/wait?a=%3Cimg%20src=x%20onerror=alert(4)%3E", body)
        ask(server.url, "/threads", {"metadata": {HOSTILE: HOSTILE}}, session="<b>t1</b>")
        async with view(browser, at(server.url, "live")) as page:
            await expect(rows(page)).to_have_count(2)
            await expect(rows(page).last.locator("q")).to_contain_text("<img src=x onerror")
            await expect(rows(page).last.locator("mark").first).to_have_text("U+202E")
            for number in (1, 2):
                await show(page, f"live/{number}")
                await expect(page.get_by_text(f"request {number}", exact=True)).to_be_visible()
                for tab in await page.get_by_role("tab").all():
                    await tab.click()
                assert await page.locator("main img, main script, main b b").count() == 0
            await expect(page.get_by_role("heading", level=1)).to_have_text("POST /threads")


@pytest.mark.parametrize(
    ("width", "scheme"),
    [pytest.param(360, "dark", id="narrow"), pytest.param(1400, "light", id="wide")],
)
async def test_it_is_accessible_and_as_wide_as_the_window(
    browser: Browser, tmp_path: Path, width: int, scheme: Scheme
) -> None:
    with replaying(tmp_path) as server:
        ask(server.url, f"/threads/{THREAD}/runs/stream", FIRST)
        ask(server.url, "/runs/stream", run(f"{RECORDED} {'long' * 100}", config={"tags": ["x"]}))
        async with view(browser, at(server.url, "live"), width=width, scheme=scheme) as page:
            await expect(rows(page)).to_have_count(2)
            assert await find_barriers(page) == []
            assert not await is_too_wide(page)
            for number, name in ((1, "Why this response"), (2, "Miss: no exchange matches")):
                await show(page, f"live/{number}")
                await expect(page.get_by_role("region", name=name)).to_be_visible()
                assert await find_barriers(page) == []
                assert not await is_too_wide(page)


MANY = 10_000
PIECE = 200


def create_call(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "when": "2026-11-27T10:00:00.000+00:00",
        "session": "",
        "method": "GET",
        "path": f"/call/{number}",
        "status": 200,
        "source": "fake",
        "exchange": None,
        "ids": {},
        "seconds": 0.1,
    }


async def test_ten_thousand_requests_are_loaded_in_pieces(browser: Browser) -> None:
    asked: list[int] = []

    async def show_piece(route: Route) -> None:
        before = re.search(r"before=(\d+)", route.request.url)
        end = int(before[1]) if before else MANY + 1
        asked.append(end)
        numbers = range(max(1, end - PIECE), end)
        await route.fulfill(json={"requests": list(map(create_call, numbers)), "total": MANY})

    with MockServer(CASSETTES) as server:
        async with view(browser, at(server.url, "sessions"), may_fail=True) as page:
            await page.route(re.compile(r"/journal\?"), show_piece)
            await page.get_by_role("link", name="Live").click()
            await expect(rows(page).first).to_contain_text(f"/call/{MANY}")
            assert asked == [MANY + 1]
            await page.get_by_role("link", name=f"/call/{MANY}").focus()
            await page.keyboard.press("End")
            await expect(page.locator("a:focus")).to_have_text(f"GET /call/{MANY - PIECE + 1}")
            await expect(page.get_by_role("link", name=f"/call/{MANY - PIECE}")).to_be_attached()
            await page.keyboard.press("End")
            await expect(page.locator("a:focus")).to_have_text(f"GET /call/{MANY - 2 * PIECE + 1}")
            assert await rows(page).count() < 100

            await page.get_by_role("searchbox", name="Filter by text").fill("/call/1234")
            await expect(rows(page)).to_have_count(1)
            await expect(rows(page)).to_contain_text("/call/1234")


async def test_the_list_stands_still_while_a_request_is_read(browser: Browser) -> None:
    with MockServer(CASSETTES) as server:
        ask(server.url, "/first")
        async with view(browser, at(server.url, "live")) as page:
            await page.get_by_role("link", name="GET /first").click()
            await expect(page.get_by_role("heading", name="GET /first")).to_be_visible()
            ask(server.url, "/second")
            await expect(page.get_by_role("button", name="1 new")).to_be_visible()
            await expect(rows(page)).to_have_count(1)
            await page.get_by_role("link", name="All requests").click()
            await expect(rows(page)).to_have_count(2)
