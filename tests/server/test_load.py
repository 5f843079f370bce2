"""Exchanges that are large or slow, responses that say their length, and a process that runs out of files."""

import asyncio
import resource
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import IO

import pytest

from mockserver import MockServer
from mockserver.cassette import recorder
from mockserver.errors import OUT_OF_FILES, StorageError
from mockserver.http.messages import Request
from mockserver.redaction.rules import parse_rules
from mockserver.server import exchange_serializer, in_flight
from tests.processes import running
from tests.scripted import EVENTS, LAST, WITHIN, Client, Wire, ask, chunk, exchanges, say, upstream

pytestmark = pytest.mark.slow

JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"


@cache
def large_body() -> bytes:
    """Return JSON of 12 MB."""
    items = (b'{"id":"%d","content":"hello %d"}' % (n, n) for n in range(300_000))
    return b"[%b]" % b",".join(items)


async def _large_or_small(wire: Wire) -> None:
    if wire.request.path == "/large":
        await wire.send(JSON % len(large_body()) + large_body())
    else:
        await wire.send(EVENTS + chunk(b"data: 1\r\n\r\n") + LAST)


async def test_a_large_exchange_does_not_hold_up_others(tmp_path: Path) -> None:
    async with upstream(_large_or_small) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recording:
            large = asyncio.create_task(ask(recording.url, "GET", "/large"))
            overtook = 0
            for number in range(20):
                await ask(recording.url, "GET", f"/small/{number}")
                overtook += not large.done()
            answer = await large
            assert await asyncio.to_thread(recording.stop) == 0
    with running("replay", "chat.yaml", "--speed", "instant", folder=tmp_path) as player:
        played = await ask(player.url, "GET", "/large")

    assert overtook
    assert answer.body == played.body == large_body()
    assert len(exchanges((tmp_path / "chat.yaml").read_text())) == 21


async def test_a_large_exchange_that_takes_too_long_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_serializer, "TIMEOUT", 0.01)
    async with upstream(_large_or_small) as server:
        with pytest.raises(
            StorageError,
            match=r"^not recorded: serializing it took longer than 0\.01 s \(GET /large\)$",
        ):
            async with MockServer(tmp_path / "chat.yaml", upstream=server.url) as recording:
                large = await ask(recording.url, "GET", "/large")
                small = await ask(recording.url, "GET", "/small")

    assert large.body == large_body()
    assert small.whole
    assert len(exchanges((tmp_path / "chat.yaml").read_text())) == 1


async def test_a_stop_does_not_wait_for_long_for_an_exchange_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def hang(given: IO[bytes], output: IO[bytes]) -> None:
        started.set()
        await never.wait()

    monkeypatch.setattr(exchange_serializer, "_run", hang)
    monkeypatch.setattr(in_flight, "RESPONSE_GRACE", 0.0)
    monkeypatch.setattr(in_flight, "WRITE_GRACE", 0.1)
    with pytest.raises(StorageError, match=r"^not recorded before the stop: GET /large$"):
        async with (
            upstream(_large_or_small) as server,
            MockServer(tmp_path / "chat.yaml", upstream=server.url) as recording,
        ):
            await ask(recording.url, "GET", "/small")
            async with Client(recording.url) as client:
                await client.ask("GET", "/large")
                await asyncio.wait_for(started.wait(), WITHIN)

    assert len(exchanges((tmp_path / "chat.yaml").read_text())) == 1
    assert [line for line in caplog.messages if line.startswith("not recorded: GET /large was")]


async def test_an_exchange_that_is_too_large_is_passed_on_and_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MAX_SIZE", 1 << 20)
    monkeypatch.setattr("mockserver.server.recording.MAX_SIZE", 1 << 20)
    async with upstream(_large_or_small) as server:
        with pytest.raises(
            StorageError, match=r"^not recorded: the exchange is larger than 1 MB \(GET /large\)$"
        ):
            async with MockServer(tmp_path / "chat.yaml", upstream=server.url) as recording:
                large = await ask(recording.url, "GET", "/large")

    assert large.body == large_body()
    assert not (tmp_path / "chat.yaml").exists()


