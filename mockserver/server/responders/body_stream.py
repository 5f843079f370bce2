"""Bodies that are produced while they are sent: by the fake graph, or from the events of a recorded thread."""

import asyncio
import time
from collections.abc import AsyncGenerator

from mockserver.fake.response import KEEPALIVE_SECONDS, BodyReader


async def stream_body(reader: BodyReader, chunk: bytes) -> AsyncGenerator[bytes, None]:
    """Yield *chunk*, then the rest of the body as time passes."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    unsubscribe = reader.subscribe(changed.set)
    next_keepalive = time.monotonic() + KEEPALIVE_SECONDS
    more: float | None = 0.0
    try:
        if chunk:
            yield chunk
        while True:
            chunk, more = reader.read(time.monotonic())
            if chunk:
                yield chunk
            if more is None:
                return
            delay = min(more, next_keepalive) - time.monotonic()
            timer = loop.call_later(delay, changed.set)
            await changed.wait()
            timer.cancel()
            changed.clear()
            if time.monotonic() >= next_keepalive:
                next_keepalive += KEEPALIVE_SECONDS
                yield reader.keepalive
    finally:
        unsubscribe()
        if more is not None:
            reader.client_left(time.monotonic())
