import pytest

from mockserver.cassette.model import (
    Body,
    End,
    Ending,
    Response,
    Stream,
    TimedChunk,
    TimedEvent,
    join_chunks,
)
from mockserver.cassette.recorder import Recorder
from mockserver.formats.sse import Event
from mockserver.http.messages import Headers, Request

STREAM: Headers = (("content-type", "text/event-stream"),)
JSON: Headers = (("content-type", "application/json"),)


def recorded(
    headers: Headers,
    *chunks: tuple[float, bytes],
    request: Request | None = None,
    how: Ending = Ending.CLOSED,
) -> Response:
    recorder = Recorder(request or Request("POST", "/runs/stream"), 100.0)
    recorder.start_response(200, "OK", headers)
    for at, chunk in chunks:
        recorder.feed(chunk, 100.0 + at)
    return recorder.finish(100.0 + chunks[-1][0] + 0.25, how).response


def test_an_event_has_the_time_of_the_chunk_that_completes_it() -> None:
    response = recorded(
        STREAM, (0.5, b"data: a\r\n\r\ndata"), (1.5, b": b\r\n"), (2.0, b"\r\ndata: c\r\n\r\n")
    )

    assert response.content == Stream(
        (
            TimedEvent(0.5, Event((("data", "a"),))),
            TimedEvent(1.5, Event((("data", "b"),))),
            TimedEvent(0.0, Event((("data", "c"),))),
        )
    )
    assert response.end == End(0.25)


def test_a_stream_that_breaks_off_keeps_what_came() -> None:
    response = recorded(STREAM, (0.5, b"data: a\n\nda"), how=Ending.CUT)

    assert response.content == Stream((TimedEvent(0.5, Event((("data", "a"),))),), "\n", b"da")
    assert response.end == End(0.25, Ending.CUT)


def test_a_stream_that_is_still_open_keeps_its_whole_events_without_heartbeats() -> None:
    response = recorded(
        STREAM,
        (0.5, b"data: a\r\n\r\n"),
        (1.0, b": heartbeat\r\n\r\n"),
        (2.0, b"data: b\r\n\r\n"),
        (3.0, b": heartbeat\r\n\r\nda"),
        how=Ending.OPEN,
    )

    assert response.content == Stream(
        (TimedEvent(0.5, Event((("data", "a"),))), TimedEvent(1.5, Event((("data", "b"),))))
    )
    assert response.end == End(1.25, Ending.OPEN)


def test_newlines_before_json_are_keepalives() -> None:
    assert recorded(JSON, (5.0, b"\n"), (10.0, b"\n"), (11.0, b"{}")).content == Body(
        b"{}", 11.0, (5.0, 10.0)
    )


def test_newlines_before_anything_else_are_text() -> None:
    content = recorded((("content-type", "text/plain"),), (5.0, b"\n"), (6.0, b"a")).content

    assert content == join_chunks((TimedChunk(5.0, b"\n"), TimedChunk(1.0, b"a")))
    assert content.raw == b"\na"


NDJSON: Headers = (("content-type", "application/x-ndjson"),)


def test_a_body_that_comes_bit_by_bit_keeps_its_chunks() -> None:
    response = recorded(NDJSON, (0.5, b"1\n"), (0.5, b"2\n"), (0.75, b"3\n"))

    assert response.content == Body(
        b"1\n2\n3\n", 0.75, (), (TimedChunk(0.5, b"1\n2\n"), TimedChunk(0.25, b"3\n"))
    )
    assert response.end == End(0.25)


def test_lines_that_follow_closely_keep_their_chunks() -> None:
    content = recorded(NDJSON, *((0.5 + number / 100, b"1\n") for number in range(4))).content

    assert isinstance(content, Body)
    assert [chunk.after for chunk in content.chunks] == [0.5, 0.01, 0.01, 0.01]


@pytest.mark.parametrize(
    ("parts", "chunks"),
    [
        pytest.param((b"a\xc3", b"\xa9b"), (b"a", "éb".encode()), id="text"),
        pytest.param((b"\xc3", b"\xa9"), ("é".encode(),), id="one character"),
        pytest.param((b"a\xc3", b"\xa9\xff"), (b"a\xc3", b"\xa9\xff"), id="no text"),
    ],
)
def test_chunks_of_text_end_between_characters(
    parts: tuple[bytes, bytes], chunks: tuple[bytes, ...]
) -> None:
    content = recorded(NDJSON, (0.5, parts[0]), (1.0, parts[1])).content

    assert isinstance(content, Body)
    assert tuple(chunk.raw for chunk in content.chunks) == chunks
    assert content.raw == b"".join(parts)


@pytest.mark.parametrize(
    ("headers", "last"),
    [
        pytest.param(JSON, 0.75, id="JSON"),
        pytest.param((("content-type", "application/problem+json; a=b"),), 0.75, id="a kind of JSON"),
        pytest.param((*NDJSON, ("content-length", "4")), 0.75, id="a length"),
        pytest.param(NDJSON, 0.51, id="no noticeable time"),
    ],
)  # fmt: skip
def test_other_bodies_came_as_a_whole(headers: Headers, last: float) -> None:
    assert recorded(headers, (0.5, b"1\n"), (last, b"2\n")).content == Body(b"1\n2\n", last)


def test_headers_of_the_moment_are_not_recorded() -> None:
    headers = (
        *STREAM,
        ("date", "now"),
        ("server", "uvicorn"),
        ("set-cookie", "a=b"),
        ("content-length", "3"),
        ("transfer-encoding", "chunked"),
        ("access-control-allow-origin", "*"),
        ("vary", "Origin"),
        ("x-mockserver-source", "upstream"),
        ("content-location", "/runs/1"),
        ("x-custom", "a"),
        ("x-custom", "b"),
    )

    assert recorded(headers, (0.0, b"")).headers == (
        *STREAM,
        ("content-location", "/runs/1"),
        ("x-custom", "a"),
        ("x-custom", "b"),
    )


def test_only_the_headers_with_a_meaning_are_recorded() -> None:
    headers = (
        ("host", "127.0.0.1"),
        ("authorization", "Bearer x"),
        ("content-type", "application/json; charset=utf-8"),
        ("last-event-id", "7"),
    )
    recorder = Recorder(Request("POST", "/x", headers, b"{}"), 0.0)

    assert recorder.finish(0.0).request == Request("POST", "/x", (("last-event-id", "7"),), b"{}")


def test_the_type_of_a_body_that_is_not_json_is_recorded() -> None:
    recorder = Recorder(Request("PUT", "/x", (("content-type", "image/png"),), b"\xff"), 0.0)

    assert recorder.finish(0.0).request.headers == (("content-type", "image/png"),)


def test_a_reason_is_recorded_if_it_is_not_the_standard_one() -> None:
    for reason, recorded_reason in (("OK", None), ("Fine", "Fine"), ("", "")):
        recorder = Recorder(Request("GET", "/x"), 0.0)
        recorder.start_response(200, reason, ())

        assert recorder.finish(0.0).response.reason == recorded_reason
