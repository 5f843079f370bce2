"""Secrets that are spread over the events of a stream, in every stream mode and spelling."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mockserver.cassette.model import (
    Exchange,
    Response,
    Stream,
    TimedChunk,
    TimedEvent,
    join_chunks,
)
from mockserver.cassette.recorder import Recorder
from mockserver.formats.sse import Event
from mockserver.http.messages import Request
from mockserver.redaction.redactor import Redactor, parse_rules

ARGUMENTS = '{"user": "bob", "password": "hunter2abc", "n": 1}'
KEY = "sk-proj-abcdefgh1234"
SSE = (("content-type", "text/event-stream"),)


def record(*chunks: bytes) -> Exchange:
    """Return the exchange that the recorder makes of a stream of *chunks*."""
    recorder = Recorder(Request("POST", "/runs/stream"), 0.0)
    recorder.start_response(200, "OK", SSE)
    for number, chunk in enumerate(chunks):
        recorder.feed(chunk, float(number))
    return recorder.finish(1.0)


def redact(events: list[tuple[str, Any]], *rules: object) -> list[Any]:
    """Return the data of *events* (name, data) redacted."""
    timed = [
        TimedEvent(0.1, Event((("event", name), ("data", json.dumps(data)))))
        for name, data in events
    ]
    exchange = Exchange(Request("POST", "/x"), Response(200, None, SSE, Stream(tuple(timed))))
    content = Redactor((), parse_rules(rules)).rewrite_exchange(exchange).response.content
    assert isinstance(content, Stream)
    return [json.loads(dict(one.event.fields)["data"]) for one in content.events]


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def chunk(index: int, arguments: str) -> dict[str, Any]:
    return {"name": None, "args": arguments, "id": None, "index": index, "type": "tool_call_chunk"}


MODES: dict[str, tuple[str, Callable[[str], Any], Callable[[Any], str]]] = {
    "messages-tuple, arguments": (
        "messages",
        lambda text: [{"tool_call_chunks": [chunk(0, text)], "id": "m"}, {"a": 1}],
        lambda data: data[0]["tool_call_chunks"][0]["args"],
    ),
    "messages-tuple, function arguments": (
        "messages",
        lambda text: [
            {"additional_kwargs": {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}},
            {},
        ],
        lambda data: data[0]["additional_kwargs"]["tool_calls"][0]["function"]["arguments"],
    ),
    "messages-tuple, content": (
        "messages",
        lambda text: [{"content": text, "id": "m"}, {}],
        lambda data: data[0]["content"],
    ),
    "messages-tuple, content blocks": (
        "messages",
        lambda text: [{"content": [{"type": "text", "text": text, "index": 1}], "id": "m"}, {}],
        lambda data: data[0]["content"][0]["text"],
    ),
    "messages-tuple of a subgraph": (
        "messages|inner:1",
        lambda text: [{"content": text, "id": "m"}, {}],
        lambda data: data[0]["content"],
    ),
    "custom": ("custom", lambda text: {"token": text}, lambda data: data["token"]),
    "custom text": ("custom", lambda text: text, lambda data: data),
    "events": (
        "events",
        lambda text: {"event": "on_chat_model_stream", "data": {"chunk": {"content": text}}},
        lambda data: data["data"]["chunk"]["content"],
    ),
    "event stream": (
        "messages",
        lambda text: {
            "method": "messages",
            "params": {"data": {"delta": {"type": "text-delta", "text": text}, "index": 0}},
        },
        lambda data: data["params"]["data"]["delta"]["text"],
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 2, 5, 11])
@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (ARGUMENTS, ARGUMENTS.replace("hunter2abc", "REDACTED")),
        (f"use {KEY} now", "use REDACTED now"),
        ("open /x?api_key=hunter2abc&a=1", "open /x?api_key=REDACTED&a=1"),
        ("the password: hunter2abc, ok", "the password: REDACTED, ok"),
        ("postgres://ann:hunter2abc@db.example", "postgres://REDACTED@db.example"),
    ],
)
def test_a_secret_in_streamed_text_is_found(mode: str, size: int, text: str, redacted: str) -> None:
    name, data_of, text_of = MODES[mode]

    datas = redact([(name, data_of(piece)) for piece in pieces(text, size)])

    assert "".join(map(text_of, datas)) == redacted


@pytest.mark.parametrize("cuts", [(3, 5), (20, 26), (27, 31)])
def test_pieces_of_a_tool_call_belong_together_though_only_the_first_has_its_id(
    cuts: tuple[int, int],
) -> None:
    """As a real model sends them."""
    texts = [ARGUMENTS[: cuts[0]], ARGUMENTS[cuts[0] : cuts[1]], ARGUMENTS[cuts[1] :]]
    events: list[tuple[str, Any]] = []
    for number, text in enumerate(texts):
        piece = chunk(0, text) | ({} if number else {"id": "call_1"})
        events.append(("messages", [{"id": "m", "tool_call_chunks": [piece]}, {}]))
        events.append(("messages", [{"id": "m", "tool_call_chunks": [chunk(1, "1")]}, {}]))

    shown = [data[0]["tool_call_chunks"][0]["args"] for data in redact(events)[::2]]

    assert "".join(shown) == ARGUMENTS.replace("hunter2abc", "REDACTED")


def test_a_text_that_grows_is_not_joined() -> None:
    events = [
        ("messages/partial", [{"id": "m", "content": text}])
        for text in ("api_key=", "api_key=setting", "api_key=settings.key")
    ]

    assert redact(events)[-1] == [{"id": "m", "content": "api_key=settings.key"}]


def test_a_rule_for_a_field_is_applied_to_streamed_arguments() -> None:
    name, data_of, text_of = MODES["messages-tuple, arguments"]
    events = [(name, data_of(piece)) for piece in pieces('{"customer": "ACME Ltd"}', 4)]

    assert (
        "".join(map(text_of, redact(events, {"field": "customer"}))) == '{"customer": "REDACTED"}'
    )


def test_tool_calls_and_messages_that_stream_by_turns_are_kept_separate() -> None:
    def events(*texts: str) -> Iterator[tuple[str, Any]]:
        for number, text in enumerate(texts):
            message = {"id": f"m{number % 2}", "tool_call_chunks": [chunk(number % 4 // 2, text)]}
            yield "messages", [message, {}]

    one, other, third, fourth = (
        [f'{{"password":"{word}', f'{word}1"}}'] for word in ("aa", "bb", "cc", "dd")
    )
    texts = [part for parts in zip(one, other, third, fourth, strict=True) for part in parts]

    datas = redact(list(events(*texts)))

    redacted = [data[0]["tool_call_chunks"][0]["args"] for data in datas]
    assert redacted == ['{"password":"REDACTED'] * 4 + ['"}'] * 4


@pytest.mark.parametrize("text", [f"use {KEY} now", ARGUMENTS])
@pytest.mark.parametrize("name", ["messages/partial", "values"])
def test_a_secret_in_a_text_that_grows_is_found_from_its_beginning(name: str, text: str) -> None:
    events = [(name, [{"id": "m", "content": text[:end]}]) for end in range(1, len(text) + 1)]

    shown = [data[0]["content"] for data in redact(events)]

    assert shown[-1] == text.replace(KEY, "REDACTED").replace("hunter2abc", "REDACTED")
    for content in shown:
        assert not any(part in content for part in ("sk", "hu", "abc"))


def test_arguments_that_grow_are_found_before_they_are_complete() -> None:
    text = ARGUMENTS
    events = [
        ("messages/partial", [{"id": "m", "invalid_tool_calls": [{"args": text[:end]}]}])
        for end in range(1, len(text))
    ]

    assert "hu" not in json.dumps(redact(events))


SPELLINGS = {
    "no spaces": b'event:messages\ndata:{"a":"%s"}\n\n',
    "mixed line ends": b'event: messages\r\ndata: {"a":"%s"}\n\n',
    "a comment within": b': note\r\nevent: messages\r\ndata: {"a":"%s"}\r\n\r\n',
    "two lines of data": b'event: messages\ndata:{"a":\ndata:"%s"}\n\n',
    "an id without a space": b'id:7\nevent: messages\ndata: {"a":"%s"}\n\n',
    "bytes": b'event: messages\ndata: {"a":"%s","b":"\xff"}\n\n',
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_events_in_other_spellings_are_joined(spelling: str) -> None:
    chunks = [SPELLINGS[spelling] % piece.encode() for piece in pieces(f"so {KEY}!", 6)]

    exchange = Redactor().rewrite_exchange(record(*chunks))

    text = repr(exchange.response.content)
    assert exchange.redacted >= 1
    assert not any(piece in text for piece in pieces(KEY, 5)[:-1])


def test_an_event_in_another_spelling_keeps_it() -> None:
    exchange = Redactor().rewrite_exchange(
        record(b'id:7\ndata:{"a":  "\\u00fc %s"}\r\n\r\n' % KEY.encode())
    )

    content = exchange.response.content
    assert isinstance(content, Stream)
    assert content.events[0].event.fields == (
        ("raw", 'id:7\ndata:{"a":  "\\u00fc REDACTED"}\r\n\r\n'),
    )


def test_a_stream_that_is_cut_before_the_end_of_an_event_is_joined_too() -> None:
    event = b'event: custom\ndata: {"a":"%s"}\n'
    exchange = Redactor().rewrite_exchange(
        record(event % b"so sk-proj" + b"\n", event % b"-abcdefgh1234")
    )

    assert "abcdefgh" not in repr(exchange.response.content)


@pytest.mark.parametrize("start", [b"", b"\xff"], ids=["text", "no text"])
def test_a_secret_in_the_chunks_of_a_body_is_found(start: bytes) -> None:
    parts = (start + b'{"a":"sk-proj-abcd', b"efgh12345678", b'"}\n', b"end")
    body = join_chunks(TimedChunk(1.0, part) for part in parts)
    redacted = Redactor().rewrite_exchange(Exchange(Request("GET", "/x"), Response(content=body)))

    rest = (start + b'{"a":"REDACTED', b"", b'"}\n', b"end")
    assert redacted.response.content == join_chunks(TimedChunk(1.0, part) for part in rest)
    assert redacted.redacted == 1


def test_names_of_events_are_never_changed() -> None:
    stream = record(b"event: correct-horse-battery\ndata: correct-horse-battery\n\n")

    content = Redactor(["correct-horse-battery"]).rewrite_exchange(stream).response.content

    assert isinstance(content, Stream)
    assert content.events[0].event.fields == (
        ("event", "correct-horse-battery"),
        ("data", "REDACTED"),
    )


def of_thread(seq: int, namespace: list[str], said: dict[str, Any]) -> tuple[str, Any]:
    """Return an event of an event stream: a piece of what a model says in the graph *namespace*."""
    params = {"namespace": namespace, "timestamp": 1795800000000 + seq, "data": said}
    event = {"type": "event", "event_id": f"1795800000000-{seq}", "seq": seq}
    return "messages", {**event, "method": "messages", "params": params}


def piece_of_text(text: str, index: int = 0, **more: str) -> dict[str, Any]:
    delta = {"type": "text-delta", "text": text}
    return {"event": "content-block-delta", "index": index, "delta": delta, **more}


def piece_of_arguments(text: str) -> dict[str, Any]:
    delta = {"type": "tool-call-delta", "args": text}
    return {"event": "content-block-delta", "index": 0, "delta": delta}


INNER, SIBLING = ["inner:0c6f7a21"], ["inner:5c9a3d0e"]
OTHER = "Once upon a time, there was an old man who had a goat and a boat."


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param((INNER, piece_of_text), (SIBLING, piece_of_text), id="two subgraphs"),
        pytest.param((INNER, piece_of_text), ([], piece_of_text), id="a subgraph and its parent"),
        pytest.param(([], piece_of_text), (INNER, piece_of_text), id="a graph and its subgraph"),
        pytest.param((INNER, piece_of_text), ([*INNER, *SIBLING], piece_of_text), id="two levels"),
        pytest.param(([], piece_of_text), ([], lambda text: piece_of_text(text, 1)), id="two blocks"),
        pytest.param(([], lambda text: piece_of_text(text, run_id="a")), ([], lambda text: piece_of_text(text, run_id="b")), id="two runs of a model"),
        pytest.param((INNER, piece_of_arguments), (SIBLING, piece_of_arguments), id="arguments of tools"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [2, 5])
def test_a_secret_is_found_between_the_pieces_of_another_text(
    first: Any, second: Any, size: int
) -> None:
    secret = ARGUMENTS if first[1] is piece_of_arguments else f"Use {KEY} for it."
    events: list[tuple[str, Any]] = []
    for mine, others in zip(pieces(secret, size), itertools.cycle(pieces(OTHER, 3)), strict=False):
        for (namespace, piece), text in ((first, mine), (second, others)):
            events.append(of_thread(len(events) + 1, namespace, piece(text)))
    found = [
        next(value for name, value in one["params"]["data"]["delta"].items() if name != "type")
        for one in redact(events)
    ]

    wanted = (
        ARGUMENTS.replace("hunter2abc", "REDACTED") if "user" in secret else "Use REDACTED for it."
    )
    assert "".join(found[::2]) == wanted
    assert "".join(found[1::2]) in OTHER * 4
