import json
import re
from typing import Any

import pytest
from hypothesis import given

from mockserver.cassette.yaml_codec import load_header
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize, request_key
from mockserver.matching.miss import Miss, NearRequest, explain_missing_cassette
from mockserver.matching.rules import NO_RULES, MatchRules, apply_rules, merge_rules
from tests.strategies import values


def run(text: str, **more: Any) -> Request:
    body = {
        "assistant_id": "agent",
        "input": {"messages": [{"role": "human", "content": text}]},
        **more,
    }
    return Request("POST", "/runs/stream", (), json.dumps(body).encode())


def test_a_miss_says_what_differs() -> None:
    miss = Miss(
        run("hello", stream_mode="updates"),
        "no exchange matches",
        (NearRequest("chat.yaml#3", run("hi"), NO_RULES, 1),),
    )

    assert (
        miss.to_text()
        == """\
POST /runs/stream: no exchange matches
  nearest: chat.yaml#3, POST /runs/stream, already played
    body.input.messages[0].content differs
      recorded "hi"
      got      "hello"
    body.stream_mode differs
      recorded values (the default)
      got      ["updates"]"""
    )


def test_a_miss_says_how_to_match_anyway() -> None:
    miss = Miss(run("hello"), "no exchange matches", (NearRequest("chat.yaml#3", run("hi")),))

    assert miss.to_text().endswith(
        "    to match it anyway: `ignore: ['body.input.messages[0].content']` in the cassette's header"
    )


def test_a_miss_has_the_same_content_as_json() -> None:
    miss = Miss(run("hello"), "no exchange matches", (NearRequest("chat.yaml#3", run("hi")),))

    assert miss.to_json() == {
        "method": "POST",
        "path": "/runs/stream",
        "reason": "no exchange matches",
        "nearest": [
            {
                "exchange": "chat.yaml#3",
                "request": "POST /runs/stream",
                "played": 0,
                "differs": [
                    {"path": "body.input.messages[0].content", "recorded": "hi", "got": "hello"}
                ],
                "ignore": ["body.input.messages[0].content"],
            }
        ],
    }


def test_an_assistant_is_shown_by_the_name_that_was_sent() -> None:
    miss = Miss(
        run("hi", assistant_id="other"),
        "no exchange matches",
        (NearRequest("a.yaml#1", run("hi")),),
    )

    assert miss.to_json()["nearest"][0]["differs"] == [
        {"path": "body.assistant_id", "recorded": "agent", "got": "other"}
    ]


def test_another_path_cannot_be_ignored() -> None:
    miss = Miss(
        run("hi"),
        "no exchange matches",
        (NearRequest("a.yaml#1", Request("POST", "/runs/wait", (), run("hi").body)),),
    )

    assert "ignore" not in miss.to_json()["nearest"][0]


@pytest.mark.parametrize(
    ("recorded", "got", "advice"),
    [
        pytest.param(
            "/api/langgraph",
            "/api",
            "the recorded path has the prefix /api/langgraph: the client's base URL must end with it",
            id="another",
        ),
        pytest.param(
            "/api",
            "",
            "the recorded path has the prefix /api: the client's base URL must end with it",
            id="none",
        ),
        pytest.param(
            "",
            "/api",
            "the recorded path has no prefix: start with --prefix /api, or remove it from the client's base URL",
            id="one too many",
        ),
    ],
)
def test_another_path_prefix_is_explained(recorded: str, got: str, advice: str) -> None:
    requests = [
        Request("POST", f"{prefix}/runs/wait", (), run("hi", stream_mode=mode).body)
        for prefix, mode in ((recorded, "values"), (got, ["values"]))
    ]
    miss = Miss(requests[1], "no exchange matches", (NearRequest("a.yaml#1", requests[0]),))

    assert (
        miss.to_text()
        == f"""\
POST {got}/runs/wait: no exchange matches
  nearest: a.yaml#1, POST {recorded}/runs/wait, not played yet
    path differs
      recorded "{recorded}/runs/wait"
      got      "{got}/runs/wait"
    {advice}"""
    )
    assert miss.to_json()["nearest"][0]["prefix"] == {"recorded": recorded, "got": got}


def test_a_prefix_is_not_explained_for_unlike_calls() -> None:
    near = NearRequest("a.yaml#1", Request("GET", "/api/threads/t/state"))
    miss = Miss(Request("GET", "/custom"), "no exchange matches", (near,))

    assert "prefix" not in miss.to_json()["nearest"][0]


def test_a_missing_cassette_is_reported_with_the_existing_ones() -> None:
    miss = Miss(run("hi"), "there is no cassette 'chat'", cassettes=("a.yaml", "b.yaml"))

    assert (
        miss.to_text()
        == "POST /runs/stream: there is no cassette 'chat'\n  available cassettes: a.yaml, b.yaml"
    )


def test_long_values_are_cut_in_the_text_only() -> None:
    miss = Miss(run("x" * 500), "no exchange matches", (NearRequest("a.yaml#1", run("hi")),))

    assert '      got      "' + "x" * 159 + "… (502 characters)" in miss.to_text()
    assert miss.to_json()["nearest"][0]["differs"][0]["got"] == "x" * 500


def test_the_ignore_line_can_be_pasted() -> None:
    near = NearRequest("a.yaml#1", run("hi", x=[1]))
    text = Miss(run("hello", x=[2]), "no exchange matches", (near,)).to_text()
    [line] = re.findall("`(ignore: .*)`", text)

    header = load_header(f"mockserver: 1\n{line}\n")

    assert header.ignore == ("body.input.messages[0].content", "body.x[0]")


