"""A chat page with `useStream` of @langchain/react in a real browser: it lives on the fake graph's event streams."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.chromium import open_page
from tests.conftest import tool
from tests.processes import Mockserver, running
from tests.real import chat_page
from tests.real.chat_page import Open, ask, idle, say, shown
from tests.real.test_chat import GROWING, WATCH

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCRIPT = """\
extends: built-in
rules:
- when: {human: hand over}
  steps: [{say: I hand this over.}, {delegate: [{say: I am within.}]}, {say: It is done.}]
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page."""
    tool("node")
    folder = tmp_path_factory.mktemp("react")
    chat_page.build("sdk-1", folder, page="react.jsx")
    return folder


@pytest.fixture
def speed() -> str:
    return "instant"


@pytest.fixture
def fake(speed: str, tmp_path: Path) -> Iterator[Mockserver]:
    """A server without cassettes, without pauses where a test asks for no other *speed*."""
    (tmp_path / "script.yaml").write_text(SCRIPT)
    options = ("--script", "script.yaml", "--speed", speed)
    with running("serve", *options, folder=tmp_path) as server:
        yield server


@pytest.fixture
def paced(tmp_path: Path) -> Iterator[Mockserver]:
    """A server without cassettes, at the pace of a model."""
    with running("serve", "--speed", "2", folder=tmp_path) as server:
        yield server


@pytest.mark.parametrize(("transport", "speed"), [("sse", "2"), ("websocket", "instant")])
async def test_a_conversation_has_its_history_and_survives_a_reload(
    chat: Open, fake: Mockserver, transport: str
) -> None:
    async with chat(fake.url, transport=transport) as page:
        first = await ask(page, "My name is Ada")
        second = await ask(page, "Which turn is this?")
        await page.reload()
        restored = await shown(page, 4)
        third = await ask(page, "And now?")

    assert first[0] == "My name is Ada"
    assert second[:2] == first
    assert "turn 2" in second[3]
    assert restored == second
    assert third[:4] == second


async def test_tokens_come_one_by_one(chat: Open, paced: Mockserver) -> None:
    async with chat(paced.url) as page:
        await page.evaluate(WATCH)
        await say(page, "My name is Ada")
        await expect(page.locator("li[data-type=ai] span")).to_have_text(GROWING)
        whole = (await idle(page))[-1]
        grown = await page.evaluate("window.grown")

    assert len(grown) > 2
    assert all(whole.startswith(text) for text in grown)


async def test_a_tool_call_and_its_result_are_shown(chat: Open, fake: Mockserver) -> None:
    async with chat(fake.url) as page:
        await say(page, "What is the weather in Paris?")
        await expect(page.locator("li[data-type=tool]")).to_have_count(1)
        texts = await shown(page, 4)
        calls = await page.locator("li[data-calls]").first.get_attribute("data-calls")
        await expect(page.locator("p.tool")).to_have_text("get_weather: finished")

    assert calls == "get_weather"
    assert "Paris" in texts[-1]


async def test_a_component_shows_what_a_subgraph_says(chat: Open, fake: Mockserver) -> None:
    async with chat(fake.url, within="") as page:
        await say(page, "hand over")
        await expect(page.locator("ul li").last).to_have_text("I am within.")
        await expect(page.locator("ol li")).to_have_count(4)


@pytest.mark.parametrize(("reload", "speed"), [(False, "2"), (True, "instant")])
async def test_an_interrupt_is_shown_and_answered(
    chat: Open, fake: Mockserver, reload: bool
) -> None:
    async with chat(fake.url) as page:
        await say(page, "Ask me something")
        await expect(page.locator("aside pre")).to_contain_text("Tea or coffee?")
        if reload:
            await page.reload()
            await expect(page.locator("aside pre")).to_contain_text("Tea or coffee?")
        await page.locator("aside button").click()
        await expect(page.locator("aside")).to_have_count(0)
        await expect(page.locator("li").last).to_contain_text("tea")
        texts = await idle(page)
        again = await ask(page, "My name is Ada")

    assert again[: len(texts)] == texts


async def test_the_error_of_a_run_is_shown(chat: Open, fake: Mockserver) -> None:
    async with chat(fake.url) as page:
        await say(page, "Fail at once")
        await expect(page.locator("#error")).not_to_be_empty()
        await say(page, "My name is Ada")
        await expect(page.locator("li[data-type=ai] span")).to_contain_text("Ada")
        await expect(page.locator("#error")).to_be_empty()


async def test_a_reload_joins_the_run(chat: Open, paced: Mockserver) -> None:
    async with chat(paced.url) as page:
        answer = page.locator("li[data-type=ai] span")
        await say(page, "Write an essay")
        await expect(answer).to_have_text(GROWING)
        await page.reload()
        await expect(answer).to_have_text(re.compile(r".{300}", re.S))

        assert await page.locator("main").get_attribute("data-state") == "loading"


async def test_stop_cancels_the_run(chat: Open, paced: Mockserver) -> None:
    async with chat(paced.url) as page:
        await say(page, "Write an essay")
        await expect(page.locator("li[data-type=ai] span")).to_have_text(GROWING)
        async with page.expect_response(re.compile("/cancel")) as cancelled:
            await page.locator("#stop").click()
        assert (await cancelled.value).status == 202
        await idle(page)
        runs = f"{paced.url}/threads/{await chat_page.thread_of(page)}/runs"
        script = "(at) => fetch(at).then((answer) => answer.json())"

        assert [run["status"] for run in await page.evaluate(script, runs)] == ["interrupted"]


async def test_two_tabs_show_the_same_run(chat: Open, paced: Mockserver) -> None:
    async with chat(paced.url) as page:
        await say(page, "Write an essay")
        answer = page.locator("li[data-type=ai] span")
        await expect(answer).to_have_text(GROWING)
        browser = page.context.browser
        assert browser is not None
        async with open_page(browser, page.url) as other:
            same = other.locator("li[data-type=ai] span")
            await expect(same).to_have_text(re.compile(r".{100}", re.S))
            await page.locator("#stop").click()
            await idle(page)
            await idle(other)

            assert await same.text_content() == await answer.text_content()


async def test_another_submission_interrupts_the_run(chat: Open, paced: Mockserver) -> None:
    async with chat(paced.url) as page:
        await say(page, "Write an essay")
        await expect(page.locator("li[data-type=ai] span")).to_have_text(GROWING)
        await say(page, "My name is Ada")
        await expect(page.locator("li").last).to_contain_text("Ada")
        texts = await idle(page)

    assert texts[0] == "Write an essay"


@pytest.mark.parametrize("transport", ["sse", "websocket"])
async def test_a_conversation_with_the_real_server_is_recorded(
    chat: Open, agent_server: str, transport: str, tmp_path: Path
) -> None:
    with running("record", "a.yaml", "--upstream", agent_server, folder=tmp_path) as recorder:
        async with chat(recorder.url, transport=transport) as page:
            await ask(page, "My name is Ada")
            await page.reload()
            restored = await shown(page, 2)
            both = await ask(page, "Which turn is this?")
            # The page is still open: so are its streams.
            assert recorder.stop() == 0

    cassette = (tmp_path / "a.yaml").read_text()
    assert both[:2] == restored
    assert cassette.count("    method: run.start\n") == 2
    assert "how: open}\n" in cassette
    assert "no event stream shows" not in recorder.errors
    assert "not recorded" not in recorder.errors
