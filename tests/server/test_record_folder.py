"""Many scenarios recorded through one server, each into the cassette that it names."""

import asyncio
import json
from pathlib import Path

from tests.processes import PAGE, run, running
from tests.scripted import ReceivedRequest, Wire, ask, upstream

NAMED = b"x-mockserver-cassette: "


async def echo(wire: Wire) -> None:
    """Answer with the body of the request."""
    body = wire.request.body
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    await wire.send(head + body)


def said(requests: list[ReceivedRequest]) -> list[bytes]:
    return [one.body for one in requests]


async def test_each_scenario_goes_into_the_cassette_it_names(tmp_path: Path) -> None:
    async with upstream(echo) as server:
        with running("record", "all/", "--upstream", server.url, folder=tmp_path) as recorder:
            assert recorder.ready.endswith(f"{server.url} into all/\n")
            for name, body in (
                (b"chat/caf%C3%A9", b"1"),
                (b"other", b"2"),
                (b"chat/caf%C3%A9", b"3"),
            ):
                await ask(recorder.url, "POST", "/x", body, NAMED + name)
            await ask(f"{recorder.url}", "POST", "/__mockserver__/cassette/chat%2Ftwo/x", b"4")
            await ask(recorder.url, "POST", "/x", b"5")
            assert await asyncio.to_thread(recorder.stop) == 0
    assert [
        header for one in server.requests for header in one.headers if b"mockserver" in header[0]
    ] == []
    assert recorder.errors == (
        "responses: 5 from the upstream; recorded 5 exchanges into all/\n"
        "  all/chat/café.yaml: 2 exchanges\n"
        "  all/chat/two.yaml: 1 exchange\n"
        "  all/other.yaml: 1 exchange\n"
        "  all/unnamed.yaml: 1 exchange\n"
    )  # fmt: skip

    with running("replay", "all", folder=tmp_path) as player:
        there = await ask(player.url, "POST", "/x", b"3", NAMED + b"chat/caf%C3%A9")
        elsewhere = await ask(player.url, "POST", "/x", b"3", NAMED + b"other")
        anywhere = await ask(player.url, "POST", "/x", b"5")
    assert (there.body, anywhere.body) == (b"3", b"5")
    assert elsewhere.line.startswith(b"HTTP/1.1 404 ")


async def test_any_title_is_a_name(tmp_path: Path) -> None:
    titles = [
        b"../out",
        b"says%3A%20%22hi%22",
        b"says%3F%20%22hi%22",
        b"x" * 3000,
        b".",
        b"mockserver",
    ]
    async with upstream(echo) as server:
        with running("record", "all/", "--upstream", server.url, folder=tmp_path) as recorder:
            for number, title in enumerate(titles):
                await ask(recorder.url, "POST", "/x", b"%d" % number, NAMED + title)
            assert await asyncio.to_thread(recorder.stop) == 0
    with running("replay", "all", folder=tmp_path) as player:
        answers = [
            await ask(player.url, "POST", "/x", b"%d" % number, NAMED + title)
            for number, title in enumerate(titles)
        ]
        assert await asyncio.to_thread(player.stop) == 0

    assert [answer.body for answer in answers] == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert len(player.ready.split("6 cassettes")) == 2


async def test_an_existing_cassette_is_refused_before_any_request(
    tmp_path: Path,
) -> None:
    (tmp_path / "old.yaml").write_text("mockserver: 1\n---\nrequest: {path: /x}\nresponse: {}\n")
    async with upstream(echo) as server:
        with running("record", ".", "--upstream", server.url, folder=tmp_path) as recorder:
            there = await ask(recorder.url, "POST", "/x", b"1", NAMED + b"old")
            assert await asyncio.to_thread(recorder.stop) == 0

    assert server.requests == []
    assert json.loads(there.body)["detail"] == (
        "old.yaml already exists: add to it with --extend, or replace it with --overwrite"
    )
    assert there.line[:12] == b"HTTP/1.1 400"


async def test_a_folder_is_extended(tmp_path: Path) -> None:
    async with upstream(echo) as server:
        for bodies, mode in (((b"1",), ()), ((b"1", b"2"), ("--extend",))):
            arguments = ("record", "all/", *mode, "--upstream", server.url)
            with running(*arguments, folder=tmp_path) as recorder:
                for body in bodies:
                    for name in (b"a", b"b"):
                        await ask(recorder.url, "POST", "/x", body, NAMED + name)
                assert await asyncio.to_thread(recorder.stop) == 0

    assert said(server.requests) == [b"1", b"1", b"2", b"2"]
    assert PAGE.sub("", (tmp_path / "stderr-1").read_text()) == (
        "responses: 2 from cassettes, 2 from the upstream; recorded 2 exchanges into all/\n"
        "  all/a.yaml: 1 exchange\n"
        "  all/b.yaml: 1 exchange\n"
    )
    assert len(run("ls", "all", folder=tmp_path).stdout.splitlines()) == 4


async def test_a_name_for_a_recording_into_one_file_is_reported_once(tmp_path: Path) -> None:
    async with upstream(echo) as server:
        with running("record", "a.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            for name in (b"a", b"b", b"c"):
                await ask(recorder.url, "POST", "/x", b"1", NAMED + name)
            assert await asyncio.to_thread(recorder.stop) == 0

    assert recorder.errors == (
        "x-mockserver-cassette: b, but everything is recorded into a.yaml: record into a folder to separate cassettes\n"
        "responses: 3 from the upstream; recorded 3 exchanges into a.yaml\n"
    )
