"""Event streams of a live server, opened and closed as the recorded ones were."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from mockserver.cassette.model import Ending, Exchange
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.summary import measure_duration
from mockserver.errors import UpstreamError
from mockserver.formats import sse
from mockserver.http.messages import Request
from mockserver.server.upstream import Upstream
from mockserver.tools.cassette_source import Part
from mockserver.tools.compare.stream_progress import StreamProgress, measure, select_seen
from mockserver.tools.compare.thread_logs import pair_ids_in_streams
from mockserver.tools.compare.verify import LiveConversation
from mockserver.tools.readable_events import starts_run

_SETTLE_TIMEOUT = 2.0
"""Seconds that the server may take for the head of a stream, and for what comes after the end of a run."""


class LiveStream:
    """A stream that is being read beside the *recorded* one of *part*; *error* is why it ended, *problems* are for the report."""

    def __init__(
        self, part: Part, recorded: Exchange, upstream: Upstream, request: Request
    ) -> None:
        self.part = part
        self.recorded = recorded
        self.error: UpstreamError | None = None
        self.problems: list[str] = []
        self.has_head = False
        """Whether the head of the response came. A server may wait for the first event with it."""
        started = time.monotonic()
        self._recorder = Recorder(request, started, started)
        self._unread = b""
        self._progress = StreamProgress()
        self._news = asyncio.Event()
        self._closed: Exchange | None = None
        self._task = asyncio.create_task(self._read(upstream, request))

    @property
    def exchange(self) -> Exchange:
        """The request, and what has come of the response."""
        return self._closed or self._recorder.finish(time.monotonic(), Ending.OPEN)

    @property
    def seconds(self) -> float:
        """How long it was open."""
        return measure_duration(self.exchange.response)

    @property
    def recorded_end(self) -> float:
        """When the recorded client closed its stream, in seconds since the recording started."""
        if self.recorded.at is None:
            return inf
        return self.recorded.at + measure_duration(self.recorded.response)

    async def wait_for(self, wanted: StreamProgress) -> None:
        """Wait until as much came as is *wanted*, or the stream has ended."""
        while not self._progress.has_reached(wanted) and await self._has_news():
            pass

    async def wait_for_head(self) -> None:
        """Wait until the head of the response came, or the stream has ended."""
        while not self.has_head and await self._has_news():
            pass

    async def close(self) -> None:
        if not self._task.done():
            self._closed = self.exchange
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _read(self, upstream: Upstream, request: Request) -> None:
        try:
            response = await upstream.send(request)
            self._recorder.start_response(response.status, response.reason, response.headers)
            self.has_head = True
            self._news.set()
            async for chunk in response.chunks:
                self._feed(chunk)
            self._closed = self._recorder.finish(time.monotonic())
            if response.status == 200:
                self.problems.append("the server closed the stream")
        except UpstreamError as error:
            self.error = error
            self.problems.append(str(error))
        finally:
            self._news.set()

    def _feed(self, chunk: bytes) -> None:
        self._recorder.feed(chunk, time.monotonic())
        events, self._unread = sse.decode_received(self._unread + chunk)
        self._progress.add_received(events)
        self._news.set()

    async def _has_news(self) -> bool:
        """Wait for the next chunk; return False if the stream has ended."""
        if self._task.done():
            return False
        await self._news.wait()
        self._news.clear()
        return True


@dataclass(slots=True)
class ThreadStreams:
    """The streams of one thread; *timeout* limits how long the server may take to come as far as the recording."""

    conversation: LiveConversation
    timeout: float
    streams: list[LiveStream] = field(default_factory=list)
    runs: int = 0
    """How many runs were started."""
    is_lost: bool = False
    """Whether the server did something else than in the recording: there is nothing to wait for."""

    @property
    def exchanges(self) -> Iterator[Exchange]:
        return (stream.exchange for stream in self.streams)

    def note_run(self, recorded: Exchange, live: Exchange) -> None:
        """Count the run that the *recorded* command started. Without a *live* one there is nothing to wait for."""
        if starts_run(recorded):
            self.runs += 1
            self.is_lost = self.is_lost or not starts_run(live)

    async def catch_up(self, at: float | None) -> None:
        """Wait until each stream shows what the recorded one had shown *at* this time, and close those that the client had closed.

        The ids that came stand for the recorded ones from then on.
        """
        for stream in self.streams:
            if not self.is_lost:
                await self._wait_for(stream, at)
            if at is not None and stream.recorded_end <= at:
                await stream.close()
        recorded = (stream.recorded for stream in self.streams)
        pair_ids_in_streams(recorded, self.exchanges, self.conversation.comparator)

    async def finish(self) -> None:
        """Wait until each stream shows as much as the recorded one, and close it."""
        await self.catch_up(inf)
        for stream in self.streams:
            await self._settle(stream.wait_for_head())
        await self.close()

    async def close(self) -> None:
        for stream in self.streams:
            await stream.close()

    async def _wait_for(self, stream: LiveStream, at: float | None) -> None:
        wanted = measure(select_seen(stream.recorded, at, self.runs))
        try:
            async with asyncio.timeout(self.timeout):
                await stream.wait_for(wanted.last_mark if wanted.is_over else wanted)
        except TimeoutError:
            self.is_lost = True
            stream.problems.append(
                f"what came next in the recording did not come within {self.timeout:g} s"
            )
            return
        await self._settle(stream.wait_for(wanted))

    async def _settle(self, done: Coroutine[None, None, None]) -> None:
        """Wait until what should come soon is *done*; it may also never come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self.timeout, _SETTLE_TIMEOUT)):
                await done
