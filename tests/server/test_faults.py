"""Faults on demand: what clients get, and what changes for later requests."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver import MockServer
from mockserver.errors import UsageError
from mockserver.http.fault import Cut
from mockserver.http.messages import Request
from mockserver.server.faults import ArmedFault
from tests.replaying import RUN, Server, Start, cassette

TWO = cassette(("hi", "one"), ("hi", "two"))
STREAM = """\
mockserver: 1
---
request:
  path: /runs/stream
  body: {assistant_id: agent, input: {messages: [{role: human, content: hi}]}}
response:
  headers:
    location: /runs/1/stream
    content-type: text/event-stream
  events:
  - {event: metadata, data: '{"run_id":"1"}'}
  - {event: values, data: '{"a":1}'}
  - {event: values, data: '{"a":2}'}
  - {event: values, data: '{"a":3}'}
"""
TURNS = """\
mockserver: 1
---
request: {path: /threads, body: {}}
response: {body: {thread_id: 00000000-0000-4000-8000-000000000001}}
"""
for number in (1, 2):
    TURNS += f"""\
---
request:
  path: /threads/00000000-0000-4000-8000-000000000001/runs/stream
  body: {{assistant_id: agent, input: {{messages: [{{role: human, content: go on}}]}}}}
response:
  headers:
    location: /threads/00000000-0000-4000-8000-000000000001/runs/00000000-0000-4000-8000-00000000010{number}/stream
    content-location: /threads/00000000-0000-4000-8000-000000000001/runs/00000000-0000-4000-8000-00000000010{number}
    content-type: text/event-stream
  events:
  - {{event: metadata, data: '{{"run_id":"00000000-0000-4000-8000-00000000010{number}"}}'}}
  - {{event: values, data: '{{"turn":{number}}}'}}
