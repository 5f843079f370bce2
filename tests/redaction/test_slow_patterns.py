"""A pattern of the user that takes too long is named, and nothing else is held up by it."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.processes import Mockserver, run, running
from tests.tools.cassettes import HEALTHY, edited
from tests.tools.convert.har_entries import entry, har

pytestmark = pytest.mark.slow

SLOW = "(a+)+$"
TEXT = "a" * 3000
SCRIPT = f"""\
extends: built-in
rules:
- when: {{human: hello}}
  steps:
  - say: Hi.
- when: {{human: '{SLOW}'}}
  steps:
  - say: Never.
"""
HELD = edited(("content: hello", f"content: {TEXT}!"))


def fits(text: str) -> dict[str, Any]:
    return {
        "assistant_id": "agent",
        "input": {"messages": [{"role": "human", "content": text}]},
        "config": {"configurable": {"user_id": "1"}},
        "stream_mode": "updates",
    }


def ask(url: str, path: str, body: Any = None) -> tuple[int, str, str]:
    """Return status, source and body of the answer."""
    raw = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url + path, raw), timeout=120) as answer:
            return answer.status, answer.headers["x-mockserver-source"], answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers["x-mockserver-source"], error.read().decode()


def settings(folder: Path) -> None:
    (folder / "mockserver.yaml").write_text(f"redact: ['{SLOW}']\n")


def journal(server: Mockserver) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = json.loads(ask(server.url, "/__mockserver__/journal")[2])[
        "requests"
    ]
    return requests


@pytest.mark.parametrize("path", ["/runs/wait", "/runs/stream"])
def test_an_exchange_is_not_recorded_and_all_others_go_on(tmp_path: Path, path: str) -> None:
    settings(tmp_path)
    with (
        running("serve", "--speed", "instant", folder=tmp_path) as upstream,
        running("record", "a.yaml", "--upstream", upstream.url, folder=tmp_path) as server,
        ThreadPoolExecutor(1) as thread,
    ):
        slow = thread.submit(ask, server.url, path, fits(f"{TEXT}b"))
        while not journal(server):
            time.sleep(0.02)
        assert ask(server.url, "/ok")[0] == 200
        assert "not recorded" not in server.errors
        assert slow.result()[:2] == (200, "upstream")
        assert ask(server.url, path, fits("hello"))[0] == 200
        asked = journal(server)
        status = server.stop()

    cassette = (tmp_path / "a.yaml").read_text()
    assert status == 2
    assert "content: hello" in cassette
    assert TEXT not in cassette
    named = f"mockserver.yaml: redact: pattern {SLOW!r} took longer than"
    told = [line for line in server.errors.splitlines() if line.startswith("not recorded")]
    assert told == [f"not recorded: POST {path}: {named} 2 s: simplify it"]
    assert "1 exchange could not be recorded" in server.errors
    assert [one["path"] for one in asked] == ["/REDACTED", path]
    assert asked[0]["text"] == "REDACTED"
    assert server.errors.count(f"{named} 0.2 s") == 1


def test_a_request_that_cannot_be_compared_is_an_error(tmp_path: Path) -> None:
    settings(tmp_path)
    (tmp_path / "a.yaml").write_text(HEALTHY)
    with running("replay", "a.yaml", "--speed", "instant", folder=tmp_path) as server:
        slow = ask(server.url, "/runs/stream", fits(f"{TEXT}b"))
        fast = ask(server.url, "/runs/stream", fits("hello"))
        miss = ask(server.url, "/runs/stream", fits("other"))
        asked = journal(server)
        status = server.stop()

    named = f"mockserver.yaml: redact: pattern {SLOW!r} took longer than 0.2 s: simplify it"
    assert slow == (500, "error", json.dumps({"detail": named}, separators=(",", ":")))
    assert fast[:2] == (200, "cassette")
    assert miss[:2] == (404, "miss")
    assert [(one["source"], one["path"]) for one in asked] == [
        ("error", "/REDACTED"),
        ("cassette", "/runs/stream"),
        ("miss", "/runs/stream"),
    ]
    assert status == 2
    assert f"error: POST /runs/stream: {named}" in server.errors


@pytest.mark.parametrize("path", ["/runs/wait", "/runs/stream"])
def test_a_pattern_of_a_script_fails_its_run(tmp_path: Path, path: str) -> None:
    (tmp_path / "script.yaml").write_text(SCRIPT)
    with running("serve", "--script", "script.yaml", folder=tmp_path) as server:
        status, source, body = ask(server.url, path, fits(f"{TEXT}b"))
        again = ask(server.url, "/runs/stream", fits("hello"))

        assert server.stop() == 0

    named = f"script.yaml, line 6: human: pattern {SLOW!r} took longer than 0.1 s: simplify it"
    assert (status, source) == (200, "fake")
    assert json.dumps(named)[1:-1] in body
    assert "TimeoutError" in body
    assert '"Hi."' in again[2]
    assert f"fake: POST {path}: {named}" in server.errors


def test_a_thread_goes_on_after_a_run_that_failed_so(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text(SCRIPT)
    with running("serve", "--script", "script.yaml", folder=tmp_path) as server:
        thread = json.loads(ask(server.url, "/threads", {})[2])["thread_id"]
        failed = ask(server.url, f"/threads/{thread}/runs/wait", fits(f"{TEXT}b"))[2]
        told = ask(server.url, f"/threads/{thread}/runs/wait", fits("hello"))[2]

    assert "script.yaml, line 6" in failed
    assert json.loads(told)["messages"][-1]["content"] == "Hi."


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("scrub",), id="scrub"),
        pytest.param(("scrub", "--check"), id="scrub --check"),
        pytest.param(("lint", "--fix"), id="lint"),
    ],
)
def test_a_tool_leaves_the_file_as_it_is(tmp_path: Path, command: tuple[str, ...]) -> None:
    settings(tmp_path)
    (tmp_path / "a.yaml").write_text(HELD)

    done = run(*command, "a.yaml", folder=tmp_path)

    assert done.returncode == 2
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("mockserver:")]
    assert told.startswith(f"mockserver: a.yaml: mockserver.yaml: redact: pattern {SLOW!r} took")
    assert (tmp_path / "a.yaml").read_text() == HELD


def test_a_rule_of_the_command_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HELD)

    done = run("scrub", "a.yaml", "--rule", SLOW, folder=tmp_path)

    assert done.returncode == 2
    assert f"a.yaml: --rule pattern {SLOW!r} took longer than 2 s" in done.stderr


def test_an_import_makes_no_cassette(tmp_path: Path) -> None:
    settings(tmp_path)
    asked = entry()
    asked["request"]["postData"]["text"] = json.dumps(fits(f"{TEXT}b"))
    (tmp_path / "a.har").write_bytes(har(asked))

    done = run("import", "a.har", "--into", "a.yaml", folder=tmp_path)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"a.har: mockserver.yaml: redact: pattern {SLOW!r} took longer" in done.stderr
    assert not (tmp_path / "a.yaml").exists()


def test_a_live_answer_is_not_compared(tmp_path: Path) -> None:
    settings(tmp_path)
    (tmp_path / "a.yaml").write_text(HELD)
    with running("serve", "--speed", "instant", folder=tmp_path) as upstream:
        done = run("verify", "a.yaml", "--upstream", upstream.url, folder=tmp_path)

    assert done.returncode == 2
    assert f"mockserver: mockserver.yaml: redact: pattern {SLOW!r} took longer" in done.stderr
    assert "Traceback" not in done.stderr
