"""The upstream's own URLs, in headers and pages, lead to the recorder and to the replay, over real sockets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.http.messages import Reply, Request
from mockserver.http.server_address import ServerAddress
from mockserver.server.own_urls import with_own_urls
from mockserver.server.response_writer import prebuild
from tests.processes import running
from tests.scripted import Answer, Client, Wire, ask, chunk, say, upstream

JS = "<script src='{scheme}//{host}/ui/agent/entry.js' onload='go()'></script>"
HTML = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"
CLOSE = b"connection: close\r\n"


async def _ui(wire: Wire) -> None:
    """Respond as the JS server does: with the address of its `Host`."""
    host = dict(wire.request.headers)[b"Host"].decode()
    scheme = "http:" if wire.request.path.endswith("/absolute") else ""
    page = JS.format(scheme=scheme, host=host).encode()
    if wire.request.path.startswith("/chunks"):
        await wire.send(HTML + CLOSE + b"transfer-encoding: chunked\r\n\r\n")
        await wire.send(chunk(page[:20]))
        await wire.send(chunk(page[20:]))
        if not wire.request.path.endswith("/cut"):
            await wire.send(b"0\r\n\r\n")
        return
    head = HTML
    if wire.request.path == "/ui/plain":
        head = HTML.replace(b"text/html", b"text/plain; charset=UTF-8")
    links = f"link: <http://{host}/next>; rel=next\r\ncontent-location: //{host}/here\r\n"
    await wire.send(
        head + CLOSE + links.encode() + b"content-length: %d\r\n\r\n%b" % (len(page), page)
    )


def page(answer: Answer) -> str:
    return answer.body.decode()


PAGES = {
    "/ui/agent": "",
    "/ui/absolute": "http:",
    "/ui/plain": "",
    "/chunks": "",
    "/chunks/absolute": "http:",
}
"""The scheme of the URLs in each page."""


async def test_a_page_loads_from_the_recorder_and_from_the_replay(tmp_path: Path) -> None:
    async with upstream(_ui) as server:
        with running("record", "c.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            recorded = {path: await ask(recorder.url, "POST", path) for path in PAGES}
            assert recorder.stop() == 0
    cassette = (tmp_path / "c.yaml").read_text()
    with running("replay", "c.yaml", folder=tmp_path) as player:
        for path, scheme in PAGES.items():
            played = [await ask(player.url, "POST", path) for _ in range(2)]
            async with Client(player.url) as client:
                head = f"POST {path} HTTP/1.1\r\nhost: mock.example:81\r\nconnection: close\r\n\r\n"
                await client.send(head.encode())
                named = await client.answer()

            # The client of these tests calls every server `localhost`.
            expected = JS.format(scheme=scheme, host="localhost")
            assert page(recorded[path]) == expected
            assert recorded[path].whole
            assert [page(answer) for answer in played] == [expected] * 2
            assert page(named) == JS.format(scheme=scheme, host="mock.example:81")
            assert JS.format(scheme=scheme, host=server.url[7:]) in cassette


async def test_a_page_that_is_cut_is_passed_on_and_cut(tmp_path: Path) -> None:
    async with upstream(_ui) as server:
        with running("record", "c.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            recorded = await ask(recorder.url, "POST", "/chunks/cut")

    assert page(recorded) == JS.format(scheme="", host="localhost")
    assert not recorded.whole


async def test_headers_lead_to_the_recorder_and_to_the_replay(tmp_path: Path) -> None:
    async with upstream(_ui) as server:
        with running("record", "c.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            recorded = await ask(recorder.url, "POST", "/ui/agent")
            assert recorder.stop() == 0
    with running("replay", "c.yaml", folder=tmp_path) as player:
        played = await ask(player.url, "POST", "/ui/agent")

    for answer in (recorded, played):
        assert answer.header(b"link") == b"</next>; rel=next"
        assert answer.header(b"content-location") == b"/here"


OTHER = """\
mockserver: 1
upstream: http://agent.example
---
request: {path: /x}
response: {headers: {content-type: application/json}, text: '{"url":"http://agent.example/x"}'}
"""


async def test_other_bodies_stay_as_they_are(tmp_path: Path) -> None:
    body = b'{"url":"http://agent.example/x"}'
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n"
    (tmp_path / "c.yaml").write_text(OTHER)
    with running("replay", "c.yaml", folder=tmp_path) as player:
        played = await ask(player.url, "POST", "/x")
    async with upstream(say(head % (len(body), CLOSE) + body)) as server:
        with running("record", "d.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            recorded = await ask(recorder.url, "POST", "/x")

    assert played.body == recorded.body == body


LOCAL = ServerAddress("http://127.0.0.1:2024")
PAGE = b"<script src='//127.0.0.1:2024/a.js'>"


def own(reply: Reply, host: str = "here:1", method: str = "GET", start: str = "") -> Reply:
    return with_own_urls(reply, Request(method, "/x", (("host", host),)), start)


@pytest.mark.parametrize("prepare", [lambda reply: reply, prebuild], ids=["plain", "prebuilt"])
def test_a_whole_page_gets_the_urls_of_this_server(prepare: Callable[[Reply], Reply]) -> None:
    reply = prepare(Reply(200, (), PAGE, page_of=LOCAL))

    assert own(reply).body == b"<script src='//here:1/a.js'>"
    assert own(reply, start="/p").body == b"<script src='//here:1/p/a.js'>"


@pytest.mark.parametrize(("host", "method"), [("a'b", "GET"), ("", "GET"), ("here", "HEAD")])
def test_a_page_stays_as_it_is_without_a_host_or_a_body(host: str, method: str) -> None:
    reply = Reply(200, (), PAGE, page_of=LOCAL)

    assert own(reply, host, method) is reply


@pytest.mark.parametrize(
    ("location", "below"),
    [
        ("/y", "/p/y"),
        ("http://here:1/y", "http://here:1/p/y"),
        ("http://elsewhere/y", "http://elsewhere/y"),
        ("//here:1/y", "//here:1/y"),
        ("y", "y"),
    ],
)
def test_a_redirect_stays_below_what_stands_before_the_path(location: str, below: str) -> None:
    reply = own(prebuild(Reply(302, (("x", "/y"), ("location", location)))), start="/p")

    assert reply.headers == (("x", "/y"), ("location", below))
    assert reply.body == b""


def test_another_response_has_its_location_unchanged() -> None:
    reply = Reply(200, (("location", "/y"),))

    assert own(reply, start="/p") is reply
