from typing import Any

import pytest

from mockserver.fake.messages import message_json
from mockserver.fake.messages.message_json import Message
from mockserver.formats.json_text import dumps


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        pytest.param(
            message_json.create_message("human", "hi", "1", "bob"),
            '{"content":"hi","additional_kwargs":{},"response_metadata":{},'
            '"type":"human","name":"bob","id":"1"}',
            id="human",
        ),
        pytest.param(
            message_json.create_ai_message(
                "hi", "1", [message_json.create_tool_call("f", {"a": 1}, "c")]
            ),
            '{"content":"hi","additional_kwargs":{},"response_metadata":{},"type":"ai","name":null,"id":"1",'
            '"tool_calls":[{"name":"f","args":{"a":1},"id":"c","type":"tool_call"}],'
            '"invalid_tool_calls":[],"usage_metadata":null}',
            id="ai",
        ),
        pytest.param(
            message_json.create_tool_message("21 °C", "f", "c"),
            '{"content":"21 °C","additional_kwargs":{},"response_metadata":{},"type":"tool","name":"f",'
            '"id":null,"tool_call_id":"c","artifact":null,"status":"success"}',
            id="tool",
        ),
        pytest.param(
            message_json.create_chunk("h", "1"),
            '{"content":"h","additional_kwargs":{},"response_metadata":{},"type":"AIMessageChunk",'
            '"name":null,"id":"1","tool_calls":[],"invalid_tool_calls":[],"usage_metadata":null,'
            '"tool_call_chunks":[],"chunk_position":null}',
            id="chunk",
        ),
        pytest.param(
            message_json.create_chunk("", "1", last=True),
            '{"content":"","additional_kwargs":{},"response_metadata":{},"type":"AIMessageChunk",'
            '"name":null,"id":"1","tool_calls":[],"invalid_tool_calls":[],"usage_metadata":null,'
            '"tool_call_chunks":[],"chunk_position":"last"}',
            id="last chunk",
        ),
    ],
)
def test_messages_have_the_keys_of_the_server_in_its_order(message: Message, wire: str) -> None:
    assert dumps(message) == wire


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("hi", "hi", id="text"),
        pytest.param([], "", id="no parts"),
        pytest.param(["a", {"type": "text", "text": "b"}, "c"], "abc", id="parts"),
        pytest.param([{"type": "image_url", "text": "b"}], "", id="a part of another type"),
        pytest.param([{"type": "text", "text": 5}], "", id="a text that is none"),
        pytest.param([5, None], "", id="parts that are none"),
    ],
)
def test_the_text_of_a_message_is_that_of_its_text_parts(content: Any, text: str) -> None:
    assert message_json.get_text(message_json.create_message("human", content, None)) == text
