"""Documents in full: what is written, and what a person may write."""

from dataclasses import replace

import pytest

from mockserver.cassette.model import (
    Body,
    End,
    Ending,
    Exchange,
    Header,
    Repeat,
    Response,
    Stream,
    TimedChunk,
    TimedEvent,
    join_chunks,
)
from mockserver.cassette.yaml_codec import (
    Head,
    dump_exchange,
    dump_header,
    load_exchange,
    load_head,
    load_header,
)
from mockserver.errors import ReadError
from mockserver.formats.sse import LF, Event
from mockserver.http.messages import Request

STREAM = Exchange(
    Request("POST", "/runs/stream", (("last-event-id", "7"),), b'{"assistant_id":"agent"}'),
    Response(
        299,
        "Odd",
        (("content-type", "text/event-stream"), ("link", "a"), ("link", "b")),
        Stream(
            (
                TimedEvent(0.912, Event((("event", "metadata"), ("data", '{"run_id":"1"}')))),
                TimedEvent(0.0, Event((("comment", "heartbeat"),))),
                TimedEvent(1234.5, Event((("id", "0"), ("data", "a\nb"), ("retry", "3")))),
                TimedEvent(0.001, Event((("raw", "data:x\n\n"),))),
            ),
            LF,
            b"data: half",
        ),
        End(0.002, Ending.CUT),
    ),
    Repeat.CYCLE,
    2,
)
STREAM_TEXT = """\
---
request:
  method: POST
  path: /runs/stream
  headers:
    last-event-id: '7'
  body:
    assistant_id: agent
repeat: cycle
redacted: 2
response:
  status: 299
  reason: Odd
  headers:
    content-type: text/event-stream
    link:
    - a
    - b
  line_ending: lf
  events:
  - after: 0.912
    event: metadata
    data: |-
      {"run_id":"1"}
  - comment: heartbeat
  - after: 1234.5
    id: '0'
    data: |-
      a
      b
    retry: 3
  - after: 0.001
    raw: "data:x\\n\\n"
  tail: 'data: half'
  end: {after: 0.002, how: cut}
"""
WAIT = Exchange(
    Request("GET", "/x?a=1"),
    Response(200, None, (), Body(b"\xff\x00", 10.004, (5.001, 10.002)), End()),
)
WAIT_TEXT = """\
---
request:
  method: GET
  path: /x?a=1
response:
  status: 200
  headers: {}
  after: 10.004
  keepalives: [5.001, 10.002]
  base64: /wA=
  end: {after: 0, how: closed}
"""
CHUNKS = Exchange(
    Request("GET", "/x"),
    Response(
        content=join_chunks(
            (
                TimedChunk(0.25, b'{"a":1}\n'),
                TimedChunk(0.0, b"a\nb\n\n"),
                TimedChunk(0.5, b"a\r\n"),
                TimedChunk(0.5, b" a"),
                TimedChunk(0.5, b"\n"),
                TimedChunk(0.5, b"\xff"),
            )
        ),
        end=End(),
    ),
)
CHUNKS_TEXT = """\
---
request:
  method: GET
  path: /x
response:
  status: 200
  headers: {}
  chunks:
  - after: 0.25
    text: |
      {"a":1}
  - text: "a\\nb\\n\\n"
  - after: 0.5
    text: "a\\r\\n"
  - after: 0.5
    text: " a"
  - after: 0.5
    text: "\\n"
  - after: 0.5
    base64: /w==
  end: {after: 0, how: closed}
"""
LATIN = Exchange(
    Request("GET", "/x"),
    Response(headers=(("a", "é"), ("a", "\udce9"), ("b", "\udce9\udc80")), end=End()),
)
LATIN_TEXT = """\
---
request:
  method: GET
  path: /x
response:
  status: 200
  headers:
    a:
    - é
    - base64: 6Q==
    b:
      base64: 6YA=
  end: {after: 0, how: closed}
"""
OPEN = replace(STREAM, response=replace(STREAM.response, end=End(2.1, Ending.OPEN)))
OPEN_TEXT = STREAM_TEXT.replace("{after: 0.002, how: cut}", "{after: 2.1, how: open}")
ROWS = [
    pytest.param(STREAM, STREAM_TEXT, id="stream"),
    pytest.param(OPEN, OPEN_TEXT, id="open stream"),
    pytest.param(WAIT, WAIT_TEXT, id="body"),
    pytest.param(CHUNKS, CHUNKS_TEXT, id="chunks"),
    pytest.param(LATIN, LATIN_TEXT, id="headers that are not UTF-8"),
]


