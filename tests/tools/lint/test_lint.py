"""Lint damaged cassettes: the finding for each problem, its line, and the result of `--fix`."""

import re
from pathlib import Path

import pytest

from mockserver.cassette.model import Policy
from mockserver.redaction.redactor import RedactionRules, parse_rules
from mockserver.tools.cassette_source import parse_source
from mockserver.tools.fmt import format_source
from mockserver.tools.lint.findings import CODES, Finding
from mockserver.tools.lint.lint import fix_source, lint_source
from tests.tools.cassettes import HEALTHY, edited, line_of

SECRET = "sk-proj-abcdefgh12345678"
BARE = "mockserver: 1\n---\nrequest: {path: /x}\nresponse: {body: 1}\n"
WAIT = HEALTHY[HEALTHY.index("---\n", HEALTHY.index("/runs/stream")) : HEALTHY.rindex("---\n")]
GET_INFO = HEALTHY[HEALTHY.rindex("---\n") :]


def found(text: str | bytes, rules: RedactionRules | None = None) -> list[Finding]:
    raw = text if isinstance(text, bytes) else text.encode()
    return lint_source(parse_source("chat.yaml", raw), Policy(), rules or RedactionRules())


def fix(text: str) -> str:
    return fix_source(parse_source("chat.yaml", text.encode())).decode()


def test_a_healthy_cassette_has_no_findings() -> None:
    assert found(HEALTHY) == []
    assert fix(HEALTHY) == HEALTHY


