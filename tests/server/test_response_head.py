import pytest

from mockserver.http.messages import PrebuiltBody, Reply, Source, TimedBody
from mockserver.server.response_head import encoded, head, outgoing, plain, readable

REPLY = Reply(
    200,
    (("content-type", "text/plain"), ("vary", "x"), ("access-control-allow-origin", "y")),
    b"body",
    "OK",
    Source.CASSETTE,
    "a b/ü.yaml#1",
    id_pairs=(("live", "recorded"),),
)
OURS = (
    ("content-type", "text/plain"),
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "x-pagination-total, x-pagination-next, content-location"),
    ("vary", "Origin"),
    ("x-mockserver-source", "cassette"),
    ("x-mockserver-exchange", "a%20b/%C3%BC.yaml#1"),
    ("x-mockserver-ids", "live=recorded"),
)


def test_our_headers_take_the_place_of_recorded_ones() -> None:
    assert outgoing(REPLY) == OURS
    assert outgoing(Reply(200, source=Source.MISS))[-1] == ("x-mockserver-source", "miss")


def test_a_head_tells_version_status_and_framing() -> None:
    raw = head(Reply(422, (("a", "é"),)), ("Transfer-Encoding", "chunked"), version="1.0")

    assert raw.startswith("HTTP/1.0 422 Unprocessable Entity\r\na: é\r\n".encode())
    assert raw.endswith(b"\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_an_encoded_answer_has_its_body_behind_its_head() -> None:
    reply = encoded(REPLY)

    assert isinstance(reply.body, PrebuiltBody)
    assert reply.body.raw.endswith(b"\r\nContent-Length: 4\r\n\r\nbody")
    assert plain(reply).body == reply.body.body == b"body"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(204), id="no content"),
        pytest.param(Reply(304), id="not modified"),
        pytest.param(Reply(200, body=TimedBody((), 0.0)), id="paced"),
    ],
)
def test_what_has_no_length_is_left_as_it_is(reply: Reply) -> None:
    assert encoded(reply) is reply
    assert plain(reply) is reply


def test_a_reply_for_a_page_with_credentials_is_a_copy() -> None:
    reply = encoded(REPLY)
    reply.memo[str] = "made of it"
    copy = readable(reply, "https://app.example")

    assert readable(reply, None) is reply
    assert copy.memo == {}
    assert copy.body == b"body"
    assert outgoing(reply) == OURS
    assert outgoing(copy) == (
        OURS[0],
        ("access-control-allow-origin", "https://app.example"),
        ("access-control-allow-credentials", "true"),
        *OURS[2:],
    )
