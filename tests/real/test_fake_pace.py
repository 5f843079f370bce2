"""How fast the fake graph answers: pauses, and what keeps the connection alive in them, as the real server does."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.agentserver import GRAPHS
from tests.processes import running
from tests.real import twins
from tests.real.scenarios import said
from tests.real.wire import Ask, Seen, send_all

HEARTBEAT = b": heartbeat\r\n\r\n"
BODY = {"assistant_id": "scripted", "input": said("silence"), "stream_mode": "values"}
STREAM, WAIT = Ask("POST", "/runs/stream", BODY), Ask("POST", "/runs/wait", BODY)
NOW_AND_THEN = Ask(
    "POST",
    "/runs/stream",
    {"assistant_id": "scripted", "input": said("now and then"), "stream_mode": "custom"},
)
LONGER = """\
rules:
- steps:
  - pause: 24
  - say: That was long.
"""
"""At four times the pace, its pause lasts as long as the one of the rule `silence`."""

STEADY = ("real", "recorded")
"""The servers that also get the run with an event now and then: at another speed its pauses differ."""

SPEEDS = ("recorded", "instant", "4", "4 of longer")


@pytest.fixture(scope="module")
def answers(
    agent_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[list[Seen]]]]:
    """What all answer to a stream and a wait with a silence, and some to one more, all at the same time."""
    folder = tmp_path_factory.mktemp("pace")
    script = GRAPHS / "script.yaml"
    (longer := folder / "longer.yaml").write_text(LONGER)
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        answers = {"real": pool.submit(all_of, agent_server, "real")}
        for speed in SPEEDS:
            own = longer if speed.endswith("longer") else script
            options = ("--script", own, "--speed", speed.partition(" ")[0])
            server = stack.enter_context(running("serve", *options, folder=folder))
            answers[speed] = pool.submit(all_of, server.url, speed)
        yield answers


def all_of(url: str, name: str) -> list[Seen]:
    """Return what the server at *url* says to the stream, the wait, and the events now and then."""
    asks = (STREAM, WAIT, NOW_AND_THEN) if name in STEADY else (STREAM, WAIT)
    answers = send_all(url, {str(number): (ask,) for number, ask in enumerate(asks)})
    return [seen for (seen,) in answers.values()]


def quiet(seen: Seen, keepalive: bytes) -> tuple[bytes, bytes]:
    """Return what came before the first *keepalive* and after the last; there may be more than one under load."""
    before, mark, rest = seen.raw.partition(keepalive)
    assert mark
    return before, rest.rpartition(keepalive)[2]


@pytest.mark.parametrize("name", ["recorded", "real", "4 of longer"])
class TestAnyServer:
    """In a pause of six seconds each of them says once that it is there."""

    def test_a_heartbeat_is_between_the_events(
        self, name: str, answers: dict[str, Future[list[Seen]]]
    ) -> None:
        seen, *_ = answers[name].result()
        before, after = quiet(seen, HEARTBEAT)

        assert before.count(b"\r\n\r\n") == 2
        assert before.startswith(b"event: metadata\r\n")
        assert b"\r\n\r\nevent: values\r\n" in before
        assert after.startswith(b"event: values\r\n")
        assert after.count(b"\r\n\r\n") == 1

    def test_a_newline_is_before_the_outcome(
        self, name: str, answers: dict[str, Future[list[Seen]]]
    ) -> None:
        _, seen, *_ = answers[name].result()

        assert seen.raw.startswith(b'\n{"messages":[') or name == "real"
        assert seen.raw.lstrip(b"\n").startswith(b'{"messages":[')
        assert seen.chunks[0][1] == b"\n"


def test_the_fake_says_what_the_real_server_says(answers: dict[str, Future[list[Seen]]]) -> None:
    for ask, fake, real in zip(
        (STREAM, WAIT, NOW_AND_THEN),
        answers["recorded"].result(),
        answers["real"].result(),
        strict=True,
    ):
        alone = twins.normalize(ask, twins.fake(ask))
        assert twins.normalize(ask, real).body == alone.body
        assert twins.normalize(ask, fake).body == alone.body


def test_the_heartbeat_is_one_and_alone(answers: dict[str, Future[list[Seen]]]) -> None:
    """In pieces as they came: the pause is there, and nothing else is held back with the heartbeat."""
    seen, waited, _ = answers["recorded"].result()

    assert [chunk for _, chunk in seen.chunks].count(HEARTBEAT) == 1
    assert seen.raw.count(HEARTBEAT) == 1
    assert waited.chunks[0][1] == b"\n"
    assert waited.raw.count(b"\n") == 1


@pytest.mark.parametrize("speed", ["instant", "4"])
def test_a_faster_pace_has_no_pause_that_needs_one(
    speed: str, answers: dict[str, Future[list[Seen]]]
) -> None:
    """The same bytes without it; a quarter of six seconds is too short."""
    slow = [seen.raw for seen in answers["recorded"].result()[:2]]
    seen, waited = answers[speed].result()

    assert seen.raw == slow[0].replace(HEARTBEAT, b"")
    assert waited.raw == slow[1].lstrip(b"\n")


@pytest.mark.parametrize("name", STEADY)
def test_events_do_not_put_a_heartbeat_off(
    name: str, answers: dict[str, Future[list[Seen]]]
) -> None:
    """Every five seconds from the start on, though an event comes every three."""
    *_, seen = answers[name].result()
    blocks = seen.raw.decode().split("\r\n\r\n")
    lines = [block.rpartition("data: ")[2].partition("{")[0] for block in blocks]

    beats = [at for at, one in enumerate(lines) if one == ": heartbeat"]

    assert [one for one in lines if one != ": heartbeat"] == ["", "3", "6", "9", "12", ""]
    # A second of delay under load may move one past its neighbour, and no further.
    assert lines.index("3") < beats[0] < lines.index("9")
    assert lines.index("6") < beats[-1] < lines.index("12") + 2
    assert len(beats) >= 2