DAMAGES = [
    # what a hand breaks in the YAML
    pytest.param("malformed", "status: 200", "status: '200'", "status: '200'", id="a status in quotes"),
    pytest.param("malformed", "status: 200", "status: 20", "status: 20", id="no status"),
    pytest.param("not-yaml", "  method: POST", "\tmethod: POST", "\tmethod", id="a tab"),
    pytest.param("not-yaml", "content: hello", 'content: "hello', None, id="an open quote"),
    pytest.param("not-yaml", "content: hello", "content: hello: there", "hello: there", id="a second colon"),
    pytest.param("not-yaml", "    stream_mode", "   stream_mode", "   stream_mode", id="one space too few"),
    pytest.param("conflict", "        content: hello", "<<<<<<< HEAD\n        content: hello\n=======\n        content: hi\n>>>>>>> b", "<<<<<<< HEAD", id="a conflict of git"),
    pytest.param("duplicate-key", "    stream_mode: updates", "    stream_mode: updates\n    stream_mode: values", "stream_mode: values", id="a key twice"),
    pytest.param("yaml-feature", "content: hello", "content: &hello hello", "&hello", id="an anchor"),
    pytest.param("yaml-feature", "content: hello", "content: !!str hello", "!!str", id="a tag"),
    pytest.param("unknown-key", "  events:", "  evnts:", "evnts:", id="a key misspelled"),
    pytest.param("unknown-key", "  method: GET", "  metod: GET", "metod", id="a key of a request misspelled"),
    pytest.param("unknown-key", "upstream:", "upstrem:", "upstrem", id="a key of the header misspelled"),
    pytest.param("unknown-key", "    comment: heartbeat", "    coment: heartbeat", "coment", id="a key of an event misspelled"),
    pytest.param("malformed", "mockserver: 1", "mockserver: 2", "mockserver: 2", id="a newer format"),
    pytest.param("malformed", "path: /info", "path: info", "path: info", id="a path without its slash"),
    pytest.param("malformed", "  - after: 0.36", "  - after: -1", "after: -1", id="a time before"),
    pytest.param("malformed", "  - after: 0.36", "  - after: soon", "after: soon", id="no time"),
    pytest.param("malformed", "how: closed", "how: shut", "how: shut", id="no way to end"),
    pytest.param("malformed", "- body.config.configurable.user_id", "- user_id", "- user_id", id="no ignore path"),
    # what YAML takes, and means something else
    pytest.param("type-changed", "content: '42'", "content: 42", "content: 42", id="a content that lost its quotes"),
    pytest.param("type-changed", "      id: '17'", "      id: 17", "id: 17", id="an id that lost its quotes"),
    pytest.param("type-changed", "assistant_id: agent", "assistant_id: 7", "assistant_id: 7", id="an assistant that is a number"),
    pytest.param("type-changed", "content: hello", "content:", "content:", id="a content that is gone"),
    pytest.param("type-changed", "    stream_mode: updates", "    stream_mode: updates\n    stream_subgraphs: yes", "stream_subgraphs", id="a flag that is a text"),
    pytest.param("type-changed", "    content-type: application/json", "    content-type: application/json\n    x-count: 1.10", "x-count", id="a header that is a number"),
    pytest.param("type-changed", "    event: updates", "    event: true", "event: true", id="an event's name that is true"),
    pytest.param("unquoted", "content: 'no'", "content: no", "content: no", id="no"),
    pytest.param("unquoted", "content: hello", "content: 2026-11-22", "content: 2026-11-22", id="a date"),
    pytest.param("unquoted", "content: hello", "content: 12:30", "12:30", id="a time of day"),
    pytest.param("unquoted", "user_id: '8'", "user_id: 012", "user_id: 012", id="an octal number"),
    # what no client can read
    pytest.param("not-json", '"type":"ai"}]}}', '"type":"ai"}]}', "data: |-", id="an event that lost a bracket"),
    pytest.param("not-json", '"attempt":1', '"attempt":NaN', "data: |-", id="NaN"),
    pytest.param("not-json", "  body:\n    version: 0.16.7", "  text: '{\"version\"'", "text: '{", id="a body cut off"),
    pytest.param("content-type", "text/event-stream; charset=utf-8", "text/plain", "content-type: text/plain", id="a stream that says it is text"),
    pytest.param("content-location", "content-location: /runs/01a203e6-f289-748b-b15d-124a4b30ec1b", "content-location: /runs/01a203e6-f289-748b-b15d-124a4b30ec1b/stream", "content-location", id="a content-location with more behind it"),
    pytest.param("content-location", "content-location: /runs/01a203e6-f289-748b-b15d-124a4b30ec1b", "content-location: 01a203e6-f289-748b-b15d-124a4b30ec1b", "content-location", id="a content-location that is an id"),
    pytest.param("conditional", "  status: 200", "  status: 206", "status: 206", id="a part"),
    pytest.param("conditional", "  status: 200", "  status: 304", "status: 304", id="not modified"),
    pytest.param("location", "location: /runs/", "location: https://my-agent.example/runs/", "location: https", id="a location elsewhere"),
    pytest.param("header", "    content-type: application/json", "    content-type: application/json\n    content-encoding: gzip", "content-encoding", id="a body that says it is packed"),
    pytest.param("run-id", '"run_id":"01a203e6', '"run_id":"02a203e6', "data: |-", id="two runs"),
    pytest.param("not-json", "  end: {after: 0.002", "  tail: 'event: up'\n  end: {after: 0.002", "tail:", id="a stream that ends within an event"),
    pytest.param("not-json", "  body:\n    version: 0.16.7\n", "", None, id="a body that is gone"),
    # what nothing asks for
    pytest.param("never-matched", "path: /info", "path: /ok", "path: /ok", id="ok"),
    pytest.param("never-matched", "path: /info", "path: '/info#top'", "/info#top", id="a fragment"),
    pytest.param("never-matched", "path: /info", "path: /__mockserver__/health", "__mockserver__", id="a path of our own"),
    pytest.param("never-matched", "path: /info", "path: '/in fo'", "/in fo", id="white space"),
    pytest.param("useless-ignore", "- body.config.configurable.user_id", "- body.config.configurable.usr_id", "usr_id", id="an ignore that meets nothing"),
    pytest.param("useless-volatile", "- body.config.configurable.user_id", "- body.config.configurable.user_id\nvolatile: [UUID]", "volatile:", id="a pattern that matches nothing"),
    # what must not be there
    pytest.param("secret", "    stream_mode: updates", f"    api_key: {SECRET}\n    stream_mode: updates", "api_key", id="a key in a body"),
    pytest.param("secret", "https://my-agent.example", "https://ann:pw123456@my-agent.example", "upstream", id="a user in the upstream"),
    pytest.param("secret", "content: hello", f"content: hello  # {SECRET}", "# sk-", id="a key in a comment"),
    pytest.param("secret", '"Hello!"', f'"Hello {SECRET}!"', "data: |-", id="a key in an event"),
    pytest.param("secret", "path: /info", f"path: /info?api_key={SECRET}", "path: /info", id="a key in a query"),
]  # fmt: skip


