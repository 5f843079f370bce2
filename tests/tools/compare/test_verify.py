"""Compare recorded with live responses, and carry live ids over into later requests."""

import json
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from mockserver.cassette.model import Body, Exchange, Header, Response, Stream, TimedEvent
from mockserver.formats.sse import CRLF, Event
from mockserver.http.messages import Request
from mockserver.tools.compare.change_report import summarize
from mockserver.tools.compare.junit import format_junit
from mockserver.tools.compare.structure import compare_types
from mockserver.tools.compare.verify import LiveConversation, Outcome, Result, warn_if_old

ONE, TWO, THREE = (f"1f000000-0000-4000-8000-00000000000{n}" for n in "123")
JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)


def body(value: Any, *, status: int = 200, headers: Any = JSON) -> Response:
    return Response(status, None, headers, Body(json.dumps(value).encode()))


def stream(*events: tuple[str, Any], headers: Any = SSE) -> Response:
    parts = (
        Event((("event", name), ("data", json.dumps(value))))
        if name != "comment"
        else Event((("comment", value),))
        for name, value in events
    )
    return Response(200, None, headers, Stream(tuple(TimedEvent(0.1, one) for one in parts), CRLF))


def found(recorded: Response, live: Response, *, values: bool = False) -> tuple[str, ...]:
    conversation = LiveConversation(lambda: THREE)
    conversation.pair_ids_in_response(recorded, live)
    request = Request("POST", "/runs/wait")
    exchanges = (Exchange(request, response) for response in (recorded, live))
    return conversation.compare(*exchanges, values=values)


@pytest.mark.parametrize(
    "recorded, live, expected",
    [
        pytest.param({"a": 1}, {"a": 2}, [], id="another value"),
        pytest.param({"a": 1}, {"a": 1.5}, [], id="another kind of number"),
        pytest.param({"a": 1}, {"a": "1"}, ["a was a number, now text"], id="another type"),
        pytest.param({"a": 1}, {"a": True}, ["a was a number, now a boolean"], id="true"),
        pytest.param({"a": 1, "b": 2}, {"a": 1}, ["b is missing"], id="a missing field"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, ["b is new"], id="a new field"),
        pytest.param({"a": {"b": 1}}, {"a": {}}, ["a.b is missing"], id="a field within"),
        pytest.param({"a": {"b": 1}}, {"a": []}, ["a was an object, now a list"], id="a list now"),
        pytest.param({"a": None}, {"a": "x"}, ["a was null, now text"], id="null was there"),
        pytest.param([1, None], [1], [], id="what was null before and is not there"),
        pytest.param({"a": []}, {"a": [1]}, [], id="what is in a list that was empty"),
        pytest.param({"a": [{"b": 1}]}, {"a": [{"c": 1}]}, ["a[*].b is missing", "a[*].c is new"], id="items"),
        pytest.param([{"type": "ai", "x": 1}, {"type": "human"}], [{"type": "ai"}, {"type": "human", "x": 1}], ["[type=ai].x is missing", "[type=human].x is new"], id="items by their type"),
        pytest.param([{"type": "ai"}, {"type": "tool"}], [{"type": "ai"}], ["[type=tool] is missing"], id="a kind of items"),
        pytest.param({ONE: 1}, {TWO: 1}, [], id="fields that are ids"),
        pytest.param({}, None, ["it was an object, now null"], id="null for an object"),
        pytest.param("a", ["a"], ["it was text, now a list"], id="a body"),
    ],
)  # fmt: skip
def test_the_structure_is_compared_not_the_values(
    recorded: Any, live: Any, expected: list[str]
) -> None:
    assert list(compare_types([recorded], [live])) == expected
    assert list(found(body(recorded), body(live))) == expected


@pytest.mark.parametrize(
    "live, expected",
    [
        pytest.param([("metadata", {}), ("values", {})], (), id="the same"),
        pytest.param([("metadata", {}), ("comment", "heartbeat"), ("values", {})], (), id="a heartbeat"),
        pytest.param([("metadata", {})], ("events were metadata, values, now metadata",), id="one less"),
        pytest.param([("values", {}), ("metadata", {})], ("events were metadata, values, now values, metadata",), id="another order"),
        pytest.param([("metadata", {}), ("values", {}), ("error", {})], ("events were … values, now … values, error",), id="one more"),
        pytest.param([("metadata", {"a": 1}), ("values", {})], ("metadata: a is new",), id="a new field"),
    ],
)  # fmt: skip
def test_events_are_compared_by_name_and_order(live: Any, expected: tuple[str, ...]) -> None:
    assert found(stream(("metadata", {}), ("values", {})), stream(*live)) == expected


