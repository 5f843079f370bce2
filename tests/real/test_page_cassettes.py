"""The view Cassettes in a browser: on recordings of the real server, from a server and as one file."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.processes import run, running
from tests.real.page_view import find_barriers, is_too_wide, show, view

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASSETTES = Path(__file__).parents[2] / "cassettes"
COUNTS = {"error": 2, "hello": 15, "interrupt": 3, "thread": 14, "weather": 5}
TABS = ("conversation", "timeline", "events", "http", "yaml", "thread", "compare")
PLACES = (
    *("", "hello.yaml", "error.yaml/1", "interrupt.yaml/2", "hello.yaml/3/compare/hello.yaml/4"),
    *(f"thread.yaml/11/{tab}" for tab in TABS),
)
Url = Callable[[str], str]


@pytest.fixture(scope="module", params=["server", "file"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Url]:
    """Returns the address of a place in the view, on the bundled cassettes."""
    folder = tmp_path_factory.mktemp("page")
    if request.param == "file":
        yield as_file(folder, CASSETTES)
    else:
        with running("serve", CASSETTES, folder=folder) as server:
            yield lambda place: f"{server.url}/__mockserver__/#/cassettes/{place}"


def as_file(folder: Path, cassettes: Path) -> Url:
    """Return the addresses of places on *cassettes*, as one file in *folder*."""
    file = folder / "page.html"
    shown = run("show", cassettes, "--html", file, folder=folder)
    assert shown.returncode == 0, shown.stderr
    return lambda place: f"{file.as_uri()}#/cassettes/{place}"


FROM_FILE = pytest.mark.parametrize("url", ["file"], indirect=True)
"""Marks what the page does with an exchange once it has it, whether from a server or from a file."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(browser: Browser, url: Url) -> AsyncIterator[Page]:
    """One page for the tests that need none of their own: each new page takes a second."""
    async with view(browser, url("")) as page:
        yield page


@pytest_asyncio.fixture(name="page", loop_scope="session")
async def page_without_exchange(opened: Page) -> Page:
    """The page of `opened`, which shows no exchange."""
    await show(opened, "cassettes/")
    await expect(opened.get_by_role("tab")).to_have_count(0)
    return opened


async def texts(page: Page, selector: str) -> list[str]:
    """Wait for the first element of *selector*, and return the texts of all."""
    await expect(page.locator(selector).first).to_be_visible()
    return await page.locator(selector).all_inner_texts()


async def test_all_files_with_their_exchanges(browser: Browser, url: Url) -> None:
    async with view(browser, url("")) as page:
        rows = [row.split("\n") for row in await texts(page, ".file")]
        assert [row[0] for row in rows] == [f"{name}.yaml" for name in COUNTS]
        for row, count in zip(rows, COUNTS.values(), strict=True):
            assert re.search(rf"\b{count}\b", row[1])
        await page.get_by_text("interrupt.yaml").click()
        assert len(await texts(page, ".exchange-rows li")) == 3


async def test_a_conversation_with_a_tool_call(page: Page) -> None:
    await show(page, "cassettes/weather.yaml/3")
    assert await texts(page, ".bubble") == [
        "What is the weather in Paris?",
        "Let me look.",
        "The tool says: It is 21 °C and sunny in Paris.",
    ]
    tool_call = page.locator(".tool")
    await expect(tool_call.get_by_text("Result")).to_be_hidden()
    await tool_call.locator("> summary").click()
    await expect(tool_call.get_by_text("Result")).to_be_visible()
    await expect(tool_call).to_contain_text("It is 21 °C and sunny in Paris.")


@FROM_FILE
async def test_each_stream_mode_is_the_same_conversation(page: Page) -> None:
    question = "Hello! My name is Bagatur and I am 26 years old."
    answer = "Hello Bagatur! What would you like to talk about?"
    without_answer = {8, 9}  # checkpoints and custom
    for number in range(1, 12):
        await show(page, f"cassettes/hello.yaml/{number}")
        expected = [question] if number in without_answer else [question, answer]
        await expect(page.locator(".bubble")).to_have_text(expected)


@FROM_FILE
async def test_an_interrupt_and_an_error(page: Page) -> None:
    await show(page, "cassettes/interrupt.yaml/1")
    await expect(page.locator(".callout")).to_contain_text("Send this reply?")
    await show(page, "cassettes/error.yaml/1")
    await expect(page.locator(".error .callout")).to_contain_text("kaboom")


