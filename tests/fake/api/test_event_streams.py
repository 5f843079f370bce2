"""Commands and event streams of one session; `tests/real/test_event_truth.py` compares them with the real server."""

from typing import Any

import pytest

from mockserver.fake.response import Response
from tests.fake.api.test_routes import MINE, Client

COMMANDS = f"/threads/{MINE}/commands"
STREAM = f"/threads/{MINE}/stream/events"


@pytest.fixture
def client() -> Client:
    return Client("chat")


def command(client: Client, method: Any, number: Any = 1, status: int = 200, **params: Any) -> Any:
    body = {"id": number, "method": method, "params": params}
    return client.ask("POST", COMMANDS, body, status=status)


def test_a_run_creates_its_thread(client: Client) -> None:
    answer = command(client, "run.start", assistant_id="chat", input={"messages": "hi"})
    thread = client.ask("GET", f"/threads/{MINE}")

    assert answer["type"] == "success"
    assert answer["meta"] == {"applied_through_seq": 0}
    assert [run["run_id"] for run in client.ask("GET", f"/threads/{MINE}/runs")] == [
        answer["result"]["run_id"]
    ]
    assert thread["status"] == "busy"


def test_the_id_of_a_command_comes_back(client: Client) -> None:
    assert command(client, "odd", 41) == {
        "type": "error",
        "id": 41,
        "error": "unknown_command",
        "message": "Unknown protocol command: odd",
    }


@pytest.mark.parametrize(("number", "method"), [(None, "run.start"), ("1", "run.start"), (1, None)])
def test_what_is_no_command_is_refused(client: Client, number: Any, method: Any) -> None:
    answer = command(client, method, number, status=400)

    assert (answer["id"], answer["error"]) == (number, "invalid_argument")


def test_an_event_stream_needs_no_thread(client: Client) -> None:
    answer: Response = client.raw("POST", STREAM, b'{"channels":["values"]}')

    assert answer.status == 200
    assert dict(answer.headers)["content-type"] == "text/event-stream; charset=utf-8"
    assert not isinstance(answer.body, bytes)
    client.ask("GET", f"/threads/{MINE}", status=404)


@pytest.mark.parametrize("path", [COMMANDS, STREAM])
def test_a_body_that_is_not_json_is_refused(client: Client, path: str) -> None:
    answer = client.raw("POST", path, b"{")

    assert (answer.status, answer.body) == (400, b'{"detail":"Invalid JSON body"}')


def test_an_interrupt_needs_a_thread(client: Client) -> None:
    answer = command(client, "input.respond", interrupt_id="0", response=1)

    assert (answer["error"], answer["message"]) == (
        "no_such_run",
        "No interrupted run is bound to this thread.",
    )
