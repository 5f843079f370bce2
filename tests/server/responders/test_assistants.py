"""Recorded assistants that clients name in requests to the fake graph."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.formats.server_ids import default_assistant_id
from mockserver.http.pacing import parse_pace
from mockserver.server import modes, settings
from mockserver.server.log import Log

THREAD, OWN, NAMELESS = (f"0b1e5c4e-7f7a-4f0e-8d5c-00000000000{n}" for n in "123")
DEFAULT = default_assistant_id("support")
HI = {"input": {"messages": "hi"}}


def exchange(path: str, body: Any, answer: Any) -> str:
    return f"---\nrequest:\n  method: POST\n  path: {path}\n  body: {json.dumps(body)}\nresponse:\n  body: {json.dumps(answer)}\n"


NO_ASSISTANTS = """\
---
request: {method: GET, path: /assistants/x}
response:
  headers: {content-type: text/plain}
  text: not JSON
---
request: {method: GET, path: /assistants/y}
response:
  events: [{data: "{}"}]
"""
CASSETTE = "mockserver: 1\n" + "".join(
    (
        NO_ASSISTANTS,
        exchange("/assistants/search", {}, [{"assistant_id": DEFAULT, "graph_id": "support", "name": "support"}]),
        exchange("/assistants", {"graph_id": "support"}, {"assistant_id": OWN, "graph_id": "support", "name": "Mine"}),
        exchange("/assistants/count", {}, 2),
        exchange("/threads", {}, {"thread_id": THREAD, "values": None}),
        exchange(
            f"/threads/{THREAD}/runs/wait",
            {"assistant_id": NAMELESS, **HI},
            {"messages": [], "metadata": {"graph_id": "sales"}},
        ),
    )
)  # fmt: skip

Ask = Callable[..., Awaitable[Any]]
Serve = Callable[..., Awaitable[Ask]]


@pytest.fixture
def serve(aiohttp_client: AiohttpClient, tmp_path: Path) -> Serve:
    """Starts `serve` on the cassette; returns what asks it, and returns status and body."""
    (tmp_path / "chat.yaml").write_text(CASSETTE)

    async def serve(*graphs: str) -> Ask:
        options = modes.ServerOptions(settings.load(None), parse_pace("instant", None), True)
        server = modes.create_serve_server([tmp_path], options, Log(lambda _: None), graphs=graphs)
        client: TestClient[Any, Any] = await aiohttp_client(RawTestServer(server.app.handle))

        async def ask(method: str, path: str, body: Any = None) -> Any:
            async with client.request(method, path, json=body) as response:
                text = await response.text()
                return response.status, json.loads(text) if text else None

        return ask

    return serve


@pytest.mark.parametrize("assistant", [DEFAULT, OWN, OWN.upper()])
@pytest.mark.parametrize("path", ["/runs/wait", f"/threads/{THREAD}/runs/wait"])
async def test_the_fake_graph_runs_a_recorded_assistant(
    serve: Serve, path: str, assistant: str
) -> None:
    ask = await serve()
    await ask("POST", "/threads", {})

    status, values = await ask("POST", path, {"assistant_id": assistant, **HI})

    assert status == 200
    assert values["messages"][0]["content"] == "hi"


async def test_the_fake_graph_runs_the_assistant_of_an_earlier_turn(serve: Serve) -> None:
    ask = await serve()
    await ask("POST", "/threads", {})
    path, named = f"/threads/{THREAD}/runs/wait", {"assistant_id": NAMELESS}
    await ask("POST", path, {**named, **HI})

    status, _ = await ask("POST", path, {**named, "input": {"messages": "not recorded"}})

    assert status == 200
    assert (await ask("POST", "/runs/wait", {**named, **HI}))[0] == 200


async def test_a_recorded_assistant_has_its_recorded_form(serve: Serve) -> None:
    ask = await serve()

    status, shown = await ask("GET", f"/assistants/{OWN}")

    assert status == 200
    assert {**shown, "graph_id": "support", "name": "Mine"} == shown


async def test_a_deleted_assistant_stays_deleted(serve: Serve) -> None:
    ask = await serve()

    assert (await ask("DELETE", f"/assistants/{OWN}"))[0] == 204
    assert (await ask("POST", "/runs/wait", {"assistant_id": OWN, **HI}))[0] == 404


@pytest.mark.parametrize(
    ("graphs", "assistant"),
    [
        pytest.param(("chat",), OWN, id="another graph is declared"),
        pytest.param((), THREAD, id="not recorded"),
    ],
)
async def test_other_assistants_are_unknown(
    serve: Serve, graphs: tuple[str, ...], assistant: str
) -> None:
    ask = await serve(*graphs)

    assert (await ask("POST", "/runs/wait", {"assistant_id": assistant, **HI}))[0] == 404
