"""Which pages and names may use a server, over real sockets: strangers cannot use a recorder."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mockserver import MockServer, UsageError
from tests.processes import Mockserver, run, running
from tests.replaying import cassette
from tests.scripted import Answer, Client, Upstream, ask, say, upstream

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
APP = b"origin: https://app.example"
EVIL = b"origin: https://evil.example"
CROSS = b"sec-fetch-site: cross-site"
LOCAL = b"origin: http://localhost:3000"
PREFLIGHT = (
    b"access-control-request-method: POST",
    b"access-control-request-headers: authorization, content-type",
    b"access-control-request-private-network: true",
)
HANDSHAKE = (
    b"upgrade: websocket",
    b"sec-websocket-version: 13",
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
)
SHARED = {
    "access-control-expose-headers": "x-pagination-total, x-pagination-next, content-location, x-mockserver-source, x-mockserver-how, x-mockserver-exchange",
    "vary": "Origin",
}
FOR_ALL = {"access-control-allow-origin": "*", **SHARED}


def credentialed(origin: bytes) -> dict[str, str]:
    """Return the headers that let the page that sent the header *origin* read a response with its credentials."""
    value = origin.partition(b": ")[2].decode()
    return {"access-control-allow-origin": value, "access-control-allow-credentials": "true", **SHARED}  # fmt: skip


def cors(answer: Answer) -> dict[str, str]:
    """Return the headers of *answer* that a browser goes by, as far as they are about origins."""
    found = {name.decode().lower(): value.decode() for name, value in answer.headers}
    return {name: value for name, value in found.items() if name in {*credentialed(APP), *FOR_ALL}}


def detail(answer: Answer) -> str:
    """Return why *answer* refuses; it lets no page read it."""
    assert answer.line == b"HTTP/1.1 403 Forbidden"
    assert answer.header(b"x-mockserver-source") == b"error"
    assert cors(answer) == {}
    return str(json.loads(answer.body)["detail"])


@dataclass
class Recorder:
    """A recorder of *upstream* that allows the pages of https://app.example."""

    server: Mockserver
    upstream: Upstream

    async def ask(self, *headers: bytes, method: str = "POST") -> Answer:
        """Send a request with *headers*; that of the host is localhost if there is none."""
        if not any(header.lower().startswith(b"host:") for header in headers):
            headers = (b"host: localhost", *headers)
        async with Client(self.server.url) as client:
            lines = [f"{method} /runs/wait HTTP/1.1".encode(), *headers]
            await client.send(b"\r\n".join([*lines, b"connection: close", b"", b""]))
            return await client.answer()


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    async with recording(tmp_path, "--allow-origin", "https://app.example") as made:
        yield made


@asynccontextmanager
async def recording(folder: Path, *options: str) -> AsyncIterator[Recorder]:
    async with upstream(say(OK)) as behind:
        with running("record", "chat.yaml", "--upstream", behind.url, *options, folder=folder) as server:  # fmt: skip
            yield Recorder(server, behind)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("POST", (EVIL,), id="a page"),
        pytest.param("POST", (EVIL, CROSS), id="a page of a new browser"),
        pytest.param("POST", (b"origin: null", CROSS), id="a sandboxed frame"),
        pytest.param("GET", (CROSS,), id="an image or a link"),
        pytest.param("OPTIONS", (EVIL, *PREFLIGHT), id="a preflight"),
        pytest.param("GET", (EVIL, *HANDSHAKE), id="a WebSocket"),
        pytest.param("POST", (b"origin: https://app.example:8443",), id="another port"),
        pytest.param("POST", (b"origin: http://localhost.evil.example",), id="a likeness"),
        pytest.param("POST", (b"host: evil.example:8123",), id="a name made for this address"),
        pytest.param("POST", (b"host: evil.example", LOCAL), id="that name and a good origin"),
        pytest.param("POST", (b"host: evil.example", b"origin: http://evil.example"), id="its own page"),
    ],
)  # fmt: skip
async def test_a_stranger_cannot_use_a_recorder(
    recorder: Recorder, tmp_path: Path, method: str, headers: tuple[bytes, ...]
) -> None:
    first, second = [await recorder.ask(*headers, method=method) for _ in range(2)]
    assert recorder.server.stop() == 0

    assert detail(first) == detail(second)
    assert "--allow-" in detail(first)
    assert recorder.upstream.requests == []
    assert not (tmp_path / "chat.yaml").exists()
    assert recorder.server.errors == (
        f"{detail(first)}\nno responses; 2 rejected requests; nothing to record\n"
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param((), FOR_ALL, id="an SDK"),
        pytest.param((b"sec-fetch-mode: cors",), FOR_ALL, id="fetch of Node"),
        pytest.param((b"sec-fetch-site: none",), FOR_ALL, id="an address typed in"),
        pytest.param((b"sec-fetch-site: same-origin",), FOR_ALL, id="an own page"),
        pytest.param((LOCAL,), credentialed(LOCAL), id="a page on localhost"),
        pytest.param((LOCAL, CROSS), credentialed(LOCAL), id="that asks 127.0.0.1"),
        pytest.param((APP, CROSS), credentialed(APP), id="an allowed page"),
        pytest.param((b"host: [::1]:8123",), FOR_ALL, id="another name of this machine"),
    ],
)
async def test_all_others_can(
    recorder: Recorder, tmp_path: Path, headers: tuple[bytes, ...], expected: dict[str, str]
) -> None:
    answer = await recorder.ask(*headers)
    assert recorder.server.stop() == 0

    assert answer.line == b"HTTP/1.1 200 OK"
    assert cors(answer) == expected
    assert len(recorder.upstream.requests) == 1
    assert "path: /runs/wait" in (tmp_path / "chat.yaml").read_text()
    assert "refused" not in recorder.server.errors


