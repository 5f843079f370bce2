"""The client to the upstream: its address, its credentials, and heads that are not plain text."""

import pytest

from mockserver.errors import UsageError
from mockserver.http.messages import Request
from mockserver.server.upstream import Upstream
from tests.scripted import Wire, say, upstream

SPOKEN = "not a URL of a server; write one such as http://127.0.0.1:2024"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("127.0.0.1:2024", f"--upstream '127.0.0.1:2024': {SPOKEN}"),
        ("ftp://agent.example", f"--upstream 'ftp://agent.example': {SPOKEN}"),
        ("http://", f"--upstream 'http://': {SPOKEN}"),
        ("http://agent.example:port", f"--upstream 'http://agent.example:port': {SPOKEN}"),
        ("http://agent.example/?key=1", "--upstream: write the URL without a query"),
    ],
)
def test_what_is_no_address_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Upstream(url)

    assert str(caught.value) == complaint


def test_user_and_password_of_the_address_become_a_header() -> None:
    client = Upstream("https://ada:s%2Fcret@agent.example/base/", (("X-Api-Key", "k"),))

    assert client.url == "https://agent.example/base"
    assert client.headers == (("x-api-key", "k"), ("authorization", "Basic YWRhOnMvY3JldA=="))


@pytest.mark.parametrize(
    ("location", "here"),
    [
        ("/base/there", "/there"),
        ("{url}/there", "/there"),
        ("{url}", "/"),
        ("{url}?a=1", "/?a=1"),
        ("/elsewhere", "/elsewhere"),
        ("/basement", "/basement"),
        ("https://other.example/x", "https://other.example/x"),
        ("there", "there"),
        ("//{host}/base/there", "/there"),
        ("https://{host}/base/there", "/there"),
        ("https://{host}/base/x", "https://{host}/base/x"),
        ("//other.example/x", "//other.example/x"),
    ],
)
async def test_a_redirect_to_the_upstream_leads_here(location: str, here: str) -> None:
    seen: list[bytes] = []

    async def script(wire: Wire) -> None:
        host = dict(wire.request.headers)[b"Host"].decode()
        where = location.format(url=f"http://{host}/base", host=host)
        seen.append(where.encode())
        await wire.send(b"HTTP/1.1 307 T\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % seen[0])

    async with upstream(script) as server:
        client = Upstream(f"{server.url}/base")
        answer = await client.send(Request("GET", "/x"))
        await client.close()

    assert server.requests[0].path == "/base/x"
    host = server.url.removeprefix("http://")
    assert dict(answer.headers)["location"] == here.format(host=host)


HEAD = b"HTTP/1.1 200 d\xe9j\xe0\r\nx-latin: n\xe9\r\nx-utf8: \xf0\x9f\x98\x80\r\n"
REST = b"content-length: 2\r\nconnection: close\r\n\r\n{}"


async def test_a_head_keeps_its_bytes() -> None:
    async with upstream(say(HEAD + REST)) as server:
        client = Upstream(server.url)
        answer = await client.send(Request("GET", "/x"))
        body = b"".join([chunk async for chunk in answer.chunks])
        await client.close()

    assert answer.reason == "déjà"
    assert answer.headers[:2] == (("x-latin", "n\udce9"), ("x-utf8", "😀"))
    assert body == b"{}"


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        pytest.param(
            b'{"version":"1","langgraph_py_version":"2","x":3}',
            {"version": "1", "langgraph_py_version": "2"},
            id="versions",
        ),
        pytest.param(b'{"version":1}', {}, id="no text"),
        pytest.param(b"[]", {}, id="no object"),
        pytest.param(b"no json", {}, id="no JSON"),
    ],
)
async def test_the_versions_of_the_upstream_are_fetched(
    info: bytes, expected: dict[str, str]
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(info)
    async with upstream(say(), say(head + info)) as server:
        client = Upstream(server.url)
        assert await client.fetch_info() == expected
        await client.close()
