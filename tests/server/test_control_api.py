"""What a test asks of mockserver itself."""

from typing import Any

import pytest

from tests.replaying import Server, Start, cassette

TWO = cassette(("hi", "one"), ("ho", "two"))


async def control(server: Server, target: str, method: str = "GET", status: int = 200) -> Any:
    """Return what the control path *target* answers."""
    async with server.client.request(method, f"/__mockserver__/{target}") as response:
        assert response.status == status
        assert "access-control-allow-origin" not in response.headers
        return await response.json()


async def plays(server: Server, query: str = "") -> dict[str, int]:
    """Return how often each exchange was played."""
    reply = await control(server, f"exchanges{query}")
    return {one["exchange"]: one["played"] for one in reply["exchanges"]}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="a test"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="a foreign page"),
        pytest.param({"Host": "evil.example"}, 403, id="a foreign name"),
        pytest.param({"Origin": "http://["}, 403, id="nonsense"),
        pytest.param({"Host": "["}, 403, id="a name that is nonsense"),
        pytest.param(
            {"Host": "localhost:1", "Origin": "http://localhost:1"}, 200, id="an own page"
        ),
        pytest.param({"Host": "[::1]:8123"}, 200, id="IPv6"),
    ],
)
async def test_reset_is_for_this_machine_alone(
    start: Start, headers: dict[str, str], status: int
) -> None:
    server = await start(chat=cassette(("hi", "one")))

    async with server.client.post("/__mockserver__/reset", headers=headers) as response:
        assert response.status == status
        assert "access-control-allow-origin" not in response.headers


async def test_a_server_for_all_takes_a_name_without_a_dot(start: Start) -> None:
    server = await start(loopback=False, chat=cassette(("hi", "one")))

    async with server.client.post(
        "/__mockserver__/reset", headers={"Host": "mock:8123"}
    ) as response:
        assert response.status == 200


async def test_what_is_not_controlled_is_said(start: Start) -> None:
    server = await start(chat=TWO)

    async with server.client.get("/__mockserver__/reset") as response:
        assert (response.status, response.headers["allow"]) == (405, "POST")
    async with server.client.post("/__mockserver__/journal") as response:
        assert (response.status, response.headers["allow"]) == (405, "GET")
    async with server.client.head("/__mockserver__/journal") as response:
        assert response.status == 200
    assert await control(server, "nothing", status=404) == {
        "detail": "unknown path /__mockserver__/nothing; the control API has GET /__mockserver__/health, "
        "GET /__mockserver__/journal, GET /__mockserver__/journal/NUMBER, GET /__mockserver__/exchanges, "
        "GET /__mockserver__/exchanges/FILE/NUMBER, GET /__mockserver__/cassettes, GET /__mockserver__/lint, "
        "GET /__mockserver__/compare, GET /__mockserver__/sessions, GET /__mockserver__/misses, GET /__mockserver__/report, "
        "GET /__mockserver__/faults, POST /__mockserver__/faults, DELETE /__mockserver__/faults, POST /__mockserver__/reset"
    }


@pytest.mark.parametrize(
    ("target", "detail"),
    [
        ("journal?sesion=a", "unknown parameter 'sesion': the parameters are session, source, limit, before"),
        ("journal?source=miss,moon", "source=moon: unknown source; the sources are cassette, fake, upstream, fault, miss, error"),
        ("exchanges?cassette=no", "unknown cassette 'no'"),
        ("health?x=1", "unknown parameter 'x': it takes none"),
        (f"session/{'x' * 201}/__mockserver__/journal", "x-mockserver-session must be a name of 1 to 200 characters"),
    ],
)  # fmt: skip
async def test_a_parameter_that_is_none_is_refused(start: Start, target: str, detail: str) -> None:
    server = await start(chat=TWO)

    assert await control(server, target, status=400) == {"detail": detail}


async def test_health_shows_what_is_served(start: Start) -> None:
    server = await start(chat=TWO, more=cassette(("hi", "one")))
    reply = await control(server, "health")

    assert reply.pop("version")
    assert reply == {"ok": True, "mode": "replay", "cassettes": 2, "exchanges": 3}