async def test_a_whole_thread_is_one_conversation(page: Page) -> None:
    await show(page, "cassettes/thread.yaml/11")
    await expect(page.get_by_text("3 earlier messages of this thread")).to_be_visible()
    await page.get_by_role("tab", name="Whole thread").click()
    await expect(page.locator(".exchange-head")).to_have_count(3)
    assert await texts(page, ".bubble") == [
        "When do you ship?",
        "Draft: we ship on Monday.",
        "send",
        "The human decided: send",
        "And the next release?",
        "Draft: we ship on Monday.",
    ]


@FROM_FILE
async def test_a_request_that_is_no_run_shows_its_bodies(page: Page) -> None:
    await show(page, "cassettes/hello.yaml/13")
    await expect(page.get_by_role("heading", name="Request body")).to_be_visible()
    await expect(page.locator(".bodies")).to_contain_text("graph_id")


@FROM_FILE
async def test_a_timeline(page: Page) -> None:
    await show(page, "cassettes/weather.yaml/3/timeline")
    await page.get_by_text("The timeline as a table").click()
    rows = await texts(page, ".lane-table tbody tr")
    assert [row.split("\t")[:2] for row in rows] == [["metadata", "1"], ["messages", "21"]]

    state = page.locator(".timeline [role=status]")
    whole = await state.inner_text()
    await page.locator(".lanes").focus()
    await page.keyboard.press("+")
    await expect(state).not_to_have_text(whole)
    await page.keyboard.press("0")
    await expect(state).to_have_text(whole)
    await page.keyboard.press(".")
    await expect(page.locator(".detail")).to_contain_text("metadata")

    await page.get_by_role("button", name="Play 4×").click()
    await expect(page.get_by_text("After 22 of 22 events:")).to_be_visible()
    assert (await texts(page, ".bubble"))[-1].startswith("The tool says")


