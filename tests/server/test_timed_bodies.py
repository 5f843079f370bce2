"""Bodies that come bit by bit and are no events, such as NDJSON: recorded with their times, and played in the same pieces."""

import asyncio
from pathlib import Path

import pytest

from tests.processes import run, running
from tests.scripted import LAST, Client, Wire, ask, chunk, exchanges, upstream

LINES = (b'{"n":1}\n', b'{"n":2,"key":"sk-proj-abcdefgh', b'12345678"}\n')
PAUSE = 0.1


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/jsonl", "text/plain"])
async def test_lines_come_at_the_recorded_pace(kind: str, tmp_path: Path) -> None:
    arrived = [asyncio.Event() for _ in LINES]

    async def script(wire: Wire) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n".encode()
        await wire.send(head + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n")
        for line, event in zip(LINES, arrived, strict=True):
            await wire.send(chunk(line))
            await event.wait()
            await asyncio.sleep(PAUSE)
        await wire.send(LAST)

    async with upstream(script) as server:
        with running("record", "chat.yaml", "--upstream", server.url, folder=tmp_path) as recorder:
            async with Client(recorder.url) as client:
                await client.ask("GET", "/lines")
                for line, event in zip(LINES, arrived, strict=True):
                    await client.until(line)
                    event.set()
                await client.until(LAST)
            assert recorder.stop() == 0
    with running("replay", "chat.yaml", "--speed", "instant", folder=tmp_path) as player:
        instant = await ask(player.url, "GET", "/lines")
    with running("replay", "chat.yaml", folder=tmp_path) as player:
        async with Client(player.url) as client:
            await client.ask("GET", "/lines")
            paced = await client.until(LAST)

    (document,) = exchanges((tmp_path / "chat.yaml").read_text())
    assert document.endswith("""\
  chunks:
  - text: |
      {"n":1}
  - text: |-
      {"n":2,"key":"REDACTED
  - text: |
      "}
  end: {how: closed}
""")
    assert instant.body == b'{"n":1}\n{"n":2,"key":"REDACTED"}\n'
    pieces = (b'{"n":1}\n', b'{"n":2,"key":"REDACTED', b'"}\n')
    assert paced.partition(b"\r\n\r\n")[2] == b"".join(map(chunk, pieces)) + LAST
    assert "in 3 chunks, after 0." in run("show", "chat.yaml", "1", folder=tmp_path).stdout
    assert "chunks" not in run("show", "chat.yaml", "1", "--stable", folder=tmp_path).stdout


BY_HAND = """\
mockserver: 1
---
request: {method: GET, path: /lines}
response:
  chunks:
  - text: one
  - {after: 0.001, base64: /w==}
  - {after: 0.001, text: ''}
"""


async def test_chunks_can_be_written_by_hand(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(BY_HAND)
    with running("replay", "chat.yaml", folder=tmp_path) as player:
        answer = await ask(player.url, "GET", "/lines")

    assert answer.body == b"one\xff"
    assert answer.header(b"content-type") == b"text/plain; charset=utf-8"
    assert run("lint", "chat.yaml", folder=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ("[one]", "line 5: a chunk must be a mapping such as `text: hello`"),
        ("[{after: 1}]", "line 5: a chunk needs a `text` or `base64`"),
        ("[{text: a, base64: ''}]", "line 5: a chunk has text and base64"),
        ("[{text: a, at: 1}]", "line 5: a chunk has no key `at`"),
        ("[]\n  body: 1", "line 6: response has chunks and body"),
    ],
)
def test_an_error_in_chunks_names_its_line(chunks: str, message: str, tmp_path: Path) -> None:
    head = BY_HAND.partition("  chunks:")[0]
    (tmp_path / "chat.yaml").write_text(f"{head}  chunks: {chunks}\n")

    assert message in run("show", "chat.yaml", folder=tmp_path).stderr
