"""Prune exchanges that were never played, and merge cassettes."""

from dataclasses import replace

import pytest

from mockserver.cassette.model import Body, Policy
from mockserver.errors import ReadError
from mockserver.http.messages import Request
from mockserver.matching import usage
from mockserver.matching.usage import Plays
from mockserver.redaction.redactor import RedactionRules
from mockserver.tools.cassette_source import CassetteSource, parse_source
from mockserver.tools.lint.lint import lint_source
from mockserver.tools.merge import MergeResult, merge_sources
from mockserver.tools.prune import plan_prune, remove_parts
from tests.tools.cassettes import HEALTHY, edited

PARTS = HEALTHY.split("---\n")
BY_HAND = """\
mockserver: 1
---
request: {method: GET, path: /info}  # by hand
response: {body: {version: 1}}
"""


def read(text: str, name: str = "chat.yaml") -> CassetteSource:
    return parse_source(name, text.encode())


def played(*counts: int, text: str = HEALTHY) -> Plays:
    """Return that the exchanges of *text* were played so often."""
    requests = [part.exchange.request for part in read(text).exchanges if part.exchange]
    return Plays(dict(zip(usage.compute_marks(requests), counts, strict=False)))


def test_an_exchange_that_was_never_played_is_removed() -> None:
    found = plan_prune(read(HEALTHY), played(1, 0, 2))

    assert [part.number for part in found.unplayed] == [2]
    assert (found.unknown, found.reason) == ([], None)
    assert (
        remove_parts(read(HEALTHY), found.unplayed) == "---\n".join([*PARTS[:2], PARTS[3]]).encode()
    )


def test_the_remaining_exchanges_are_unchanged() -> None:
    text = edited(
        ("request:\n", "# the first\nrequest:\n"), ("    stream_mode", "    stream_mode  ")
    )
    found = plan_prune(read(text), played(1, 1, 0, text=text))

    assert (
        remove_parts(read(text), found.unplayed) == "---\n".join(text.split("---\n")[:3]).encode()
    )


def test_exchanges_without_usage_stay() -> None:
    found = plan_prune(read(HEALTHY), played(0, 1))

    assert [part.number for part in found.unplayed] == [1]
    assert [part.number for part in found.unknown] == [3]
    assert plan_prune(read(HEALTHY), None).unplayed == []


def test_a_new_exchange_makes_all_of_the_same_request_unknown() -> None:
    one = "---\nrequest: {path: /x}\nresponse: {body: %d}\n"
    known = played(1, 0, text="mockserver: 1\n" + one % 1 + one % 2)
    found = plan_prune(read("mockserver: 1\n" + one % 0 + one % 1 + one % 2), known)

    assert (found.unplayed, [part.number for part in found.unknown]) == ([], [1, 2, 3])


def test_a_failed_test_keeps_its_whole_cassette() -> None:
    plays = replace(played(0, 0, 0), unfinished=True)

    assert plan_prune(read(HEALTHY), plays).unplayed == []
    assert plan_prune(read(HEALTHY), plays).reason == "a test that plays it failed or did not run"


def test_no_text_remains_of_a_cassette_that_was_never_played() -> None:
    found = plan_prune(read(HEALTHY), played(0, 0, 0))

    assert remove_parts(read(HEALTHY), found.unplayed) is None


def test_the_new_last_exchange_of_a_recording_is_not_truncated() -> None:
    text = "---\n".join([*PARTS[:2], BY_HAND.split("---\n")[1], PARTS[3]])
    found = plan_prune(read(text), played(1, 1, 0, text=text))
    raw = remove_parts(read(text), found.unplayed)

    assert raw is not None
    left = read(raw.decode())
    assert [part.is_truncated for part in left.parts] == [False, False, False]
    assert b"# by hand" in raw


def test_usage_identifies_exchanges_by_request() -> None:
    one, other = Request("GET", "/info"), Request("GET", "/ok")

    assert usage.compute_marks([one, other]) == usage.compute_marks([other, one])[::-1]
    assert len(set(usage.compute_marks([one, one, one]))) == 3


def test_usages_are_added_up() -> None:
    first = {"a": Plays({"x": 1, "y": 0}), "b": Plays({"z": 0})}
    second = {"a": Plays({"y": 2, "w": 0}, unfinished=True)}

    both = usage.merge_usages([first, second])
    assert both == {
        "a": Plays({"x": 1, "y": 2, "w": 0}, unfinished=True),
        "b": Plays({"z": 0}),
    }
    assert usage.loads(usage.dumps(both)) == both


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"mockserver_usage": 2, "cassettes": {}}', "mockserver: 1\n"]
)
def test_a_file_that_is_not_a_usage_file_is_rejected(text: str) -> None:
    with pytest.raises(ReadError, match="not a usage file"):
        usage.loads(text)


def merge(*texts: str) -> MergeResult:
    return merge_sources([read(text, f"{n}.yaml") for n, text in enumerate(texts, 1)], Policy())


def test_one_cassette_is_unchanged() -> None:
    assert merge(HEALTHY).raw == HEALTHY.encode()


