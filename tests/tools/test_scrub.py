"""Find secrets in every part of a cassette, and redact them."""

import base64

import pytest

from mockserver.redaction.redactor import RedactionRules, parse_rules
from mockserver.tools.cassette_source import parse_source
from mockserver.tools.rewrite_values import create_redactor, find_secrets, rewrite_values
from tests.tools.cassettes import HEALTHY, edited, line_of

KEY = "sk-proj-abcdefgh12345678"
BINARY = base64.b64encode(bytes([0x80]) + KEY.encode()).decode()
OTHER = "lsv2_pt_0123456789abcdef_0123456789"

SECRETS = [
    pytest.param("upstream", ("https://my-agent.example", f"https://ann:{KEY}@my-agent.example"), id="the user of the upstream"),
    pytest.param("upstream", ("https://my-agent.example", f"https://my-agent.example?key={KEY}"), id="the query of the upstream"),
    pytest.param("server.api_key", ("langgraph_py_version: 1.2.22", f"api_key: {KEY}"), id="what the server tells"),
    pytest.param("request.path", ("path: /info", f"path: /info?token={KEY}"), id="a query"),
    pytest.param("request.path", ("path: /info", f"path: /store/{KEY}"), id="a path"),
    pytest.param("request.headers.authorization", ("  path: /info", f"  path: /info\n  headers:\n    authorization: Bearer {KEY}"), id="a header of a request"),
    pytest.param("request.headers.x-api-key", ("  path: /info", "  path: /info\n  headers:\n    x-api-key: hunter2hunter2"), id="a header by its name"),
    pytest.param("request.body.input.messages[0].content", ("content: hello", f"content: my key is {KEY}"), id="a message"),
    pytest.param("request.body.config.configurable.openai_api_key", ("user_id: '7'", "user_id: '7'\n        openai_api_key: hunter2hunter2"), id="a field by its name"),
    pytest.param("request.body.config.configurable.password", ("user_id: '7'", "user_id: '7'\n        password: >-\n          hunter2\n          hunter2"), id="a folded scalar"),
    pytest.param("request.body.input.messages[0].content", ("content: hello", 'content: "sk-proj\\x2dabcdefgh12345678"'), id="an escaped scalar"),
    pytest.param("request.text", ("  path: /info", f"  path: /info\n  text: 'key={KEY}'"), id="a text body"),
    pytest.param("request.base64", ("  path: /info", f"  path: /info\n  base64: {BINARY}"), id="a binary body"),
    pytest.param("response.reason", ("response:\n  status: 200", f"response:\n  status: 200\n  reason: {KEY}"), id="a reason"),
    pytest.param("response.headers.x-trace", ("    content-type: application/json", f"    content-type: application/json\n    x-trace: {KEY}"), id="a header of an answer"),
    pytest.param("response.headers.set-cookie", ("    content-type: application/json", "    content-type: application/json\n    set-cookie: session=abc; Path=/"), id="a cookie"),
    pytest.param("response.body.messages[0].content", ("    messages:\n    - content: '42'", f"    messages:\n    - content: {KEY}"), id="an answer"),
    pytest.param("response.events[0].data", ('"attempt":1', f'"attempt":1,"key":"{KEY}"'), id="the data of an event"),
    pytest.param("response.events[0].data", ('"attempt":1', '"attempt":1,"kwargs":{"authorization":"hunter2hunter2"}'), id="a field of an event by its name"),
    pytest.param("response.events[1].comment", ("comment: heartbeat", f"comment: {KEY}"), id="a comment on the wire"),
    pytest.param("response.events[2].id", ("    event: updates", f"    id: {KEY}\n    event: updates"), id="the id of an event"),
    pytest.param("response.events[1].raw", ("comment: heartbeat", f'raw: "data:{KEY}\\r\\n\\r\\n"'), id="a raw event"),
    pytest.param("response.tail", ("  end: {after: 0.002", f"  tail: 'data: {KEY}'\n  end: {{after: 0.002"), id="a tail"),
    pytest.param("a comment", ("content: hello", f"content: hello  # {KEY}"), id="a comment in the file"),
    pytest.param("a comment", ("mockserver: 1", "# api_key: hunter2hunter2\nmockserver: 1"), id="a setting in a comment"),
    pytest.param("recorded", ("recorded: 2026-11-22T15:36:36Z", f"recorded: {KEY}"), id="a date"),
    pytest.param("server.nested.api_key", ("langgraph_py_version: 1.2.22", f"nested: {{api_key: {KEY}}}"), id="what the server tells below"),
    pytest.param("request.body.input.messages[0].content", ("content: hello", "content: see postgres://ann:hunter2@db.example/x"), id="a password in an address"),
    pytest.param("request.text", ("  path: /info", """  path: /info\n  text: '{"api_key":"hunter2abc","api_key":"REDACTED"}'"""), id="a key that stands there twice"),
    pytest.param("a comment", ("content: hello", "content: hello  # TODO password: hunter2"), id="a setting behind words in a comment"),
    pytest.param("ignore[0]", ("- body.config.configurable.user_id", f"- body.config.{KEY}"), id="an ignored path"),
    pytest.param("volatile[0]", ("- body.config.configurable.user_id", f"- body.config\nvolatile: ['id {KEY}']"), id="a pattern"),
]  # fmt: skip