async def test_a_large_exchange_is_serialized_like_a_small_one() -> None:
    raw = Random(1).randbytes(3_000_000)
    collected = recorder.Recorder(Request("GET", "/large"), 1.0)
    collected.start_response(200, "OK", (("content-type", "application/octet-stream"),))
    collected.feed(raw[:1000], 1.5)
    collected.feed(raw[1000:], 2.5)
    secrets = frozenset(["hunter2hunter2"])
    project = parse_rules(["cus_[a-z]+", {"field": "pin"}])
    exchange = exchange_serializer.PendingExchange(partial(collected.finish, 3.0), secrets, project)

    assert await exchange_serializer.ProcessPool().serialize(exchange) == exchange.serialize()


# Responses that say how long they are


@pytest.mark.parametrize(
    ("method", "response"),
    [
        pytest.param("POST", JSON % 2 + b"{}", id="a body"),
        pytest.param("POST", JSON % 0, id="no body"),
        pytest.param("HEAD", JSON % 2, id="an answer to HEAD"),
        pytest.param(
            "DELETE", b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n", id="no content"
        ),
    ],
)
async def test_a_response_that_says_its_length_is_in_the_file_before_its_client_has_it(
    method: str, response: bytes, tmp_path: Path
) -> None:
    async with upstream(say(response)) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recording:
            for number in range(1, 6):
                answer = await ask(recording.url, method, f"/{number}")
                written = exchanges((tmp_path / "chat.yaml").read_text())

                assert answer.whole
                assert len(written) == number
                assert written[-1].endswith("  end: {how: closed}\n")


async def test_a_long_response_that_says_its_length_is_passed_on_as_it_comes(
    tmp_path: Path,
) -> None:
    seen = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(JSON % 4 + b"[1")
        await asyncio.wait_for(seen.wait(), WITHIN)
        await wire.send(b"1]")

    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recording:
            async with Client(recording.url) as client:
                await client.ask()
                await client.until(b"[1")
                seen.set()
                await client.until(b"1]")


# A process that may open few files


needs_prlimit = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="only Linux limits a process that runs"
)


@needs_prlimit
async def test_the_files_of_a_folder_are_closed_where_others_are_needed(tmp_path: Path) -> None:
    async with upstream(say(EVENTS + chunk(b"data: 1\r\n\r\n") + LAST)) as server:
        with running("record", "all/", "--upstream", server.url, folder=tmp_path) as recording:
            resource.prlimit(recording.process.pid, resource.RLIMIT_NOFILE, (24, 24))
            for number in range(40):
                await ask(recording.url, "POST", "/a", b"", b"x-mockserver-cassette: c%d" % number)
            assert await asyncio.to_thread(recording.stop) == 0

    assert len(_names(tmp_path / "all")) == 40


@needs_prlimit
async def test_requests_are_refused_in_one_line_where_files_run_out(tmp_path: Path) -> None:
    rest = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(EVENTS + chunk(b"data: 1\r\n\r\n"))
        await asyncio.wait_for(rest.wait(), WITHIN)
        await wire.send(LAST)

    async def one(number: int) -> bytes:
        answer = await ask(url, "POST", "/a", b"", b"x-mockserver-cassette: c%d" % number)
        return answer.line.split(b" ")[1]

    async with upstream(script) as server:
        with running("record", "all/", "--upstream", server.url, folder=tmp_path) as recording:
            url = recording.url
            resource.prlimit(recording.process.pid, resource.RLIMIT_NOFILE, (24, 24))
            pending = [asyncio.create_task(one(number)) for number in range(60)]
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            rest.set()
            statuses = await asyncio.gather(*pending)
            status = await asyncio.to_thread(recording.stop)

    assert set(statuses) == {b"200", b"503"}
    assert status == 2
    assert recording.errors.splitlines()[0] == OUT_OF_FILES
    assert recording.errors.count("too many open files") == 1
    assert len(_names(tmp_path / "all")) == statuses.count(b"200")


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