@FROM_FILE
async def test_a_drag_zooms_and_a_double_click_shows_everything(page: Page) -> None:
    await show(page, "cassettes/weather.yaml/3/timeline")
    state = page.locator(".timeline [role=status]")
    whole = await state.inner_text()
    box = await page.locator(".plot canvas").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 100, box["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 300, box["y"] + 10, steps=3)
    await page.mouse.up()
    await expect(state).not_to_have_text(whole)
    await page.locator(".plot canvas").dblclick(position={"x": 50, "y": 10})
    await expect(state).to_have_text(whole)


@FROM_FILE
async def test_the_events(page: Page) -> None:
    await show(page, "cassettes/weather.yaml/2/events")
    await expect(page.get_by_role("option")).to_have_count(4)
    await expect(page.locator(".detail")).to_contain_text("run_id")
    await page.get_by_label("Filter the events").fill("sunny")
    await expect(page.get_by_role("option")).to_have_count(2)
    await page.get_by_role("listbox").focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    await expect(page.locator(".detail")).to_contain_text("The tool says")


async def test_the_yaml_with_file_and_line(page: Page) -> None:
    lines = (CASSETTES / "error.yaml").read_text().splitlines()
    await show(page, "cassettes/error.yaml/2/yaml")
    numbers, code = await texts(page, ".yaml pre")
    first = int(numbers.split()[0])
    assert lines[first - 1 :] == code.rstrip("\n").split("\n")
    await expect(page.locator(".panel")).to_contain_text(f"error.yaml, line {first}")


async def test_two_exchanges_are_compared(page: Page) -> None:
    await show(page, "cassettes/hello.yaml/1/compare")
    await page.locator(".panel .exchange-rows a", has_text="hello.yaml#2").click()
    await expect(page.locator(".changes li").first).to_contain_text("request.body.stream_mode")
    assert page.url.endswith("hello.yaml/1/compare/hello.yaml/2")


async def test_a_search(browser: Browser, url: Url) -> None:
    async with view(browser, url("")) as page:
        await page.get_by_label("Search all exchanges").fill("assistants")
        await expect(page.locator(".exchange-rows li")).to_have_count(2)
        await page.locator(".exchange-rows a").first.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("hello.yaml#13")


@FROM_FILE
async def test_the_keyboard_is_enough(browser: Browser, url: Url) -> None:
    async def press(*keys: str) -> None:
        for key in keys:
            await page.keyboard.press(key)

    async with view(browser, url("")) as page:
        await page.get_by_label("Search all exchanges").focus()
        await press("Tab", "Enter")
        await expect(page.locator(".exchange-rows li")).to_have_count(2)
        await press("Tab", "Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("error.yaml#1")
        tab = page.get_by_role("tab", name="Conversation")
        for _ in range(20):
            if await tab.evaluate("tab => tab === document.activeElement"):
                break
            await press("Tab")
        await press("ArrowRight", "ArrowRight")
        await expect(page.get_by_role("tab", name="Events")).to_be_focused()
        await expect(page.get_by_role("listbox")).to_be_visible()
        await press("Home")
        await expect(page.get_by_role("tab", name="Conversation")).to_have_attribute(
            "aria-selected", "true"
        )


@pytest.mark.parametrize("url", ["server"], indirect=True)
async def test_no_barriers(browser: Browser, url: Url) -> None:
    """The other scheme has other colours, and nothing else."""
    found: dict[str, list[str]] = {}
    async with view(browser, url("")) as page:
        for place in PLACES:
            await show(page, f"cassettes/{place}")
            await expect(page.get_by_text("Loading…")).to_have_count(0)
            barriers = await find_barriers(page)
            await page.emulate_media(color_scheme="dark")
            barriers += await find_barriers(page, "color-contrast")
            await page.emulate_media(color_scheme="light")
            if barriers:
                found[place] = barriers

    assert found == {}


@pytest.mark.parametrize("url", ["server"], indirect=True)
async def test_a_narrow_screen_shows_the_list_or_the_exchange(browser: Browser, url: Url) -> None:
    async with view(browser, url(""), width=360) as page:
        for place in PLACES:
            await show(page, f"cassettes/{place}")
            await expect(page.get_by_text("Loading…")).to_have_count(0)
            assert not await is_too_wide(page), place
        await show(page, "cassettes/error.yaml/1")
        await expect(page.locator(".files")).to_be_hidden()
        await page.get_by_text("← All exchanges").click()
        await expect(page.locator(".files")).to_be_visible()


HOSTILE = """<img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script>"""
BIDI = "user\u202etxt.exe\u2066 zero\u200bwidth line\u2028end"
LONG = "W" * 5000


def hostile_cassette() -> str:
    """Return a cassette whose every text is an attack."""
    key = f"{HOSTILE} javascript:alert(1) {BIDI}"
    text = f"{key} {LONG}"
    url = "javascript:window.hacked=1"
    image = {"type": "image_url", "image_url": {"url": "https://evil.example/pixel.png"}}
    message = {
        "type": "ai",
        "id": HOSTILE,
        "name": text,
        "content": [{"type": "text", "text": text}, image, {"type": "link", "href": url}],
        "tool_calls": [{"id": text, "name": text, "args": {key: url}}],
    }
    interrupt = {"__interrupt__": [{"id": "1", "value": {key: text}}]}
    error = {"error": text, "message": text}
    exchange = {
        "request": {
            "path": f"/runs/stream?next={url}&x=%3Cimg%20src=x%20onerror=hacked%3E",
            "body": {"input": {"messages": [{"role": "human", "content": text}], key: text}},
        },
        "response": {
            "headers": {"x-note": HOSTILE, "location": url},
            "events": [
                {"event": "values", "data": json.dumps({"messages": [message], key: text})},
                {"event": f"custom|{HOSTILE}", "data": json.dumps(text)},
                {"event": HOSTILE, "data": HOSTILE},
                {"event": "updates", "data": json.dumps({key: {"x": text}} | interrupt)},
                {"event": "error", "data": json.dumps(error)},
            ],
        },
    }
    other = {"request": {"path": "/info"}, "response": {"body": {key: text}}}
    documents = [{"mockserver": 1}, exchange, other]
    texts = [json.dumps(document, indent=1, ensure_ascii=False) for document in documents]
    # In YAML, that character ends a line.
    return "\n---\n".join(texts).replace("\u2028", "\\u2028")


@pytest.fixture(params=["server", "file"])
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Url]:
    """Returns the address of a place in the view, on a cassette that attacks the page."""
    name = "<img src=x onerror=hacked=1>.yaml"
    (tmp_path / "cassettes").mkdir()
    (tmp_path / "cassettes" / name).write_text(hostile_cassette())
    if request.param == "file":
        yield as_file(tmp_path, tmp_path / "cassettes")
    else:
        with running("serve", tmp_path / "cassettes", folder=tmp_path) as server:
            yield lambda place: f"{server.url}/__mockserver__/#/cassettes/{place}"


async def test_a_hostile_cassette_is_shown_as_text(browser: Browser, hostile: Url) -> None:
    async with view(browser, hostile(""), width=360) as page:
        closed = page.locator("details:not([open]) > summary:visible")
        await page.locator(".file").click()
        for row in (0, 1):
            await page.locator(".exchange-rows a").nth(row).click()
            for tab in await page.get_by_role("tab").all():
                await tab.click()
                while await closed.count():
                    await closed.first.click()
                assert not await is_too_wide(page), await tab.inner_text()
                assert "\u202e" not in await page.locator("body").inner_text()
            await page.get_by_role("tab", name="YAML").click()
            await expect(page.locator(".yaml mark", has_text="U+202E").first).to_be_attached()
            await page.get_by_text("← All exchanges").click()
        assert await page.evaluate("window.hacked") is None
        assert await page.locator("img, iframe, object, a[href^=javascript]").count() == 0


@pytest.mark.parametrize("hostile", ["file"], indirect=True)
async def test_hidden_characters_in_a_conversation_have_names(
    browser: Browser, hostile: Url
) -> None:
    async with view(browser, hostile("")) as page:
        await page.locator(".file").click()
        await page.locator(".exchange-rows a").first.click()
        names = await texts(page, ".human .bubble mark")
        assert names == ["U+202E", "U+2066", "U+200B", "U+2028"]


def long_cassette(count: int, events: int) -> str:
    """Return a cassette of *count* exchanges, the first with that many *events*."""
    documents: list[object] = [{"mockserver": 1}]
    chunk = [{"type": "AIMessageChunk", "id": "a1", "content": "word "}, {}]
    for number in range(count):
        body = {"input": {"messages": [{"role": "human", "content": f"question {number}"}]}}
        stream = [{"after": 0.001, "event": "messages", "data": json.dumps(chunk)}]
        response = {"events": stream * (1 if number else events)}
        documents.append({"request": {"path": "/runs/stream", "body": body}, "response": response})
    return "---\n".join(f"{json.dumps(document)}\n" for document in documents)


@pytest.fixture(scope="module", params=["server", "file"])
def large(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Url]:
    """Returns the address of a place in the view, on a cassette of 250 exchanges and 20,000 events."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "cassettes").mkdir()
    (folder / "cassettes" / "large.yaml").write_text(long_cassette(250, 20_000))
    if request.param == "file":
        yield as_file(folder, folder / "cassettes")
    else:
        with running("serve", folder / "cassettes", folder=folder) as server:
            yield lambda place: f"{server.url}/__mockserver__/#/cassettes/{place}"


@pytest.mark.parametrize("large", ["server"], indirect=True)
async def test_the_list_comes_in_pieces(browser: Browser, large: Url) -> None:
    rows = ".files .exchange-rows li"
    async with view(browser, large("large.yaml")) as page:
        await expect(page.locator(rows)).to_have_count(100)
        await page.locator(rows).last.scroll_into_view_if_needed()
        await expect(page.locator(rows)).to_have_count(200)
    async with view(browser, large("large.yaml/250")) as page:
        await expect(page.locator(".files [aria-current=page]")).to_contain_text("question 249")
        await page.get_by_role("button", name="Earlier exchanges").click()
        await expect(page.locator(rows)).to_have_count(150)


@pytest.mark.parametrize("large", ["file"], indirect=True)
async def test_a_stream_of_20000_events(browser: Browser, large: Url) -> None:
    async with view(browser, large("large.yaml/1/events")) as page:
        await expect(page.get_by_text("20,000 events")).to_be_visible()
        await page.get_by_role("listbox").focus()
        await page.keyboard.press("End")
        last = page.get_by_role("option", selected=True)
        await expect(last).to_have_attribute("aria-posinset", "20000")
        assert await page.get_by_role("option").count() < 100
        await page.get_by_role("tab", name="Conversation").click()
        await expect(page.locator(".bubble").last).to_contain_text("word word word")
        await page.get_by_role("tab", name="Timeline").click()
        await page.get_by_text("The timeline as a table").click()
        await expect(page.locator(".lane-table tbody tr")).to_contain_text("20,000")
