"""`MockServer` as a program of its own uses it, with and without an event loop."""

import asyncio
import gc
import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import mockserver
from mockserver import Call, MockServer, ReadError, StorageError, UsageError
from mockserver.server.loop_thread import LoopThread
from tests.documents import ROOT
from tests.replaying import cassette
from tests.scripted import Wire
from tests.scripted import upstream as scripted

HELLO: dict[str, Any] = {
    "messages": [{"role": "human", "content": "Hello! My name is Bagatur and I am 26 years old."}]
}
BUNDLED = ROOT / "cassettes" / "hello.yaml"


def ask(url: str, text: str = "hi", **headers: str) -> Any:
    """Return what the run of *text* is answered at *url*, the status where it is refused."""
    body = {"assistant_id": "agent", "input": {"messages": [{"role": "human", "content": text}]}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(f"{url}/runs/wait", json.dumps(body).encode(), named)
    try:
        with urlopen(request, timeout=20) as response:
            return json.load(response)
    except HTTPError as error:
        with error:
            return error.code


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    path = tmp_path / "chat.yaml"
    path.write_text(cassette(("hi", "one"), ("hi", "two"), ("ho", "other")))
    return path


@pytest.fixture(scope="module")
def upstream() -> Iterator[MockServer]:
    """The fake graph, which stands for an Agent Server."""
    with MockServer(fallback="fake") as server:
        yield server


@pytest.fixture(scope="module")
def sdk() -> Any:
    """The Python SDK. Its import takes most of a second, which workers without these tests do not need."""
    import langgraph_sdk

    return langgraph_sdk


async def test_a_cassette_is_played_within_an_event_loop(sdk: Any) -> None:
    async with MockServer(BUNDLED) as server, sdk.get_client(url=server.url) as client:
        chunks = client.runs.stream(None, "agent", input=HELLO, stream_mode="updates")
        events = [chunk.event async for chunk in chunks]

        assert events == ["metadata", "updates"]
        assert [str(call) for call in server.calls] == [
            "POST /runs/stream 200 cassette hello.yaml#2"
        ]
        assert server.misses == []


def test_a_cassette_is_played_without_one(sdk: Any) -> None:
    with MockServer(BUNDLED) as server, sdk.get_sync_client(url=server.url) as client:
        state: Any = client.runs.wait(None, "agent", input=HELLO)

    assert state["messages"][-1]["content"].startswith("Hello Bagatur!")
    [call] = server.calls
    assert (call.method, call.path, call.status, call.source) == (
        "POST",
        "/runs/wait",
        200,
        "cassette",
    )
    assert call.json()["input"] == HELLO
    assert ("content-type", "application/json") in call.headers


def test_the_thread_ends_with_the_block(chat: Path) -> None:
    before = threading.active_count()
    with MockServer(chat) as server:
        url = server.url
        assert ask(url) == {"answer": "one"}

    assert threading.active_count() == before
    with pytest.raises(OSError, match="refused"):
        ask(url)


def test_a_miss_is_listed_and_explains_itself(chat: Path) -> None:
    with MockServer(chat) as server:
        assert ask(server.url, "nobody") == 404
        [miss] = server.misses

    assert miss.source == "miss"
    assert str(miss).startswith(
        "POST /runs/wait: no exchange matches\n  nearest: chat.yaml#1, POST /runs/wait, not played yet\n"
    )
    assert repr(miss) == f"<Call {miss}>"
    assert miss.miss is not None
    assert miss.miss["reason"] == "no exchange matches"


def test_unplayed_exchanges_are_listed(chat: Path) -> None:
    with MockServer(chat) as server:
        ask(server.url)
        assert server.unplayed == ["chat.yaml#2", "chat.yaml#3"]
        server.reset()
        ask(server.url)

        assert server.unplayed == ["chat.yaml#2", "chat.yaml#3"]


def test_a_reset_begins_again(chat: Path) -> None:
    with MockServer(chat) as server:
        requests = [(text, session) for session in "ab" for text in ("hi", "nobody")]
        for text, session in requests:
            ask(server.url, text, x_mockserver_session=session)
        server.reset("a")

        assert [call.session for call in server.calls] == ["b", "b"]
        assert ask(server.url, x_mockserver_session="a") == {"answer": "one"}
        assert ask(server.url, x_mockserver_session="b") == {"answer": "two"}
        server.reset()
        assert (server.calls, server.misses) == ([], [])
        assert ask(server.url, x_mockserver_session="b") == {"answer": "one"}


def test_clients_share_it_by_url(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.yaml").write_text(cassette(("hi", "from a/b")))
    (tmp_path / "c.yaml").write_text(cassette(("hi", "from c"), ("hi", "again from c")))
    with MockServer(tmp_path) as server:
        one = server.url_for(session="test [é/1]", cassette="c")
        two = server.url_for(session="two", cassette="c")
        answers = [ask(url) for url in (one, two, one, server.url_for(cassette="a/b"))]

        assert [answer["answer"] for answer in answers] == [
            "from c",
            "from c",
            "again from c",
            "from a/b",
        ]
        assert [call.session for call in server.calls] == ["test [é/1]", "two", "test [é/1]", ""]


@pytest.mark.parametrize(
    ("header", "repeat", "expected"),
    [
        ("", None, ["one", "two", "two"]),
        ("repeat: cycle\n", None, ["one", "two", "one"]),
        ("repeat: last\n", "cycle", ["one", "two", "one"]),
        ("repeat: cycle\n", "error", ["one", "two", None]),
    ],
)
def test_repeat_is_the_callers_word(
    tmp_path: Path, header: str, repeat: Any, expected: list[str | None]
) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text(cassette(("hi", "one"), ("hi", "two"), header=header))
    with MockServer(path, repeat=repeat) as server:
        answers = [ask(server.url) for _ in range(3)]

    assert [None if answer == 404 else answer["answer"] for answer in answers] == expected


def test_paths_can_be_ignored(chat: Path) -> None:
    with MockServer(chat, ignore=["body.input.messages[0].content"]) as server:
        assert ask(server.url, "whatever") == {"answer": "one"}


def test_values_can_be_volatile(tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text(cassette(("ticket s-1", "one")))
    with MockServer(path, volatile=["s-[0-9]+"]) as server:
        assert ask(server.url, "ticket s-2") == {"answer": "one"}


def test_settings_are_those_of_the_project(chat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(chat.parent)
    settings = chat.with_name("mockserver.yaml")
    settings.write_text("ignore: ['body.input.messages[0].content']\n")
    with MockServer("chat.yaml") as server:
        assert ask(server.url, "whatever") == {"answer": "one"}
    other = settings.rename(chat.with_name("other.yml"))
    with MockServer("chat.yaml", config=other) as server:
        assert ask(server.url, "whatever") == {"answer": "one"}


def test_the_pace_can_be_that_of_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "slow.yaml"
    path.write_text(
        "mockserver: 1\n---\nrequest: {path: /x, method: GET}\nresponse: {after: 1.5, body: {}}\n"
    )
    for speed, least in (("recorded", 1.5), (10, 0.15), ("instant", 0.0)):
        with MockServer(path, speed=speed) as server:
            started = time.monotonic()
            with urlopen(f"{server.url}/x", timeout=20):
                pass
            assert time.monotonic() - started >= least


def test_the_fake_graph_answers_the_rest(chat: Path, tmp_path: Path, sdk: Any) -> None:
    script = tmp_path / "script.yml"
    script.write_text("rules:\n- steps:\n  - say: As scripted.\n")
    with MockServer(chat, fallback="fake", script=script, graphs=["agent"]) as server:
        assert ask(server.url) == {"answer": "one"}
        assert ask(server.url, "What?")["messages"][-1]["content"] == "As scripted."

        assert [call.source for call in server.calls] == ["cassette", "fake"]
        with sdk.get_sync_client(url=server.url) as client:
            assert [one["graph_id"] for one in client.assistants.search()] == ["agent"]


@pytest.mark.parametrize(
    "now", ["2026-11-27", date(2026, 11, 27), datetime(2026, 11, 27, tzinfo=UTC)]
)
def test_threads_of_the_fake_graph_have_the_date_of_the_option(now: date | str, sdk: Any) -> None:
    with (
        MockServer(fallback="fake", fake_now=now) as server,
        sdk.get_sync_client(url=server.url) as client,
    ):
        thread = client.threads.create()

    with MockServer(fallback="fake") as server, sdk.get_sync_client(url=server.url) as client:
        default = client.threads.create()

    assert str(thread["created_at"]).startswith("2026-11-27T00:00:00")
    assert str(default["created_at"]).startswith("2026-01-01T00:00:00")
    assert thread["thread_id"] == default["thread_id"]


def test_nothing_at_all_is_a_miss() -> None:
    with MockServer() as server:
        assert ask(server.url) == 404

        assert str(server.misses[0]) == "POST /runs/wait: no exchanges are loaded"


def test_new_requests_are_recorded(chat: Path, upstream: MockServer) -> None:
    before = chat.read_text()
    with MockServer(chat, upstream=upstream.url) as server:
        assert ask(server.url) == {"answer": "one"}
        answer = ask(server.url, "What?")
        assert [call.source for call in server.calls] == ["cassette", "upstream"]
        assert server.unplayed == ["chat.yaml#2", "chat.yaml#3"]

    assert chat.read_text().startswith(before)
    with MockServer(chat) as server:
        assert ask(server.url, "What?") == answer
        assert server.calls[0].exchange == "chat.yaml#4"


def test_a_recording_can_be_made_anew(chat: Path, upstream: MockServer) -> None:
    with MockServer(chat, upstream=upstream.url, record="all") as server:
        answer = ask(server.url)
    with MockServer(chat) as server:
        assert ask(server.url) == answer
        assert server.unplayed == []


def test_a_folder_is_recorded_by_name(tmp_path: Path, upstream: MockServer) -> None:
    with MockServer(tmp_path / "all", upstream=upstream.url) as server:
        ask(server.url_for(cassette="a/b"))
        ask(server.url_for(cassette="c"))

    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.yaml"))
    assert found == ["all/a/b.yaml", "all/c.yaml"]


def test_credentials_are_sent_and_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    with MockServer(fallback="fake") as server:
        headers = {"x-api-key": "hunter2hunter2"}
        with MockServer(path, upstream=server.url, upstream_headers=headers) as proxy:
            ask(proxy.url, "My key is hunter2hunter2, keep it.")

        assert ("x-api-key", "hunter2hunter2") in server.calls[0].headers
    assert "My key is REDACTED, keep it." in path.read_text()
    assert "hunter2" not in path.read_text()


def test_what_could_not_be_recorded_is_raised_at_the_end(
    tmp_path: Path, upstream: MockServer
) -> None:
    path = tmp_path / "chat.yaml"
    with (
        pytest.raises(
            StorageError,
            match=r"chat.yaml was edited during .* 1 exchange went to .*chat.yaml.recorded",
        ),
        MockServer(path, upstream=upstream.url) as server,
    ):
        path.unlink()
        ask(server.url)


def test_what_the_block_raises_comes_first(tmp_path: Path, upstream: MockServer) -> None:
    path = tmp_path / "chat.yaml"
    with (
        pytest.raises(ZeroDivisionError),
        MockServer(path, upstream=upstream.url) as server,
    ):
        path.unlink()
        ask(server.url)
        1 / 0  # noqa: B018


def test_faults_go_to_the_log(chat: Path, caplog: pytest.LogCaptureFixture) -> None:
    with MockServer(chat) as server:
        ask(server.url, "nobody")

    assert caplog.record_tuples == [("mockserver", logging.WARNING, f"miss: {server.misses[0]}")]


@pytest.mark.parametrize("argument", ["on_problem", "on_fault"])
def test_misses_and_errors_go_to_the_callback(
    chat: Path, caplog: pytest.LogCaptureFixture, argument: str
) -> None:
    broken = chat.with_name("broken.yaml")
    broken.write_text(
        "mockserver: 1\n---\nrequest: {path: /x, method: GET}\nresponse: {status: x}\n"
    )
    problems: list[Call] = []
    callback: dict[str, Any] = {argument: problems.append}
    with MockServer(chat, broken, **callback) as server:
        ask(server.url)
        ask(server.url, "nobody")
        with pytest.raises(HTTPError, match="500") as refused:
            urlopen(f"{server.url}/x")
        refused.value.close()
        server.reset()

    assert [problem.source for problem in problems] == ["miss", "error"]
    assert str(problems[1]).startswith("GET /x: broken.yaml, line ")
    assert caplog.records == []


@pytest.mark.parametrize(
    ("paths", "how", "complaint"),
    [
        ([], {"fallback": "real"}, "fallback='real': must be \"fake\" or None"),
        (["a"], {"fallback": "fake", "upstream": "http://x"}, "upstream and fallback exclude each other: choose one"),
        ([], {"upstream": "http://x"}, "upstream: name exactly one cassette or folder to record into"),
        (["a"], {"record": "once"}, "record='once': must be \"new\" or \"all\""),
        (["a"], {"script": "s"}, 'script, graphs and fake_now need the fake graph: add fallback="fake"'),
        (["a"], {"fake_now": "today"}, 'script, graphs and fake_now need the fake graph: add fallback="fake"'),
        ([], {"fallback": "fake", "fake_now": "noon"}, "fake_now 'noon': write a date such as 2026-11-27, a time such as 2026-11-27T09:30Z, or today; years are 1970 to 8999"),
        (["a"], {"repeat": "never"}, "repeat='never': must be one of last, cycle, error"),
        (
            ["a"],
            {"on_problem": print, "on_fault": print},
            "on_fault is the old name of on_problem: give only on_problem",
        ),
        (["a"], {"speed": "fast"}, "--speed fast: write recorded, instant, or a factor such as 4"),
        (["a"], {"ignore": ["body..x"]}, None),
        (["a"], {"ignore": "body..x"}, None),
        (["a"], {"volatile": "("}, None),
        (["a"], {"max_gap": "x"}, "--max-gap x: write a number of seconds"),
        (["a"], {"record": "all"}, "record and upstream_headers need an upstream"),
        (["a"], {"upstream_headers": {"a": "b"}}, "record and upstream_headers need an upstream"),
        ([""], {}, "the name of a cassette is empty"),
    ],
)  # fmt: skip
def test_invalid_options_are_refused_immediately(
    paths: list[str], how: dict[str, Any], complaint: str | None
) -> None:
    with pytest.raises(UsageError) as refused:
        MockServer(*paths, **how)

    assert complaint is None or str(refused.value) == complaint


def test_what_cannot_be_read_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("mockserver: 1\n---\nrequest: 5\n")
    with pytest.raises(ReadError, match=r"bad.yaml, line 3: "), MockServer(tmp_path / "bad.yaml"):
        pass
    with pytest.raises(UsageError, match=r"none.yaml: no such file or folder$"):
        MockServer(tmp_path / "none.yaml").__enter__()


def test_a_port_in_use_is_refused(chat: Path, upstream: MockServer) -> None:
    port = int(upstream.url.rpartition(":")[2])
    new = chat.with_name("new.yaml")
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: "):
        MockServer(new, upstream=upstream.url, port=port).__enter__()

    assert not new.exists()


@pytest.mark.parametrize("where", [{"port": 99999}, {"host": "a..b"}, {"host": "a\0b"}])
def test_where_nobody_can_listen_is_refused(
    tmp_path: Path, upstream: MockServer, where: dict[str, Any]
) -> None:
    path = tmp_path / "chat.yaml"
    with pytest.raises(UsageError, match="cannot listen on "):
        MockServer(path, upstream=upstream.url, **where).__enter__()

    with MockServer(path, upstream=upstream.url):
        pass  # the file is not locked


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [({"x-a": "1\n2"}, "'x-a' for the upstream contains control characters"), ({"a\nb": "1"}, "a")],
)
def test_a_header_that_cannot_be_sent_is_refused(
    tmp_path: Path, headers: dict[str, str], complaint: str
) -> None:
    server = MockServer(
        tmp_path / "a.yaml", upstream="http://127.0.0.1:9", upstream_headers=headers
    )

    with pytest.raises(UsageError, match=complaint):
        server.__enter__()


def test_white_space_around_a_header_is_none(tmp_path: Path) -> None:
    """As `$(cat key)` leaves it."""
    with MockServer(fallback="fake") as server:
        headers = {"x-api-key": "hunter2hunter2\n"}
        with MockServer(
            tmp_path / "a.yaml", upstream=server.url, upstream_headers=headers
        ) as proxy:
            ask(proxy.url)

        assert ("x-api-key", "hunter2hunter2") in server.calls[0].headers


async def test_who_leaves_in_a_hurry_leaves_a_whole_recording(
    tmp_path: Path, upstream: MockServer
) -> None:
    path = tmp_path / "chat.yaml"
    with pytest.raises(TimeoutError):
        async with (
            asyncio.timeout(None) as limit,
            MockServer(path, upstream=upstream.url) as server,
        ):
            await asyncio.to_thread(ask, server.url)
            limit.reschedule(asyncio.get_running_loop().time())
            await asyncio.Event().wait()
    with MockServer(path, upstream=upstream.url) as server:
        assert server.unplayed == ["chat.yaml#1"]


async def test_who_is_cancelled_again_and_again_leaves_a_whole_recording_too(
    tmp_path: Path, upstream: MockServer
) -> None:
    """As the cancel scopes of anyio do it, which end no wait but at once."""
    import anyio

    path = tmp_path / "chat.yaml"
    with anyio.CancelScope() as scope:
        async with MockServer(path, upstream=upstream.url) as server:
            await asyncio.to_thread(ask, server.url)
            scope.cancel()
            await asyncio.Event().wait()
    with MockServer(path) as server:
        assert server.unplayed == ["chat.yaml#1"]


def test_calls_can_be_looked_at_from_another_thread() -> None:
    stop = threading.Event()

    async def main() -> None:
        async with MockServer(fallback="fake") as server:

            def look() -> None:
                while not stop.is_set():
                    for call in server.calls:
                        assert call.path

            looking = asyncio.create_task(asyncio.to_thread(look))
            for _ in range(30):
                await asyncio.to_thread(ask, server.url, "hi")
            stop.set()
            await looking

    asyncio.run(main())


def test_files_are_let_go_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.store.library.MAX_FILE_IN_MEMORY", 10)
    path = tmp_path / "chat.yaml"
    path.write_text(cassette(("hi", "one"), ("ho", "two")))
    servers = []
    for _ in range(3):
        with MockServer(path) as server:
            assert ask(server.url) == {"answer": "one"}
        servers.append(server)
    gc.collect()
    held = [
        link for link in Path("/proc/self/fd").iterdir() if link.exists() and link.samefile(path)
    ]

    assert held == []
    assert [server.unplayed for server in servers] == [["chat.yaml#2"]] * 3
    assert [len(server.calls) for server in servers] == [1, 1, 1]


async def test_an_upstream_that_says_nothing_of_itself_is_not_waited_for(tmp_path: Path) -> None:
    """Its only answers are not recorded, so that nobody waits for what it says of itself."""

    async def refuse(wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    async def silence(wire: Wire) -> None:
        await wire.gone()

    path = tmp_path / "chat.yaml"
    async with (
        scripted(refuse, silence) as upstream,
        MockServer(path, upstream=upstream.url) as server,
    ):
        assert await asyncio.to_thread(ask, server.url) == 503
    gc.collect()


def test_a_start_that_is_interrupted_leaves_nothing_behind(
    tmp_path: Path, upstream: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ctrl-C does it, in the middle of waiting for the thread."""
    path = tmp_path / "chat.yaml"
    server = MockServer(path, upstream=upstream.url)
    run = LoopThread.run

    def interrupted(thread: LoopThread, coroutine: Any) -> Any:
        run(thread, coroutine)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LoopThread, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            server.__enter__()

    assert "not running" in repr(server)
    assert not path.exists()
    with server:
        ask(server.url)
    assert server.recorded == 1


async def test_it_runs_once_at_a_time(chat: Path) -> None:
    server = MockServer(chat)
    assert repr(server) == f"<MockServer not running: {chat}>"
    with pytest.raises(UsageError, match="the server is not running"):
        _ = server.url
    assert (server.calls, server.unplayed) == ([], [])
    server.reset()
    async with server:
        assert repr(server) == f"<MockServer {server.url}: {chat}>"
        with pytest.raises(UsageError, match="is already running"):
            await server.__aenter__()
        with pytest.raises(UsageError, match="is already running"):
            server.__enter__()
    with server:
        assert ask(server.url) == {"answer": "one"}
        with pytest.raises(UsageError, match="is already running"):
            server.__enter__()
    with server:
        assert ask(server.url) == {"answer": "one"}


def test_what_is_exported_is_there() -> None:
    assert {getattr(mockserver, name).__name__ for name in mockserver.__all__} == set(
        mockserver.__all__
    )
    with pytest.raises(AttributeError, match="'mockserver' has no attribute 'nothing'"):
        _ = mockserver.nothing
