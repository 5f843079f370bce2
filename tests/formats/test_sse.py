import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.formats import sse
from mockserver.formats.sse import CR, CRLF, LF, Event

ROWS = [
    pytest.param(
        b'event: metadata\r\ndata: {"run_id":"1"}\r\n\r\n',
        CRLF,
        (("event", "metadata"), ("data", '{"run_id":"1"}')),
        id="as the Python server writes",
    ),
    pytest.param(
        b"id: 0\nevent: values\ndata: {}\n\n",
        LF,
        (("id", "0"), ("event", "values"), ("data", "{}")),
        id="as the JS server writes",
    ),
    pytest.param(b": heartbeat\r\n\r\n", CRLF, (("comment", "heartbeat"),), id="heartbeat"),
    pytest.param(b"data: a\rdata: b\r\r", CR, (("data", "a\nb"),), id="two lines of data"),
    pytest.param(b"retry: 10\n\n", LF, (("retry", "10"),), id="retry"),
    pytest.param(b"data: \n\n", LF, (("data", ""),), id="empty data"),
    pytest.param(b"data:x\n\n", LF, (("raw", "data:x\n\n"),), id="no space"),
    pytest.param(b"\r\n", CRLF, (("raw", "\r\n"),), id="a blank line alone"),
    pytest.param(b"retry: 07\n\n", LF, (("raw", "retry: 07\n\n"),), id="odd retry"),
    pytest.param(
        b"data: a\nid: 1\ndata: b\n\n",
        LF,
        (("raw", "data: a\nid: 1\ndata: b\n\n"),),
        id="data twice",
    ),
    pytest.param(b"data: a\n\n", CRLF, (("raw", "data: a\n\n"),), id="the other line ending"),
    pytest.param(b"data: \xff\n\n", LF, (("base64", "ZGF0YTog/woK"),), id="not UTF-8"),
]


@pytest.mark.parametrize(("wire", "ending", "fields"), ROWS)
def test_a_block_becomes_fields(
    wire: bytes, ending: str, fields: tuple[tuple[str, str], ...]
) -> None:
    assert sse.decode(wire, ending) == Event(fields)


@pytest.mark.parametrize(("wire", "ending", "fields"), ROWS)
def test_fields_become_the_block(
    wire: bytes, ending: str, fields: tuple[tuple[str, str], ...]
) -> None:
    assert sse.encode(Event(fields), ending) == wire


def test_a_stream_is_cut_after_its_blank_lines() -> None:
    blocks, tail = sse.split_blocks(b"data: a\r\n\r\n: b\r\n\r\ndata: c\r\n")

    assert blocks == [b"data: a\r\n\r\n", b": b\r\n\r\n"]
    assert tail == b"data: c\r\n"


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data: x", b"\xff", b": y", b"\xc2\x85"])))
def test_whatever_is_cut_comes_together_again(parts: list[bytes]) -> None:
    raw = b"".join(parts)

    blocks, tail = sse.split_blocks(raw)

    assert b"".join(blocks) + tail == raw
    ending = sse.detect_line_ending(raw)
    assert [sse.encode(sse.decode(block, ending), ending) for block in blocks] == blocks


LINES = [
    "event: values",
    "data: {}",
    "data: é",
    "id: 1",
    ": heartbeat",
    "retry: 3",
    "data:x",
    "",
    "",
]
BLANK_LINES = [f"data: x{ending}{ending}" for ending in (CR, LF, CRLF)]


@given(
    st.sampled_from([CR, LF, CRLF]),
    st.lists(st.sampled_from([*LINES, *BLANK_LINES, CR, LF, CRLF]) | st.just("\udcff")),
)
def test_a_stream_is_decoded_like_its_blocks(ending: str, lines: list[str]) -> None:
    raw = ending.join(lines).encode("utf-8", "surrogateescape")

    events, sizes, detected, tail = sse.decode_stream(raw)

    blocks, rest = sse.split_blocks(raw)
    assert (sizes, detected, tail) == ([*map(len, blocks)], sse.detect_line_ending(raw), rest)
    assert events == [sse.decode(block, detected) for block in blocks]


@pytest.mark.parametrize("ending", [sse.CRLF, sse.LF])
@pytest.mark.parametrize("size", [1, 2, 7, 43])
def test_events_are_received_in_pieces_of_any_size(ending: str, size: int) -> None:
    events = [
        sse.Event((("event", "values"), ("data", f'{{"n":{number}}}'))) for number in range(9)
    ]
    raw = b": here\n\n" + b"".join(sse.encode(event, ending) for event in events)
    received: list[sse.Event] = []
    rest = b""
    for start in range(0, len(raw), size):
        found, rest = sse.decode_received(rest + raw[start : start + size])
        received += found

    assert received == [sse.Event((("comment", "here"),)), *events]
    assert rest == b""
