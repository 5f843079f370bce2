"""What the control API shows of the journal: parts of it, and one call with its response."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp import ClientPayloadError
from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.http.messages import Reply, Request, StreamingBody
from mockserver.redaction.redactor import RedactionRules, parse_rules
from mockserver.server import journal
from mockserver.server.app import App
from mockserver.server.control.api import ControlApi
from mockserver.server.log import Log
from tests.replaying import Start, cassette
from tests.server.control.reading import read, read_control

STREAM = """\
mockserver: 1
---
request:
  path: /runs/stream
  body: {assistant_id: agent}
response:
  headers: {content-type: text/event-stream}
  events:
  - after: 0.01
    comment: heartbeat
  - event: values
    data: '{"answer": "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"}'
    id: '7'
  - after: 0.01
    data: no JSON
  end: {after: 0.0, how: cut}
"""


async def test_the_journal_is_read_in_parts(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    for number in range(5):
        await server.ask(f"number {number}")

    def numbers(reply: Any) -> list[int]:
        return [one["number"] for one in reply["requests"]]

    latest = await read(server, "journal?limit=2")
    assert (numbers(latest), latest["total"]) == ([4, 5], 5)
    assert numbers(await read(server, "journal?limit=2&before=4")) == [2, 3]
    assert numbers(await read(server, "journal?before=2")) == [1]
    assert numbers(await read(server, "journal?limit=9&before=1")) == []


async def test_a_part_that_is_no_number_is_refused(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))

    for text in ("x", "0", "-1", "", "٣"):
        reply = await read(server, f"journal?limit={text}", 400)
        assert reply == {"detail": f"limit={text}: write a number from 1"}
    assert await read(server, "journal/7", 404) == {"detail": "no request 7 in the journal"}
    assert await read(server, "journal/x", 400) == {"detail": "number=x: write a number from 1"}


async def test_a_call_has_its_response_as_it_was_sent(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    await server.ask()

    call = await read(server, "journal/1")

    assert call["response"]["status"] == 200
    assert call["response"]["body"] == {"answer": "one"}
    assert ["x-mockserver-exchange", "chat.yaml#1"] in call["response"]["headers"]
    assert ["content-type", "application/json"] in call["headers"]
    assert call["seconds"] >= 0


async def test_a_stream_has_its_events_with_their_times(start: Start) -> None:
    server = await start(chat=STREAM, speed="recorded")
    async with server.client.post("/runs/stream", json={"assistant_id": "agent"}) as response:
        with pytest.raises(ClientPayloadError):
            await response.read()

    shown: Any = {}
    while "seconds" not in shown:
        shown = (await read(server, "journal/1"))["response"]

    assert shown["events"] == [
        {"at": 0.01, "event": "", "text": "heartbeat"},
        {"at": 0.01, "event": "values", "data": {"answer": "REDACTED"}, "id": "7"},
        {"at": 0.02, "event": "message", "text": "no JSON"},
    ]
    assert shown["end"] == "cut"


async def test_a_stream_is_shown_while_it_is_sent(aiohttp_client: AiohttpClient) -> None:
    going_on = asyncio.Event()

    async def stream() -> AsyncGenerator[bytes, None]:
        yield b"event: values\ndata: 1\n\nevent: val"
        await going_on.wait()
        yield b"ues\ndata: 2\n\n"

    client = await serve(aiohttp_client, StreamingBody(stream()))
    async with client.get("/stream") as response:
        await response.content.readuntil(b"event: val")
        shown = await read_control(client, "journal/1")
        going_on.set()
        await response.read()
    complete = await read_control(client, "journal/1")

    assert "seconds" not in shown
    assert "seconds" not in shown["response"]
    assert [one["event"] for one in shown["response"]["events"]] == ["values", ""]
    assert shown["response"]["events"][1]["text"] == "event: val"
    assert [one["data"] for one in complete["response"]["events"]] == [1, 2]


async def test_a_long_response_is_truncated(
    aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_RESPONSE", 10)
    client = await serve(aiohttp_client, b"x" * 11)
    async with client.get("/long") as response:
        assert len(await response.read()) == 11

    shown = (await read_control(client, "journal/1"))["response"]

    assert (shown["truncated"], "text" in shown) == (True, False)
    assert ["set-cookie", "REDACTED"] in shown["headers"]


async def test_a_response_that_is_not_kept_any_more_is_null(
    aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_RESPONSES", 10)
    client = await serve(aiohttp_client, b"x" * 8)
    for _ in range(2):
        async with client.get("/x") as response:
            assert response.status == 200

    assert (await read_control(client, "journal/1"))["response"] is None
    assert (await read_control(client, "journal/2"))["response"]["text"] == "x" * 8


@pytest.mark.slow
async def test_a_response_that_takes_too_long_to_redact_is_hidden(
    aiohttp_client: AiohttpClient,
) -> None:
    rules = parse_rules(["(a+)+$"], file="mockserver.yaml")
    client = await serve(aiohttp_client, b"a" * 3000 + b"!", rules)
    async with client.get("/slow", headers={"x-note": "hello"}) as response:
        assert response.status == 200

    shown = await read_control(client, "journal/1")

    assert shown["headers"] == []
    assert shown["response"]["text"].startswith("REDACTED: ")
    assert "aaaa" not in str(shown)


async def serve(
    aiohttp_client: AiohttpClient,
    body: bytes | StreamingBody,
    rules: RedactionRules | None = None,
) -> TestClient[Any, Any]:
    """Return a client of a server whose only response has this *body*."""

    class Answer:
        async def respond(self, request: Request) -> Reply:
            kind = "text/event-stream" if isinstance(body, StreamingBody) else "text/plain"
            return Reply(200, (("content-type", kind), ("set-cookie", "a=b")), body)

    log = Log(lambda line: None)
    app = App((Answer(),), log, ControlApi("replay", log.journal, rules=rules or RedactionRules()))
    return await aiohttp_client(RawTestServer(app.handle))


async def test_the_credentials_of_a_call_are_redacted(start: Start) -> None:
    server = await start(
        chat="mockserver: 1\n---\nrequest: {method: GET, path: /echo}\nresponse: {body: {seen: hunter2hunter2}}\n"
    )
    headers = {
        "x-api-key": "hunter2hunter2",
        "authorization": "Bearer x",
        "cookie": "a=b",
        "x-note": "hunter2hunter2!",
    }
    async with server.client.get("/echo", headers=headers) as response:
        assert response.status == 200

    call = await read(server, "journal/1")

    shown = dict(call["headers"])
    assert [shown[name] for name in ("x-api-key", "authorization", "cookie")] == ["REDACTED"] * 3
    assert shown["x-note"] == "REDACTED!"
    assert call["response"]["body"] == {"seen": "REDACTED"}
