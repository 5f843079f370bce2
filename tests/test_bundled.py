"""The bundled cassettes, and what the README says of them."""

import re
import shlex
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from langgraph_sdk import get_client

from mockserver import strict
from mockserver.cassette.model import Policy
from mockserver.cli import cli
from mockserver.store.library import Library
from tests.processes import running
from tests.real.clients import shell
from tests.recordings import HELLO, MODES, threaded

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def library() -> Library:
    return Library([ROOT / "cassettes"], Policy(), pytest.fail)


def test_every_bundled_exchange_can_be_played(library: Library) -> None:
    entries = [entry for cassette in library.index.cassettes for entry in cassette.entries]

    assert len(entries) == 39
    for entry in entries:
        exchange = library.exchange(entry)
        assert exchange.response.end is not None
        assert not exchange.response.end.cut


async def test_the_documented_conversation_is_there_in_every_mode(tmp_path: Path) -> None:
    state = {"messages": [{"role": "human", "content": HELLO}]}
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        async with aiohttp.ClientSession(server.url) as session:
            for mode in MODES:
                run = {"assistant_id": "agent", "input": state, "stream_mode": mode}
                async with session.post("/runs/stream", json=run) as response:
                    assert response.status == 200
                    assert (await response.text()).startswith("event: metadata\r\n")
            async with session.post(
                "/runs/wait", json={"assistant_id": "agent", "input": state}
            ) as response:
                assert "Hello Bagatur!" in await response.text()
            for path in ("/assistants/search", "/threads"):
                async with session.post(path, json={}) as response:
                    assert response.status == 200
        assert server.stop() == 0


async def test_the_conversation_on_a_thread_replays_under_any_id(tmp_path: Path) -> None:
    """As it was recorded, but for the id; and as the README has it, from the middle."""
    thread = str(uuid4())
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        async with get_client(url=server.url, api_key=None) as client:
            await threaded(client, thread)
            state: Any = await client.threads.get_state(thread)
        assert server.stop() == 0, server.errors

    said = [message["content"] for message in state["values"]["messages"]]
    assert said[:3] == [
        "When do you ship?",
        "Draft: we ship on Monday.",
        "The human decided: send",
    ]
    assert state["checkpoint"]["thread_id"] == thread
    assert state["tasks"][0]["interrupts"][0]["value"]["question"] == "Send this reply?"


def test_the_request_of_the_readme_to_a_thread_is_answered(tmp_path: Path) -> None:
    [command] = [
        text[text.index("$ curl -sN http://127.0.0.1:8123/threads") + 2 : text.index("\ndata: ")]
        for kind, text in BLOCKS
        if kind == "console" and "8123/threads/" in text
    ]
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        told = shell(command.replace("http://127.0.0.1:8123", server.url), server.url).decode()
        assert server.stop() == 0

    assert '"__interrupt__":[{"value":{"question":"Send this reply?"' in told


def test_the_readme_is_short() -> None:
    assert README.count("\n") < 300


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_each_command_is_in_the_readme(name: str) -> None:
    assert f"mockserver {name}" in README


def test_each_command_line_of_the_readme_is_one(library: Library) -> None:
    lines = [
        line[2:]
        for kind, text in BLOCKS
        if kind == "console"
        for line in text.splitlines()
        if line.startswith("$ mockserver")
    ]

    assert len(lines) >= 3
    for line in lines:
        _, name, *arguments = shlex.split(line, comments=True)
        cli.commands[name].make_context(name, arguments).close()


def test_the_cassettes_of_the_readme_load(tmp_path: Path) -> None:
    texts = [text for kind, text in BLOCKS if kind == "yaml" and text.startswith("mockserver: 1")]

    assert len(texts) == 2
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        loaded = Library([path], Policy(), pytest.fail)
        assert loaded.exchange(loaded.index.cassettes[0].entries[0]).response.status == 200


def test_the_settings_of_the_readme_load(tmp_path: Path) -> None:
    from mockserver import settings

    [text] = [text for kind, text in BLOCKS if kind == "yaml" and text.startswith("ignore:")]
    (tmp_path / "mockserver.yaml").write_text(text)

    loaded = settings.load(tmp_path / "mockserver.yaml")

    assert strict.read(text)["ignore"] == list(loaded.policy.ignore)


def test_the_settings_that_the_readme_shows_are_all_there_are() -> None:
    for name in (
        "--speed",
        "--max-gap",
        "--host",
        "--port",
        "--config",
        "--extend",
        "--overwrite",
        "--record-errors",
        "--script",
        "--graph",
    ):
        assert f"`{name}" in README


def test_the_python_of_the_readme_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [code] = [text for kind, text in BLOCKS if kind == "python"]
    with running("replay", ROOT / "cassettes", "--speed", "instant", folder=tmp_path) as server:
        names: dict[str, Any] = {}
        exec(code.replace("http://127.0.0.1:8123", server.url), names)
        names["client"].http.client.close()
        assert server.stop() == 0

    assert capsys.readouterr().out.startswith("metadata {'run_id': ")
