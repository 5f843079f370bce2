"""Pages of several origins in a real browser: what they can do to a recorder and to a replay."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page

from tests.browser.chromium import open_page
from tests.processes import Mockserver, running
from tests.scripted import Upstream, Wire, upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENTS = b"data: one\r\n\r\ndata: two\r\n\r\n"

FETCH = """async ([url, options]) => {
  try {
    const response = await fetch(url, options);
    return [response.status, await response.text()];
  } catch (error) {
    return error.name;
  }
}"""
EVENT_SOURCE = """([url, withCredentials]) => new Promise((resolve) => {
  const source = new EventSource(url, { withCredentials });
  const seen = [];
  source.onmessage = ({ data }) => (seen.push(data) === 2 ? (source.close(), resolve(seen)) : 0);
  source.onerror = () => (source.close(), resolve("error"));
})"""
WEB_SOCKET = """(url) => new Promise((resolve) => {
  const socket = new WebSocket(url.replace("http", "ws"));
  socket.onopen = () => resolve("open");
  socket.onclose = () => resolve("closed");
})"""
IMAGE = """(url) => new Promise((resolve) => {
  const image = new Image();
  image.onload = image.onerror = ({ type }) => resolve(type);
  image.src = url;
})"""
FORM = """(url) => {
  document.body.innerHTML = `<iframe name="there"></iframe><form method="post" target="there" action="${url}"><input name="a" value="b"></form>`;
  const loaded = new Promise((resolve) => (document.querySelector("iframe").onload = resolve));
  document.querySelector("form").submit();
  return loaded.then(() => "sent");
}"""
SANDBOX = """(url) => new Promise((resolve) => {
  onmessage = ({ origin, data }) => resolve([origin, data]);
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.srcdoc = `<script>
    fetch("${url}", { method: "POST" }).then((r) => r.status, (e) => e.name).then((said) => parent.postMessage(said, "*"));
  </` + `script>`;
  document.body.append(frame);
})"""
FULL: dict[str, Any] = {
    "method": "POST",
    "credentials": "include",
    "headers": {"content-type": "application/json", "authorization": "Bearer hunter2hunter2"},
    "body": "{}",
}
SIMPLE = {"method": "POST", "body": "{}"}

Open = Callable[..., AbstractAsyncContextManager[Page]]


async def blank(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html>", content_type="text/html")


@pytest_asyncio.fixture(loop_scope="session")
async def pages(browser: Browser) -> AsyncIterator[Open]:
    """Opens a page of the host that is named: each of them is this machine."""
    app = web.Application()
    app.router.add_get("/", blank)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]

    def opened(host: str) -> AbstractAsyncContextManager[Page]:
        return open_page(browser, f"http://{host}:{port}/")

    yield opened
    await runner.cleanup()


async def answer(wire: Wire) -> None:
    """Answer as an Agent Server does, with events or JSON."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    events = wire.request.path.startswith("/events")
    body = EVENTS if events else b'{"secret": 1}'
    kind = b"text/event-stream" if events else b"application/json"
    await wire.send(head % (kind, len(body)) + body)


@asynccontextmanager
async def recording(folder: Path, *options: str) -> AsyncIterator[tuple[Mockserver, Upstream]]:
    async with upstream(answer) as behind:
        with running("record", "chat.yaml", "--upstream", behind.url, *options, folder=folder) as server:  # fmt: skip
            yield server, behind


async def test_a_foreign_page_cannot_use_a_recorder(pages: Open, tmp_path: Path) -> None:
    async with recording(tmp_path) as (server, behind), pages("evil.example") as page:
        url = f"{server.url}/runs/wait"
        seen = {
            "fetch": await page.evaluate(FETCH, [url, SIMPLE]),
            "without CORS": await page.evaluate(FETCH, [url, {**SIMPLE, "mode": "no-cors"}]),
            "with credentials": await page.evaluate(FETCH, [url, FULL]),
            "events": await page.evaluate(EVENT_SOURCE, [f"{server.url}/events", False]),
            "WebSocket": await page.evaluate(WEB_SOCKET, url),
            "image": await page.evaluate(IMAGE, f"{url}?image"),
            "form": await page.evaluate(FORM, url),
            "control": await page.evaluate(FETCH, [f"{server.url}/__mockserver__/journal", {}]),
        }
        assert server.stop() == 0

    assert seen == {
        "fetch": "TypeError",
        "without CORS": [0, ""],
        "with credentials": "TypeError",
        "events": "error",
        "WebSocket": "closed",
        "image": "error",
        "form": "sent",
        "control": "TypeError",
    }
    assert behind.requests == []
    assert not (tmp_path / "chat.yaml").exists()
    foreign, image, summary = server.errors.splitlines()
    origin = page.url.rstrip("/")
    assert foreign.endswith(f"allow it with --allow-origin {origin}")
    assert "has no Origin" in image
    assert "rejected requests" in summary


