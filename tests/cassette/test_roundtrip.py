"""The rule of fidelity: what is in the cassette encodes back to the very bytes that came."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.cassette.model import Exchange
from mockserver.cassette.playback import encode_body
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.yaml_codec import dump_exchange, load_exchange
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize, request_key
from tests.strategies import values, wires

JSON_TYPE = (("content-type", "application/json"),)
STREAM_TYPE = (("content-type", "text/event-stream; charset=utf-8"),)
REQUEST = Request("POST", "/runs/stream")


def recorded(chunks: list[bytes], headers: Any, request: Request = REQUEST) -> Exchange:
    recorder = Recorder(request, 10.0)
    recorder.start_response(200, "OK", headers)
    for number, chunk in enumerate(chunks):
        recorder.feed(chunk, 10.0 + number)
    return recorder.finish(10.0 + len(chunks))


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(raw), *(place % (len(raw) + 1) for place in places)})
    return [raw[a:b] for a, b in pairwise(bounds)]


def meaning(request: Request) -> bytes:
    return request_key(canonicalize(request))


def reread(exchange: Exchange) -> Exchange:
    loaded = load_exchange(dump_exchange(exchange))
    assert loaded is not None
    return loaded


@given(wires, st.lists(st.integers(0, 1000), max_size=5))
@example(b"data: a\r\n\r", [])
@example(b"data: \xf0\x9f", [])
def test_any_stream_cut_anywhere_survives(raw: bytes, places: list[int]) -> None:
    exchange = recorded(cut(raw, places), STREAM_TYPE)

    loaded = reread(exchange)

    assert encode_body(loaded.response.content) == raw
    assert loaded == exchange


@given(wires, st.lists(st.integers(0, 1000), max_size=5))
def test_the_events_do_not_depend_on_the_cuts(raw: bytes, places: list[int]) -> None:
    whole: Any = recorded([raw], STREAM_TYPE).response.content
    pieces: Any = recorded(cut(raw, places), STREAM_TYPE).response.content

    assert [timed.event for timed in pieces.events] == [timed.event for timed in whole.events]
    assert pieces.tail == whole.tail


@given(
    values,
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.booleans(),
    st.sampled_from(["", "\n", "\n\n"]),
)
def test_any_json_body_survives(
    value: Any, separators: tuple[str, str], ascii_only: bool, lead: str
) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode(
        "utf-8", "replace"
    )
    exchange = recorded([lead.encode(), raw], JSON_TYPE, Request("POST", "/runs/wait", (), raw))

    loaded = reread(exchange)

    assert encode_body(loaded.response.content) == lead.encode() + raw
    assert loaded.response == exchange.response
    assert meaning(loaded.request) == meaning(exchange.request)


@pytest.mark.parametrize(
    "raw",
    [
        b"1e3",
        b"-0",
        b'"\\/"',
        b'"\\u00e9"',
        b'{"a":1,"a":2}',
        b"1" * 5000,
        b'"\\ud800"',
        b"[" * 70 + b"]" * 70,
        b"{}",
        b"null",
        b"NaN",
        b'{"' + b"k" * 2000 + b'":1}',
        b"12345678901234567890",
        b"1.0",
        b"-0.0",
        b"",
        b"\xff",
    ],
)
def test_odd_bodies_survive(raw: bytes) -> None:
    loaded = reread(recorded([raw], JSON_TYPE, Request("POST", "/x", (), raw)))

    assert encode_body(loaded.response.content) == raw
    assert meaning(loaded.request) == meaning(Request("POST", "/x", (), raw))


@given(wires)
def test_any_other_body_survives(raw: bytes) -> None:
    exchange = recorded([raw], (("content-type", "application/octet-stream"),))

    assert encode_body(reread(exchange).response.content) == raw


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        pytest.param(
            b'{ "a": [1, "\\u00e9"] }',
            "  body:\n    a:\n    - 1\n    - é\n",
            id="white space and escapes may change",
        ),
        pytest.param(b'{"a":1e3}', '  text: |-\n    {"a":1e3}\n', id="the spelling of a number is"),
        pytest.param(
            b'{"a":1,"a":2}', '  text: |-\n    {"a":1,"a":2}\n', id="a key that stands twice is"
        ),
        pytest.param(b'"\\ud800"', '  text: |-\n    "\\ud800"\n', id="half a character is"),
    ],
)
def test_the_meaning_of_a_request_stays(raw: bytes, lines: str) -> None:
    text = dump_exchange(recorded([b"{}"], JSON_TYPE, Request("POST", "/x", (), raw)))

    assert f"  path: /x\n{lines}response:" in text


def test_a_long_body_is_text_because_that_loads_faster() -> None:
    raw = b'["' + b"x" * 300_000 + b'"]'

    text = dump_exchange(recorded([raw], JSON_TYPE))

    assert '  text: |-\n    ["xxx' in text