async def test_a_preflight_of_an_allowed_page_names_what_is_allowed(recorder: Recorder) -> None:
    answer = await recorder.ask(APP, *PREFLIGHT, method="OPTIONS")

    assert answer.line == b"HTTP/1.1 200 OK"
    assert cors(answer) == credentialed(APP)
    assert answer.header(b"access-control-allow-headers") == b"authorization, content-type"
    assert b"DELETE" in (answer.header(b"access-control-allow-methods") or b"")
    assert recorder.upstream.requests == []


async def test_an_allowed_page_still_does_not_control(recorder: Recorder) -> None:
    answer = await ask(recorder.server.url, "GET", "/__mockserver__/journal", b"", APP)

    assert answer.line == b"HTTP/1.1 403 Forbidden"


async def test_many_strangers_do_not_fill_the_terminal(recorder: Recorder) -> None:
    for number in range(20):
        await recorder.ask(b"origin: https://evil-%d.example" % number)
    assert recorder.server.stop() == 0

    *refusals, rest, summary = recorder.server.errors.splitlines()
    assert len(refusals) == 5
    assert rest == "further rejected requests are counted, but not logged"
    assert summary == "no responses; 20 rejected requests; nothing to record"


async def test_a_host_can_be_allowed(tmp_path: Path) -> None:
    async with recording(tmp_path, "--allow-host", "Mock.Example") as recorder:
        allowed = await recorder.ask(b"host: mock.example:8123")
        refused = await recorder.ask(b"host: other.example")
        control = await ask(recorder.server.url, "GET", "/__mockserver__/health", b"", b"x: y")

    assert allowed.line == control.line == b"HTTP/1.1 200 OK"
    assert detail(refused) == (
        "the host 'other.example' is refused: use 127.0.0.1 or localhost, or allow it with --allow-host other.example"
    )


async def test_an_old_client_names_no_host(recorder: Recorder) -> None:
    async with Client(recorder.server.url) as client:
        await client.send(b"POST /runs/wait HTTP/1.0\r\n\r\n")
        answer = await client.answer()

    assert answer.line == b"HTTP/1.0 200 OK"