@pytest.mark.parametrize("code, old, new, mark", DAMAGES)
def test_a_problem_is_one_finding_on_its_line_and_fixed_if_that_is_safe(
    code: str, old: str, new: str, mark: str | None
) -> None:
    text = edited((old, new))
    findings = found(text)
    codes = [one.code for one in findings]
    first = next(one for one in findings if one.code == code)
    fixed = fix(text)

    assert set(codes) <= {code, "useless-ignore"}
    assert len(codes) <= 2
    if mark is not None and mark.startswith("data"):
        assert text.split("\n")[first.line - 1].strip() == mark
    elif mark is not None:
        assert first.line == line_of(text, mark)
    assert first.message
    assert first.fix
    assert SECRET not in str(findings)
    assert [one.code for one in found(fixed)] == [one.code for one in findings if not one.fixable]
    assert (fixed == text) is not any(one.fixable for one in findings)


def test_all_errors_of_a_document_are_found() -> None:
    text = edited(
        ("  method: POST", "  metod: POST"),
        ("  - after: 0.912", "  - after: soon"),
        ("    comment: heartbeat", "    coment: heartbeat"),
        ("how: closed", "how: shut"),
    )

    assert [(one.code, one.line) for one in found(text)] == [
        ("unknown-key", line_of(text, "metod")),
        ("malformed", line_of(text, "after: soon")),
        ("unknown-key", line_of(text, "coment")),
        ("malformed", line_of(text, "how: shut")),
    ]


def test_a_misspelled_key_comes_with_a_suggestion() -> None:
    (finding,) = found(edited(("  events:", "  evnts:")))

    assert finding.message == "response has no key `evnts`"
    assert finding.fix == "write `events`, or delete the key"


def test_a_misspelled_key_next_to_a_list_is_found() -> None:
    text = "mockserver: 1\n---\nrequest: {path: /x, methd: POST, body: {a: [1]}}\nresponse:\n  events:\n  - {evnt: values, data: {a: [{b: 1}]}}\n"

    assert [(one.code, one.line) for one in found(text)] == [("unknown-key", 3), ("unknown-key", 6)]


def test_errors_of_all_documents_are_found() -> None:
    text = edited(("  events:", "  evnts:"), ("path: /info", "path: info"))

    assert [(one.code, one.exchange) for one in found(text)] == [
        ("unknown-key", 1),
        ("malformed", 3),
    ]


def test_bytes_that_are_not_utf8_are_found() -> None:
    raw = HEALTHY.encode().replace(b"hello", b"h\xe9llo")

    (finding,) = found(raw)
    assert (finding.code, finding.line) == ("not-utf8", line_of(HEALTHY, "hello"))


@pytest.mark.parametrize("length", [30, 100, -40, -3])
def test_a_truncated_end_is_found_and_not_fixed(length: int) -> None:
    whole = HEALTHY[: HEALTHY.rindex("---\n")]
    text = whole + GET_INFO[:length]

    (finding,) = found(text)
    assert (finding.code, finding.line, finding.fixable) == ("torn", whole.count("\n") + 1, False)
    assert fix(text) == text


def test_a_misspelled_key_in_a_truncated_exchange_is_found() -> None:
    text = edited(("  end: {after: 0, how: closed}\n", ""), text=GET_INFO.replace("body:", "bdy:"))

    assert [one.code for one in found(HEALTHY + text)] == ["torn", "unknown-key"]
    assert fix(HEALTHY + text) == HEALTHY + text


