"""Replay over real sockets: what a client of `mockserver replay` sees."""

import json
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError

from tests.replaying import RUN, Start, cassette


async def test_identical_requests_play_in_order_and_the_last_repeats(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), ("ho", "other"), ("hi", "two")))

    assert [(await server.ask())["answer"] for _ in range(4)] == ["one", "two", "two", "two"]


async def test_repeat_cycle_begins_again(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), ("hi", "two"), header="repeat: cycle\n"))

    assert [(await server.ask())["answer"] for _ in range(4)] == ["one", "two", "one", "two"]


async def test_repeat_error_is_an_explained_miss(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), repeat="repeat: error\n"))
    await server.ask()

    answer = await server.ask()

    assert (
        answer["miss"]["reason"]
        == "all 1 of 1 matching exchanges were already played, and `repeat: error` is set"
    )
    assert answer["miss"]["nearest"][0] == {
        "exchange": "chat.yaml#1",
        "request": "POST /runs/wait",
        "played": 1,
        "differs": [],
    }


async def test_files_are_one_library_in_path_order(start: Start) -> None:
    server = await start(b=cassette(("hi", "from b")), a=cassette(("hi", "from a")))

    assert [(await server.ask())["answer"] for _ in range(3)] == ["from a", "from b", "from b"]


async def test_a_header_chooses_one_cassette(start: Start) -> None:
    server = await start(b=cassette(("hi", "from b")), a=cassette(("hi", "from a")))

    assert (await server.ask(x_mockserver_cassette="b"))["answer"] == "from b"
    assert (await server.ask(x_mockserver_cassette="b.yaml"))["answer"] == "from b"
    assert (await server.ask())["answer"] == "from a"


@pytest.mark.parametrize("name", ["c", "../a", "/etc/passwd", ""])
async def test_a_cassette_that_is_not_there_is_a_miss(start: Start, name: str) -> None:
    server = await start(a=cassette(("hi", "from a")))

    answer = await server.ask(x_mockserver_cassette=name)

    assert answer["miss"]["reason"] == f"there is no cassette {name!r}"
    assert answer["miss"]["cassettes"] == ["a.yaml"]


async def test_sessions_have_their_own_counters(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), ("hi", "two")))

    assert (await server.ask(x_mockserver_session="a"))["answer"] == "one"
    assert (await server.ask(x_mockserver_session="b"))["answer"] == "one"
    assert (await server.ask(path="/__mockserver__/session/a/runs/wait"))["answer"] == "two"
    assert (await server.ask())["answer"] == "one"


async def test_a_session_without_a_name_is_refused(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))

    assert await server.ask(x_mockserver_session="x" * 201) == {
        "detail": "x-mockserver-session must be a name of 1 to 200 characters"
    }


async def test_reset_begins_a_session_anew(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), ("hi", "two")))
    for session in ("a", "b"):
        await server.ask(x_mockserver_session=session)

    async with server.client.post("/__mockserver__/reset?session=a") as response:
        assert response.status == 200
    assert (await server.ask(x_mockserver_session="a"))["answer"] == "one"
    assert (await server.ask(x_mockserver_session="b"))["answer"] == "two"
    async with server.client.post("/__mockserver__/reset"):
        pass
    assert (await server.ask(x_mockserver_session="b"))["answer"] == "one"


async def test_a_miss_is_a_404_that_explains_itself(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))

    async with server.client.post("/runs/wait", json={**RUN, "stream_mode": "updates"}) as response:
        answer = await response.json()

    assert response.status == 404
    assert response.headers["x-mockserver-source"] == "miss"
    assert answer["miss"]["nearest"][0]["differs"] == [
        {
            "path": "body.stream_mode",
            "recorded": ["values"],
            "default": "recorded",
            "got": ["updates"],
        }
    ]
    assert server.lines == [f"miss: {answer['detail']}"]
    assert server.log.misses == 1
    assert server.replay.unplayed == ["chat.yaml#1"]


