from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from mockserver.fake.errors import RunFailed
from mockserver.fake.messages import tool_calls
from tests.strategies import values

MADE = {"name": "f", "args": {"a": 1}, "id": "1", "type": "tool_call"}


def openai(name: Any = "f", arguments: Any = '{"a":1}') -> Any:
    return {"id": "1", "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("call", "same"),
    [
        pytest.param(openai(), MADE, id="OpenAI"),
        pytest.param(openai(arguments={"a": 1}), MADE, id="arguments that are no text"),
        pytest.param({"name": "f"}, {"name": "f"}, id="LangChain, whole or not"),
        pytest.param("f", "f", id="text"),
        pytest.param(["f"], ["f"], id="a list"),
    ],
)
def test_calls_in_openai_s_form_are_renamed(call: Any, same: Any) -> None:
    assert tool_calls.from_openai([call]) == [same]


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        pytest.param(5, "TypeError", "tool_calls must be a list", id="no calls"),
        pytest.param([5], "TypeError", "a tool call must be an object", id="no call"),
        pytest.param(
            [{"function": 5}],
            "TypeError",
            "the function of a tool call must be an object",
            id="no function",
        ),
        pytest.param([{"function": {}}], "KeyError", "'arguments'", id="no arguments"),
        pytest.param([{"function": {"arguments": "{}"}}], "KeyError", "'name'", id="no name"),
        pytest.param(
            [{"function": {"arguments": "{}", "name": "f"}}], "KeyError", "'id'", id="no id"
        ),
        pytest.param(
            [openai(arguments="{")],
            "JSONDecodeError",
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            id="no JSON",
        ),
    ],
)
def test_what_cannot_be_renamed_is_refused(given: Any, kind: str, said: str) -> None:
    with pytest.raises(RunFailed) as rejected:
        tool_calls.from_openai(given)

    assert (rejected.value.kind, rejected.value.message) == (kind, said)


@pytest.mark.parametrize(
    "extra", [pytest.param({}, id="bare"), pytest.param({"type": "x", "extras": {}}, id="more")]
)
def test_a_whole_call_is_accepted(extra: Any) -> None:
    assert tool_calls.check({"id": "1", "args": {"a": 1}, "name": "f", **extra}) == MADE


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        pytest.param("f", "AttributeError", "a tool call must be an object", id="text"),
        pytest.param(
            {"index": 0},
            "TypeError",
            "a tool call has no key `index`",
            id="another part",
        ),
        pytest.param(
            {},
            "TypeError",
            "a tool call needs the key `name`",
            id="nothing",
        ),
        pytest.param(
            {"name": "f"},
            "TypeError",
            "a tool call needs the key `args`",
            id="two missing",
        ),
        pytest.param(
            {"name": "f", "args": {}},
            "TypeError",
            "a tool call needs the key `id`",
            id="one missing",
        ),
    ],
)
def test_any_other_call_is_refused(call: Any, kind: str, said: str) -> None:
    with pytest.raises(RunFailed) as rejected:
        tool_calls.check(call)

    assert (rejected.value.kind, rejected.value.message) == (kind, said)


def test_the_parts_of_calls_that_are_wrong_are_named() -> None:
    calls = [MADE, MADE | {"id": None}, {"name": None, "args": 5, "id": 5}]

    assert tool_calls.problems(calls) == [
        "tool_calls[2].name must be a string",
        "tool_calls[2].args must be an object",
        "tool_calls[2].id must be a string",
    ]


BROKEN = {"type": "invalid_tool_call", "id": "1", "name": "f", "args": "{", "error": None}


@pytest.mark.parametrize(
    ("given", "good", "bad"),
    [
        pytest.param([openai()], [MADE], [], id="one"),
        pytest.param([openai(arguments="null")], [MADE | {"args": {}}], [], id="none"),
        pytest.param([openai(), openai(arguments="{")], [MADE], [BROKEN], id="no JSON"),
        pytest.param([openai(), {"name": "f"}], [], [], id="another form"),
        pytest.param(5, [], [], id="no calls"),
    ],
)
def test_openai_s_raw_calls_are_parsed(given: Any, good: Any, bad: Any) -> None:
    assert tool_calls.parse_raw(given) == (good, bad)


@given(values)
def test_no_json_is_too_strange(value: Any) -> None:
    tool_calls.parse_raw(value)
    with suppress(RunFailed):
        tool_calls.problems([tool_calls.check(call) for call in tool_calls.from_openai(value)])
