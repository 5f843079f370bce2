"""A chat page with `useStream`, of both lines of the SDK, in a real browser: it lives on the fake graph, and on a recording."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.processes import Mockserver, running
from tests.real.chat_page import Open, idle, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

GROWING = re.compile(r"^.{15}", re.S)
"""What has begun to come."""

WATCH = """() => {
  window.grown = [];
  new MutationObserver(() => {
    const text = document.querySelector("li[data-type=ai] span")?.textContent;
    if (text && text !== window.grown.at(-1)) window.grown.push(text);
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
"""Takes down every text that the first answer has had, however busy the machine is."""

ANSWER_AT_ONCE = """() => new MutationObserver((_, observer) => {
  const button = document.querySelector("aside button");
  if (button) { observer.disconnect(); button.click(); }
}).observe(document.body, { childList: true, subtree: true })"""
"""Answers an interrupt as soon as it is shown, before the end of its stream; SDK 2 then names no checkpoint."""

MAKE = """([url, thread]) => fetch(url + "/threads", {
  method: "POST",
  body: JSON.stringify({ thread_id: thread, if_exists: "do_nothing" }),
})"""
"""What a page does that makes up the id of its thread."""


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Mockserver]:
    """A server without cassettes, at the pace of a model."""
    with running("serve", "--speed", "2", folder=tmp_path) as server:
        yield server


async def test_a_conversation_streams_has_its_history_and_survives_a_reload(
    chat: Open, fake: Mockserver
) -> None:
    async with chat(fake.url) as page:
        answer = page.locator("li[data-type=ai] span")
        await page.evaluate(WATCH)
        await say(page, "My name is Ada")
        await expect(answer).to_have_text(GROWING)
        first = await idle(page)
        grown = await page.evaluate("window.grown")
        await say(page, "Which turn is this?")
        await expect(answer).to_have_count(2)
        second = await idle(page)
        await page.reload()
        await expect(answer).to_have_count(2)
        restored = await idle(page)

        identity = await page.locator("li[data-type=ai]").last.get_attribute("data-id")
        await page.locator("li[data-type=ai] button").last.click()
        await expect(page.locator(f"[data-id='{identity}']")).to_have_count(0)
        await expect(answer).to_have_count(2)
        again = await idle(page)

        await say(page, "Fail at once")
        await expect(page.locator("#error")).not_to_be_empty()

    assert first[0] == "My name is Ada"
    assert len(grown) > 2
    assert all(first[1].startswith(text) for text in grown)
    assert second[:2] == first
    assert "turn 2" in second[3]
    assert again == restored == second


async def test_an_interrupt_is_shown_and_resumed(chat: Open, fake: Mockserver) -> None:
    async with chat(fake.url) as page:
        await say(page, "Ask me something")
        await expect(page.locator("aside pre")).to_contain_text("Tea or coffee?")
        await page.reload()
        await expect(page.locator("aside pre")).to_contain_text("Tea or coffee?")
        await page.locator("aside button").click()
        await expect(page.locator("aside")).to_have_count(0)
        shown = await idle(page)

    assert "tea" in shown[-1]


async def test_a_reload_joins_the_run_and_stop_cancels_it(chat: Open, fake: Mockserver) -> None:
    async with chat(fake.url) as page:
        answer = page.locator("li[data-type=ai] span")
        await say(page, "Write an essay")
        await expect(answer).to_have_text(GROWING)
        await page.reload()
        await expect(page.locator("main[data-state=loading]")).to_be_visible()
        await expect(answer).to_have_text(re.compile(r".{300}", re.S))
        assert await page.locator("main").get_attribute("data-state") == "loading"
        await page.locator("#stop").click()
        await idle(page)
        thread = await page.evaluate("new URLSearchParams(location.search).get('thread')")
        runs = await page.evaluate(
            "(at) => fetch(at).then((answer) => answer.json())", f"{fake.url}/threads/{thread}/runs"
        )

    assert [run["status"] for run in runs] == ["interrupted"]


async def test_a_recorded_conversation_is_replayed_under_another_id(
    chat: Open, agent_server: str, tmp_path: Path
) -> None:
    """The page is recorded on a thread of one name, and replayed on one of another, which it makes up, by somebody faster."""
    one, other = str(uuid4()), str(uuid4())
    cassette = tmp_path / "chat.yaml"

    async def converse(url: str, thread: str) -> list[str]:
        async with chat(url, assistant="scripted") as page:
            await page.evaluate(MAKE, [url, thread])
            await page.goto(f"{page.url}&thread={thread}")
            if thread == other:
                await page.evaluate(ANSWER_AT_ONCE)
            await say(page, "interrupt")
            if thread == one:
                await expect(page.locator("aside")).to_be_visible(timeout=10_000)
                await idle(page)
                await page.locator("aside button").click()
            await expect(page.locator("li")).to_have_count(3)
            await expect(page.locator("aside")).to_have_count(0)
            return await idle(page)

    with running("record", cassette, "--upstream", agent_server, folder=tmp_path) as recorder:
        recorded = await converse(recorder.url, one)
        assert recorder.stop() == 0
    with running("replay", cassette, "--speed", "instant", folder=tmp_path) as player:
        replayed = await converse(player.url, other)
        assert player.stop() == 0, player.errors

    assert replayed == recorded == ["interrupt", "I would send it.", "You decided: tea"]