"""


async def control(
    server: Server, method: str, path: str, value: Any = None, **headers: str
) -> tuple[int, Any]:
    """Return the status and the value that the control API answers."""
    url = f"/__mockserver__/{path}"
    async with server.client.request(method, url, json=value, headers=headers) as response:
        return response.status, await response.json()


async def arm(server: Server, fault: dict[str, Any], path: str = "faults", **fields: Any) -> Any:
    status, value = await control(server, "POST", path, {"fault": fault, **fields})
    assert status == 200
    return value


async def post(
    server: Server, path: str, text: str = "hi", **headers: str
) -> tuple[int, str | None, bytes, bool]:
    """Return the status, the source, the bytes of the body, and whether it was cut."""
    body = {**RUN, "input": {"messages": [{"role": "human", "content": text}]}}
    async with server.client.post(path, json=body, headers=headers) as response:
        source, received = response.headers.get("x-mockserver-source"), b""
        try:
            async for chunk in response.content.iter_any():
                received += chunk
        except aiohttp.ClientPayloadError:
            return response.status, source, received, True
        return response.status, source, received, False


async def journal(server: Server) -> list[Any]:
    _, value = await control(server, "GET", "journal")
    requests: list[Any] = value["requests"]
    return requests


@pytest.fixture
async def server(start: Start) -> AsyncIterator[Server]:
    yield await start(chat=TWO, stream=STREAM, turns=TURNS)


async def test_a_header_asks_for_a_status_and_changes_nothing(server: Server) -> None:
    fault = {"status": 429, "headers": {"retry-after": "7"}, "body": {"detail": "slow down"}}
    headers = {"x-mockserver-fault": json.dumps(fault)}
    async with server.client.post("/runs/wait", json=RUN, headers=headers) as response:
        got = response.status, response.headers["retry-after"], await response.json()
    unplayed = server.replay.unplayed

    assert got == (429, "7", {"detail": "slow down"})
    assert "chat.yaml#1" in unplayed
    assert await server.ask() == {"answer": "one"}
    assert server.log.summary() == "responses: 1 from cassettes, 1 from faults"
    assert (server.log.misses, server.log.errors, server.lines) == (0, 0, [])
    first, second = await journal(server)
    assert (first["source"], first["fault"], first["exchange"]) == ("fault", fault, None)
    assert "fault" not in second


async def test_a_page_may_send_the_header(server: Server) -> None:
    headers = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-mockserver-fault",
    }
    async with server.client.options("/runs/wait", headers=headers) as response:
        allowed = response.headers["access-control-allow-headers"]

    assert allowed == "x-mockserver-fault"


async def test_a_malformed_fault_is_explained(server: Server) -> None:
    status, source, body, _ = await post(
        server, "/runs/wait", **{"x-mockserver-fault": '{"cut": -1}'}
    )

    assert (status, source) == (400, "error")
    assert json.loads(body) == {"detail": "`cut` must be a whole number of at least 0, not -1"}
    assert await server.ask() == {"answer": "one"}


async def test_a_cut_stream_ends_after_its_events_and_is_played_again(server: Server) -> None:
    cut = await post(server, "/runs/stream", **{"x-mockserver-fault": '{"cut": 2}'})
    whole = await post(server, "/runs/stream")

    assert cut[0:2] == (200, "fault")
    assert cut[3]
    assert cut[2].count(b"data: ") == 2
    assert whole[1] == "cassette"
    assert whole[2].startswith(cut[2])
    assert not whole[3]
    first, _ = await journal(server)
    assert (first["source"], first["fault"], first["exchange"]) == (
        "fault",
        {"cut": 2},
        "stream.yaml#1",
    )


async def test_a_cut_body_breaks_in_its_middle_and_is_played_again(server: Server) -> None:
    cut = await post(server, "/runs/wait", **{"x-mockserver-fault": '{"cut": 3}'})

    assert cut == (200, "fault", b'{"answer', True)
    assert await server.ask() == {"answer": "one"}
    assert await server.ask() == {"answer": "two"}


async def test_a_cut_turn_is_played_again_although_the_next_one_is_the_same(server: Server) -> None:
    async with server.client.post("/threads", json={}) as response:
        thread = (await response.json())["thread_id"]
    path = f"/threads/{thread}/runs/stream"
    cuts = [
        await post(server, path, "go on", **{"x-mockserver-fault": '{"cut": 1}'}) for _ in range(2)
    ]
    first, second = [await post(server, path, "go on") for _ in range(2)]

    assert [(cut[2].count(b"data: "), cut[3]) for cut in cuts] == [(1, True)] * 2
    assert b'{"turn":1}' in first[2]
    assert b'{"turn":2}' in second[2]
    assert [call["exchange"] for call in (await journal(server))[1:]] == [
        "turns.yaml#2",
        "turns.yaml#2",
        "turns.yaml#2",
        "turns.yaml#3",
    ]


@pytest.mark.parametrize("edited_text", [None, "get"])
async def test_a_cut_turn_that_an_edit_has_removed_is_not_played(
    edited_text: str | None, start: Start
) -> None:
    creation, first, second = TURNS.removeprefix("mockserver: 1\n---\n").split("---\n")
    edited = (
        [creation, first, second.replace("go on", edited_text)]
        if edited_text
        else [creation, first]
    )

    def dump(documents: list[str]) -> str:
        return "mockserver: 1\n" + "".join(f"---\n{document}" for document in documents)

    server = await start(turns=dump([creation, first, second.replace("go on", "stop")]))
    async with server.client.post("/threads", json={}) as response:
        path = f"/threads/{(await response.json())['thread_id']}/runs/stream"
    await post(server, path, "go on")
    cut = await post(server, path, "stop", **{"x-mockserver-fault": '{"cut": 1}'})
    write = Path(server.replay.library.get_path("turns.yaml")).write_text
    await asyncio.to_thread(write, dump(edited))
    status, source, *_ = await post(server, path, "stop")

    assert cut[3]
    assert (status, source) == (404, "miss")


async def test_a_cut_turn_need_not_be_asked_for_again(server: Server) -> None:
    async with server.client.post("/threads", json={}) as response:
        thread = (await response.json())["thread_id"]
    path = f"/threads/{thread}/runs/stream"
    cut = await post(server, path, "go on", **{"x-mockserver-fault": '{"cut": 1}'})
    async with server.client.get(
        f"{path.removesuffix('/stream')}/00000000-0000-4000-8000-000000000101/stream"
    ) as joined:
        source = joined.headers["x-mockserver-source"]

    assert cut[3]
    assert (joined.status, source) == (200, "cassette")


async def test_a_cut_creation_does_not_use_up_its_thread(start: Start) -> None:
    server = await start(one=TURNS, two=TURNS.replace("-4000-8000-", "-4000-9000-"))
    async with server.client.post(
        "/threads", json={}, headers={"x-mockserver-fault": '{"cut": 1}'}
    ) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    for _ in range(2):
        async with server.client.post("/threads", json={}):
            pass

    assert [call["exchange"] for call in await journal(server)] == [
        "one.yaml#1",
        "one.yaml#1",
        "two.yaml#1",
    ]


async def test_a_client_that_reconnects_after_a_cut_misses_nothing(server: Server) -> None:
    await post(server, "/runs/stream", **{"x-mockserver-fault": '{"cut": 2}'})
    async with server.client.get("/runs/1/stream") as response:
        joined = response.status, response.headers["x-mockserver-source"], await response.json()
    async with server.client.get("/runs/2/stream") as response:
        missed = response.headers["x-mockserver-source"]

    assert joined == (404, "fault", {"detail": "Not Found"})
    assert missed == "miss"


async def test_a_miss_stays_a_miss(server: Server) -> None:
    status, source, _, _ = await post(
        server, "/runs/wait", "ho", **{"x-mockserver-fault": '{"cut": 2}'}
    )

    assert (status, source, server.log.misses) == (404, "miss", 1)


async def test_a_body_is_sent_in_small_chunks(server: Server) -> None:
    headers = {"x-mockserver-fault": '{"split": 7}'}
    async with server.client.post("/runs/stream", json=RUN, headers=headers) as response:
        sizes = {len(chunk) async for chunk, ends in response.content.iter_chunks() if ends}

    assert 7 in sizes
    assert max(sizes) == 7


async def test_garbage_comes_as_an_event(server: Server) -> None:
    got = await post(server, "/runs/stream", **{"x-mockserver-fault": '{"garbage": 1}'})

    assert got[2].split(b"\r\n\r\n")[1] == b'event: values\r\ndata: {"garbage": tru'
    assert not got[3]


async def test_an_armed_fault_is_for_the_next_requests_that_fit(server: Server) -> None:
    armed = await arm(server, {"status": 503}, path="faults", times=2)
    listed = await control(server, "GET", "faults")
    async with server.client.get("/ok") as response:
        health = response.status
    statuses = [(await post(server, "/runs/wait"))[0] for _ in range(3)]

    assert armed == {"ok": True, "fault": {"status": 503}, "session": "", "times": 2}
    assert listed == (200, {"faults": [{"fault": {"status": 503}, "session": "", "times": 2}]})
    assert (health, statuses) == (200, [503, 503, 200])
    assert await control(server, "GET", "faults") == (200, {"faults": []})


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/", "/", True),
        ("/", "/runs/wait", False),
        ("/runs/wait", "/runs/wait", True),
        ("/runs/wait", "/runs/wait/?x=1", True),
        ("/runs/wait", "/threads/1/runs/wait", True),
        ("/runs/wait", "/runs/stream", False),
        ("/runs/wait", "/other-runs/wait", False),
        ("/wait", "/runs/wait", True),
        ("/threads/*/runs/wait", "/threads/1/runs/wait", True),
        ("/threads/*/runs/wait", "/runs/wait", False),
        ("/threads/*", "/threads/1/state", False),
        ("/ok", "/ok", True),
        (None, "/ok", False),
        (None, "/info", True),
    ],
)
def test_a_path_is_the_end_of_a_path(pattern: str | None, path: str, fits: bool) -> None:
    armed = ArmedFault(Cut(1), "*", pattern)

    assert armed.matches(Request("GET", path), "a") == fits


async def test_a_fault_is_for_its_session(server: Server) -> None:
    await arm(server, {"status": 500}, "session/a/__mockserver__/faults")
    await control(
        server, "POST", "faults", {"fault": {"status": 501}}, **{"x-mockserver-session": "b"}
    )
    await arm(server, {"status": 502}, session="c")
    await arm(server, {"status": 503}, session="*")
    statuses = [
        (await post(server, "/runs/wait", **{"x-mockserver-session": name}))[0]
        for name in ("c", "b", "a", "d", "a", "b")
    ]

    assert statuses == [502, 501, 500, 503, 200, 200]


@pytest.mark.parametrize(
    ("method", "path", "left"),
    [
        ("DELETE", "faults", []),
        ("DELETE", "faults?session=a", ["b"]),
        ("POST", "reset", []),
        ("POST", "reset?session=b", ["a"]),
    ],
)
async def test_faults_are_cleared(server: Server, method: str, path: str, left: list[str]) -> None:
    for name in ("a", "b"):
        await arm(server, {"status": 500}, session=name)

    assert await control(server, method, path) == (200, {"ok": True})
    _, listed = await control(server, "GET", "faults")
    assert [one["session"] for one in listed["faults"]] == left


async def test_a_reset_forgets_the_cuts(server: Server) -> None:
    await post(server, "/runs/stream", **{"x-mockserver-fault": '{"cut": 2}'})
    await control(server, "POST", "reset")
    async with server.client.get("/runs/1/stream") as response:
        assert response.headers["x-mockserver-source"] == "miss"


async def test_a_fault_is_for_an_exchange(server: Server) -> None:
    await arm(server, {"status": 500}, exchange="chat.yaml#2")
    answers = [(await post(server, "/runs/wait"))[0] for _ in range(3)]

    assert answers == [200, 500, 200]
    assert server.replay.sessions.count_plays() == {"chat.yaml#1": 1, "chat.yaml#2": 1}


async def test_a_rate_gives_the_same_requests_a_fault_each_time(server: Server) -> None:
    async def statuses() -> list[int]:
        await control(server, "DELETE", "faults")
        await arm(server, {"status": 500}, rate=0.5, seed=3, times=None)
        return [(await post(server, "/runs/wait"))[0] for _ in range(12)]

    first, second = await statuses(), await statuses()

    assert first == second
    assert set(first) == {200, 500}
    _, listed = await control(server, "GET", "faults")
    assert listed["faults"] == [
        {"fault": {"status": 500}, "session": "", "times": None, "rate": 0.5, "seed": 3}
    ]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"x", 'the body is not JSON (Expecting value: line 1 column 1 (char 0)): write one such as {"fault": {"status": 429}, "path": "/runs/wait", "times": 2}'),
        (b'{"status":429}', 'there is no `fault`: write one such as {"fault": {"status": 429}, "path": "/runs/wait", "times": 2}'),
        (b'{"fault":{"cut":"x"}}', '`cut` must be a whole number of at least 0, not "x"'),
        (b'{"fault":{"cut":1},"pth":"/a"}', "this object has no key `pth`: did you mean `path`?"),
        (b'{"fault":{"cut":1},"path":"a"}', '`path` must be a path such as /runs/wait, not "a"'),
        (b'{"fault":{"cut":1},"path":1}', "`path` must be a text, not 1"),
        (b'{"fault":{"cut":1},"times":0}', "`times` must be a whole number of at least 1, not 0"),
        (b'{"fault":{"cut":1},"rate":2}', "`rate` must be a number from 0 to 1, not 2"),
        (b'{"fault":{"cut":1},"seed":"a"}', '`seed` must be a whole number of at least 0, not "a"'),
        (b'{"fault":{"cut":1},"exchange":"chat.yaml#9"}', "unknown exchange 'chat.yaml#9': write one such as chat.yaml#3"),
    ],
)  # fmt: skip
async def test_what_cannot_be_armed_is_explained(server: Server, body: bytes, detail: str) -> None:
    async with server.client.post("/__mockserver__/faults", data=body) as response:
        assert (response.status, await response.json()) == (400, {"detail": detail})


async def test_the_recorder_refuses_faults(tmp_path: Path) -> None:
    refused = {"detail": "faults are for `serve` and `replay`: while recording, a fault would be in the cassette"}  # fmt: skip
    problems: list[str] = []
    async with (
        MockServer(fallback="fake") as upstream,
        MockServer(
            tmp_path / "a.yaml",
            upstream=upstream.url,
            on_problem=lambda call: problems.append(str(call)),
        ) as server,
        aiohttp.ClientSession() as client,
    ):
        headers = {"x-mockserver-fault": '{"cut": 3}'}
        socket = {**headers, "Connection": "upgrade", "Upgrade": "websocket"}
        events = "/threads/00000000-0000-4000-8000-000000000001/stream/events"
        for path, sent in (("/info", headers), (events, socket)):
            async with client.get(server.url + path, headers=sent) as response:
                assert (response.status, await response.json()) == (400, refused)
        async with client.post(
            f"{server.url}/__mockserver__/faults", json={"fault": {"cut": 1}}
        ) as response:
            assert (response.status, await response.json()) == (400, refused)
        async with client.get(f"{server.url}/__mockserver__/faults") as response:
            assert await response.json() == {"faults": []}
        async with client.delete(f"{server.url}/__mockserver__/faults") as response:
            assert await response.json() == {"ok": True}
        with pytest.raises(UsageError, match="while recording"):
            server.fault({"cut": 3})
        assert upstream.calls == []
    assert len(problems) == 2
    assert server.recorded == 0


async def test_a_program_arms_faults() -> None:
    async with MockServer(fallback="fake") as server, aiohttp.ClientSession() as client:
        server.fault({"status": 429}, path="/info", times=2)
        statuses = []
        for _ in range(3):
            async with client.get(f"{server.url}/info") as response:
                statuses.append(response.status)
        with pytest.raises(UsageError, match="`cut` must be a whole number"):
            server.fault({"cut": "x"})
        calls = server.calls

    assert statuses == [429, 429, 200]
    assert [(call.source, call.fault) for call in calls] == [
        ("fault", {"status": 429}),
        ("fault", {"status": 429}),
        ("fake", None),
    ]
    with pytest.raises(UsageError, match="not running"):
        server.fault({"cut": 3})


async def test_the_fake_graph_plays_a_cut_turn_again() -> None:
    async with MockServer(fallback="fake") as server, aiohttp.ClientSession() as client:

        async def ask() -> bytes:
            received = b""
            async with client.post(f"{server.url}/runs/stream", json=RUN) as response:
                try:
                    async for chunk in response.content.iter_any():
                        received += chunk
                except aiohttp.ClientPayloadError:
                    return received
            return received

        server.fault({"cut": 1}, path="/runs/stream")
        cut, whole = await ask(), await ask()

    assert cut.count(b"event: ") == 1
    assert whole.count(b"event: ") > 1


@pytest.mark.parametrize(
    ("fault", "frames", "ends"),
    [({"cut": 3}, 3, "closed"), ({"garbage": 1}, 1, "garbage"), ({"status": 503}, 0, "4503")],
)
async def test_a_socket_has_the_faults_of_the_requests_that_it_means(
    fault: dict[str, Any], frames: int, ends: str
) -> None:
    thread = "/threads/00000000-0000-4000-8000-000000000001"
    start = {"assistant_id": "agent", "input": RUN["input"]}
    subscribe = {"channels": ["lifecycle", "messages", "values"]}
    async with MockServer(fallback="fake") as server, aiohttp.ClientSession(server.url) as client:
        server.fault(fault, path="/stream/events")
        body = {"id": 1, "method": "run.start", "params": start}
        async with client.post(f"{thread}/commands", json=body) as response:
            assert response.status == 200
        async with client.ws_connect(f"{thread}/stream/events") as socket:
            await socket.send_json({"id": 2, "method": "subscription.subscribe", "params": subscribe})  # fmt: skip
            events: list[str] = []
            end = ""
            async for message in socket:
                if "garbage" in message.data:
                    end = "garbage"
                    break
                if json.loads(message.data)["type"] == "event":
                    events.append(message.data)
            if not end:
                end = "closed" if socket.close_code == 1006 else str(socket.close_code)

    assert (len(events), end) == (frames, ends)
