"""Clients notice no difference between the real server and a replay, whichever of them recorded it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from langgraph_sdk import get_client, get_sync_client
from langgraph_sdk.errors import NotFoundError

from tests.conftest import tool
from tests.processes import running
from tests.real.clients import CALLS, CLIENTS, CURL, Values, js, shell
from tests.real.conftest import ByClient
from tests.real.scenarios import AGENT, HELLO, said

Printed = dict[str, tuple[bytes, bytes]]

EXPLAINED = """\
POST /runs/stream: no exchange matches
  nearest: calls.yaml#1, POST /runs/stream, not played yet
    body.input.messages[0].content differs
      recorded "Hello! My name is Bagatur and I am 26 years old."
      got      "Bye!"
    to match it anyway: `ignore: ['body.input.messages[0].content']` in the cassette's header"""


PAIRS = [
    (recorder, player)
    for recorder in CLIENTS
    for player in CLIENTS
    if recorder == player or "Python" in (recorder, player)
]
"""Who records and who plays: each client itself, and with the Python SDK in both directions."""


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, by_client: ByClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Values]]:
    """The URL of a replay of what each client recorded, and the values that it got then."""
    cassette, values = by_client(request.param)
    folder = tmp_path_factory.mktemp("played")
    with running("replay", cassette, "--speed", "instant", folder=folder) as player:
        yield player.url, values


@pytest.mark.parametrize(("played", "client"), PAIRS, indirect=["played"])
def test_each_client_gets_the_values_that_it_or_another_recorded(
    client: str, played: tuple[str, Values]
) -> None:
    url, recorded = played
    # In one session each created thread has an id of its own.
    urlopen(Request(f"{url}/__mockserver__/reset", method="POST")).close()

    assert CLIENTS[client](url) == recorded


def test_a_client_plays_each_exchange_once(by_client: ByClient, tmp_path: Path) -> None:
    """So no request was sent twice, and each recorded exchange is used."""
    cassette, _ = by_client("Python")
    with running("replay", cassette, "--speed", "instant", folder=tmp_path) as player:
        CLIENTS["Python"](player.url)

        assert player.stop() == 0
    assert player.errors == "responses: 4 from cassettes\n"


@pytest.mark.parametrize("client", CLIENTS)
class TestWhatWasRecorded:
    """The values are those of the documented conversation: without this, empty ones would be equal too."""

    def test_the_stream_is_of_a_run_and_its_update(self, client: str, by_client: ByClient) -> None:
        _, values = by_client(client)
        (first, metadata, _), (second, update, _) = values["stream"]

        assert (first, sorted(metadata)) == ("metadata", ["attempt", "run_id"])
        assert (second, update["agent"]["messages"][0]["content"]) == (
            "updates",
            "Hello Bagatur! What would you like to talk about?",
        )

    def test_the_wait_is_for_the_conversation(self, client: str, by_client: ByClient) -> None:
        _, values = by_client(client)

        assert [message["type"] for message in values["wait"]["messages"]] == ["human", "ai"]

    def test_the_search_finds_the_assistant(self, client: str, by_client: ByClient) -> None:
        _, values = by_client(client)

        assert [found["assistant_id"] for found in values["search"]] == [AGENT]

    def test_the_thread_is_idle(self, client: str, by_client: ByClient) -> None:
        _, values = by_client(client)

        assert values["create"]["status"] == "idle"


