from typing import Any

from aiohttp.test_utils import RawTestServer, TestClient
from pytest_aiohttp import AiohttpClient

from mockserver.http.messages import Reply, ReplySource, Request
from mockserver.server.app import App
from mockserver.server.log import Log


def test_a_log_has_a_line_for_each_request_and_for_what_a_response_notes() -> None:
    lines: list[str] = []
    log = Log(lines.append)
    request = Request("POST", "/runs/wait")
    for reply, seconds in (
        (Reply(200, source=ReplySource.CASSETTE, exchange="a.yaml#1"), 0.0123),
        (Reply(200, source=ReplySource.FAKE, is_counted=False), 0.001),
        (Reply(404, source=ReplySource.MISS, note="no exchange matches"), 0.001),
        (Reply(502, source=ReplySource.ERROR, note="cannot be reached"), 0.001),
    ):
        if reply.is_counted:
            entry = log.journal.append(request, reply)
            if reply.note:
                log.write_note(entry)
        log.write_request(request, reply, seconds)

    assert lines == [
        "POST /runs/wait 200 cassette a.yaml#1 12 ms",
        "POST /runs/wait 200 fake 1 ms",
        "miss: no exchange matches",
        "error: POST /runs/wait: cannot be reached",
    ]
    assert log.summary() == "responses: 1 from cassettes; 1 miss; 1 error"


def test_a_log_shows_the_recorded_id() -> None:
    lines: list[str] = []
    log = Log(lines.append)
    request, reply = Request("GET", "/threads/x"), Reply(200, id_pairs=(("x", "y"),))
    log.journal.append(request, reply)
    log.write_request(request, reply, 0.001)

    assert lines == ["GET /threads/x 200 cassette 1 ms, x for y"]
    assert [one.ids for one in log.journal.calls()] == [{"x": "y"}]


def test_a_log_of_nothing() -> None:
    assert Log(lambda _: None).summary() == "no responses"


def test_a_miss_is_a_response() -> None:
    log = Log(lambda _: None)
    log.journal.append(Request("GET", "/x"), Reply(404, source=ReplySource.MISS))

    assert log.summary() == "1 miss"


async def test_a_verbose_server_logs_each_request_once(aiohttp_client: AiohttpClient) -> None:
    lines: list[str] = []
    app = App((), Log(lines.append, verbose=True))
    client: TestClient[Any, Any] = await aiohttp_client(RawTestServer(app.handle))
    for path in ("/ok", "/other"):
        async with client.get(path):
            pass

    assert [line.rpartition(" ms")[0].rstrip("0123456789") or line for line in lines] == [
        "GET /ok 200 fake ",
        "error: GET /other: Not Found",
    ]
