"""What `serve` says when the fake graph answers a run although a cassette was close, over a real socket."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.http.pacing import parse_pace
from mockserver.server import modes
from mockserver.server.log import Log
from mockserver.server.settings import Settings
from tests.replaying import RUN, cassette


def run(text: str = "hi", **changes: Any) -> dict[str, Any]:
    return {**RUN, "input": {"messages": [{"role": "human", "content": text}]}, **changes}


@pytest.mark.parametrize(
    ("body", "path", "differs"),
    [
        pytest.param(run(config={"tags": ["x"], "recursion_limit": 7}), "/runs/wait", "body.config", id="same message"),
        pytest.param(run("ho"), "/runs/wait", "body.input.messages[0].content", id="one difference"),
        pytest.param(run("ho", config={"tags": ["x"]}), "/runs/wait", None, id="two differences"),
        pytest.param(run("ho"), "/runs/stream", None, id="another route"),
        pytest.param({"metadata": {}}, "/threads", None, id="no run"),
    ],
)  # fmt: skip
async def test_a_close_recording_is_named(
    aiohttp_client: AiohttpClient, tmp_path: Path, body: Any, path: str, differs: str | None
) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "1")))
    lines: list[str] = []
    options = modes.ServerOptions(Settings(), parse_pace("instant", None))
    server = modes.create_serve_server([tmp_path], options, Log(lines.append))
    client: TestClient[Any, Any] = await aiohttp_client(RawTestServer(server.app.handle))

    async with client.post(path, json=body) as response:
        assert response.headers["x-mockserver-source"] == "fake"
    async with client.get("/__mockserver__/journal") as response:
        [call] = (await response.json())["requests"]

    if differs is None:
        assert "note" not in call
        assert "miss" not in call
        assert lines == []
    else:
        assert call["note"].startswith(f"near miss: POST {path}: no exchange matches\n")
        assert f"{differs} differs" in call["note"]
        assert "chat.yaml#1" in call["note"]
        [nearest] = call["miss"]["nearest"]
        assert (nearest["exchange"], nearest["differs"][0]["path"]) == ("chat.yaml#1", differs)
        assert call["note"] in "\n".join(lines)


@pytest.mark.parametrize("first", [0, 1])
async def test_the_most_alike_message_is_named(
    aiohttp_client: AiohttpClient, tmp_path: Path, first: int
) -> None:
    asked = [
        ("A long text that shares all of its letters with what is asked", "1"),
        ("The weather in Oslo?", "2"),
    ]
    (tmp_path / "chat.yaml").write_text(cassette(asked[first], asked[1 - first]))
    options = modes.ServerOptions(Settings(), parse_pace("instant", None))
    server = modes.create_serve_server([tmp_path], options, Log(lambda line: None))
    client: TestClient[Any, Any] = await aiohttp_client(RawTestServer(server.app.handle))

    await client.post("/runs/wait", json=run("What is the weather in Lima?"))
    async with client.get("/__mockserver__/journal") as response:
        [call] = (await response.json())["requests"]

    assert call["miss"]["nearest"][0]["exchange"] == f"chat.yaml#{2 - first}"
