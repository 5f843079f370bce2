"""The view Try: runs that a person starts."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from mockserver import MockServer
from tests.conftest import tool
from tests.processes import running
from tests.real.clients import installed
from tests.real.page_view import Scheme, at, find_barriers, is_too_wide, read_clipboard, view

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASSETTES = Path(__file__).parents[2] / "cassettes"


async def send(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Message").fill(text)
    await page.get_by_role("button", name="Send").click()


async def finished(page: Page) -> None:
    await expect(page.get_by_role("button", name="Stop")).to_be_disabled()


async def test_a_conversation_with_the_fake_graph(browser: Browser) -> None:
    with MockServer(CASSETTES, fallback="fake") as server:
        async with view(browser, at(server.url, "try")) as page:
            await send(page, "tell me a joke")
            conversation = page.get_by_role("tabpanel", name="Conversation")
            await expect(conversation).to_contain_text("A client walks up to a mock server")
            await finished(page)
            await page.get_by_role("textbox", name="Message").fill("haiku")
            await page.keyboard.press("Enter")
            await expect(conversation).to_contain_text("Tokens, one by one")
            await expect(conversation).to_contain_text("A client walks up to a mock server")
            await finished(page)

            await page.get_by_role("tab", name="Events").click()
            await expect(page.get_by_role("option").first).to_contain_text("metadata")
            await page.get_by_role("link", name="Why this response?").click()
            heading = page.get_by_role("heading", level=1)
            await expect(heading).to_have_text(re.compile(r"POST /threads/\S+/runs/stream"))
            await expect(page.locator(".summary")).to_contain_text(re.compile("session page-"))
        sessions = {call.session for call in server.calls}
    assert len(sessions) == 1
    assert sessions.pop().startswith("page-")


async def test_the_modes_and_the_graph_are_sent_and_a_run_can_be_stateless(
    browser: Browser,
) -> None:
    with MockServer(CASSETTES, fallback="fake") as server:
        async with view(browser, at(server.url, "try")) as page:
            await page.get_by_role("checkbox", name="messages-tuple").uncheck()
            await page.get_by_role("checkbox", name="custom").check()
            await page.get_by_role("combobox", name="Graph").fill("planner")
            await page.get_by_role("radio", name="stateless").check()
            await send(page, "show progress")
            await finished(page)

            await expect(page.locator(".summary")).to_contain_text("fake")
        [call] = [each for each in server.calls if each.path == "/runs/stream"]
    assert call.json() == {
        "assistant_id": "planner",
        "input": {"messages": [{"role": "human", "content": "show progress"}]},
        "stream_mode": ["values", "custom"],
    }


async def test_an_interrupt_is_answered(browser: Browser) -> None:
    with MockServer(CASSETTES, fallback="fake") as server:
        async with view(browser, at(server.url, "try")) as page:
            await send(page, "interrupt")
            answer = page.get_by_role("form", name="Answer the interrupt")
            await answer.get_by_role("button", name="tea").click()
            await expect(answer.get_by_role("textbox")).to_have_value("tea")
            await answer.get_by_role("button", name="Answer").click()

            await expect(answer).to_have_count(0)
            await finished(page)
            conversation = page.get_by_role("tabpanel", name="Conversation")
            await expect(conversation).to_contain_text("Tea or coffee?")
            await expect(conversation.locator("li").last).to_contain_text("tea")
        resumed = server.calls[-1].json()
    assert resumed["command"] == {"resume": "tea"}


async def test_a_run_is_stopped(browser: Browser) -> None:
    with MockServer(CASSETTES, fallback="fake", speed=0.05) as server:
        async with view(browser, at(server.url, "try")) as page:
            await send(page, "essay")
            await expect(page.locator(".summary")).to_contain_text("receiving")
            await page.get_by_role("button", name="Stop").click()

            await expect(page.locator(".summary")).to_contain_text("stopped")
            await expect(page.get_by_role("button", name="Stop")).to_be_disabled()


async def test_a_miss_is_shown_and_leads_to_its_reason(browser: Browser) -> None:
    with MockServer(CASSETTES) as server:
        async with view(browser, at(server.url, "try"), may_fail=True) as page:
            await page.get_by_role("radio", name="stateless").check()
            await send(page, "What was never recorded?")
            await expect(page.locator(".summary")).to_contain_text("miss")
            await expect(page.get_by_role("tabpanel")).to_contain_text("no exchange matches")
            await page.get_by_role("link", name="Why this response?").click()
            await expect(page.get_by_role("region", name=re.compile("^Miss:"))).to_be_visible()


TEXT = 'it\'s "quoted" \\ $HOME `id` 日本 \u202e\n😀 <b>'


async def copied(page: Page, language: str) -> str:
    await page.get_by_role("tab", name=language).click()
    await page.get_by_role("button", name=f"Copy {language}").click()
    return await read_clipboard(page)


def read_events(text: str) -> list[tuple[str, Any]]:
    blocks = re.findall(r"event: (\S+)\r?\n(?:id: .*\r?\n)?data: (.*)\r?\n", text)
    return [(event, json.loads(value)) for event, value in blocks]


def last_run(server: MockServer) -> Any:
    """Return the body of the last run."""
    return [call for call in server.calls if call.path.endswith("/runs/stream")][-1].json()


@pytest.mark.parametrize("thread", ["stateless", "on a thread"])
async def test_what_is_copied_runs_and_gives_the_same_response(
    browser: Browser, tmp_path: Path, thread: str
) -> None:
    with MockServer(CASSETTES, fallback="fake") as server:
        async with view(browser, at(server.url, "try")) as page:
            await page.get_by_role("radio", name=thread).check()
            await page.get_by_role("textbox", name="Message").fill(TEXT)
            await page.get_by_text("Copy as curl").click()
            curl = await copied(page, "curl")
            python = await copied(page, "Python")
            script = await copied(page, "JavaScript")
            await page.get_by_role("button", name="Send").click()
            await finished(page)
            await expect(page.locator(".summary")).to_contain_text("fake")
            shown = await page.get_by_role("tabpanel", name="Conversation").inner_text()
        server.reset()

        def collect(*command: str) -> str:
            done = subprocess.run(
                command, capture_output=True, check=True, cwd=tmp_path, timeout=60
            )
            return done.stdout.decode()

        events = read_events(collect(tool("sh"), "-c", curl))
        by_curl = last_run(server)
        server.reset()
        (tmp_path / "copied.py").write_text(python)
        by_python = collect(sys.executable, "copied.py")
        python_body = last_run(server)
        server.reset()
        bundle = build(tmp_path, script)
        by_script = collect(tool("node"), str(bundle))
        script_body = last_run(server)

    content = events[-1][1]["messages"][-1]["content"]
    assert content.splitlines()[-1] in shown
    assert repr(content)[1:-1] in by_python
    assert "values" in by_script
    for body in (by_curl, python_body, script_body):
        assert body["input"]["messages"][0]["content"] == TEXT
        assert body["stream_mode"] == ["values", "messages-tuple"]


def build(folder: Path, script: str) -> Path:
    """Return the *script* with the SDK, which only tests/js has installed."""
    source, bundle = folder / "copied.mjs", folder / "bundle.mjs"
    source.write_text(script)
    modules = installed() / "node_modules"
    alias = f"--alias:@langchain/langgraph-sdk={modules / 'sdk-2'}"
    options = ("--bundle", "--platform=node", "--format=esm", "--log-level=error", alias)
    command = [str(modules / ".bin/esbuild"), str(source), *options, f"--outfile={bundle}"]
    subprocess.run(command, check=True, timeout=100, cwd=installed())
    return bundle


async def test_a_recorder_has_no_such_view(browser: Browser, tmp_path: Path) -> None:
    upstream = "http://127.0.0.1:9"
    with running("record", "chat.yaml", "--upstream", upstream, folder=tmp_path) as server:
        async with view(browser, at(server.url, "try")) as page:
            await expect(page.get_by_role("navigation").first).to_contain_text("Live")
            assert await page.get_by_role("link", name="Try").count() == 0
            await expect(page.locator(".list-pane")).to_be_visible()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [pytest.param(360, "dark", id="narrow"), pytest.param(1400, "light", id="wide")],
)
async def test_it_is_accessible_and_as_wide_as_the_window(
    browser: Browser, width: int, scheme: Scheme
) -> None:
    with MockServer(CASSETTES, fallback="fake") as server:
        async with view(browser, at(server.url, "try"), width=width, scheme=scheme) as page:
            assert await find_barriers(page) == []
            await send(page, "interrupt")
            await expect(page.get_by_role("form", name="Answer the interrupt")).to_be_visible()
            await page.get_by_text("Copy as curl").click()
            assert await find_barriers(page) == []
            assert not await is_too_wide(page)
