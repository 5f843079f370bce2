import json
from base64 import b64encode
from itertools import pairwise

import pytest

from mockserver.cassette.model import Body, End, Exchange, Response, Stream, TimedEvent
from mockserver.cassette.yaml_codec import dump_exchange
from mockserver.errors import UsageError
from mockserver.formats.sse import Event
from mockserver.http.messages import Headers, Request
from mockserver.redaction import redactor
from mockserver.redaction.credentials import find_credentials, find_ordinary_credentials
from mockserver.redaction.redactor import Redactor

SECRET = "correct-horse/battery"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        pytest.param((("x-api-key", "key-12345"),), ("key-12345",), id="api key"),
        pytest.param(
            (("authorization", "Bearer abc123"),), ("Bearer abc123", "abc123"), id="bearer"
        ),
        pytest.param(
            (("authorization", "Basic dXNlcjpwYXNzdzByZA=="),),
            ("Basic dXNlcjpwYXNzdzByZA==", "dXNlcjpwYXNzdzByZA==", "passw0rd"),
            id="basic",
        ),
        pytest.param(
            (("cookie", "sid=abc-123; theme=system"),),
            ("sid=abc-123; theme=system", "abc-123"),
            id="cookies",
        ),
        pytest.param((("x-auth-token", "tok-123"),), ("tok-123",), id="a token"),
        pytest.param(
            (("x-auth-scheme", "langsmith"), ("accept", "text/html")), (), id="no credential"
        ),
        pytest.param((("x-mockserver-session", "session-1"),), (), id="our own header"),
        pytest.param((("x-api-key", "test"),), (), id="too short to be looked for"),
        pytest.param((("x-api-key", "langgraph"),), (), id="a word"),
        pytest.param((("x-api-key", "chat-agent"),), (), id="two words"),
        pytest.param((("x-api-key", "12345678"),), ("12345678",), id="a number"),
        pytest.param(
            (("cookie", "tz=Europe%2FBerlin"),), ("tz=Europe%2FBerlin",), id="a time zone"
        ),
    ],
)
def test_credentials_are_known_by_their_headers(headers: Headers, found: tuple[str, ...]) -> None:
    assert find_credentials(headers) == found


def test_credentials_are_known_by_their_parameters() -> None:
    assert find_credentials((), "/x?api_key=abc123&limit=1000000") == ("abc123",)


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        (
            (("x-api-key", "langgraph"), ("authorization", "Bearer abc")),
            ["x-api-key", "authorization"],
        ),
        ((("x-api-key", "key-12345"), ("cookie", "a=b"), ("accept", "text/html")), []),
    ],
)
def test_a_credential_that_is_not_searched_for_is_named(headers: Headers, names: list[str]) -> None:
    assert find_ordinary_credentials(headers) == names


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        pytest.param(SECRET, "REDACTED", id="as it is"),
        pytest.param("a correct-horse%2Fbattery b", "a REDACTED b", id="in a URL"),
        pytest.param('"correct-horse\\/battery"', '"REDACTED"', id="in escaped JSON"),
        pytest.param("correct-horse%2fbattery", "REDACTED", id="in a URL, in lower case"),
        pytest.param("correct-horse%252Fbattery", "REDACTED", id="in a URL in a URL"),
        pytest.param(
            "%63%6F%72%72%65%63%74%2D%68%6F%72%73%65%2F%62%61%74%74%65%72%79",
            "REDACTED",
            id="in a URL, every character",
        ),
        pytest.param("correct&#x2D;horse&#x2F;battery", "REDACTED", id="in HTML, hex"),
        pytest.param("correct&#45;horse&#47;battery", "REDACTED", id="in HTML, each sign"),
        pytest.param("CORRECT-HORSE/BATTERY!", "REDACTED!", id="in upper case"),
        pytest.param(SECRET.encode().hex(), "REDACTED", id="in hex"),
        pytest.param(b64encode(SECRET.encode()).decode(), "REDACTED", id="in base64"),
        pytest.param("correct-horse&#x2F;battery", "REDACTED", id="in HTML"),
    ],
)
def test_an_exact_credential_is_found_in_every_spelling(text: str, redacted: str) -> None:
    assert Redactor([SECRET]).rewrite_text(text) == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        pytest.param("my key is sk-abcdefgh1234, ok", "my key is REDACTED, ok", id="OpenAI"),
        pytest.param("lsv2_pt_0123456789abcdef_01", "REDACTED", id="LangSmith"),
        pytest.param("Authorization: Bearer abc.def-123", "Authorization: REDACTED", id="bearer"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", "REDACTED", id="AWS"),
        pytest.param("ghp_" + "a1" * 15, "REDACTED", id="GitHub"),
        pytest.param("eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "REDACTED", id="JWT"),
        pytest.param(
            "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----", "REDACTED", id="PEM"
        ),
        pytest.param('{"api_key":"v","b":1}', '{"api_key":"REDACTED","b":1}', id="a field"),
        pytest.param(
            '{"x-api-key": "a\\"b\\\\"}', '{"x-api-key": "REDACTED"}', id="a field with escapes"
        ),
        pytest.param('{"openaiApiKey":"v"}', '{"openaiApiKey":"REDACTED"}', id="camel case"),
        pytest.param('{"password":12345}', '{"password":"REDACTED"}', id="a number"),
        pytest.param(
            '{"args":"{\\"api_key\\": \\"v\\", \\"b\\": 1}"}',
            '{"args":"{\\"api_key\\": \\"REDACTED\\", \\"b\\": 1}"}',
            id="a field in a text that is JSON",
        ),
    ],
)
def test_what_looks_like_a_key_is_replaced(text: str, redacted: str) -> None:
    assert Redactor().rewrite_text(text) == redacted


