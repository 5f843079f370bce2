"""Recorded requests, sent to servers that do not answer as they should."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from mockserver.cli.verification import Verification
from mockserver.errors import UpstreamError
from mockserver.redaction.redactor import RedactionRules
from mockserver.server.upstream import Upstream
from mockserver.tools.cassette_source import parse_source
from mockserver.tools.compare.verify import Outcome, Result
from tests.tools.event_cassettes import cassette, conversation, turn

ASKED = "---\nrequest: {path: /runs/wait, body: {n: %d}}\nresponse: {body: {key: text}}\n"
CASSETTE = parse_source(
    "chat.yaml", ("mockserver: 1\n" + "".join(ASKED % n for n in (1, 2, 3))).encode()
)

ONE = "1f000000-0000-4000-8000-000000000001"
ASKED_THREAD = (
    f"mockserver: 1\n---\nrequest: {{path: /threads, body: {{}}}}\nresponse: {{body: {{thread_id: {ONE}}}}}\n"
    f"---\nrequest: {{path: /threads/{ONE}/runs/wait, body: {{}}}}\nresponse: {{body: {{key: text}}}}\n"
)


def answer(body: bytes, size: int | None = None) -> bytes:
    """Return an answer with *body*, which says that it is of *size*."""
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return f"{head}content-length: {size or len(body)}\r\n\r\n".encode() + body


TEXT = answer(b'{"key": "text"}')


@asynccontextmanager
async def answering(*answers: bytes, close: bool = True) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve *answers*, each on a connection of its own; yield the URL, and the heads of the requests that came.

    If they are not to *close*, streams stay open until the client leaves.
    """
    left, received = list(answers), list[bytes]()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        sent = left.pop(0)
        writer.write(sent)
        await writer.drain()
        if sent.startswith(HEAD) and not close:
            with suppress(asyncio.CancelledError):
                await reader.read()
        writer.close()
        if not left:
            server.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", received


async def results(url: str, headers: tuple[tuple[str, str], ...] = ()) -> list[Result]:
    upstream = Upstream(url, headers)
    check = Verification(upstream, RedactionRules(), lambda: "id", values=True, timeout=60)
    try:
        return await check.verify(CASSETTE)
    finally:
        await upstream.close()


async def test_an_answer_that_breaks_off_has_failed_and_the_others_are_compared() -> None:
    async with answering(TEXT, answer(b'{"key":', 99), TEXT) as (url, _):
        found = await results(url)

    assert [result.outcome for result in found] == [Outcome.SAME, Outcome.FAILED, Outcome.SAME]
    assert found[1].label == "chat.yaml#2"
    assert (
        found[1]
        .problems[0]
        .startswith("the upstream closed the connection in the middle of its response")
    )


async def test_a_server_that_dies_on_the_way_costs_no_result() -> None:
    async with answering(TEXT) as (url, _):
        found = await results(url)

    assert [result.outcome for result in found] == [Outcome.SAME, Outcome.FAILED, Outcome.FAILED]
    assert "cannot be reached" in found[1].problems[0]


async def test_a_server_that_was_never_there_is_trouble() -> None:
    with pytest.raises(UpstreamError, match="cannot be reached"):
        await results("http://127.0.0.1:9")


async def test_a_server_that_speaks_something_else_is_trouble() -> None:
    async with answering(b"220 mail.example\r\n") as (url, _):
        with pytest.raises(UpstreamError, match="does not speak HTTP"):
            await results(url)


async def test_credentials_are_sent_and_removed_from_responses() -> None:
    echo = answer(b'{"key": "correct-horse-9"}')
    async with answering(echo, TEXT, TEXT) as (url, received):
        first, *others = await results(url, (("x-api-key", "correct-horse-9"),))

    assert all(b"x-api-key: correct-horse-9\r\n" in head for head in received)
    assert first.problems == ('body.key - "text" + "REDACTED"',)
    assert [result.outcome for result in others] == [Outcome.SAME, Outcome.SAME]


async def test_threads_that_were_made_are_deleted_at_the_end() -> None:
    thread = "1f000000-0000-4000-8000-000000000002"
    made = answer(f'{{"thread_id": "{thread}"}}'.encode())
    cassette = parse_source("chat.yaml", ASKED_THREAD.encode())
    async with answering(made, TEXT, answer(b"{}")) as (url, received):
        upstream = Upstream(url)
        check = Verification(upstream, RedactionRules(), lambda: "id", values=False, timeout=60)
        found = await check.verify(cassette)
        await upstream.close()

    assert [result.outcome for result in found] == [Outcome.SAME, Outcome.SAME]
    assert [head.partition(b" HTTP")[0].decode() for head in received] == [
        "POST /threads",
        f"POST /threads/{thread}/runs/wait",
        f"DELETE /threads/{thread}",
    ]


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
EVENTS = cassette(conversation(1, "hi", turn(1, "hi", "Good day")))
STARTED = answer(f'{{"type": "success", "id": 1, "result": {{"run_id": "{ONE}"}}}}'.encode())
REFUSED = answer(b'{"type": "error", "id": 1, "error": "unknown_error", "message": "no"}')


async def stream_results(url: str, seconds: float) -> list[Result]:
    upstream = Upstream(url)
    ids = iter(["1f000000-0000-4000-8000-000000000009"])
    check = Verification(
        upstream, RedactionRules(), lambda: next(ids), values=False, timeout=seconds
    )
    try:
        return await check.verify(EVENTS)
    finally:
        await upstream.close()


async def test_a_stream_without_events_has_a_bound() -> None:
    async with answering(
        STARTED, HEAD + b": heartbeat\r\n\r\n", HEAD, answer(b""), close=False
    ) as (url, _):
        found = await stream_results(url, 0.5)

    assert [result.outcome for result in found] == [Outcome.SAME, Outcome.FAILED, Outcome.SAME]
    assert found[1].problems[0] == "what came next in the recording did not come within 0.5 s"
    assert found[1].problems[1].startswith("events of run 1 were lifecycle running, values, ")


async def test_streams_that_the_server_closes_have_failed() -> None:
    async with answering(STARTED, HEAD, HEAD, answer(b"")) as (url, received):
        found = await stream_results(url, 60)

    assert [result.outcome for result in found] == [Outcome.SAME, Outcome.FAILED, Outcome.FAILED]
    assert found[2].problems == ("the server closed the stream",)
    assert all(b"/threads/1f000000-0000-4000-8000-000000000009" in head for head in received)


async def test_after_a_refused_command_there_is_nothing_to_wait_for() -> None:
    async with answering(REFUSED, answer(b"")) as (url, received):
        found = await stream_results(url, 3600)

    assert [result.outcome for result in found] == [Outcome.DIFFERS, Outcome.DIFFERS, Outcome.SAME]
    assert [head.partition(b" ")[0] for head in received] == [b"POST", b"DELETE"]
