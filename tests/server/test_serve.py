"""`mockserver serve` as people run it: cassettes first, then the fake graph, which says the same on every machine."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.documents import ROOT
from tests.processes import Mockserver, run, running
from tests.real.raw_response import on_the_socket
from tests.real.scenarios import AGENT, HELLO, MODES, NOBODY, said
from tests.real.scenarios import run as run_of
from tests.real.wire import JSON, Ask, Seen, send

CASSETTES = ROOT / "cassettes"
INSTANT = ("--speed", "instant")

OURS = run_of("wait", "agent", said("Nobody has recorded this."))
RECORDED = run_of("wait", "agent", HELLO)
EVERYTHING = "tell me a joke", "Compare the weather in Oslo and Rome", "Do some research"
ASKED: dict[str, Ask] = {
    **{
        f"{mode}, {text}": run_of("stream", "mine", said(text), stream_mode=mode)
        for mode in MODES
        for text in EVERYTHING
    },
    "all modes": run_of(
        "stream",
        "mine",
        said("Make a plan"),
        stream_mode=list(MODES),
        stream_subgraphs=True,
        stream_resumable=True,
        metadata={"z": 1, "a": 2},
        config={"tags": ["z", "a"], "configurable": {"z": 1, "a": 2}},
        on_completion="keep",
    ),
    "wait": run_of("wait", "mine", said("Use some tools")),
    "interrupt": run_of("wait", "mine", said("Ask me something")),
    "error": run_of("stream", "mine", said("Show me an error")),
    "run": run_of("stream", "mine", None, stream_mode="debug"),
    "background": Ask("POST", "/runs", {"assistant_id": "mine", "input": HELLO}),
    "batch": Ask("POST", "/runs/batch", [{"assistant_id": "mine", "input": HELLO}] * 2),
    "refusal": Ask("POST", "/runs/wait", {"assistant_id": 5, "zz": [{"b": 1, "a": 2}]}),
    "search": Ask("POST", "/assistants/search", {}),
    "count": Ask("POST", "/assistants/count", {}),
    "graph": Ask("GET", f"/assistants/{AGENT}/graph"),
    "schemas": Ask("GET", f"/assistants/{AGENT}/schemas"),
    "subgraphs": Ask("GET", f"/assistants/{AGENT}/subgraphs"),
    "nobody": Ask("GET", f"/assistants/{NOBODY}"),
    "thread": Ask("POST", "/threads", {"metadata": {"z": 1, "a": 2}}),
    "threads": Ask("POST", "/threads/search", {}),
    "info": Ask("GET", "/info"),
    "method": Ask("PUT", "/runs/stream"),
}  # fmt: skip
FIRST = {"search": Ask("POST", "/assistants", {"graph_id": "agent", "name": "n"})}
"""What makes the assistant that the others ask for."""


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Mockserver]:
    """A server with the bundled cassettes."""
    with running("serve", CASSETTES, *INSTANT, folder=tmp_path) as server:
        yield server


def answer(server: Mockserver, ask: Ask, **headers: str) -> Seen:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(server.url, ask, {**JSON, **names})


class TestTheChain:
    """Cassettes, then the fake."""

    def test_what_was_recorded_is_played_and_the_rest_made_up(self, chain: Mockserver) -> None:
        recorded, ours = answer(chain, RECORDED), answer(chain, OURS)

        assert recorded.header("x-mockserver-source") == "cassette"
        assert b"Hello Bagatur! What would you like to talk about?" in recorded.raw
        assert ours.header("x-mockserver-source") == "fake"
        assert ours.header("x-mockserver-exchange") is None
        assert json.loads(ours.raw)["messages"][-1]["content"].startswith("You said: “Nobody has")

    def test_the_summary_counts_both(self, chain: Mockserver) -> None:
        for ask in (RECORDED, OURS, OURS):
            answer(chain, ask)

        assert chain.stop() == 0
        assert "responses: 1 from cassettes, 2 from the fake graph\nnever played: " in chain.errors

    def test_a_cassette_that_is_not_there_is_a_miss_all_the_same(self, chain: Mockserver) -> None:
        seen = answer(chain, OURS, x_mockserver_cassette="no/such")

        assert (seen.status, seen.header("x-mockserver-source")) == (404, "miss")
        assert "there is no cassette 'no/such'" in json.loads(seen.raw)["detail"]

    def test_one_that_is_there_leaves_the_rest_to_the_fake(self, chain: Mockserver) -> None:
        seen = answer(chain, OURS, x_mockserver_cassette="hello")

        assert (seen.status, seen.header("x-mockserver-source")) == (200, "fake")

    def test_a_replay_makes_nothing_up(self, tmp_path: Path) -> None:
        with running("replay", CASSETTES, *INSTANT, folder=tmp_path) as server:
            seen = answer(server, OURS)

            assert (seen.status, seen.header("x-mockserver-source")) == (404, "miss")
            assert server.stop() == 1
        assert "fake" not in server.errors

    def test_a_refusal_is_passed_on_and_no_miss(self, tmp_path: Path) -> None:
        with running("serve", folder=tmp_path) as server:
            assert answer(server, ASKED["refusal"]).status == 422
            assert answer(server, Ask("GET", "/nowhere")).status == 404
            assert server.stop() == 0
        assert server.errors == (
            "fake: POST /runs/wait: 422 body.assistant_id must be of type string\n"
            "fake: GET /nowhere: 404 Not Found\n"
            "responses: 2 from the fake graph\n"
        )


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """What two processes with other hash seeds answer, byte by byte."""
    found = []
    for seed in ("1", "2"):
        folder = tmp_path_factory.mktemp("seed")
        environment = {"PYTHONHASHSEED": seed}
        with running("serve", *INSTANT, folder=folder, environment=environment) as server:
            for ask in FIRST.values():
                on_the_socket(server.url, ask)
            found.append({name: on_the_socket(server.url, ask) for name, ask in ASKED.items()})
    return found


@pytest.mark.parametrize("name", ASKED)
def test_two_processes_answer_alike(name: str, twice: list[dict[str, bytes]]) -> None:
    first, second = twice

    assert first[name] == second[name]
    assert first[name].startswith(b"HTTP/1.1 ")
    assert (b" 200 OK\r\n" in first[name]) == (name not in ("refusal", "nobody", "method"))


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mockserver]:
    """A server without cassettes."""
    with running("serve", *INSTANT, folder=tmp_path_factory.mktemp("fake")) as server:
        yield server


def reset(server: Mockserver, query: str = "") -> None:
    with urlopen(Request(f"{server.url}/__mockserver__/reset{query}", method="POST")) as response:
        assert response.status == 200


def ids(seen: Seen) -> set[str]:
    """Return the ids of the run, its thread and its messages."""
    found = re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f-]{22}", seen.raw.decode())
    return {*found, str(seen.header("content-location"))}


class TestSessions:
    """The ids are functions of the request, and of how often the session has sent it."""

    def test_a_repeated_request_gets_other_ids(self, fake: Mockserver) -> None:
        one, two = (answer(fake, OURS, x_mockserver_session="again") for _ in range(2))

        assert ids(one)
        assert not ids(one) & ids(two)
        assert texts(one) == texts(two)

    def test_another_session_begins_with_the_first_ones(self, fake: Mockserver) -> None:
        one, _, *_ = (answer(fake, OURS, x_mockserver_session="a") for _ in range(2))
        other = answer(fake, OURS, x_mockserver_session="b")

        assert other.raw == one.raw
        assert other.kept_headers == one.kept_headers

    def test_another_request_changes_nothing(self, fake: Mockserver) -> None:
        one = answer(fake, OURS, x_mockserver_session="c")
        answer(fake, RECORDED, x_mockserver_session="d")

        assert answer(fake, OURS, x_mockserver_session="d").raw == one.raw

    @pytest.mark.parametrize("query", ["", "?session=e"])
    def test_after_a_reset_the_first_ones_come(self, fake: Mockserver, query: str) -> None:
        request = ASKED["all modes"]
        reset(fake)
        one, two = (answer(fake, request, x_mockserver_session="e").raw for _ in range(2))

        reset(fake, query)

        assert answer(fake, request, x_mockserver_session="e").raw == one
        assert one != two

    def test_a_thread_is_its_sessions_own(self, fake: Mockserver) -> None:
        made = json.loads(answer(fake, Ask("POST", "/threads", {}), x_mockserver_session="f").raw)
        get = Ask("GET", f"/threads/{made['thread_id']}")

        assert answer(fake, get, x_mockserver_session="f").status == 200
        assert answer(fake, get, x_mockserver_session="g").status == 404

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(
                {"input": {"messages": [{"content": "hi", "role": "user"}]}, "assistant_id": "agent"},
                id="user, keys in another order",
            ),
            pytest.param(
                {"assistant_id": "agent", "input": {"messages": [{"type": "human", "content": "hi"}]}},
                id="type",
            ),
            pytest.param(
                {"assistant_id": "agent", "input": {"messages": [{"role": "human", "content": "hi"}]}, "stream_mode": ["values"], "stream_resumable": False, "config": {"configurable": {}}},
                id="defaults spelled out",
            ),
            pytest.param(
                {"assistant_id": AGENT, "input": {"messages": [{"role": "human", "content": "hi"}]}, "on_disconnect": "continue"},
                id="the assistant's id",
            ),
        ],
    )  # fmt: skip
    def test_one_meaning_has_the_same_ids(
        self, body: dict[str, Any], fake: Mockserver, request: pytest.FixtureRequest
    ) -> None:
        """Whichever client spells it."""
        session = request.node.name.encode().hex()[-60:]
        plain = answer(
            fake, run_of("wait", "agent", said("hi")), x_mockserver_session=session + "1"
        )
        other = answer(fake, Ask("POST", "/runs/wait", body), x_mockserver_session=session + "2")

        assert other.raw == plain.raw
        assert other.kept_headers == plain.kept_headers

    def test_a_conversation_never_has_an_id_twice(self, fake: Mockserver) -> None:
        """Each turn sends the messages of the turns before, with the ids that they were given."""
        messages: list[dict[str, Any]] = []
        for _ in range(4):
            messages.append({"role": "human", "content": "Compare the weather in Oslo and Rome"})
            seen = answer(fake, run_of("wait", "agent", {"messages": messages}))
            messages = json.loads(seen.raw)["messages"]

        identities = [message["id"] for message in messages]
        calls = [call["id"] for message in messages for call in message.get("tool_calls", ())]
        assert len(identities) == len(set(identities)) == 20
        assert len(calls) == len(set(calls)) == 8


def texts(seen: Seen) -> list[str]:
    return [message["content"] for message in json.loads(seen.raw)["messages"]]


class TestScripts:
    """What the fake says is a file."""

    def test_the_printed_script_is_one(self, tmp_path: Path) -> None:
        printed = run("script", folder=tmp_path)
        (tmp_path / "own.yaml").write_text(printed.stdout)

        with (
            running("serve", *INSTANT, folder=tmp_path) as built_in,
            running("serve", *INSTANT, "--script", "own.yaml", folder=tmp_path) as own,
        ):
            assert (printed.returncode, printed.stderr) == (0, "")
            for name in ("all modes", "wait", "error"):
                assert answer(own, ASKED[name]).raw == answer(built_in, ASKED[name]).raw

    def test_rules_of_an_extension_come_first(self, tmp_path: Path) -> None:
        script = (
            "extends: built-in\nrules:\n- {when: {human: joke}, steps: [{say: No jokes today.}]}\n"
        )
        (tmp_path / "own.yaml").write_text(script)

        with running("serve", *INSTANT, "--script", "own.yaml", folder=tmp_path) as server:
            joke = answer(server, run_of("wait", "agent", said("Tell me a joke")))
            table = answer(server, run_of("wait", "agent", said("Show me a table")))

        assert texts(joke)[-1] == "No jokes today."
        assert texts(table)[-1].startswith("Here is the price list")

    def test_script_and_graphs_may_stand_in_the_environment(self, tmp_path: Path) -> None:
        (tmp_path / "own.yaml").write_text("rules:\n- steps: [{say: Mine.}]\n")
        environment = {"MOCKSERVER_SCRIPT": "own.yaml", "MOCKSERVER_GRAPH": "one two"}

        with running("serve", *INSTANT, folder=tmp_path, environment=environment) as server:
            one, two = (answer(server, run_of("wait", name, HELLO)) for name in ("one", "two"))
            other = answer(server, run_of("wait", "three", HELLO))

        assert (texts(one)[-1], texts(two)[-1]) == ("Mine.", "Mine.")
        assert other.status == 422
        assert json.loads(other.raw)["detail"].endswith("the graphs: one, two")

    def test_a_date_may_stand_in_the_environment(self, tmp_path: Path) -> None:
        environment = {"MOCKSERVER_FAKE_NOW": "2026-11-27T09:30Z"}

        with running("serve", *INSTANT, folder=tmp_path, environment=environment) as server:
            thread = json.loads(answer(server, Ask("POST", "/threads", {})).raw)

        assert thread["created_at"] == "2026-11-27T09:30:00.000000+00:00"

    def test_a_broken_date_is_refused_in_one_line(self, tmp_path: Path) -> None:
        done = run("serve", "--fake-now", "tomorrow", "--port", "0", folder=tmp_path)

        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "mockserver: --fake-now 'tomorrow': write a date such as 2026-11-27, a time such as 2026-11-27T09:30Z, or today; "
            "years are 1970 to 8999\n"
        )

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            pytest.param(
                "rules:\n- steps:\n  - sing: la\n",
                "line 3: a step is a mapping with one of say, reason, call, calls, custom, update, interrupt, "
                "error, pause, delegate, status, stall, cut; this has sing",
                id="step",
            ),
            pytest.param(
                "rules:\n- when: {human: '('}\n  steps: [{say: x}]\n",
                "line 2: human: not a regular expression: missing ), unterminated subpattern at position 0",
                id="pattern",
            ),
            pytest.param(
                "rules:\n- steps: [{say: x}\n",
                "line 3: not YAML: did not find expected ',' or ']'",
                id="YAML",
            ),
        ],
    )
    def test_a_broken_one_is_refused_in_one_line(
        self, text: str, complaint: str, tmp_path: Path
    ) -> None:
        (tmp_path / "bad.yaml").write_text(text)

        done = run("serve", "--script", "bad.yaml", "--port", "0", folder=tmp_path)

        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"mockserver: bad.yaml, {complaint}\n"

    def test_one_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        done = run("serve", "--script", "nope.yaml", folder=tmp_path)

        assert done.returncode == 2
        assert re.fullmatch(
            r".*nope\.yaml: cannot be read: No such file or directory\n", done.stderr
        )