async def test_origins_and_hosts_stand_in_the_environment_and_the_settings(tmp_path: Path) -> None:
    (tmp_path / "mockserver.yaml").write_text("allow_origin: [https://c.example]\nallow_host: [d]\n")  # fmt: skip
    environment = {
        "MOCKSERVER_ALLOW_ORIGIN": "https://a.example https://B.example:443",
        "MOCKSERVER_ALLOW_HOST": "one.example two.example",
    }
    async with upstream(say(OK)) as behind:
        command = ("record", "chat.yaml", "--upstream", behind.url)
        with running(*command, folder=tmp_path, environment=environment) as server:
            recorder = Recorder(server, behind)
            lines = [
                (await recorder.ask(b"origin: https://%b.example" % name, b"host: %b" % host)).line
                for name, host in (
                    (b"a", b"one.example"),
                    (b"b", b"two.example"),
                    (b"c", b"d"),
                    (b"d", b"d"),
                    (b"a", b"three.example"),
                )
            ]

    assert [line.split()[1] for line in lines] == [b"200", b"200", b"200", b"403", b"403"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--allow-origin", "*"), "'*' is not an origin: write scheme://host or scheme://host:port, such as https://app.example"),
        (("--allow-origin", "app.example"), "'app.example' is not an origin: write scheme://host or scheme://host:port, such as https://app.example"),
        (("--allow-host", "http://mock"), "'http://mock' is not a name of a host: write it without scheme and port, such as mock.example"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", [("serve",), ("record", "chat.yaml", "--upstream", "http://127.0.0.1:1")])  # fmt: skip
def test_invalid_values_are_refused(
    tmp_path: Path, mode: tuple[str, ...], options: tuple[str, ...], complaint: str
) -> None:
    done = run(*mode, *options, folder=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith(f"mockserver: Invalid value for '{options[0]}'")
    assert done.stderr.endswith(f": {complaint}\n")
    assert done.stderr.count("\n") == 1


STREAM = """
---
request: {path: /runs/stream}
response:
  headers: {content-type: text/event-stream}
  events: [{data: one}, {data: two}]
"""
PATHS = ("/runs/wait", "/runs/stream", "/nothing", "/ok")


@pytest.mark.parametrize("mode", ["serve", "replay"])
@pytest.mark.parametrize("speed", ["instant", "100"])
async def test_a_cached_response_never_names_the_origin_of_another_page(
    tmp_path: Path, mode: str, speed: str
) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one")) + STREAM.lstrip("\n"))
    other = b"origin: http://127.0.0.1:5173"
    expected = [
        ((), FOR_ALL),
        ((LOCAL,), credentialed(LOCAL)),
        ((other,), credentialed(other)),
        ((APP,), credentialed(APP)),
        ((EVIL, CROSS), FOR_ALL),
        ((b"origin: null",), FOR_ALL),
        ((), FOR_ALL),
        ((LOCAL,), credentialed(LOCAL)),
    ]
    body = b'{"assistant_id": "agent", "input": {"messages": [{"role": "human", "content": "hi"}]}}'
    options = ("--speed", speed, "--allow-origin", "https://app.example")
    with running(mode, "chat.yaml", *options, folder=tmp_path) as server:
        for path in PATHS:
            method = "GET" if path == "/ok" else "POST"
            sent = body if path == "/runs/wait" else b""
            answers = [await ask(server.url, method, path, sent, *headers) for headers, _ in expected]  # fmt: skip
            assert [cors(answer) for answer in answers] == [headers for _, headers in expected]
            assert len({(answer.line, answer.body) for answer in answers}) == 1
            assert all(answer.whole for answer in answers)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [((EVIL,), FOR_ALL), ((b"origin: null",), FOR_ALL), ((LOCAL,), credentialed(LOCAL))],
)
async def test_a_preflight_is_answered_to_all_where_nothing_is_passed_on(
    tmp_path: Path, headers: tuple[bytes, ...], expected: dict[str, str]
) -> None:
    with running("serve", folder=tmp_path) as server:
        answer = await ask(server.url, "OPTIONS", "/runs/wait", b"", *headers, *PREFLIGHT)

    assert (answer.line, answer.body) == (b"HTTP/1.1 200 OK", b"OK")
    assert cors(answer) == expected
    assert answer.header(b"access-control-allow-headers") == b"authorization, content-type"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"127.0.0.1", b"200"),
        (b"10.0.0.1:8123", b"200"),
        (b"[fd00::1]:8123", b"200"),
        (b"localhost:8123", b"200"),
        (b"mockserver:8123", b"200"),
        (b"mock.example", b"200"),
        (b"evil.example", b"403"),
        (b"evil.example:8123", b"403"),
    ],
)
async def test_beyond_this_machine_a_name_controls_only_if_it_is_allowed(
    tmp_path: Path, host: bytes, status: bytes
) -> None:
    """DNS rebinding: a page gives its own name the address of the server."""
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one")))
    options = ("--host", "0.0.0.0", "--allow-host", "mock.example")
    with running("replay", "chat.yaml", *options, folder=tmp_path) as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        async with Client(url) as client:
            await client.send(b"GET /__mockserver__/journal HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n" % host)  # fmt: skip
            control = await client.answer()
        async with Client(url) as client:
            await client.send(b"GET /ok HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n" % host)
            played = await client.answer()

    assert control.line.split()[1] == status
    assert (b"--allow-host evil.example" in control.body) == (status == b"403")
    assert played.line == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    ("host", "status"),
    [(b"mockserver", b"200"), (b"10.0.0.1:8123", b"200"), (b"evil.example", b"403")],
)
async def test_beyond_this_machine_a_recorder_refuses_names_that_a_page_can_make(
    tmp_path: Path, host: bytes, status: bytes
) -> None:
    async with recording(tmp_path, "--host", "0.0.0.0") as recorder:
        recorder.server.url = recorder.server.url.replace("0.0.0.0", "127.0.0.1")
        answer = await recorder.ask(b"host: %b" % host)

    assert answer.line.split()[1] == status


async def test_a_recorder_within_a_program_refuses_strangers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with upstream(say(OK)) as behind:
        path, origin = tmp_path / "chat.yaml", "https://app.example"
        async with MockServer(path, upstream=behind.url, allow_origin=origin) as server:
            answers = [await ask(server.url, "POST", "/x", b"", one) for one in (APP, LOCAL, EVIL)]
            assert len(server.calls) == 2

    assert [cors(answer) for answer in answers[:2]] == [credentialed(APP), credentialed(LOCAL)]
    assert detail(answers[2]) == (
        "a page of https://evil.example may not use the recorder: allow it with --allow-origin https://evil.example"
    )
    assert len(behind.requests) == 2
    assert caplog.record_tuples == [("mockserver", logging.WARNING, detail(answers[2]))]


def test_invalid_arguments_raise_an_error() -> None:
    with pytest.raises(UsageError, match=r"^allow_origin: '\*' is not an origin"):
        MockServer(allow_origin=["*"])
    with pytest.raises(UsageError, match=r"^allow_host: 'a b' is not a name of a host"):
        MockServer(allow_host="a b")
