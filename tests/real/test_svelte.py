"""A chat page with `useStream` of @langchain/svelte: it shares the controller of @langchain/react, in an older version."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.processes import running
from tests.real import chat_page
from tests.real.chat_page import WITHIN, Open, ask, idle, say, shown

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXTS = ["hi", "You said: hi", "interrupt", "I would send it.", "You decided: send"]
SCRIPT = Path(__file__).parents[1] / "agent" / "script.yaml"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page."""
    folder = tmp_path_factory.mktemp("svelte")
    chat_page.build_svelte(folder)
    return folder


async def converse(page: Page) -> list[str]:
    """Lead a conversation with a reload, and an interrupt that is answered."""
    first = await ask(page, "hi")
    await page.reload()
    assert await shown(page, 2) == first
    await say(page, "interrupt")
    await expect(page.locator("aside pre")).to_contain_text("Send it?", timeout=WITHIN)
    await page.locator("aside button").click()
    await expect(page.locator("li").last).to_contain_text("You decided", timeout=WITHIN)
    texts = await idle(page)
    assert await page.locator("#error").text_content() == ""
    return texts


async def test_a_page_is_recorded_and_replayed_and_lives_on_the_fake_graph(
    chat: Open, agent_server: str, tmp_path: Path
) -> None:
    query = {"assistant": "scripted", "answer": "send"}
    seen = []
    with running("record", "a.yaml", "--upstream", agent_server, folder=tmp_path) as recorder:
        async with chat(recorder.url, **query) as page:
            seen.append(await converse(page))
        assert recorder.stop() == 0
    with running("replay", "a.yaml", "--speed", "instant", folder=tmp_path) as player:
        async with chat(player.url, **query) as page:
            seen.append(await converse(page))
        assert player.stop() == 0
    with running("serve", "--script", SCRIPT, "--speed", "instant", folder=tmp_path) as fake:
        async with chat(fake.url, transport="websocket", **query) as page:
            seen.append(await converse(page))

    assert "miss" not in player.errors
    assert seen == [TEXTS] * 3
