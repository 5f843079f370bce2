import pytest

from mockserver.http.messages import PrebuiltBody, Reply, ReplySource, TimedBody
from mockserver.server.response_writer import (
    encode_head,
    prebuild,
    response_headers,
    with_origin,
    without_prebuilt,
)

REPLY = Reply(
    200,
    (("content-type", "text/plain"), ("vary", "x"), ("access-control-allow-origin", "y")),
    b"body",
    "OK",
    ReplySource.CASSETTE,
    "a b/ü.yaml#1",
    id_pairs=(("live", "recorded"),),
)
OURS = (
    ("content-type", "text/plain"),
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "x-pagination-total, x-pagination-next, content-location, x-mockserver-source, x-mockserver-how, x-mockserver-exchange",
    ),
    ("vary", "Origin"),
    ("x-mockserver-source", "cassette"),
    ("x-mockserver-exchange", "a%20b/%C3%BC.yaml#1"),
    ("x-mockserver-ids", "live=recorded"),
)


def test_our_headers_replace_recorded_ones() -> None:
    assert response_headers(REPLY) == OURS
    assert response_headers(Reply(200, source=ReplySource.MISS))[-1] == (
        "x-mockserver-source",
        "miss",
    )


def test_a_head_has_version_status_and_framing() -> None:
    raw = encode_head(Reply(422, (("a", "é"),)), ("Transfer-Encoding", "chunked"), version="1.0")

    assert raw.startswith("HTTP/1.0 422 Unprocessable Entity\r\na: é\r\n".encode())
    assert raw.endswith(b"\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_a_prebuilt_reply_has_its_body_after_its_head() -> None:
    reply = prebuild(REPLY)

    assert isinstance(reply.body, PrebuiltBody)
    assert reply.body.raw.endswith(b"\r\nContent-Length: 4\r\n\r\nbody")
    assert without_prebuilt(reply).body == reply.body.body == b"body"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(204), id="no content"),
        pytest.param(Reply(304), id="not modified"),
        pytest.param(Reply(200, body=TimedBody((), 0.0)), id="paced"),
    ],
)
def test_a_reply_without_length_is_not_prebuilt(reply: Reply) -> None:
    assert prebuild(reply) is reply
    assert without_prebuilt(reply) is reply


def test_a_reply_for_a_page_with_credentials_is_a_copy() -> None:
    reply = prebuild(REPLY)
    copy = with_origin(reply, "https://app.example")

    assert with_origin(reply, None) is reply
    assert copy.body == b"body"
    assert response_headers(reply) == OURS
    assert response_headers(copy) == (
        OURS[0],
        ("access-control-allow-origin", "https://app.example"),
        ("access-control-allow-credentials", "true"),
        *OURS[2:],
    )
