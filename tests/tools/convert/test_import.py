"""Convert HAR files and VCR.py cassettes: bodies, times, secrets, and skipped entries."""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest
import yaml

from mockserver.cassette import playback
from mockserver.cassette.model import Ending, Stream
from mockserver.cassette.yaml_codec import dump_exchange, load_exchange
from mockserver.errors import ReadError, UsageError
from mockserver.redaction.redactor import RedactionRules
from mockserver.tools.convert.foreign import ImportResult
from mockserver.tools.convert.har import from_har, is_har
from mockserver.tools.convert.vcr import from_vcr, is_vcr
from tests.tools.convert.har_entries import EVENTS, KEY, SSE, URL, entry, har


def import_har(
    *entries: dict[str, Any], upstream: str | None = None, **files: bytes
) -> ImportResult:
    return from_har(har(*entries), files.get, upstream, RedactionRules())


def body(result: ImportResult, number: int = 0) -> bytes:
    return playback.encode_body(result.exchanges[number].response.content)


def test_a_stream_becomes_events_spread_over_the_time_it_took() -> None:
    result = import_har(entry())

    (exchange,) = result.exchanges
    assert isinstance(exchange.response.content, Stream)
    assert [timed.after for timed in exchange.response.content.events] == [0.1, 0.4]
    assert body(result) == EVENTS.encode()
    assert (result.base, result.recorded) == (URL, "2026-11-24T10:00:00.000000+00:00")
    assert result.warnings == [
        "the HAR has no times for some events: they are spread evenly over the response time"
    ]


def test_a_stream_of_the_events_of_a_thread_was_open() -> None:
    (exchange,) = import_har(
        entry("/threads/5c9a3d0e-6f0b-4e53-9a57-1d6c0c6f7a21/stream/events")
    ).exchanges

    assert exchange.response.end is not None
    assert exchange.response.end.how is Ending.OPEN


def test_headers_that_a_recording_omits_are_omitted() -> None:
    (exchange,) = import_har(entry()).exchanges

    assert exchange.request.headers == ()
    assert exchange.request.body == b'{"assistant_id": "agent"}'
    assert exchange.response.headers == (("content-type", "text/event-stream; charset=utf-8"),)
    assert exchange.response.reason is None


def test_urls_of_the_server_in_headers_become_paths() -> None:
    names = {
        "location": f"{URL}/x",
        "content-location": "//my-agent.example/y",
        "link": f"<{URL}/z>",
    }
    headers = [*SSE, *({"name": name, "value": value} for name, value in names.items())]
    (exchange,) = import_har(entry(response={"headers": headers})).exchanges

    found = dict(exchange.response.headers)
    assert [found[name] for name in names] == ["/x", "/y", "</z>"]


def test_the_credential_of_a_request_is_redacted_in_the_response() -> None:
    content = {"content": {"text": f'{{"key":"{KEY}"}}', "mimeType": "application/json"}}
    (exchange,) = import_har(entry("/runs/wait", response={"headers": [], **content})).exchanges

    assert playback.encode_body(exchange.response.content) == b'{"key":"REDACTED"}'
    assert exchange.redacted == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"text": base64.b64encode(EVENTS.encode()).decode(), "encoding": "base64"}, id="in base64"),
        pytest.param({"text": EVENTS.encode().decode("latin-1")}, id="encoded twice"),
        pytest.param({"text": None, "_file": "a"}, id="in a file beside it"),
    ],
)  # fmt: skip
def test_bodies_are_found_in_every_form(content: dict[str, Any]) -> None:
    result = import_har(entry(response={"headers": SSE, "content": content}), a=EVENTS.encode())

    assert body(result) == EVENTS.encode()


@pytest.mark.parametrize(
    ("kind", "text", "raw"),
    [
        pytest.param("text/plain; charset=iso-8859-1", "é", b"\xe9", id="Latin-1"),
        pytest.param('text/plain; charset="ISO-8859-1"', "€", b"\x80", id="as browsers read it"),
        pytest.param("text/plain;charset=latin1", "\x81", b"\x81", id="a byte that means nothing"),
        pytest.param(
            "text/plain; charset=latin1", "你", "你".encode(), id="another charset in truth"
        ),
        pytest.param("text/plain; charset=utf-16le", "a", b"a\0", id="UTF-16"),
        pytest.param("text/plain; charset=unheard-of", "é", "é".encode(), id="unknown"),
        pytest.param(
            "text/plain; charset=idna", "a..é", "a..é".encode(), id="no charset of bodies"
        ),
        pytest.param("text/plain", "é", "é".encode(), id="none"),
    ],
)
def test_a_text_has_the_bytes_of_its_charset(kind: str, text: str, raw: bytes) -> None:
    content = {"size": len(raw), "mimeType": kind, "text": text}

    assert body(import_har(entry(response={"headers": [], "content": content}))) == raw


