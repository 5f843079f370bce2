"""Recordings of event streams, which never end by themselves: clients that leave, stops, and cuts."""

import asyncio
import socket
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.processes import Mockserver, running
from tests.scripted import (
    EVENTS,
    LAST,
    WITHIN,
    Client,
    Upstream,
    Wire,
    ask,
    chunk,
    exchanges,
    say,
    upstream,
)

STREAM = "/threads/t1/stream/events"
FILTER = b'{"channels":["lifecycle"]}'
FIRST = b'event: lifecycle\r\ndata: {"seq":1}\r\nid: 1\r\n\r\n'
SECOND = b'event: lifecycle\r\ndata: {"seq":2}\r\nid: 2\r\n\r\n'
HEARTBEAT = b": heartbeat\r\n\r\n"
BLOCK = b"data: %b\r\n\r\n" % (b"x" * 100_000)


def document(*numbers: int, how: str = "open") -> str:
    """Return the document of an event stream with the events of these *numbers*."""
    events = "".join(
        f"  - event: lifecycle\n    data: |-\n      {{\"seq\":{n}}}\n    id: '{n}'\n"
        for n in numbers
    )
    return (
        f"request:\n  method: POST\n  path: {STREAM}\n  body:\n    channels:\n    - lifecycle\n"
        "response:\n  status: 200\n  headers:\n    content-type: text/event-stream\n"
        f"  events:\n{events}  end: {{how: {how}}}\n"
    )


def record(server: Upstream, folder: Path) -> AbstractContextManager[Mockserver]:
    return running("record", "chat.yaml", "--upstream", server.url, folder=folder)


async def stop(recorder: Mockserver) -> int:
    return await asyncio.to_thread(recorder.stop)


def recorded(folder: Path) -> list[str]:
    return exchanges((folder / "chat.yaml").read_text())


