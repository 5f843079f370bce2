"""One meaning, one key: a base request, and what may and may not differ from it."""

import json
from gzip import compress
from typing import Any

import pytest
from hypothesis import given

from mockserver.http.messages import Request
from mockserver.matching.canonical import canonicalize, request_key
from mockserver.matching.rules import without_ignored
from tests.strategies import texts, values, wires

BASE: dict[str, Any] = {
    "assistant_id": "agent",
    "input": {"messages": [{"role": "human", "content": "hi"}], "count": 1},
    "stream_mode": ["values", "updates"],
}


def key(body: Any, path: str = "/runs/stream", method: str = "POST") -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request_key(canonicalize(Request(method, path, (), raw)))


def with_message(message: Any) -> dict[str, Any]:
    return {**BASE, "input": {"messages": [message], "count": 1}}


SAME = {
    "defaults": {
        **BASE,
        "stream_subgraphs": False,
        "stream_resumable": False,
        "config": {},
        "metadata": {},
    },
    "empty config": {
        **BASE,
        "config": {"tags": [], "metadata": {}, "configurable": {}, "recursion_limit": 25},
    },
    "null where the server takes it": {
        **BASE,
        "command": None,
        "interrupt_before": None,
        "unknown": None,
    },
    "no effect": {
        **BASE,
        "on_disconnect": "continue",
        "on_completion": "delete",
        "if_not_exists": "create",
        "durability": "async",
        "multitask_strategy": "reject",
        "webhook": "https://hook.example",
        "after_seconds": 1,
        "checkpoint_during": True,
    },
    "modes as a set": {**BASE, "stream_mode": ["updates", "values", "updates"]},
    "the uuid of the name": {**BASE, "assistant_id": "FE096781-5601-53d2-b2f6-0d3403f7e9ca"},
    "type for role": with_message({"type": "human", "content": "hi"}),
    "user for human": with_message({"role": "user", "content": "hi"}),
    "a pair": with_message(["user", "hi"]),
    "bare text": with_message("hi"),
    "one message for a list": {
        **BASE,
        "input": {"messages": {"role": "user", "content": "hi"}, "count": 1},
    },
    "one text part": with_message({"role": "human", "content": [{"type": "text", "text": "hi"}]}),
    "empty fields": with_message(
        {
            "type": "human",
            "content": "hi",
            "id": "made-up",
            "additional_kwargs": {},
            "response_metadata": {},
            "name": None,
            "tool_calls": [],
            "invalid_tool_calls": [],
            "usage_metadata": None,
            "example": False,
        }
    ),
    "spelling of JSON": b"""{ "stream_mode" : ["updates", "values"], "input": {"count": 1.0e0, "messages":
        [{"content": "\\u0068i", "role": "human"}]}, "assistant_id": "agent" }""",
}

OTHER = {
    "another text": with_message({"role": "human", "content": "ho"}),
    "another role": with_message({"role": "ai", "content": "hi"}),
    "a name": with_message({"role": "human", "content": "hi", "name": "Ada"}),
    "two text parts": with_message(
        {"role": "human", "content": [{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]}
    ),
    "an annotated part": with_message(
        {"role": "human", "content": [{"type": "text", "text": "hi", "x": 1}]}
    ),
    "another graph": {**BASE, "assistant_id": "other"},
    "a mode less": {**BASE, "stream_mode": "values"},
    "resumable": {**BASE, "stream_resumable": True},
    "subgraphs": {**BASE, "stream_subgraphs": True},
    "true for 1": {**BASE, "input": {**BASE["input"], "count": True}},
    "text for 1": {**BASE, "input": {**BASE["input"], "count": "1"}},
    "a user": {**BASE, "config": {"configurable": {"user_id": "7"}}},
    "a recursion limit": {**BASE, "config": {"recursion_limit": 30}},
    "an interrupt": {**BASE, "interrupt_before": ["agent"]},
    "a command": {**BASE, "command": {"resume": True}},
    "kept": {**BASE, "on_completion": "keep"},
    "synchronous": {**BASE, "durability": "sync"},
    "null that the server refuses": {**BASE, "config": None},
    "null input": {**BASE, "input": None},
    "empty input": {**BASE, "input": {}},
    "id of what is not in messages": {**BASE, "input": {**BASE["input"], "id": "7"}},
    "a removal": with_message({"type": "remove", "id": "7", "content": ""}),
    "another removal": with_message({"type": "remove", "id": "8", "content": ""}),
}


@pytest.mark.parametrize("prefix", ["", "/api/langgraph"])
@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in SAME.items()])
def test_the_same_meaning_has_the_same_key(body: Any, prefix: str) -> None:
    assert key(body, f"{prefix}/runs/stream") == key(BASE, f"{prefix}/runs/stream")


