"""A chat page on the bundled cassettes and on its own recording: visit after visit, and several pages at the same time."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.processes import Mockserver, running
from tests.real.chat_page import (
    Open,
    answer_interrupt,
    ask,
    history_of,
    new_chat,
    shown,
    thread_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASSETTES = Path(__file__).parents[2] / "cassettes"
SHIPPING = ["When do you ship?", "Draft: we ship on Monday."]
"""A recorded question, of cassettes/thread.yaml, and the response to it, which ends with an interrupt."""
DECISION = "The human decided: send"
"""What follows the answer to the interrupt. SDK 2 names the latest checkpoint then, which was not recorded."""


ONE_SDK = pytest.mark.parametrize("sdk", ["sdk-2"], indirect=True)
"""Marks what is about several pages, not about their requests."""


@contextmanager
def serving_bundled(folder: Path, speed: str) -> Iterator[Mockserver]:
    """Run what `make serve` runs, at *speed* and on a copy of its cassettes in *folder*."""
    shutil.copytree(CASSETTES, folder / "cassettes")
    with running("serve", "cassettes", "--speed", speed, folder=folder) as server:
        yield server


async def visit(chat: Open, server: Mockserver) -> tuple[list[list[str]], list[str]]:
    """Have a page lead three conversations; return what it shows of each, and the ids of their threads."""
    conversations, threads = [], []
    async with chat(server.url, assistant="approval", answer="send") as page:
        await ask(page, "What is not recorded?")
        conversations.append(await ask(page, "And this?"))
        threads.append(await thread_of(page))

        await new_chat(page)
        await ask(page, SHIPPING[0])
        await expect(page.locator("aside pre")).to_contain_text("Send this reply?")
        conversations.append(await answer_interrupt(page))
        assert await page.locator("#error").text_content() == ""
        threads.append(await thread_of(page))

        await new_chat(page)
        first = await ask(page, SHIPPING[0])
        await page.reload()
        assert await shown(page, 2) == first
        assert (await history_of(page))[0] == first
        conversations.append(first)
        threads.append(await thread_of(page))
    return conversations, threads


async def test_every_visit_finds_the_bundled_conversation_and_the_fake_graph(
    chat: Open, tmp_path: Path
) -> None:
    with serving_bundled(tmp_path, "instant") as server:
        first, threads = await visit(chat, server)
        second, other_threads = await visit(chat, server)
        async with chat(server.url, assistant="approval", thread=threads[0]) as page:
            restored = await shown(page, 4)
            history = await history_of(page)

    unrecorded, decided, draft = first
    assert unrecorded[0::2] == ["What is not recorded?", "And this?"]
    assert "What is not recorded?" in unrecorded[1]
    assert "And this?" in unrecorded[3]
    assert decided[:3] == [*SHIPPING, DECISION]
    assert draft == SHIPPING
    assert second == first
    assert len({*threads, *other_threads}) == 6
    assert restored == history[0] == unrecorded


async def lead(chat: Open, server: Mockserver, *messages: str) -> tuple[list[list[str]], str]:
    """Have a page send *messages* and reload; return what it shows after each step, and the id of its thread."""
    async with chat(server.url, assistant="approval") as page:
        steps = [await ask(page, message) for message in messages]
        await page.reload()
        steps.append(await shown(page, 2 * len(messages)))
        return steps, await thread_of(page)


@ONE_SDK
async def test_pages_at_the_same_time_show_their_own_conversations(
    chat: Open, tmp_path: Path
) -> None:
    """Two open the same conversation, which is recorded, and one opens another, which is not."""
    with serving_bundled(tmp_path, "4") as server:
        led = await asyncio.gather(
            lead(chat, server, SHIPPING[0], "I am Ada"),
            lead(chat, server, SHIPPING[0], "I am Bob"),
            lead(chat, server, "Who are you?", "I am Cid"),
        )

    steps = [each for each, _ in led]
    assert [first for first, *_ in steps[:2]] == [SHIPPING, SHIPPING]
    assert [second[:2] for _, second, _ in steps] == [first for first, *_ in steps]
    assert [second[2] for _, second, _ in steps] == ["I am Ada", "I am Bob", "I am Cid"]
    assert [restored for *_, restored in steps] == [second for _, second, _ in steps]
    assert len({thread for _, thread in led}) == 3


async def converse(chat: Open, server: Mockserver) -> list[list[str]]:
    """Have a page lead three conversations, two with the same opening; return what it shows after each step."""
    steps = []
    async with chat(server.url, assistant="scripted") as page:
        for second in ("red", "blue"):
            steps.append(await ask(page, "colours"))
            steps.append(await ask(page, second))
            await page.reload()
            steps.append(await shown(page, 4))
            steps += await history_of(page)
            await new_chat(page)
        steps.append(await ask(page, "interrupt"))
        steps.append(await answer_interrupt(page))
        assert await page.locator("#error").text_content() == ""
    return steps


@ONE_SDK
async def test_a_recording_of_the_page_plays_on_each_visit(
    chat: Open, agent_server: str, tmp_path: Path
) -> None:
    """Two visits at the same time are no different."""
    cassette = tmp_path / "page.yaml"
    with running("record", cassette, "--upstream", agent_server, folder=tmp_path) as recorder:
        recorded = await converse(chat, recorder)
        assert recorder.stop() == 0
    with running("replay", cassette, "--speed", "4", folder=tmp_path) as player:
        first = await converse(chat, player)
        both = await asyncio.gather(*(converse(chat, player) for _ in range(2)))
        assert player.stop() == 0, player.errors

    assert [first, *both] == [recorded] * 3
