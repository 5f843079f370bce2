"""The reader of our own layout reads what the YAML reader reads, or it declines."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.cassette.model import End, Exchange, Response
from mockserver.cassette.yaml_codec import dump_exchange
from mockserver.cassette.yaml_codec.fast_yaml import read_mapping
from mockserver.errors import ReadError
from mockserver.formats import strict_yaml
from mockserver.formats.strict_yaml import Mapping, Sequence
from mockserver.http.messages import Request
from tests.strategies import texts, values


def written(request: Request) -> str:
    return dump_exchange(Exchange(request, Response(end=End(1.5)), at=2.5))


def posted(body: Any) -> Request:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Request("POST", "/runs/wait", (), text.encode("utf-8", "surrogatepass"))


HELLO = written(posted({"input": {"messages": [{"role": "human"}]}, "n": [1, [2]]}))


def agrees(text: str) -> bool:
    """Check both readers against each other; tell whether ours has read the text."""
    found = read_mapping(text.encode("utf-8", "surrogatepass"))
    if found is None:
        return False
    assert with_lines(found) == with_lines(strict_yaml.parse(text))
    return True


def with_lines(value: Any, depth: int = 0) -> Any:
    """Return *value* with the types and the lines of all its parts; those of JSON values, in the body of a request, have no lines."""
    match value:
        case Mapping():
            parts = [
                (
                    name,
                    as_json(part) if name == "body" and depth == 1 else with_lines(part, depth + 1),
                )
                for name, part in value.items()
            ]
            return "mapping", value.line, value.lines, parts
        case Sequence():
            return "list", value.line, value.lines, [with_lines(part, depth + 1) for part in value]
        case _:
            return type(value), value


def as_json(value: Any) -> Any:
    """Return *value*, which the YAML reader or ours has read below `body`, as ours has to read it."""
    match value:
        case dict():
            return dict, [(name, as_json(part)) for name, part in value.items()]
        case list():
            return list, list(map(as_json, value))
        case _:
            return type(value), value


def types(value: Any) -> set[type]:
    """Return the types of *value* and all its parts."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*map(types, parts))


def test_a_header_named_body_is_no_body() -> None:
    headers = (("body", "caf\udce9"), ("body", "plain"))
    request = Request("POST", "/runs/wait", headers, b"{}")

    assert agrees(written(request))


