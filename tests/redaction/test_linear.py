"""Texts that come from anywhere are searched in a time in proportion to their length.

Each text would take minutes where a search goes over the same characters again from each of many places: the test runs into its time-out.
"""

from collections.abc import Callable, Iterator

import pytest

from mockserver.cassette.model import End, Exchange, Response, Stream, TimedEvent
from mockserver.cassette.normalize import Normalizer
from mockserver.fake.script.message_content import split_text
from mockserver.fake.script.model import Situation
from mockserver.fake.server_json import to_server_json
from mockserver.formats import sse
from mockserver.formats.json_text import dumps
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonical_form
from mockserver.matching.shape import find_shape
from mockserver.redaction.credentials import find_credentials
from mockserver.redaction.redactor import Redactor, describe, parse_rules
from mockserver.redaction.rules import RedactionRules
from mockserver.redaction.secret_names import is_secret_name
from mockserver.redaction.secret_patterns import PATTERNS
from mockserver.server import script_files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SIZE = 300_000
SECRET = "abcdefghijklmnop"
UUID = "01234567-89ab-cdef-0123-456789abcdef"


def repeated(piece: str, size: int = SIZE) -> str:
    return piece * (size // len(piece))


def growing_slashes() -> str:
    """Return fields in nested JSON, each with a backslash more than the one before, so that none of them ends."""
    slashes = ("\\" * number for number in range(1, 1000))
    return "".join(f'password{one}":{one}"x ' for one in slashes)


REPEATED = (
    *("-eyJabcdefgh", "-eyJabcdefgh.", ".eyJabcdefgh!"),
    *("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n-----END ", "-----BEGIN "),
    *("-sk-abcdefg", "bearer abcdefgh", "basic abcdefgh", "AIza", "-glpat-", "xoxb-"),
    *('"password":"\\', '"password" ', '"password": "\\"', "password=", "secret_access_key"),
    *('\\"password\\":\\"', '\\\\"password\\":\\"', 'password\\":\\"\\', "-access_token"),
    *(SECRET[:8], SECRET[:8] + "\\\\", SECRET, "\\u0041", "\\", '"', "-"),
    *("token:", "token: ", "token=", 'token:"', "password:", "cookie:", "cookie: a", "api key: "),
    *("authorization: bearer ", "form-data; name=x ", "form-data; name=password\n", "a[b", "%5B"),
    *(f"{pattern.hint} " for pattern in PATTERNS),
    *(pattern.example[: len(pattern.example) // 2] for pattern in PATTERNS),
)
TEXTS = {
    **{repr(piece): repeated(piece) for piece in REPEATED},
    "slashes": growing_slashes(),
    "one long escaped value": '"password":"' + "\\n" * (SIZE // 2),
    "one beginning": repeated(SECRET[:8]) + "\\n",
    "spaces behind a name": '"password"' + " " * SIZE,
    "spaces behind bearer": "bearer" + " " * SIZE,
    "backslashes behind a name": "password" + "\\" * SIZE,
    "letters of a key": "-----BEGIN " + "PRIVATE KEY " * (SIZE // 12),
}


@pytest.mark.parametrize("name", TEXTS)
def test_secrets_are_looked_for_in_linear_time(name: str) -> None:
    redactor = Redactor([SECRET], RedactionRules(fields=("name",)))

    assert redactor.rewrite_text(TEXTS[name]) is not None


@pytest.mark.parametrize(
    "piece", ['"name":"x', 'name\\":\\"', '"name\\":\\"', '"name" ', '\\"name\\" :']
)
def test_fields_of_a_project_are_looked_for_in_linear_time(piece: str) -> None:
    redactor = Redactor((), RedactionRules(fields=("name",)))

    assert redactor.rewrite_text(repeated(piece)) is not None


@pytest.mark.parametrize("piece", ["a=b ", "://a:b", "a", " ", "a:0123456789abcdefg "])
def test_comments_and_lines_are_looked_through_in_linear_time(piece: str) -> None:
    assert Redactor().rewrite_text(repeated(piece, SIZE // 2)) is not None


def spelled(event: str, values: Iterator[str] | list[str]) -> list[TimedEvent]:
    return [TimedEvent(0.0, sse.Event((("event", event), ("data", one)))) for one in values]


def redacted(events: list[TimedEvent], *rules: str) -> Exchange:
    headers = (("content-type", "text/event-stream"),)
    response = Response(200, None, headers, Stream(tuple(events)), End(0.0))
    exchange = Exchange(Request("POST", "/x"), response)
    return Redactor([SECRET], parse_rules(rules)).rewrite_exchange(exchange)


def test_many_secrets_that_are_spread_over_many_events_are_replaced() -> None:
    events = spelled("a", [dumps({"content": one}) for one in ("<a", "b>") * 3_000])

    assert redacted(events, "<ab>").redacted == 3_000


def test_many_secrets_that_two_events_share_are_replaced() -> None:
    events = spelled("a", [dumps([one] * 8_000) for one in ("<a", "b>")])

    assert redacted(events, "<ab>").redacted == 8_000


def test_a_text_that_grows_with_each_event_is_looked_at_once_more_only() -> None:
    text = "so far: " + "".join(f"word{number} " for number in range(1000))
    events = spelled("messages/partial", [dumps(text[:end]) for end in range(0, len(text), 10)])

    assert redacted(events).redacted == 0


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda n: f'{{"a":"x","k{n}":"a{n}"}}', id="other keys"),
        pytest.param(lambda n: f'{{"a":"x","k{n // 2}":"a{n}"}}', id="keys that come twice"),
        pytest.param(lambda n: f'{{"id":"{n % 7}","content":"t{n}"}}', id="by turns"),
        pytest.param(lambda n: f'["{n}",' + '"a",' * (n % 5) + '"b"]', id="of several lengths"),
    ],
)
def test_a_stream_is_looked_at_in_linear_time(value: Callable[[int], str]) -> None:
    assert redacted(spelled("messages", map(value, range(8_000)))).redacted == 0


def test_numbers_are_spelled_in_linear_time() -> None:
    numbers = [int("1" * 4000)] * (SIZE // 4000)

    assert to_server_json([*numbers, 1e-7]).endswith(",1e-7]")


def test_a_query_is_read_in_linear_time() -> None:
    pairs = "&".join(f"a{number}=1" for number in range(40_000))

    assert len(canonical_form("GET", f"/x?{pairs}", {})["query"]) == 40_000


PATHS = ("-api-key", "a-", "/threads/x")


@pytest.mark.parametrize("piece", PATHS)
def test_names_and_paths_are_looked_at_in_linear_time(piece: str) -> None:
    name = repeated(piece, SIZE // 2)

    assert is_secret_name(name) in (True, False)
    assert find_credentials(((name, "x"),), f"/?{name}=abcdef") is not None
    assert describe(Request("GET", name))


@pytest.mark.parametrize("piece", [UUID[:-1], "2026-01-01T00:00:00.", "call_a", "1"])
def test_ids_and_times_are_looked_for_in_linear_time(piece: str) -> None:
    assert Normalizer().normalize_text(repeated(piece))
    form = canonical_form("POST", f"/threads/{UUID}/state", {"body": {"as_node": repeated(piece)}})
    assert find_shape(form) is not None


WORDS = ("!", "? ", "my name is X ", "use tools ", " ")


@pytest.mark.parametrize("piece", WORDS)
def test_the_built_in_script_answers_a_long_message(piece: str) -> None:
    text = repeated(piece, SIZE // 5) + "x"

    assert script_files.load_builtin().find_steps(Situation("agent", text, 1)) is not None
    assert "".join(split_text(text)) == text
