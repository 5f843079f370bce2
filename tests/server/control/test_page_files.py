"""The page is sent to browsers, and browsers are sent to it."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.server import modes, settings
from mockserver.server.log import Log
from tests.processes import running
from tests.replaying import Start, cassette

OPENED = {"Sec-Fetch-Dest": "document"}
HOME = "mockserver: 1\n---\nrequest: {method: GET, path: /}\nresponse: {body: {home: true}}\n"


@pytest.mark.parametrize("start_of_url", ["", "/__mockserver__/session/t1", "/api/langgraph"])
async def test_the_page_and_its_files_have_a_strict_policy(
    aiohttp_client: AiohttpClient, tmp_path: Path, start_of_url: str
) -> None:
    client = await replay(aiohttp_client, tmp_path, prefix="/api/langgraph")
    for name, kind in (("", "text/html"), ("page.js", "text/javascript"), ("page.css", "text/css")):
        async with client.get(f"{start_of_url}/__mockserver__/{name}") as response:
            assert (response.status, response.content_type) == (200, kind)
            assert (
                "default-src 'none'; script-src 'self';"
                in response.headers["content-security-policy"]
            )
            assert "unsafe" not in response.headers["content-security-policy"]
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["referrer-policy"] == "no-referrer"
            assert response.headers["cache-control"] == "no-cache"
            assert await response.text()


async def test_the_page_answers_head(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))

    async with server.client.head("/__mockserver__/") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert await response.read() == b""


async def test_the_page_without_its_last_slash_is_found(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))

    async with server.client.get("/__mockserver__/session/t1/__mockserver__") as response:
        assert response.url.path == "/__mockserver__/session/t1/__mockserver__/"
        assert response.content_type == "text/html"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "http://evil.example"}, id="a foreign page"),
        pytest.param({"Host": "evil.example"}, id="a foreign name"),
    ],
)
async def test_the_page_has_the_guards_of_the_control_api(
    start: Start, headers: dict[str, str]
) -> None:
    server = await start(chat=cassette(("hi", "one")))

    async with server.client.get("/__mockserver__/", headers=headers) as response:
        assert response.status == 403


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/", "/__mockserver__/"),
        ("/?a=b", "/__mockserver__/"),
        ("/__mockserver__/session/t1/", "/__mockserver__/session/t1/__mockserver__/"),
        ("/api/langgraph", "/api/langgraph/__mockserver__/"),
        ("/api/langgraph/", "/api/langgraph/__mockserver__/"),
    ],
)
async def test_a_browser_that_opens_the_root_is_sent_to_the_page(
    aiohttp_client: AiohttpClient, tmp_path: Path, path: str, location: str
) -> None:
    client = await replay(aiohttp_client, tmp_path, prefix="/api/langgraph")

    async with client.get(path, headers=OPENED, allow_redirects=False) as response:
        assert (response.status, response.headers["location"]) == (303, location)
    async with client.get("/__mockserver__/journal") as response:
        assert (await response.json())["requests"] == []


async def test_a_client_that_asks_for_the_root_is_not_sent_away(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))

    async with server.client.get("/") as response:
        assert response.status == 404


async def test_a_recorded_root_is_replayed(start: Start) -> None:
    server = await start(chat=HOME)

    async with server.client.get("/", headers=OPENED) as response:
        assert await response.json() == {"home": True}


async def test_without_the_page_the_control_api_stays(
    aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    client = await replay(aiohttp_client, tmp_path, has_page=False)

    for path in ("/__mockserver__/", "/__mockserver__", "/__mockserver__/page.js", "/"):
        async with client.get(path, headers=OPENED) as response:
            assert response.status == 404, path
    async with client.get("/__mockserver__/health") as response:
        assert response.status == 200


def test_the_page_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one")))
    with running("replay", "chat.yaml", "--prefix", "/api", folder=tmp_path) as server:
        assert (tmp_path / "stderr-0").read_text() == f"page: {server.url}/__mockserver__/\n"
    with running("replay", "chat.yaml", "--no-page", folder=tmp_path):
        assert (tmp_path / "stderr-1").read_text() == ""


async def replay(
    aiohttp_client: AiohttpClient, folder: Path, *, prefix: str = "", has_page: bool = True
) -> TestClient[Any, Any]:
    """Return a client of a server that replays one cassette."""
    (folder / "chat.yaml").write_text(cassette(("hi", "one")))
    project = settings.Settings(prefix=prefix)
    options = modes.ServerOptions(project, has_page=has_page)
    server = modes.create_replay_server([folder], options, Log(lambda line: None))
    return await aiohttp_client(RawTestServer(server.app.handle))