def test_ignoring_a_whole_body_is_not_suggested() -> None:
    near = NearRequest("a.yaml#1", run("hi"))
    miss = Miss(Request("POST", "/runs/stream", (), b"no json"), "no exchange matches", (near,))

    assert "ignore" not in miss.to_json()["nearest"][0]


@given(values, values)
def test_the_ignore_line_would_have_matched(recorded: Any, got: Any) -> None:
    requests = [
        run("hi", extra=value, input={"messages": ["a"], "more": value})
        for value in (recorded, got)
    ]
    near = Miss(requests[1], "", (NearRequest("a.yaml#1", requests[0]),)).to_json()["nearest"][0]

    rules = MatchRules(tuple(near.get("ignore", ())), tuple(near.get("volatile", ())))

    found = {
        request_key(apply_rules(canonicalize(request), merge_rules(rules))) for request in requests
    }
    assert len(found) == 1


def test_a_missing_cassette_is_reported_with_the_most_similar_names() -> None:
    there = [f"chat/{number}.yaml" for number in range(9)] + ["other.yaml"]
    miss = explain_missing_cassette(Request("GET", "/x"), "othr", there)

    assert len(miss.cassettes) == 5
    assert miss.cassettes[-1] == "other.yaml"
    assert miss.to_text().endswith(", other.yaml, and 5 more")
    assert miss.to_json()["more"] == 5
    assert (
        explain_missing_cassette(Request("GET", "/x"), "", []).to_text()
        == "GET /x: there is no cassette ''"
    )


def test_a_long_value_is_cut_in_json() -> None:
    recorded = Request("POST", "/x", (), b'{"a":"' + b"x" * 5000 + b'"}')
    facts = Miss(
        Request("POST", "/x", (), b'{"a":[1]}'), "no", (NearRequest("a#1", recorded),)
    ).to_json()
    [difference] = facts["nearest"][0]["differs"]

    assert difference["got"] == [1]
    assert difference["recorded"] == '"' + "x" * 999 + "… (5002 characters)"


def test_a_long_nested_value_is_cut_in_the_text() -> None:
    recorded = Request("POST", "/x", (), b'{"a":["' + b"x" * 5000 + b'"]}')
    text = Miss(
        Request("POST", "/x", (), b'{"a":1}'), "no", (NearRequest("a#1", recorded),)
    ).to_text()

    assert '      recorded ["' + "x" * 158 + "… (5004 characters)\n" in text


@pytest.mark.parametrize(
    ("path", "key", "value", "default"),
    [
        ("/runs/stream", "stream_mode", ["updates", "values"], "values (the default)"),
        ("/runs/stream", "stream_subgraphs", True, "false (the default)"),
        ("/threads/t/runs/wait", "multitask_strategy", "reject", "enqueue (the default)"),
        ("/threads/t/commands", "params", {"stream_mode": "updates"}, "(absent)"),
        ("/threads/search", "limit", 50, "10 (the default)"),
        ("/threads/t/history", "limit", 50, "1 (the default)"),
        ("/runs/stream", "metadata", {"a": 1}, "(absent)"),
        ("/custom", "limit", 50, "(absent)"),
    ],
)
@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_default_is_shown_where_a_value_is_absent(
    path: str, key: str, value: Any, default: str, is_recorded: bool
) -> None:
    body = {"assistant_id": "agent"}
    requests = [
        Request("POST", path, (), json.dumps(each).encode())
        for each in (body, {**body, key: value})
    ]
    recorded, got = reversed(requests) if is_recorded else requests
    text = Miss(got, "no exchange matches", (NearRequest("a.yaml#1", recorded),)).to_text()

    name = "got     " if is_recorded else "recorded"
    assert f"      {name} {default}" in text.splitlines()


@pytest.mark.parametrize(
    ("recorded", "got", "shown"),
    [
        ("/threads/t/state?subgraphs=true", "/threads/t/state", "false (the default)"),
        ("/threads/t/runs?limit=5", "/threads/t/runs", "10 (the default)"),
        ("/threads/t/runs?limit=5&status=x", "/threads/t/runs?limit=5", "(absent)"),
    ],
)
def test_the_default_of_a_query_is_shown(recorded: str, got: str, shown: str) -> None:
    near = NearRequest("a.yaml#1", Request("GET", recorded))
    lines = Miss(Request("GET", got), "no exchange matches", (near,)).to_text().splitlines()

    assert f"      got      {shown}" in lines


@pytest.mark.parametrize(
    ("more", "other"),
    [
        ({"stream_mode": ["updates"]}, {"stream_mode": ["values"]}),
        ({"stream_subgraphs": True}, {}),
        ({"stream_resumable": True}, {}),
        ({"assistant_id": "other"}, {}),
        ({"command": {"resume": True}}, {"command": {"resume": False}}),
        ({"interrupt_before": ["a"]}, {}),
        ({"input": None}, {}),
        ({"stream_mode": ["updates"], "metadata": {"a": 1}}, {}),
    ],
)
def test_what_decides_the_response_is_not_proposed(
    more: dict[str, Any], other: dict[str, Any]
) -> None:
    near = NearRequest("a.yaml#1", run("hi", **more))
    miss = Miss(run("hi", **other), "no exchange matches", (near,))

    assert "match it anyway" not in miss.to_text()
    assert not {"ignore", "volatile"} & miss.to_json()["nearest"][0].keys()


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"metadata": {"a": 1}}, "body.metadata"),
        ({"config": {"configurable": {"user": "7"}}}, "body.config"),
        ({"input": {"messages": ["hi"], "now": "ten"}}, "body.input.now"),
    ],
)
def test_what_the_client_adds_may_be_ignored(more: dict[str, Any], path: str) -> None:
    near = NearRequest("a.yaml#1", run("hi", **more))

    assert Miss(run("hi"), "", (near,)).to_json()["nearest"][0]["ignore"] == [path]
