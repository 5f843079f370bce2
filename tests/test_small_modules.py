"""Modules that are a page each: errors, json_text, wording, messages, the cache, sessions."""

import pytest

from mockserver.errors import ReadError
from mockserver.formats import json_text
from mockserver.formats.wording import pluralize
from mockserver.http import messages
from mockserver.server.responders.exchange_replay import Cache
from mockserver.server.sessions import Sessions


def test_a_cassette_error_says_file_line_and_what() -> None:
    error = ReadError("`request` is empty", line=3).at(file="chat.yaml", first_line=10)

    assert str(error) == "chat.yaml, line 12: `request` is empty"
    assert str(ReadError("gone", file="chat.yaml")) == "chat.yaml: gone"
    assert str(ReadError("gone")) == "gone"


def test_a_read_error_builds_its_message_from_its_fields() -> None:
    misspelled = ReadError("request has no key `bdy`", key="bdy", suggestion="body", line=2)
    encoded = ReadError("not UTF-8", fix="save the file as UTF-8", code="not-utf8")

    assert str(misspelled) == "line 2: request has no key `bdy`: did you mean `body`?"
    assert str(encoded) == "not UTF-8: save the file as UTF-8"


def test_a_placed_read_error_keeps_its_fields() -> None:
    error = ReadError("no `bdy`", code="unknown-key", key="bdy", suggestion="body", fix="write it")
    placed = error.at(file="chat.yaml")

    assert (placed.problem, placed.code) == (error.problem, error.code)
    assert (placed.key, placed.suggestion, placed.fix) == ("bdy", "body", "write it")


def test_headers_of_one_connection_are_dropped() -> None:
    headers = (("connection", "close, X-Hop"), ("x-hop", "1"), ("te", "trailers"), ("x-end", "2"))

    assert messages.strip_hop_by_hop(headers) == (("x-end", "2"),)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(200, "OK"), (422, "Unprocessable Entity"), (413, "Request Entity Too Large"), (299, "")],
)
def test_a_reason_does_not_depend_on_the_python_version(status: int, reason: str) -> None:
    assert messages.standard_reason(status) == reason


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":[1,"é",null]}', ({"a": [1, "é", None]},)),
        ('{"a": 1}', None),
        ("1e3", None),
        ("-0", None),
        ('"\\u00e9"', None),
        ('{"a":1,"a":1}', None),
        ("NaN", None),
        ("[" * 61 + "]" * 61, None),
        ("nonsense", None),
    ],
)
def test_json_is_parsed_only_where_it_comes_back(text: str, value: object) -> None:
    assert json_text.parse_exact(text) == value


def test_a_cache_forgets_what_was_not_used_for_longest() -> None:
    cache = Cache(80)
    computed: list[str] = []

    def get(key: str, size: int = 10) -> str:
        def compute() -> tuple[str, int]:
            computed.append(key)
            return key.upper(), size

        return cache.get(key, compute)

    assert [get(key) for key in "abcdefgha"] == list("ABCDEFGHA")
    get("i")
    assert [get(key) for key in "ab"] == ["A", "B"]
    assert "".join(computed) == "abcdefghib"
    assert [get("big", 11) for _ in range(2)] == ["BIG"] * 2
    cache.clear()
    get("a")

    assert computed[-3:] == ["big", "big", "a"]


def test_each_session_has_its_own_counts() -> None:
    sessions = Sessions()
    for name in ("one", "one", "two"):
        sessions.get_or_create(name).counts["k"] += 1

    assert [sessions.get_or_create(name).counts["k"] for name in ("one", "two", "three")] == [
        2,
        1,
        0,
    ]
    sessions.reset("one")
    assert [sessions.get_or_create(name).counts["k"] for name in ("one", "two")] == [0, 1]
    sessions.reset()
    assert sessions.get_or_create("two").counts["k"] == 0


def test_sessions_count_what_was_played() -> None:
    sessions = Sessions()
    for name, exchange in (("one", "a#1"), ("two", "a#1"), ("one", "a#2")):
        sessions.count_play(sessions.get_or_create(name), exchange)

    assert sessions.count_plays() == {"a#1": 2, "a#2": 1}
    assert (sessions.count_plays("two"), sessions.count_plays("nobody")) == ({"a#1": 1}, {})
    sessions.reset("one")
    assert (sessions.count_plays("one"), sessions.count_plays()) == ({}, {"a#1": 2, "a#2": 1})
    sessions.reset()
    assert sessions.count_plays() == {}


def test_the_least_recently_used_session_is_forgotten() -> None:
    sessions = Sessions(limit=2)
    for name in ("a", "b", "a", "c"):
        sessions.get_or_create(name).counts["k"] += 1

    assert [
        sessions.count_plays(name) is sessions.count_plays("nobody") for name in ("a", "c")
    ] == [False] * 2
    assert sessions.get_or_create("a").counts["k"] == 2
    assert sessions.get_or_create("b").counts["k"] == 0


def test_numbers_have_their_noun() -> None:
    assert [
        pluralize(1, "miss", "misses"),
        pluralize(2, "miss", "misses"),
        pluralize(0, "exchange"),
    ] == [
        "1 miss",
        "2 misses",
        "0 exchanges",
    ]
