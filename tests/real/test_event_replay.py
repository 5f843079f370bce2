"""Replay of event streams: what clients saw on the real server, they see again, on each visit and over both transports."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from langgraph_sdk import get_client
from playwright.async_api import Page, expect

from tests.conftest import tool
from tests.processes import running
from tests.real import chat_page
from tests.real.chat_page import Open, ask, idle, say, shown
from tests.real.scenarios import said
from tests.real.test_event_clients import TRANSPORTS, Transport, by_js
from tests.real.test_event_truth import stable

pytestmark = pytest.mark.asyncio(loop_scope="session")

Visit = Callable[[Page], Coroutine[Any, Any, list[str]]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page."""
    tool("node")
    folder = tmp_path_factory.mktemp("react")
    chat_page.build("sdk-1", folder, page="react.jsx")
    return folder


async def two_turns(page: Page) -> list[str]:
    await ask(page, "hi")
    return await ask(page, "and then?")


async def tools(page: Page) -> list[str]:
    await say(page, "tools of Rome")
    return await shown(page, 4)


async def question(page: Page) -> list[str]:
    await say(page, "interrupt")
    await expect(page.locator("aside pre")).to_contain_text("Send it?")
    await page.locator("aside button").click()
    await expect(page.locator("li").last).to_contain_text("You decided")
    await idle(page)
    return await ask(page, "hi")


async def stopped(page: Page) -> list[str]:
    await say(page, "stop me")
    await expect(page.locator("li[data-type=ai]")).to_have_text("Now you can.")
    async with page.expect_response(lambda response: "/cancel" in response.url) as cancelled:
        await page.locator("#stop").click()
    assert (await cancelled.value).status == 202
    await idle(page)
    await say(page, "hi")
    await expect(page.locator("li", has_text="You said: hi")).to_be_visible()
    # The page may show the stopped message before or after those of the next turn.
    return [text for text in await idle(page) if text in ("hi", "You said: hi")]


async def failing(page: Page) -> list[str]:
    await say(page, "fail at once")
    await expect(page.locator("#error")).not_to_be_empty()
    return [str(await page.locator("#error").text_content())]


VISITS: dict[str, tuple[Visit, ...]] = {
    "sse": (two_turns, question, stopped, failing),
    "websocket": (two_turns, tools),
}


async def visit_all(page: Page, visits: tuple[Visit, ...]) -> list[list[str]]:
    """Return what *page* shows on each of *visits*, which have threads of their own."""
    first = page.url
    seen = []
    for visit in visits:
        await page.goto(first)
        seen.append(await visit(page))
    return seen


@pytest.mark.parametrize(("recorded_over", "speed"), [("sse", "2"), ("websocket", "instant")])
async def test_a_page_is_replayed_on_each_visit(
    chat: Open, agent_server: str, tmp_path: Path, recorded_over: str, speed: str
) -> None:
    cassette, visits = tmp_path / "page.yaml", VISITS[recorded_over]
    query = {"assistant": "scripted", "answer": "send"}
    with running("record", cassette, "--upstream", agent_server, folder=tmp_path) as recorder:
        async with chat(recorder.url, transport=recorded_over, **query) as page:
            wanted = await visit_all(page, visits)
        assert recorder.stop() == 0
    seen = []
    with running("replay", cassette, "--speed", speed, folder=tmp_path) as server:
        for transport in TRANSPORTS:
            async with chat(server.url, transport=transport, **query) as page:
                seen.append(await visit_all(page, visits))
        assert server.stop() == 0

    assert "miss" not in server.errors
    assert seen == [wanted] * 2


async def reloaded(page: Page) -> list[str]:
    """Show what a subgraph says, reload the page when idle and during a run, and follow that run in a second tab."""
    await say(page, "delegate")
    await expect(page.locator("ul li", has_text="Let me search.")).to_be_visible()
    await expect(page.locator("ol li").last).to_have_text("So there are two pages.")
    first = await idle(page)
    await page.reload()
    assert await shown_in(page, len(first)) == first
    await say(page, "silence")
    await page.wait_for_timeout(1500)  # the server takes a second to start a run
    tab = await page.context.new_page()
    await tab.goto(page.url)
    await page.reload()
    texts = [await shown_in(one, len(first) + 2) for one in (page, tab)]
    assert texts[0] == texts[1]
    await tab.close()  # a browser has six connections to a server, and streams take them
    return texts[0]


async def shown_in(page: Page, count: int) -> list[str]:
    """Return the messages of the conversation on *page* when there are *count* and it is idle."""
    await expect(page.locator("ol li")).to_have_count(count)
    return await idle(page)


async def test_reloads_tabs_and_the_component_of_a_subgraph_are_replayed(
    chat: Open, agent_server: str, tmp_path: Path
) -> None:
    query = {"assistant": "scripted", "within": ""}
    seen: list[list[str]] = []
    with running("record", "page.yaml", "--upstream", agent_server, folder=tmp_path) as recorder:
        async with chat(recorder.url, **query) as page:
            seen.append(await reloaded(page))
        assert recorder.stop() == 0
    with running("replay", "page.yaml", "--speed", "2", folder=tmp_path) as player:
        for transport in TRANSPORTS:
            async with chat(player.url, transport=transport, **query) as page:
                seen.append(await reloaded(page))
        assert player.stop() == 0

    assert "miss" not in player.errors
    assert seen == [seen[0]] * 3


async def by_python(url: str, transport: Transport) -> list[Any]:
    """Return the states after two turns on a thread, and what came as messages."""
    states: list[Any] = []
    async with get_client(url=url) as client:
        stream = client.threads.stream(
            thread_id=str(uuid4()), assistant_id="scripted", transport=transport
        )
        async with stream as thread, asyncio.timeout(60):
            for text in ("hi", "tools of Rome"):
                await thread.run.start(input=said(text))
                values = await thread.output
                states.append([str(one["content"]) for one in values["messages"]])
    return states


@pytest.mark.parametrize("speed", ["instant", "2"])
async def test_the_python_sdk_is_replayed(agent_server: str, tmp_path: Path, speed: str) -> None:
    cassette = tmp_path / "python.yaml"
    with running("record", cassette, "--upstream", agent_server, folder=tmp_path) as recorder:
        wanted = await by_python(recorder.url, "sse")
        assert recorder.stop() == 0
    transports: tuple[Transport, ...] = ("sse", "sse", "websocket")
    with running("replay", cassette, "--speed", speed, folder=tmp_path) as server:
        seen = [await by_python(server.url, transport) for transport in transports]

    assert seen == [wanted] * 3


@pytest.mark.parametrize("recorded_over", TRANSPORTS)
async def test_the_javascript_sdk_is_replayed(
    agent_server: str, tmp_path: Path, recorded_over: Transport
) -> None:
    cassette = tmp_path / "javascript.yaml"
    with running("record", cassette, "--upstream", agent_server, folder=tmp_path) as recorder:
        wanted = await asyncio.to_thread(by_js, recorder.url, recorded_over, ["tools of Rome"])
        assert recorder.stop() == 0
    with running("replay", cassette, "--speed", "instant", folder=tmp_path) as server:
        seen = [
            await asyncio.to_thread(by_js, server.url, transport, ["tools of Rome"])
            for transport in TRANSPORTS
        ]

    assert stable(seen) == stable([wanted] * 2)
