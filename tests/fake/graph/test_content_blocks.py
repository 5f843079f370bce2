"""Messages of the assistant in blocks of content; `tests/real/test_event_truth.py` compares them with the real server."""

from typing import Any

from mockserver.fake.graph.content_blocks import ContentBlocks
from mockserver.fake.graph.message_chunks import create_model_output
from mockserver.fake.script.model import Speak, ToolCall
from tests.fake.plays import IDS


def blocks(speak: Speak) -> ContentBlocks:
    return ContentBlocks(create_model_output(speak, IDS, "task"))


def shown(speak: Speak) -> list[list[tuple[Any, ...]]]:
    """Return the pieces, each event as its kind, its index, and what it brings."""
    return [
        [
            (
                event["event"].removeprefix("content-block-"),
                *(event[name] for name in ("index", "delta", "content") if name in event),
            )
            for event in piece
        ]
        for piece in blocks(speak).split()
    ]


def test_text_comes_by_tokens() -> None:
    assert shown(Speak("Hi there")) == [
        [
            ("message-start",),
            ("start", 0, {"type": "text", "text": ""}),
            ("delta", 0, {"type": "text-delta", "text": "Hi"}),
        ],
        [("delta", 0, {"type": "text-delta", "text": " there"})],
        [("finish", 0, {"type": "text", "text": "Hi there"}), ("message-finish",)],
    ]


def test_a_tool_call_comes_by_parts_of_its_arguments() -> None:
    speak = Speak("Hm", calls=(ToolCall("search", {"q": "abcdef"}, "found"),))
    identity = blocks(speak).build_message()["tool_calls"][0]["id"]
    call = {"id": identity, "name": "search"}

    assert shown(speak)[1:] == [
        [("start", 1, {"type": "tool_call_chunk", **call, "args": "", "index": 0})],
        [("delta", 1, {"type": "tool-call-delta", "args": '{"q":"ab'})],
        [("delta", 1, {"type": "tool-call-delta", "args": 'cdef"}'})],
        [
            ("finish", 0, {"type": "text", "text": "Hm"}),
            ("finish", 1, {"type": "tool_call", **call, "args": {"q": "abcdef"}}),
            ("message-finish",),
        ],
    ]


def test_after_reasoning_a_tool_call_is_numbered_like_its_block() -> None:
    pieces = shown(Speak("Hm", "Well", (ToolCall("search", {}, "found"),)))

    assert [event[:2] for piece in pieces for event in piece if event[0] == "start"] == [
        ("start", 0),
        ("start", 1),
        ("start", 2),
    ]
    assert pieces[2][0][2]["index"] == 2


def test_the_state_holds_the_finished_blocks() -> None:
    message = blocks(Speak("Hi.", "I think.")).build_message()

    assert message["content"] == [
        {"type": "reasoning", "reasoning": "I think.", "index": 0},
        {"type": "text", "text": "Hi.", "index": 1},
    ]
    assert message["response_metadata"] == {"output_version": "v1"}
