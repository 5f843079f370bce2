"""Clients that leave, stops, kills and full disks: what is in the cassette afterwards."""

import asyncio
import json
import re
import resource
import signal
import socket
from pathlib import Path
from random import Random

import pytest

from tests.processes import run, running
from tests.scripted import (
    EVENTS,
    LAST,
    WITHIN,
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

ONE = b"data: 1\r\n\r\n"
TWO = b"data: 2\r\n\r\n"
CANCEL = b'{"on_disconnect":"cancel"}'
REST = b"".join(b"data: %d\r\n\r\n" % 10**500 for _ in range(500))
"""More than the buffers of a connection hold."""


def paths(cassette: Path) -> list[str]:
    """Return the paths of the requests in *cassette*, in its order."""
    return re.findall(r"(?m)^  path: (.+)$", cassette.read_text())


def names(folder: Path) -> list[str]:
    """Return the names of the files in *folder*."""
    return sorted(path.name for path in folder.iterdir())


def recorded(path: str, *events: str, how: str = "closed") -> str:
    """Return the document of an exchange with *events*."""
    head = f"request:\n  method: POST\n  path: {path}\nresponse:\n  status: 200\n  headers:\n"
    items = "".join(f"\n  - data: |-\n      {event}" for event in events) or " []"
    return f"{head}    content-type: text/event-stream\n  events:{items}\n  end: {{how: {how}}}\n"


# Clients that leave


@pytest.mark.parametrize("rest", [TWO, REST], ids=["little to come", "much to come"])
async def test_an_exchange_whose_client_left_is_recorded_whole(rest: bytes, tmp_path: Path) -> None:
    left, done = asyncio.Event(), asyncio.Semaphore(0)

    async def script(wire: Wire) -> None:
        await say(EVENTS, chunk(ONE))(wire)
        await left.wait()
        await say(*(chunk(rest[n : n + 10_000]) for n in range(0, len(rest), 10_000)), LAST)(wire)
        await wire.gone()
        done.release()

    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            for leave in ("leave", "reset"):
                async with Client(recorder.url) as client:
                    await client.ask("POST", f"/{leave}")
                    await client.until(ONE)
                    getattr(client, leave)()
            left.set()
            async with asyncio.timeout(WITHIN):
                await done.acquire()
                await done.acquire()
            assert await asyncio.to_thread(recorder.stop) == 0
    with running("replay", "chat.yaml", "--speed", "instant", folder=tmp_path) as player:
        played = [await ask(player.url, "POST", path) for path in ("/leave", "/reset")]

    assert [(answer.whole, answer.body) for answer in played] == [(True, ONE + rest)] * 2
    assert (
        recorder.errors == "responses: 2 from the upstream; recorded 2 exchanges into chat.yaml\n"
    )


async def test_an_exchange_whose_client_left_before_the_answer_is_recorded_whole(
    tmp_path: Path,
) -> None:
    received, left, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        received.set()
        await left.wait()
        await say(EVENTS, chunk(ONE), LAST)(wire)
        await wire.gone()
        done.set()

    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask()
                await asyncio.wait_for(received.wait(), WITHIN)
            # The second answer shows that the first client's end has been noticed.
            await ask(recorder.url, "GET", "/ok")
            left.set()
            await asyncio.wait_for(done.wait(), WITHIN)
            assert await asyncio.to_thread(recorder.stop) == 0

    assert exchanges((tmp_path / "chat.yaml").read_text()) == [recorded("/runs/stream", "1")]


@pytest.mark.parametrize(
    "before",
    [
        pytest.param((), id="before the answer"),
        pytest.param((EVENTS,), id="after the head"),
        pytest.param((EVENTS, chunk(ONE)), id="between events"),
    ],
)
async def test_a_run_to_be_cancelled_is_let_go_of_although_the_upstream_is_silent(
    before: tuple[bytes, ...], tmp_path: Path
) -> None:
    there, gone = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        await say(*before)(wire)
        there.set()
        await wire.gone()
        gone.set()

    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask(body=CANCEL)
                await asyncio.wait_for(there.wait(), WITHIN)
                if before:
                    await client.until(b"\r\n\r\n")
            await asyncio.wait_for(gone.wait(), WITHIN)
            assert await asyncio.to_thread(recorder.stop) == 0

    if not before:
        assert not (tmp_path / "chat.yaml").exists()
        assert recorder.errors == (
            "not recorded: the client disconnected from POST /runs/stream before the response, which cancels the run\n"
            "no responses; nothing to record\n"
        )
        return
    events = ["1"] if len(before) > 1 else []
    written = exchanges((tmp_path / "chat.yaml").read_text())
    assert [
        document.replace("  body:\n    on_disconnect: cancel\n", "") for document in written
    ] == [recorded("/runs/stream", *events, how="cut")]
    assert recorder.errors == "responses: 1 from the upstream; recorded 1 exchange into chat.yaml\n"
    with running("replay", "chat.yaml", "--speed", "instant", folder=tmp_path) as player:
        played = await ask(player.url, body=CANCEL)
    assert not played.whole
    assert played.body == (ONE if events else b"")


async def test_a_run_to_be_cancelled_is_let_go_of_while_the_upstream_talks(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(EVENTS)
        try:
            while True:
                await wire.send(chunk(ONE))
                await asyncio.sleep(0)
        except (ConnectionResetError, BrokenPipeError):
            gone.set()

    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask(body=CANCEL)
                await client.until(ONE)
            await asyncio.wait_for(gone.wait(), WITHIN)
            assert await asyncio.to_thread(recorder.stop) == 0

    [written] = exchanges((tmp_path / "chat.yaml").read_text())
    assert written.count("  - data: |-\n      1\n") >= 1
    assert written.endswith("  end: {how: cut}\n")


async def test_a_run_to_be_cancelled_is_recorded_if_its_client_stays(tmp_path: Path) -> None:
    async with upstream(say(EVENTS, chunk(ONE), LAST)) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            answer = await ask(recorder.url, body=CANCEL)
            assert await asyncio.to_thread(recorder.stop) == 0

    assert answer.whole
    assert paths(tmp_path / "chat.yaml") == ["/runs/stream"]


async def test_a_client_that_leaves_in_its_request_leaves_no_trace(tmp_path: Path) -> None:
    async with upstream(say()) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            for leave in ("leave", "reset"):
                async with Client(recorder.url) as client:
                    await client.send(
                        b"POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n12"
                    )
                    # It has the request when it answers the next.
                    await ask(recorder.url, "GET", "/ok")
                    getattr(client, leave)()
            await ask(recorder.url, "GET", "/ok")
            assert await asyncio.to_thread(recorder.stop) == 0

    assert server.requests == []
    assert recorder.errors == "no responses; nothing to record\n"


async def test_a_player_says_nothing_of_a_client_that_leaves(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(
        "mockserver: 1\n---\nrequest: {path: /a}\nresponse:\n  events:\n"
        "  - {data: '1'}\n  - {after: 60, data: '2'}\n"
    )
    with running("replay", "chat.yaml", folder=tmp_path) as player:
        for leave in ("leave", "reset"):
            async with Client(player.url) as client:
                await client.ask("POST", "/a")
                await client.until(ONE)
                getattr(client, leave)()
        await ask(player.url, "GET", "/ok")
        assert player.stop() == 0

    assert player.errors == "responses: 2 from cassettes\n"


# Stops


async def test_a_stop_waits_a_little_and_leaves_the_order_of_the_requests(tmp_path: Path) -> None:
    slow_asked, stopping = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        slow_asked.set()
        await say(EVENTS, chunk(ONE))(wire)
        if wire.request.path == "/slow":
            await stopping.wait()
        elif wire.request.path == "/endless":
            await wire.gone()
        await wire.send(LAST)

    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            async with Client(recorder.url) as slow, Client(recorder.url) as endless:
                await slow.ask("POST", "/slow")
                slow_answer = asyncio.create_task(slow.answer())
                await asyncio.wait_for(slow_asked.wait(), WITHIN)
                quick_answer = await ask(recorder.url, "POST", "/quick")
                await endless.ask("POST", "/endless")
                await endless.until(ONE)
                recorder.process.send_signal(signal.SIGTERM)
                stopping.set()
                ended = asyncio.create_task(asyncio.to_thread(recorder.process.wait))
                assert await asyncio.wait_for(ended, WITHIN) == 0
                assert await endless.broke()
                assert (await slow_answer).whole

    assert quick_answer.whole
    assert exchanges((tmp_path / "chat.yaml").read_text()) == [
        recorded("/slow", "1"),
        recorded("/quick", "1"),
    ]
    assert recorder.errors == (
        "not recorded: POST /endless was still being answered 3 s after the stop\n"
        "responses: 3 from the upstream; recorded 2 exchanges into chat.yaml\n"
    )
    assert names(tmp_path) == ["chat.yaml", "stderr-0"]


async def test_an_upstream_that_says_nothing_of_itself_costs_no_exchange(tmp_path: Path) -> None:
    info_asked = asyncio.Event()

    async def silent(wire: Wire) -> None:
        info_asked.set()
        await wire.gone()

    async with upstream(say(EVENTS, chunk(ONE), LAST), silent) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask()
                await asyncio.wait_for(info_asked.wait(), WITHIN)
                assert await asyncio.to_thread(recorder.stop) == 0
                answer = await client.answer()

    assert answer.whole
    assert exchanges((tmp_path / "chat.yaml").read_text()) == [recorded("/runs/stream", "1")]
    assert recorder.errors == "responses: 1 from the upstream; recorded 1 exchange into chat.yaml\n"


async def test_a_stop_cuts_what_is_played(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(
        "mockserver: 1\n---\nrequest: {path: /a}\nresponse:\n  events:\n"
        "  - {data: '1'}\n  - {after: 60, data: '2'}\n"
    )
    with running("replay", "chat.yaml", folder=tmp_path) as player:
        async with Client(player.url) as client:
            await client.ask("POST", "/a")
            await client.until(ONE)
            ended = asyncio.create_task(asyncio.to_thread(player.stop))
            assert await asyncio.wait_for(ended, WITHIN) == 0
            assert await client.broke()

    assert player.errors == "responses: 1 from cassettes\n"


# Kills


def long_answer(number: int) -> bytes:
    """Return a body of about 12 kB that no other request gets."""
    return b"".join(b'data: {"of":%d,"n":%d}\r\n\r\n' % (number, n) for n in range(400))


async def _long(wire: Wire) -> None:
    body = long_answer(json.loads(wire.request.body)["n"])
    await wire.send(EVENTS)
    for start in range(0, len(body), 2000):
        await wire.send(chunk(body[start : start + 2000]))
        await asyncio.sleep(0)
    await wire.send(LAST)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_a_kill_loses_no_exchange_whose_end_a_client_saw(seed: int, tmp_path: Path) -> None:
    seen: dict[int, bytes] = {}
    numbers = iter(range(1000))
    enough = asyncio.Event()
    kill_after = Random(seed).randrange(5, 60)

    async def client(url: str) -> None:
        while not enough.is_set():
            number = next(numbers)
            try:
                answer = await ask(url, body=b'{"n":%d}' % number)
            except (OSError, asyncio.IncompleteReadError):
                return
            if answer.whole:
                seen[number] = answer.body
            if len(seen) >= kill_after:
                enough.set()

    async with upstream(_long) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            clients = [asyncio.create_task(client(recorder.url)) for _ in range(30)]
            await asyncio.wait_for(enough.wait(), WITHIN)
            recorder.process.kill()
            await asyncio.gather(*clients)
            recorder.process.wait()
    with running("replay", "chat.yaml", "--speed", "instant", folder=tmp_path) as player:
        played = {number: await ask(player.url, body=b'{"n":%d}' % number) for number in seen}
        said = player.errors

    assert len(seen) >= kill_after
    assert {number: answer.body for number, answer in played.items()} == seen
    assert all(seen[number] == long_answer(number) for number in seen)
    assert said in ("", torn_line(said))


def torn_line(said: str) -> str:
    """Return the line about a torn exchange, at the line that *said* names."""
    line = (re.findall(r"line (\d+)", said) or ["?"])[0]
    return f"chat.yaml, line {line}: the last exchange is incomplete (a recording was killed), skipped\n"


RECORDED = """\
mockserver: 1
recorded: 2026-11-22T15:36:36Z
---
request:
  method: POST
  path: /first
response:
  status: 200
  headers:
    content-type: text/event-stream
  events:
  - data: |-
      1
  end: {after: 0, how: closed}
"""
SECOND = RECORDED.partition("---\n")[2].replace("/first", "/second").replace("      1", "      2")


@pytest.mark.parametrize("torn", [*range(0, len(SECOND), 40), len(SECOND) - 2])
async def test_recording_goes_on_after_a_kill(torn: int, tmp_path: Path) -> None:
    cassette = tmp_path / "chat.yaml"
    cassette.write_text(f"{RECORDED}---\n{SECOND[:torn]}")
    async with upstream(say(EVENTS, chunk(TWO), LAST)) as server:
        with running(
            "record", "chat.yaml", "--extend", "--upstream", server.url, folder=tmp_path
        ) as recorder:
            first = await ask(recorder.url, "POST", "/first")
            second = await ask(recorder.url, "POST", "/second")
            assert recorder.stop() == 0

    assert (first.header(b"x-mockserver-source"), first.body) == (b"cassette", ONE)
    assert (second.header(b"x-mockserver-source"), second.body) == (b"upstream", TWO)
    assert cassette.read_text().startswith(RECORDED + "---\n")
    assert exchanges(cassette.read_text()) == [recorded("/first", "1"), recorded("/second", "2")]
    lines = recorder.errors.splitlines()
    assert lines == [
        "chat.yaml: its last exchange is incomplete (a recording was killed); it is cut off before recording continues",
        "responses: 1 from cassettes, 1 from the upstream; recorded 1 exchange into chat.yaml",
    ]


# Full disks


def limit(process_id: int, size: int) -> None:
    """Let the process write no file beyond *size* bytes, as on a full disk."""
    resource.prlimit(process_id, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def _by_path(wire: Wire) -> None:
    rest = REST if wire.request.path == "/large" else b""
    await say(EVENTS, chunk(ONE + rest), LAST)(wire)


async def test_a_full_disk_costs_what_does_not_fit_and_nothing_else(tmp_path: Path) -> None:
    cassette = tmp_path / "chat.yaml"
    async with upstream(_by_path) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            await ask(recorder.url, "POST", "/first")
            before = cassette.read_text()
            limit(recorder.process.pid, cassette.stat().st_size + 10_000)
            large = await ask(recorder.url, "POST", "/large")
            said, during = recorder.errors, cassette.read_text()
            await ask(recorder.url, "POST", "/small")
            status = recorder.stop()

    assert large.whole
    assert large.body == ONE + REST
    assert said == (
        "chat.yaml: not recorded: File too large: free some disk space, then record again (POST /large)\n"
    )
    assert during == before
    assert status == 2
    assert recorder.errors == said + (
        "responses: 3 from the upstream; recorded 2 exchanges into chat.yaml\n"
        "1 exchange could not be recorded\n"
    )
    assert exchanges(cassette.read_text()) == [recorded("/first", "1"), recorded("/small", "1")]


async def test_a_disk_that_is_full_from_the_start_leaves_no_file(tmp_path: Path) -> None:
    async with upstream(_by_path) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            limit(recorder.process.pid, 150)
            answer = await ask(recorder.url, "POST", "/first")
            limit(recorder.process.pid, 1 << 20)
            assert recorder.stop() == 2

    assert answer.whole
    assert recorder.errors == (
        "chat.yaml: not recorded: File too large: free some disk space, then record again (POST /first)\n"
        "responses: 1 from the upstream; nothing to record\n"
        "1 exchange could not be recorded\n"
    )
    assert not (tmp_path / "chat.yaml").exists()


async def test_a_disk_too_full_for_putting_in_order_leaves_the_exchanges(tmp_path: Path) -> None:
    cassette = tmp_path / "chat.yaml"
    quick_done = asyncio.Event()
    async with upstream(_slow_then_quick(quick_done)) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            async with Client(recorder.url) as slow:
                await slow.ask("POST", "/slow")
                await slow.until(ONE)
                await ask(recorder.url, "POST", "/quick")
                quick_done.set()
                await slow.until(LAST)
            limit(recorder.process.pid, 150)
            assert recorder.stop() == 2

    assert exchanges(cassette.read_text()) == [recorded("/quick", "1"), recorded("/slow", "1")]
    # The limit holds for the log too, so that of the summary only the beginning fits.
    assert recorder.errors.splitlines()[0] == (
        "chat.yaml: could not be sorted (File too large); it holds all exchanges in the order in which they ended"
    )
    assert names(tmp_path) == ["chat.yaml", "stderr-0"]


async def test_a_client_that_takes_nothing_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    body = b"".join(chunk(b"data: %b\r\n\r\n" % (b"x" * 3000)) for _ in range(1000))
    done = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(EVENTS + body + LAST)
        await wire.gone()
        done.set()

    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            address = recorder.url.removeprefix("http://").split(":")
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect((address[0], int(address[1])))
                client.sendall(
                    b"POST /stuck HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
                )
                assert await asyncio.to_thread(client.recv, 1) == b"H"
                status = await asyncio.to_thread(recorder.stop)

    assert status == 0
    assert "/stuck was still being answered 3 s after the stop" in recorder.errors or paths(
        tmp_path / "chat.yaml"
    ) == ["/stuck"]


# One file


@pytest.mark.parametrize("option", [[], ["--extend"], ["--overwrite"]], ids=" ".join)
def test_a_second_recorder_of_a_file_is_refused(option: list[str], tmp_path: Path) -> None:
    record = ["record", "chat.yaml", "--upstream", "http://127.0.0.1:9"]
    with running(*record, folder=tmp_path):
        second = run(*record, *option, folder=tmp_path)

    assert second.returncode == 2
    assert second.stdout == ""
    assert second.stderr == (
        "mockserver: chat.yaml is in use by another mockserver that records into it: "
        "stop it, or record into another file\n"
    )


def test_an_existing_file_is_not_changed_without_an_option(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(RECORDED)

    refused = run("record", "chat.yaml", "--upstream", "http://127.0.0.1:9", folder=tmp_path)

    assert refused.returncode == 2
    assert refused.stderr == (
        "mockserver: chat.yaml already exists: add to it with --extend, "
        "or replace it with --overwrite\n"
    )
    assert (tmp_path / "chat.yaml").read_text() == RECORDED


async def test_overwriting_takes_effect_at_the_stop(tmp_path: Path) -> None:
    cassette = tmp_path / "chat.yaml"
    cassette.write_text(RECORDED)
    cassette.chmod(0o640)
    async with upstream(say(EVENTS, chunk(TWO), LAST)) as server:
        with running(
            "record", "chat.yaml", "--overwrite", "--upstream", server.url, folder=tmp_path
        ) as recorder:
            answer = await ask(recorder.url, "POST", "/first")
            during = cassette.read_text()
            assert recorder.stop() == 0

    assert answer.header(b"x-mockserver-source") == b"upstream"
    assert during == RECORDED
    assert exchanges(cassette.read_text()) == [recorded("/first", "2")]
    assert names(tmp_path) == ["chat.yaml", "stderr-0"]
    assert cassette.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("option", ["--overwrite", "--extend"])
def test_a_stop_with_nothing_recorded_leaves_the_file(option: str, tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(RECORDED)
    with running(
        "record", "chat.yaml", option, "--upstream", "http://127.0.0.1:9", folder=tmp_path
    ) as recorder:
        assert recorder.stop() == 0

    assert (tmp_path / "chat.yaml").read_text() == RECORDED
    assert names(tmp_path) == ["chat.yaml", "stderr-0"]


async def test_what_a_killed_overwriting_left_is_not_thrown_away(tmp_path: Path) -> None:
    cassette, beside = tmp_path / "chat.yaml", tmp_path / "chat.yaml.new"
    cassette.write_text(RECORDED)
    async with upstream(say(EVENTS, chunk(TWO), LAST)) as server:
        record = ["record", "chat.yaml", "--overwrite", "--upstream", server.url]
        with running(*record, folder=tmp_path) as recorder:
            await ask(recorder.url, "POST", "/first")
            recorder.process.kill()
            recorder.process.wait()
        refused = run(*record, folder=tmp_path)

    assert refused.returncode == 2
    assert refused.stderr == (
        "mockserver: chat.yaml.new is left over from a killed recording: "
        "move it away to keep it, or delete it\n"
    )
    assert cassette.read_text() == RECORDED
    assert exchanges(beside.read_text()) == [recorded("/first", "2")]


async def test_extending_asks_the_upstream_for_what_is_used_up(tmp_path: Path) -> None:
    cassette = tmp_path / "chat.yaml"
    cassette.write_text(RECORDED)
    async with upstream(say(EVENTS, chunk(TWO), LAST)) as server:
        with running(
            "record", "chat.yaml", "--extend", "--upstream", server.url, folder=tmp_path
        ) as recorder:
            answers = [await ask(recorder.url, "POST", "/first") for _ in range(3)]
            assert recorder.stop() == 0

    assert [sourced(answer) for answer in answers] == [
        (b"cassette", ONE),
        (b"upstream", TWO),
        (b"upstream", TWO),
    ]
    assert cassette.read_text().startswith(RECORDED + "---\n")
    assert exchanges(cassette.read_text()) == [
        recorded("/first", "1"),
        recorded("/first", "2"),
        recorded("/first", "2"),
    ]


def sourced(answer: Answer) -> tuple[bytes | None, bytes]:
    return answer.header(b"x-mockserver-source"), answer.body


async def test_what_is_added_stands_in_the_order_of_its_requests(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(RECORDED)
    quick_done = asyncio.Event()
    async with upstream(_slow_then_quick(quick_done)) as server:
        with running(
            "record", "chat.yaml", "--extend", "--upstream", server.url, folder=tmp_path
        ) as recorder:
            async with Client(recorder.url) as slow:
                await slow.ask("POST", "/slow")
                await slow.until(ONE)
                await ask(recorder.url, "POST", "/quick")
                quick_done.set()
                await slow.until(LAST)
            assert recorder.stop() == 0

    assert (tmp_path / "chat.yaml").read_text().startswith(RECORDED + "---\n")
    assert paths(tmp_path / "chat.yaml") == ["/first", "/slow", "/quick"]


def _slow_then_quick(quick_done: asyncio.Event) -> Script:
    async def script(wire: Wire) -> None:
        await say(EVENTS, chunk(ONE))(wire)
        if wire.request.path == "/slow":
            await quick_done.wait()
        await wire.send(LAST)

    return script
