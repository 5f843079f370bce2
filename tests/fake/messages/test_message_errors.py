from typing import Any

import pytest

from mockserver.fake.messages import message_errors

TEXT = "Input should be a valid string [type=string_type, input_value"
VISIT = "    For further information visit https://errors.pydantic.dev/2.14/v"


def test_a_fault_says_where_what_and_how_it_came() -> None:
    assert message_errors.text_faults("name", 5) == [
        f"name\n  {TEXT}=5, input_type=int]\n{VISIT}/string_type"
    ]
    assert message_errors.mapping_faults("args", None) == [
        "args\n  Input should be a valid dictionary [type=dict_type, input_value=None, "
        f"input_type=NoneType]\n{VISIT}/dict_type"
    ]


def test_of_a_long_value_head_and_tail_are_shown() -> None:
    value = list(range(20))

    assert message_errors.text_faults("a", value) == [
        f"a\n  {TEXT}=[0, 1, 2, 3, 4, 5, 6, 7, ... 14, 15, 16, 17, 18, 19], input_type=list]\n"
        f"{VISIT}/string_type"
    ]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        pytest.param("x", [], id="text"),
        pytest.param(["a", {}], [], id="parts"),
        pytest.param(5, ["content.str", "content.list[union[str,dict[any,any]]]"], id="a number"),
        pytest.param(
            ["a", None],
            [
                "content.str",
                "content.list[union[str,dict[any,any]]].1.str",
                "content.list[union[str,dict[any,any]]].1.dict[any,any]",
            ],
            id="a part that is none",
        ),
    ],
)
def test_content_is_text_or_a_list_of_parts(content: Any, where: list[str]) -> None:
    assert [fault.partition("\n")[0] for fault in message_errors.content_faults(content)] == where


def test_what_is_right_has_no_faults() -> None:
    assert message_errors.text_faults("name", "x") + message_errors.mapping_faults("args", {}) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(["a"], "1 validation error for AIMessage\na", id="one"),
        pytest.param(["a", "b"], "2 validation errors for AIMessage\na\nb", id="two"),
    ],
)
def test_all_faults_make_one_error(wrong: list[str], message: str) -> None:
    error = message_errors.rejected("AIMessage", wrong)

    assert (error.kind, error.message) == ("ValidationError", message)
