"""Where a fault changes the body of a response."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.http.fault import Cut, Fault, Garbage, Split, Stall, StatusFault
from mockserver.http.messages import JSON, Headers, Reply, StreamingBody, TimedBody
from mockserver.server.faulty_body import body_chunks, with_faulty_body
from mockserver.server.response_writer import prebuild

STREAM: Headers = (("content-type", "text/event-stream; charset=utf-8"),)
ONE = b"event: a\r\ndata: 1\r\n\r\n"
BEAT = b": heartbeat\r\n\r\n"
TWO = b"event: b\r\ndata: 2\r\n\r\n"
THREE = b"event: c\r\ndata: 3\r\n\r\n"
WIRE = ONE + BEAT + TWO + THREE
BAD = b'event: values\r\ndata: {"garbage": tru\r\n\r\n'


async def read(reply: Reply) -> tuple[list[bytes], bool]:
    """Return the chunks of the body of *reply*, and whether the connection breaks behind them."""
    chunks: list[bytes] = []
    try:
        async for chunk in body_chunks(with_faulty_body(reply)):
            chunks.append(chunk)
    except ConnectionAbortedError:
        return chunks, True
    return chunks, False


async def produce(*chunks: bytes) -> AsyncGenerator[bytes, None]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize(
    ("fault", "sent", "breaks"),
    [
        (Cut(0), b"", True),
        (Cut(1), ONE, True),
        (Cut(2), ONE + BEAT + TWO, True),
        (Cut(3), WIRE, True),
        (Cut(9), WIRE, True),
        (Garbage(0), BAD + WIRE, False),
        (Garbage(2), ONE + BEAT + TWO + BAD + THREE, False),
        (Garbage(9), WIRE + BAD, False),
        (Stall(1, 0.0), WIRE, False),
        (Split(7), WIRE, False),
        (StatusFault(429), WIRE, False),
    ],
)
async def test_events_are_counted_without_comments(fault: Fault, sent: bytes, breaks: bool) -> None:
    whole = Reply(200, STREAM, WIRE, faults=(fault,))
    timed = Reply(
        200, STREAM, TimedBody(((0.0, ONE + BEAT), (0.0, TWO + THREE)), 0.0), faults=(fault,)
    )

    for reply in (whole, prebuild(whole), timed):
        chunks, broke = await read(reply)
        assert (b"".join(chunks), broke) == (sent, breaks)


@given(st.integers(1, len(WIRE)), st.integers(0, 4))
async def test_events_are_counted_however_they_arrive(size: int, count: int) -> None:
    pieces = [WIRE[start : start + size] for start in range(0, len(WIRE), size)]
    chunks, broke = await read(
        Reply(200, STREAM, StreamingBody(produce(*pieces)), faults=(Cut(count),))
    )

    assert (b"".join(chunks), broke) == ([b"", ONE, ONE + BEAT + TWO, WIRE, WIRE][count], True)


async def test_a_body_is_split() -> None:
    assert await read(Reply(200, JSON, b"123456789", faults=(Split(4),))) == (
        [b"1234", b"5678", b"9"],
        False,
    )


@pytest.mark.parametrize(
    ("fault", "sent", "breaks"),
    [
        (Cut(3), b'{"a":', True),
        (Stall(3, 0.0), b'{"a":12345}', False),
        (Garbage(3), b'{"a":{"garbage": tru12345}', False),
    ],
)
async def test_a_body_without_events_has_its_fault_in_the_middle(
    fault: Fault, sent: bytes, breaks: bool
) -> None:
    chunks, broke = await read(Reply(200, JSON, b'{"a":12345}', faults=(fault,)))

    assert (b"".join(chunks), broke) == (sent, breaks)


@pytest.mark.parametrize(
    ("fault", "length"), [(Cut(1), "11"), (Stall(1, 0), "11"), (Split(2), None)]
)
def test_the_head_of_a_body_that_breaks_has_the_whole_length(
    fault: Fault, length: str | None
) -> None:
    body = b'{"a":12345}'
    for reply in (Reply(200, JSON, body), Reply(200, JSON, TimedBody(((0.1, body),), 0.1))):
        broken = with_faulty_body(Reply(200, JSON, reply.body, faults=(fault,)))
        assert dict(broken.headers).get("content-length") == length


async def test_a_recorded_cut_stays_a_cut() -> None:
    body = TimedBody(((0.0, ONE),), 0.0, cut=True)

    assert await read(Reply(200, STREAM, body, faults=(Split(100),))) == ([ONE], True)


async def test_the_end_of_a_response_is_reported() -> None:
    ended: list[str] = []
    body = TimedBody(((0.0, ONE),), 0.0)
    reply = Reply(200, STREAM, body, faults=(Split(9),), on_sent=lambda: ended.append("sent"))
    await read(reply)

    assert ended == ["sent"]


@pytest.mark.parametrize(
    ("headers", "body", "sent"), [(STREAM, WIRE, ONE), (JSON, b'{"a":12345}', b'{"a":')]
)
async def test_a_stall_comes_before_a_cut_at_the_same_place(
    headers: Headers, body: bytes, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    chunks, broke = await read(Reply(200, headers, body, faults=(Stall(1, 30.0), Cut(1))))

    assert (b"".join(chunks), broke, slept) == (sent, True, [30.0])
