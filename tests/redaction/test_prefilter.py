"""The quick look never lets through what the search would find."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.cassette.model import End, Exchange, Response, Stream
from mockserver.formats.sse import CRLF, Row
from mockserver.http.messages import Request
from mockserver.redaction.prefilter import Prefilter
from mockserver.redaction.redactor import Redactor

SECRET = "correct-horse/battery"
KEY = "sk-0123456789abcdef"


class Always(Prefilter):
    """Report a possible secret everywhere."""

    def may_match(self, text: str) -> bool:
        return True

    def may_match_stream(self, stream: Stream) -> bool:
        return True


class Thorough(Redactor):
    """Search everything."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__(secrets)
        self._prefilter = Always((), (), ())


def exchange(stream: Stream) -> Exchange:
    headers = (("content-type", "text/event-stream"),)
    return Exchange(Request("POST", "/x"), Response(200, None, headers, stream, End(0.0)))


def streams(rows: list[Row]) -> list[Stream]:
    """Return the stream of *rows*, as rows and by its fields."""
    afters = [0.1] * len(rows)
    events = Stream.from_rows(rows, afters, CRLF).events
    return [Stream.from_rows(rows, afters, CRLF), Stream(events)]


def token(text: str, identity: str = "m1", **more: Any) -> str:
    chunk = {"content": text, "type": "AIMessageChunk", "id": identity, "tool_calls": [], **more}
    meta = {"langgraph_node": "agent", "run_id": "r", "langgraph_step": 1, "a": ["b", {"c": "d"}]}
    return json.dumps([chunk, meta], separators=(",", ":"))


PARTS = [SECRET, KEY, SECRET[:9], SECRET[9:], KEY[:5], KEY[5:], "hello ", '"', "\\", "é", "", '","']
texts = st.lists(st.one_of(st.sampled_from(PARTS), st.text(max_size=4)), max_size=3).map("".join)
tokens = st.builds(
    token,
    texts,
    st.sampled_from(["m1", "m2"]),
    x=st.sampled_from([None, "last", 5]) | texts,
    y=st.lists(texts, max_size=2),
)
rows = st.lists(
    st.tuples(
        st.sampled_from(["messages", "updates"]),
        tokens | texts.filter(bool),
        st.sampled_from(["", "1-0", SECRET]),
        st.just(""),
    )
    | st.tuples(st.just(""), st.just(""), st.just(""), texts.filter(bool)),
    max_size=6,
)


@given(rows)
def test_the_prefilter_misses_no_secret(rows: list[Row]) -> None:
    for stream in streams(rows):
        quick, thorough = Redactor([SECRET]), Thorough([SECRET])

        assert quick.exchange(exchange(stream)) == thorough.exchange(exchange(stream))


@pytest.mark.parametrize("secret", [SECRET, KEY])
def test_a_secret_is_found_however_it_is_spread(secret: str) -> None:
    for place in range(1, len(secret)):
        parts = ["hi ", secret[:place], secret[place:], " there"]
        rows: list[Row] = [("messages", token(part), "", "") for part in parts]
        for stream in streams([*rows, ("messages", token("", x="last"), "", "")]):
            redactor = Redactor([SECRET])
            redactor.exchange(exchange(stream))

            assert redactor.count == 1


def test_an_ordinary_stream_passes_the_prefilter() -> None:
    rows: list[Row] = [("messages", token(f" word{number}"), "", "") for number in range(20)]
    rows += [("messages", token("", x="last"), "", ""), ("", "", "", "heartbeat")]

    for stream in streams(rows):
        assert not Prefilter((SECRET,), (SECRET,), ()).may_match_stream(stream)


def test_messages_by_turns_need_a_closer_look() -> None:
    by_turns = [token("a", "m1"), token("b", "m2"), token("c", "m1")]
    rows: list[Row] = [("messages", text, "", "") for text in by_turns]

    for stream in streams(rows):
        assert Prefilter((), (), ()).may_match_stream(stream)
