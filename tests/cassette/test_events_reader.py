"""What the reader of our own layout reads is what the YAML reader reads, or it declines."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.cassette import events_reader, playback
from mockserver.cassette.documents import single_document
from mockserver.cassette.model import Exchange
from mockserver.cassette.recorder import Recorder
from mockserver.cassette.yaml_codec import dump_exchange, load_exchange
from mockserver.errors import ReadError
from mockserver.formats.json_text import dumps
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


def asked(body: Any) -> Request:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Request("POST", "/runs/wait", (), text.encode("utf-8", "surrogatepass"))


def agrees(text: str) -> tuple[bool, bool]:
    """Check both readers against each other; tell whether ours has read request and answer."""
    raw = text.encode("utf-8", "surrogatepass")
    at = raw.find(b"\nresponse:")
    fast, answer = events_reader.read_head(raw[: at + 1]), events_reader.read_playback(raw)
    if fast is None and answer is None:
        return False, False
    exchange = load_exchange(text)
    assert exchange is not None
    if fast is not None and single_document(raw).head is not None:
        body = b"".join(dumps(value).encode() for value in fast.body)
        assert Request(fast.method, fast.path, (), body) == exchange.request
    assert answer in (None, playback.build_playback(exchange.response))
    assert events_reader.read_exchange(raw) in (None, exchange)
    return fast is not None, answer is not None


def test_what_servers_stream_is_read() -> None:
    text = dump_exchange(recorded(HELLO, STREAM, *EVENTS))

    assert agrees(text) == (True, True)


@pytest.mark.parametrize("ending", [b"\r\n", b"\n", b"\r"])
def test_each_line_ending_is_read(ending: bytes) -> None:
    events = (event.replace(b"\r\n", ending) for event in EVENTS)

    assert agrees(dump_exchange(recorded(HELLO, STREAM, *events))) == (True, True)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"a":[],"b":{},"c":[[1,[2]],{"d":null}]}', id="mapping"),
        pytest.param(b'[{"a":1,"b":"no"},{"c":"x: y"},[]]', id="list"),
        pytest.param(b'{"a":"one\\ntwo\\n\\n three","b":-1.5}', id="block"),
        pytest.param('{"ä":"ö € 😀"}'.encode(), id="unicode"),
    ],
)
def test_a_json_body_is_read(raw: bytes) -> None:
    text = dump_exchange(recorded(Request("POST", "/runs/wait", (), raw), JSON, raw))

    assert agrees(text) == (True, True)


def test_a_request_without_a_body_is_read() -> None:
    text = dump_exchange(recorded(Request("GET", "/threads/1/state?a=b"), JSON, b'{"a":1}'))

    assert agrees(text) == (True, True)


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
        pytest.param("role: human", "role: |\n          human", id="kept newline"),
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

    try:
        load_exchange(edited)
    except ReadError:
        raw = edited.encode()
        at = raw.find(b"\nresponse:") + 1
        assert events_reader.read_head(raw[:at]) is None or events_reader.read_playback(raw) is None
    else:
        agrees(edited)


@given(values)
def test_any_json_is_read_alike_or_declined(value: Any) -> None:
    request = asked(value)

    agrees(dump_exchange(recorded(request, JSON, request.body)))


@given(st.lists(texts.filter(lambda text: "\r" not in text), min_size=1, max_size=4))
@example(["no"])
@example(["a: b"])
def test_any_text_is_read_alike_or_declined(said: list[str]) -> None:
    request = asked({"input": said, "a": {"b": said[0]}})
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

    try:
        load_exchange(edited)
    except ReadError:
        return
    agrees(edited)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("    end: {after: 0, how: closed}\n", id="a key of the body"),
        pytest.param(">  end: {after: 0, how: closed}\n", id="no key at all"),
    ],
)
def test_what_looks_like_an_end_further_in_is_none(end: str) -> None:
    head = "---\nrequest:\n  method: GET\n  path: /x\nresponse:\n  status: 200\n  headers: {}\n"
    raw = f"{head}  body:\n    a: 1\n{end}".encode()

    assert (events_reader.read_exchange(raw), events_reader.read_playback(raw)) == (None, None)


@pytest.mark.parametrize("value", ['"a\\nb"', '"a\\u0007b"'])
def test_a_header_that_no_answer_can_have_is_declined(value: str) -> None:
    head = "---\nrequest:\n  method: GET\n  path: /x\nresponse:\n  status: 200\n"
    raw = f"{head}  headers:\n    x-a: {value}\n  body:\n    a: 1\n  end: {{after: 0, how: closed}}\n".encode()

    assert (events_reader.read_exchange(raw), events_reader.read_playback(raw)) == (None, None)


@pytest.mark.parametrize("event", ["comment: ''", "event: a\n    data: |-\n      b\n    id: ''"])
def test_what_is_empty_is_not_what_is_not_there(event: str) -> None:
    head = "---\nrequest:\n  method: GET\n  path: /x\nresponse:\n  status: 200\n  headers: {}\n"
    text = f"{head}  events:\n  - {event}\n  end: {{after: 0, how: closed}}\n"

    assert events_reader.read_exchange(text.encode()) in (None, load_exchange(text))
