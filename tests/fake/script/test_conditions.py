"""What a rule asks of a request by path."""

from typing import Any

import pytest

from mockserver.errors import ReadError, SlowPatternError
from mockserver.fake.script.model import Rule, Script, Situation
from mockserver.fake.script.parse import parse_script


def rule(when: str, file: str | None = "mine.yaml") -> Rule:
    return parse_script(f"rules: [{{when: {when}, steps: [{{say: a}}]}}]", Script, file).rules[0]


@pytest.mark.parametrize("file", [None, "mine.yaml"])
@pytest.mark.parametrize(
    ("wanted", "value", "caught"),
    [
        pytest.param("'AI.*'", "AI and banks", {}, id="a pattern"),
        pytest.param("'AI'", "AI and banks", None, id="not the whole"),
        pytest.param("'ai'", "AI", None, id="another case"),
        pytest.param("'a|b'", "b", {}, id="an alternative"),
        pytest.param("'(?P<a>.)(?P<b>x)?'", "A", {"a": "A", "b": ""}, id="groups"),
        pytest.param("'5|6'", 5, {}, id="a pattern for a number"),
        pytest.param("'true'", True, {}, id="a pattern for true"),
        pytest.param("'.*'", None, None, id="a pattern for nothing"),
        pytest.param("'.*'", {}, None, id="a pattern for an object"),
        pytest.param("5", 5, {}, id="a number"),
        pytest.param("5", "5", None, id="a number as text"),
        pytest.param("true", 1, None, id="true is not 1"),
        pytest.param("null", None, {}, id="nothing"),
        pytest.param("null", 0, None, id="nothing is not 0"),
        pytest.param("{k: {l: x}}", {"k": {"l": "x"}, "m": 1}, {}, id="nested"),
        pytest.param("{k: x}", "x", None, id="a path into text"),
        pytest.param("{k: x}", {}, None, id="a path to nothing"),
        pytest.param("x", ["y", "x"], {}, id="an item of a list"),
        pytest.param("{k: x}", [{"k": "y"}, {"k": "x"}], {}, id="an object in a list"),
        pytest.param("x", [], None, id="an empty list"),
    ],
)
def test_a_value_is_as_wanted(wanted: str, value: Any, caught: Any, file: str | None) -> None:
    one = rule(f"{{input: {{topic: {wanted}}}}}", file)

    assert one.match(Situation("g", "hi", 1, {"input": {"topic": value}})) == caught


def test_all_conditions_must_hold() -> None:
    one = rule("{human: 'is (?P<n>.)', context: {tier: (?P<tier>gold|vip)}, config: {configurable: {user: 'u-[0-9]+'}}, metadata: {a: x}}")  # fmt: skip
    facts: dict[str, Any] = {
        "context": {"tier": "vip"},
        "config": {"configurable": {"user": "u-1"}},
        "metadata": {"a": "x"},
    }

    assert one.match(Situation("g", "it is 5", 1, facts)) == {"tier": "vip", "n": "5"}
    assert one.match(Situation("g", "it is 5", 1, {**facts, "context": None})) is None
    assert one.match(Situation("g", "it is 5", 1)) is None
    assert one.match(Situation("g", "it was 5", 1, facts)) is None


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        pytest.param(
            "{input: {a: [x]}}",
            "line 1: input.a: write a pattern, a number, true, false or null, or a mapping of those",
            id="a list",
        ),
        pytest.param(
            "{context: {a: {b: '('}}}",
            "line 1: context.a.b: not a regular expression: missing ), unterminated subpattern at position 0",
            id="no pattern",
        ),
        pytest.param(
            "{input: {a: '(?P<graph>.)'}}",
            "line 1: input.a: {graph} is a built-in placeholder: rename the group",
            id="a group whose name is in use",
        ),
        pytest.param("{input: x}", 'line 1: input must be a mapping, not "x"', id="text"),
        pytest.param(
            "{inputs: {a: x}}", "line 1: when has no key `inputs`: did you mean `input`?", id="a typo"
        ),
    ],
)  # fmt: skip
def test_a_broken_condition_is_refused(when: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        rule(when)

    assert str(caught.value) == complaint


def test_a_pattern_that_takes_too_long_is_named() -> None:
    one = rule("{input: {topic: '(a|a)*'}}")

    with pytest.raises(SlowPatternError, match=r"^mine.yaml, line 1: input.topic: pattern"):
        one.match(Situation("g", "hi", 1, {"input": {"topic": "a" * 40 + "b"}}))
