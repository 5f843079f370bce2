"""How much of mockserver a reader must know to follow one request."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp

import mockserver
from mockserver import MockServer
from mockserver.cassette.model import Stream
from mockserver.tools.cassette_source import parse_source
from tests.documents import ROOT

PACKAGE = f"{Path(mockserver.__file__).parent}/"
HELLO = ROOT / "cassettes" / "hello.yaml"

MOST = 18
"""How many modules a recorded response may take."""

WATCHES = "server/modes.py"
"""It looks for edited files meanwhile."""


async def test_a_first_recorded_response_takes_few_modules() -> None:
    exchange = next(parse_source("hello", HELLO.read_bytes()).exchanges).require_exchange()
    assert isinstance(exchange.response.content, Stream)
    crossed: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(PACKAGE):
            crossed.add(path.removeprefix(PACKAGE))

    async with MockServer(HELLO) as server, aiohttp.ClientSession(server.url) as client:
        sys.setprofile(note)
        try:
            async with client.post("/runs/stream", data=exchange.request.body) as response:
                await response.read()
        finally:
            sys.setprofile(None)

    assert response.headers["x-mockserver-exchange"] == "hello.yaml#1"
    assert len(crossed - {WATCHES}) <= MOST, sorted(crossed)
