import pytest
import yaml
from hypothesis import given

from mockserver.cassette.yaml_codec import scalars
from mockserver.formats import strict_yaml
from tests.strategies import texts, values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(
            "Hello! My name is Bagatur.", "Hello! My name is Bagatur.", id="prose is plain"
        ),
        pytest.param("😀 你好", "😀 你好", id="emoji and CJK are plain"),
        pytest.param("no", "'no'", id="a YAML 1.1 boolean"),
        pytest.param("y", "'y'", id="a YAML 1.1 boolean of one letter"),
        pytest.param("1e3", "'1e3'", id="a JSON number"),
        pytest.param("12:30", "'12:30'", id="a sexagesimal number"),
        pytest.param("012", "'012'", id="an octal number"),
        pytest.param("2026-11-22", "'2026-11-22'", id="a date"),
        pytest.param("null", "'null'", id="null"),
        pytest.param("", "''", id="nothing"),
        pytest.param("it's: so", "'it''s: so'", id="a colon and an apostrophe"),
        pytest.param("0.16.7", "0.16.7", id="a version"),
        pytest.param("a\u2028b", '"a\\u2028b"', id="a line separator"),
        pytest.param("a\u0085b", '"a\\x85b"', id="a next line"),
        pytest.param("\ufeff", '"\\ufeff"', id="a byte order mark"),
        pytest.param('a\n"b"', '"a\\n\\"b\\""', id="two lines on one"),
        pytest.param(True, "true", id="true"),
        pytest.param(None, "null", id="none"),
        pytest.param(1.5, "1.5", id="a number"),
    ],
)
def test_a_scalar_takes_its_most_readable_form(value: object, text: str) -> None:
    assert scalars.scalar(value) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param('{"a":"😀"}', '|-\n  {"a":"😀"}', id="one line"),
        pytest.param("a\n\n  b", "|-\n  a\n\n    b", id="several lines"),
        pytest.param("a\n---\nb", "|-\n  a\n  ---\n  b", id="dashes"),
        pytest.param("a\tb", "|-\n  a\tb", id="an inner tab"),
        pytest.param("a\n", '"a\\n"', id="a newline at the end"),
        pytest.param(" a", '" a"', id="a space at the start"),
        pytest.param("\ta", '"\\ta"', id="a tab at the start"),
        pytest.param("a ", '"a "', id="a space at the end"),
        pytest.param("a\rb", '"a\\rb"', id="a carriage return"),
        pytest.param("", '""', id="nothing"),
    ],
)
def test_long_text_is_a_block_where_yaml_gives_it_back(text: str, written: str) -> None:
    assert scalars.block(text, "  ") == written


def test_structure_is_written_in_block_style() -> None:
    value = {"a": [{"b": 1, "c": []}, [2, "x"], "l1\nl2"], "no": {"d": None}}

    assert list(scalars.lines(value)) == [
        "a:",
        "- b: 1",
        "  c: []",
        "- - 2",
        "  - x",
        "- |-\n  l1\n  l2",
        "'no':",
        "  d: null",
    ]


@given(values)
def test_whatever_is_written_is_read_again(value: object) -> None:
    document = {"body": value}
    if not scalars.fits(document) or any("\ud800" <= c <= "\udfff" for c in repr(value)):
        return
    text = "\n".join(scalars.lines(document))

    assert strict_yaml.parse(text) == document


@given(texts.filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)))
def test_text_stays_text_for_any_yaml_reader(text: str) -> None:
    assert yaml.safe_load(f"key: {scalars.scalar(text)}") == {"key": text}
    assert yaml.safe_load(f"{scalars.flow({'key': text})}") == {"key": text}
    assert yaml.safe_load(f"key: {scalars.block(text, '  ')}") == {"key": text}


def test_a_key_too_long_for_yaml_does_not_fit() -> None:
    assert not scalars.fits([{"a": {"k" * 501: 1}}])
    assert scalars.fits([{"a": {"k" * 500: 1}}])