def test_a_body_has_plain_types() -> None:
    body = {"a": [], "b": {}, "c": [{"body": {}, "d": [[]]}], "body": {"e": 1}}
    found = read_mapping(written(posted(body)).encode())

    assert found
    assert found["request"]["body"] == body
    assert types(found["request"]["body"]) == {dict, list, int}
    empty = read_mapping(written(posted([])).encode())
    assert empty
    assert types(empty["request"]["body"]) == {list}


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            b'{"a":[],"b":{},"c":[[1,[2]],{"d":null}],"e":[[[]],{"f":{"g":[]}}]}', id="mapping"
        ),
        pytest.param(b'[{"a":1,"b":"no"},{"c":"x: y"},[],"it\'s: so","- a"]', id="list"),
        pytest.param(b'{"a":"one\\ntwo\\n\\n three","b":-1.5,"c":["one\\ntwo"]}', id="block"),
        pytest.param(b'{"a":"one\\n","b":"\\ttwo","no":true}', id="quotes"),
        pytest.param('{"ä":"ö € 😀"}'.encode(), id="unicode"),
        pytest.param(b"{}", id="empty mapping"),
        pytest.param(b"5", id="number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"", id="no body"),
    ],
)
def test_an_exchange_is_read(raw: bytes) -> None:
    assert agrees(written(Request("POST", "/threads/1/state?a=b", (), raw)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("role: human", "role: human # or not", id="comment"),
        pytest.param("role: human", "role: human\n", id="blank line"),
        pytest.param("role: human", "role: 012", id="no number"),
        pytest.param("role: human", "role: 1e999", id="large number"),
        pytest.param("role: human", "role: {a: 1}", id="flow"),
        pytest.param("role: human", "role: {after: 1, how: true}", id="flow of an end"),
        pytest.param("role: human", "role: {after: 012, how: closed}", id="flow with no number"),
        pytest.param("role: human", "role: &a human", id="anchor"),
        pytest.param("role: human", "role: !!str human", id="tag"),
        pytest.param("role: human", "role: *a", id="alias"),
        pytest.param("role: human", "role: human\n        role: ai", id="duplicate"),
        pytest.param("role: human", "role: human\n          again", id="continued"),
        pytest.param("role: human", "role: human\n          again: 1", id="deeper key"),
        pytest.param("role: human", "role: human\n       again: 1", id="odd indent"),
        pytest.param("role: human", "role: |\n          human", id="final newline"),
        pytest.param("role: human", "role: |-\n           human", id="deeper"),
        pytest.param("role: human", "role: |-\n          human\n\n", id="blank end"),
        pytest.param("role: human", "role: |-", id="empty block"),
        pytest.param("role: human", 'role: "\\x41"', id="escape"),
        pytest.param("role: human", 'role: "\\u0041"', id="code"),
        pytest.param("role: human", 'role: "a\\"', id="open quotes"),
        pytest.param("role: human", "role: 'it''s'", id="quote"),
        pytest.param("role: human", "role: 'a' b'", id="broken quote"),
        pytest.param("role: human", "role: '", id="lone quote"),
        pytest.param("role: human", "role: a\tb", id="tab"),
        pytest.param("role: human", "role:human", id="no space"),
        pytest.param("role: human", "role:", id="nothing"),
        pytest.param("role: human", "role: ", id="a space"),
        pytest.param("role: human", "- ", id="empty item"),
        pytest.param("role: human", "? role\n        : human", id="complex key"),
        pytest.param("- 1", "- 1\n    - 2", id="shallower item"),
        pytest.param("path: /runs/wait", "path: /runs/wait: a", id="colon"),
        pytest.param("path: /runs/wait", "path: runs", id="no path"),
        pytest.param("path: /runs/wait", "path: 5", id="number path"),
        pytest.param("path: /runs/wait", "path: /x\n  headers: {}", id="headers"),
        pytest.param("method: POST", "method: 'post'", id="quoted method"),
        pytest.param("method: POST", "method: ''", id="empty method"),
        pytest.param("method: POST", "repeat: POST", id="no method"),
        pytest.param("---\n", "", id="no separator"),
        pytest.param("    input:", "    'input':", id="quoted key"),
        pytest.param("    input:", "    '\ninput':", id="key on two lines"),
        pytest.param("    input:", "    null:", id="null key"),
    ],
)
def test_an_edit_is_read_alike_or_declined(old: str, new: str) -> None:
    assert old in HELLO
    edited = HELLO.replace(old, new, 1)

    try:
        strict_yaml.parse(edited)
    except ReadError:
        assert read_mapping(edited.encode()) is None
    else:
        agrees(edited)


@pytest.mark.parametrize(
    "text", [HELLO[:-1], f"{HELLO}...\n", "---\nrequest:\n", "- 1\n", "a\n", ""]
)
def test_another_layout_is_declined(text: str) -> None:
    assert not agrees(text)


@pytest.mark.parametrize("level", ["- ", "a:\n"])
def test_what_nests_too_deep_is_declined(level: str) -> None:
    lines = "".join(f"{'  ' * n}{level}" if "\n" in level else level for n in range(2, 1000))
    text = f"---\nrequest:\n  method: POST\n  path: /x\n  body:\n    {lines.lstrip()}x\n"

    assert read_mapping(text.encode()) is None


@given(values)
def test_any_json_is_read_alike_or_declined(value: Any) -> None:
    agrees(written(posted(value)))


@given(st.lists(texts.filter(lambda text: "\r" not in text), min_size=1, max_size=4))
@example(["no"])
@example(["a: b"])
def test_any_text_is_read_alike_or_declined(said: list[str]) -> None:
    agrees(written(posted({"input": said, "a": {"b": said[0]}})))


PIECES = [
    *("\n", " ", "  ", "- ", ":", ": ", "#", "'", '"', "|-", "a", "5", "\t", "é", "\u2028", "{}"),
    *("\x00", "\x7f", "\r", "[]", "''", "\n\n"),
]


@given(st.integers(0, 10_000), st.integers(0, 12), st.sampled_from(PIECES))
def test_any_edit_is_read_alike_or_declined(place: int, cut: int, put: str) -> None:
    at = place % len(HELLO)
    edited = HELLO[:at] + put + HELLO[at + cut :]

    try:
        strict_yaml.parse(edited)
    except ReadError:
        assert read_mapping(edited.encode()) is None
    else:
        agrees(edited)