@pytest.mark.parametrize(
    "fields", [{"bodySize": 27}, {"headers": [{"name": "content-length", "value": "27"}]}]
)
def test_a_short_text_may_be_longer_when_it_is_compressed(fields: dict[str, Any]) -> None:
    gzip_header = {"name": "content-encoding", "value": "gzip"}
    headers = [gzip_header, *fields.pop("headers", ())]
    content = {"size": 27, "mimeType": "application/json", "text": "[1]"}
    result = import_har(entry(response={"headers": headers, "content": content, **fields}))

    assert body(result) == b"[1]"
    assert result.exchanges[0].response.headers == (("content-type", "application/json"),)


@pytest.mark.parametrize(
    ("size", "sent", "warnings"),
    [
        pytest.param(len("data: Ã©\n\n".encode()), "data: Ã©\n\n", 1, id="its true text"),
        pytest.param(len("data: é\n\n".encode()), "data: é\n\n", 2, id="encoded twice"),
    ],
)
def test_the_size_of_a_stream_says_whether_it_was_encoded_twice(
    size: int, sent: str, warnings: int
) -> None:
    content = {"size": size, "mimeType": "text/event-stream", "text": "data: Ã©\n\n"}
    result = import_har(entry(response={"headers": SSE, "content": content}))

    assert body(result) == sent.encode()
    assert len(result.warnings) == warnings


def test_a_failed_first_try_is_left_out_and_reported() -> None:
    failed = {"status": 200, "headers": SSE, "content": {"size": 0}, "_error": "net::ERR_FAILED"}
    result = import_har(entry(response=failed), entry())

    assert len(result.exchanges) == 1
    assert body(result) == EVENTS.encode()
    assert result.skipped == [("POST /runs/stream", "it has no response: net::ERR_FAILED")]


def test_messages_stored_by_chromium_become_events_with_times() -> None:
    messages = [
        {"time": 1000.5, "eventName": "metadata", "eventId": "1-0", "data": '{"run_id":"1"}'},
        {"time": 1001.75, "eventName": "values", "eventId": "", "data": '{"a":1}'},
    ]
    result = import_har(
        entry(
            response={"headers": SSE, "content": {"size": 0, "text": None}},
            _eventSourceMessages=messages,
        )
    )

    assert body(result) == (
        b'event: metadata\r\ndata: {"run_id":"1"}\r\nid: 1-0\r\n\r\n'
        b'event: values\r\ndata: {"a":1}\r\n\r\n'
    )
    content = result.exchanges[0].response.content
    assert isinstance(content, Stream)
    assert [timed.after for timed in content.events] == [0.1, 1.25]
    assert result.warnings == [
        "for some streams the browser stored only the messages: comments and line endings are lost"
    ]