def test_a_file_without_its_first_line_is_not_a_cassette() -> None:
    (finding,) = found(HEALTHY.removeprefix("mockserver: 1\n"))

    assert (finding.code, finding.line) == ("not-a-cassette", 1)


def test_a_cassette_without_exchanges_is_empty() -> None:
    assert [one.code for one in found("mockserver: 1\n")] == ["empty"]


def test_an_empty_document_is_found_and_removed() -> None:
    text = HEALTHY.replace("---\nrequest:\n  method: GET", "---\n---\nrequest:\n  method: GET")

    (finding,) = found(text)
    assert (finding.code, finding.line) == ("empty", line_of(text, "---", 3))
    assert fix(text) == HEALTHY


RUN = "---\nrequest: {path: /runs/wait, body: {n: 1}}\nresponse: {body: {said: %s}}\n"


def test_a_repeated_exchange_is_a_duplicate() -> None:
    text = HEALTHY + WAIT

    (finding,) = found(text)
    assert (finding.code, finding.exchange, finding.fixable) == ("duplicate", 4, False)
    assert finding.line == line_of(text, "request:", 4)
    assert fix(text) == text


@pytest.mark.parametrize(("repeat", "prefix"), [("last", ""), ("cycle", "/api")])
@pytest.mark.parametrize(
    "request_line",
    [
        "method: GET, path: %s/info",
        "method: GET, path: %s/threads/t/state",
        "method: GET, path: '%s/threads/t/runs?limit=1'",
        "method: GET, path: %s/threads/t/runs/r/stream",
        "path: %s/threads/search, body: {limit: 100}",
        "path: %s/threads/t/history, body: {limit: 10}",
        "path: %s/threads/t/state/checkpoint, body: {checkpoint: {checkpoint_id: c}}",
        "path: %s/assistants/search, body: {}",
        "path: %s/assistants/a/versions, body: {}",
        "path: %s/store/items/search, body: {namespace_prefix: []}",
        "path: %s/threads/t/stream/events, body: {channels: [values]}",
    ],
)
def test_repeated_reads_are_no_duplicates(request_line: str, prefix: str, repeat: str) -> None:
    read = f"---\nrequest: {{{request_line % prefix}}}\nresponse: {{body: [%d]}}\n"
    text = f"mockserver: 1\nrepeat: {repeat}\n" + "".join(read % number for number in (1, 2, 2))

    assert found(text) == []


@pytest.mark.parametrize(
    "request_line",
    [
        "path: /threads/t/runs/stream, body: {input: {}}",
        "path: /api/threads/t/state, body: {values: {}}",
        "path: /threads, body: {thread_id: t}",
        "method: PUT, path: /store/items, body: {key: k}",
        "method: DELETE, path: /threads/t",
    ],
)
def test_repeated_writes_are_duplicates(request_line: str) -> None:
    write = f"---\nrequest: {{{request_line}}}\nresponse: {{body: {{}}}}\n"

    assert [(one.code, one.exchange) for one in found("mockserver: 1\n" + write * 2)] == [
        ("duplicate", 2)
    ]


def test_no_duplicates_are_reported_next_to_an_unreadable_document() -> None:
    text = edited(("method: GET", "mthod: GET")) + WAIT

    assert [one.code for one in found(text)] == ["unknown-key"]


@pytest.mark.parametrize(
    "header, answers, duplicates",
    [
        pytest.param("", "abb", [3], id="last: what repeats the end"),
        pytest.param("", "aab", [], id="last: what comes before the end"),
        pytest.param("", "aaa", [2, 3], id="last: all"),
        pytest.param("repeat: cycle\n", "abb", [], id="cycle: all of them are needed"),
        pytest.param("repeat: cycle\n", "aa", [2], id="cycle: all are the same"),
        pytest.param("repeat: error\n", "aa", [], id="error: each of them counts"),
    ],
)
def test_a_repeated_response_is_a_duplicate_only_if_it_is_played_again_anyway(
    header: str, answers: str, duplicates: list[int]
) -> None:
    text = f"mockserver: 1\n{header}" + "".join(RUN % answer for answer in answers)

    assert [one.exchange for one in found(text)] == duplicates


