"""Patterns that a user has written mean what they mean to `re`, and end in time."""

import re
import subprocess
import sys

import pytest

from mockserver.errors import SlowPatternError
from mockserver.formats.user_pattern import TimeLimit, UserPattern, compile_pattern

SLOW = "(a+)+$"
TEXT = "a" * 5000 + "b"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param(r"cus_\w+", "a cus_1, cus_2", id="words"),
        pytest.param("a{e}|x{2,3}", "aa a{e} xxx", id="braces that stand for themselves"),
        pytest.param(r"\{e<=1}|[{e}]{2}", "{e<=1} ee", id="braces in a set"),
        pytest.param("x{}y|x{,2}z", "x{}y xxz", id="a brace that counts from nothing"),
        pytest.param(r"\N{DIGIT ONE}{2}", "11", id="a character by its name"),
        pytest.param("(?i:a)b|(?x: c # {\n)", "Ab AB c", id="flags within"),
        pytest.param("(?P<q>['\"]).*?(?P=q)", "'a' \"b\"", id="the same group again"),
        pytest.param("", "ab", id="nothing"),
    ],
)
def test_it_finds_what_re_finds(pattern: str, text: str) -> None:
    spans = UserPattern(pattern, "here:").spans(text, TimeLimit(10))

    assert spans == [found.span() for found in re.finditer(pattern, text)]


def test_its_matches_are_replaced() -> None:
    pattern = UserPattern("[0-9]*", "here:")

    assert pattern.replace("a 12, b 3", "#", TimeLimit(10)) == "a #, b #"


def test_its_named_groups_are_caught_in_any_case() -> None:
    pattern = UserPattern("i am (?P<name>[a-z]+)(?P<age> [0-9])?", "here:", ignore_case=True)

    assert pattern.search("Well, I AM X", TimeLimit(10)) == {"name": "X", "age": ""}
    assert pattern.search("you are", TimeLimit(10)) is None


@pytest.mark.parametrize("pattern", ["(", "a**", "[[a]b", "(?<=a*)b", r"\L<x>", "a(?i)b"])
def test_what_is_none_is_refused_with_the_words_of_re(pattern: str) -> None:
    with pytest.raises(ValueError) as words:
        compile_pattern(pattern)

    with pytest.raises(ValueError, match=re.escape(str(words.value))):
        UserPattern(pattern, "here:")


@pytest.mark.parametrize("pattern", [SLOW, "(a|a)*$", "(x+x+)+y|(.*a){12}$"])
def test_a_pattern_that_takes_too_long_is_named(pattern: str) -> None:
    slow = UserPattern(pattern, "mockserver.yaml: redact:")

    with pytest.raises(SlowPatternError) as raised:
        slow.spans(TEXT, TimeLimit(0.05))

    named = f"mockserver.yaml: redact: pattern {pattern!r} took longer than 0.05 s: simplify it"
    assert str(raised.value) == named


def test_a_long_text_has_more_time() -> None:
    with pytest.raises(SlowPatternError, match=r"longer than 0\.1 s"):
        UserPattern(SLOW, "here:").spans("a" * 2_000_000 + "b", TimeLimit(0.05))


def test_several_matches_share_their_time() -> None:
    slow, fast, limit = UserPattern(SLOW, "here:"), UserPattern("b", "there:"), TimeLimit(0.05)
    with pytest.raises(SlowPatternError):
        slow.search(TEXT, limit)

    with pytest.raises(SlowPatternError, match="here: pattern") as raised:
        fast.search(TEXT, limit)
    assert "there" not in str(raised.value)


def test_a_text_that_took_too_long_is_not_tried_again() -> None:
    """With ten times the tries that fit into the test's time-out."""
    slow = UserPattern(SLOW, "here:")

    for _ in range(2500):
        with pytest.raises(SlowPatternError):
            slow.search(TEXT, TimeLimit(0.5))

    assert slow.search(TEXT[:10], TimeLimit(10)) == {}


def test_the_module_for_it_is_imported_only_where_there_is_one() -> None:
    code = (
        "import sys; from mockserver.server import modes, script_files, settings; script_files.load_builtin(); settings.load(None);"
        "print('regex' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
