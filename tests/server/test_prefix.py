"""Clients with a path before their requests, which cassettes and the Agent Server do not have, over real sockets."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver import MockServer
from tests.processes import Mockserver, running
from tests.replaying import RUN, cassette
from tests.scripted import Answer, Wire, ask, upstream

PREFIX = "/api/langgraph"
BODY = json.dumps(RUN).encode()
JSON = "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n"


async def run(url: str, path: str = "/runs/wait") -> Any:
    return json.loads((await ask(url, "POST", path, BODY)).body)


def base(server: Mockserver) -> str:
    """Return the URL of *server* without the prefix."""
    assert server.url.endswith(PREFIX)
    return server.url.removesuffix(PREFIX)


@pytest.mark.parametrize("command", ["serve", "replay"])
@pytest.mark.parametrize("way", ["option", "variable", "settings"])
async def test_cassettes_are_played_below_the_prefix(
    command: str, way: str, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(cassette(("hi", "one")))
    if way == "settings":
        (tmp_path / "mockserver.yaml").write_text(f"prefix: {PREFIX}/\n")
    options = ["--prefix", PREFIX] if way == "option" else []
    environment = {"MOCKSERVER_PREFIX": PREFIX} if way == "variable" else {}
    with running(command, "c.yaml", *options, folder=tmp_path, environment=environment) as server:
        url = base(server)
        assert server.ready.startswith(f"mockserver {command} on {url}{PREFIX}, 1 exchange")
        for path in (f"{PREFIX}/runs/wait", f"{PREFIX}//runs/wait", "/runs/wait"):
            assert await run(url, path) == {"answer": "one"}
        assert (await ask(url, "GET", f"{PREFIX}/ok")).line == b"HTTP/1.1 200 OK"
        session = f"{PREFIX}/__mockserver__/session/t1"
        assert await run(url, f"{session}/runs/wait") == {"answer": "one"}
        assert await run(url, f"/__mockserver__/session/t1{PREFIX}/runs/wait") == {"answer": "one"}
        for before in ("", PREFIX):
            journal = await ask(url, "GET", f"{before}/__mockserver__/journal?session=t1")
            calls = json.loads(journal.body)["requests"]
            assert [call["path"] for call in calls] == ["/runs/wait"] * 2


async def test_serve_recognizes_a_prefix_and_replay_does_not(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(cassette(("hi", "one")))
    with running("serve", "c.yaml", folder=tmp_path) as server:
        assert await run(server.url, f"{PREFIX}/runs/wait") == {"answer": "one"}
        created = await ask(server.url, "POST", f"{PREFIX}/threads", b"{}")
        thread = json.loads(created.body)["thread_id"]
        state = await ask(server.url, "GET", f"{PREFIX}/threads/{thread}/state")
        other = await ask(server.url, "POST", "/api/nothing", b"{}")
    with running("replay", "c.yaml", folder=tmp_path) as server:
        missed = await ask(server.url, "POST", f"{PREFIX}/runs/wait", BODY)

    assert state.line == b"HTTP/1.1 200 OK"
    assert other.line == b"HTTP/1.1 404 Not Found"
    assert missed.line == b"HTTP/1.1 404 Not Found"
    assert (
        f"the recorded path has no prefix: start with --prefix {PREFIX}, or remove it from the client's base URL"
        in json.loads(missed.body)["detail"]
    )


async def test_serve_plays_what_was_recorded_below_a_prefix_and_has_the_fake_graph_there(
    tmp_path: Path,
) -> None:
    text = cassette(("hi", "one")).replace("path: ", f"path: {PREFIX}")
    (tmp_path / "c.yaml").write_text(text)
    with running("serve", "c.yaml", folder=tmp_path) as server:
        assert await run(server.url, f"{PREFIX}/runs/wait") == {"answer": "one"}
        created = await ask(server.url, "POST", f"{PREFIX}/threads", b"{}")
        thread = json.loads(created.body)["thread_id"]
        state = await ask(server.url, "GET", f"{PREFIX}/threads/{thread}/state")

    assert created.header(b"x-mockserver-source") == b"fake"
    assert state.line == b"HTTP/1.1 200 OK"


async def test_serve_has_websockets_below_a_prefix(tmp_path: Path) -> None:
    with running("serve", folder=tmp_path) as server:
        async with aiohttp.ClientSession() as session:
            url = f"{server.url}{PREFIX}/threads/t/stream/events"
            async with session.ws_connect(url) as socket:
                await socket.send_str("no JSON")
                answer = await socket.receive_json()

    assert answer["error"] == "invalid_argument"


async def _agent(wire: Wire) -> None:
    """Redirect /old, serve a page at /ui, and name the run of other requests as the Agent Server does."""
    host = dict(wire.request.headers)[b"Host"].decode()
    path = wire.request.path.removeprefix("/base")
    if path == "/old":
        head = JSON.format(status=307) + f"location: http://{host}/base/new\r\n\r\n{{}}"
    elif path == "/ui":
        page = f"<script src='//{host}/base/ui/a.js'>"
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n{page}"
    else:
        names = "location: /threads/t/runs/r/stream\r\ncontent-location: /threads/t/runs/r\r\n"
        head = JSON.format(status=200) + names + "\r\n{}"
    await wire.send(head.encode())


def shown(answer: Answer) -> tuple[bytes, bytes | None, bytes | None]:
    return answer.body, answer.header(b"location"), answer.header(b"content-location")


async def test_a_recorder_removes_the_prefix_and_a_replay_below_it_is_the_same(
    tmp_path: Path,
) -> None:
    paths = (f"{PREFIX}/old", f"{PREFIX}/ui", f"{PREFIX}/runs/wait")
    named = f"{PREFIX}/__mockserver__/session/t1/old"
    async with upstream(_agent) as server:
        with running(
            *("record", "c.yaml", "--upstream", f"{server.url}/base", "--prefix", PREFIX),
            folder=tmp_path,
        ) as recorder:
            recorded = [shown(await ask(base(recorder), "POST", path)) for path in paths]
            assert recorder.stop() == 0
    with running("replay", "c.yaml", "--prefix", PREFIX, folder=tmp_path) as player:
        played = [shown(await ask(base(player), "POST", path)) for path in paths]
        in_session = shown(await ask(base(player), "POST", named))
    with running("replay", "c.yaml", folder=tmp_path) as player:
        at_the_root = [
            shown(await ask(player.url, "POST", path.removeprefix(PREFIX))) for path in paths
        ]

    run_names = (b"{}", b"/threads/t/runs/r/stream", b"/threads/t/runs/r")
    forwarded = [request.path for request in server.requests]
    assert [path for path in forwarded if path != "/base/info"] == [
        "/base/old",
        "/base/ui",
        "/base/runs/wait",
    ]
    assert recorded == played == [
        (b"{}", b"/api/langgraph/new", None),
        (b"<script src='//localhost/api/langgraph/ui/a.js'>", None, None),
        run_names,
    ]  # fmt: skip
    assert in_session == (b"{}", b"/api/langgraph/__mockserver__/session/t1/new", None)
    assert at_the_root == [
        (b"{}", b"/new", None),
        (b"<script src='//localhost/ui/a.js'>", None, None),
        run_names,
    ]
    text = (tmp_path / "c.yaml").read_text()
    assert [line for line in text.splitlines() if line.startswith("  path:")] == [
        "  path: /old",
        "  path: /ui",
        "  path: /runs/wait",
    ]


async def test_a_redirect_of_the_fake_graph_stays_below_the_prefix(tmp_path: Path) -> None:
    with running("serve", folder=tmp_path) as server:
        answer = await ask(server.url, "POST", f"{PREFIX}/threads/search/", b"{}")

    assert answer.line.startswith(b"HTTP/1.1 307")
    assert answer.header(b"location") == b"http://localhost/api/langgraph/threads/search"


async def test_a_mock_server_has_the_prefix_in_its_url(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(cassette(("hi", "one")))
    (tmp_path / "mockserver.yaml").write_text("prefix: /from/settings\n")
    async with MockServer(path, prefix="/api/langgraph/") as server:
        urls = [server.url, server.url_for(session="t1")]
        answers = [await _post(url) for url in urls]
        calls = [(call.path, call.session) for call in server.calls]
    async with MockServer(path, config=tmp_path / "mockserver.yaml") as server:
        from_settings = server.url
        answers.append(await _post(from_settings))
    async with MockServer(path, config=tmp_path / "mockserver.yaml", prefix="") as server:
        without = server.url

    assert urls[0].endswith("/api/langgraph")
    assert answers == [{"answer": "one"}] * 3
    assert calls == [("/runs/wait", ""), ("/runs/wait", "t1")]
    assert from_settings.endswith("/from/settings")
    assert without.count("/") == 2


async def _post(url: str) -> Any:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/runs/wait", json=RUN) as got,
    ):
        return await got.json()
