"""Many streams at once, and how late their events come."""

import asyncio
import time
from dataclasses import dataclass

from tests.benchmarks import work
from tests.benchmarks.servers import Server, keep_to

_BEGIN = 1.0
"""Within how many seconds the streams begin, so that it is the pace that is measured, and not how long a thousand requests wait for their turn."""

_MARK = b"event: "
_LAST = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Lateness:
    """The 99th percentile of how many seconds an event came *late*, and how many streams *lost* one."""

    late: float
    lost: int


class _Listening(asyncio.Protocol):
    """One stream: takes the time of each event."""

    def __init__(self, request: bytes) -> None:
        self.late: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self._request = request
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the signal to send."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self) -> None:
        """Ask for the stream."""
        self._asked = time.perf_counter()
        self.transport.write(self._request)

    def data_received(self, got: bytes) -> None:
        """Take the time of the events that came."""
        now = time.perf_counter() - self._asked
        both = self._tail + got
        for _ in range(both.count(_MARK)):
            self.late.append(now - (len(self.late) + 1) * work.GAP)
        tail_size = len(_MARK) - 1
        self._tail = both[-tail_size:] if not both.endswith(_MARK) else b""
        if both.endswith(_LAST) or got == _LAST[2:]:
            self._end()

    def connection_lost(self, error: Exception | None) -> None:
        """The stream has ended, too early perhaps."""
        self._end()

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def lateness(server: Server, count: int) -> Lateness:
    """Ask *server* for so many streams at once, and return how late they were."""
    keep_to(1)
    body = work.question(0)
    head = (
        f"POST {work.PATH} HTTP/1.1\r\nhost: {server.host}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    streams: list[_Listening] = []
    for _ in range(count):
        _, stream = await loop.create_connection(
            lambda: _Listening(head.encode() + body), server.host, server.port
        )
        streams.append(stream)
    started = loop.time()
    for number, stream in enumerate(streams):
        await asyncio.sleep(started + _BEGIN * number / count - loop.time())
        stream.ask()
    await asyncio.gather(*(stream.done for stream in streams))
    for stream in streams:
        stream.transport.close()
    late = sorted(at for stream in streams for at in stream.late)
    lost = sum(len(stream.late) != work.EVENTS for stream in streams)
    return Lateness(late[len(late) * 99 // 100], lost)