async def test_a_miss_in_one_cassette_does_not_look_into_the_others(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")), more=cassette(("ho", "two")))
    answer = await server.ask("hi", x_mockserver_cassette="more")

    assert answer["miss"]["reason"] == "no exchange matches"
    assert [near["exchange"] for near in answer["miss"]["nearest"]] == ["more.yaml#1"]


async def test_a_miss_in_a_session_shows_what_was_played_in_it(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), header="repeat: error\n"))
    await server.ask("hi", x_mockserver_session="a")
    answer = await server.ask("hi", x_mockserver_session="a")

    assert answer["miss"]["nearest"][0]["played"] == 1


@pytest.mark.parametrize("headers", [{}, {"x-mockserver-cassette": "nowhere"}])
async def test_a_miss_does_not_tell_secrets(start: Start, headers: dict[str, str]) -> None:
    server = await start(chat=cassette(("hi", "one")))

    async with server.client.get("/x?api_key=hunter2x", headers=headers) as response:
        text = await response.text()

    assert response.status == 404
    assert "api_key=REDACTED" in text
    assert "hunter2x" not in text + "".join(server.lines)


async def test_a_stream_of_one_write_keeps_the_pause_before_its_end(start: Start) -> None:
    """Its end comes later than its only event, so it cannot have a content-length."""
    text = CUT.replace("  tail: 'data: tw'\n", "").replace(
        "after: 0, how: cut", "after: 0.01, how: closed"
    )
    server = await start("recorded", one=text)

    async with server.client.post("/runs/stream") as response:
        assert await response.read() == b"data: one\r\n\r\n"
        assert "content-length" not in response.headers


async def test_a_body_that_cannot_be_decoded_is_refused(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))

    async with server.client.post(
        "/x",
        data=b"no gzip",
        headers={"content-encoding": "gzip"},
        skip_auto_headers=["content-encoding"],
    ) as response:
        assert response.status == 400


async def test_nothing_recorded_is_a_miss_too(start: Start) -> None:
    server = await start()

    assert (await server.ask())["detail"] == "POST /runs/wait: no exchanges are loaded"


async def test_the_ignore_line_of_a_miss_makes_it_match(start: Start, tmp_path: Path) -> None:
    server = await start(chat=cassette(("hi", "one")))
    ignored = (await server.ask("ho"))["miss"]["nearest"][0]["ignore"]

    (tmp_path / "chat.yaml").write_text(
        cassette(("hi", "one"), header=f"ignore: {json.dumps(ignored)}\n")
    )

    assert (await server.ask("ho"))["answer"] == "one"
    assert server.lines[-1] == "chat.yaml: reloaded, 1 exchange"


async def test_the_projects_settings_hold(start: Start) -> None:
    server = await start(
        mockserver="ignore: ['body.input.messages[0].content']\nrepeat: error\n",
        chat=cassette(("hi", "one")),
    )

    assert (await server.ask("anything"))["answer"] == "one"
    assert "repeat: error" in (await server.ask("more"))["detail"]


async def test_an_answer_that_cannot_be_read_is_a_500_and_counts_for_nothing(
    start: Start, tmp_path: Path
) -> None:
    broken = cassette(("hi", "one")).replace("body: {answer: one}", "status: many")
    server = await start(chat=broken)

    assert await server.ask() == {
        "detail": 'chat.yaml, line 7: status must be a whole number, not "many"'
    }
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one"), ("hi", "two")))
    assert (await server.ask())["answer"] == "one"


async def test_ok_is_always_ours(start: Start) -> None:
    server = await start()

    async with server.client.get("/ok") as response:
        assert await response.text() == '{"ok":true,"services":{}}'
    assert server.log.summary() == "no responses"


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/.well-known/appspecific/x.json"])
async def test_what_browsers_ask_by_themselves_is_no_miss(start: Start, path: str) -> None:
    server = await start(chat=cassette(("hi", "one")))

    async with server.client.get(path) as response:
        assert (response.status, await response.json()) == (404, {"detail": "Not Found"})
    assert server.log.misses == 0
    assert server.lines == []


async def test_preflight_is_ours(start: Start) -> None:
    server = await start()
    preflight = {
        "Origin": "http://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-api-key",
    }

    async with server.client.options("/runs/stream", headers=preflight) as response:
        assert (response.status, await response.text()) == (200, "OK")
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-allow-headers"] == "content-type, x-api-key"
        assert "POST" in response.headers["access-control-allow-methods"]


