"""The keys of requests, and the cache of them."""

from pathlib import Path

import pytest

from mockserver.cassette.model import Policy
from mockserver.http.messages import CASSETTE_HEADER, Headers, Request
from mockserver.redaction.redactor import RedactionRules
from mockserver.server.responders.exchange_replay import Cache, ExchangeReplay
from mockserver.store.library import Library
from tests.replaying import cassette

BODY = b'{"assistant_id":"agent","input":{"messages":[{"role":"human","content":"hi"}]}}'


def request(headers: Headers = (), body: bytes = BODY) -> Request:
    return Request("POST", "/runs/wait", headers, body)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "chat.yaml").write_text(cassette(("hi", "hello")))
    return Library([tmp_path], Policy(), lambda line: None)


def test_other_headers_do_not_count(library: Library) -> None:
    replay = ExchangeReplay(library, RedactionRules(), Cache(1 << 20))
    keys = replay.keys_for(request((("x-request-id", "1"),)))

    assert keys.found is not None
    assert replay.keys_for(request((("x-request-id", "2"),))) is keys


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(request(body=BODY.replace(b"hi", b"hi!")), id="body"),
        pytest.param(request(((CASSETTE_HEADER, "chat"),)), id="cassette"),
        pytest.param(Request("PUT", "/runs/wait", (), BODY), id="method"),
        pytest.param(Request("POST", "/runs/stream", (), BODY), id="target"),
    ],
)
def test_each_part_of_a_request_that_matters_has_its_own_keys(
    library: Library, variant: Request
) -> None:
    replay = ExchangeReplay(library, RedactionRules(), Cache(1 << 20))

    assert replay.keys_for(variant) is not replay.keys_for(request())


def test_credentials_count_if_only_the_redacted_request_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "chat.yaml").write_text(cassette(("my key is REDACTED", "hello")))
    replay = ExchangeReplay(
        Library([tmp_path], Policy(), lambda line: None), RedactionRules(), Cache(1 << 20)
    )
    body = BODY.replace(b"hi", b"my key is plover-7301")

    assert replay.keys_for(request((("x-api-key", "plover-7301"),), body)).found is not None
    assert replay.keys_for(request((("x-api-key", "plover-7302"),), body)).found is None


def test_a_request_that_is_recorded_with_its_secrets_precedes_a_redacted_one(
    tmp_path: Path,
) -> None:
    recorded = cassette(("my key is REDACTED", "first"), ("my key is plover-7301", "second"))
    (tmp_path / "chat.yaml").write_text(recorded)
    replay = ExchangeReplay(
        Library([tmp_path], Policy(), lambda line: None), RedactionRules(), Cache(1 << 20)
    )
    body = BODY.replace(b"hi", b"my key is plover-7301")
    found = replay.keys_for(request((("x-api-key", "plover-7301"),), body)).found

    assert found is not None
    assert [entry.number for entry in found.entries] == [2]


async def test_the_cache_is_cleared_when_the_library_changes(
    library: Library, tmp_path: Path
) -> None:
    replay = ExchangeReplay(library, RedactionRules(), Cache(1 << 20))
    assert replay.keys_for(request()).found is not None
    (tmp_path / "chat.yaml").unlink()

    assert await library.reload_if_changed()
    assert replay.keys_for(request()).found is None
