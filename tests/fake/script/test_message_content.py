import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.fake.script.message_content import split_arguments, split_text
from mockserver.formats.json_text import Json
from tests.strategies import values


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("Hello", ["Hello"], id="a word"),
        pytest.param("Hello Bagatur!", ["Hello", " Bagatur", "!"], id="seven letters at most"),
        pytest.param("a  b", ["a", "  b"], id="white space goes with what follows"),
        pytest.param("end.\n\n", ["end.", "\n\n"], id="white space at the end"),
        pytest.param("\n- a\n", ["\n-", " a", "\n"], id="a list"),
        pytest.param("Grüße", ["Grüße"], id="umlauts"),
        pytest.param("こんにちは", ["こんに", "ちは"], id="three characters of other scripts"),
        pytest.param("hi你好", ["hi", "你好"], id="a change of script"),
        pytest.param("👋🏽!", ["👋🏽", "!"], id="an emoji"),
        pytest.param("\u2028a", ["\u2028a"], id="a line separator is white space"),
        pytest.param("\ud800", ["\ud800"], id="a lone surrogate"),
    ],
)
def test_a_text_is_cut_as_a_model_would(text: str, pieces: list[str]) -> None:
    assert split_text(text) == pieces


@given(st.text() | st.text("ab \n\t\u00a0\u0085\u2028你😀\ud800"))
def test_the_tokens_joined_are_the_text(text: str) -> None:
    pieces = split_text(text)

    assert "".join(pieces) == text
    assert all(pieces)


@pytest.mark.parametrize(
    ("args", "pieces"),
    [
        pytest.param({}, ["{}"], id="none"),
        pytest.param({"city": "Oslo"}, ['{"city":', '"Oslo"}'], id="one"),
        pytest.param({"a": "é\n"}, ['{"a":"é\\', 'n"}'], id="cut within an escape"),
    ],
)
def test_the_arguments_of_a_call_are_cut_anywhere(args: Json, pieces: list[str]) -> None:
    assert split_arguments(args) == pieces


@given(st.dictionaries(st.text(), values, max_size=3))
def test_the_pieces_of_arguments_joined_are_their_json(args: dict[str, Json]) -> None:
    assert json.loads("".join(split_arguments(args))) == args
