import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import UsageError
from mockserver.matching import json_path

FORM = {
    "body": {
        "messages": [
            {"type": "human", "content": "a", "id": 1},
            {"type": "ai", "content": "b", "id": 2},
            {"type": "human", "content": "c"},
        ],
        "a.b": {"x": 1, "y": 2},
    }
}


@pytest.mark.parametrize(
    ("path", "left"),
    [
        pytest.param("body.messages", {"body": {"a.b": {"x": 1, "y": 2}}}, id="a name"),
        pytest.param(
            'body["a.b"].x',
            {"body": {"messages": FORM["body"]["messages"], "a.b": {"y": 2}}},
            id="a quoted name",
        ),
        pytest.param(
            'body["a.b"]', {"body": {"messages": FORM["body"]["messages"]}}, id="an object"
        ),
        pytest.param("body.nothing.there", FORM, id="what is not there"),
        pytest.param("text", FORM, id="another root"),
    ],
)
def test_what_a_path_points_to_is_removed(path: str, left: object) -> None:
    assert json_path.remove(FORM, json_path.parse(path)) == left


@pytest.mark.parametrize(
    ("path", "left"),
    [
        pytest.param("body.messages[0]", ["b", "c"], id="an item"),
        pytest.param("body.messages[*]", [], id="every item"),
        pytest.param("body.messages[type=ai]", ["a", "c"], id="the items with a value"),
        pytest.param("body.messages[role=assistant]", ["a", "c"], id="a role is a type"),
        pytest.param("body.messages[id=1]", ["b", "c"], id="a number"),
        pytest.param("body.messages[9]", ["a", "b", "c"], id="beyond the end"),
    ],
)
def test_items_are_removed(path: str, left: list[str]) -> None:
    reduced = json_path.remove(FORM, json_path.parse(path))

    assert [message["content"] for message in reduced["body"]["messages"]] == left


def test_a_part_of_every_item_is_removed() -> None:
    reduced = json_path.remove(FORM, json_path.parse("body.messages[*].content"))

    assert [list(message) for message in reduced["body"]["messages"]] == [
        ["type", "id"],
        ["type", "id"],
        ["type"],
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "ignore: '' must begin with one of body, text, query, path, method"),
        ("messages", "ignore: 'messages' must begin with one of body, text, query, path, method"),
        ("body[", "ignore: 'body[' is not a path (example: body.input.messages[0].id)"),
        ("[0]", "ignore: '[0]' is not a path (example: body.input.messages[0].id)"),
    ],
)
def test_what_is_no_path_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        json_path.parse(text)

    assert str(caught.value) == complaint


@given(st.lists(st.one_of(st.text(), st.integers(0, 99))))
def test_a_path_is_written_as_it_is_read(steps: list[str | int]) -> None:
    path = ("body", *steps)

    assert json_path.parse(json_path.format_path(path)) == path


def test_what_a_path_points_to_is_found() -> None:
    assert json_path.get(FORM, ("body", "messages", 1, "content"), None) == "b"
    assert json_path.get(FORM, ("body", "messages", 7), "nothing") == "nothing"


@pytest.mark.parametrize("configurable", [{"user_id": "7"}, {}])
def test_an_object_stays_without_its_parts(configurable: object) -> None:
    form = {"body": {"config": {"configurable": configurable}, "x": 1}}

    assert json_path.remove(form, json_path.parse("body.config.configurable.user_id")) == {
        "body": {"config": {"configurable": {}}, "x": 1}
    }