def test_exchanges_with_their_own_repeat_are_not_duplicates() -> None:
    one = RUN % "hi"
    other = one.replace("response", "repeat: error\nresponse")

    assert found(f"mockserver: 1\n{one}{other}") == []


def test_a_repeat_on_an_earlier_identical_request_has_no_effect() -> None:
    one = "---\nrequest: {method: GET, path: /x}\nrepeat: error\nresponse: {body: 1}\n"
    other = "---\nrequest: {method: GET, path: /x}\nresponse: {body: 2}\n"

    (finding,) = found(f"mockserver: 1\n{one}{other}")
    assert (finding.code, finding.line, finding.exchange) == ("useless-repeat", 4, 1)


def test_requests_that_only_ignore_makes_equal_are_shadowed() -> None:
    text = edited(("- body.config.configurable.user_id", "- body.input.messages[0].content"))
    text += edited(("---\n", ""), text=HEALTHY[HEALTHY.index("---\n") :]).replace("hello", "bye")
    text = text.replace("closed}\nrequest:", "closed}\n---\nrequest:")

    shadowed = [one for one in found(text) if one.code == "shadowed"]
    assert [(one.exchange, one.line) for one in shadowed] == [(4, line_of(text, "request:", 4))]
    assert "body.input.messages[0].content differs" in shadowed[0].message


def test_a_number_where_other_exchanges_have_text_is_found() -> None:
    ask = "---\nrequest:\n  path: /runs/wait\n  body: {assistant_id: a, input: {n: %d, user: %s}}\nresponse: {body: {}}\n"
    text = "mockserver: 1\n" + ask % (1, "'7'") + ask % (2, "'8'") + ask % (3, "9")

    (finding,) = found(text)
    assert (finding.code, finding.exchange, finding.line) == ("type-changed", 3, 15)


def test_types_in_a_rejected_request_are_not_checked() -> None:
    text = edited(("content: '42'", "content: 42"))
    at = text.index("content: 42")
    text = text[:at] + text[at:].replace("status: 200", "status: 422", 1)

    assert found(text) == []


def test_project_rules_define_secrets() -> None:
    own = parse_rules([{"field": "user_id"}, "hel+o"])

    findings = [(one.code, one.line) for one in found(HEALTHY, own)]
    assert findings == [
        ("secret", line_of(HEALTHY, "hello")),
        ("secret", line_of(HEALTHY, "user_id: '7'")),
        ("secret", line_of(HEALTHY, "user_id: '8'")),
    ]


def test_secrets_in_an_unreadable_document_are_found() -> None:
    text = edited(("content: hello", f'content: "{SECRET}'))

    assert {one.code for one in found(text)} == {"not-yaml", "secret"}
    assert next(one for one in found(text) if one.code == "secret").line == line_of(text, SECRET)


@pytest.mark.parametrize(
    "edit, said",
    [
        pytest.param(("---\nrequest:\n  method: GET", "request:\n  method: GET"), "duplicate-key", id="between exchanges"),
        pytest.param(("---\nrequest:", "request:"), "unknown-key", id="behind the header"),
    ],
)  # fmt: skip
def test_a_missing_separator_is_suggested(edit: tuple[str, str], said: str) -> None:
    first = found(edited(edit))[0]

    assert (first.code, first.fix) == (
        said,
        "add a line `---` above: another document begins here",
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("body: {input: {messages: [{role: assistant, content: null, tool_calls: []}]}}", id="a tool call without words"),
        pytest.param("body: {input: {doc: {type: 3, content: 42, role: 1}}}", id="what is no message"),
        pytest.param("body: {config: {configurable: {thread_id: 42}}, metadata: {run_id: 5}}", id="ids of somebody else"),
    ],
)  # fmt: skip
def test_a_number_is_valid_where_the_api_allows_it(text: str) -> None:
    assert (
        found(
            f"mockserver: 1\n---\nrequest:\n  path: /runs/wait\n  {text}\nresponse: {{body: {{}}}}\n"
        )
        == []
    )


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(
            "{events: [{event: end}, {event: end, data: null}]}", id="an end without data"
        ),
        pytest.param("{headers: {content-type: application/jsonl}, text: 'a'}", id="lines of JSON"),
        pytest.param("{status: 204}", id="nothing"),
    ],
)
def test_responses_that_clients_can_read_are_valid(response: str) -> None:
    assert found(f"mockserver: 1\n---\nrequest: {{path: /x}}\nresponse: {response}\n") == []


