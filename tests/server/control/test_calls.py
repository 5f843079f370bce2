"""What the control API shows of the journal: parts of it, and one call with its response."""

from typing import Any

import pytest
from aiohttp import ClientPayloadError

from tests.replaying import Start, cassette
from tests.server.control.reading import read

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
