import json
from typing import Any

import pytest

from mockserver.cassette import summary
from mockserver.cassette.model import Body, End, Ending, Exchange, Response, Stream, TimedEvent
from mockserver.cassette.normalize import Normalizer
from mockserver.formats.sse import Event
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize

RUN = "01a203e6-f289-748b-b15d-124a4b30ec1b"
STREAM = Exchange(
    Request("POST", "/runs/stream", (("last-event-id", "7"),), b'{"input":{"messages":"hi"}}'),
    Response(
        200,
        None,
        (("content-location", f"/runs/{RUN}"),),
        Stream(
            (
                TimedEvent(
                    0.912, Event((("event", "metadata"), ("data", f'{{"run_id":"{RUN}"}}')))
                ),
                TimedEvent(5.0, Event((("comment", "heartbeat"),))),
                TimedEvent(0.1, Event((("id", "1763829000123-0"), ("data", "no json")))),
            ),
            tail=b"da\xff",
        ),
        End(0.5, Ending.CUT),
    ),
    redacted=1,
)


def test_the_facts_of_a_stream() -> None:
    assert summary.exchange_to_json(3, STREAM) == {
        "number": 3,
        "request": {
            "method": "POST",
            "path": "/runs/stream",
            "body": {"input": {"messages": "hi"}},
            "headers": [["last-event-id", "7"]],
        },
        "response": {
            "status": 200,
            "headers": [["content-location", f"/runs/{RUN}"]],
            "events": [
                {"at": 0.912, "event": "metadata", "data": {"run_id": RUN}},
                {"at": 5.912, "comment": "heartbeat"},
                {"at": 6.012, "id": "1763829000123-0", "data": "no json"},
            ],
            "tail": "da\ufffd",
            "end": "cut",
        },
        "seconds": 6.512,
        "redacted": 1,
    }


@pytest.mark.parametrize(
    ("raw", "shown"),
    [(b"{}", {"body": {}}), (b"text", {"text": "text"}), (b"\xff", {"base64": "/w=="}), (b"", {})],
)
def test_the_facts_of_a_body(raw: bytes, shown: Any) -> None:
    facts = summary.exchange_to_json(1, Exchange(Request("GET", "/x"), Response(content=Body(raw))))

    assert facts["response"] == {"status": 200, "headers": [], **shown}


def test_sizes() -> None:
    assert summary.describe_size(STREAM.response) == "3 events"
    assert summary.describe_size(Response(content=Body(b"123"))) == "3 B"
    assert summary.describe_size(Response(content=Stream(), end=End(how=Ending.OPEN))) == (
        "0 events (open)"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"input": {"messages": [["user", "a\n b"], ["ai", "c"]]}}, "a b"),
        (
            {
                "input": {
                    "messages": [
                        {
                            "role": "user",
                            "content": [{"type": "text", "text": "x"}, {"type": "image"}],
                        }
                    ]
                }
            },
            "x",
        ),
        ([{"input": {"messages": "batch"}}], "batch"),
        ({"input": {"messages": [{"role": "ai", "content": "a"}]}}, ""),
        ({"input": 3}, ""),
        (
            {
                "method": "run.start",
                "params": {"input": {"messages": [{"role": "user", "content": "hi"}]}},
            },
            "hi",
        ),
        ({"method": "run.start"}, ""),
        ("text", ""),
    ],
)
def test_the_last_human_message(body: Any, text: str) -> None:
    path = "/runs/batch" if isinstance(body, list) else "/runs/wait"

    assert (
        summary.find_human_text(canonicalize(Request("POST", path, (), json.dumps(body).encode())))
        == text
    )


def test_what_changes_from_run_to_run_is_made_alike() -> None:
    facts = Normalizer().normalize_exchange(summary.exchange_to_json(1, STREAM))

    assert facts["response"]["headers"] == [["content-location", "/runs/<id-1>"]]
    assert facts["response"]["events"] == [
        {"event": "metadata", "data": {"run_id": "<id-1>"}},
        {"comment": "heartbeat"},
        {"id": "<time>-0", "data": "no json"},
    ]
    assert "seconds" not in facts


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        (f"{RUN} {RUN} {RUN.replace('0', '1')}", "<id-1> <id-1> <id-2>"),
        ("lc_run--01a203e6-f289-748b-b15d-124a4b30ec1b-0", "lc_run--<id-1>-0"),
        ("2026-11-22T18:26:46.940970+00:00", "<time>"),
        ("0f9c2c1d8a7e4b6f9d3a5c7e1b2d4f60", "<id-1>"),
        ("call_AbCdEfGhIjKlMnOpQrSt", "<id-1>"),
        ("call_weather in 2026", "call_weather in 2026"),
    ],
)
def test_ids_are_numbered_and_times_left_out(text: str, alike: str) -> None:
    assert Normalizer().normalize_text(text) == alike


def test_times_as_numbers_are_left_out() -> None:
    facts = {
        "response": {
            "body": {"at_ms": 1763829000123, "at_s": 1763829000.5, "count": 12, "yes": True}
        }
    }

    assert Normalizer().normalize_exchange(facts) == {
        "response": {"body": {"at_ms": "<time>", "at_s": "<time>", "count": 12, "yes": True}}
    }