def test_the_response_to_a_cancellation_needs_no_body() -> None:
    exchange = "request: {path: /threads/1/runs/2/cancel}\nresponse: {}\n"

    assert found(f"mockserver: 1\n---\n{exchange}") == []


def test_a_conflict_of_git_is_never_fixed() -> None:
    text = edited(("    stream_mode: updates", "<<<<<<< HEAD\n    stream_mode: no\n=======\n    stream_mode: on\n>>>>>>> b"), ("content: '42'", "content: 42"))  # fmt: skip

    assert fix(text) == text


def test_ignored_codes_are_not_fixed() -> None:
    text = edited(("content: '42'", "content: 42"), ("    content-type: application/json", "    content-type: application/json\n    date: today"))  # fmt: skip
    held = parse_source("chat.yaml", text.encode())

    assert b"content: 42\n" in fix_source(held, {"type-changed"})
    assert b"date: today" not in fix_source(held, {"type-changed"})
    assert b"date: today" in fix_source(held, {"header"})
    assert fix_source(held, {"header", "type-changed"}) == held.raw


def test_a_null_document_is_found() -> None:
    assert [one.code for one in found(BARE + "--- null\n")] == ["malformed"]


@pytest.mark.parametrize("text", ["...", "---", "a\n          ... b"])
def test_document_markers_within_text_are_handled(text: str) -> None:
    assert {one.code for one in found(edited(("content: hello", f"content: {text}")))} <= {
        "unquoted"
    }


def test_a_long_word_is_searched_in_linear_time() -> None:
    found(edited(("content: hello", f"content: hello  # {'ab12' * 20_000}")))


def test_a_directive_is_not_a_document() -> None:
    text = "%YAML 1.2\n---\n" + BARE

    assert [one.code for one in found(text)] == []
    assert fix(text) == text


def test_an_invalid_value_is_not_reported_as_unquoted() -> None:
    assert [one.code for one in found(edited(("  - after: 0.36", "  - after: .nan")))] == [
        "malformed"
    ]
    assert [one.code for one in found(edited(("recorded: 2026", "recoded: 2026")))] == [
        "unknown-key"
    ]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("user_id: '7'", "user_id: '7'\n        api_key: 0123456789"), id="a number"),
        pytest.param(("upstream:", f"upstrem: {SECRET}\nupstream:"), id="an unknown key"),
        pytest.param(("status: 200", f"status: {SECRET}"), id="no status"),
        pytest.param(("content: hello", f"content: &{SECRET} hello"), id="an anchor"),
        pytest.param(("- body.config.configurable.user_id", f"- body.config.{SECRET}"), id="a path"),
        pytest.param(("content-location: /runs/", f"content-location: /{SECRET}/runs/x/"), id="a location"),
    ],
)  # fmt: skip
def test_no_finding_repeats_a_secret(edit: tuple[str, str]) -> None:
    findings = found(edited(edit))

    assert "secret" in [one.code for one in findings]
    assert not [one for one in findings if SECRET in str(one) or "0123456789" in str(one)]


def test_control_characters_are_escaped() -> None:
    (finding,) = found(edited(("    stream_mode: updates", '    "\\x1b[31m": {a: no}')))

    assert "\x1b" not in str(finding)
    assert str(finding).count("\n") == 0


@pytest.mark.parametrize("lines", [1, 63, 64, 200])
def test_comments_do_not_hide_a_document(lines: int) -> None:
    text = HEALTHY.replace("---\n", "---\n" + "# more\n" * lines)

    assert found(text) == []
    assert fix(text) == text