@pytest.mark.parametrize(("exchange", "text"), ROWS)
def test_an_exchange_is_written(exchange: Exchange, text: str) -> None:
    assert dump_exchange(exchange) == text


@pytest.mark.parametrize(("exchange", "text"), ROWS)
def test_an_exchange_is_read(exchange: Exchange, text: str) -> None:
    assert load_exchange(text) == exchange


@pytest.mark.parametrize(("exchange", "text"), ROWS)
def test_windows_line_endings_change_nothing(exchange: Exchange, text: str) -> None:
    assert load_exchange(text.replace("\n", "\r\n")) == exchange


def test_a_tail_that_is_cut_in_a_character_stays() -> None:
    stream = Stream((), tail=b"data: \xf0\x9f")
    headers = (("content-type", "text/event-stream"),)
    exchange = Exchange(Request("POST", "/x"), Response(200, None, headers, stream, End()))

    text = dump_exchange(exchange)

    assert "  events: []\n  tail: {base64: ZGF0YTog8J8=}\n" in text
    assert load_exchange(text) == exchange


@pytest.mark.parametrize("end", ["", "  end: {how: cut}\n"])
def test_events_have_a_content_type_also_with_an_end(end: str) -> None:
    text = f"request:\n  path: /x\nresponse:\n  events:\n  - data: 1\n{end}"
    exchange = load_exchange(text)

    assert exchange is not None
    assert exchange.response.headers == (("content-type", "text/event-stream; charset=utf-8"),)


def test_a_header_is_written_and_read() -> None:
    header = Header(
        "https://my-agent.example",
        "2026-11-22T15:36:36Z",
        {"version": "0.16.7"},
        ("body.config.configurable.user_id",),
        Repeat.ERROR,
        ("uuid", "s-[0-9]+: x"),
    )
    text = """\
mockserver: 1
upstream: https://my-agent.example
recorded: 2026-11-22T15:36:36Z
server: {version: 0.16.7}
ignore:
- body.config.configurable.user_id
volatile:
- uuid
- 's-[0-9]+: x'
repeat: error
"""

    assert dump_header(header) == text
    assert load_header(text) == header


def test_the_smallest_exchange_is_filled_in() -> None:
    text = """\
request:
  path: /runs/stream
  body: {assistant_id: agent}
response:
  events:
  - event: values
    data: {messages: [{content: "é 😀"}]}
  - data: 1
  - data:
"""

    exchange = load_exchange(text)

    assert exchange == Exchange(
        Request("POST", "/runs/stream", (), b'{"assistant_id":"agent"}'),
        Response(
            200,
            None,
            (("content-type", "text/event-stream; charset=utf-8"),),
            Stream(
                (
                    TimedEvent(
                        0.0,
                        Event((("event", "values"), ("data", '{"messages":[{"content":"é 😀"}]}'))),
                    ),
                    TimedEvent(0.0, Event((("data", "1"),))),
                    TimedEvent(0.0, Event((("data", ""),))),
                )
            ),
        ),
    )


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param("body: {}", "application/json", id="body"),
        pytest.param("text: hi", "text/plain; charset=utf-8", id="text"),
        pytest.param("base64: aGk=", "application/octet-stream", id="base64"),
    ],
)
def test_a_content_type_by_hand_is_that_of_the_body(content: str, content_type: str) -> None:
    exchange = load_exchange(f"request: {{path: /x}}\nresponse:\n  {content}\n")

    assert exchange is not None
    assert exchange.response.headers == (("content-type", content_type),)


def test_the_head_is_read_without_the_response() -> None:
    head = load_head("request: {path: /x}\nat: 1.5\nrepeat: error\n")

    assert head == Head(Request("POST", "/x"), Repeat.ERROR, 1.5)


def test_the_time_of_a_request_stays() -> None:
    exchange = Exchange(Request("GET", "/x"), Response(), at=12.034)
    text = dump_exchange(exchange)

    assert "\nat: 12.034\nresponse:" in text
    loaded = load_exchange(text)
    assert loaded is not None
    assert loaded.at == 12.034


@pytest.mark.parametrize("at", ["-1", "soon", "[1]"])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    with pytest.raises(ReadError, match="at"):
        load_exchange(f"request: {{path: /x}}\nat: {at}\nresponse: {{}}\n")