async def test_cors_is_on_misses_too(start: Start) -> None:
    server = await start()

    async with server.client.post("/runs/wait", json={}) as response:
        assert response.headers["access-control-allow-origin"] == "*"
        assert "content-location" in response.headers["access-control-expose-headers"]


CUT = """\
mockserver: 1
---
request: {path: /runs/stream}
response:
  status: 299
  reason: Odd
  headers: {content-type: text/event-stream, x-two: [a, b]}
  events:
  - data: one
  tail: 'data: tw'
  end: {after: 0, how: cut}
"""


@pytest.mark.parametrize("speed", ["instant", "recorded"])
async def test_a_recorded_break_breaks_again(start: Start, speed: str) -> None:
    server = await start(speed, cut=CUT)

    async with server.client.post("/runs/stream") as response:
        seen = b""
        with pytest.raises(ClientPayloadError):
            async for chunk in response.content.iter_any():
                seen += chunk

    assert seen == b"data: one\r\n\r\ndata: tw"
    assert (response.status, response.reason) == (299, "Odd")
    assert response.headers.getall("x-two") == ["a", "b"]


async def test_nothing_is_added_to_the_recorded_headers(start: Start) -> None:
    server = await start(
        cut="mockserver: 1\n---\nrequest: {path: /x}\nresponse:\n  headers: {}\n  text: hi\n  end: {}\n"
    )

    async with server.client.post("/x") as response:
        assert await response.text() == "hi"
        assert sorted(name.lower() for name in response.headers) == [
            "access-control-allow-origin",
            "access-control-expose-headers",
            "content-length",
            "vary",
            "x-mockserver-exchange",
            "x-mockserver-source",
        ]


async def test_a_secret_in_the_request_matches_its_redacted_form(start: Start) -> None:
    text = cassette(("'my key is REDACTED'", "one"))
    server = await start(chat=text)

    assert (await server.ask("my key is sk-abcdefgh12345"))["answer"] == "one"
    assert (await server.ask("my key is hunter2x", x_api_key="hunter2x"))["answer"] == "one"


async def test_a_cassette_that_was_written_by_hand_with_a_key_matches_that_key(
    start: Start,
) -> None:
    server = await start(chat=cassette(("'my key is sk-abcdefgh12345'", "one")))

    assert (await server.ask("my key is sk-abcdefgh12345"))["answer"] == "one"
    miss = await server.ask("his key is sk-abcdefgh12345")

    assert '"my key is REDACTED"' in miss["detail"]
    assert "sk-abcdefgh" not in str(miss) + "".join(server.lines)


@pytest.mark.parametrize("key", ["langgraph", "messages", "chat-agent"])
async def test_a_key_that_is_an_ordinary_word_changes_no_match(start: Start, key: str) -> None:
    server = await start(chat=cassette((f"ask the {key}", "one")))

    assert (await server.ask(f"ask the {key}", x_api_key=key))["answer"] == "one"


@pytest.mark.parametrize("prefix", ["", "/api/langgraph"])
@pytest.mark.parametrize("slashes", ["/", "//"])
async def test_another_client_matches_below_the_recorded_prefix(
    start: Start, prefix: str, slashes: str
) -> None:
    recorded = cassette(("hi", "one")).replace("path: ", f"path: {prefix}")
    server = await start(chat=recorded)
    body = {
        "assistant_id": "fe096781-5601-53d2-b2f6-0d3403f7e9ca",
        "input": {"messages": [{"type": "human", "content": "hi", "id": "made-up"}]},
        "stream_mode": ["values"],
        "config": {},
    }

    url = f"{server.client.make_url('')}".rstrip("/") + f"{prefix}{slashes}runs/wait"
    async with server.client.session.post(url, json=body) as response:
        assert await response.json() == {"answer": "one"}


async def test_a_miss_below_another_prefix_names_the_recorded_one(start: Start) -> None:
    recorded = cassette(("hi", "one")).replace("path: ", "path: /api/langgraph")
    server = await start(chat=recorded)

    answer = await server.ask(path="/runs/wait")

    assert answer["miss"]["nearest"][0]["prefix"] == {"recorded": "/api/langgraph", "got": ""}
    assert "assistant_id" not in answer["detail"]
