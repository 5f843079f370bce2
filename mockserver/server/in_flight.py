"""The requests of a recorder that are being answered: they go on when their clients leave, and a stop waits for them."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from mockserver.cassette.thread_streams import asks_for_thread_events
from mockserver.http.messages import Request
from mockserver.redaction.redactor import describe
from mockserver.server.log import Log

_POLL_INTERVAL = 0.1

RESPONSE_GRACE = 3.0
"""How many seconds a stop waits for the rest of the upstream's responses."""

WRITE_GRACE = 10.0
"""How many seconds more a stop waits until complete exchanges are written to the file."""


class LiveResponse(Protocol):
    """A response that is still arriving from the upstream."""

    def is_complete(self) -> bool:
        """Return whether the upstream has sent everything."""

    def abandon(self) -> None:
        """Drop the upstream: nothing more comes."""


@dataclass(slots=True)
class _Flight:
    """A *request* of *client*; *live* is its response once its head has arrived."""

    client: web.BaseRequest
    request: Request
    live: LiveResponse | None = None


class InFlight:
    """The requests that are being answered, each in a task of its own.

    *survives_disconnect* returns whether the response to a request continues after the client has disconnected.
    """

    def __init__(self, log: Log, survives_disconnect: Callable[[Request], bool]) -> None:
        self._log = log
        self._survives_disconnect = survives_disconnect
        self._flights: dict[asyncio.Task[web.StreamResponse], _Flight] = {}

    async def run(
        self,
        client: web.BaseRequest,
        request: Request,
        answering: Coroutine[Any, Any, web.StreamResponse],
    ) -> web.StreamResponse:
        """Run *answering*, which answers *request*, in a task that can outlive the connection of *client*."""
        task = asyncio.create_task(answering)
        self._flights[task] = _Flight(client, request)
        task.add_done_callback(lambda done: self._flights.pop(done, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not self._survives_disconnect(request):
                self._abandon(task)
            raise

    def response_started(self, live: LiveResponse) -> None:
        """Note that *live* is the response of the current task."""
        task = asyncio.current_task()
        if task in self._flights:
            self._flights[task].live = live

    def response_recorded(self) -> None:
        """Note that the exchange of the current task is recorded: a client that does not read must not delay a stop."""
        task = asyncio.current_task()
        assert task is not None
        self._flights.pop(task, None)

    async def finish(self) -> None:
        """End the event streams, and wait a limited time for the other requests; log each one that is not recorded by then, and cancel it."""
        flights = self._flights
        for task, flight in list(flights.items()):
            if asks_for_thread_events(flight.request):
                self._abandon(task)
                _drop_unread(flight.client)
        await self._wait(RESPONSE_GRACE)
        for task, flight in list(flights.items()):
            if flight.live is None or not flight.live.is_complete():
                self._cancel_unfinished(task, f"answered {RESPONSE_GRACE:g}")
        await self._wait(WRITE_GRACE)
        for task in list(flights):
            self._cancel_unfinished(task, f"written {RESPONSE_GRACE + WRITE_GRACE:g}")

    async def _wait(self, seconds: float) -> None:
        """Wait at most that many *seconds* until everything is recorded."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._flights and loop.time() < end:
            await asyncio.wait(set(self._flights), timeout=_POLL_INTERVAL)

    def _cancel_unfinished(self, task: asyncio.Task[web.StreamResponse], phase: str) -> None:
        request = describe(self._flights[task].request)
        self._log.write(f"not recorded: {request} was still being {phase} s after the stop")
        task.cancel()

    def _abandon(self, task: asyncio.Task[web.StreamResponse]) -> None:
        """Stop forwarding a request whose client has disconnected, or an event stream at a stop."""
        flight = self._flights.get(task)
        if flight is None:
            return
        if flight.live is not None:
            flight.live.abandon()
            return
        request = describe(flight.request)
        self._log.write(
            f"not recorded: {request} had no response yet"
            if asks_for_thread_events(flight.request)
            else f"not recorded: the client disconnected from {request} before the response, which cancels the run"
        )
        task.cancel()


def _drop_unread(client: web.BaseRequest) -> None:
    """Close the connection of a *client* that does not read: a stop must not wait for it."""
    if client.transport is not None and client.transport.get_write_buffer_size():
        client.transport.abort()