@pytest.fixture(scope="module")
def printed(agent_server: str, tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """What the documented commands printed while they were recorded, and what they print of the replay."""
    folder = tmp_path_factory.mktemp("printed")
    cassette = folder / "calls.yaml"
    with running("record", cassette, "--upstream", agent_server, folder=folder) as recorder:
        with ThreadPoolExecutor() as pool:
            then = list(pool.map(lambda call: shell(CURL[call], recorder.url), CALLS))
        recorder.stop()
    with running("replay", cassette, "--speed", "instant", folder=folder) as player:
        return {
            call: (before, shell(CURL[call], player.url))
            for call, before in zip(CALLS, then, strict=True)
        }


@pytest.mark.parametrize("call", CALLS)
def test_a_documented_command_prints_what_it_printed_while_recording(
    call: str, printed: Printed
) -> None:
    then, now = printed[call]

    assert now == then


PIPES = {
    "search": r"jq -c 'map(select(.config == null or .config == {})) | .[0].graph_id'",
    "wait": r"jq -r '.messages[-1].content'",
    "create": r"jq -r .status",
    "stream": r"""sed 's/\r$//' | awk '/^event:/ { event = $2 } /^data:/ && event == "updates" { print substr($0, 7) }' |
        jq -r '.agent.messages[0].content'""",
}


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        pytest.param("search", b'"agent"\n', id="search"),
        pytest.param("wait", b"Hello Bagatur! What would you like to talk about?\n", id="wait"),
        pytest.param("create", b"idle\n", id="create"),
        pytest.param("stream", b"Hello Bagatur! What would you like to talk about?\n", id="stream"),
    ],
)
def test_the_documented_command_goes_through_jq(
    call: str, printed: bytes, by_client: ByClient, tmp_path: Path
) -> None:
    tool("jq")
    cassette, _ = by_client("curl")
    with running("replay", cassette, "--speed", "instant", folder=tmp_path) as player:
        assert shell(f"{CURL[call].rstrip()} | {PIPES[call]}", player.url) == printed


@pytest.fixture
def elsewhere(by_client: ByClient, tmp_path: Path) -> Iterator[str]:
    """The URL of a replay that holds another run than the one that is requested."""
    cassette, _ = by_client("Python")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with running("replay", stream_alone(cassette, folder), folder=folder) as player:
        yield player.url


def stream_alone(cassette: Path, folder: Path) -> Path:
    """Return a cassette with the first exchange of *cassette* only."""
    head, first, *_ = cassette.read_text("utf-8").split("\n---\n")
    (alone := folder / "calls.yaml").write_text(f"{head}\n---\n{first}\n", "utf-8")
    return alone


class TestMiss:
    """What a client's own error says of a request that was not recorded."""

    async def test_python(self, elsewhere: str) -> None:
        async with get_client(url=elsewhere, api_key=None) as client:
            with pytest.raises(NotFoundError) as error:
                await anext(
                    client.runs.stream(None, "agent", input=said("Bye!"), stream_mode="updates")
                )

        assert str(error.value) == EXPLAINED

    def test_python_sync(self, elsewhere: str) -> None:
        with (
            get_sync_client(url=elsewhere, api_key=None) as client,
            pytest.raises(NotFoundError) as error,
        ):
            next(client.runs.stream(None, "agent", input=said("Bye!"), stream_mode="updates"))

        assert str(error.value) == EXPLAINED

    @pytest.mark.parametrize("sdk", ["sdk-1", "sdk-2"])
    def test_js(self, sdk: str, elsewhere: str) -> None:
        error = js(sdk, elsewhere, "wait")["wait"]["error"]

        assert "POST /runs/wait: no exchange matches" in error["message"]
        assert "nearest: calls.yaml#1, POST /runs/stream, not played yet" in error["message"]

    def test_curl(self, elsewhere: str) -> None:
        answer = json.loads(shell(CURL["wait"], elsewhere))

        assert answer["detail"].startswith("POST /runs/wait: no exchange matches\n  nearest: ")
        assert answer["miss"]["nearest"][0]["exchange"] == "calls.yaml#1"


async def remote_values(url: str) -> tuple[object, object]:
    """Return what a RemoteGraph streams and answers."""
    from langgraph.pregel.remote import RemoteGraph  # slow: only the worker with this test pays

    async with get_client(url=url, api_key=None) as client:
        graph = RemoteGraph("agent", client=client)
        streamed = [part async for part in graph.astream(HELLO, stream_mode="updates")]
        return streamed, await graph.ainvoke(HELLO)


async def test_a_remote_graph_notices_no_difference(agent_server: str, tmp_path: Path) -> None:
    cassette = tmp_path / "remote.yaml"
    with running("record", cassette, "--upstream", agent_server, folder=tmp_path) as recorder:
        recorded = await remote_values(recorder.url)
        recorder.stop()
    with running("replay", cassette, "--speed", "instant", folder=tmp_path) as player:
        assert await remote_values(player.url) == recorded
