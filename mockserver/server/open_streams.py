"""The responses on threads that are being sent, so that a reset can end them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web


class OpenStreams:
    """Open responses by session."""

    def __init__(self) -> None:
        self._streams: list[tuple[str, asyncio.AbstractEventLoop, web.BaseRequest]] = []

    @contextmanager
    def keep(self, session: str, request: web.BaseRequest) -> Iterator[None]:
        """Keep the response to *request* in *session* until the end of the block."""
        stream = session, asyncio.get_running_loop(), request
        self._streams.append(stream)
        try:
            yield
        finally:
            self._streams.remove(stream)

    def end(self, session: str | None) -> None:
        """End the responses in *session*, or in all sessions if it is None. Any thread may call this."""
        for name, loop, request in tuple(self._streams):
            if session in (None, name):
                loop.call_soon_threadsafe(close_connection, request)


def close_connection(request: web.BaseRequest) -> None:
    """Close the connection after the written bytes, without the end of the body."""
    if request.transport is not None:
        request.transport.close()