@pytest.mark.parametrize(
    "changes, why",
    [
        pytest.param({"response": {"headers": SSE, "content": {"size": -1, "mimeType": "text/event-stream"}}}, "the browser did not store the stream: record it with `mockserver record`", id="a stream that was not kept"),
        pytest.param({"response": {"content": {"size": 9, "mimeType": "application/json"}, "headers": []}}, "the browser did not store the body: record it with `mockserver record`", id="a body that was not kept"),
        pytest.param({"response": {"content": {"_file": "gone"}, "headers": []}}, "the browser did not store the body: record it with `mockserver record`", id="a file that is not there"),
        pytest.param({"response": {"content": {"size": 50, "text": "{}"}, "headers": []}}, "the browser stored 2 of 50 bytes of the body: record it with `mockserver record`", id="a body that was cut short"),
        pytest.param({"response": {"content": {"size": 3, "text": "!!!", "encoding": "base64"}, "headers": []}}, "the browser did not store the body: record it with `mockserver record`", id="what is no base64"),
        pytest.param({"response": {"status": 304}}, "the browser used its cache: disable the cache, and record again", id="what a cache has answered"),
        pytest.param({"response": {"headers": [1]}}, "the entry cannot be read: 'int' object is not subscriptable", id="an entry that makes no sense"),
        pytest.param({"request": {"url": f"{URL.replace('https', 'wss')}/runs/stream"}}, "it is a WebSocket", id="the URL of a WebSocket"),
        pytest.param({"request": {"postData": {"text": ""}, "bodySize": 20}}, "the request body is missing in the recording", id="a request whose body was left out"),
        pytest.param({"response": {"status": 0, "_error": "net::ERR_FAILED"}}, "it has no response: net::ERR_FAILED", id="no answer"),
        pytest.param({"response": {"content": {"size": -1, "mimeType": "application/json"}, "headers": []}}, "the browser did not store the body: record it with `mockserver record`", id="a body of unknown size that was not kept"),
        pytest.param({"response": {"content": {"size": 0}, "_failureText": "net::ERR_ABORTED"}}, "the browser did not store the stream: record it with `mockserver record`", id="a stream that the page left"),
        pytest.param({"response": {"content": {"size": 0}, "headers": [], "_error": "net::ERR_NETWORK_CHANGED"}}, "it has no response: net::ERR_NETWORK_CHANGED", id="a first try that failed"),
        pytest.param({"request": {"postData": None, "bodySize": -1}}, "the request body is missing in the recording", id="a request of unknown size without its body"),
        pytest.param({"request": {"postData": None, "bodySize": 0, "headers": [{"name": "Content-Length", "value": "20"}]}}, "the request body is missing in the recording", id="a request with a length and without its body"),
        pytest.param({"request": {"method": "OPTIONS"}}, "mockserver answers preflight requests itself", id="a preflight"),
        pytest.param({"request": {"postData": {}, "bodySize": 20}}, "the request body is missing in the recording", id="a request without its body"),
        pytest.param({"_webSocketMessages": []}, "it is a WebSocket", id="a WebSocket"),
    ],
)  # fmt: skip
def test_a_skipped_entry_has_a_reason(changes: dict[str, Any], why: str) -> None:
    result = import_har(entry("/runs/wait"), entry(**changes))

    ((request, reason),) = result.skipped
    assert reason == why
    assert request.endswith("/runs/stream")
    assert len(result.exchanges) == 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"response": {"status": 1000}}, id="no status"),
        pytest.param({"response": {"statusText": "\ud800"}}, id="half a character in a reason"),
        pytest.param({"response": {"statusText": 5}}, id="a reason that is a number"),
        pytest.param({"response": {"statusText": "a\nb"}}, id="a reason of two lines"),
        pytest.param({"response": {"headers": [], "content": {"text": "{}", "mimeType": "a\nb"}}}, id="a type of two lines"),
        pytest.param({"request": {"url": "http://[x/runs/wait"}}, id="no URL"),
        pytest.param({"request": {"url": f"{URL}/runs/\ud800"}}, id="half a character in a URL"),
        pytest.param({"startedDateTime": "0001-01-01T00:00:00+14:00"}, id="a date before all"),
    ],
)  # fmt: skip
def test_converted_exchanges_can_be_loaded(changes: dict[str, Any]) -> None:
    result = import_har(entry("/runs/wait"), entry(**changes))

    for exchange in result.exchanges:
        read = load_exchange(dump_exchange(exchange))
        assert read is not None
        assert read.response == exchange.response
    assert len(result.exchanges) + len(result.skipped) + result.elsewhere == 2


def test_a_deeply_nested_har_is_rejected() -> None:
    raw = b'{"log": {"entries": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"

    with pytest.raises(ReadError, match="not a HAR file"):
        from_har(raw, lambda _: None, None, RedactionRules())


def test_exchanges_come_in_the_order_of_their_requests() -> None:
    later = entry("/threads", startedDateTime="2026-11-24T10:00:01+02:00")
    result = import_har(entry(), later)

    assert [one.request.path for one in result.exchanges] == ["/threads", "/runs/stream"]


def test_requests_to_other_servers_are_counted() -> None:
    page = entry(request={"url": "https://app.example/index.html", "method": "GET"})
    result = import_har(
        page, entry(), entry(request={"url": f"{URL}.evil.example/runs/wait"}), upstream=URL
    )

    assert (len(result.exchanges), result.elsewhere) == (1, 2)


@pytest.mark.parametrize(
    "url, base, path",
    [
        ("http://localhost:3000/api/runs/stream", "http://localhost:3000/api", "/runs/stream"),
        ("https://u:p@a.example/threads/x/runs/wait?x=1#y", "https://a.example", "/threads/x/runs/wait?x=1"),
    ],
)  # fmt: skip
def test_the_agent_server_is_found_by_its_requests(url: str, base: str, path: str) -> None:
    result = import_har(entry(request={"url": url}))

    assert result.base == base
    assert [one.request.path for one in result.exchanges] == [path]