@pytest.mark.parametrize("prefix", [b"u", b"us", b"usr"])
def test_an_exact_credential_is_found_in_longer_base64(prefix: bytes) -> None:
    encoded = b64encode(prefix + b":" + SECRET.encode() + b"/x").decode()

    redacted = Redactor([SECRET]).rewrite_text(f"id {encoded} end")

    assert "REDACTED" in redacted
    assert encoded[8:-8] not in redacted


@pytest.mark.parametrize(
    "text",
    [
        "task-force-management",
        "Basic Authentication and bearer authentication",
        '{"valid_token":"yes","credentials":"same-origin","is_secret":"false"}',
        "The bearer of this letter is my friend.",
        '{"max_tokens":100,"token":"Hello","input_tokens":3}',
        '{"properties":{"api_key":{"type":"string"}},"api_key":null}',
        '{"api_key":"REDACTED"}',
        "https://example.com/sk-1",
    ],
)
def test_what_is_no_key_stays(text: str) -> None:
    redactor = Redactor()

    assert redactor.rewrite_text(text) == text
    assert redactor.count == 0


def test_the_projects_rules_come_on_top() -> None:
    rules = redactor.parse_rules([r"[\w.]+@[\w.]+", {"field": "customer"}, {"pattern": "Zürich"}])

    redacted = Redactor((), rules).rewrite_text(
        '{"customer":"ACME","mail":"a@b.example x","city":"Zürich"}'
    )

    assert redacted == '{"customer":"REDACTED","mail":"REDACTED x","city":"REDACTED"}'


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (
            "(",
            "redact: '(' is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        ("x*", "redact: 'x*' matches the empty text, so it would match everywhere"),
        (3, "redact: 3 is not a rule (write a regular expression, or `field: NAME`)"),
    ],
)
def test_what_is_no_rule_is_refused(rule: object, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        redactor.parse_rules([rule])

    assert str(caught.value) == complaint


def events(*data: str) -> Stream:
    return Stream(tuple(TimedEvent(0.1, Event((("event", "messages"), ("data", d)))) for d in data))


def datas(exchange: Exchange) -> list[str]:
    content = exchange.response.content
    assert isinstance(content, Stream)
    return [dict(timed.event.fields)["data"] for timed in content.events]


def redacted(content: Stream | Body, *secrets: str) -> Exchange:
    exchange = Exchange(Request("POST", "/runs/stream"), Response(200, None, (), content, End()))
    return Redactor(secrets).rewrite_exchange(exchange)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a":"correct\\u002dhorse\\/battery"}', id="with JSON escapes"),
        pytest.param('{"a":"so far: correct-horse/bat"}', id="begun"),
        pytest.param("data: correct-horse/b", id="cut off"),
        pytest.param(
            '{"a":"{\\"b\\":\\"correct-horse/ba\\"}"}', id="begun in a JSON text in a string"
        ),
    ],
)
def test_nothing_of_a_credential_stays(text: str) -> None:
    assert "correct-horse" not in Redactor([SECRET]).rewrite_text(text).replace("\\u002d", "-")


def test_escapes_stay_where_there_is_no_secret() -> None:
    assert Redactor([SECRET]).rewrite_text('{"a":"x\\u002dy"}') == '{"a":"x\\u002dy"}'


def test_a_described_request_has_no_secrets() -> None:
    request = Request("POST", "/x?api_key=abcdefgh&a=1", (("x-api-key", "hunter2x"),))

    assert redactor.describe(request) == "POST /x?api_key=REDACTED&a=1"