def locate_secrets(text: str, own: RedactionRules | None = None) -> list[tuple[int, str]]:
    source = parse_source("chat.yaml", text.encode())
    return [
        (one.line, one.where)
        for part in source.parts
        for one in find_secrets(part, own or RedactionRules())
    ]


def scrub(text: str, own: RedactionRules | None = None) -> str:
    source = parse_source("chat.yaml", text.encode())
    return b"".join(
        rewrite_values(part, create_redactor(part, own or RedactionRules()))
        for part in source.parts
    ).decode()


@pytest.mark.parametrize("where, edit", SECRETS)
def test_a_secret_is_found_with_its_path_and_line(where: str, edit: tuple[str, str]) -> None:
    text = edited(edit)
    changed = [
        number for number, line in enumerate(text.split("\n"), 1) if line not in HEALTHY.split("\n")
    ]

    ((line, found),) = locate_secrets(text)
    assert found == where
    assert min(changed) - 1 <= line <= max(changed)


@pytest.mark.parametrize("where, edit", SECRETS)
def test_scrub_redacts_a_secret_and_changes_nothing_else(where: str, edit: tuple[str, str]) -> None:
    text = edited(edit)
    now = scrub(text)

    assert locate_secrets(now) == []
    assert KEY not in now
    assert "hunter2" not in now
    assert scrub(now) == now
    documents, others = text.split("---\n"), now.split("---\n")
    assert sum(one != other for one, other in zip(documents, others, strict=True)) == 1


def test_a_cassette_without_secrets_is_unchanged() -> None:
    assert locate_secrets(HEALTHY) == []
    assert scrub(HEALTHY) == HEALTHY


def test_redacted_values_are_counted_in_the_exchange() -> None:
    now = scrub(edited(("content: hello", f"content: {KEY} and {OTHER}")))

    assert "        content: REDACTED and REDACTED\n" in now
    assert "redacted: 2\nresponse:" in now


def test_a_secret_split_over_events_is_found_in_each_event() -> None:
    events = "".join(
        f'  - event: messages\n    data: |-\n      [{{"content":"{KEY[at : at + 8]}"}},{{}}]\n'
        for at in range(0, len(KEY), 8)
    )
    text = edited(("  events:\n", f"  events:\n{events}"))

    assert [where for _, where in locate_secrets(text)] == [
        f"response.events[{number}].data" for number in range(3)
    ]
    assert '[{"content":"REDACTED"},{}]' in scrub(text)


def test_project_rules_are_added_to_the_general_rules() -> None:
    own = parse_rules([{"field": "user_id"}, "hel+o"])

    assert locate_secrets(HEALTHY, own) == [
        (line_of(HEALTHY, "content: hello"), "request.body.input.messages[0].content"),
        (line_of(HEALTHY, "user_id: '7'"), "request.body.config.configurable.user_id"),
        (line_of(HEALTHY, "user_id: '8'"), "request.body.config.configurable.user_id"),
    ]
    assert "content: REDACTED" in scrub(HEALTHY, own)


def test_secrets_in_an_unreadable_document_are_found_but_not_redacted() -> None:
    text = edited(("  events:", "  evnts:"), ("content: hello", f"content: {KEY}"))

    assert locate_secrets(text) == [(line_of(text, KEY), "a document that cannot be read")]
    assert scrub(text) == text


def test_a_credential_of_the_request_is_found_in_the_response() -> None:
    text = edited(
        ("  path: /info", "  path: /info\n  headers:\n    x-api-key: correct-horse-battery"),
        ("    version: 0.16.7", "    version: 0.16.7\n    echo: correct-horse-battery"),
    )

    assert [where for _, where in locate_secrets(text)] == [
        "request.headers.x-api-key",
        "response.body.echo",
    ]
    assert "correct" not in scrub(text)


@pytest.mark.parametrize(
    "comment",
    [
        "password: none needed",
        "Secret: this cassette needs no key",
        "authorization: see README",
        "password: REDACTED, see wiki",
    ],
)
def test_a_comment_about_secrets_is_unchanged(comment: str) -> None:
    text = edited(("content: hello", f"content: hello  # {comment}"))

    assert locate_secrets(text) == []
    assert scrub(text) == text


def test_only_the_secret_is_redacted_in_a_comment() -> None:
    text = edited(("content: hello", "content: hello  # password: abc123, as ann says"))

    assert "content: hello  # password: REDACTED, as ann says\n" in scrub(text)


def test_a_redacted_value_is_not_a_secret() -> None:
    text = edited(
        ("content: hello", 'content: \'at x?password=REDACTED) {"api_key": "REDACTED..."}\'')
    )

    assert locate_secrets(text) == []


def test_line_endings_stay() -> None:
    now = scrub(edited(("content: hello", f"content: {KEY}")).replace("\n", "\r\n"))

    assert now.count("\n") == now.count("\r\n")


def test_a_number_that_the_server_tells_may_be_a_secret_of_the_project() -> None:
    text = edited(
        ("server: {version: 0.16.7, langgraph_py_version: 1.2.22}", "server: {port: 2024}")
    )
    own = parse_rules([r"\b2024\b"])

    assert [where for _, where in locate_secrets(text, own)] == ["server.port"]
    assert "server: {port: REDACTED}\n" in scrub(text, own)


def test_keys_and_names_of_events_are_unchanged() -> None:
    text = edited(
        ("event: updates", f"event: {KEY}"), ("    stream_mode: updates", f"    {KEY}: 1")
    )

    assert locate_secrets(text) == []
    assert scrub(text) == text