def test_several_servers_require_an_upstream() -> None:
    entries = (entry(), entry(request={"url": "https://other.example/runs/wait"}))

    with pytest.raises(
        UsageError, match=r"requests to several servers, .*: name one with --upstream URL"
    ):
        import_har(*entries)
    assert len(import_har(*entries, upstream=f"{URL}/").exchanges) == 1


def test_a_har_without_an_agent_server_is_rejected() -> None:
    with pytest.raises(UsageError, match="the recording has no request to an Agent Server"):
        import_har(entry("/index.html"))


@pytest.mark.parametrize(
    "raw", [b'{"log": {}}', b'{"log": ', b'{"log": {"entries": 1}}', b'{"log": []}']
)
def test_a_file_that_is_not_a_har_is_rejected(raw: bytes) -> None:
    assert is_har(raw)
    with pytest.raises(ReadError, match="not a HAR file"):
        from_har(raw, lambda _: None, None, RedactionRules())


def test_an_interrupted_stream_is_marked_as_cut() -> None:
    (exchange,) = import_har(entry(response={"_error": "net::ERR_ABORTED"})).exchanges
    assert exchange.response.end is not None
    assert exchange.response.end.cut
    (exchange,) = import_har(entry(response={"content": {"text": EVENTS[:-2]}})).exchanges
    assert exchange.response.end is not None
    assert exchange.response.end.cut


def test_the_times_of_messages_are_those_of_the_events() -> None:
    messages = [{"time": 10, "data": "x"}, {"time": 12.5, "data": "y"}]
    result = import_har(entry(_eventSourceMessages=messages))

    assert body(result) == EVENTS.encode()
    content = result.exchanges[0].response.content
    assert isinstance(content, Stream)
    assert [timed.after for timed in content.events] == [0.1, 2.5]
    assert result.warnings == []


def test_invalid_times_and_headers_are_dropped() -> None:
    timings = {"send": "a", "wait": float("nan"), "receive": -1}
    headers = [*SSE, {"name": "bad name", "value": "x"}, {"name": "x-é", "value": "x"}]
    (exchange,) = import_har(entry(timings=timings, response={"headers": headers})).exchanges

    assert exchange.response.headers == (("content-type", "text/event-stream; charset=utf-8"),)
    assert exchange.response.end is not None
    assert exchange.response.end.after == 0


def test_a_credential_of_one_request_is_redacted_in_all_responses() -> None:
    opaque = "opaque-abc1234567"
    first = entry(
        "/threads",
        response={
            "headers": [],
            "content": {"text": f'{{"t":"{opaque}","s":"topsecretcookie1234"}}'},
        },
    )
    second = entry(request={"headers": [{"name": "Authorization", "value": opaque}]})
    cookie = [*SSE, {"name": "Set-Cookie", "value": "sid=topsecretcookie1234; Path=/"}]
    second["response"]["headers"] = cookie
    result = import_har(first, second)

    assert body(result) == b'{"t":"REDACTED","s":"REDACTED"}'


@pytest.mark.parametrize(
    "upstream", ["https://My-Agent.example:443/", "https://u:p@my-agent.example"]
)
def test_equivalent_upstream_urls_match(upstream: str) -> None:
    result = import_har(entry(), upstream=upstream)

    assert (result.base, len(result.exchanges)) == (URL, 1)


@pytest.mark.parametrize(
    "upstream, said",
    [
        ("localhost:2024", "--upstream 'localhost:2024': write a URL"),
        ("https://u:secret@other.example", f"the recording has no request to https://other.example, only to {URL}"),
    ],
)  # fmt: skip
def test_an_unknown_upstream_is_an_error(upstream: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        import_har(entry(), upstream=upstream)

    assert str(caught.value).startswith(said)
    assert "secret" not in str(caught.value)


def test_an_empty_har_is_an_error() -> None:
    with pytest.raises(UsageError, match="the recording is empty"):
        import_har()


def interaction(**changes: Any) -> dict[str, Any]:
    result: dict[str, Any] = {
        "request": {
            "method": "POST",
            "uri": f"{URL}/runs/wait",
            "body": '{"assistant_id": "agent"}',
            "headers": {"x-api-key": [KEY], "Content-Type": ["application/json"]},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"Content-Type": ["application/json"], "X-Two": ["a", "b"]},
            "body": {"string": '{"a":1}'},
        },
    }
    for name, change in changes.items():
        result[name] = {**result[name], **change}
    return result


def vcr(*interactions: dict[str, Any], as_json: bool = False) -> bytes:
    cassette = {"interactions": list(interactions), "version": 1}
    return json.dumps(cassette).encode() if as_json else yaml.safe_dump(cassette).encode()


