"""An upstream that breaks: what the client sees of it, what is recorded of it, and how it is played."""

import asyncio
import gzip
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import running
from tests.scripted import (
    EVENTS,
    LAST,
    Answer,
    Client,
    Script,
    Wire,
    ask,
    chunk,
    exchanges,
    say,
    upstream,
)

JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
ONE = b"data: 1\r\n\r\n"
TWO = b"data: 2\r\n\r\n"
LONG = b"x" * 10_000
MANY = 100
BURST = b"data: %b\r\n\r\n" % LONG * MANY


def say_and_reset(*parts: bytes) -> Script:
    async def script(wire: Wire) -> None:
        await say(*parts)(wire)
        wire.reset()

    return script


@dataclass(frozen=True)
class Cut:
    """A *script* that breaks off, the *body* that came until then, and what the cassette holds of the answer."""

    script: Script
    body: bytes
    recorded_text: str


CUTS = {
    "right-after-the-head": Cut(
        say(EVENTS),
        b"",
        "    content-type: text/event-stream\n  events: []\n  end: {how: cut}\n",
    ),
    "between-events": Cut(
        say(EVENTS, chunk(ONE), chunk(TWO)),
        ONE + TWO,
        """\
    content-type: text/event-stream
  events:
  - data: |-
      1
  - data: |-
      2
  end: {how: cut}
""",
    ),
    "mid-event": Cut(
        say(EVENTS, chunk(ONE), chunk(b"event: values\r\nda")),
        ONE + b"event: values\r\nda",
        """\
    content-type: text/event-stream
  events:
  - data: |-
      1
  tail: "event: values\\r\\nda"
  end: {how: cut}
""",
    ),
    "between-cr-and-lf": Cut(
        say(EVENTS, chunk(ONE + b"data: 2\r\n\r")),
        ONE + b"data: 2\r\n\r",
        """\
    content-type: text/event-stream
  events:
  - data: |-
      1
  - raw: "data: 2\\r\\n\\r"
  end: {how: cut}
""",
    ),
    "mid-character": Cut(
        say(EVENTS, chunk(ONE), chunk(b"data: \xf0\x9f")),
        ONE + b"data: \xf0\x9f",
        """\
    content-type: text/event-stream
  events:
  - data: |-
      1
  tail: {base64: ZGF0YTog8J8=}
  end: {how: cut}
""",
    ),
    "mid-chunk": Cut(
        say(EVENTS, b"ff\r\n" + ONE + b"data"),
        ONE + b"data",
        """\
    content-type: text/event-stream
  events:
  - data: |-
      1
  tail: data
  end: {how: cut}
""",
    ),
    "mid-chunk-size": Cut(
        say(EVENTS, chunk(ONE) + b"f"),
        ONE,
        """\
    content-type: text/event-stream
  events:
  - data: |-
      1
  end: {how: cut}
""",
    ),
    "in-the-write-of-the-head": Cut(
        say(EVENTS + chunk(ONE)),
        ONE,
        """\
    content-type: text/event-stream
  events:
  - data: |-
      1
  end: {how: cut}
""",
    ),
    "reset": Cut(
        say_and_reset(EVENTS + chunk(ONE) + chunk(TWO)),
        ONE + TWO,
        """\
    content-type: text/event-stream
  events:
  - data: |-
      1
  - data: |-
      2
  end: {how: cut}
""",
    ),
    "right-after-a-burst": Cut(
        say(EVENTS + chunk(BURST)),
        BURST,
        "    content-type: text/event-stream\n  events:\n"
        + f"  - data: |-\n      {LONG.decode()}\n" * MANY
        + "  end: {how: cut}\n",
    ),
    "content-length-too-long": Cut(
        say(JSON + b"content-length: 100\r\n\r\n", b'{"a":', b"1}"),
        b'{"a":1}',
        """\
    content-type: application/json
  body:
    a: 1
  end: {how: cut}
""",
    ),
    "half-a-json-body": Cut(
        say(JSON + b"transfer-encoding: chunked\r\n\r\n", chunk(b'\n\n{"a":')),
        b'\n\n{"a":',
        """\
    content-type: application/json
  keepalives: [at, at]
  text: |-
    {"a":
  end: {how: cut}
""",
    ),
    "mid-gzip": Cut(
        say(
            JSON + b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n",
            chunk(gzip.compress(b"[1]")[:-6]),
        ),
        b"[1]",
        """\
    content-type: application/json
  body:
  - 1
  end: {how: cut}
""",
    ),
}


@dataclass
class Seen:
    """Each cut's answer while it was recorded and at either speed of the replay; the file, and the messages."""

    recorded: dict[str, Answer]
    paced: dict[str, Answer]
    instant: dict[str, Answer]
    recorded_text: dict[str, str]
    errors: str


async def _script(wire: Wire) -> None:
    await CUTS[wire.request.path.removeprefix("/cut/")].script(wire)


async def _answers(url: str) -> dict[str, Answer]:
    return {name: await ask(url, "POST", f"/cut/{name}") for name in CUTS}


