from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from mockserver.fake.messages import coercion
from mockserver.fake.run_errors import RunFailed
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
    assert coercion.convert_openai_calls([call]) == [same]


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        pytest.param(5, "TypeError", "tool_calls must be a list", id="no calls"),
        *(
            pytest.param(
                [call], "KeyError", "a tool call needs an id, a name and arguments", id=name
            )
            for name, call in {
                "no function": {"function": 5, "id": "1"},
                "no arguments": {"function": {"name": "f"}, "id": "1"},
                "no name": {"function": {"arguments": "{}"}, "id": "1"},
                "no id": {"function": {"arguments": "{}", "name": "f"}},
            }.items()
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
        coercion.convert_openai_calls(given)

    assert (rejected.value.kind, rejected.value.message) == (kind, said)


@pytest.mark.parametrize(
    "extra", [pytest.param({}, id="bare"), pytest.param({"type": "x", "extras": {}}, id="more")]
)
def test_a_whole_call_is_accepted(extra: Any) -> None:
    assert coercion.check_call({"id": "1", "args": {"a": 1}, "name": "f", **extra}) == MADE


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        pytest.param("f", "AttributeError", "a tool call must be an object", id="text"),
        *(
            pytest.param(
                call, "TypeError", "a tool call has the keys `name`, `args` and `id`", id=name
            )
            for name, call in {
                "another part": {**MADE, "index": 0},
                "nothing": {},
                "two missing": {"name": "f"},
                "one missing": {"name": "f", "args": {}},
            }.items()
        ),
    ],
)
def test_any_other_call_is_refused(call: Any, kind: str, said: str) -> None:
    with pytest.raises(RunFailed) as rejected:
        coercion.check_call(call)

    assert (rejected.value.kind, rejected.value.message) == (kind, said)


def test_the_parts_of_calls_have_types() -> None:
    calls = [MADE, MADE | {"id": None}, *(MADE | {part: 5} for part in ("name", "args", "id"))]

    assert list(map(coercion.has_valid_types, calls)) == [True, True, False, False, False]


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
    assert coercion.parse_raw_calls(given) == (good, bad)


@given(values)
def test_no_json_is_too_strange(value: Any) -> None:
    coercion.parse_raw_calls(value)
    with suppress(RunFailed):
        for call in coercion.convert_openai_calls(value):
            coercion.has_valid_types(coercion.check_call(call))
