"""The report of a run: `replay --report FILE`, `GET /__mockserver__/report` and `…/misses`."""

from pathlib import Path
from typing import Any

from tests.processes import run
from tests.replaying import Server, Start, cassette
from tests.single_page import read_page_data


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
    assert "alert(1)</script>" not in page
    shown: Any = read_page_data(page)
    assert (shown["kind"], shown["title"], shown["health"]["mode"]) == (
        "report",
        "mockserver replay",
        "report",
    )
    hit, miss = shown["calls"]
    assert (hit["source"], hit["exchange"]) == ("cassette", "chat.yaml#1")
    assert hit["response"]["body"] == {"answer": "one"}
    assert 'got      "<script>alert(1)</script>"' in miss["note"]
    assert [(one["exchange"], one["played"]) for one in shown["exchanges"]] == [
        ("chat.yaml#1", 1),
        ("chat.yaml#2", 0),
    ]
    assert shown["unplayed"] == ["chat.yaml#2"]
    assert shown["cassettes"] == [{"cassette": "chat.yaml", "exchanges": 2, "played": 1}]


async def test_plays_before_a_reset_are_not_called_unplayed(start: Start) -> None:
    server = await start(chat=cassette(("hi", "one")))
    await server.ask("hi")
    async with server.client.post("/__mockserver__/reset"):
        pass

    _, _, page = await read(server, "report")

    shown: Any = read_page_data(page)
    assert (shown["unplayed"], shown["exchanges"][0]["played"]) == ([], 0)


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
    shown: Any = read_page_data((tmp_path / "r.html").read_text())
    assert shown["unplayed"] == ["chat.yaml#1"]


def test_a_report_into_no_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "one")))

    ended = run("replay", "chat.yaml", "--report", "none/r.html", folder=tmp_path)

    assert ended.returncode == 2
    assert ended.stderr == "mockserver: none/r.html: folder does not exist\n"
