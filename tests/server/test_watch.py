"""Files that are edited while the server runs: problems are reported without a request."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import Mockserver, running
from tests.replaying import cassette

HAND_WRITTEN = """\
mockserver: 1
---
request:
  path: /runs/stream
response:
  events:
  - event: metadata
    data: {run_id: x}
  - event: values
    data: '{"messages": [}'
  - event: end
  - comment: heartbeat
"""
NOT_JSON = "chat.yaml, line 10: the data of 'values' is not JSON: Expecting value: line 1 column 15 (char 14); it is sent as it is\n"


async def _lines(server: Mockserver, expected: Callable[[str], bool]) -> str:
    """Return what *server* has written as soon as it is *expected*."""
    for _ in range(1000):
        if expected(text := server.errors):
            return text
        await asyncio.sleep(0.02)
    pytest.fail(f"this is all: {server.errors}")


@pytest.mark.parametrize("command", ["serve", "replay"])
async def test_a_broken_save_is_reported_without_a_request(command: str, tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text(cassette(("hi", "one")))
    with running(command, "chat.yaml", folder=tmp_path) as server:
        path.write_text(cassette(("hi", "one")) + "respons: 1\n")
        text = await _lines(server, lambda text: "respons" in text)
        path.write_text(cassette(("hi", "two")))
        await _lines(server, lambda text: text.endswith("chat.yaml: reloaded, 1 exchange\n"))

    assert text == (
        "chat.yaml, line 8: an exchange has no key `respons`: did you mean `response`?; "
        "the last good version stays in use\n"
    )


async def test_a_broken_save_of_a_script_is_reported_without_a_request(tmp_path: Path) -> None:
    (tmp_path / "say.yaml").write_text("rules:\n- steps:\n  - say: Hi.\n")
    (tmp_path / "cassettes").mkdir()
    with running("serve", "cassettes", "--script", "say.yaml", folder=tmp_path) as server:
        (tmp_path / "say.yaml").write_text("rules:\n- steps:\n  - said: Hi.\n")
        text = await _lines(server, lambda text: "say.yaml" in text)

    assert text.startswith("say.yaml, line 3: ")
    assert text.endswith("; the previous version stays in use\n")


async def test_data_that_is_not_json_is_reported_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(HAND_WRITTEN)
    with running("serve", "chat.yaml", folder=tmp_path) as server:
        text = await _lines(server, lambda text: "\n" in text)

    assert text == NOT_JSON


async def test_data_that_is_not_json_is_reported_when_it_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text(HAND_WRITTEN.replace("[}", "[]}"))
    with running("replay", "chat.yaml", folder=tmp_path) as server:
        path.write_text(HAND_WRITTEN)
        text = await _lines(server, lambda text: "not JSON" in text)

    assert text == f"chat.yaml: reloaded, 1 exchange\n{NOT_JSON}"


async def test_a_new_file_with_a_broken_response_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(cassette(("hi", "one")))
    with running("serve", ".", folder=tmp_path) as server:
        (tmp_path / "chat.yaml").write_text(HAND_WRITTEN.replace("  events:", "  event:"))
        text = await _lines(server, lambda text: "`event`" in text)

    assert text == (
        "chat.yaml: reloaded, 1 exchange\n"
        "chat.yaml, line 6: response has no key `event`: did you mean `events`?\n"
    )
