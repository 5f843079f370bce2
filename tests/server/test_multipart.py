"""Forms with files: each request has another boundary, and they match by their parts."""

import json
from pathlib import Path

from tests.passage import Sent, record_and_replay
from tests.processes import running
from tests.scripted import Answer, Client, say

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[1]"


def form(boundary: bytes, note: bytes = b"hi", file: bytes = b"\x89PNG\r\n\xff") -> bytes:
    return (
        b'--%b\r\nContent-Disposition: form-data; name="note"\r\n\r\n%b\r\n'
        b'--%b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n%b\r\n--%b--\r\n"
    ) % (boundary, note, boundary, file, boundary)


async def send(url: str, boundary: bytes, body: bytes) -> Answer:
    async with Client(url) as client:
        head = b"POST /upload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        kind = b"content-type: multipart/form-data; boundary=" + boundary
        await client.send(head + kind + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        return await client.answer()


class Upload(Sent):
    """A form with the boundary *path*."""

    async def ask(self, url: str) -> Answer:
        boundary = self.path.encode()
        return await send(url, boundary, form(boundary))


async def test_a_form_matches_by_its_parts(tmp_path: Path) -> None:
    first = Upload("POST", "----WebKitFormBoundary7MA4YWxkTrZu0gW")
    passage = await record_and_replay(tmp_path, say(OK), first)
    other = b"----geckoformboundary5c8d3b1f2a7e49d6"
    with running("replay", "chat.yaml", folder=tmp_path) as player:
        same = await send(player.url, other, form(other))
        miss = await send(player.url, other, form(other, note=b"ho"))

    assert passage.played[0].body == same.body == b"[1]"
    explained = json.loads(miss.body)["detail"]
    assert 'body.multipart[0].text differs\n      recorded "hi"\n      got      "ho"' in explained
    assert "ignore: ['body.multipart[0].text']" in explained

    path = tmp_path / "chat.yaml"
    text = path.read_text()
    path.write_text(
        text.replace("mockserver: 1", "mockserver: 1\nignore: ['body.multipart[name=note].text']")
    )
    with running("replay", "chat.yaml", folder=tmp_path) as player:
        ignored = await send(player.url, other, form(other, note=b"ho"))

    assert ignored.body == b"[1]"
