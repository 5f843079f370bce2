"""Load that outruns the servers: by wrk where it is there, else by raw sockets of our own. No HTTP library."""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.benchmarks import work
from tests.benchmarks.servers import Server, keep_to

CONNECTIONS = 16

_DONE = re.compile(r"(\d+) requests in ([\d.]+)s")
_FAULTS = re.compile(r"Socket errors: (.*)|Non-2xx or 3xx responses: (\d+)")
_SCRIPT = """
local requests = {}
local number = 0
function init(arguments)
  for line in io.lines(%r) do
    requests[#requests + 1] = wrk.format("POST", %r, {["content-type"] = "application/json"}, line)
  end
end
function request()
  number = number %% #requests + 1
  return requests[number]
end
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How many requests were answered, and in how many *seconds*."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def tool() -> str:
    """Return the name of what makes the load."""
    return "wrk" if shutil.which("wrk") else "raw sockets"


def load(
    server: Server, bodies: Sequence[bytes], seconds: float, connections: int = CONNECTIONS
) -> Done:
    """Ask *server* for *seconds* over so many *connections*, each with the next of *bodies*, a line each."""
    if tool() == "wrk":
        return _wrk(server, bodies, seconds, connections)
    return asyncio.run(_send_all(server, bodies, seconds, connections))


def _wrk(server: Server, bodies: Sequence[bytes], seconds: float, connections: int) -> Done:
    with tempfile.TemporaryDirectory() as folder:
        lines, script = Path(folder, "bodies"), Path(folder, "load.lua")
        lines.write_bytes(b"".join(body + b"\n" for body in bodies))
        script.write_text(_SCRIPT % (str(lines), work.PATH))
        command = [
            "wrk",
            "-t1",
            "--timeout",
            "30s",
            f"-c{connections}",
            f"-d{max(round(seconds), 1)}s",
        ]
        ran = subprocess.run(
            [*command, "-s", str(script), server.url + work.PATH],
            capture_output=True,
            text=True,
            check=True,
            preexec_fn=lambda: keep_to(1),
        )
    if faults := _FAULTS.search(ran.stdout):
        raise RuntimeError(f"{server.url}: {faults[0]}")
    found = _DONE.search(ran.stdout)
    assert found, ran.stdout
    return Done(int(found[1]), float(found[2]))


class Asking(asyncio.Protocol):
    """One connection that asks the next of *requests* *pause* seconds after it has the answer to the one before, until it is closed."""

    def __init__(
        self, requests: Sequence[bytes], first: int, step: int, pause: float = 0.0
    ) -> None:
        self.answered = 0
        self.firsts: list[float] = []
        """After how many seconds the first byte of each answer came."""
        self._requests = requests
        self._number = first
        self._step = step
        self._pause = pause
        self._tail = b""
        self._left = -1
        self._new = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def data_received(self, got: bytes) -> None:
        """Take a piece of the answer; ask again when it is whole."""
        if self._new:
            self.firsts.append(time.perf_counter() - self._asked)
            self._new = False
        if self._is_whole(got):
            self.answered += 1
            if self._pause:
                asyncio.get_running_loop().call_later(self._pause, self._ask)
            else:
                self._ask()

    def _ask(self) -> None:
        if self.transport.is_closing():
            return
        self._new, self._left, self._tail = True, -1, b""
        self._asked = time.perf_counter()
        self.transport.write(self._requests[self._number % len(self._requests)])
        self._number += self._step

    def _is_whole(self, got: bytes) -> bool:
        if self._left >= 0:
            self._left -= len(got)
            return self._left == 0
        both = self._tail + got
        head, found, body = both.partition(b"\r\n\r\n")
        if found and self._left == -1:
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode("latin-1"))
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            if length:
                self._left = int(length) - len(body)
                return self._left == 0
            self._left = -2  # it comes in chunks
        self._tail = both[-1024:] if not found else both[-7:]
        return both.endswith(b"\r\n0\r\n\r\n")


async def asking(
    server: Server, bodies: Sequence[bytes], connections: int, pause: float = 0.0
) -> list[Asking]:
    """Return so many *connections*, which are asking *server* already, with a *pause* in seconds before each next time."""
    head = f"POST {work.PATH} HTTP/1.1\r\nhost: {server.host}\r\ncontent-type: application/json\r\n"
    requests = [f"{head}content-length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    loop = asyncio.get_running_loop()
    made: list[Asking] = []
    for number in range(connections):
        connect = partial(Asking, requests, number, connections, pause)
        _, protocol = await loop.create_connection(connect, server.host, server.port)
        made.append(protocol)
    return made


async def _send_all(
    server: Server, bodies: Sequence[bytes], seconds: float, connections: int
) -> Done:
    started = time.perf_counter()
    all_of_them = await asking(server, bodies, connections)
    await asyncio.sleep(seconds)
    spent = time.perf_counter() - started
    for one in all_of_them:
        one.transport.abort()
    return Done(sum(one.answered for one in all_of_them), spent)