@pytest.mark.parametrize("as_json", [False, True])
def test_interactions_become_exchanges(as_json: bool) -> None:
    raw = vcr(interaction(), as_json=as_json)
    assert is_vcr(raw)
    result = from_vcr(raw, None, RedactionRules())

    (exchange,) = result.exchanges
    assert exchange.request.path == "/runs/wait"
    assert exchange.request.body == b'{"assistant_id": "agent"}'
    assert exchange.response.headers == (("content-type", "application/json"), ("x-two", "a"), ("x-two", "b"))  # fmt: skip
    assert body(result) == b'{"a":1}'
    assert result.warnings == ["a VCR.py cassette has no times: responses are sent without delays"]


@pytest.mark.parametrize(
    "response",
    [
        pytest.param({"body": {"string": b'{"a":1}'}}, id="bytes"),
        pytest.param({"body": {"string": gzip.compress(b'{"a":1}', mtime=0)}, "headers": {"Content-Type": ["application/json"], "content-encoding": ["gzip"]}}, id="packed"),
        pytest.param({"body": {"string": '{"a":1}'}, "headers": {"Content-Type": ["application/json"], "content-encoding": ["gzip"]}}, id="unpacked already"),
        pytest.param({"body": None, "content": '{"a":1}'}, id="of httpx"),
        pytest.param({"body": {"string": '{"a":1}'}, "status": 200}, id="a bare status"),
        pytest.param({"body": {"string": zlib.compress(b'{"a":1}')}, "headers": {"content-encoding": ["deflate"]}}, id="deflated"),
        pytest.param({"body": {"string": zlib.compress(b'{"a":1}', wbits=-15)}, "headers": {"content-encoding": ["deflate"]}}, id="deflated without a head"),
        pytest.param({"body": {"string": gzip.compress(gzip.compress(b'{"a":1}'))}, "headers": {"content-encoding": ["gzip, gzip"]}}, id="packed twice"),
        pytest.param({"body": {"string": '{"a":1}'}, "headers": {"content-encoding": ["br"]}}, id="unpacked from another packing"),
    ],
)  # fmt: skip
def test_vcr_bodies_are_read_in_every_form(response: dict[str, Any]) -> None:
    result = from_vcr(vcr(interaction(response=response)), None, RedactionRules())

    assert body(result) == b'{"a":1}'


def test_a_body_that_cannot_be_decompressed_is_skipped() -> None:
    headers = {"content-encoding": ["br"]}
    packed = interaction(response={"headers": headers, "body": {"string": b"\xff\x00\x01"}})
    result = from_vcr(vcr(interaction(), packed), None, RedactionRules())

    assert result.skipped == [
        (
            "POST /runs/wait",
            "the body is compressed with br: record it with decode_compressed_response",
        )
    ]
    assert len(result.exchanges) == 1


def test_an_invalid_interaction_is_skipped() -> None:
    result = from_vcr(
        vcr(interaction(), interaction(response={"status": None})), None, RedactionRules()
    )

    assert [why.partition(":")[0] for _, why in result.skipped] == [
        "the interaction cannot be read"
    ]
    assert len(result.exchanges) == 1


def test_a_compressed_request_is_decompressed() -> None:
    packed = {"body": gzip.compress(b'{"a":1}'), "headers": {"Content-Encoding": ["gzip"]}}
    result = from_vcr(vcr(interaction(request=packed)), None, RedactionRules())

    assert result.exchanges[0].request.body == b'{"a":1}'


def test_a_stream_of_vcr_becomes_events() -> None:
    headers = {"Content-Type": ["text/event-stream"]}
    result = from_vcr(
        vcr(interaction(response={"headers": headers, "body": {"string": EVENTS}})),
        None,
        RedactionRules(),
    )

    assert isinstance(result.exchanges[0].response.content, Stream)
    assert body(result) == EVENTS.encode()


@pytest.mark.parametrize(
    "raw, said",
    [
        (b"interactions: 1\n", "not a VCR.py cassette"),
        (b"interactions:\n- request: {}\n", "not a VCR.py cassette"),
        (b"interactions: [", "not a VCR.py cassette"),
        (b"interactions:\n- !!python/object:os.x {}\n", "line 2: not a VCR.py cassette"),
    ],
)
def test_a_file_that_is_not_a_vcr_cassette_is_rejected(raw: bytes, said: str) -> None:
    with pytest.raises(ReadError, match=said):
        from_vcr(raw, None, RedactionRules())
