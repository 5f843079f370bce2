"""What the reader of our own layout reads is what the YAML reader reads, or it declines."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.cassette import yaml_codec
from mockserver.cassette.documents import single_document
from mockserver.cassette.model import Exchange
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.yaml_codec import dump_exchange, load_exchange
from mockserver.errors import ReadError
from mockserver.http.messages import Request
from tests.strategies import texts, values, wires

STREAM = (("content-type", "text/event-stream; charset=utf-8"), ("x-n", "5"))
JSON = (("content-type", "application/json"),)
HELLO = Request(
    "POST", "/runs/stream", (), b'{"input":{"messages":[{"role":"human"}]},"n":[1,[2]]}'
)
EVENTS = (
    b"event: metadata\r\ndata: {}\r\n\r\n",
    b"event: messages|a:b\r\ndata: [1]\r\nid: 5-0\r\n\r\n",
    b": heartbeat\r\n\r\n",
    b'event: updates\r\ndata: {"a":"\xf0\x9f\x98\x80"}\r\n\r\n',
)


def recorded(request: Request, headers: Any, *chunks: bytes) -> Exchange:
    recorder = Recorder(request, 1.0)
    recorder.start_response(200, "OK", headers)
    for number, chunk in enumerate(chunks, 1):
        recorder.feed(chunk, 1.0 + number / 8)
    return recorder.finish(2.5)


def request_of(body: Any) -> Request:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Request("POST", "/runs/wait", (), text.encode("utf-8", "surrogatepass"))


def agrees(text: str) -> bool:
    """Check both readers against each other; tell whether ours has read the exchange and its response."""
    raw = text.encode("utf-8", "surrogatepass")
    at = raw.find(b"\nresponse:") + 1
    found = [yaml_codec.read_exchange(raw)]
    answers = [yaml_codec.read_response(part) for part in (raw, raw[at:])]
    if found == [None] and answers == [None, None]:
        return False
    exchange = load_exchange(text)
    assert exchange is not None
    assert found[0] in (None, exchange)
    assert answers[0] in (None, exchange.response)
    if single_document(raw).response_at == at:
        assert answers[1] in (None, exchange.response)
    return None not in (*found, *answers)


def assert_read_alike_or_declined(edited: str) -> None:
    """Check that what the YAML reader rejects is declined, and that anything else is read alike or declined."""
    try:
        load_exchange(edited)
    except ReadError:
        assert yaml_codec.read_exchange(edited.encode()) is None
    else:
        agrees(edited)


def test_what_servers_stream_is_read() -> None:
    text = dump_exchange(recorded(HELLO, STREAM, *EVENTS))

    assert agrees(text)


@pytest.mark.parametrize("ending", [b"\r\n", b"\n", b"\r"])
def test_each_line_ending_is_read(ending: bytes) -> None:
    events = (event.replace(b"\r\n", ending) for event in EVENTS)

    assert agrees(dump_exchange(recorded(HELLO, STREAM, *events)))


def test_a_body_is_read() -> None:
    text = dump_exchange(recorded(HELLO, JSON, b'{"a":1}'))

    assert agrees(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("role: human", "role: human # or not", id="comment"),
        pytest.param("role: human", "role: human\n", id="blank line"),
        pytest.param("role: human", "role: 012", id="no number"),
        pytest.param("role: human", "role: {a: 1}", id="flow"),
        pytest.param("role: human", "role: &a human", id="anchor"),
        pytest.param("role: human", "role: !!str human", id="tag"),
        pytest.param("role: human", "role: human\n        role: ai", id="duplicate"),
        pytest.param("role: human", "role: human\n          again", id="continued"),
        pytest.param("role: human", "role: |\n          human", id="final newline"),
        pytest.param("role: human", "role: |-\n           human", id="deeper"),
        pytest.param("role: human", 'role: "\\x41"', id="escape"),
        pytest.param("role: human", "role: 'it''s'", id="quote"),
        pytest.param("role: human", "role: 'a' b'", id="broken quote"),
        pytest.param("role: human", "role: a\tb", id="tab"),
        pytest.param("role: human", "role:human", id="no space"),
        pytest.param("role: human", "role:", id="nothing"),
        pytest.param("role: human", "? role\n        : human", id="complex key"),
        pytest.param("path: /runs/stream", "path: /runs/stream: a", id="colon"),
        pytest.param("method: POST", "method: 'POST'", id="quoted method"),
        pytest.param("event: metadata", "event: null", id="null event"),
        pytest.param("event: metadata", "event: 12", id="number event"),
        pytest.param("event: metadata", "event: 'metadata'", id="quoted event"),
        pytest.param("event: metadata", "event: meta\n      data", id="continued event"),
        pytest.param("id: 5-0", "id: 5", id="number id"),
        pytest.param("after: 0.125", "after: 1e-1", id="spelled time"),
        pytest.param("after: 0.125", "after: 012", id="no time"),
        pytest.param("      {}", "       {}", id="deeper data"),
        pytest.param("      {}", "      {}\n\n", id="blank line in data"),
        pytest.param("      {}", "      {}\n      {}", id="two lines of data"),
        pytest.param("      {}", "      {\u0085}", id="odd line break"),
        pytest.param("      {}", "      {\u2028}", id="another"),
        pytest.param("      {}", "      {\x9b}", id="control"),
        pytest.param("status: 200", "status: 99", id="no status"),
        pytest.param("x-n: '5'", "x-n: 5", id="number header"),
        pytest.param("x-n: '5'", "x-n: '5'\n    x-n: '6'", id="header twice"),
        pytest.param("x-n: '5'", "x-n:\n    - a\n    - b", id="header list"),
        pytest.param("how: closed", "how: open", id="no end"),
        pytest.param("  events:", "  line_ending: lf\n  events:", id="line ending"),
        pytest.param("response:", "repeat: cycle\nresponse:", id="repeat"),
        pytest.param("response:", "redacted: 3\nresponse:", id="redacted"),
    ],
)
def test_an_edit_is_read_alike_or_declined(old: str, new: str) -> None:
    text = dump_exchange(recorded(HELLO, STREAM, *EVENTS))
    assert old in text

    edited = text.replace(old, new, 1)

    assert_read_alike_or_declined(edited)


@given(values)
def test_any_json_is_read_alike_or_declined(value: Any) -> None:
    request = request_of(value)

    agrees(dump_exchange(recorded(request, JSON, request.body)))


@given(st.lists(texts.filter(lambda text: "\r" not in text), min_size=1, max_size=4))
@example(["no"])
@example(["a: b"])
def test_any_text_is_read_alike_or_declined(said: list[str]) -> None:
    request = request_of({"input": said, "a": {"b": said[0]}})
    chunks = (f"event: {text}\r\ndata: {text}\r\n\r\n".encode("utf-8", "replace") for text in said)

    agrees(dump_exchange(recorded(request, STREAM, *chunks)))


@given(wires)
def test_any_stream_is_read_alike_or_declined(raw: bytes) -> None:
    agrees(dump_exchange(recorded(HELLO, STREAM, raw)))


PIECES = [
    *("\n", " ", "  ", "- ", ":", ": ", "#", "'", '"', "|-", "a", "5", "\t", "é", "\u2028", "{}"),
    *("\x00", "\x7f", "\r"),
]


@given(st.integers(0, 10_000), st.integers(0, 12), st.sampled_from(PIECES))
def test_any_edit_is_read_alike_or_declined(place: int, cut: int, put: str) -> None:
    text = dump_exchange(recorded(HELLO, STREAM, *EVENTS))
    at = place % len(text)
    edited = text[:at] + put + text[at + cut :]

    assert_read_alike_or_declined(edited)


HEAD = "---\nrequest:\n  method: GET\n  path: /x\n"
BLOCK = "  events:\n  - event: a\n    data: |-\n      b\n  end: {after: 0, how: closed}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"---\nrequest:\n path: /x\n text: |\n{BLOCK}response: {{}}\n", id="text"),
        pytest.param(f"---\nrequest:\n  path: /x\n{BLOCK}response: {{}}\n", id="request"),
        pytest.param(f"{HEAD}response:\n  body:\n{BLOCK.replace('  ', '    ')}", id="body"),
        pytest.param(f"{HEAD}response:\n  status: 200\n  text: '\n{BLOCK}'\n", id="quoted text"),
        pytest.param(f"{HEAD}response: {{\n{BLOCK}}}\n", id="flow mapping"),
        pytest.param(f"{HEAD}response:\n  events: []\n{BLOCK}", id="events twice"),
        pytest.param(f"{HEAD}response:\n  - 1\n{BLOCK}", id="list"),
        pytest.param(f"- 1\n{BLOCK}", id="no mapping"),
        pytest.param(f"mockserver: 1\nserver:\n{BLOCK}", id="no response"),
    ],
)
def test_a_block_that_is_not_the_events_of_the_response_is_declined(text: str) -> None:
    raw = text.encode()

    assert (yaml_codec.read_exchange(raw), yaml_codec.read_response(raw)) == (None, None)


def test_a_block_in_a_text_before_the_response_is_declined() -> None:
    text = f"---\nrequest:\n path: /x\n text: |\n{BLOCK}response:\n  headers: {{}}\n{BLOCK}"

    assert not agrees(text)


@pytest.mark.parametrize("event", ["comment: ''", "event: a\n    data: |-\n      b\n    id: ''"])
def test_what_is_empty_is_not_what_is_not_there(event: str) -> None:
    text = f"{HEAD}response:\n  headers: {{}}\n  events:\n  - {event}\n  end: {{after: 0}}\n"

    assert agrees(text)
