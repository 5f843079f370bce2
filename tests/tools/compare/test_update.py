"""Replace recorded responses by live ones."""

from dataclasses import replace

import pytest

from mockserver.cassette.model import (
    Body,
    End,
    Ending,
    Exchange,
    Response,
    Stream,
    TimedChunk,
    TimedEvent,
    join_chunks,
)
from mockserver.formats.sse import LF, Event
from mockserver.http.messages import Request
from mockserver.tools.cassette_source import CassetteSource, parse_source
from mockserver.tools.compare.update import CassetteUpdate, restore_ids, update_source
from mockserver.tools.compare.verify import LiveConversation, Outcome, Result

ONE, TWO, NEW = (f"1f000000-0000-4000-8000-00000000000{n}" for n in "129")
JSON = (("content-type", "application/json"),)
HEAD = "# about the file\nmockserver: 1\nrecorded: 2026-11-22T15:36:36Z\nignore:\n- body.user\n"


def exchange(path: str, answer: str, more: str = "", body: str = "{}") -> str:
    return f"---\nrequest: {{path: {path}, body: {body}}}\n{more}response:\n  body: {answer}  # {path}\n  end: {{how: closed}}\n"


THREADS = (
    exchange("/threads", f"{{thread_id: {ONE}}}", "at: 2.5\n"),
    exchange("/runs/wait", "{n: 1}", "at: 2.6\n"),
    exchange(f"/threads/{ONE}/runs/wait", "{n: 2}", "at: 4\nrepeat: cycle\n"),
    exchange(f"/threads/{TWO}/state", "{n: 3}", "at: 5\n"),
    exchange(f"/threads/{ONE}/copy", f"{{thread_id: {TWO}}}", "at: 6\n"),
    exchange(f"/threads/{TWO}/runs/wait", "{n: 4}", "at: 7\n"),
)
SOURCE = parse_source("chat.yaml", (HEAD + "".join(THREADS)).encode())


def live(answer: str, at: float = 0.0, status: int = 200) -> Exchange:
    response = Response(status, None, JSON, Body(answer.encode()), End(0.25))
    return Exchange(Request("POST", "/"), response, at=at)


def updated(
    source: CassetteSource, *differing: int, answers: dict[int, Exchange]
) -> CassetteUpdate:
    results = [
        Result(
            *(source.name, part.number, "POST /"),
            Outcome.DIFFERS if part.number in differing else Outcome.SAME,
            live=answers.get(part.number, live("{}")),
        )
        for part in source.exchanges
    ]
    return update_source(source, results)


def test_a_stateless_exchange_is_replaced_and_the_others_keep_their_text() -> None:
    done = updated(SOURCE, 2, answers={2: live('{"key":"x"}', 100)})

    parts = done.raw.decode().split("---\n")
    before = SOURCE.raw.decode().split("---\n")
    assert (done.updated, done.refused) == ((2,), ())
    assert parts[:2] + parts[3:] == before[:2] + before[3:]
    assert parts[2] == (
        "request:\n  method: POST\n  path: /runs/wait\n  body: {}\nat: 2.6\nresponse:\n  status: 200\n"
        "  headers:\n    content-type: application/json\n  body:  # /runs/wait\n    key: x\n  end: {after: 0.25, how: closed}\n"
    )


def test_a_conversation_is_replaced_as_a_whole_with_the_copies_of_its_thread() -> None:
    done = updated(
        SOURCE,
        3,
        answers={
            1: live(f'{{"thread_id": "{ONE}"}}', 100.0),
            3: live('{"n":7}', 100.25),
            5: live(f'{{"thread_id": "{TWO}"}}', 101.0),
            6: live('{"n": 8}', 102.0),
        },
    )
    renewed = [part.require_exchange() for part in parse_source("chat.yaml", done.raw).exchanges]

    assert done.updated == (1, 3, 5, 6)
    assert [one.at for one in renewed] == [2.5, 2.6, 2.75, 5, 3.5, 4.5]
    assert renewed[2].repeat == "cycle"
    assert renewed[2].response.content == Body(b'{"n":7}')
    assert done.raw.decode().count("# about the file") == 1
    assert THREADS[3] in done.raw.decode()


