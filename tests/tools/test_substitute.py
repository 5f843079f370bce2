"""A text is replaced wherever it stands."""

import json

import pytest

from mockserver.errors import UsageError
from mockserver.tools.cassette_source import parse_source
from mockserver.tools.rewrite_values import Replacement, find_changes, rewrite_values
from mockserver.tools.substitute import Substitution
from tests.tools.cassettes import HEALTHY, edited

TOKENS = ["I am A", "da Lov", "elace, Ada", " Lovelace!"]


def tokens_as_events(tokens: list[str]) -> str:
    """Return events of the mode `messages-tuple` with *tokens*."""
    return "".join(
        f"  - event: messages\n    data: |-\n      {json.dumps([{'content': token}, {}])}\n"
        for token in tokens
    )


def substitute(text: str, old: str, new: str) -> tuple[str, list[Replacement]]:
    """Return *text* with *old* replaced by *new*, and the changes."""
    parts = parse_source("chat.yaml", text.encode()).parts
    substitution = Substitution(old, new)
    changes = [change for part in parts for change in find_changes(part, substitution)]
    return b"".join(rewrite_values(part, substitution) for part in parts).decode(), changes


@pytest.mark.parametrize(
    ("old", "new", "edits"),
    [
        pytest.param("hello", "good day", [("content: hello", "content: good day")], id="a request"),
        pytest.param("/info", "/about", [("path: /info", "path: /about")], id="a path"),
        pytest.param("heartbeat", "beat", [("comment: heartbeat", "comment: beat")], id="a comment on the wire"),
        pytest.param("event: updates", "x", [], id="no text of the file"),
        pytest.param("updates", "values", [("event: updates", "event: values"), ("stream_mode: updates", "stream_mode: values")], id="the name of an event"),
        pytest.param("user_id", "user", [("user_id: '7'", "user: '7'"), ("user_id: '8'", "user: '8'"), ("configurable.user_id", "configurable.user")], id="a key"),
    ],
)  # fmt: skip
def test_a_text_is_replaced_everywhere(old: str, new: str, edits: list[tuple[str, str]]) -> None:
    now, changes = substitute(HEALTHY, old, new)

    assert now == edited(*edits)
    assert bool(changes) == bool(edits)


def test_a_text_that_tokens_spread_over_events_is_replaced() -> None:
    text = edited(("  events:\n", f"  events:\n{tokens_as_events(TOKENS)}"))

    now, changes = substitute(text, "Ada Lovelace", "Bob")

    assert now == text.replace('"I am A"', '"I am Bob"').replace('"da Lov"', '""').replace(
        '"elace, Ada"', '", Bob"'
    ).replace('" Lovelace!"', '"!"')
    assert [change.where for change in changes] == [
        f"response.events[{number}].data" for number in range(4)
    ]


def test_a_text_is_replaced_in_json_in_a_string_and_in_escapes() -> None:
    arguments = json.dumps({"name": 'say "Käse"'})
    text = edited(("content: hello", f"content: {json.dumps(arguments)}"))

    now, (change,) = substitute(text, '"Käse"', "Brot")

    assert change.before == arguments
    assert json.loads(change.after) == {"name": "say Brot"}
    assert "Brot" in now


def test_a_replacement_is_not_replaced_again() -> None:
    now, _ = substitute(HEALTHY, "hello", "hello hello")

    assert now == edited(("content: hello", "content: hello hello"))


def test_a_comment_in_the_file_is_changed_too() -> None:
    text = edited(("content: hello", "content: hello  # hello"))

    now, changes = substitute(text, "hello", "bye")

    assert "content: bye  # bye\n" in now
    assert [change.where for change in changes] == [
        "request.body.input.messages[0].content",
        "a comment",
    ]


@pytest.mark.parametrize(("old", "new"), [("", "x"), ("x", "x"), ("x", "a\nb")])
def test_what_cannot_be_replaced_is_refused(old: str, new: str) -> None:
    with pytest.raises(UsageError):
        Substitution(old, new)