async def _seen(folder: Path) -> Seen:
    path = folder / "chat.yaml"
    async with upstream(_script) as server:
        with running("record", path, "--upstream", server.url, folder=folder) as recorder:
            recorded = await _answers(recorder.url)
            assert await asyncio.to_thread(recorder.stop) == 0
    with running("replay", path, folder=folder) as player:
        paced = await _answers(player.url)
    with running("replay", path, "--speed", "instant", folder=folder) as player:
        instant = await _answers(player.url)
    recorded_text = {
        one.partition("/cut/")[2].split("\n")[0]: one for one in exchanges(path.read_text())
    }
    return Seen(recorded, paced, instant, recorded_text, recorder.errors)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return asyncio.run(_seen(tmp_path_factory.mktemp("cuts")))


@pytest.mark.parametrize("name", CUTS)
def test_the_client_sees_the_break_after_all_that_came(seen: Seen, name: str) -> None:
    answer = seen.recorded[name]

    assert answer.line == b"HTTP/1.1 200 OK"
    assert answer.body == CUTS[name].body
    assert not answer.whole


@pytest.mark.parametrize("name", CUTS)
def test_a_broken_exchange_holds_what_came_and_how_it_ended(seen: Seen, name: str) -> None:
    head = f"""\
request:
  method: POST
  path: /cut/{name}
response:
  status: 200
  headers:
"""

    assert seen.recorded_text.get(name) == head + CUTS[name].recorded_text


@pytest.mark.parametrize("name", CUTS)
def test_a_replay_breaks_in_the_same_way(seen: Seen, name: str) -> None:
    recorded, paced, instant = seen.recorded[name], seen.paced[name], seen.instant[name]

    assert paced.body == instant.body == CUTS[name].body
    assert not paced.whole
    assert not instant.whole
    assert paced.line == instant.line == recorded.line
    assert paced.end_to_end == instant.end_to_end == recorded.end_to_end


def test_each_break_is_said_in_a_line(seen: Seen) -> None:
    lines = seen.errors.splitlines()

    assert [line.partition(" closed the connection")[0] for line in lines[: len(CUTS)]] == [
        f"POST /cut/{name}: the upstream" for name in CUTS
    ]
    assert len(lines) == len(CUTS) + 1


BROKE_OFF = "closed the connection before it responded"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(say(), BROKE_OFF, id="before the headers"),
        pytest.param(say(b"HTTP/1.1 2"), BROKE_OFF, id="in the status line"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\ncontent-ty"), BROKE_OFF, id="in the headers"),
        pytest.param(say_and_reset(), f"{BROKE_OFF} (connection reset by peer)", id="by a reset"),
        pytest.param(
            say(b"220 mail.example ESMTP\r\n\r\n"),
            "does not speak HTTP: is --upstream right?",
            id="by other words than HTTP",
        ),
    ],
)
async def test_an_upstream_that_ends_before_it_answers_is_a_502(
    script: Script, reason: str, tmp_path: Path
) -> None:
    async with upstream(script) as server:
        with running(
            "record", "chat.yaml", "--upstream", server.url, folder=tmp_path
        ) as mockserver:
            answer = await ask(mockserver.url)
            assert mockserver.stop() == 0

    said = json.loads(answer.body)["detail"]
    assert answer.line == b"HTTP/1.1 502 Bad Gateway"
    assert answer.header(b"x-mockserver-source") == b"error"
    assert answer.header(b"access-control-allow-origin") == b"*"
    assert said == f"the upstream {server.url} {reason}"
    assert mockserver.errors == f"error: POST /runs/stream: {said}\n1 error; nothing to record\n"
    assert not (tmp_path / "chat.yaml").exists()


async def test_an_upstream_that_cannot_be_reached_is_a_502(tmp_path: Path) -> None:
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{occupied.getsockname()[1]}"
        with running("record", "chat.yaml", "--upstream", url, folder=tmp_path) as mockserver:
            answer = await ask(mockserver.url)
            assert mockserver.stop() == 0

    said = json.loads(answer.body)["detail"]
    assert answer.line == b"HTTP/1.1 502 Bad Gateway"
    assert said == (
        f"the upstream {url} cannot be reached (connection refused): is it running, and is --upstream right?"
    )
    assert mockserver.errors == f"error: POST /runs/stream: {said}\n1 error; nothing to record\n"
    assert not (tmp_path / "chat.yaml").exists()


ERROR_BODY = b'{"detail":"busy"}'
STATUSES = (429, 500, 503, 422)


async def _failing(wire: Wire) -> None:
    status = wire.request.path.removeprefix("/").encode()
    length = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(ERROR_BODY)
    await wire.send(b"HTTP/1.1 %b No\r\nretry-after: 1\r\n%b%b" % (status, length, ERROR_BODY))


@pytest.fixture(params=[False, True], ids=["by default", "with --record-errors"])
def errors_too(request: pytest.FixtureRequest) -> Iterator[bool]:
    yield request.param


