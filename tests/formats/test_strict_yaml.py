import pytest

from mockserver.errors import ReadError
from mockserver.formats import strict_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("no", "no", id="no stays text"),
        pytest.param("on", "on", id="on stays text"),
        pytest.param("012", "012", id="a leading zero stays text"),
        pytest.param("2026-11-22", "2026-11-22", id="a date stays text"),
        pytest.param("1e3", 1000.0, id="a JSON number"),
        pytest.param("'1'", "1", id="quoted is text"),
        pytest.param("null", None, id="null"),
        pytest.param("~", "~", id="a tilde stays text"),
        pytest.param("a:", {"a": None}, id="nothing is null"),
        pytest.param("1: x", {"1": "x"}, id="a key is text"),
        pytest.param('{"a": [1, true, "b"]}', {"a": [1, True, "b"]}, id="JSON"),
        pytest.param("# nothing", None, id="no document"),
    ],
)
def test_scalars_are_what_json_knows_else_text(text: str, value: object) -> None:
    assert strict_yaml.parse(text) == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("a: 1\nb: *x", "line 2: alias *x: write the value itself", id="alias"),
        pytest.param("a: &x 1", "line 1: anchor &x: leave it out", id="anchor"),
        pytest.param(
            "a: !!python/object:os.system 1",
            "line 1: tag tag:yaml.org,2002:python/object:os.system: leave it out",
            id="tag",
        ),
        pytest.param("a: 1\na: 2", "line 2: key 'a' occurs twice", id="duplicate key"),
        pytest.param("[a]: 1", "line 1: a key must be text", id="list as key"),
        pytest.param(
            "a: 1\n---\nb: 2", "line 2: a second document begins here", id="two documents"
        ),
        pytest.param(
            "a: " + "[" * 100,
            "line 1: nested more than 80 deep: write it as JSON text instead",
            id="endless nesting",
        ),
        pytest.param(
            "a: b: c",
            "line 1: not YAML: mapping values are not allowed in this context",
            id="no YAML",
        ),
        pytest.param(
            "a: \x07b",
            'line 1: not YAML: character U+0007 must be written as an escape in "double quotes"',
            id="control character",
        ),
    ],
)
def test_a_complaint_says_the_line_and_what_to_do(text: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        strict_yaml.parse(text)

    assert str(caught.value) == complaint


def test_values_know_their_lines() -> None:
    document = strict_yaml.parse("a: 1\nb:\n- x\n- y\n")

    assert document.lines == {"a": 1, "b": 2}
    assert document["b"].lines == [3, 4]
