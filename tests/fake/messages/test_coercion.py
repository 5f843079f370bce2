"""Messages in all their forms; a langgraph-api 0.16.7 makes the same of each, and fails with the same kinds of errors."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from mockserver.fake.messages.coercion import coerce_messages
from mockserver.fake.run_errors import RunFailed
from mockserver.formats.json_text import dumps
from tests.strategies import values

ROLES = "Use one of human, ai, tool, system, function, user, assistant, developer"
AI, HUMAN, TOOL = (
    {"type": "ai", "content": "x"},
    {"type": "human", "content": "x"},
    {"type": "tool", "content": "x", "tool_call_id": "c"},
)
CALL = {"name": "f", "args": {}, "id": "1"}
MADE = {"name": "f", "args": {}, "id": "1", "type": "tool_call"}
OPENAI = {"function": {"name": "f", "arguments": "{}"}, "id": "1"}


def message(kind: str, content: Any = "x", **parts: Any) -> dict[str, Any]:
    """Return the message as the server writes it, with what *parts* say otherwise."""
    of_kind: dict[str, Any] = {}
    if kind == "ai":
        of_kind = {"tool_calls": [], "invalid_tool_calls": [], "usage_metadata": None}
    if kind == "tool":
        of_kind = {"tool_call_id": "c", "artifact": None, "status": "success"}
    common = {"content": content, "additional_kwargs": {}, "response_metadata": {}, "type": kind}
    return {**common, "name": None, "id": None, **of_kind, **parts}


@pytest.mark.parametrize(
    ("item", "made"),
    [
        pytest.param("hi", message("human", "hi"), id="text"),
        pytest.param(["ai", "x"], message("ai"), id="a pair"),
        pytest.param(
            ["developer", "x"],
            message("system", additional_kwargs={"__openai_role__": "developer"}),
            id="a developer's pair",
        ),
        pytest.param({"role": "user", "content": "x"}, message("human"), id="user"),
        pytest.param({"role": "assistant", "content": "x"}, message("ai"), id="assistant"),
        pytest.param({"role": "system", "content": "x"}, message("system"), id="system"),
        pytest.param(
            {"role": "function", "content": "x", "name": "f"},
            message("function", name="f"),
            id="function",
        ),
        pytest.param(
            {"type": "remove", "content": "x", "id": 5}, message("remove", id="5"), id="remove"
        ),
        pytest.param(
            {"role": "user", "type": "ai", "content": "x"},
            message("human", additional_kwargs={"type": "ai"}),
            id="role and type",
        ),
        pytest.param(
            {"role": "developer", "content": "x", "a": 1},
            message("system", additional_kwargs={"a": 1, "__openai_role__": "developer"}),
            id="developer",
        ),
        pytest.param(HUMAN | {"content": None}, message("human", ""), id="null"),
        pytest.param(HUMAN | {"content": []}, message("human", ""), id="no parts"),
        pytest.param(HUMAN | {"content": ["a", {}]}, message("human", ["a", {}]), id="parts"),
        pytest.param(
            HUMAN | {"name": "bob", "id": 1.5},
            message("human", name="bob", id="1.5"),
            id="name and id",
        ),
        pytest.param(
            HUMAN | {"name": None, "id": None, "tool_calls": None}, message("human"), id="nulls"
        ),
        pytest.param(
            HUMAN | {"a": 1, "b": 2, "additional_kwargs": {"b": 3}},
            message("human", additional_kwargs={"a": 1, "b": 3}),
            id="more parts",
        ),
        pytest.param(HUMAN | {"additional_kwargs": []}, message("human"), id="PHP's empty object"),
        pytest.param(
            HUMAN | {"response_metadata": {"a": 1}},
            message("human", response_metadata={"a": 1}),
            id="response_metadata",
        ),
        pytest.param(
            HUMAN | {"response_metadata": None}, message("human"), id="no response_metadata"
        ),
        pytest.param(HUMAN | {"example": False}, message("human"), id="no example"),
        pytest.param(
            HUMAN | {"example": True, "tool_calls": [OPENAI], "tool_call_id": 5},
            message("human", tool_call_id=5, tool_calls=[MADE], example=True),
            id="a human with all",
        ),
        pytest.param(
            {"type": "system", "content": "x", "example": True},
            message("system", additional_kwargs={"example": True}),
            id="only people and models are examples",
        ),
        pytest.param(
            AI | {"tool_calls": [CALL], "example": True},
            message("ai", tool_calls=[MADE], example=True),
            id="tool calls",
        ),
        pytest.param(
            AI | {"tool_calls": [], "additional_kwargs": {"tool_calls": [OPENAI]}},
            message("ai", tool_calls=[MADE], additional_kwargs={"tool_calls": [OPENAI]}),
            id="tool calls as OpenAI has them",
        ),
        pytest.param(
            AI | {"usage_metadata": 5},
            message("ai", additional_kwargs={"usage_metadata": 5}),
            id="usage",
        ),
        pytest.param(TOOL, message("tool"), id="tool"),
        pytest.param(
            TOOL | {"artifact": 1, "status": "error"},
            message("tool", artifact=1, status="error"),
            id="a tool's parts",
        ),
        pytest.param(
            TOOL | {"additional_kwargs": {"artifact": 1, "status": None}},
            message("tool", artifact=1),
            id="a tool's parts further in",
        ),
        pytest.param(
            TOOL | {"content": [5, "a", {}]}, message("tool", ["5", "a", {}]), id="a tool's list"
        ),
        pytest.param(
            TOOL | {"content": {"a": 1}}, message("tool", "{'a': 1}"), id="a tool's object"
        ),
        pytest.param(
            TOOL | {"tool_call_id": 1.5}, message("tool", tool_call_id="1.5"), id="a number as id"
        ),
        pytest.param(
            {
                "lc": 1,
                "type": "constructor",
                "id": ["a", "AIMessageChunk"],
                "kwargs": {"content": "x", "id": "7"},
            },
            message("ai", id="7"),
            id="serialized",
        ),
    ],
)
def test_each_form_of_a_message_is_accepted(item: Any, made: Any) -> None:
    [only] = coerce_messages([item])

    assert dumps(only) == dumps(made)


def test_one_message_alone_is_a_list_of_one() -> None:
    assert coerce_messages("hi") == coerce_messages(["hi"])
    assert coerce_messages(HUMAN) == [message("human")]
    assert coerce_messages([]) == []


@pytest.mark.parametrize(
    ("item", "kind", "said"),
    [
        pytest.param(
            5,
            "NotImplementedError",
            "a message must be a string, an object or [role, content]",
            id="a number",
        ),
        pytest.param(
            [],
            "NotImplementedError",
            "a message must be a string, an object or [role, content]",
            id="no pair",
        ),
        pytest.param(
            [None, "x"],
            "ValueError",
            f"Unknown message type None. {ROLES}",
            id="no role",
        ),
        pytest.param(
            [[], "x"], "TypeError", "the role of a message must be a string", id="a list as role"
        ),
        pytest.param(
            {"role": "nope", "content": "x"},
            "ValueError",
            f"Unknown message type 'nope'. {ROLES}",
            id="another role",
        ),
        pytest.param(
            {"content": "x"},
            "ValueError",
            "a message needs `role` (or `type`) and `content`",
            id="no type",
        ),
        pytest.param(
            {"lc": 1, "type": "constructor", "id": ["a", "HumanMessage"], "kwargs": {}},
            "ValueError",
            "a message needs `role` (or `type`) and `content`",
            id="serialized without content",
        ),
        pytest.param(
            {"type": "tool", "content": "x", "tool_call_id": None},
            "KeyError",
            "'tool_call_id'",
            id="a result of no call",
        ),
        pytest.param(
            {"type": "remove", "content": "x"},
            "TypeError",
            "a message of type `remove` needs an `id`",
            id="remove what?",
        ),
        pytest.param(
            HUMAN | {"additional_kwargs": None},
            "TypeError",
            "additional_kwargs must be an object",
            id="additional null",
        ),
        pytest.param(
            HUMAN | {"tool_calls": 5},
            "TypeError",
            "tool_calls must be a list",
            id="calls that are a number",
        ),
        pytest.param(
            AI | {"tool_calls": ["x"]},
            "AttributeError",
            "a tool call must be an object",
            id="a call that is text",
        ),
    ],
)
def test_any_other_form_is_an_error(item: Any, kind: str, said: str) -> None:
    with pytest.raises(RunFailed) as rejected:
        coerce_messages([item])

    assert (rejected.value.kind, rejected.value.message) == (kind, said)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        pytest.param(
            HUMAN | {"content": 5},
            "HumanMessage: wrong content",
            id="content",
        ),
        pytest.param(
            HUMAN | {"content": [5], "response_metadata": 5, "name": 5, "id": True},
            "HumanMessage: wrong content, response_metadata, name, id",
            id="all",
        ),
        pytest.param(
            AI | {"tool_calls": [CALL | {"name": 5}]},
            "AIMessage: wrong tool_calls",
            id="a call",
        ),
        pytest.param(
            TOOL | {"tool_call_id": [], "status": "bad"},
            "ToolMessage: wrong tool_call_id, status",
            id="a result",
        ),
        pytest.param(
            {"type": "function", "content": "x"},
            "FunctionMessage: wrong name",
            id="a function without name",
        ),
    ],
)
def test_parts_of_wrong_types_are_named(item: Any, message: str) -> None:
    with pytest.raises(RunFailed) as rejected:
        coerce_messages([item])

    assert (rejected.value.kind, rejected.value.message) == ("ValidationError", message)


def test_messages_that_are_null_are_refused() -> None:
    with pytest.raises(RunFailed, match="messages must not be null"):
        coerce_messages(None)


@given(values)
def test_any_json_is_accepted_or_refused(value: Any) -> None:
    for item in (HUMAN | {"additional_kwargs": value}, AI | {"tool_calls": value}, value):
        with suppress(RunFailed):
            dumps(coerce_messages([item]))
