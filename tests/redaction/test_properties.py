"""What holds for any JSON, any stream and any planted secrets."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from mockserver.cassette.model import Body, Exchange, Response, Stream, TimedEvent
from mockserver.formats.json_scan import Array, Object, Scalar, Scanned, scan, string_positions
from mockserver.formats.sse import Event
from mockserver.http.messages import Request
from mockserver.redaction.redactor import Redactor, redact_for_matching
from mockserver.redaction.rules import RedactionRules

CREDENTIAL = "planted-7c1e93/ab55d0"
PLANTED = (CREDENTIAL, "sk-proj-abcdefgh1234", "ghp_a1B2c3D4e5F6g7H8i9J0k1L2", "api_key=s3cr3tK3y9")
SECRET_NAMES = ("password", "apiKey", "client_secret", "access_token")
UNDER_A_NAME = "zq7-Xw9-hidden"
SSE = (("content-type", "text/event-stream"),)

ordinary = st.text(st.characters(codec="utf-8", exclude_characters="&"), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | ordinary
)
planted = st.tuples(ordinary, st.sampled_from(PLANTED), ordinary).map(" ".join)
secret_fields = st.dictionaries(st.sampled_from(SECRET_NAMES), st.just(UNDER_A_NAME), max_size=2)


def containers(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return lists and objects of *parts*, fields with the names of secrets, and JSON in strings."""
    objects = st.dictionaries(ordinary, parts, max_size=3)
    merged = st.tuples(objects, secret_fields).map(lambda both: {**both[0], **both[1]})
    return st.lists(parts, max_size=3) | merged | merged.map(json.dumps)


values = st.recursive(scalars | planted, containers, max_leaves=8)
spellings = st.sampled_from(
    [
        {"ensure_ascii": True},
        {"ensure_ascii": False},
        {"indent": 1},
        {"separators": (",", ":")},
        {"separators": (" ,\t", "\n:")},
    ]
)
documents = st.tuples(values, spellings).map(lambda both: json.dumps(both[0], **both[1]))


def shape(value: Any) -> Any:
    """Return *value* without its texts: keys, lists, and the types of the rest."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value]
    return type(value)


def texts(value: Any) -> list[str]:
    """Return all strings in *value*, also those in JSON in strings."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    if not isinstance(value, str):
        return []
    try:
        inner = json.loads(value)
    except ValueError:
        return [value]
    return [value, *(texts(inner) if isinstance(inner, dict | list) else ())]


def has_secret(text: str) -> bool:
    return any(one in text for one in (*PLANTED[:3], "s3cr3tK3y9", UNDER_A_NAME))


@given(documents)
def test_a_document_keeps_its_shape_and_loses_its_secrets(text: str) -> None:
    redacted = Redactor([CREDENTIAL]).rewrite_text(text)

    before, after = json.loads(text), json.loads(redacted)
    assert shape(after) == shape(before)
    assert not any(map(has_secret, texts(after)))
    for old, new in zip(texts(before), texts(after), strict=False):
        assert has_secret(old) or old == new
    assert Redactor([CREDENTIAL]).rewrite_text(redacted) == redacted


@given(documents)
def test_a_document_without_secrets_keeps_its_bytes(text: str) -> None:
    assume(not has_secret(repr(texts(json.loads(text)))))

    assert Redactor([CREDENTIAL]).rewrite_text(text) == text


@given(
    st.tuples(ordinary, st.sampled_from(PLANTED), ordinary).map(" ".join),
    st.data(),
    st.sampled_from(["messages", "custom"]),
)
def test_no_secret_can_be_read_in_a_stream_cut_anywhere(
    text: str, data: st.DataObject, name: str
) -> None:
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    events = [
        Event((("event", name), ("data", json.dumps([{"content": piece, "id": "m"}, {"n": 1}]))))
        for piece in pieces
    ]
    stream = Stream(tuple(TimedEvent(0.1, event) for event in events))
    exchange = Exchange(Request("POST", "/x"), Response(200, None, SSE, stream))

    redacted = Redactor([CREDENTIAL]).rewrite_exchange(exchange)

    content = redacted.response.content
    assert isinstance(content, Stream)
    datas = [json.loads(dict(one.event.fields)["data"]) for one in content.events]
    assert [shape(one) for one in datas] == [shape([{"content": "", "id": ""}, {"n": 1}])] * len(
        datas
    )
    assert not has_secret("".join(one[0]["content"] for one in datas))
    assert all(one[0]["id"] == "m" for one in datas)
    again = Redactor([CREDENTIAL]).rewrite_exchange(redacted)
    assert again.response == redacted.response


@given(values)
def test_a_recorded_request_matches_itself(value: Any) -> None:
    request = Request(
        "POST", "/runs/wait?x=1", (("x-api-key", CREDENTIAL),), json.dumps(value).encode()
    )
    recorded = Redactor([CREDENTIAL]).rewrite_exchange(
        Exchange(request, Response(200, None, (), Body()))
    )
    live = redact_for_matching(request, RedactionRules())

    assert live.body == recorded.request.body
    assert redact_for_matching(recorded.request, RedactionRules()).body == live.body


def rebuilt(text: str, value: Scanned) -> Any:
    match value:
        case Scalar(_, _, spelled, True):
            return spelled
        case Scalar(start, end):
            return json.loads(text[start:end])
        case Array(items):
            return [rebuilt(text, item) for item in items]
        case Object(members):
            return {key.value: rebuilt(text, part) for key, part in members}


@given(documents)
def test_scanned_json_has_the_same_values(text: str) -> None:
    scanned = scan(text)

    assert scanned is not None
    assert rebuilt(text, scanned) == json.loads(text)


@given(ordinary, st.booleans())
def test_each_character_of_a_string_is_found_in_the_text(value: str, ensure_ascii: bool) -> None:
    text = json.dumps([value], ensure_ascii=ensure_ascii)
    scanned = scan(text)

    assert isinstance(scanned, Array)
    (scalar,) = scanned.items
    assert isinstance(scalar, Scalar)
    positions = string_positions(text, scalar)
    spelled = [text[a:b] for a, b in pairwise(positions)]
    assert [json.loads(f'"{one}"') for one in spelled] == list(value)
