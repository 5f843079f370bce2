"""The parts of a message that a script gives: in the state, in its chunks, and in event streams."""

from typing import Any

from mockserver.fake.graph.content_blocks import ContentBlocks
from mockserver.fake.graph.message_chunks import create_model_output
from mockserver.fake.script.model import Custom, Speak, ToolCall, Update
from tests.fake.plays import IDS, events_of, run_request, script

USAGE = {"input_tokens": 11, "output_tokens": 3, "total_tokens": 14}
PARTS = Speak(
    "It rains.",
    id="m1",
    name="helper",
    usage=USAGE,
    response_metadata={"model_name": "mock"},
    metadata={"channel": "sms"},
)
PICTURE = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
CITED = {"type": "text", "text": "See this.", "annotations": [{"type": "citation", "url": "x"}]}
THOUGHT = {"type": "thinking", "thinking": "Hm, so.", "signature": "s"}


def last_message(*steps: Any) -> dict[str, Any]:
    """Return the last message of the state after a run with *steps*."""
    [*_, (_, state)] = events_of(script(*steps), run_request("hi", "values"))
    message: dict[str, Any] = state["messages"][-1]
    return message


def chunks(speak: Speak) -> list[dict[str, Any]]:
    """Return the chunks in which *speak* is streamed, and after each the metadata."""
    events = events_of(script(speak), run_request("hi", "messages-tuple"))
    return [{**chunk, "metadata": metadata} for _, (chunk, metadata) in events]


def test_the_state_has_all_parts_of_a_message() -> None:
    message = last_message(PARTS)

    assert message["id"] == "m1"
    assert message["name"] == "helper"
    assert message["usage_metadata"] == USAGE
    assert message["response_metadata"] == {"model_name": "mock"}


def test_the_last_chunk_has_what_a_model_knows_at_the_end() -> None:
    *others, last = chunks(PARTS)

    assert {one["id"] for one in (*others, last)} == {"m1"}
    assert [one["usage_metadata"] for one in (*others, last)] == [None] * len(others) + [USAGE]
    assert (last["content"], last["response_metadata"]) == ("", {"model_name": "mock"})
    assert {one["metadata"]["channel"] for one in (*others, last)} == {"sms"}
    assert {one["name"] for one in (*others, last)} == {None}


def test_texts_in_blocks_come_token_by_token_and_other_blocks_at_once() -> None:
    pieces = [one["content"] for one in chunks(Speak(blocks=(THOUGHT, PICTURE, CITED)))]

    assert pieces == [
        [{"type": "thinking", "thinking": "Hm,", "index": 0}],
        [{"type": "thinking", "thinking": " so.", "index": 0, "signature": "s"}],
        [{**PICTURE, "index": 1}],
        [{"type": "text", "text": "See", "index": 2}],
        [{**CITED, "text": " this.", "index": 2}],
        [],
    ]
    [*_, (_, [partial])] = events_of(
        script(Speak(blocks=(THOUGHT, PICTURE, CITED))), run_request("hi", "messages")
    )
    assert partial["content"] == [
        {**THOUGHT, "index": 0},
        {**PICTURE, "index": 1},
        {**CITED, "index": 2},
    ]


def test_event_streams_have_the_blocks_and_the_usage() -> None:
    speak = Speak(blocks=(PICTURE, CITED), usage=USAGE, response_metadata={"model_name": "mock"})
    blocks = ContentBlocks(create_model_output(speak, IDS))
    events = [event for piece in blocks.split() for event in piece]

    assert [one["content"] for one in events if one["event"] == "content-block-finish"] == [
        {**PICTURE, "index": 0},
        {**CITED, "index": 1},
    ]
    assert events[-1] == {
        "event": "message-finish",
        "usage": USAGE,
        "metadata": {"model_name": "mock"},
    }
    message = blocks.build_message()
    assert message["usage_metadata"] == USAGE
    assert message["response_metadata"] == {"model_name": "mock", "output_version": "v1"}


def test_event_streams_show_blocks_in_the_form_of_the_protocol() -> None:
    audio = {"type": "audio", "data": "AAAA", "mime_type": "audio/wav"}
    own = {"type": "card", "title": "x"}
    broken = {"type": "image_url", "image_url": 5}
    thought = {**THOUGHT, "thinking": "Hm."}
    blocks = ContentBlocks(create_model_output(Speak(blocks=(thought, audio, own, broken)), IDS))
    events = [event for piece in blocks.split() for event in piece]

    started = [one["content"] for one in events if one["event"] == "content-block-start"]
    assert started == [
        {"type": "reasoning", "reasoning": "", "extras": {"signature": "s"}},
        {"type": "audio", "mime_type": "audio/wav", "index": 1},
        {"type": "non_standard", "value": {}, "index": 2},
    ]
    deltas = [one["delta"] for one in events if one["event"] == "content-block-delta"]
    assert deltas == [
        {"type": "reasoning-delta", "reasoning": "Hm."},
        {"type": "data-delta", "data": "AAAA"},
    ]


def test_a_tool_message_has_its_artifact() -> None:
    call = ToolCall("find", {}, "none {message_id}", failed=True, artifact={"of": "{message_id}"})
    speak = Speak("I look.", calls=(call,), id="m1")
    events = events_of(script(speak, Speak("Done.")), run_request("hi", "values"))
    [tool] = [one for one in events[-1][1]["messages"] if one["type"] == "tool"]

    assert (tool["content"], tool["artifact"], tool["status"]) == (
        "none m1",
        {"of": "m1"},
        "error",
    )


def test_values_may_name_the_last_message_of_the_assistant() -> None:
    card = {"type": "ui", "id": "u1", "name": "card", "metadata": {"message_id": "{message_id}"}}
    played = script(Custom({"before": "{message_id}"}), PARTS, Custom(card), Update({"ui": [card]}))
    events = events_of(played, run_request("hi", "custom", "values"))

    shown = {**card, "metadata": {"message_id": "m1"}}
    assert [value for name, value in events if name == "custom"] == [{"before": ""}, shown]
    assert events[-1][1]["ui"] == [shown]
