"""Verify recordings of event streams: against the server that they were recorded from, and against other ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agentserver import GRAPHS
from tests.processes import run, running
from tests.real.scenarios import said
from tests.real.test_event_clients import TRANSPORTS, Transport, python_thread

SCRIPT = GRAPHS / "script.yaml"


async def talk(url: str, transport: Transport) -> None:
    """Have a conversation with a question, then one with a tool."""
    async with python_thread(url, transport) as thread:
        await thread.run.start(input=said("interrupt"))
        async for _ in thread.values:
            pass
        await thread.run.respond("send")
        await thread.output
    async with python_thread(url, transport) as thread:
        await thread.run.start(input=said("tools of Rome"))
        states = [state async for state in thread.values]
    assert len(states[-1]["messages"]) == 4


async def record(upstream: str, folder: Path, name: str, transport: Transport = "sse") -> None:
    with running("record", name, "--upstream", upstream, folder=folder) as recorder:
        await talk(recorder.url, transport)
        assert recorder.stop() == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_recording_does_not_differ_from_its_server(
    agent_server: str, tmp_path: Path, transport: Transport
) -> None:
    await record(agent_server, tmp_path, "a.yaml", transport)
    for options in ((), ("--values",)):
        done = run("verify", "a.yaml", "--upstream", agent_server, *options, folder=tmp_path)

        assert (done.returncode, done.stdout) == (0, "")
        assert ", 0 differs, 0 failed" in done.stderr


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_update_records_event_streams_again(
    agent_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: Transport
) -> None:
    monkeypatch.delenv("CI", raising=False)
    await record(agent_server, tmp_path, "a.yaml", transport)
    cassette = tmp_path / "a.yaml"
    cassette.write_text(cassette.read_text().replace('"event":"completed"', '"event":"failed"'))
    options = ("verify", "a.yaml", "--upstream", agent_server)
    done = run(*options, "--update", folder=tmp_path)

    assert done.returncode == 0, done.stdout
    assert ", lifecycle completed in" in done.stdout or ", lifecycle completed\n" in done.stdout
    again = run(*options, folder=tmp_path)
    assert (again.returncode, again.stdout) == (0, "")
    assert run("lint", "a.yaml", folder=tmp_path).returncode == 0
    with running("replay", "a.yaml", folder=tmp_path) as server:
        await talk(server.url, transport)
        assert server.stop() == 0


async def test_two_recordings_do_not_differ(agent_server: str, tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        await record(agent_server, tmp_path, name)
    done = run("diff", "a.yaml", "b.yaml", folder=tmp_path)

    assert (done.returncode, done.stdout) == (0, "")


async def test_another_graph_is_a_difference(agent_server: str, tmp_path: Path) -> None:
    await record(agent_server, tmp_path, "a.yaml")
    script = SCRIPT.read_text()
    changed = script.replace('  - say: "You decided: {answer}"', "  - error: It broke.")
    changed = changed.replace("  - say: Let me look.", "  - reason: Where?\n  - say: Let me look.")
    (tmp_path / "script.yaml").write_text(changed)
    options = ("--graph", "scripted", "--speed", "instant")
    results: list[list[dict[str, Any]]] = []
    for path in (SCRIPT, tmp_path / "script.yaml"):
        with running("serve", "--script", path, *options, folder=tmp_path) as server:
            done = run("verify", "a.yaml", "--upstream", server.url, "--json", folder=tmp_path)
        results.append([json.loads(line) for line in done.stdout.splitlines()])
    same, other = results
    failed, reasoned = (
        one["faults"]
        for one in other
        if one["request"].endswith("/stream/events") and one["faults"]
    )

    assert [one for one in same if one["outcome"] != "same"] == []
    assert failed[0].startswith("events of run 2 were ")
    assert failed[0].endswith(", lifecycle failed")
    assert reasoned == ["values: messages[type=ai].content[type=reasoning] is new"]
