"""What the control API shows of the cassettes: parts of the list, one exchange, findings, and comparisons."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.server.app import App
from mockserver.server.control.api import ControlApi
from mockserver.server.log import Log
from tests.replaying import Start, cassette
from tests.server.control.reading import read, read_control
from tests.single_page import read_page_data

HAND_WRITTEN = """\
mockserver: 1
---
# with a comment
request:
  path: /threads/t1/runs/stream
  body: {assistant_id: agent, stream_mode: [values, updates], note: sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789}
response:
  headers: {content-type: text/event-stream}
  events:
  - after: 1.5
    event: values
    data: '{"a": 1}'
  - after: 0.5
    comment: heartbeat
---
request: {method: GET, path: /info}
response: {body: {version: "1"}}
"""


async def test_a_part_of_the_list_says_what_the_exchanges_ask_for(start: Start) -> None:
    server = await start(a=HAND_WRITTEN, b=cassette(("hi", "one"), ("ho", "two")))

    first = await read(server, "exchanges?page=1&per_page=2")
    second = await read(server, "exchanges?page=2&per_page=2")

    assert first == {
        "exchanges": [
            {
                "exchange": "a.yaml#1",
                "cassette": "a.yaml",
                "number": 1,
                "method": "POST",
                "path": "/threads/t1/runs/stream",
                "played": 0,
                "thread": "t1",
                "asked": "values updates",
            },
            {
                "exchange": "a.yaml#2",
                "cassette": "a.yaml",
                "number": 2,
                "method": "GET",
                "path": "/info",
                "played": 0,
            },
        ],
        "total": 4,
    }
    assert [one["exchange"] for one in second["exchanges"]] == ["b.yaml#1", "b.yaml#2"]
    assert await read(server, "exchanges?page=3&per_page=2") == {"exchanges": [], "total": 4}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("search=INFO", ["a.yaml#2"], id="a path"),
        pytest.param("search=get+/", ["a.yaml#2"], id="method and path"),
        pytest.param("search=b.yaml", ["b.yaml#1"], id="a file"),
        pytest.param("search=/&cassette=b", ["b.yaml#1"], id="in one cassette"),
        pytest.param("search=nothing", [], id="nothing"),
    ],
)
async def test_exchanges_are_searched(start: Start, query: str, found: list[str]) -> None:
    server = await start(a=HAND_WRITTEN, b=cassette(("hi", "one")))
    reply = await read(server, f"exchanges?{query}")

    assert [one["exchange"] for one in reply["exchanges"]] == found
    assert reply["total"] == len(found)


async def test_parts_that_are_too_large_are_refused(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))

    assert await read(server, "exchanges?per_page=1001", 400) == {
        "detail": "per_page=1001: at most 1000"
    }


async def test_an_exchange_is_shown_whole_and_redacted(start: Start, tmp_path: Path) -> None:
    server = await start(chat=HAND_WRITTEN)

    shown = await read(server, "exchanges/chat.yaml/1")

    assert (shown["file"], shown["line"]) == (str(tmp_path / "chat.yaml"), 2)
    assert shown["yaml"].startswith("---\n# with a comment\nrequest:\n")
    assert "sk-ant" not in str(shown)
    assert shown["request"]["body"]["note"] == "REDACTED"
    assert shown["response"] == {
        "status": 200,
        "headers": [["content-type", "text/event-stream"]],
        "seconds": 2.0,
        "events": [
            {"at": 1.5, "event": "values", "data": {"a": 1}},
            {"at": 2.0, "event": "", "text": "heartbeat"},
        ],
    }
    [finding] = shown["findings"]
    assert (finding["code"], finding["exchange"], finding["line"]) == ("secret", "chat.yaml#1", 6)
    assert finding["fix"].startswith("run `mockserver scrub`")


async def test_an_exchange_of_a_large_cassette_is_linted_alone(start: Start) -> None:
    pairs = [(f"question {number}", "fine") for number in range(100)]
    server = await start(
        small=cassette(*pairs[2:], *pairs[:1] * 2), large=cassette(*pairs, *pairs[:1])
    )

    async def codes(place: str) -> list[str]:
        return [one["code"] for one in (await read(server, f"exchanges/{place}"))["findings"]]

    assert await codes("small.yaml/100") == ["duplicate"]
    assert await codes("large.yaml/101") == []
    everything = (await read(server, "lint?cassette=large"))["findings"]
    assert [one["exchange"] for one in everything] == ["large.yaml#101"]


@pytest.mark.parametrize(
    ("place", "detail"),
    [
        ("chat.yaml/9", "no exchange 9 in chat.yaml: the last one is 1"),
        ("chat.yaml/x", "no exchange x in chat.yaml: the last one is 1"),
        ("moon.yaml/1", "unknown cassette 'moon.yaml'"),
    ],
)
async def test_an_exchange_that_does_not_exist_is_named(
    start: Start, place: str, detail: str
) -> None:
    server = await start(chat=cassette(("hi", "one")))

    assert await read(server, f"exchanges/{place}", 404) == {"detail": detail}


async def test_cassettes_say_how_much_of_them_was_played(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), ("ho", "two")), more=cassette(("x", "y")))
    await server.ask("hi")
    await server.ask("hi", x_mockserver_session="t1")

    assert await read(server, "cassettes") == {
        "cassettes": [
            {"cassette": "chat.yaml", "exchanges": 2, "played": 1},
            {"cassette": "more.yaml", "exchanges": 1, "played": 0},
        ]
    }


async def test_the_findings_follow_edits_of_the_file(start: Start, tmp_path: Path) -> None:
    server = await start(chat=HAND_WRITTEN, more=cassette(("hi", "one")))

    async def codes(query: str = "") -> Any:
        return [one["code"] for one in (await read(server, f"lint{query}"))["findings"]]

    assert await codes() == await codes("?cassette=chat") == ["secret"]
    assert await codes("?cassette=more") == []
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one")))
    assert await codes() == []
    (tmp_path / "chat.yaml").unlink()
    assert await codes() == []


async def test_two_exchanges_are_compared(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), ("ho", "two")))

    reply = await read(server, "compare?left=chat.yaml%231&right=chat.yaml%232")

    assert reply == {
        "differences": [
            {
                "path": "request.body.input.messages[0].content",
                "left": "hi",
                "right": "ho",
            },
            {"path": "body.answer", "left": "one", "right": "two"},
        ]
    }
    assert await read(server, "compare?left=chat.yaml%231", 400) == {
        "detail": "compare needs two exchanges: ?left=chat.yaml%231&right=chat.yaml%232"
    }


async def test_a_server_that_only_records_has_no_exchanges(aiohttp_client: AiohttpClient) -> None:
    log = Log(lambda line: None)
    app = App((), log, ControlApi("record", log.journal))
    recorder: TestClient[Any, Any] = await aiohttp_client(RawTestServer(app.handle))

    assert await read_control(recorder, "exchanges?page=1") == {"exchanges": [], "total": 0}
    assert await read_control(recorder, "cassettes") == {"cassettes": []}
    assert await read_control(recorder, "lint") == {"findings": []}
    async with recorder.post("/__mockserver__/reset") as response:
        assert response.status == 200
    async with recorder.get("/__mockserver__/report") as response:
        shown: Any = read_page_data(await response.text())
        assert (shown["exchanges"], shown["cassettes"], shown["unplayed"]) == ([], [], [])
    for target in ("exchanges/chat.yaml/1", "compare?left=a%231&right=a%232"):
        assert await read_control(recorder, target, 404) == {
            "detail": "this server only records: it replays no exchanges"
        }