@pytest.mark.parametrize("how", ["leave", "reset"])
async def test_a_stream_that_its_client_leaves_is_kept_and_the_upstream_released(
    how: str, tmp_path: Path
) -> None:
    released = asyncio.Event()

    async def script(wire: Wire) -> None:
        await say(EVENTS, chunk(HEARTBEAT + FIRST), chunk(HEARTBEAT + SECOND + b"event: "))(wire)
        await wire.gone()
        released.set()

    async with upstream(script) as server:
        with record(server, tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask("POST", STREAM, FILTER)
                await client.until(b"event: \r\n")
                getattr(client, how)()
            await asyncio.wait_for(released.wait(), WITHIN)
            assert await stop(recorder) == 0

    assert recorded(tmp_path) == [document(1, 2)]
    assert recorder.errors == "responses: 1 from the upstream; recorded 1 exchange into chat.yaml\n"


async def test_the_older_stream_of_a_whole_thread_is_kept_too(tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        await say(EVENTS, chunk(FIRST))(wire)
        await wire.gone()

    async with upstream(script) as server:
        with record(server, tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask("GET", "/threads/t1/stream")
                await client.until(FIRST)
                assert await stop(recorder) == 0

    assert recorded(tmp_path)[0].endswith("    id: '1'\n  end: {how: open}\n")


async def test_a_stop_keeps_the_streams_that_are_open_and_ends_them(tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        await say(EVENTS, chunk(FIRST))(wire)
        await wire.gone()

    async with upstream(script) as server:
        with record(server, tmp_path) as recorder:
            async with Client(recorder.url) as one, Client(recorder.url) as two:
                for client in (one, two):
                    await client.ask("POST", STREAM, FILTER)
                    await client.until(FIRST)
                assert await stop(recorder) == 0
                ends = await asyncio.gather(one.broke(), two.broke())

    assert recorded(tmp_path) == [document(1), document(1)]
    assert list(ends) == [False, False]
    assert (
        recorder.errors == "responses: 2 from the upstream; recorded 2 exchanges into chat.yaml\n"
    )


async def test_a_client_that_does_not_read_delays_no_stop(tmp_path: Path) -> None:
    blocked = asyncio.Event()

    async def script(wire: Wire) -> None:
        await say(EVENTS, chunk(FIRST))(wire)
        while True:
            try:
                await asyncio.wait_for(wire.send(chunk(BLOCK)), 1)
            except TimeoutError:
                blocked.set()
                return await wire.gone()

    async with upstream(script) as server:
        with record(server, tmp_path) as recorder:
            port = urlsplit(recorder.url).port
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"POST %b HTTP/1.1\r\nhost: localhost\r\n\r\n" % STREAM.encode())
                await asyncio.wait_for(blocked.wait(), WITHIN)
                assert await stop(recorder) == 0

    assert "not recorded" not in recorder.errors
    assert recorded(tmp_path)[0].endswith("how: open}\n")


async def test_a_stream_without_a_response_delays_no_stop(tmp_path: Path) -> None:
    """The JavaScript server sends the head together with the first event."""
    asked = asyncio.Event()

    async def script(wire: Wire) -> None:
        asked.set()
        await wire.gone()

    async with upstream(script) as server:
        with record(server, tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask("POST", STREAM, FILTER)
                await asyncio.wait_for(asked.wait(), WITHIN)
                assert await stop(recorder) == 0

    assert recorder.errors == (
        f"not recorded: POST {STREAM} had no response yet\nno responses; nothing to record\n"
    )


async def test_a_stream_that_the_upstream_cuts_is_recorded_as_cut(tmp_path: Path) -> None:
    async with upstream(say(EVENTS, chunk(FIRST))) as server:
        with record(server, tmp_path) as recorder:
            answer = await ask(recorder.url, "POST", STREAM, FILTER)
            assert await stop(recorder) == 0

    assert not answer.whole
    assert recorded(tmp_path) == [document(1, how="cut")]


async def test_a_stream_that_the_upstream_ends_is_recorded_as_closed(tmp_path: Path) -> None:
    async with upstream(say(EVENTS, chunk(FIRST), LAST)) as server:
        with record(server, tmp_path) as recorder:
            answer = await ask(recorder.url, "POST", STREAM, FILTER)
            assert await stop(recorder) == 0

    assert answer.whole
    assert recorded(tmp_path) == [document(1, how="closed")]


async def test_a_stream_of_the_javascript_server_keeps_its_spelling(tmp_path: Path) -> None:
    first = FIRST.replace(b"\r\n", b"\n")

    async def script(wire: Wire) -> None:
        await say(EVENTS + chunk(first))(wire)
        await wire.gone()

    async with upstream(script) as server:
        with record(server, tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask("POST", STREAM, FILTER)
                await client.until(first)
            assert await stop(recorder) == 0

    events = "  line_ending: lf\n  events:"
    assert recorded(tmp_path) == [document(1).replace("  events:", events)]


async def test_a_refused_stream_is_an_ordinary_exchange(tmp_path: Path) -> None:
    head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
    async with upstream(say(head + b"content-length: 2\r\nconnection: close\r\n\r\n{}")) as server:
        with record(server, tmp_path) as recorder:
            answer = await ask(recorder.url, "POST", STREAM, b"{}")
            assert await stop(recorder) == 0

    assert answer.body == b"{}"
    assert recorded(tmp_path)[0].endswith("  body: {}\n  end: {how: closed}\n")


@pytest.mark.parametrize(
    ("last", "line"),
    [
        ("completed", ""),
        (
            "running",
            "no event stream shows the end of 1 run on /threads/t1: "
            "to replay it, keep the client connected until the run has ended\n",
        ),
    ],
)
async def test_a_run_whose_end_was_not_seen_is_reported_at_the_stop(
    last: str, line: str, tmp_path: Path
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
    answer = b'{"type":"success","id":1,"result":{"run_id":"r1"}}'
    data = b'{"event_id":"%b","params":{"namespace":[],"data":{"event":"%b"}}}'
    event = b"event: lifecycle\r\ndata: " + data + b"\r\n\r\n"

    async def script(wire: Wire) -> None:
        if wire.request.path.endswith("commands"):
            await wire.send(head + b"content-length: %d\r\n\r\n%b" % (len(answer), answer))
        else:
            await say(EVENTS, chunk(event % (b"1", b"running") + event % (b"1", last.encode())))(
                wire
            )
            await wire.gone()

    async with upstream(script) as server:
        with record(server, tmp_path) as recorder:
            await ask(
                recorder.url, "POST", "/threads/t1/commands", b'{"id":1,"method":"run.start"}'
            )
            async with Client(recorder.url) as client:
                await client.ask("POST", STREAM, FILTER)
                await client.until(last.encode())
            assert await stop(recorder) == 0

    assert recorder.errors.startswith(f"{line}responses: 2 from the upstream")