def test_a_document_with_only_comments_stays() -> None:
    text = (
        "# about this\n---\n"
        + HEALTHY.replace("---\n", "---\n# keep me\n---\n")
        + "---\n# the end\n"
    )

    assert found(text) == []
    formatted = format_source(parse_source("chat.yaml", text.encode())).decode()
    assert [formatted.count(one) for one in ("# about this", "# keep me", "# the end")] == [1, 3, 1]
    assert format_source(parse_source("chat.yaml", formatted.encode())).decode() == formatted
    assert found(text + GET_INFO.replace("GET", "PSOT"))[0].line == line_of(text, "# the end") + 3


@pytest.mark.parametrize("raw", [b"", b" \n", "mockserver: 1\n".encode("utf-16")])
def test_an_empty_or_utf16_file_is_found(raw: bytes) -> None:
    (finding,) = found(raw)

    assert finding.code in ("empty", "not-a-cassette")


def test_a_fix_keeps_comments_and_everything_else() -> None:
    text = edited(
        ("request:\n", "# the first one\nrequest:\n"),
        ("content: hello", "content: 12  # a number"),
        (
            "    content-type: application/json",
            "    content-type: application/json\n    date: today",
        ),
    )

    assert fix(text) == edited(
        ("request:\n", "# the first one\nrequest:\n"),
        ("content: hello", "content: '12'  # a number"),
    )


@pytest.mark.parametrize(("method", "codes"), [("HEAD", []), ("GET", ["header"])])
def test_only_a_response_to_head_has_a_content_length(method: str, codes: list[str]) -> None:
    request = f"request: {{method: {method}, path: /x}}\n"
    response = "response: {headers: {content-length: '22'}, body: 1}\n"

    assert [one.code for one in found("mockserver: 1\n---\n" + request + response)] == codes


def test_each_code_has_a_test() -> None:
    tests = re.findall(r'"([a-z0-9-]+)"', Path(__file__).read_text())

    assert set(CODES) <= set(tests)


@pytest.mark.parametrize("prefix", ["", "/api/langgraph"])
def test_the_location_of_a_run_is_checked_below_a_prefix(prefix: str) -> None:
    run = f"{prefix}/threads/t/runs/1f000000-0000-4000-8000-000000000001"
    text = CASSETTE_OF_A_RUN.format(path=f"{prefix}/threads/t/runs/wait", run=f"{run}/join")

    assert [one.code for one in found(text)] == ["content-location"]
    assert f"content-location: {run}\n" in fix(text)


CASSETTE_OF_A_RUN = """\
mockserver: 1
---
request:
  method: POST
  path: {path}
  body: {{}}
response:
  headers:
    content-location: {run}
    content-type: application/json
  body: {{}}
"""


COMMAND = """\
---
request:
  path: /threads/t/commands
  body: {id: 1, method: run.start, params: {assistant_id: agent}}
response:
  body: {type: success, id: 1, result: {}}
"""
STREAM = """\
---
request:
  path: /threads/t/stream/events
  body: {channels: [lifecycle]}
response:
  headers: {content-type: text/event-stream}
  events:
  - event: lifecycle
    data: {type: event, event_id: e1, seq: 1, method: lifecycle, params: {namespace: [], data: {event: running}}}
  end: {after: 1, how: open}
"""


def test_a_run_without_its_end_is_found() -> None:
    (finding,) = found("mockserver: 1\n" + COMMAND + STREAM)

    assert (finding.code, finding.exchange, finding.line) == ("no-end", 2, 9)
    assert finding.message == "no event stream shows the end of 1 run on /threads/t"


def test_a_run_with_its_end_is_not_reported() -> None:
    end = STREAM.replace("running", "completed").replace("e1", "e2")

    assert found("mockserver: 1\n" + COMMAND + STREAM + end) == []


def test_a_run_may_end_in_an_unreadable_document() -> None:
    broken = STREAM.replace("events:", "evnts:")

    assert "no-end" not in {one.code for one in found("mockserver: 1\n" + COMMAND + broken)}
