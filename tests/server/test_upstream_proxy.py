"""Proxies that the environment names: which requests they get, and what is said if one fails."""

import asyncio
import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mockserver.errors import UsageError
from mockserver.server.upstream_proxy import find_proxy
from tests.processes import run, running
from tests.scripted import NO_INFO, Upstream, Wire, ask, say, upstream

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
VARIABLES = [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the proxies of this machine."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def dead_address() -> AsyncIterator[str]:
    """Yield an address at which nothing listens."""
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{occupied.getsockname()[1]}"


def address(server: Upstream) -> str:
    return server.url.partition("://")[2]


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["", "http://"])
async def test_requests_go_through_the_proxy(variable: str, scheme: str, tmp_path: Path) -> None:
    async with upstream(say(OK), NO_INFO) as proxy:
        with running(
            *("record", "chat.yaml", "--upstream", "http://agent.example"),
            folder=tmp_path,
            environment={variable: f"{scheme}ada:secret@{address(proxy)}"},
        ) as recorder:
            answer = await ask(recorder.url)

    assert answer.body == b"{}"
    [received] = [one for one in proxy.requests if one.path.endswith("/runs/stream")]
    assert received.path == "http://agent.example/runs/stream"
    headers = {name.lower(): value for name, value in received.headers}
    assert headers[b"proxy-authorization"] == b"Basic " + b64encode(b"ada:secret")


async def test_a_dead_proxy_is_named(tmp_path: Path) -> None:
    async with upstream(say(OK)) as server, dead_address() as dead:
        with running(
            *("record", "chat.yaml", "--upstream", server.url),
            folder=tmp_path,
            environment={"http_proxy": f"ada:secret@{dead}"},
        ) as recorder:
            answer = await ask(recorder.url)

    assert json.loads(answer.body)["detail"] == (
        f"the proxy http://{dead} cannot be reached (connection refused): correct http_proxy, "
        f"or exclude the upstream {server.url} with NO_PROXY=HOST"
    )
    assert "secret" not in recorder.errors
    assert server.requests == []


@pytest.mark.parametrize(
    ("url", "status", "expected"),
    [
        ("http://agent.example", 407, "wants credentials (status 407): write them in ALL_PROXY=http://USER:PASSWORD@HOST:PORT"),
        ("https://agent.example", 407, "wants credentials (status 407): write them in ALL_PROXY=http://USER:PASSWORD@HOST:PORT"),
        ("https://agent.example", 403, "does not connect to the upstream https://agent.example (status 403): is it allowed?"),
    ],
)  # fmt: skip
async def test_a_proxy_that_refuses_is_named(
    url: str, status: int, expected: str, tmp_path: Path
) -> None:
    head = f"HTTP/1.1 {status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    async with upstream(say(head.encode())) as proxy:
        with running(
            *("record", "chat.yaml", "--upstream", url),
            folder=tmp_path,
            environment={"ALL_PROXY": address(proxy)},
        ) as recorder:
            answer = await ask(recorder.url)

    assert answer.line == b"HTTP/1.1 502 Bad Gateway"
    assert json.loads(answer.body)["detail"] == f"the proxy {proxy.url} {expected}"


async def test_a_proxy_that_hangs_up_is_named(tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        pass

    async with upstream(script) as proxy:
        with running(
            *("record", "chat.yaml", "--upstream", "http://agent.example"),
            folder=tmp_path,
            environment={"ALL_PROXY": address(proxy)},
        ) as recorder:
            answer = await ask(recorder.url)

    assert json.loads(answer.body)["detail"] == (
        f"the upstream http://agent.example (through the proxy {proxy.url}) closed the connection before it responded"
    )


async def test_no_proxy_with_a_port_excludes_the_upstream(tmp_path: Path) -> None:
    async with upstream(say(OK)) as server, dead_address() as dead:
        with running(
            *("record", "chat.yaml", "--upstream", server.url),
            folder=tmp_path,
            environment={"http_proxy": dead, "NO_PROXY": f"other, {address(server)}"},
        ) as recorder:
            answer = await ask(recorder.url)

    assert answer.body == b"{}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            "socks5://ada:secret@proxy.example:1080",
            "ALL_PROXY=socks5://proxy.example:1080: SOCKS proxies are not supported: name an HTTP proxy, or exclude the upstream with NO_PROXY=HOST",
        ),
        (
            "ftp://proxy.example",
            "ALL_PROXY=ftp://proxy.example: not the URL of a proxy; write one such as http://proxy.example:3128",
        ),
        (
            "proxy.example:port",
            "ALL_PROXY=http://proxy.example:port: not the URL of a proxy; write one such as http://proxy.example:3128",
        ),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused(
    value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", value)

    with pytest.raises(UsageError) as caught:
        find_proxy("https://agent.example")

    assert str(caught.value) == expected


async def test_a_socks_proxy_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "socks5h://127.0.0.1:1080")
    record = ("record", "chat.yaml", "--upstream", "https://agent.example")
    done = await asyncio.to_thread(run, *record, folder=tmp_path)

    assert done.returncode == 2
    assert "https_proxy=socks5h://127.0.0.1:1080: SOCKS proxies are not supported" in done.stderr


@pytest.mark.parametrize(
    ("origin", "no_proxy", "excluded"),
    [
        ("https://agent.example", "agent.example", True),
        ("https://agent.example", "AGENT.example.", True),
        ("https://Agent.Example.", "agent.example", True),
        ("https://agent.example", "other,.example", True),
        ("https://agent.example", "*.example", True),
        ("https://agent.example", "other agent.example", True),
        ("https://agent.example", "gent.example", False),
        ("https://agent.example", "agent.example.org", False),
        ("https://agent.example", "*", True),
        ("https://agent.example", "other, *", True),
        ("https://agent.example", "agent.example:443", True),
        ("https://agent.example", "agent.example:8443", False),
        ("https://agent.example:8443", "agent.example:8443", True),
        ("http://10.1.2.3", "10.0.0.0/8", True),
        ("http://11.1.2.3", "10.0.0.0/8", False),
        ("http://10.1.2.3", "10.1.2.3:80", True),
        ("http://10.1.2.3", "1.2.3", False),
        ("http://[::1]:2024", "::1", True),
        ("http://[::1]:2024", "[::1]", True),
        ("http://[::1]:2024", "[::1]:2024", True),
        ("http://[::1]:2024", "[::1]:2025", False),
        ("http://[fd00::5]:2024", "fd00::/8", True),
        ("http://agent.example", "", False),
    ],
)  # fmt: skip
def test_no_proxy_is_read_as_curl_reads_it(
    origin: str, no_proxy: str, excluded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)

    assert (find_proxy(origin) is None) == excluded


def test_the_proxy_of_the_scheme_precedes_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "all.example:1")
    monkeypatch.setenv("HTTPS_PROXY", "https://secure.example:2/")
    http, https = find_proxy("http://agent.example"), find_proxy("https://agent.example")

    assert http is not None
    assert (http.url, http.source) == ("http://all.example:1", "ALL_PROXY")
    assert https is not None
    assert (https.shown, https.source) == ("https://secure.example:2", "HTTPS_PROXY")


def test_without_a_variable_there_is_no_proxy() -> None:
    assert find_proxy("https://agent.example") is None