def test_every_other_meaning_has_a_key_of_its_own() -> None:
    found = {name: key(body) for name, body in {"base": BASE, **OTHER}.items()}

    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"stream_mode": "values"}, {}, id="the default mode"),
        pytest.param({"stream_mode": []}, {}, id="no mode"),
        pytest.param({"input": None}, {}, id="no input"),
        pytest.param(
            {"if_not_exists": "reject"}, {"multitask_strategy": "enqueue"}, id="stateless defaults"
        ),
    ],
)
def test_defaults_of_a_run_are_left_out(one: Any, other: Any) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    "path", ["/runs/stream", "/runs/wait", "/runs", "/threads/t/runs/stream", "/threads/t/runs"]
)
def test_every_kind_of_run_is_known(path: str) -> None:
    assert key({"stream_mode": "values"}, path) == key({}, path)


def test_a_batch_is_a_list_of_runs() -> None:
    assert key([{"stream_mode": "values"}, {}], "/runs/batch") == key([{}, {}], "/runs/batch")


@pytest.mark.parametrize(
    "part",
    [{"if_not_exists": "create"}, {"multitask_strategy": "reject"}, {"durability": "exit"}],
)
def test_on_a_thread_more_has_an_effect(part: Any) -> None:
    assert key(part, "/threads/t/runs/stream") != key({}, "/threads/t/runs/stream")


def test_on_a_thread_durability_has_two_names() -> None:
    path = "/threads/t/runs/stream"

    assert key({"checkpoint_during": False}, path) == key({"durability": "exit"}, path)
    assert key({"checkpoint_during": True}, path) == key({}, path)


def test_another_prefix_is_another_path() -> None:
    keys_of_prefixes = {key(BASE, f"{prefix}/runs/stream") for prefix in ("", "/api", "/other")}

    assert len(keys_of_prefixes) == 3


@pytest.mark.parametrize("path", ["//runs/stream", "/runs//stream", "///runs/stream"])
def test_repeated_slashes_are_one(path: str) -> None:
    assert key({"stream_mode": "values"}, path) == key({}, "/runs/stream")


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/threads", {"metadata": {}}, id="as the JS SDK creates a thread"),
        pytest.param("/assistants/search", {"limit": 10, "offset": 0}, id="as the SDKs search"),
        pytest.param(
            "/assistants/search", {"metadata": {}, "limit": 10, "offset": 0}, id="as curl searches"
        ),
    ],
)
def test_defaults_of_other_calls_are_left_out(path: str, body: Any, prefix: str) -> None:
    assert key(body, prefix + path) == key({}, prefix + path)


def test_any_other_body_is_the_value_it_is() -> None:
    assert key({"stream_mode": "values"}, "/store/items") != key({}, "/store/items")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("/a?x=1&y=2", "/a?y=2&x=1", True, id="order of names"),
        pytest.param("/a?x=1&x=2", "/a?x=2&x=1", False, id="order of values"),
        pytest.param("/a%20b", "/a b", True, id="escapes"),
        pytest.param("/a%2Fb", "/a/b", False, id="an escaped slash"),
        pytest.param("/a%2fb", "/a%2Fb", True, id="the case of an escape"),
        pytest.param("/%FE", "/%FF", False, id="bytes that are not UTF-8"),
        pytest.param("/a?x=%FE", "/a?x=%FF", False, id="such bytes in a query"),
        pytest.param("/a?x=b+c", "/a?x=b%20c", True, id="a space in a query"),
        pytest.param("/a?x=b+c", "/a?x=b%2Bc", False, id="a plus sign in a query"),
        pytest.param("/a?x=", "/a", False, id="an empty value"),
    ],
)
def test_paths_are_compared_by_meaning(one: str, other: str, same: bool) -> None:
    assert (key(b"", one) == key(b"", other)) is same


