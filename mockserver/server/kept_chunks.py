"""Keep what is sent of a streamed response for the journal."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from mockserver.http.messages import Reply, StreamingBody
from mockserver.server.journal import Journal, JournalEntry


def keep_chunks(
    reply: Reply, journal: Journal, entry: JournalEntry | None, started: float
) -> Reply:
    """Return *reply*; if its body is streamed, *entry* of *journal* gets its chunks, with their times since *started*."""
    body = reply.body
    if entry is None or not isinstance(body, StreamingBody):
        return reply
    chunks = _read(body.chunks, journal, entry, started)
    return replace(reply, body=replace(body, chunks=chunks))


async def _read(
    chunks: AsyncGenerator[bytes, None], journal: Journal, entry: JournalEntry, started: float
) -> AsyncGenerator[bytes, None]:
    now = asyncio.get_running_loop().time
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                journal.add_chunk(entry, now() - started, chunk)
                yield chunk
    finally:
        journal.finish(entry, now() - started)
