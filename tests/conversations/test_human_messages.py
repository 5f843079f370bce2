"""What a human typed, in place of recorded messages: by place, not by text."""

import json
from typing import Any

import pytest

from mockserver.cassette.model import Body, Response, Stream, TimedChunk, TimedEvent
from mockserver.conversations.human_messages import (
    TypedTexts,
    find_human_contents,
    get_other_parts,
    read_text,
    replace_human_contents,
)
from mockserver.formats.sse import Event
from mockserver.http.messages import Request

TEXTS = TypedTexts().with_pairs([("Yes", "yep")])


def human(content: Any, identity: str | None = None) -> dict[str, Any]:
    return {"type": "human", "content": content, "id": identity}


def request(messages: Any) -> Request:
    return Request("POST", "/runs", (), json.dumps({"input": {"messages": messages}}).encode())


@pytest.mark.parametrize(
    ("messages", "contents", "replaced"),
    [
        pytest.param("a", ["a"], "0", id="text"),
        pytest.param(["a", ["user", "b"]], ["a", "b"], ["0", ["user", "1"]], id="texts and pairs"),
        pytest.param(human("a"), ["a"], human("0"), id="one message"),
        pytest.param(
            [human("a"), {"role": "ai", "content": "b"}, ["ai", "c"], {"role": "user"}, 5],
            ["a"],
            [human("0"), {"role": "ai", "content": "b"}, ["ai", "c"], {"role": "user"}, 5],
            id="other messages stay",
        ),
    ],
)
def test_the_contents_of_human_messages(messages: Any, contents: Any, replaced: Any) -> None:
    asked = request(messages)
    other = replace_human_contents(asked, [str(n) for n in range(len(contents))])

    assert find_human_contents(asked) == contents
    assert json.loads(other.body) == {"input": {"messages": replaced}}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"input": null}', b'{"input": {"q": "a"}}'])
def test_a_request_without_messages_has_no_contents(body: bytes) -> None:
    assert find_human_contents(Request("POST", "/runs", (), body)) == []


def test_a_content_may_be_a_list_of_parts() -> None:
    picture = {"type": "image_url", "image_url": "x"}

    assert read_text([{"type": "text", "text": "a"}, picture, "b"]) == "ab"
    assert get_other_parts([{"type": "text", "text": "a"}, picture, "b"]) == [picture]
    assert (read_text(None), get_other_parts("a")) == ("", [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(human("Yes"), human("yep"), id="a message"),
        pytest.param([{"values": human("Yes")}], [{"values": human("yep")}], id="below"),
        pytest.param(human("Yes!"), human("Yes!"), id="another text"),
        pytest.param({"type": "ai", "content": "Yes"}, {"type": "ai", "content": "Yes"}, id="ai"),
        pytest.param({"answer": "Yes"}, {"answer": "Yes"}, id="a text elsewhere"),
        pytest.param(
            human([{"type": "text", "text": "Yes"}]), human("yep"), id="the same in another form"
        ),
    ],
)
def test_a_text_is_replaced_by_its_place(value: Any, expected: Any) -> None:
    changed = TEXTS.apply(value)

    assert value == expected
    assert changed == ("yep" in json.dumps(expected))


def test_messages_of_the_same_text_keep_what_was_typed_for_each() -> None:
    first, second = human("Yes", "1"), human("Yes", "2")
    TEXTS.apply(first)
    later = TEXTS.with_pairs([("Yes", "sure")])
    both = [human("Yes", "1"), human("Yes", "live 2"), human("Yes")]

    later.apply(both, lambda identity: identity.removeprefix("live "))
    later.apply(second)

    assert [one["content"] for one in both] == ["yep", "sure", "sure"]
    assert second["content"] == "sure"


def test_without_texts_nothing_changes() -> None:
    assert not TypedTexts()
    assert not TypedTexts().apply(human("Yes"))


def test_a_response_has_them_in_its_events() -> None:
    text = json.dumps({"messages": [human("Yes")]})
    events = (
        TimedEvent(0.5, Event((("event", "values"), ("data", text)))),
        TimedEvent(0.1, Event((("event", "values"), ("data", 'no JSON, but "human"')))),
        TimedEvent(0.1, Event((("comment", "heartbeat"),))),
    )
    content = TEXTS.apply_to_response(Response(content=Stream(events))).content

    assert isinstance(content, Stream)
    assert [timed.after for timed in content.events] == [0.5, 0.1, 0.1]
    assert json.loads(dict(content.events[0].event.fields)["data"])["messages"] == [human("yep")]
    assert content.events[1:] == events[1:]


def test_a_response_has_them_in_its_body() -> None:
    raw = json.dumps([human("Yes"), 1.5]).encode()
    response = Response(content=Body(raw, 0.5, (0.1,), (TimedChunk(0.5, raw),)))

    content = TEXTS.apply_to_response(response).content

    expected = b'[{"type":"human","content":"yep","id":null},1.5]'
    assert content == Body(expected, 0.5, (0.1,))


@pytest.mark.parametrize("raw", [b"\xff", b'"human" \xff', b'{"type":"human","content":"No"}'])
def test_a_body_without_them_is_unchanged(raw: bytes) -> None:
    response = Response(content=Body(raw, 0.5, (), (TimedChunk(0.5, raw),)))

    assert TEXTS.apply_to_response(response) is response
