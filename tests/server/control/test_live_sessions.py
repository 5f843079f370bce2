"""The sessions of a server: their threads, and those of the page, which count nowhere."""

from pathlib import Path
from typing import Any

from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.server import modes
from mockserver.server.log import Log
from tests.replaying import Start, cassette
from tests.server.control.reading import read, read_control

THREAD = "5c9a3d0e-6f0b-4e53-9a57-1d6c0c6f7a21"
CONVERSATION = f"""\
mockserver: 1
---
request: {{path: /threads, body: {{}}}}
response: {{body: {{thread_id: {THREAD}}}}}
---
request:
  path: /threads/{THREAD}/runs/wait
  body: {{assistant_id: agent, input: {{messages: [{{role: human, content: hi}}]}}}}
response: {{body: {{messages: []}}}}
---
request:
  path: /threads/{THREAD}/runs/wait
  body: {{assistant_id: agent, input: {{messages: [{{role: human, content: ho}}]}}}}
response: {{body: {{messages: []}}}}
"""


async def test_a_session_shows_where_its_threads_stand(
    aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    (tmp_path / "chat.yaml").write_text(CONVERSATION)
    server = modes.create_serve_server([tmp_path], modes.ServerOptions(), Log(lambda line: None))
    client: TestClient[Any, Any] = await aiohttp_client(RawTestServer(server.app.handle))
    turn: Any = {
        "assistant_id": "agent",
        "input": {"messages": [{"role": "human", "content": "hi"}]},
    }
    for path, body in (("/threads", {}), (f"/threads/{THREAD}/runs/wait", turn)):
        async with client.post(path, json=body) as response:
            assert response.headers["x-mockserver-source"] == "cassette"
    async with client.post(
        "/__mockserver__/session/t1/threads", json={"thread_id": "a" * 8 + THREAD[8:]}
    ) as response:
        assert response.status == 200

    newest, oldest = (await read_control(client, "sessions"))["sessions"]

    assert oldest == {
        "session": "",
        "requests": 2,
        "threads": [
            {
                "thread": THREAD,
                "source": "cassette",
                "conversation": "chat.yaml thread 1, #1-#3",
                "progress": "1 of 2 turns",
                "next": "chat.yaml#3",
            }
        ],
    }
    assert (newest["session"], newest["requests"]) == ("t1", 1)


async def test_the_requests_of_the_page_count_nowhere(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    await server.ask("hi", x_mockserver_session="page-1a2b")
    await server.ask("a miss", x_mockserver_session="page-1a2b")

    requests = (await read(server, "journal"))["requests"]
    assert [(one["session"], one["source"]) for one in requests] == [
        ("page-1a2b", "cassette"),
        ("page-1a2b", "miss"),
    ]
    assert server.log.summary() == "no responses"
    assert server.lines == []
    assert server.log.misses == 0
    assert server.replay.unplayed == ["chat.yaml#1"]
    async with server.client.get("/__mockserver__/misses") as response:
        assert response.status == 200
    assert (await read(server, "exchanges"))["exchanges"][0]["played"] == 0
    mine = await read(server, "exchanges?session=page-1a2b")
    assert mine["exchanges"][0]["played"] == 1
