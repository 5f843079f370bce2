"""A file cut at any byte loads to a prefix of its exchanges, each whole, or is refused."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.cassette.model import (
    Body,
    End,
    Ending,
    Exchange,
    Header,
    Policy,
    Repeat,
    Response,
    Stream,
    TimedEvent,
)
from mockserver.cassette.yaml_codec import dump_exchange, dump_header
from mockserver.errors import ReadError
from mockserver.formats.sse import Event
from mockserver.http.messages import Request
from mockserver.store.cassette_file import CassetteFile

EXCHANGES = (
    Exchange(
        Request("POST", "/runs/stream", (), b'{"assistant_id":"agent"}'),
        Response(
            200,
            None,
            (("content-type", "text/event-stream"),),
            Stream((TimedEvent(0.5, Event((("event", "values"), ("data", "a\n---\nb 😀")))),)),
            End(0.002),
        ),
    ),
    Exchange(Request("GET", "/info"), Response(200, None, (), Body(b'{"version":"1"}'), End())),
    Exchange(
        Request("POST", "/x", (), b"a\n--\n"),
        Response(404, None, (), Body(b"--"), End(0.1, Ending.CUT)),
    ),
)
RECORDED = dump_header(Header("http://127.0.0.1:1", "2026-11-22T15:36:36Z"))
WHOLE = (RECORDED + "".join(map(dump_exchange, EXCHANGES))).encode()
FIRST_END = len(RECORDED) + len(dump_exchange(EXCHANGES[0]).encode())


def load(folder: Path, raw: bytes, hold: int = 1 << 20) -> CassetteFile:
    path = folder / "a.yaml"
    path.write_bytes(raw)
    return CassetteFile(path, "a.yaml", Policy(), hold)


def exchanges(snapshot: CassetteFile) -> list[Exchange]:
    return [snapshot.load_exchange(entry) for entry in snapshot.cassette.entries]


@pytest.mark.parametrize(
    "hold", [pytest.param(0, id="from the disk"), pytest.param(1 << 20, id="from memory")]
)
def test_a_file_cut_at_any_byte_loads_to_a_prefix(tmp_path: Path, hold: int) -> None:
    """A whole exchange is never lost."""
    for end in range(len(WHOLE) + 1):
        try:
            snapshot = load(tmp_path, WHOLE[:end], hold)
        except ReadError:
            assert end < len(RECORDED)
            continue
        loaded = exchanges(snapshot)
        snapshot.close()

        assert tuple(loaded) == EXCHANGES[: len(loaded)]
        assert loaded or end < FIRST_END - 1


def test_an_incomplete_exchange_is_reported(tmp_path: Path) -> None:
    snapshot = load(tmp_path, WHOLE[:-10])

    assert snapshot.notes == [
        "a.yaml, line 32: the last exchange is incomplete (a recording was killed), skipped"
    ]
    assert snapshot.end == WHOLE.rindex(b"---\nrequest:")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"status: 200", b"status: abc", id="a value"),
        pytest.param(b"response:", b"responce:", id="a key"),
        pytest.param(b"request:", b"foo: 1\n#", id="no exchange at all"),
    ],
)
def test_an_exchange_broken_by_hand_is_not_incomplete(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    """It would be cut off when the recording goes on."""
    start, found, rest = WHOLE.rpartition(before)
    text = start + found.replace(before, after) + rest
    try:
        snapshot = load(tmp_path, text)
    except ReadError as error:
        assert str(error).startswith("a.yaml, line 3")
    else:
        assert snapshot.notes == []
        assert len(snapshot.cassette.entries) == len(EXCHANGES)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("", "a.yaml: the file is empty: record it again, or delete it", id="empty"),
        pytest.param(
            "a: 1\n",
            "a.yaml: not a cassette: it must begin with `mockserver: 1`",
            id="another YAML file",
        ),
        pytest.param(
            "mockserver: 1\n---\nrequest: {}\n",
            "a.yaml, line 3: an exchange needs a `response`",
            id="half",
        ),
        pytest.param(
            "mockserver: 1\n---\nrequest:\n  path: /x\n  bdy: 1\nresponse:\n  body: 1\n",
            "a.yaml, line 5: request has no key `bdy`: did you mean `body`?",
            id="unknown key",
        ),
        pytest.param(
            "mockserver: 1\nignore: [messages]\n",
            "a.yaml, line 2: ignore: 'messages' must begin with one of body, text, query, path, method",
            id="no path",
        ),
        pytest.param(
            "mockserver: 1\nvolatile:\n- uuid\n- s-(\n",
            "a.yaml, line 4: volatile: 's-(' is not a regular expression: missing ), unterminated subpattern at position 2 (nor one of the names uuid, iso-datetime, epoch)",
            id="no pattern",
        ),
        pytest.param(
            "mockserver: [\n",
            "a.yaml, line 2: not YAML: did not find expected node content",
            id="no YAML",
        ),
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        load(tmp_path, text.encode())

    assert str(caught.value) == complaint


def test_a_file_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as caught:
        load(tmp_path, b"mockserver: 1\n---\nrequest:\n  path: /\xff\nresponse: {}\n")

    assert str(caught.value) == "a.yaml, line 4: not UTF-8: save the file as UTF-8"


HAND = """\
# A cassette by hand.
---
mockserver: 1
---
# greets
response: {body: {a: 1}}
request: {path: /one}
---
{"request": {"path": "/two"}, "response": {"text": "2"}}
---
request:
  path: /three
