"""The same cassette, the same requests: the same bytes on the socket, whatever process plays it."""

import pytest

from tests.processes import running
from tests.real.conftest import Recorded
from tests.real.raw_response import on_the_socket
from tests.real.scenarios import SCENARIOS, run, said
from tests.real.wire import Ask

ASKED = {
    "a stream": SCENARIOS["stream several modes"][0],
    "a wait": SCENARIOS["wait"][0],
    "a search": SCENARIOS["search assistants"][0],
    "a refusal": SCENARIOS["unknown graph"][0],
    "a miss of a text": run("stream", "agent", said("Bye!"), stream_mode=["updates", "custom"]),
    "a miss of much": run("wait", "nobody", {"b": [1, {"c": None}], "a": "z"}, context={"x": 1}),
    "a miss of a path": Ask("DELETE", "/nowhere?b=2&a=1"),
}


@pytest.fixture(scope="module", params=["instant", "1000"])
def answers(
    request: pytest.FixtureRequest, recorded: Recorded, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, bytes]]:
    """What two processes with other hash seeds answer, the second to the requests in reverse order."""
    found = []
    for seed, names in (("1", list(ASKED)), ("2", list(reversed(ASKED)))):
        folder = tmp_path_factory.mktemp("seed")
        with running(
            "replay",
            recorded.cassette,
            "--speed",
            request.param,
            folder=folder,
            environment={"PYTHONHASHSEED": seed},
        ) as player:
            found.append({name: on_the_socket(player.url, ASKED[name]) for name in names})
    return found


@pytest.mark.parametrize("name", ASKED)
def test_two_processes_answer_alike(name: str, answers: list[dict[str, bytes]]) -> None:
    first, second = answers

    assert first[name] == second[name]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("a stream", b"HTTP/1.1 200 OK\r\n", id="hit"),
        pytest.param("a refusal", b"HTTP/1.1 422 Unprocessable Entity\r\n", id="recorded refusal"),
        pytest.param("a miss of much", b"HTTP/1.1 404 Not Found\r\n", id="miss"),
    ],
)
def test_the_responses_have_the_expected_status(
    name: str, status: bytes, answers: list[dict[str, bytes]]
) -> None:
    assert answers[0][name].startswith(status)