@pytest.mark.parametrize(
    ("rule", "one", "other", "same"),
    [
        pytest.param(
            "body.metadata.tag",
            {"metadata": {"tag": "x"}},
            {"metadata": {"tag": "y"}},
            True,
            id="it",
        ),
        pytest.param("body.metadata.tag", {"metadata": {"tag": "x"}}, {}, False, id="around it"),
        pytest.param(
            "body.metadata.tag",
            {"metadata": {"tag": "x", "a": 1}},
            {"metadata": {"a": 1}},
            True,
            id="beside others",
        ),
        pytest.param("body.a.b", {"a": {}}, {}, False, id="an object that lacks it"),
        pytest.param("body.metadata", {"metadata": {"tag": "x"}}, {}, True, id="the object"),
        pytest.param("body.a[0]", {"a": [1]}, {"a": [2]}, True, id="an item"),
        pytest.param("body.a[0]", {"a": [1]}, {}, False, id="around an item"),
    ],
)
def test_an_ignored_path_removes_one_value(rule: str, one: Any, other: Any, same: bool) -> None:
    forms = [
        canonicalize(Request("POST", "/x", (), json.dumps(body).encode())) for body in (one, other)
    ]
    found = [without_ignored(form, (rule,)) for form in forms]

    assert (found[0] == found[1]) is same


def test_a_query_of_ignored_parameters_is_no_query() -> None:
    forms = [canonicalize(Request("GET", target)) for target in ("/x", "/x?page=2")]

    assert without_ignored(forms[1], ("query.page",)) == forms[0]


def test_methods_differ() -> None:
    assert key(b"", "/threads", "GET") != key(b"", "/threads", "DELETE")


def test_a_body_that_is_no_json_is_not_the_text_in_json() -> None:
    assert canonicalize(Request("POST", "/x", (), b"a"))["text"] == "a"
    assert canonicalize(Request("POST", "/x", (), b'"a"'))["body"] == "a"
    assert canonicalize(Request("POST", "/x", (), b"\xff"))["base64"] == "/w=="
    assert canonicalize(Request("POST", "/x", (), compress(b"hi")))["gzip"] == {"text": "hi"}
    assert "base64" in canonicalize(Request("POST", "/x", (), compress(b"\xff")))


@pytest.mark.parametrize("raw", [b"NaN", b"[" * 100_000, b"1e400", b'"\\ud800"', b"-0.0"])
def test_odd_json_has_a_key(raw: bytes) -> None:
    assert key(raw) == key(raw)


@given(values, texts)
def test_every_request_matches_itself(value: Any, text: str) -> None:
    raw = json.dumps({"input": value, "assistant_id": text}).encode()

    assert key(raw) == key(json.dumps(json.loads(raw), indent=1).encode())


@given(wires)
def test_every_body_has_a_key(raw: bytes) -> None:
    assert key(raw) == key(raw)


def test_a_lone_surrogate_names_no_graph() -> None:
    request = Request("POST", "/runs/wait", body=b'{"assistant_id":"\\ud800"}')

    assert canonicalize(request)["body"] == {"assistant_id": "\ud800"}


COMMANDS = "/threads/t/commands"
COMMAND: dict[str, Any] = {
    "id": 1,
    "method": "run.start",
    "params": {
        "assistant_id": "agent",
        "input": {"messages": [{"type": "human", "content": "hi", "id": "a"}]},
    },
}


@pytest.mark.parametrize(
    ("params", "is_same"),
    [
        pytest.param({"config": {"configurable": {"thread_id": "t"}}}, True, id="its thread"),
        pytest.param({"multitaskStrategy": "enqueue"}, True, id="default"),
        pytest.param({"multitaskStrategy": "interrupt"}, False, id="strategy"),
        pytest.param({"config": {"configurable": {"checkpoint_id": "c"}}}, False, id="fork"),
        pytest.param({"input": {"messages": [{"role": "user", "content": "hi"}]}}, True, id="role"),
        pytest.param(
            {"input": {"messages": [{"role": "user", "content": "ho"}]}}, False, id="text"
        ),
    ],
)
def test_a_command_means_what_its_run_means(params: Any, is_same: bool) -> None:
    body = {**COMMAND, "id": 2, "params": {**COMMAND["params"], **params}}

    assert (key(body, COMMANDS) == key(COMMAND, COMMANDS)) is is_same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1], [2]),
        ({"id": 1, "method": "run.start"}, {"id": 1, "method": "input.respond"}),
        ({"id": 1, "params": 7}, {"id": 1, "params": 8}),
    ],
)
def test_an_odd_command_means_itself(one: Any, other: Any) -> None:
    assert key(one, COMMANDS) == key(one, COMMANDS) != key(other, COMMANDS)
