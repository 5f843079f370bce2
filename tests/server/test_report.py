"""The report of a run: `replay --report FILE`, `GET /__mockserver__/report` and `…/misses`."""

from html.parser import HTMLParser
from pathlib import Path

from tests.processes import run
from tests.replaying import Server, Start, cassette


class _Cells(HTMLParser):
    """Collects the text of each table row, and the text of the preformatted blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.blocks: list[str] = []
        self._in_block = False
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append("")
        elif tag == "pre":
            self.blocks.append("")
            self._in_block = True
        elif tag == "td":
            self.rows[-1] += "|"
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._in_block = False
        elif tag == "td":
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_block:
            self.blocks[-1] += data
        elif self._in_cell:
            self.rows[-1] += data.strip()


def parse(page: str) -> _Cells:
    cells = _Cells()
    cells.feed(page)
    return cells


async def read(server: Server, name: str) -> tuple[int, str, str]:
    """Return status, content type and text of the control path *name*."""
    async with server.client.get(f"/__mockserver__/{name}") as response:
        return response.status, response.content_type, await response.text()


async def test_misses_are_a_conflict(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    await server.ask("hi", x_mockserver_session="good")
    before = await read(server, "misses")
    await server.ask("<b>", x_mockserver_session="bad")
    await server.ask("&", x_mockserver_session="bad")

    assert before == (200, "text/plain", "no misses\n")
    status, _, text = await read(server, "misses")
    assert status == 409
    assert text.count("POST /runs/wait: no exchange matches\n") == 2
    assert 'got      "<b>"\n' in text
    assert (await read(server, "misses?session=good"))[0] == 200
    assert (await read(server, "misses?session=bad"))[0] == 409


async def test_the_report_shows_requests_misses_and_plays(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one"), ("ho", "two")))
    await server.ask("hi")
    await server.ask("<script>alert(1)</script>")

    status, kind, page = await read(server, "report")

    assert (status, kind) == (200, "text/html")
    assert "<script" not in page
    cells = parse(page)
    assert any(row.endswith("||POST /runs/wait|200|cassettechat.yaml#1") for row in cells.rows)
    assert any(row.endswith("||POST /runs/wait|404|miss") for row in cells.rows)
    assert any('got      "<script>alert(1)</script>"' in block for block in cells.blocks)
    assert "|chat.yaml#1|POST /runs/wait|1" in cells.rows
    assert "|chat.yaml#2|POST /runs/wait|never" in cells.rows


async def test_plays_before_a_reset_are_not_called_unplayed(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    await server.ask("hi")
    async with server.client.post("/__mockserver__/reset"):
        pass

    _, _, page = await read(server, "report")

    assert "|chat.yaml#1|POST /runs/wait|before the reset" in parse(page).rows


async def test_secrets_are_redacted_in_the_report(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    await server.ask("my key is sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789")

    for name in ("report", "misses"):
        _, _, text = await read(server, name)
        assert "abcdefghijklm" not in text
        assert "REDACTED" in text


def test_replay_writes_the_report_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one")))

    ended = run(
        "replay", "chat.yaml", "--port", "0", "--report", "r.html", "--", "true", folder=tmp_path
    )

    assert ended.returncode == 0
    page = (tmp_path / "r.html").read_text()
    assert "|chat.yaml#1|POST /runs/wait|never" in parse(page).rows


def test_a_report_into_no_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one")))

    ended = run("replay", "chat.yaml", "--report", "none/r.html", folder=tmp_path)

    assert ended.returncode == 2
    assert ended.stderr == "mockserver: none/r.html: folder does not exist\n"