def response(text: str) -> str:
    return f"request: {{path: /x}}\nresponse:\n{text}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            "- 1", "line 1: an exchange must be a mapping with `request` and `response`", id="list"
        ),
        pytest.param(
            "request: {path: /x}", "line 1: an exchange needs a `response`", id="no response"
        ),
        pytest.param("response: {}", "line 1: an exchange needs a `request`", id="no request"),
        pytest.param("request:\nresponse: {}", "line 1: `request` is empty", id="empty request"),
        pytest.param(
            "request: {path: x}\nresponse: {}",
            "line 1: request.path must be text that begins with /",
            id="path",
        ),
        pytest.param(
            "request: {path: /x, method: 3}\nresponse: {}",
            "line 1: method must be text, not 3",
            id="method",
        ),
        pytest.param(
            "request: {path: /x, query: 3}\nresponse: {}",
            "line 1: request has no key `query` (valid keys: method, path, headers, body, text, base64)",
            id="unknown key",
        ),
        pytest.param(
            "request: {path: /x, body: 1, text: a}\nresponse: {}",
            "line 1: request has body and text: only one is allowed",
            id="two bodies",
        ),
        pytest.param(
            response("  status: 99"),
            "line 3: response.status 99 is not a valid status",
            id="status",
        ),
        pytest.param(
            response("  status: true"), "line 3: status must be a whole number, not true", id="bool"
        ),
        pytest.param(response("  base64: '%'"), "line 3: base64 is not base64", id="base64"),
        pytest.param(
            response("  events: [1]"),
            "line 3: an event must be a mapping such as `event: values`",
            id="event",
        ),
        pytest.param(
            response("  events:\n  - comment: a\n    data: b"),
            "line 4: an event has event, data, id, retry, or only one of comment, raw, base64",
            id="comment with data",
        ),
        pytest.param(
            response('  events:\n  - event: "a\\nb"'),
            "line 4: event must not contain a line break",
            id="line break",
        ),
        pytest.param(
            response("  events:\n  - id: [1]"), "line 4: id must be text", id="list as id"
        ),
        pytest.param(
            response("  events:\n  - after: -1\n    data: x"),
            "line 4: after must be a time in seconds",
            id="time",
        ),
        pytest.param(
            response("  line_ending: nl\n  events: []"),
            "line 3: line_ending 'nl' is not one of crlf, lf, cr",
            id="line ending",
        ),
        pytest.param(
            response("  end: {how: broken}"),
            "line 3: end.how is `closed`, `cut` or `open`",
            id="end",
        ),
        pytest.param(
            response("  keepalives: [x]"),
            "line 3: keepalives must be times in seconds",
            id="keepalives",
        ),
        pytest.param(response("  events: []\n  tail: 3"), "line 4: tail must be text", id="tail"),
        pytest.param(
            response("  headers: {a: [[]]}"),
            "line 3: header a must be text on one line",
            id="header",
        ),
        pytest.param(
            response('  reason: "a\\nb"'), "line 3: reason must be text on one line", id="reason"
        ),
        pytest.param(
            response("  headers: {a b: c}"),
            "line 3: 'a b' is not a header name",
            id="header name",
        ),
        pytest.param(response("  base64: éé"), "line 3: base64 is not base64", id="letters"),
        pytest.param(
            response("  body: 1e400"),
            "line 3: number 1e400 is too large: write it as text, in quotes",
            id="infinity",
        ),
        pytest.param(
            "request: {path: /x}\nresponse: {}\nrepeat: often",
            "line 3: repeat: 'often' is none of last, cycle, error",
            id="repeat",
        ),
    ],
)
def test_a_complaint_says_where(text: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        load_exchange(text)

    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            "a: 1", "line 1: not a cassette: it must begin with `mockserver: 1`", id="no cassette"
        ),
        pytest.param(
            "mockserver: one",
            "line 1: mockserver: 'one' is not a format version, write 1",
            id="no version",
        ),
        pytest.param(
            "mockserver: 2",
            "line 1: cassette format 2 is newer than the supported format 1: update mockserver",
            id="newer",
        ),
        pytest.param(
            "mockserver: 1\nignored: []",
            "line 2: the header has no key `ignored`: did you mean `ignore`?",
            id="unknown key",
        ),
        pytest.param(
            "mockserver: 1\nignore:\n- 1", "line 3: ignore must be a list of texts", id="ignore"
        ),
        pytest.param(
            "mockserver: 1\nvolatile: uuid",
            'line 2: volatile must be a list, not "uuid"',
            id="volatile",
        ),
    ],
)
def test_a_header_that_is_none_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        load_header(text)

    assert str(caught.value) == complaint
