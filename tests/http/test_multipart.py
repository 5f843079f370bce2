"""Bodies of several parts."""

import pytest

from mockserver.http.messages import Request
from mockserver.http.multipart import BodyPart, parse_parts

KIND = 'multipart/form-data; boundary="a b"'


def parse(body: bytes, kind: str = KIND) -> tuple[BodyPart, ...] | None:
    return parse_parts(Request("POST", "/x", (("content-type", kind),), body))


def test_parts_have_names_and_bytes() -> None:
    body = (
        b'--a b\r\nContent-Disposition: form-data; name="q"\r\n\r\nhi\r\nho\r\n'
        b"--a b  \r\ncontent-disposition: form-data; name=f; filename*=utf-8''n%C3%A9.txt\r\n"
        b"Content-Type: image/png\r\n\r\n\x89\r\n\x00\r\n--a b--\r\n"
    )

    assert parse(body) == (
        BodyPart((("name", "q"),), b"hi\r\nho"),
        BodyPart(
            (("name", "f"), ("filename", "né.txt"), ("content-type", "image/png")), b"\x89\r\n\x00"
        ),
    )


def test_no_parts_are_parts() -> None:
    assert parse(b"--a b--\r\n") == ()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"--a b\r\n\r\nhi\r\n", KIND, id="no end"),
        pytest.param(b"--c\r\n\r\nhi\r\n--c--", KIND, id="another boundary"),
        pytest.param(b"--a\r\n\r\nhi\r\n--a--", "text/plain; boundary=a", id="another type"),
        pytest.param(b"--a\r\n\r\nhi\r\n--a--", "multipart/form-data", id="no boundary"),
        pytest.param(b"--a\r\n\r\nhi\r\n--a--", "", id="no type"),
        pytest.param(b'{"a":1}', KIND, id="JSON"),
    ],
)
def test_what_is_not_multipart_has_no_parts(body: bytes, kind: str) -> None:
    assert parse(body, kind) is None
