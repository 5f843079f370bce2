"""Paths and queries in canonical form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.matching.canonical import (
    decode_path,
    decode_query,
    split_api_path,
    strip_api_prefix,
)


@pytest.mark.parametrize(
    ("path", "prefix", "call"),
    [
        pytest.param("/runs/stream", "", "/runs/stream", id="no prefix"),
        pytest.param("/api/langgraph/runs/stream", "/api/langgraph", "/runs/stream", id="a prefix"),
        pytest.param("/api/threads", "/api", "/threads", id="a collection"),
        pytest.param("/api/threads/t/runs/r/join", "/api", "/threads/t/runs/r/join", id="a run"),
        pytest.param("/threads/t/runs", "", "/threads/t/runs", id="runs of a thread"),
        pytest.param("/threads/threads/runs", "", "/threads/threads/runs", id="an odd id"),
        pytest.param("/api/store/items", "/api", "/store/items", id="the store"),
        pytest.param("/store/threads/t", "/store", "/threads/t", id="a prefix like the store"),
        pytest.param("/api/info", "/api", "/info", id="info"),
        pytest.param("/my-threads/x", "", "/my-threads/x", id="a custom route"),
        pytest.param("/info/x", "", "/info/x", id="below info"),
        pytest.param("/api%2Fruns/x", "", "/api%2Fruns/x", id="an escaped slash"),
        pytest.param("/runs/a\nb", "", "/runs/a\nb", id="a line end"),
        pytest.param("/", "", "/", id="the root"),
    ],
)
def test_a_path_is_split_where_the_api_begins(path: str, prefix: str, call: str) -> None:
    assert split_api_path(path) == (prefix, call)


@given(st.text("/runstheadpi"))
def test_a_split_path_is_still_whole(path: str) -> None:
    assert "".join(split_api_path(path)) == path


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        pytest.param("/threads/%61", "/threads/a", id="a letter"),
        pytest.param("/%E2%82%AC", "/€", id="UTF-8"),
        pytest.param("/a%20b", "/a b", id="a space"),
        pytest.param("/a+b", "/a+b", id="a plus sign"),
        pytest.param("/a%2Fb%2fc", "/a%2Fb%2Fc", id="a slash"),
        pytest.param("/%fe%FF", "/%FE%FF", id="bytes that are not UTF-8"),
        pytest.param("/%C3%A9%C3", "/é%C3", id="the first half of a character"),
        pytest.param("/%25FE", "/%25FE", id="an escaped escape"),
        pytest.param("//runs///stream", "/runs/stream", id="repeated slashes"),
        pytest.param("/a%2F/b", "/a%2F/b", id="an escaped slash before one"),
        pytest.param("/50%25", "/50%", id="a percent sign"),
        pytest.param("/%zz", "/%zz", id="a malformed escape"),
        pytest.param("/a\ud800%61", "/a%ED%A0%80a", id="a lone surrogate"),
    ],
)
def test_a_path_has_no_needless_escapes(path: str, canonical: str) -> None:
    assert decode_path(path) == canonical


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        pytest.param("a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")], id="in order"),
        pytest.param("a+b=c%20d", [("a b", "c d")], id="spaces"),
        pytest.param("a=c%2Bd", [("a", "c+d")], id="a plus sign"),
        pytest.param("a=%26%3D%2F", [("a", "&=/")], id="separators"),
        pytest.param("a=%FE&a=%FF", [("a", "%FE"), ("a", "%FF")], id="bytes that are not UTF-8"),
        pytest.param("a=b=c&d=&e&&", [("a", "b=c"), ("d", ""), ("e", "")], id="odd ones"),
    ],
)
def test_a_query_has_no_needless_escapes(query: str, parameters: list[tuple[str, str]]) -> None:
    assert list(decode_query(query)) == parameters


segments = st.binary(max_size=6) | st.text("%2fF/+", max_size=6).map(str.encode)


@given(segments, segments)
def test_different_bytes_stay_different(left: bytes, right: bytes) -> None:
    forms = ["/" + "".join(f"%{byte:02x}" for byte in raw) for raw in (left, right)]

    assert (decode_path(forms[0]) == decode_path(forms[1])) is (left == right)


@pytest.mark.parametrize(
    ("target", "stripped"),
    [
        ("/runs/wait", "/runs/wait"),
        ("/api/langgraph/runs/wait?a=/b", "/runs/wait?a=/b"),
        ("/api//runs/wait", "/runs/wait"),
        ("/api/nothing", "/api/nothing"),
        ("/kept/runs/wait", "/kept/runs/wait"),
        ("/k%65pt/runs/wait", "/k%65pt/runs/wait"),
        ("/store/items?x", "/store/items?x"),
    ],
)
def test_the_prefix_of_a_call_is_removed(target: str, stripped: str) -> None:
    assert strip_api_prefix(target, {"", "/kept"}) == stripped
