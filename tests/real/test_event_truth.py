"""Event streams of the fake graph beside those of the real server: the same commands, event by event."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from tests.real import twins
from tests.real.event_streams import SCENARIOS, Fake, Player, Real, Scenario, turn
from tests.real.test_fake_truth import ERRORS, RULES
from tests.real.wire import Ask

LANES = 10
"""How many scenarios the real server plays at a time."""

ASKING = ("interrupt", "approve", "ask first", "ask within")
OF_PROVIDERS = ("provider blocks",)
"""Rules with blocks in the form of one provider: the server knows it by the name of the model's class."""

TURNS = {text: turn(text) for text in RULES if text not in (*ASKING, *OF_PROVIDERS)}
FAILURES = {f"fail with {kind}": turn(f"fail with {kind}") for kind in ERRORS}
ALL: dict[str, Scenario] = {**TURNS, **FAILURES, **SCENARIOS}

_REFUSAL = re.compile(
    r'("error":"(?:unknown_error","message":"\d{3}: |invalid_argument","message":"))(?:[^"\\]|\\.)*'
)
"""The words in which a run or an argument is refused, after the status: the fake graph has words of its own."""
_SOURCE_ID = re.compile(r"1\d{12}-\d+(?:\.\d+)?|(?<=registered graphs: )[\w, ]+")
"""The ids of source events, and the graphs that an error lists."""

_ANY = Ask("POST", "")


def without_error(envelope: Any) -> Any:
    """Return an *envelope* of a replay without the error of the run, which only the fake graph shows there."""
    params = envelope["params"]
    if params["namespace"] or envelope["method"] != "lifecycle" or "error" not in params["data"]:
        return envelope
    ended = {name: part for name, part in params["data"].items() if name != "error"}
    return {**envelope, "params": {**params, "data": ended}}


def played(player: Player, scenario: Scenario) -> list[Any]:
    """Return all that the *player* shows in the *scenario*."""
    shown: list[Any] = []
    replay, player_replay = [], player.replay

    def kept(**selected: Any) -> list[Any]:
        replay.append([without_error(one) for one in player_replay(**selected)])
        return replay[-1]

    player.replay = kept  # type: ignore[method-assign]
    with closing(player):
        scenario(player)
        shown += player.replies
        for envelopes in (player.events(0), *replay):
            shown += envelopes
    return shown


def stable(shown: list[Any]) -> list[str]:
    """Return what a player shows with placeholders for ids and times, and for the words of refused runs."""
    names = twins.Stable()
    texts = (json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in shown)
    return [
        names.json(_REFUSAL.sub(r"\1<words>", _SOURCE_ID.sub("<id>", text)), _ANY) for text in texts
    ]


@pytest.fixture(scope="module")
def real(agent_server: str) -> Iterator[dict[str, Future[list[Any]]]]:
    """What the real server shows in each scenario."""
    with ThreadPoolExecutor(LANES) as pool:
        yield {
            name: pool.submit(lambda scenario: played(Real(agent_server), scenario), scenario)
            for name, scenario in ALL.items()
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", ALL)
def test_the_events_are_those_of_the_real_server(
    name: str, real: dict[str, Future[list[Any]]]
) -> None:
    fake, wanted = stable(played(Fake(), ALL[name])), stable(real[name].result())

    assert fake == wanted


def test_the_headers_are_those_of_the_real_server(agent_server: str) -> None:
    names = ("content-type", "cache-control", "x-accel-buffering")
    with closing(Real(agent_server)) as player:
        fake, real = dict(Fake().headers), dict(player.headers)

    assert [fake[name] for name in names] == [real[name] for name in names]
