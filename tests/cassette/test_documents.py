from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.cassette import documents


def raws(*blocks: bytes) -> list[bytes]:
    return [document.raw for document in documents.split_documents(blocks)]


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        pytest.param(b"a\n---\nb\n---\nc\n", [b"a\n", b"---\nb\n", b"---\nc\n"], id="three"),
        pytest.param(b"a\r\n---\r\nb", [b"a\r\n", b"---\r\nb"], id="Windows"),
        pytest.param(b"a\n--- # next\nb", [b"a\n", b"--- # next\nb"], id="a comment behind"),
        pytest.param(b"a\n\n---\n\n---\nb", [b"a\n\n", b"---\n\n", b"---\nb"], id="blank lines"),
        pytest.param(b"a\n----\nb\n ---\n", [b"a\n----\nb\n ---\n"], id="no separators"),
        pytest.param(b"a\n---", [b"a\n"], id="a separator at the end"),
        pytest.param(b"a\n--", [b"a\n--"], id="half a separator at the end"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_a_document_begins_with_dashes(raw: bytes, parts: list[bytes]) -> None:
    assert raws(raw) == parts


@given(
    st.lists(st.sampled_from([b"a", b"\n", b"---", b"-", b"\r", b" ", b"\n---\n"]), max_size=20),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_documents_do_not_depend_on_the_blocks(parts: list[bytes], places: list[int]) -> None:
    raw = b"".join(parts)
    bounds = sorted({0, len(raw), *(min(place, len(raw)) for place in places)})

    assert raws(*(raw[a:b] for a, b in pairwise(bounds))) == raws(raw)


@given(st.lists(st.sampled_from([b"a", b"\n", b"---", b"\n---\n"]), max_size=20))
def test_a_document_knows_its_place(parts: list[bytes]) -> None:
    raw = b"".join(parts)

    for document in documents.split_documents([raw]):
        assert raw[document.start : document.end] == document.raw


def head(raw: bytes) -> bytes | None:
    (document,) = documents.split_documents([raw])
    return document.head


def test_the_head_is_what_stands_before_the_response() -> None:
    whole = b"---\nrequest:\n  path: /x\nresponse:\n  body: 1\n"

    assert head(whole) == b"---\nrequest:\n  path: /x\n"
    assert head(b"response: 1\n") is None
    assert head(b"request: 1\nresponse: 1\nrepeat: last\n") is None


@given(st.lists(st.integers(0, 120), max_size=4))
def test_the_head_does_not_depend_on_the_blocks(places: list[int]) -> None:
    raw = b"a\n" + b"---\nrequest:\n  path: /x\nresponse:\n  body: 1\n" * 2
    bounds = sorted({0, len(raw), *(min(place, len(raw)) for place in places)})

    heads = [one.head for one in documents.split_documents([raw[a:b] for a, b in pairwise(bounds)])]

    assert heads == [None, *[b"---\nrequest:\n  path: /x\n"] * 2]


@pytest.mark.parametrize(
    ("rest", "alone"),
    [
        pytest.param("  text: a\n", True, id="as we write it"),
        pytest.param("  text: |-\n    a\n\n    b\n", True, id="a blank line in a text"),
        pytest.param("# nearly done\n\n", True, id="a comment"),
        pytest.param("  text: a\n----\nrequest: 2\n", False, id="a separator that is none"),
        pytest.param("  text: a\n ---\nrequest: 2\n", False, id="a separator that is indented"),
        pytest.param("  text: a\n...\nrequest: 2\n", False, id="an end mark"),
        pytest.param("  text: a\n<<<<<<< HEAD\n", False, id="a conflict"),
    ],
)
def test_the_head_does_not_hide_what_stands_behind_the_response(rest: str, alone: bool) -> None:
    found = head(f"request: 1\nresponse:\n{rest}".encode())

    assert (found == b"request: 1\n") is alone
    assert (found is None) is not alone