async def test_a_foreign_page_that_navigates_gets_the_way_out(pages: Open, tmp_path: Path) -> None:
    async with recording(tmp_path) as (server, behind), pages("evil.example") as page:
        await page.evaluate("(url) => { location.href = url; }", f"{server.url}/runs/wait")
        await page.wait_for_url(f"{server.url}/runs/wait")
        shown = json.loads(await page.locator("body").inner_text())

    assert "--allow-origin" in shown["detail"]
    # Only the icon of the refusal itself, which is of the same origin.
    assert {request.path for request in behind.requests} <= {"/favicon.ico"}


async def test_a_sandboxed_frame_of_a_good_page_cannot_use_a_recorder(
    pages: Open, tmp_path: Path
) -> None:
    async with recording(tmp_path) as (server, behind), pages("localhost") as page:
        said = await page.evaluate(SANDBOX, f"{server.url}/runs/wait")

    assert said == ["null", "TypeError"]
    assert behind.requests == []


async def test_a_name_made_for_this_machine_cannot_use_a_recorder(
    pages: Open, tmp_path: Path
) -> None:
    """DNS rebinding: the page and the recorder have the same origin, as far as the browser knows."""
    async with recording(tmp_path) as (server, behind), pages("evil.example") as page:
        there = server.url.replace("127.0.0.1", "evil.example")
        await page.goto(f"{there}/ok")
        said = await page.evaluate(FETCH, [f"{there}/runs/wait", SIMPLE])

    assert said[0] == 403
    assert "--allow-host evil.example" in said[1]
    assert behind.requests == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "app.localhost", "app.example"])
async def test_an_allowed_page_uses_a_recorder_with_its_credentials(
    pages: Open, tmp_path: Path, host: str
) -> None:
    async with pages(host) as page:
        origin = page.url.rstrip("/")
        async with recording(tmp_path, "--allow-origin", origin) as (server, behind):
            url = f"{server.url}/runs/wait"
            seen = [
                await page.evaluate(FETCH, [url, SIMPLE]),
                await page.evaluate(FETCH, [url, FULL]),
                await page.evaluate(EVENT_SOURCE, [f"{server.url}/events", True]),
            ]
            assert server.stop() == 0

    assert seen == [[200, '{"secret": 1}']] * 2 + [["one", "two"]]
    assert len(behind.requests) == 3
    assert "responses: 3 from the upstream; recorded 3 exchanges" in server.errors


async def test_a_page_on_localhost_uses_a_recorder_without_an_option(
    pages: Open, tmp_path: Path
) -> None:
    """What its requests to 127.0.0.1 carry is `Sec-Fetch-Site: cross-site`."""
    async with recording(tmp_path) as (server, behind), pages("localhost") as page:
        said = await page.evaluate(FETCH, [f"{server.url}/runs/wait", FULL])

    [request] = behind.requests
    assert said == [200, '{"secret": 1}']
    assert (b"sec-fetch-site", b"cross-site") in [(n.lower(), v) for n, v in request.headers]


@pytest.mark.parametrize("mode", ["serve", "replay"])
async def test_credentials_are_for_allowed_pages_and_all_else_is_for_all(
    pages: Open, tmp_path: Path, mode: str
) -> None:
    (tmp_path / "chat.yaml").write_text(
        "mockserver: 1\n---\nrequest: {path: /events, method: GET}\nresponse:\n"
        "  headers: {content-type: text/event-stream}\n  events: [{data: one}, {data: two}]\n"
        "---\nrequest: {path: /runs/wait, body: {}}\nresponse: {body: {a: 1}}\n"
    )
    with running(mode, "chat.yaml", folder=tmp_path) as server:
        url, events = f"{server.url}/runs/wait", f"{server.url}/events"
        async with pages("evil.example") as page:
            foreign = [
                await page.evaluate(FETCH, [url, {**FULL, "credentials": "omit"}]),
                await page.evaluate(EVENT_SOURCE, [events, False]),
                (await page.evaluate(SANDBOX, url))[0],
                await page.evaluate(FETCH, [url, FULL]),
                await page.evaluate(EVENT_SOURCE, [events, True]),
            ]
        async with pages("localhost") as page:
            local = [
                await page.evaluate(FETCH, [url, FULL]),
                await page.evaluate(EVENT_SOURCE, [events, True]),
            ]

    assert foreign == [[200, '{"a":1}'], ["one", "two"], "null", "TypeError", "error"]
    assert local == [[200, '{"a":1}'], ["one", "two"]]


async def test_the_browsers_cache_keeps_pages_of_two_origins_apart(
    pages: Open, tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text(
        "mockserver: 1\n---\nrequest: {path: /x, method: GET}\n"
        "response: {headers: {cache-control: max-age=600}, body: {a: 1}}\n"
    )
    with running("replay", "chat.yaml", folder=tmp_path) as server:
        async with pages("localhost") as page:
            options = {"credentials": "include"}
            first = await page.evaluate(FETCH, [f"{server.url}/x", options])
            await page.goto(page.url.replace("localhost", "app.localhost"))
            second = await page.evaluate(FETCH, [f"{server.url}/x", options])

    assert first == second == [200, '{"a":1}']
