"""What a replay gives is what the client saw while it was recorded, whatever process plays it."""

import json
import re
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest
import yaml

from tests.processes import running
from tests.real.conftest import Answers, Recorded
from tests.real.raw_response import on_the_socket
from tests.real.scenarios import EXCHANGES, SCENARIOS, run, said
from tests.real.wire import Ask, Headers, Seen, send_all

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS)


def heads(answers: tuple[Seen, ...]) -> list[tuple[int, str | None]]:
    return [(seen.status, seen.reason) for seen in answers]


def bodies(answers: tuple[Seen, ...]) -> list[bytes]:
    return [seen.raw for seen in answers]


def headers(answers: tuple[Seen, ...]) -> list[Headers]:
    return [seen.kept_headers for seen in answers]


@each_scenario
def test_a_replay_gives_the_bytes_that_were_recorded(
    scenario: str, recorded: Recorded, at_once: Answers
) -> None:
    assert bodies(at_once[scenario]) == bodies(recorded.answers[scenario])


@each_scenario
def test_a_replay_gives_the_status_that_was_recorded(
    scenario: str, recorded: Recorded, at_once: Answers
) -> None:
    assert heads(at_once[scenario]) == heads(recorded.answers[scenario])


@each_scenario
def test_a_replay_gives_the_headers_that_were_recorded(
    scenario: str, recorded: Recorded, at_once: Answers
) -> None:
    assert headers(at_once[scenario]) == headers(recorded.answers[scenario])


@each_scenario
def test_the_recorded_pace_changes_no_byte(
    scenario: str, recorded: Recorded, at_pace: Answers
) -> None:
    assert bodies(at_pace[scenario]) == bodies(recorded.answers[scenario])
    assert heads(at_pace[scenario]) == heads(recorded.answers[scenario])
    assert headers(at_pace[scenario]) == headers(recorded.answers[scenario])


def test_every_exchange_is_in_the_cassette(recorded: Recorded) -> None:
    assert recorded.status == 0
    assert recorded.cassette.read_text("utf-8").count("\n---\nrequest:\n") == EXCHANGES
    assert recorded.errors.splitlines() == [
        f"responses: {EXCHANGES} from the upstream; recorded {EXCHANGES} exchanges into {recorded.cassette}"
    ]


def test_nothing_of_them_is_redacted(recorded: Recorded) -> None:
    """None of the scenarios has a secret: what looks like one would be a loss of fidelity."""
    text = recorded.cassette.read_text("utf-8")

    assert "\nredacted:" not in text
    assert "REDACTED" not in text


def test_the_cassette_names_its_upstream(recorded: Recorded, agent_server: str) -> None:
    head = recorded.cassette.read_text("utf-8").partition("\n---\n")[0]

    assert re.fullmatch(
        "mockserver: 1\n"
        f"upstream: {re.escape(agent_server)}\n"
        r"recorded: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n"
        r"server: \{version: [\d.]+, langgraph_py_version: [\d.]+\}",
        head,
    )