async def test_the_journal_lists_requests_and_their_sources(start: Start) -> None:
    server = await start(chat=TWO)
    await server.ask(x_mockserver_session="a")
    await server.ask("hu")

    async def journal(query: str = "") -> Any:
        return (await control(server, f"journal{query}"))["requests"]

    one, two = await journal()
    assert (one["exchange"], one["source"], one["session"]) == ("chat.yaml#1", "cassette", "a")
    assert one["body"]["input"]["messages"] == [{"role": "human", "content": "hi"}]
    assert (two["exchange"], two["source"], two["status"]) == (None, "miss", 404)
    assert two["miss"]["nearest"][0]["exchange"] == "chat.yaml#1"
    assert two["note"].startswith("POST /runs/wait: no exchange matches\n  nearest: chat.yaml#1")
    assert await journal("?session=a") == [one]
    assert await journal("?source=miss") == [two]
    assert await journal("?source=miss,cassette") == [one, two]
    assert await journal("?source=miss&session=a") == []
    await control(server, "reset?session=a", "POST")
    assert await journal() == [two]


async def test_a_session_in_the_url_filters_the_journal(start: Start) -> None:
    server = await start(chat=TWO)
    await server.ask(path="/__mockserver__/session/a%20b/runs/wait")
    await server.ask(x_mockserver_session="a%20b")
    await server.ask()
    mine = "session/a%20b/__mockserver__/"

    reply = (await control(server, f"{mine}journal"))["requests"]
    assert [one["session"] for one in reply] == ["a b", "a b"]
    assert await plays(server, "?session=a%20b") == {"chat.yaml#1": 2, "chat.yaml#2": 0}
    await control(server, f"{mine}reset", "POST")
    assert (await control(server, f"{mine}journal"))["requests"] == []
    assert len((await control(server, "journal"))["requests"]) == 1


async def test_the_journal_shows_no_secrets(start: Start) -> None:
    server = await start(chat=TWO, mockserver="redact:\n- 'tea'\n")
    headers = {"x-api-key": "hunter2hunter2"}
    async with server.client.post(
        "/x?api_key=t0ps3cret", data="hunter2hunter2 and tea", headers=headers
    ):
        pass
    [reply] = (await control(server, "journal"))["requests"]

    assert (reply["path"], reply["text"]) == ("/x?api_key=REDACTED", "REDACTED and REDACTED")


async def test_exchanges_tell_how_often_each_was_played(start: Start) -> None:
    server = await start(chat=TWO, more=cassette(("he", "three")))
    for text, session in (("hi", "a"), ("hi", "a"), ("ho", "b"), ("nobody", "a")):
        await server.ask(text, x_mockserver_session=session)

    assert (await control(server, "exchanges"))["exchanges"][0] == {
        "exchange": "chat.yaml#1",
        "cassette": "chat.yaml",
        "number": 1,
        "method": "POST",
        "path": "/runs/wait",
        "played": 2,
    }
    assert await plays(server) == {"chat.yaml#1": 2, "chat.yaml#2": 1, "more.yaml#1": 0}
    assert await plays(server, "?session=b") == {
        "chat.yaml#1": 0,
        "chat.yaml#2": 1,
        "more.yaml#1": 0,
    }
    assert await plays(server, "?session=nobody&cassette=more") == {"more.yaml#1": 0}
    await control(server, "reset", "POST")
    assert set((await plays(server)).values()) == {0}


async def test_a_cassette_may_stand_in_the_url(start: Start) -> None:
    server = await start(chat=TWO, more=cassette(("hi", "another")))
    both = "/__mockserver__/session/t/__mockserver__/cassette/more/runs/wait"

    assert (await server.ask())["answer"] == "one"
    assert (await server.ask(path="/__mockserver__/cassette/more/runs/wait"))["answer"] == "another"
    assert (await server.ask(path=both))["answer"] == "another"
    reply = (await control(server, "journal?session=t"))["requests"]
    assert [(one["path"], one["exchange"]) for one in reply] == [("/runs/wait", "more.yaml#1")]
    named = await control(server, "cassette/more/__mockserver__/exchanges")
    assert [one["exchange"] for one in named["exchanges"]] == ["more.yaml#1"]


async def test_the_journal_says_what_a_request_asks_for(start: Start) -> None:
    server = await start(chat=TWO)
    thread = "/threads/5c9a3d0e-6f0b-4e53-9a57-1d6c0c6f7a21"
    for path, body in (
        (f"{thread}/commands", {"id": 1, "method": "run.start", "params": {}}),
        (f"{thread}/stream/events", {"channels": ["lifecycle", "input"]}),
        ("/runs/stream", {"stream_mode": ["values", "updates"]}),
        ("/threads/search", {}),
    ):
        async with server.client.post(path, json=body):
            pass
    requests = (await control(server, "journal"))["requests"]

    assert [one.get("asked") for one in requests] == [
        "run.start",
        "lifecycle input",
        "values updates",
        None,
    ]
