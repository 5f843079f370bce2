"""`record --extend` and threads: the upstream does not know the recorded ones, so all requests on threads go to it."""

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.processes import Mockserver, running


def ask(server: Mockserver, path: str, body: Any) -> tuple[Any, str]:
    """Return the response, and where it comes from."""
    request = Request(server.url + path, json.dumps(body).encode())
    with urlopen(request, timeout=60) as response:
        return json.load(response), response.headers["x-mockserver-source"]


def converse(server: Mockserver, *questions: str) -> set[str]:
    """Create a thread, ask *questions* on it, and return where the responses come from."""
    created, source = ask(server, "/threads", {})
    sources = {source}
    for text in questions:
        body = {
            "assistant_id": "agent",
            "input": {"messages": [{"role": "human", "content": text}]},
        }
        said, source = ask(server, f"/threads/{created['thread_id']}/runs/wait", body)
        assert said["messages"][-2]["content"] == text
        sources.add(source)
    return sources


def test_a_page_that_asks_something_new_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    with running("serve", "--speed", "instant", folder=tmp_path) as upstream:
        with running("record", path, "--upstream", upstream.url, folder=tmp_path) as recorder:
            assert converse(recorder, "My name is Ada") == {"upstream"}
            assert recorder.stop() == 0
        extend = ("record", path, "--extend", "--upstream", upstream.url)
        with running(*extend, folder=tmp_path) as recorder:
            assert converse(recorder, "My name is Ada") == {"upstream"}
            assert converse(recorder, "My name is Ada", "What is my name?") == {"upstream"}
            assert recorder.stop() == 0
            assert (
                "kept 1 new conversation, dropped 1 that was recorded before; --overwrite renews them"
                in recorder.errors
            )

    with running("replay", path, "--speed", "instant", folder=tmp_path) as player:
        for _ in range(2):
            assert converse(player, "My name is Ada") == {"cassette"}
            assert converse(player, "My name is Ada", "What is my name?") == {"cassette"}
        assert player.stop() == 0, player.errors