class TestWhatTheRealServerSays:
    """The recording is of what it should be of: without this, empty answers would pass all the tests above."""

    @pytest.mark.parametrize(
        ("mode", "event"),
        [
            pytest.param("values", b"event: values\r\n", id="values"),
            pytest.param("updates", b"event: updates\r\n", id="updates"),
            pytest.param("messages", b"event: messages/partial\r\n", id="messages"),
            pytest.param("messages-tuple", b"event: messages\r\n", id="messages-tuple"),
            pytest.param("events", b"event: events\r\n", id="events"),
            pytest.param("debug", b"event: debug\r\n", id="debug"),
            pytest.param("tasks", b"event: tasks\r\n", id="tasks"),
            pytest.param("checkpoints", b"event: metadata\r\n", id="checkpoints"),
            pytest.param("custom", b"event: custom\r\n", id="custom"),
        ],
    )
    def test_a_mode_has_events_of_its_name(
        self, mode: str, event: bytes, recorded: Recorded
    ) -> None:
        """But for `checkpoints`: a stateless run has none."""
        (seen,) = recorded.answers[f"stream {mode}"]

        assert event in seen.raw

    @pytest.mark.parametrize(
        ("scenario", "status", "reason"),
        [
            pytest.param("unknown graph", 422, "Unprocessable Entity", id="unknown graph"),
            pytest.param("unknown mode", 422, "Unprocessable Entity", id="unknown mode"),
            pytest.param("bad JSON", 422, "Unprocessable Entity", id="bad JSON"),
            pytest.param("unknown assistant", 404, "Not Found", id="unknown assistant"),
            pytest.param("unknown route", 404, "Not Found", id="unknown route"),
            pytest.param("wrong method", 405, "Method Not Allowed", id="wrong method"),
            pytest.param("background run", 200, "OK", id="background run"),
            pytest.param("batch of runs", 200, "OK", id="batch of runs"),
        ],
    )
    def test_a_status_is_passed_on(
        self, scenario: str, status: int, reason: str, recorded: Recorded
    ) -> None:
        (seen,) = recorded.answers[scenario]

        assert (seen.status, seen.reason) == (status, reason)

    @pytest.mark.parametrize(
        ("scenario", "part"),
        [
            pytest.param("stream 2,000 events", b'"event 1999 of 2000"', id="2,000 events"),
            pytest.param("stream a failure", b'{"error":"ValueError","message":"kaboom"}', id="failure"),
            pytest.param("wait for an interrupt", b'"__interrupt__"', id="interrupt"),
            pytest.param("stream a tool call", b'"name":"get_weather"', id="tool call"),
            pytest.param("stream subgraphs", b"event: updates|research:", id="subgraphs"),
            pytest.param("stream with ids", b"\r\nid: ", id="ids"),
            pytest.param("stream unicode", "👩‍👩‍👧".encode(), id="emoji"),
            pytest.param("stream unicode", "next line \x85 and".encode(), id="next line"),
            pytest.param("stream numbers", b"1e-7", id="exponent"),
            pytest.param("stream a silence", b"\r\n\r\n: heartbeat\r\n\r\n: heartbeat\r\n\r\n", id="heartbeats"),
            pytest.param("wait through a silence", b"\n\n{", id="newlines"),
        ],
    )  # fmt: skip
    def test_an_answer_holds_what_the_scenario_is_about(
        self, scenario: str, part: bytes, recorded: Recorded
    ) -> None:
        (seen,) = recorded.answers[scenario]

        assert part in seen.raw

    def test_two_runs_of_the_same_request_have_ids_of_their_own(self, recorded: Recorded) -> None:
        first, second = recorded.answers["the same twice"]

        assert first.header("content-location") != second.header("content-location")

    def test_the_conversation_remembers(self, recorded: Recorded) -> None:
        *_, state, thread = recorded.answers["a conversation"]

        assert json.loads(state.raw)["values"]["messages"][-1]["content"] == "Your name is Bagatur."
        assert json.loads(thread.raw)["status"] == "idle"


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param("info", id="info"),
        pytest.param("search assistants", id="search"),
        pytest.param("unknown graph", id="422"),
        pytest.param("wrong method", id="405"),
        pytest.param("stream updates", id="stream"),
        pytest.param("wait", id="wait"),
    ],
)
def test_the_recorder_answers_with_the_headers_of_the_real_server(
    scenario: str, recorded: Recorded, agent_server: str
) -> None:
    """Asked from a page, so with CORS. Pages can also read where a response comes from."""
    origin = {"content-type": "application/json", "origin": "http://localhost:3000"}
    (direct,) = send_all(agent_server, {scenario: SCENARIOS[scenario]}, origin)[scenario]
    (through,) = recorded.answers[scenario]

    ids = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
    ours = ", x-mockserver-source, x-mockserver-how, x-mockserver-exchange"
    assert sorted(
        (n, ids.sub("ID", v.removesuffix(ours))) for n, v in through.kept_headers
    ) == sorted((n, ids.sub("ID", v)) for n, v in direct.kept_headers)


@pytest.mark.parametrize("scenario", ["stream a silence", "wait through a silence"])
def test_a_replay_keeps_the_recorded_pauses(
    scenario: str, recorded: Recorded, at_pace: Answers
) -> None:
    """Nothing comes before its recorded time. On a busy machine it comes later, maybe all of it in one chunk."""
    (seen,) = at_pace[scenario]
    due = recorded_times(recorded.cassette, SCENARIOS[scenario][0].path)
    positions = starts(seen.raw) if scenario.startswith("stream") else range(len(due))

    assert max(due) > 10
    assert [
        (position, seconds)
        for position, seconds in zip(positions, due, strict=True)
        if seen.at(position) < seconds - 0.05
    ] == []


def recorded_times(cassette: Path, path: str) -> list[float]:
    """Return when each event or newline of the silent graph's response to *path* came, and its body."""
    [text] = [
        document
        for document in cassette.read_text("utf-8").split("\n---\n")
        if f"\n  path: {path}\n  body:\n    assistant_id: silent\n" in document
    ]
    response = yaml.safe_load(text)["response"]
    if "events" in response:
        return list(accumulate(event.get("after", 0.0) for event in response["events"]))
    return [*response["keepalives"], response["after"]]


def test_how_late_a_replay_is_at_the_recorded_pace(
    recorded: Recorded, at_pace: Answers, record_property: Callable[[str, object], None]
) -> None:
    """Measured, not asserted: it depends on the machine. Shown by `pytest -rP`."""
    late = sorted(
        (now.at(position) - then.at(position), scenario)
        for scenario in ("stream a silence", "wait through a silence", "stream several modes")
        for then, now in zip(recorded.answers[scenario], at_pace[scenario], strict=True)
        for position in starts(then.raw)
    )

    report = f"{late[0][0] * 1000:+.1f} to {late[-1][0] * 1000:+.1f} ms ({late[-1][1]})"
    record_property("lateness", report)
    print(f"replayed events came {report} against the recording")  # noqa: T201 (this is what -rP shows)


def starts(raw: bytes) -> list[int]:
    """Return where the events of a stream, or the newlines of a wait, begin."""
    return [0, *(found.end() for found in re.finditer(rb"\r\n\r\n(?=.)|\n(?=\{)", raw))]


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
def by_two(
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
def test_two_processes_answer_alike(name: str, by_two: list[dict[str, bytes]]) -> None:
    first, second = by_two

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
    name: str, status: bytes, by_two: list[dict[str, bytes]]
) -> None:
    assert by_two[0][name].startswith(status)