async def test_server_errors_are_passed_on_and_recorded_only_with_the_option(
    errors_too: bool, tmp_path: Path
) -> None:
    option = ["--record-errors"] if errors_too else []
    async with upstream(_failing) as server:
        with running(
            "record", "chat.yaml", "--upstream", server.url, *option, folder=tmp_path
        ) as mockserver:
            answers = [await ask(mockserver.url, "GET", f"/{status}") for status in STATUSES]
            assert mockserver.stop() == 0

    assert [(answer.line, answer.body) for answer in answers] == [
        (b"HTTP/1.1 429 No", ERROR_BODY),
        (b"HTTP/1.1 500 No", ERROR_BODY),
        (b"HTTP/1.1 503 No", ERROR_BODY),
        (b"HTTP/1.1 422 No", ERROR_BODY),
    ]
    assert all(answer.header(b"retry-after") == b"1" for answer in answers)
    recorded_text = (tmp_path / "chat.yaml").read_text()
    paths = [line for line in recorded_text.splitlines() if line.startswith("  path: ")]
    if errors_too:
        assert paths == ["  path: /429", "  path: /500", "  path: /503", "  path: /422"]
    else:
        assert paths == ["  path: /422"]


async def test_a_server_error_that_breaks_off_is_not_recorded(tmp_path: Path) -> None:
    broken = say(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 9\r\n\r\n", b"Trace")
    async with upstream(broken) as server:
        with running(
            "record", "chat.yaml", "--upstream", server.url, folder=tmp_path
        ) as mockserver:
            answer = await ask(mockserver.url)
            assert mockserver.stop() == 0

    assert answer.body == b"Trace"
    assert not answer.whole
    assert not (tmp_path / "chat.yaml").exists()


async def test_what_comes_after_a_break_is_recorded_as_ever(tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        whole = wire.request.path == "/whole"
        await say(EVENTS, chunk(ONE), LAST if whole else b"")(wire)

    async with upstream(script) as server:
        with running(
            "record", "chat.yaml", "--upstream", server.url, folder=tmp_path
        ) as mockserver:
            broken = await ask(mockserver.url, "POST", "/broken")
            whole = await ask(mockserver.url, "POST", "/whole")
            assert mockserver.stop() == 0

    assert (broken.body, broken.whole) == (ONE, False)
    assert (whole.body, whole.whole) == (ONE, True)
    ends = [one.splitlines()[-1] for one in exchanges((tmp_path / "chat.yaml").read_text())]
    assert ends == ["  end: {how: cut}", "  end: {how: closed}"]


@pytest.mark.parametrize("nonsense", [b"what?\r\n", b"1\r\nxyz"], ids=["size", "end of a chunk"])
async def test_a_chunk_that_makes_no_sense_is_a_break(nonsense: bytes, tmp_path: Path) -> None:
    """aiohttp's parser in C leaves the reader of such a body waiting for ever."""
    head_seen = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(EVENTS)
        await head_seen.wait()
        await wire.send(chunk(ONE) + nonsense)
        await wire.gone()

    async with upstream(script) as server:
        with running(
            "record", "chat.yaml", "--upstream", server.url, folder=tmp_path
        ) as mockserver:
            async with Client(mockserver.url) as client:
                await client.ask()
                answer = await client.answer(head_seen)
            assert mockserver.stop() == 0

    assert answer.body.startswith(ONE)
    assert not answer.whole
    assert (tmp_path / "chat.yaml").read_text().endswith("how: cut}\n")


async def test_a_stall_keeps_no_other_client_waiting_and_is_recorded(tmp_path: Path) -> None:
    released = asyncio.Event()

    async def script(wire: Wire) -> None:
        if wire.request.path == "/other":
            await say(EVENTS, chunk(ONE), LAST)(wire)
            return
        await say(EVENTS, chunk(ONE))(wire)
        await released.wait()
        await say(chunk(TWO), LAST)(wire)

    async with upstream(script) as server:
        with running(
            "record", "chat.yaml", "--upstream", server.url, folder=tmp_path
        ) as mockserver:
            async with Client(mockserver.url) as client:
                await client.ask()
                await client.until(ONE)
                other = await ask(mockserver.url, "POST", "/other")
                released.set()
                await client.until(TWO)
                await client.until(LAST)
            assert mockserver.stop() == 0

    assert (other.body, other.whole) == (ONE, True)
    assert len(exchanges((tmp_path / "chat.yaml").read_text())) == 2


async def test_a_stop_in_a_stall_says_what_is_not_recorded(tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        await say(EVENTS, chunk(ONE))(wire)
        await wire.gone()

    async with upstream(script) as server:
        with running(
            "record", "chat.yaml", "--upstream", server.url, folder=tmp_path
        ) as mockserver:
            async with Client(mockserver.url) as client:
                await client.ask()
                await client.until(ONE)
                assert await asyncio.to_thread(mockserver.stop) == 0

    assert mockserver.errors.startswith(
        "not recorded: POST /runs/stream was still being answered 3 s after the stop\n"
    )
    assert not (tmp_path / "chat.yaml").exists()
