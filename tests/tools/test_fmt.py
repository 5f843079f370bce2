"""The one text of a cassette: what it makes of hands' work, and what it keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.cassette import playback
from mockserver.matching.canonical import canonical
from mockserver.tools.comments import find_comments, insert_comments
from mockserver.tools.fmt import format_source
from mockserver.tools.source import parse_source
from tests.tools.cassettes import HEALTHY, edited
from tests.tools.formatted import BY_HAND, FORMATTED


def fmt(text: str) -> str:
    return format_source(parse_source("chat.yaml", text.encode())).decode()


def meaning(text: str) -> list[object]:
    """Return what a client gets for what, of each exchange in *text*."""
    told: list[object] = []
    for part in parse_source("chat.yaml", text.encode()).exchanges:
        assert part.exchange is not None
        response = part.exchange.response
        told.append(
            (
                canonical(part.exchange.request),
                response.status,
                response.headers,
                playback.steps(response.content),
            )
        )
    return told


def test_what_was_written_by_hand_gets_the_form_of_a_recording() -> None:
    assert fmt(BY_HAND) == FORMATTED


def test_what_has_its_form_stays_as_it_is() -> None:
    assert fmt(FORMATTED) == FORMATTED
    assert fmt(HEALTHY) == HEALTHY


def test_clients_get_the_same_as_before() -> None:
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
def test_spellings_of_one_cassette_become_one_text(text: str) -> None:
    assert fmt(text) == HEALTHY


def test_times_below_a_millisecond_stay() -> None:
    text = HEALTHY.replace("after: 0.36", "after: 0.000123").replace(
        "after: 0.002", "after: 1234.000001"
    )

    assert fmt(text) == text


def test_what_cannot_be_read_stays_as_it_is() -> None:
    text = edited(("  events:", "  evnts:"), ("path: /info", "path:    /info"))

    assert fmt(text) == edited(("  events:", "  evnts:"))


def test_a_torn_end_stays_as_it_is() -> None:
    text = HEALTHY[:-20]

    assert fmt(text) == text


WORDS = st.text("ab :#-'\"[]{}|>\n\t!&*%@,é😀", max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_any_body_comes_back_and_is_formatted_once_for_all(value: object) -> None:
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


def test_comments_are_told_from_what_looks_like_them() -> None:
    text = "a: 'x # y'  # one\nb: |-  # two\n  # three\n  z\n# four\nc: x#y\n"

    assert [(one.line, one.text, one.is_alone) for one in find_comments(text)] == [
        (1, "# one", False),
        (2, "# two", False),
        (5, "# four", True),
    ]


def test_a_comment_on_what_is_gone_stands_above_what_held_it() -> None:
    old = "a:\n  b: 1  # of b\n  # of c\n  c: 2\n"

    assert insert_comments("x: 0\na:\n  d: 3\n", old) == "x: 0\n# of b\n# of c\na:\n  d: 3\n"


def test_what_stands_without_quotes_elsewhere_gets_them_where_it_has_to() -> None:
    text = "mockserver: 1\nrecorded: 'a: b'\n---\nrequest: {path: /x}\nresponse: {events: [{retry: '3: x', data: a}], end: {}}\n"

    assert "recorded: 'a: b'\n" in fmt(text)
    assert "retry: '3: x'\n" in fmt(text)
    assert meaning(fmt(text)) == meaning(text)


def test_a_comment_that_would_be_read_as_text_where_it_stood_stands_above() -> None:
    text = "mockserver: 1\n---\nrequest: {path: /x}\nresponse:\n      text: 'a'\n      # far in\n      end: {after: 0, how: closed}\n          # farther\n"

    assert fmt(text).count("# far in\n") == fmt(text).count("# farther\n") == 1
    assert fmt(fmt(text)) == fmt(text)


@given(st.lists(st.sampled_from(["# one", "# two: {", "# '", '# "three'])))
def test_no_comment_is_lost_wherever_it_stands(inserted: list[str]) -> None:
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
