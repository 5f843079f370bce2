"""Record requests through `mockserver record`, and play them with `mockserver replay`: over sockets, byte for byte."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.processes import running
from tests.scripted import Answer, ReceivedRequest, Script, ask, upstream


@dataclass(frozen=True, slots=True)
class Sent:
    """A request of the client; *headers* are whole lines."""

    method: str
    path: str
    headers: tuple[bytes, ...] = ()
    body: bytes = b""

    async def ask(self, url: str) -> Answer:
        """Return the answer of the server at *url*."""
        return await ask(url, self.method, self.path, self.body, *self.headers)


@dataclass(frozen=True, slots=True)
class Passage:
    """What the upstream received, what the client got in each mode, the cassette, and stderr of the recorder."""

    received: list[ReceivedRequest]
    recorded: list[Answer]
    played: list[Answer]
    cassette: str
    errors: str


async def record_and_replay(
    folder: Path, script: Script, *requests: Sent, speed: str = "instant"
) -> Passage:
    """Record *requests* from an upstream that plays *script*, then replay them."""
    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=folder) as recorder:
            recorded = [await request.ask(recorder.url) for request in requests]
            assert await asyncio.to_thread(recorder.stop) == 0
    with running("replay", "chat.yaml", "--speed", speed, folder=folder) as player:
        played = [await request.ask(player.url) for request in requests]
        player.stop()
    text = (folder / "chat.yaml").read_text()
    return Passage(server.requests, recorded, played, text, recorder.errors)