@pytest.mark.parametrize("cuts", [[9], [1], [20], [3, 6, 9, 12, 15]])
def test_a_secret_that_is_spread_over_events_is_found(cuts: list[int]) -> None:
    bounds = [0, *cuts, len(SECRET)]
    tokens = [SECRET[a:b] for a, b in pairwise(bounds)]
    wire = [
        json.dumps([{"content": token, "id": "x"}], separators=(",", ":"))
        for token in ["Say ", *tokens, "!"]
    ]

    exchange = redacted(events(*wire), SECRET)

    assert datas(exchange)[:2] == [
        '[{"content":"Say ","id":"x"}]',
        '[{"content":"REDACTED","id":"x"}]',
    ]
    assert datas(exchange)[2:] == ['[{"content":"","id":"x"}]'] * (len(tokens) - 1) + [
        '[{"content":"!","id":"x"}]'
    ]
    assert exchange.redacted == 1


def test_a_key_that_is_spread_over_events_is_found_by_its_shape() -> None:
    exchange = redacted(events('{"t":"use sk-ab"}', '{"t":"cdefgh12 now"}'))

    assert datas(exchange) == ['{"t":"use REDACTED"}', '{"t":" now"}']


def test_a_secret_that_is_spread_over_plain_text_is_found() -> None:
    assert datas(redacted(events("it is correct-ho", "rse/battery, ok"), SECRET)) == [
        "it is REDACTED",
        ", ok",
    ]


def test_a_secret_that_is_spread_over_lines_of_json_is_found() -> None:
    lines = '{{"token":"my key is {}"}}\n\n{{"token":"{}"}}\n{{"n":1}}\n'
    body = lines.format("ghp_a1B2c3D4e5", "F6g7H8i9J0k1L2m3, ok")

    assert Redactor().rewrite_body(body.encode()) == lines.format("REDACTED", ", ok").encode()


def test_messages_that_stream_at_the_same_time_are_kept_separate() -> None:
    wire = [
        '[{"content":"correct-","id":"a"}]',
        '[{"content":"other","id":"b"}]',
        '[{"content":"horse/battery","id":"a"}]',
    ]

    assert datas(redacted(events(*wire), SECRET)) == [
        '[{"content":"REDACTED","id":"a"}]',
        '[{"content":"other","id":"b"}]',
        '[{"content":"","id":"a"}]',
    ]


def test_events_without_secrets_are_untouched() -> None:
    stream = events('{"t":"1e3", "n": 1e3}', "no json")

    assert redacted(stream, SECRET).response.content == stream


def test_nothing_of_a_secret_reaches_the_text() -> None:
    body = json.dumps({"note": SECRET, "config": {"configurable": {"api_key": "hunter2"}}}).encode()
    request = Request(
        "POST",
        f"/runs/stream?token=x&api_key=hunter2&q={SECRET}",
        (("last-event-id", SECRET),),
        body,
    )
    headers = (("location", f"/x/{SECRET}"), ("authorization", "any"), ("x-api-key", "hunter2"))
    stream = events(
        json.dumps({"a": SECRET}), json.dumps({"headers": {"authorization": "hunter2"}})
    )

    text = dump_exchange(
        Redactor([SECRET]).rewrite_exchange(
            Exchange(request, Response(200, None, headers, stream, End()))
        )
    )

    assert SECRET not in text
    assert "hunter2" not in text
    assert "redacted: 10\n" in text


def test_a_binary_body_is_searched_too() -> None:
    exchange = redacted(Body(b"\xff" + SECRET.encode() + b"\xfe"), SECRET)

    assert exchange.response.content == Body(b"\xffREDACTED\xfe")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("see /x?api_key=abcdef&a=1", "see /x?api_key=REDACTED&a=1"),
        ("MY_PASSWORD=s3cr3t; theme=dark", "MY_PASSWORD=REDACTED; theme=dark"),
        ('"https://x.example/?access_token=abcd"', '"https://x.example/?access_token=REDACTED"'),
        ("aws_secret_access_key=abcd", "aws_secret_access_key=REDACTED"),
        ("is_secret=true, monkey=banana", "is_secret=true, monkey=banana"),
        ("valid_token=yes", "valid_token=yes"),
    ],
)
def test_a_parameter_that_is_named_like_a_secret_is_replaced(text: str, redacted: str) -> None:
    assert Redactor().rewrite_text(text) == redacted


def test_a_projects_pattern_may_be_anchored_to_the_text_of_an_event() -> None:
    exchange = Exchange(
        Request("POST", "/runs/stream"),
        Response(200, None, (), events("first", "Zürich", "last"), End()),
    )

    changed = Redactor((), redactor.parse_rules(["^Zürich$"])).rewrite_exchange(exchange)

    assert datas(changed) == ["first", "REDACTED", "last"]
