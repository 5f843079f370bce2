"""Format cassettes written by hand; their meaning and their comments stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.cassette import playback
from mockserver.matching.canonical import canonicalize
from mockserver.tools.cassette_source import parse_source
from mockserver.tools.fmt import format_source
from mockserver.tools.yaml_comments import find_comments, insert_comments
from tests.tools.cassettes import HEALTHY, edited
from tests.tools.formatted import BY_HAND, FORMATTED


def fmt(text: str) -> str:
    return format_source(parse_source("chat.yaml", text.encode())).decode()


def meaning(text: str) -> list[object]:
    """Return the request and the played response of each exchange in *text*."""
    meanings: list[object] = []
    for part in parse_source("chat.yaml", text.encode()).exchanges:
        assert part.exchange is not None
        response = part.exchange.response
        meanings.append(
            (
                canonicalize(part.exchange.request),
                response.status,
                response.headers,
                playback.timed_chunks(response.content),
            )
        )
    return meanings


def test_a_cassette_written_by_hand_is_formatted_like_a_recording() -> None:
    assert fmt(BY_HAND) == FORMATTED


def test_a_formatted_cassette_is_unchanged() -> None:
    assert fmt(FORMATTED) == FORMATTED
    assert fmt(HEALTHY) == HEALTHY


def test_formatting_does_not_change_the_meaning() -> None:
    assert meaning(fmt(BY_HAND)) == meaning(BY_HAND)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEALTHY.replace("\n", "\r\n"), id="CRLF"),
        pytest.param("\ufeff" + HEALTHY, id="a byte order mark"),
        pytest.param(HEALTHY.replace("---\n", "---\n---\n"), id="documents that hold nothing"),
        pytest.param(HEALTHY.replace("---\nrequest", "--- \n\n\nrequest"), id="blank lines"),
        pytest.param(HEALTHY.replace("'42'", '"42"'), id="other quotes"),
        pytest.param(HEALTHY.replace("status: 200\n", "status: 200   \n"), id="blanks at ends"),
    ],
)
def test_equal_cassettes_get_equal_text(text: str) -> None:
    assert fmt(text) == HEALTHY


def test_times_below_a_millisecond_stay() -> None:
    text = HEALTHY.replace("after: 0.36", "after: 0.000123").replace(
        "after: 0.002", "after: 1234.000001"
    )

    assert fmt(text) == text


def test_an_unreadable_document_is_unchanged() -> None:
    text = edited(("  events:", "  evnts:"), ("path: /info", "path:    /info"))

    assert fmt(text) == edited(("  events:", "  evnts:"))


def test_a_truncated_end_is_unchanged() -> None:
    text = HEALTHY[:-20]

    assert fmt(text) == text


WORDS = st.text("ab :#-'\"[]{}|>\n\t!&*%@,é😀", max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_any_body_keeps_its_meaning_and_formatting_is_idempotent(value: object) -> None:
    import yaml

    document = {
        "request": {"path": "/runs/wait", "body": value},
        "response": {"body": value},
    }
    text = "mockserver: 1\n---\n" + yaml.safe_dump(document, allow_unicode=True)
    held = parse_source("chat.yaml", text.encode())
    if held.errors:
        return
    once = fmt(text)

    assert meaning(once) == meaning(text)
    assert fmt(once) == once


def test_a_hash_in_a_scalar_is_not_a_comment() -> None:
    text = "a: 'x # y'  # one\nb: |-  # two\n  # three\n  z\n# four\nc: x#y\n"

    assert [(one.line, one.text, one.is_alone) for one in find_comments(text)] == [
        (1, "# one", False),
        (2, "# two", False),
        (5, "# four", True),
    ]


def test_a_comment_on_a_removed_key_moves_above_its_parent() -> None:
    old = "a:\n  b: 1  # of b\n  # of c\n  c: 2\n"

    assert insert_comments("x: 0\na:\n  d: 3\n", old) == "x: 0\n# of b\n# of c\na:\n  d: 3\n"


def test_scalars_get_quotes_only_where_needed() -> None:
    text = "mockserver: 1\nrecorded: 'a: b'\n---\nrequest: {path: /x}\nresponse: {events: [{retry: '3: x', data: a}], end: {}}\n"

    assert "recorded: 'a: b'\n" in fmt(text)
    assert "retry: '3: x'\n" in fmt(text)
    assert meaning(fmt(text)) == meaning(text)


def test_a_comment_that_would_become_text_moves_to_the_top() -> None:
    text = "mockserver: 1\n---\nrequest: {path: /x}\nresponse:\n      text: 'a'\n      # far in\n      end: {after: 0, how: closed}\n          # farther\n"

    assert fmt(text).count("# far in\n") == fmt(text).count("# farther\n") == 1
    assert fmt(fmt(text)) == fmt(text)


@given(st.lists(st.sampled_from(["# one", "# two: {", "# '", '# "three'])))
def test_no_comment_is_lost(inserted: list[str]) -> None:
    lines = BY_HAND.split("\n")
    for number, comment in enumerate(inserted):
        at = (number * 7 + len(comment)) % len(lines)
        indent = len(lines[at]) - len(lines[at].lstrip())
        if '"messages": []' not in lines[at]:
            lines.insert(at, " " * indent + comment)
    text = "\n".join(lines)

    before = sorted(line[line.index("#") :] for line in text.split("\n") if "# " in line)
    after = fmt(text)
    assert sorted("#" + part for line in after.split("\n") for part in line.split("#")[1:]) == [
        *(one for one in before),
    ]
    assert fmt(after) == after