def test_the_number_of_message_chunks_is_ignored() -> None:
    words = [("messages", [{"content": word}, {}]) for word in "abcd"]
    last = ("values", {"n": 1})

    assert found(stream(*words, last), stream(*words[:2], last)) == ()
    assert found(stream(*words, last), stream(*words, last, last)) != ()


def test_a_difference_in_an_event_is_reported_with_its_name() -> None:
    recorded, live = stream(("values", {"a": 1})), stream(("values", {"b": 1}))

    assert found(recorded, live) == ("values: a is missing", "values: b is new")


@pytest.mark.parametrize(
    "live, expected",
    [
        pytest.param(body({"detail": "no"}, status=422), ("status was 200, now 422", 'the server responds {"detail": "no"}'), id="a status"),
        pytest.param(body({}, headers=(("content-type", "application/json; charset=utf-8"),)), (), id="a charset"),
        pytest.param(body({}, headers=(("content-type", "text/html"),)), ("content-type was application/json, now text/html",), id="a content type"),
        pytest.param(body({}, headers=(*JSON, ("location", f"/runs/{ONE}"))), ("location was absent, now /runs/<id>",), id="a location"),
        pytest.param(body({}, headers=(*JSON, ("x-trace", "1"))), (), id="any other header"),
    ],
)  # fmt: skip
def test_only_headers_that_clients_use_are_compared(
    live: Response, expected: tuple[str, ...]
) -> None:
    assert found(body({}), live) == expected


def test_a_missing_body_is_reported() -> None:
    gone = Response(200, None, JSON, Body(b""))

    assert found(body({}), gone) == ("it was an object, now absent",)
    assert found(gone, gone) == ()


def test_a_stream_that_became_a_body_is_reported() -> None:
    assert found(stream(("values", {})), body({}, headers=SSE)) == (
        "it was a stream of events, now a body",
    )


def test_a_forbidden_request_explains_how_to_set_credentials() -> None:
    *_, way = found(body({}), body({}, status=403))

    assert way == "set credentials with --upstream-header or MOCKSERVER_UPSTREAM_API_KEY"


def test_values_are_compared_on_request() -> None:
    recorded, live = body({"id": ONE, "text": "a"}), body({"id": TWO, "text": "b"})

    assert found(recorded, live) == ()
    assert found(recorded, live, values=True) == ('body.text - "a" + "b"',)


def test_live_ids_are_used_in_later_requests() -> None:
    conversation = LiveConversation(lambda: THREE)
    conversation.pair_ids_in_response(body({"thread_id": ONE}), body({"thread_id": TWO}))

    sent_live = conversation.translate_request(
        Request("POST", f"/threads/{ONE}/runs/wait", (), f'{{"a":"{ONE}"}}'.encode())
    )
    assert sent_live.path == f"/threads/{TWO}/runs/wait"
    assert sent_live.body == f'{{"a":"{TWO}"}}'.encode()
    assert sent_live.headers == (("content-type", "application/json"),)


def test_ids_from_headers_and_events_are_used_too() -> None:
    conversation = LiveConversation(lambda: THREE)

    def resumable(run: str, number: str) -> Response:
        event = Event((("event", "metadata"), ("data", "{}"), ("id", number)))
        headers = (*SSE, ("content-location", f"/runs/{run}"))
        return Response(200, None, headers, Stream((TimedEvent(0, event),), CRLF))

    conversation.pair_ids_in_response(resumable(ONE, "1-0"), resumable(TWO, "9-0"))
    sent_live = conversation.translate_request(
        Request("GET", f"/runs/{ONE}/stream", (("last-event-id", "1-0"),))
    )

    assert (sent_live.path, sent_live.headers) == (
        f"/runs/{TWO}/stream",
        (("last-event-id", "9-0"),),
    )
    assert conversation.resumed == {"9-0": "1-0"}


@pytest.mark.parametrize(
    "path, sent",
    [
        pytest.param("/threads", {"thread_id": ONE}, id="a thread that is made"),
        pytest.param(f"/threads/{ONE}/runs/stream", {"if_not_exists": "create"}, id="a run that makes one"),
    ],
)  # fmt: skip
def test_a_thread_id_chosen_by_the_client_is_replaced(path: str, sent: Any) -> None:
    conversation = LiveConversation(lambda: THREE)
    sent_live = conversation.translate_request(Request("POST", path, (), json.dumps(sent).encode()))

    assert ONE not in sent_live.path + sent_live.body.decode()
    assert THREE in sent_live.path + sent_live.body.decode()
    assert (
        conversation.translate_request(Request("GET", f"/threads/{ONE}")).path
        == f"/threads/{THREE}"
    )


