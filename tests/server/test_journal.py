from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest

from mockserver.http.messages import (
    SESSION_HEADER,
    Reply,
    ReplySource,
    Request,
    StreamingBody,
    TimedBody,
)
from mockserver.server import journal as journal_module
from mockserver.server.call import Call
from mockserver.server.journal import MAX_PROBLEMS, Journal, build_call

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def request_to(path: str, session: str | None = None, body: bytes = b"") -> Request:
    headers = () if session is None else ((SESSION_HEADER, session),)
    return Request("GET", path, headers, body)


def answered(**reply: object) -> Reply:
    return Reply(200, **{"exchange": "a.yaml#1", **reply})  # type: ignore[arg-type]


def made(path: str, session: str | None = None, body: bytes = b"", **reply: object) -> Call:
    return build_call(NOON, request_to(path, session, body), answered(**reply))


def note(
    journal: Journal, path: str, session: str | None = None, body: bytes = b"", **reply: object
) -> None:
    journal.append(request_to(path, session, body), answered(**reply))


def paths(journal: Journal, session: str | None = None) -> list[str]:
    return [one.path for one in journal.calls(session)]


def test_a_call_is_the_request_and_what_answered_it() -> None:
    assert made("/threads/x", "s%2F1", b"{}", id_pairs=(("x", "y"),)) == Call(
        when=NOON,
        session="s/1",
        method="GET",
        path="/threads/x",
        headers=((SESSION_HEADER, "s%2F1"),),
        body=b"{}",
        status=200,
        source=ReplySource.CASSETTE,
        exchange="a.yaml#1",
        ids={"x": "y"},
    )


def test_a_call_in_words() -> None:
    miss: dict[str, Any] = {
        "source": ReplySource.MISS,
        "exchange": None,
        "note": "GET /x: no exchange matches",
    }
    fault: dict[str, Any] = {"source": ReplySource.ERROR, "exchange": None, "note": "is torn"}

    assert [
        str(made("/x")),
        str(made("/x?api_key=hunter2x", **fault)),
        str(made("/x", **miss)),
    ] == [
        "GET /x 200 cassette a.yaml#1",
        "GET /x?api_key=REDACTED: is torn",
        "GET /x: no exchange matches",
    ]


def test_what_a_call_sent_is_not_in_its_repr() -> None:
    assert "hunter2" not in repr(made("/x", "s", b"hunter2"))


def test_a_miss_has_its_facts() -> None:
    facts = {"reason": "no exchange matches"}

    assert made("/x", source=ReplySource.MISS, miss_details=facts).miss == facts


def test_a_body_is_read_as_json() -> None:
    assert made("/x", body=b'{"a": [1]}').json() == {"a": [1]}


def test_sessions_are_separate() -> None:
    journal = Journal()
    for path, session in (("/1", "a"), ("/2", None), ("/3", "a")):
        note(journal, path, session)

    assert (paths(journal, "a"), paths(journal, ""), paths(journal)) == (
        ["/1", "/3"],
        ["/2"],
        ["/1", "/2", "/3"],
    )
    journal.clear("a")
    assert paths(journal) == ["/2"]
    journal.clear()
    assert paths(journal) == []


def test_the_oldest_is_forgotten() -> None:
    journal = Journal(max_calls=2)
    for path in ("/1", "/2", "/3"):
        note(journal, path)

    assert (paths(journal), journal.forgotten) == (["/2", "/3"], 1)
    journal.clear("nobody")
    note(journal, "/4")
    assert (paths(journal), journal.forgotten) == (["/3", "/4"], 2)
    journal.clear()
    assert journal.forgotten == 0


def test_calls_are_bounded_together_in_bytes() -> None:
    journal = Journal(max_bytes=2000)
    for path, size in (("/1", 400), ("/2", 400), ("/3", 400), ("/4", 9000)):
        note(journal, path, body=b"x" * size)
        assert path in paths(journal)

    assert paths(journal) == ["/4"]
    note(journal, "/5")
    assert paths(journal) == ["/5"]


