import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.fake.graph.partial_json import parse_partial
from mockserver.formats.json_text import dumps
from tests.strategies import values

texts = (
    values.map(dumps) | values.map(json.dumps) | values.map(lambda one: json.dumps(one, indent=1))
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("{", {}, id="an object opens"),
        pytest.param('{"ci', {}, id="half a key"),
        pytest.param('{"city"', {}, id="a key"),
        pytest.param('{"city":', {}, id="no value yet"),
        pytest.param('{"city":"Os', {"city": "Os"}, id="half a value"),
        pytest.param('{"city":"Oslo"', {"city": "Oslo"}, id="a value"),
        pytest.param('{"city":"Oslo",', {"city": "Oslo"}, id="a comma"),
        pytest.param('{"a":{"b":[1,2', {"a": {"b": [1, 2]}}, id="nested"),
        pytest.param('{"a":"x\\', {"a": "x"}, id="half an escape"),
        pytest.param('{"a":"x\\\\', {"a": "x\\"}, id="a whole escape"),
        pytest.param('{"a":"\\"{', {"a": '"{'}, id="brackets within text"),
        pytest.param('{"a":"\\u00', {}, id="half an escaped character"),
        pytest.param('{"a":tru', {}, id="half a word"),
        pytest.param('{"a":1.', {"a": 1}, id="half a number"),
        pytest.param('"Os', "Os", id="text alone"),
        pytest.param("nonsense", None, id="no JSON"),
        pytest.param("]", None, id="what was never opened closes"),
        pytest.param("{]", None, id="the wrong thing closes"),
        pytest.param("{}}", None, id="too much closes"),
    ],
)
def test_incomplete_json_is_parsed_as_far_as_it_goes(text: str, value: Any) -> None:
    assert parse_partial(text) == value


@given(texts)
def test_the_whole_text_has_its_value(text: str) -> None:
    assert parse_partial(text) == json.loads(text)


@given(texts, st.data())
def test_any_prefix_of_json_gives_a_json_value(text: str, choice: st.DataObject) -> None:
    dumps(parse_partial(text[: choice.draw(st.integers(0, len(text)))]))


@given(st.text('{}[]",:\\u1e- ', max_size=20))
def test_no_text_is_too_strange(text: str) -> None:
    dumps(parse_partial(text))