@pytest.mark.parametrize("path", ["/threads", "/api/threads", "/api//threads/"])
def test_threads_are_deleted_below_their_prefix(path: str) -> None:
    prefix = path.partition("/threads")[0].rstrip("/")
    conversation = LiveConversation(lambda: THREE)
    request = Request("POST", path, (), json.dumps({"thread_id": ONE}).encode())
    sent = conversation.translate_request(request)
    conversation.note_created_thread(Exchange(sent, body({"thread_id": TWO})))

    assert conversation.threads == [f"{prefix}/threads/{THREE}", f"{prefix}/threads/{TWO}"]


@pytest.mark.parametrize("path", ["/threads?x=1", "/%74hreads", f"/threads/{ONE}/copy"])
def test_each_created_thread_is_deleted(path: str) -> None:
    conversation = LiveConversation(lambda: THREE)
    copied = Exchange(Request("POST", path), body({"thread_id": TWO}))
    conversation.note_created_thread(copied)

    assert conversation.threads == [f"/threads/{TWO}"]


def test_an_unknown_thread_id_is_unchanged() -> None:
    conversation = LiveConversation(lambda: THREE)

    assert (
        conversation.translate_request(Request("GET", f"/threads/{ONE}")).path == f"/threads/{ONE}"
    )


@pytest.mark.parametrize(
    "recorded, expected",
    [
        ("2026-11-01T00:00:00Z", "a.yaml: recorded 23 days ago, on 2026-11-01: record it again"),
        ("2026-11-23T00:00:00Z", None),
        ("long ago", None),
        (None, None),
    ],
)
def test_an_old_cassette_causes_a_warning(recorded: str | None, expected: str | None) -> None:
    today = datetime(2026, 11, 24, tzinfo=UTC)

    assert warn_if_old("a.yaml", Header(recorded=recorded), today, 7) == expected


def test_results_become_junit_xml() -> None:
    results = [
        Result("a.yaml", 1, "GET /info", Outcome.SAME, 0.5),
        Result("a.yaml", 2, "GET /x", Outcome.DIFFERS, 0.25, ("a is new", "b\x00 is <new>")),
        Result("b.yaml", 1, "GET /y", Outcome.FAILED, 0.1, ("no whole answer within 1 s",)),
    ]
    root = ElementTree.fromstring(format_junit(results, {"a.yaml": "a.yaml: recorded 23 days ago"}))

    assert root.attrib == {"name": "mockserver verify", "tests": "3", "failures": "1", "errors": "1", "time": "0.850"}  # fmt: skip
    first, second = root
    assert [case.get("name") for case in first.iter("testcase")] == ["#1 GET /info", "#2 GET /x"]
    assert first.findtext("system-err") == "a.yaml: recorded 23 days ago"
    failure = first.find("testcase/failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("a is new", "a is new\nb\ufffd is <new>")
    assert second.find("testcase/error") is not None


def test_a_summary_lists_each_difference_once() -> None:
    found = [(f"a.yaml#{number}", "claim.priority is new") for number in range(2, 7)]

    assert list(summarize([("a.yaml#1", "status was 200, now 404"), *found])) == [
        "2 distinct differences:",
        "  claim.priority is new (5 times): a.yaml#2, a.yaml#3, a.yaml#4, …",
        "  status was 200, now 404: a.yaml#1",
    ]


def test_a_difference_at_other_events_counts_as_the_same() -> None:
    values = 'messages [1].version{} - "1" + "2"'
    found = ("events[2] " + values.format(""), "events[*] " + values.format("  (10 times)"))

    assert list(summarize([("a.yaml#1", found[0]), ("a.yaml#2", found[1])])) == [
        "1 distinct difference:",
        '  messages [1].version - "1" + "2" (2 times): a.yaml#1, a.yaml#2',
    ]
    assert list(summarize([("a.yaml#1", found[0]), ("a.yaml#1", found[1])])) == []


def test_there_is_no_summary_of_differences_that_occur_once() -> None:
    assert list(summarize([])) == []
    assert list(summarize([("a.yaml#1", "a is new"), ("a.yaml#2", "b is new")])) == []


def test_a_long_summary_is_cut() -> None:
    pairs = [("a.yaml#1", f"key{number} is new") for number in range(22)]
    lines = list(summarize([*pairs, ("a.yaml#2", "key21 is new")]))

    assert len(lines) == 22
    assert lines[1] == "  key21 is new (2 times): a.yaml#1, a.yaml#2"
    assert lines[-1] == "  and 2 more"
