"""The state as event streams show it."""

from typing import Any

import pytest

from mockserver.fake.messages import message_json
from mockserver.fake.messages.protocol_state import to_protocol_state


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param(
            message_json.create_message("human", "hi", "1"),
            {"type": "human", "content": "hi", "id": "1"},
            id="without empty parts",
        ),
        pytest.param(
            {
                **message_json.create_message("system", "hi", None, "me"),
                "response_metadata": {"a": 1},
            },
            {"type": "system", "content": "hi", "name": "me", "response_metadata": {"a": 1}},
            id="name and metadata",
        ),
        pytest.param(
            {**message_json.create_message("human", "hi", "1"), "example": True},
            {"type": "human", "content": "hi", "id": "1", "example": True},
            id="example",
        ),
        pytest.param(
            {**message_json.create_tool_message("found", "search", "c"), "id": "1"},
            {
                "type": "tool",
                "content": "found",
                "id": "1",
                "name": "search",
                "tool_call_id": "c",
                "status": "success",
                "artifact": None,
            },
            id="tool",
        ),
        pytest.param(
            message_json.create_ai_message(
                "",
                "1",
                [
                    message_json.create_tool_call("search", {"q": 1}, "c"),
                    message_json.create_tool_call("look", {}, None),
                ],
            ),
            {
                "type": "ai",
                "content": "",
                "id": "1",
                "tool_calls": [
                    {"type": "tool_call", "name": "search", "args": {"q": 1}, "id": "c"},
                    {"type": "tool_call", "name": "look", "args": {}},
                ],
            },
            id="tool calls",
        ),
        pytest.param(
            {
                **message_json.create_ai_message("", "1"),
                "invalid_tool_calls": [{"id": "c", "name": None, "args": "{", "error": None}],
            },
            {
                "type": "ai",
                "content": "",
                "id": "1",
                "invalid_tool_calls": [
                    {
                        "type": "invalid_tool_call",
                        "id": "c",
                        "args": "{",
                        "error": "Malformed args.",
                    }
                ],
            },
            id="invalid tool calls",
        ),
        pytest.param(
            {"type": "user", "content": "hi"}, {"type": "human", "content": "hi"}, id="another name"
        ),
    ],
)
def test_a_message_is_shown_without_what_is_empty(
    message: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert to_protocol_state({"messages": [message]}) == {"messages": [shown]}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        pytest.param("text", {"type": "text", "text": "text"}, id="text"),
        pytest.param({"type": "text", "text": "a"}, {"type": "text", "text": "a"}, id="block"),
        pytest.param(
            {"type": "image_url", "image_url": "u"}, {"type": "image", "url": "u"}, id="image"
        ),
        pytest.param(
            {"type": "image_url", "image_url": {"url": "u", "detail": "low"}},
            {"type": "image", "url": "u"},
            id="image object",
        ),
        pytest.param(
            {"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}},
            {"type": "audio", "data": "d"},
            id="audio",
        ),
        pytest.param(
            {"type": "mine", "a": 1},
            {"type": "non_standard", "value": {"type": "mine", "a": 1}},
            id="unknown",
        ),
    ],
)
def test_parts_of_content_become_blocks(part: Any, block: Any) -> None:
    message = {"type": "human", "content": [part]}

    assert to_protocol_state([message]) == [{"type": "human", "content": [block]}]


@pytest.mark.parametrize("part", [{"type": "image_url"}, {"text": "a"}, 1])
def test_parts_that_are_no_blocks_stay_only_where_there_are_no_others(part: Any) -> None:
    alone, among = ({"type": "human", "content": content} for content in ([part], [part, "a"]))
    block = {"type": "text", "text": "a"}

    assert to_protocol_state([alone, among]) == [alone, {"type": "human", "content": [block]}]


def test_other_keys_of_the_state_are_shown_too_but_no_interrupts() -> None:
    state = {"notes": ["a"], "__interrupt__": [1], "within": {"said": {"type": "odd"}}}

    assert to_protocol_state(state) == {"notes": ["a"], "within": {"said": {"type": "odd"}}}