response:
  body: 3
repeat: error
...
---
"""


@pytest.mark.parametrize(
    "raw", [HAND.encode(), b"\xef\xbb\xbf" + HAND.encode(), HAND.replace("\n", "\r\n").encode()]
)
def test_any_legal_layout_loads(tmp_path: Path, raw: bytes) -> None:
    snapshot = load(tmp_path, raw)

    assert [(e.number, e.route[1], e.repeat) for e in snapshot.cassette.entries] == [
        (1, "/one", Repeat.LAST),
        (2, "/two", Repeat.LAST),
        (3, "/three", Repeat.ERROR),
    ]
    assert [exchange.response.content for exchange in exchanges(snapshot)] == [
        Body(b'{"a":1}'),
        Body(b"2"),
        Body(b"3"),
    ]


def test_a_response_is_read_when_it_is_played(tmp_path: Path) -> None:
    text = "mockserver: 1\n---\nrequest:\n  path: /x\nresponse:\n  status: many\n"
    snapshot = load(tmp_path, text.encode())

    with pytest.raises(ReadError) as caught:
        exchanges(snapshot)

    assert str(caught.value) == 'a.yaml, line 6: status must be a whole number, not "many"'


def test_an_edit_in_place_gives_no_bytes_from_wrong_offsets(tmp_path: Path) -> None:
    snapshot = load(tmp_path, WHOLE, hold=0)
    moved = WHOLE.replace(b"/runs/stream", b"/runs/another/stream")
    (tmp_path / "a.yaml").write_bytes(moved)

    for entry in snapshot.cassette.entries:
        with pytest.raises(ReadError):
            snapshot.load_exchange(entry)


def test_a_file_held_in_memory_outlives_an_edit_in_place(tmp_path: Path) -> None:
    snapshot = load(tmp_path, WHOLE)
    (tmp_path / "a.yaml").write_bytes(b"")

    assert exchanges(snapshot) == list(EXCHANGES)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.integers(0, len(WHOLE)))
def test_no_file_is_a_traceback(tmp_path: Path, noise: bytes, at: int) -> None:
    try:
        snapshot = load(tmp_path, WHOLE[:at] + noise + WHOLE[at:])
    except ReadError:
        return
    for entry in snapshot.cassette.entries:
        try:
            snapshot.load_exchange(entry)
        except ReadError as error:
            assert error.file == "a.yaml"


def test_a_request_has_the_same_key_in_every_layout(tmp_path: Path) -> None:
    """Empty lists and objects are defaults, whichever reader has read them."""
    body = b'{"assistant_id":"agent","config":{},"metadata":{},"interrupt_before":[]}'
    recorded = dump_exchange(Exchange(Request("POST", "/runs/wait", (), body), Response()))
    commented = recorded.replace("  path:", "  # by hand\n  path:")
    bare = dump_exchange(
        Exchange(Request("POST", "/runs/wait", (), b'{"assistant_id":"agent"}'), Response())
    )

    loaded = load(tmp_path, (RECORDED + recorded + commented + bare).encode())

    assert len({entry.key for entry in loaded.cassette.entries}) == 1