def test_misses_are_bounded_too_but_go_last() -> None:
    journal = Journal(max_bytes=3000)
    for number in range(9):
        note(journal, f"/miss/{number}", source=ReplySource.MISS, body=b"x" * 400)
        note(journal, "/well", body=b"x" * 400)

    assert paths(journal) == ["/miss/7", "/miss/8", "/well"]
    assert journal.forgotten == 18 - 3


@pytest.mark.parametrize(
    "long",
    [
        pytest.param({"body": b"x" * 900}, id="body"),
        pytest.param({"session": "s" * 900}, id="header"),
        pytest.param({"path": "/" + "x" * 900}, id="path"),
        pytest.param({"note": "n" * 900}, id="note"),
    ],
)
def test_all_that_is_long_takes_room(long: dict[str, Any]) -> None:
    journal = Journal(max_bytes=3000)
    for _ in range(3):
        note(journal, **{"path": "/x", **long})

    assert len(paths(journal)) < 3


def test_what_goes_well_pushes_no_miss_out() -> None:
    journal = Journal(max_calls=1)
    for number in range(MAX_PROBLEMS + 2):
        note(journal, f"/miss/{number}", source=ReplySource.MISS)
        note(journal, "/well")

    assert len(paths(journal)) == MAX_PROBLEMS + 1
    assert paths(journal)[:1] == ["/miss/2"]
    assert paths(journal)[-1] == "/well"
    assert journal.forgotten == MAX_PROBLEMS + 1 + 2


def sent(size: int) -> Reply:
    return answered(body=b"x" * size)


def test_responses_are_kept_up_to_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_RESPONSE", 10)
    monkeypatch.setattr(journal_module, "MAX_RESPONSES", 20)
    journal = Journal()
    for number, size in enumerate((10, 6, 6, 11)):
        journal.append(request_to(f"/{number}"), sent(size))

    first, *others = [entry.response for entry in journal.entries()]
    assert first is None
    kept = [(one.reply.body, one.is_truncated) for one in others if one]
    assert kept == [(b"x" * 6, False), (b"x" * 6, False), (b"", True)]


def test_of_a_long_stream_the_beginning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_RESPONSE", 110)
    steps = ((0.0, b"123456"), (1.0, b"123456"), (2.0, b"1"))
    journal = Journal()

    timed = journal.append(request_to("/timed"), answered(body=TimedBody(steps, 2.0)))
    streamed = journal.append(request_to("/streamed"), answered(body=StreamingBody(no_chunks())))
    for at, chunk in steps:
        journal.add_chunk(streamed, at, chunk)

    for entry in (timed, streamed):
        assert entry.response is not None
        assert list(entry.response.steps) == [(0.0, b"123456")]
        assert entry.response.is_truncated


def test_a_stream_that_was_reset_is_not_kept() -> None:
    journal = Journal()
    streamed = journal.append(request_to("/streamed"), answered(body=StreamingBody(no_chunks())))
    journal.clear()

    journal.add_chunk(streamed, 0.0, b"more")
    journal.append(request_to("/next"), sent(1))

    assert streamed.response is None
    assert journal.entries()[0].response is not None


def test_the_rest_of_a_forgotten_call_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_RESPONSES", 300)
    journal = Journal(max_bytes=600)
    streamed = journal.append(request_to("/streamed"), answered(body=StreamingBody(no_chunks())))
    journal.append(request_to("/next"), sent(1))
    journal.clear("another session")

    journal.add_chunk(streamed, 0.0, b"x" * 250)

    (entry,) = journal.entries()
    assert entry.response is not None


def test_numbers_go_on_after_a_reset() -> None:
    journal = Journal()
    note(journal, "/one")
    journal.clear()
    note(journal, "/two")

    assert [entry.number for entry in journal.entries()] == [2]
    assert journal.find(1) is None


async def no_chunks(*chunks: bytes) -> AsyncGenerator[bytes, None]:
    for chunk in chunks:
        yield chunk
