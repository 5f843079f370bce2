"""The fast check never lets through what the search would find."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.cassette.model import End, Exchange, Response, Stream, TimedEvent
from mockserver.formats.sse import Event
from mockserver.http.messages import Request
from mockserver.redaction.prefilter import may_match_stream, may_match_text
from mockserver.redaction.redactor import Redactor
from mockserver.redaction.secret_names import is_secret_name
from mockserver.tools.cassette_source import parse_source
from tests.documents import ROOT

SECRET = "correct-horse/battery"
KEY = "sk-0123456789abcdef"


class Thorough(Redactor):
    """Search everything."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__(secrets)
        for check in ("may_match", "may_match_stream"):
            setattr(self._secrets, check, lambda _: True)


def exchange(stream: Stream) -> Exchange:
    headers = (("content-type", "text/event-stream"),)
    return Exchange(Request("POST", "/x"), Response(200, None, headers, stream, End(0.0)))


def stream_of(*events: Event) -> Stream:
    return Stream(tuple(TimedEvent(0.1, event) for event in events))


def message(data: str) -> Event:
    return Event((("event", "messages"), ("data", data)))


def comment(text: str) -> Event:
    return Event((("comment", text),))


def token(text: str, identity: str = "m1", *, compact: bool = True, **more: Any) -> str:
    chunk = {"content": text, "type": "AIMessageChunk", "id": identity, "tool_calls": [], **more}
    meta = {"langgraph_node": "agent", "run_id": "r", "langgraph_step": 1, "a": ["b", {"c": "d"}]}
    return json.dumps([chunk, meta], separators=(",", ":") if compact else None)


PARTS = [
    *(SECRET, KEY, SECRET[:9], SECRET[9:], KEY[:5], KEY[5:], "hello ", '"', "\\", "é", "", '","'),
    *('{"pass', 'word": "', "hunter2abc", '"}', "\n", "pwd", ": ", "=", "api ", "key", "{", "]"),
]
texts = st.lists(st.one_of(st.sampled_from(PARTS), st.text(max_size=4)), max_size=3).map("".join)
tokens = st.builds(
    token,
    texts,
    st.sampled_from(["m1", "m2"]),
    compact=st.booleans(),
    x=st.sampled_from([None, "last", 5]) | texts,
    y=st.lists(texts, max_size=2),
)
fields = st.tuples(
    st.tuples(st.just("event"), st.sampled_from(["messages", "updates"])),
    st.tuples(st.just("data"), tokens | texts),
)
identities = st.tuples(st.just("id"), st.sampled_from(["1-0", SECRET]))
events = st.one_of(
    fields.map(Event),
    st.tuples(fields, identities).map(lambda parts: Event((*parts[0], parts[1]))),
    texts.map(comment),
)


@given(st.lists(events, max_size=6))
def test_the_prefilter_misses_no_secret(events: list[Event]) -> None:
    recorded = exchange(stream_of(*events))

    assert Redactor([SECRET]).rewrite_exchange(recorded) == Thorough([SECRET]).rewrite_exchange(
        recorded
    )


@given(texts | tokens)
def test_the_prefilter_misses_no_secret_in_a_text(text: str) -> None:
    assert Redactor([SECRET]).rewrite_text(text) == Thorough([SECRET]).rewrite_text(text)


@pytest.mark.parametrize("secret", [SECRET, KEY])
def test_a_secret_is_found_however_it_is_spread(secret: str) -> None:
    for place in range(1, len(secret)):
        parts = ["hi ", secret[:place], secret[place:], " there"]
        tokens = [token(part) for part in parts] + [token("", x="last")]
        redactor = Redactor([SECRET])

        redactor.rewrite_exchange(exchange(stream_of(*map(message, tokens))))

        assert redactor.count == 1


def test_a_secret_is_found_between_quotes_that_repeat() -> None:
    """What follows the quote in each string is the same in all events."""
    texts = [f'a"{KEY[:6]}', f'{KEY[6:]}"{KEY[:6]}', f'b"{KEY[:6]}']
    stream = stream_of(*[message(token(text)) for text in texts])

    assert may_match_stream(stream, ())


def test_a_secret_is_found_in_messages_that_differ_in_their_ids() -> None:
    """Of two messages, one continues the secret."""
    tokens = [
        token(SECRET[:9], "m1"),
        token(SECRET[:9], "m2"),
        token("x", "m1"),
        token(SECRET[9:], "m2"),
    ]
    stream = stream_of(*map(message, tokens))

    assert may_match_stream(stream, (SECRET,))


def test_a_secret_is_found_whose_halves_are_alike() -> None:
    tokens = [token("ab"), token("12-"), token("ab12-", x="last")]

    assert may_match_stream(stream_of(*map(message, tokens)), ("ab12-ab12-",))


def test_a_secret_is_found_in_plain_texts_between_json() -> None:
    stream = stream_of(*map(message, (SECRET[:9], token("hi"), SECRET[9:])))

    assert may_match_stream(stream, (SECRET,))


def test_an_ordinary_stream_passes_the_prefilter() -> None:
    tokens = [token(f" word{number}") for number in range(20)] + [token("", x="last")]
    stream = stream_of(*map(message, tokens), comment("heartbeat"))

    assert not may_match_stream(stream, (SECRET,))


def test_a_secret_is_found_in_messages_that_stream_by_turns() -> None:
    by_turns = [token(SECRET[:9], "m1"), token("b", "m2"), token(SECRET[9:], "m1")]
    ordinary = [token("a", "m1"), token("b", "m2"), token("c", "m1")]

    assert may_match_stream(stream_of(*map(message, by_turns)), (SECRET,))
    assert not may_match_stream(stream_of(*map(message, ordinary)), (SECRET,))


def test_recorded_streams_pass_the_prefilter() -> None:
    """Otherwise each recorded stream would be searched, which takes thirty times as long."""
    for path in (ROOT / "cassettes").glob("*.yaml"):
        for part in parse_source(path.name, path.read_bytes()).exchanges:
            content = part.require_exchange().response.content
            assert not (isinstance(content, Stream) and may_match_stream(content, (SECRET,)))


@pytest.mark.parametrize("name", ["retry", "raw", "base64"])
def test_an_event_with_other_fields_needs_a_closer_look(name: str) -> None:
    assert may_match_stream(stream_of(message(token("a")), Event(((name, "10"),))), ())


def test_long_words_such_as_images_are_not_kept() -> None:
    tracemalloc.start()
    try:
        for number in range(20):
            image = f"{number:02}" * 50_000
            assert not may_match_text(f'{{"image":"{image}"}}', ())
            assert not is_secret_name(image)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 5 * 100_000  # the last one is still there
