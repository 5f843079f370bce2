"""Bodies with a fault: where the events are counted, and what happens there."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from mockserver.formats import sse
from mockserver.http.fault import Cut, Garbage, Split, Stall, StatusFault
from mockserver.http.messages import (
    PrebuiltBody,
    Reply,
    StreamingBody,
    TimedBody,
    first_value,
    has_event_stream_type,
)
from mockserver.server.response_writer import without_prebuilt

_GARBAGE = b'{"garbage": tru'
_EVENT = b"event: values\r\ndata: %b\r\n\r\n"
_EVENT_LINES = (b"data", b"event")


def with_faulty_body(reply: Reply) -> Reply:
    """Return *reply* with the body that its faults make; *reply* itself if it has none, or only another status."""
    faults = [fault for fault in reply.faults if not isinstance(fault, StatusFault)]
    if not faults:
        return reply
    plain = without_prebuilt(reply)
    has_events = has_event_stream_type(plain.headers)
    headers = plain.headers
    keeps_length = not has_events and all(isinstance(fault, Cut | Stall) for fault in faults)
    length = _find_length(plain) if keeps_length else None
    if length and not first_value(headers, "content-length"):
        headers = (*headers, ("content-length", str(length)))
    chunks = body_chunks(plain)
    for fault in reversed(faults):  # at the same place, the first fault must come first
        chunks = _apply(fault, chunks, has_events=has_events)
    return replace(plain, headers=headers, body=StreamingBody(chunks))


async def body_chunks(reply: Reply) -> AsyncGenerator[bytes, None]:
    """Yield the body of *reply* in chunks at their times; raise ConnectionAbortedError where the connection breaks."""
    match reply.body:
        case bytes() as body:
            yield body
        case PrebuiltBody() as prebuilt:
            yield prebuilt.body
        case TimedBody(steps, end, cut):
            loop = asyncio.get_running_loop()
            started = loop.time()
            for at, chunk in steps:
                await asyncio.sleep(started + at - loop.time())
                yield chunk
            await asyncio.sleep(started + end - loop.time())
            if cut:
                raise ConnectionAbortedError
            if reply.on_sent is not None:
                reply.on_sent()
        case StreamingBody(chunks):
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk


def _find_length(reply: Reply) -> int | None:
    """Return the number of bytes in the body of *reply*, or None if they are still to come."""
    match reply.body:
        case bytes() as body:
            return len(body)
        case TimedBody(steps):
            return sum(len(chunk) for _, chunk in steps)
        case _:
            return None


async def _apply(
    fault: Cut | Stall | Split | Garbage,
    chunks: AsyncGenerator[bytes, None],
    *,
    has_events: bool,
) -> AsyncGenerator[bytes, None]:
    """Yield the body in *chunks* with *fault*; raise ConnectionAbortedError where it cuts."""
    async with aclosing(chunks):
        if isinstance(fault, Split):
            async for chunk in chunks:
                for start in range(0, len(chunk), fault.size):
                    yield chunk[start : start + fault.size]
                    await asyncio.sleep(0)  # other requests go on meanwhile
            return
        marked = _mark_after_events(chunks, fault.events) if has_events else _mark_middle(chunks)
        async with aclosing(marked):
            async for part in marked:
                if part is not None:
                    yield part
                elif isinstance(fault, Cut):
                    raise ConnectionAbortedError
                elif isinstance(fault, Stall):
                    await asyncio.sleep(fault.seconds)
                else:
                    yield _EVENT % _GARBAGE if has_events else _GARBAGE


async def _mark_after_events(
    chunks: AsyncGenerator[bytes, None], count: int
) -> AsyncGenerator[bytes | None, None]:
    """Yield the event stream in *chunks*, and None after *count* events, or at its end if it has fewer."""
    rest = b""
    if count == 0:
        yield None
    async for chunk in chunks:
        if count == 0:
            yield chunk
            continue
        blocks, rest = sse.split_received(rest + chunk)
        for number, block in enumerate(blocks):
            yield block
            count -= _is_event(block)
            if count == 0:
                yield None
                yield b"".join((*blocks[number + 1 :], rest))
                break
    if count:
        yield rest
        yield None


async def _mark_middle(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes | None, None]:
    """Yield the body in *chunks*, and None in its middle."""
    body = b""
    try:
        async for chunk in chunks:
            body += chunk
    except ConnectionAbortedError:  # a later fault
        yield body
        yield None
        raise
    middle = len(body) // 2
    yield body[:middle]
    yield None
    yield body[middle:]


def _is_event(block: bytes) -> bool:
    """Return whether *block* is an event, and no comment."""
    return any(line.startswith(_EVENT_LINES) for line in block.splitlines())
