from typing import Any

import pytest

from mockserver.tools.scripts.recorded_runs import read_messages

CALL = {"name": "f", "args": {"a": 1}, "id": "c"}


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        pytest.param("hi", [("human", "hi", [])], id="text"),
        pytest.param({"role": "user", "content": "hi"}, [("human", "hi", [])], id="a role"),
        pytest.param({"role": "assistant", "content": "hi"}, [("ai", "hi", [])], id="another role"),
        pytest.param([{"type": "AIMessageChunk", "content": []}], [("ai", [], [])], id="a chunk"),
        pytest.param([{"type": "ai", "content": ["a", {}, 5]}], [("ai", ["a", {}], [])], id="parts"),
        pytest.param([{"type": "ai", "content": None}], [("ai", "", [])], id="no content"),
        pytest.param(
            [{"type": "ai", "tool_calls": [CALL, 5, {"name": ""}, {"name": "f"}]}],
            [("ai", "", [CALL])],
            id="calls",
        ),
        pytest.param([{"type": "ai", "tool_calls": 5}], [("ai", "", [])], id="no calls"),
        pytest.param([None, 5, {}, {"type": 5}], [], id="no messages"),
        pytest.param(None, [], id="nothing"),
    ],
)  # fmt: skip
def test_messages_are_read(value: Any, messages: list[Any]) -> None:
    read = read_messages(value)

    assert [(one["type"], one["content"], one["tool_calls"]) for one in read] == messages