def test_a_repeated_exchange_is_dropped() -> None:
    other = edited(("    version: 0.16.7", "    version: 0.17.0"))
    result = merge(HEALTHY, HEALTHY, other)

    assert result.raw.decode() == HEALTHY + "---\n" + other.split("---\n")[3]
    assert result.count == 4
    assert result.dropped == [
        ("2.yaml#1", "1.yaml#1"),
        ("2.yaml#2", "1.yaml#2"),
        ("2.yaml#3", "1.yaml#3"),
        ("3.yaml#1", "1.yaml#1"),
        ("3.yaml#2", "1.yaml#2"),
    ]


def test_repeated_exchanges_within_one_cassette_stay() -> None:
    text = HEALTHY + "---\n" + PARTS[3]

    assert merge(text).raw == text.encode()


def test_times_do_not_make_a_response_different() -> None:
    result = merge(HEALTHY, edited(("after: 0.912", "after: 1.5")))

    assert len(result.dropped) == 3


def test_the_merged_header_holds_what_all_headers_agree_on() -> None:
    other = edited(
        ("recorded: 2026-11-22", "recorded: 2025-01-01"),
        ("https://my-agent.example", "https://other.example"),
        ("- body.config.configurable.user_id", "- body.metadata\nvolatile: [uuid, 's-[0-9]+']"),
    )
    result = merge(HEALTHY, other)

    assert result.raw.decode().startswith(
        "mockserver: 1\n"
        "recorded: 2025-01-01T15:36:36Z\n"
        "server: {version: 0.16.7, langgraph_py_version: 1.2.22}\n"
        "ignore:\n- body.config.configurable.user_id\n- body.metadata\n"
        "volatile:\n- uuid\n- s-[0-9]+\n---\n"
    )
    assert result.notes == [
        "`ignore: [body.config.configurable.user_id, body.metadata]` now applies to all exchanges",
        "`volatile: [uuid, s-[0-9]+]` now applies to all exchanges",
        "the cassettes have different upstreams: the header names none",
    ]


ASKED = "---\nrequest: {{method: GET, path: /threads/1}}  # by hand\nresponse: {{body: {}}}\n"


def exchanges_of(*answers: str, repeat: str = "") -> str:
    """Return a cassette with these *answers* to one request."""
    return f"mockserver: 1\n{repeat}" + "".join(map(ASKED.format, answers))


@pytest.mark.parametrize(
    "first, second, left",
    [
        pytest.param("a", "a", "a", id="the same"),
        pytest.param("ab", "b", "ab", id="the end of it"),
        pytest.param("ab", "a", "aba", id="the beginning of it"),
        pytest.param("b", "ab", "bab", id="more before it"),
        pytest.param("ab", "ab", "ab", id="all of it"),
    ],
)
def test_only_repeated_responses_at_the_end_are_dropped(first: str, second: str, left: str) -> None:
    assert merge(exchanges_of(*first), exchanges_of(*second)).raw.decode() == exchanges_of(*left)


def test_if_repeat_differs_the_last_one_applies() -> None:
    result = read(
        merge(
            exchanges_of("1", "2", repeat="repeat: cycle\n"),
            exchanges_of("3", repeat="repeat: error\n"),
            BY_HAND,
        ).raw.decode()
    )

    assert result.header.repeat is None
    repeats = [part.exchange.repeat for part in result.exchanges if part.exchange]
    assert repeats == [None, None, "error", None]
    assert result.parts[1].text == exchanges_of("1").partition("\n")[2]
    assert "# by hand" in result.parts[3].text
    assert lint_source(result, Policy(), RedactionRules()) == []


def test_a_text_body_at_the_end_of_a_file_gets_no_newline() -> None:
    text = "mockserver: 1\n---\nrequest: {path: /x}\nresponse:\n  text: |\n    foo"
    first, _ = read(merge(text, BY_HAND).raw.decode()).exchanges

    assert first.exchange is not None
    assert first.exchange.response.content == Body(b"foo")


def test_comments_of_headers_stay() -> None:
    raw = merge("# one\nmockserver: 1  # two\n" + BY_HAND[14:], "mockserver: 1\n# three\n").raw

    assert raw.startswith(b"# one\nmockserver: 1  # two\n")
    assert b"# three\n" in raw


def test_line_endings_are_unified() -> None:
    assert (
        merge(HEALTHY, HEALTHY.replace("hello", "bye").replace("\n", "\r\n")).raw.count(b"\r") == 0
    )


def test_different_servers_leave_the_header_without_one() -> None:
    result = merge(HEALTHY, edited(("{version: 0.16.7", "{version: 0.17.0")))

    assert result.notes == ["the cassettes have different servers: the header names none"]
    assert read(result.raw.decode()).header.server == {}


def test_a_cassette_without_upstream_does_not_change_it() -> None:
    result = merge(HEALTHY, BY_HAND)

    assert result.notes == [
        "`ignore: [body.config.configurable.user_id]` now applies to all exchanges"
    ]
    assert read(result.raw.decode()).header.upstream == "https://my-agent.example"


def test_an_exchange_written_by_hand_at_the_end_is_not_truncated() -> None:
    result = read(merge(HEALTHY, BY_HAND).raw.decode())

    assert [part.is_truncated for part in result.parts] == [False] * 5
    assert result.errors == []
