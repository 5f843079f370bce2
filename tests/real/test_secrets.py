"""Keys that a client sends to the real server, and that the server repeats in what it answers."""

from dataclasses import dataclass

import pytest

from tests.processes import running
from tests.real.scenarios import said
from tests.real.scenarios import stream as streamed
from tests.real.scenarios import wait as waited
from tests.real.wire import JSON, Ask, Seen, send_all

MINE = "planted-7c1e93ab55d0"
YOURS = "another-04fe118c2b6d"
MODES = ("values", "updates", "messages-tuple", "messages", "events", "debug")


def asks(key: str) -> dict[str, tuple[Ask, ...]]:
    """Return requests that say the *key* in their texts."""
    prompt = said(f"Remember {key} for me, {key}!")
    return {
        **{mode: streamed("agent", prompt, mode) for mode in MODES},
        "subgraphs": streamed("nested", prompt, "updates", "custom", stream_subgraphs=True),
        "wait": waited("agent", prompt),
        "run": (Ask("POST", "/runs", {"assistant_id": "agent", "input": prompt}),),
    }


@dataclass(frozen=True, slots=True)
class Planted:
    """The text of a cassette recorded with one key, what its client saw, and what a client with another key is replayed."""

    text: str
    recorded: dict[str, tuple[Seen, ...]]
    replayed: dict[str, tuple[Seen, ...]]
    errors: str


@pytest.fixture(scope="module")
def planted(agent_server: str, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp("planted")
    cassette = folder / "keys.yaml"
    with running("record", cassette, "--upstream", agent_server, folder=folder) as recorder:
        recorded = send_all(recorder.url, asks(MINE), {**JSON, "x-api-key": MINE})
        recorder.stop()
    with running("replay", cassette, "--speed", "instant", folder=folder) as player:
        replayed = send_all(player.url, asks(YOURS), {**JSON, "x-api-key": YOURS})
    return Planted(cassette.read_text("utf-8"), recorded, replayed, recorder.errors)


@pytest.mark.parametrize("name", asks(MINE))
def test_the_client_gets_the_answer_with_its_key(name: str, planted: Planted) -> None:
    """While recording nothing is changed; and without a key in it there would be nothing to redact."""
    (seen,) = planted.recorded[name]

    assert MINE.encode() in seen.raw


def test_the_key_is_nowhere_in_the_cassette(planted: Planted) -> None:
    assert MINE not in planted.text
    assert "7c1e93ab" not in planted.text


@pytest.mark.parametrize("name", asks(MINE))
def test_nothing_but_the_key_is_changed_for_a_client_with_another_key(
    name: str, planted: Planted
) -> None:
    (then,), (now,) = planted.recorded[name], planted.replayed[name]

    assert now.raw == then.raw.replace(MINE.encode(), b"REDACTED")


def test_the_recorder_says_what_it_redacted(planted: Planted) -> None:
    assert "recorded 9 exchanges" in planted.errors
    assert "\nredacted " in planted.errors