def test_nothing_changes_without_a_difference() -> None:
    assert updated(SOURCE, answers={}) == CassetteUpdate(SOURCE.raw, (), ())


def test_windows_line_ends_stay() -> None:
    source = parse_source("chat.yaml", SOURCE.raw.replace(b"\n", b"\r\n"))
    done = updated(source, 2, answers={2: live("{}")})

    assert done.raw.count(b"\n") == done.raw.count(b"\r\n")


@pytest.mark.parametrize(
    "recorded, answer, reason",
    [
        pytest.param("{}", live("{}", status=401), "the server responds with status 401", id="no credentials"),
        pytest.param("{}", live("{}", status=503), "the server responds with status 503", id="unavailable"),
        pytest.param("{key: REDACTED}", live("{}"), "the request holds REDACTED in place of a secret", id="a redacted request"),
    ],
)  # fmt: skip
def test_what_says_nothing_about_the_server_is_refused(
    recorded: str, answer: Exchange, reason: str
) -> None:
    text = HEAD + exchange("/runs/wait", "{n: 1}", body=recorded)
    source = parse_source("chat.yaml", text.encode())
    done = updated(source, 1, answers={1: answer})

    assert done == CassetteUpdate(source.raw, (), (f"chat.yaml#1: {reason}",))


def test_a_recorded_refusal_is_replaced() -> None:
    text = "mockserver: 1\n---\nrequest: {path: /runs}\nresponse: {status: 503, body: {n: 1}}\n"
    done = updated(
        parse_source("chat.yaml", text.encode()), 1, answers={1: live('{"m": 1}', status=503)}
    )

    assert done.updated == (1,)


def test_a_failure_leaves_the_whole_conversation() -> None:
    results = [
        Result("chat.yaml", number, "POST /", Outcome.DIFFERS, live=live("{}"))
        for number in range(1, 6)
    ]
    failed = Result("chat.yaml", 6, "POST /", Outcome.FAILED, problems=("no response",))
    done = update_source(SOURCE, [*results, failed])

    assert done.updated == (2, 4)
    assert done.refused == ("chat.yaml#6: no response",)


def test_several_subscriptions_of_a_socket_are_refused() -> None:
    result = Result("chat.yaml", 2, "GET /", Outcome.DIFFERS, live=live("{}"))
    same = [Result("chat.yaml", n, "POST /", Outcome.SAME) for n in (1, 3, 4, 5, 6)]
    done = update_source(SOURCE, [result, result, *same])

    assert done.refused == ("chat.yaml#2: it shows several subscriptions of a WebSocket",)


def test_live_ids_become_recorded_ones() -> None:
    conversation = LiveConversation(lambda: NEW)
    conversation.comparator.pair_ids(ONE, NEW)
    conversation.resumed["7-0"] = "1-0"
    fields = (("event", f"values|{NEW}"), ("data", f'{{"run_id":"{NEW}"}}'), ("id", "7-0"))
    stream = Stream((TimedEvent(0.5, Event(fields)), TimedEvent(0.0, Event((("id", "8-0"),)))), LF)
    chunks = join_chunks((TimedChunk(0.1, NEW.encode()), TimedChunk(0.2, b"\xff")))
    response = Response(200, None, (("location", f"/runs/{NEW}"),), stream, End(0, Ending.OPEN))

    def restored(content: Stream | Body) -> Response:
        one = Exchange(Request("POST", f"/{NEW}"), replace(response, content=content))
        return restore_ids(one, conversation).response

    shown = restored(stream)
    assert shown.headers == (("location", f"/runs/{ONE}"),)
    assert isinstance(shown.content, Stream)
    assert [dict(timed.event.fields) for timed in shown.content.events] == [
        {"event": f"values|{ONE}", "data": f'{{"run_id":"{ONE}"}}', "id": "1-0"},
        {"id": "8-0"},
    ]
    assert restored(chunks).content == join_chunks(
        (TimedChunk(0.1, ONE.encode()), TimedChunk(0.2, b"\xff"))
    )
    assert restored(Body(f'["{NEW}", "{TWO}"]'.encode())).content == Body(
        f'["{ONE}", "{TWO}"]'.encode()
    )
