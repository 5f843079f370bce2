"""Heads of responses: where they end, and what is repaired in them."""

import pytest

from mockserver.http.response_head import find_head_end, is_informational, repair_head

LIMIT = 50


@pytest.mark.parametrize(
    ("received", "end"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\na: b\r\n\r\n{}", 25, id="whole"),
        pytest.param(b"HTTP/1.1 200 OK\na: b\n\n{}", 22, id="line feeds alone"),
        pytest.param(b"HTTP/1.1 200 OK\r\na: b\r\n", None, id="incomplete"),
        pytest.param(b"H", None, id="first byte"),
        pytest.param(b"HTTP/1.1 200 OK\r\na: " + b"b" * LIMIT, 70, id="too long"),
        pytest.param(b"220 mail", 8, id="not HTTP"),
    ],
)
def test_the_end_of_a_head_is_found(received: bytes, end: int | None) -> None:
    assert find_head_end(received, LIMIT) == end


@pytest.mark.parametrize(
    ("status", "expected"), [(b"100", True), (b"103", True), (b"101", False), (b"200", False)]
)
def test_a_head_that_another_one_follows_is_informational(status: bytes, expected: bool) -> None:
    assert is_informational(b"HTTP/1.1 " + status + b" X\r\n\r\n") is expected


@pytest.mark.parametrize(
    ("fields", "repaired"),
    [
        pytest.param(b"A: 1\r\nb:2 ", b"A: 1\r\nb: 2", id="nothing"),
        pytest.param(b"a: 1\r\n 2\r\nb: 3", b"a: 1\r\n 2\r\nb: 3", id="a folded value"),
        pytest.param(b"a: 1\nb: 2", b"a: 1\r\nb: 2", id="line feeds alone"),
        pytest.param(b"a : 1", b"a: 1", id="a space before the colon"),
        pytest.param(b"a\r\nb: 2", b"b: 2", id="no colon"),
        pytest.param(b"a b: 1\r\nb: 2", b"b: 2", id="a space in the name"),
        pytest.param(b"Content-Length: 7\r\ncontent-length: 7", b"Content-Length: 7", id="two equal lengths"),
        pytest.param(b"content-length: 7, 7", b"content-length: 7", id="two equal lengths in one field"),
        pytest.param(b"content-length: 7\r\ncontent-length: 8", b"content-length: 7\r\ncontent-length: 8", id="two lengths"),
        pytest.param(b"content-length: 7\r\ntransfer-encoding: Chunked", b"transfer-encoding: Chunked", id="a length of a chunked body"),
        pytest.param(b"transfer-encoding: identity\r\ncontent-length: 7", b"content-length: 7", id="identity"),
    ],
)  # fmt: skip
def test_what_strict_parsers_reject_is_repaired(fields: bytes, repaired: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n%b\r\n\r\n"

    assert repair_head(head % fields) == head % repaired


@pytest.mark.parametrize("received", [b"220 mail\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_has_no_fields_stays(received: bytes) -> None:
    assert repair_head(received) == received
