import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.fake.graph.message_chunks import ModelOutput, create_model_output
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.script.model import Speak, ToolCall
from tests.strategies import values

WEATHER = ToolCall("weather", {"city": "Oslo"}, "cold")


def said(text: str = "", reasoning: str = "", *calls: ToolCall) -> ModelOutput:
    return ModelOutput(
        Speak(text, reasoning, calls), "RUN", tuple(f"c{n}" for n in range(len(calls)))
    )


def thought(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "reasoning": text, "index": 0}


def text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "index": 1}


@pytest.mark.parametrize(
    ("create_model_output", "pieces", "partial_texts"),
    [
        pytest.param(said(), [""], [""], id="nothing"),
        pytest.param(
            said("Hello you!"),
            ["Hello", " you!", ""],
            ["Hello", "Hello you!", "Hello you!"],
            id="text",
        ),
        pytest.param(
            said("Yes", "Well, hm"),
            [[thought("Well,")], [thought(" hm")], [text("Yes")], []],
            [
                [thought("Well,")],
                [thought("Well, hm")],
                [thought("Well, hm"), text("Yes")],
                [thought("Well, hm"), text("Yes")],
            ],
            id="reasoning",
        ),
    ],
)
def test_a_speech_comes_token_by_token(
    create_model_output: ModelOutput, pieces: Any, partial_texts: Any
) -> None:
    chunks = [(chunk, get_partial()) for chunk, get_partial in create_model_output.split_chunks()]

    assert [chunk["content"] for chunk, _ in chunks] == pieces
    assert [message["content"] for _, message in chunks] == partial_texts
    assert [chunk["chunk_position"] for chunk, _ in chunks] == [None] * (len(pieces) - 1) + ["last"]
    assert {chunk["id"] for chunk, _ in chunks} == {"lc_run--RUN"}


def test_a_tool_call_comes_in_pieces() -> None:
    pieces = [
        (chunk["tool_call_chunks"], chunk["tool_calls"], chunk["invalid_tool_calls"])
        for chunk, _ in said("", "", WEATHER).split_chunks()
    ]

    assert pieces == [
        (
            [{"name": "weather", "args": "", "id": "c0", "index": 0, "type": "tool_call_chunk"}],
            [{"name": "weather", "args": {}, "id": "c0", "type": "tool_call"}],
            [],
        ),
        (
            [{"name": None, "args": '{"city":', "id": None, "index": 0, "type": "tool_call_chunk"}],
            [{"name": "", "args": {}, "id": None, "type": "tool_call"}],
            [],
        ),
        (
            [{"name": None, "args": '"Oslo"}', "id": None, "index": 0, "type": "tool_call_chunk"}],
            [],
            [
                {
                    "name": None,
                    "args": '"Oslo"}',
                    "id": None,
                    "error": None,
                    "type": "invalid_tool_call",
                }
            ],
        ),
        ([], [], []),
    ]


def test_the_arguments_so_far_grow() -> None:
    grown = [
        get_partial()["tool_calls"] for _, get_partial in said("Wait.", "", WEATHER).split_chunks()
    ]

    assert [[call["args"] for call in calls] for calls in grown] == [
        [],
        [{}],
        [{}],
        [{"city": "Oslo"}],
        [{"city": "Oslo"}],
    ]


@pytest.mark.parametrize(
    ("streamed", "identity"),
    [
        pytest.param(True, "lc_run--RUN", id="streamed"),
        pytest.param(False, "lc_run--RUN-0", id="whole"),
    ],
)
def test_the_id_of_a_message_tells_whether_it_was_streamed(streamed: bool, identity: str) -> None:
    whole = said("Yes", "Hm", WEATHER).build_message(streamed=streamed)

    assert whole == {
        "content": [thought("Hm"), text("Yes")],
        "additional_kwargs": {},
        "response_metadata": {},
        "type": "ai",
        "name": None,
        "id": identity,
        "tool_calls": [
            {"name": "weather", "args": {"city": "Oslo"}, "id": "c0", "type": "tool_call"}
        ],
        "invalid_tool_calls": [],
        "usage_metadata": None,
    }


words = st.text(max_size=12)
arguments = st.dictionaries(words, values, max_size=3)
calls = st.lists(st.builds(ToolCall, words, arguments, st.none()), max_size=3).map(tuple)
speaks = st.builds(Speak, words, words, calls)


@given(speaks)
def test_the_chunks_join_to_the_whole(speak: Speak) -> None:
    made = create_model_output(speak, IdGenerator("seed"), "task")
    chunks = [chunk for chunk, _ in made.split_chunks()]
    *_, (_, last) = made.split_chunks()

    assert last() == made.build_message(streamed=True)
    assert joined([chunk["content"] for chunk in chunks]) == (speak.reasoning, speak.text)
    assert len(chunks) == made.length + 1


@given(speaks)
def test_the_pieces_of_calls_join_to_their_arguments(speak: Speak) -> None:
    made = create_model_output(speak, IdGenerator("seed"), "task")
    written: dict[int, str] = {}
    for chunk, _ in made.split_chunks():
        for piece in chunk["tool_call_chunks"]:
            written[piece["index"]] = written.get(piece["index"], "") + piece["args"]

    assert [json.loads(text) for text in written.values()] == [call.args for call in speak.calls]


def joined(contents: list[Any]) -> tuple[str, str]:
    parts: list[Mapping[str, str]] = [
        part
        for content in contents
        for part in ([{"text": content}] if isinstance(content, str) else content)
    ]
    return (
        "".join(part.get("reasoning", "") for part in parts),
        "".join(part.get("text", "") for part in parts),
    )


def test_ids_come_from_the_place() -> None:
    speak = Speak("", "", (WEATHER, WEATHER))

    one, two = (
        create_model_output(speak, IdGenerator("seed"), "here"),
        create_model_output(speak, IdGenerator("seed"), "there"),
    )

    assert one == ModelOutput(
        speak,
        "019b76da-a800-78de-9bbe-5768cfe075d9",
        ("call_319e60ef4d0da1b6c804aa3e", "call_a4bf2ab9ab14debe872c0514"),
    )
    assert not {one.identity, *one.calls} & {two.identity, *two.calls}
