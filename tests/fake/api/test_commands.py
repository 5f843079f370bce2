"""The commands of event streams in process; `tests/real/test_event_truth.py` compares them with the real server."""

import json
from typing import Any

import pytest

from mockserver.fake.api.database import Database
from mockserver.fake.api.routes import Api
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.script.model import Interrupt, Rule, Script, ScriptPace, Speak
from mockserver.http.messages import Request

THREAD = "11111111-1111-4111-8111-111111111111"
NOBODY = "00000000-0000-4000-8000-000000000000"
ASKING = Script((Rule((Interrupt("Yes?"), Speak("So: {answer}"))),), ScriptPace(0, 0, 0))
HI = {"messages": [{"role": "user", "content": "hi"}]}


class Client:
    """Sends commands to one thread; every run asks once."""

    def __init__(self) -> None:
        self._api = Api(RunEngine(ASKING), ("chat",))
        self._database = Database()
        self._count = 0

    def send(self, method: str, path: str, body: Any = None, thread: str = THREAD) -> Any:
        self._count += 1
        raw = b"" if body is None else json.dumps(body).encode()
        request = Request(method, f"/threads/{thread}{path}", (), raw)
        now = 1000.0 * self._count  # all runs end between two requests
        answer = self._api.handle(request, IdGenerator(str(self._count)), self._database, now)
        assert answer.status == 200
        assert isinstance(answer.body, bytes)
        return json.loads(answer.body)

    def command(self, method: str, thread: str = THREAD, **params: Any) -> Any:
        return self.send("POST", "/commands", {"id": 5, "method": method, "params": params}, thread)

    def start(self, **params: Any) -> Any:
        return self.command("run.start", **{"assistant_id": "chat", "input": HI, **params})

    def runs(self) -> list[Any]:
        """Return the runs of the thread, oldest first."""
        return list(reversed(self.send("GET", "/runs")))

    def interrupt(self) -> str:
        """Return the id of the interrupt at which the thread waits."""
        [interrupts] = self.send("GET", "")["interrupts"].values()
        return str(interrupts[0]["id"])


@pytest.fixture
def client() -> Client:
    return Client()


def test_a_run_is_created_as_the_server_does(client: Client) -> None:
    answer = client.start(metadata={"a": 1}, config={"tags": ["t"], "configurable": {"k": "v"}})
    [run] = client.runs()

    assert answer == {
        "type": "success",
        "id": 5,
        "result": {"run_id": run["run_id"]},
        "meta": {"applied_through_seq": 0},
    }
    kwargs = run["kwargs"]
    assert kwargs["stream_mode"] == [
        *("values", "updates", "messages", "tools", "lifecycle", "custom", "tasks", "checkpoints")
    ]
    assert (kwargs["subgraphs"], kwargs["resumable"]) == (True, True)
    assert (kwargs["config"]["tags"], kwargs["config"]["configurable"]["k"]) == (["t"], "v")
    assert (run["metadata"]["a"], run["multitask_strategy"]) == (1, "enqueue")


@pytest.mark.parametrize(
    ("given", "strategy"), [("rollback", "rollback"), ("odd", "enqueue"), (1, "enqueue")]
)
def test_the_strategy_for_several_runs_is_kept_if_it_is_one(
    client: Client, given: Any, strategy: str
) -> None:
    client.start(multitaskStrategy=given)

    assert client.runs()[0]["multitask_strategy"] == strategy


def test_parts_of_other_types_do_not_count(client: Client) -> None:
    client.start(metadata=1, config=[])

    assert client.runs()[0]["status"] == "success"


def test_an_interrupt_is_answered(client: Client) -> None:
    client.start()
    answer = client.command("input.respond", interrupt_id=client.interrupt(), response="yes")
    state = client.send("GET", "/state")

    assert (answer["type"], answer["result"]) == ("success", {})
    assert state["values"]["messages"][-1]["content"][0]["text"] == "So: yes"
    assert state["next"] == []


def test_several_interrupts_are_answered_together_or_not_at_all(client: Client) -> None:
    client.start()
    known = {"interrupt_id": client.interrupt(), "response": [1]}
    refused = client.command("input.respond", responses=[known, {"interrupt_id": "x"}])
    runs = len(client.runs())
    answer = client.command("input.respond", responses=[known], update={"notes": ["a"]})

    assert refused["error"] == "no_such_interrupt"
    assert refused["message"] == "Unknown or already-consumed interrupt: x"
    assert runs == 1
    assert answer["type"] == "success"
    assert client.send("GET", "/state")["values"]["notes"] == ["a"]


def test_on_an_interrupted_thread_the_input_is_the_answer(client: Client) -> None:
    client.start()
    client.start(input="indeed")

    assert client.runs()[1]["kwargs"]["command"] == {"resume": "indeed"}
    messages = client.send("GET", "/state")["values"]["messages"]
    assert messages[-1]["content"][0]["text"] == "So: indeed"


def test_a_run_can_fork_at_a_checkpoint(client: Client) -> None:
    client.start()
    checkpoint = client.send("GET", "/state")["checkpoint"]["checkpoint_id"]
    client.start(input=None, config={"configurable": {"checkpoint_id": checkpoint}})

    configurable = client.runs()[1]["kwargs"]["config"]["configurable"]
    assert configurable["checkpoint_id"] == checkpoint


def fork(checkpoint: Any) -> dict[str, Any]:
    return {
        "assistant_id": "chat",
        "config": {"configurable": {"checkpoint_id": checkpoint}},
    }


def tracer(value: Any) -> dict[str, Any]:
    return {"assistant_id": "chat", "langsmith_tracer": value}


@pytest.mark.parametrize(
    ("method", "params", "error", "message"),
    [
        ("odd", {}, "unknown_command", "Unknown protocol command: odd"),
        ("run.start", {}, "invalid_argument", "params.assistant_id is required"),
        (
            "run.start",
            {"assistant_id": ""},
            "invalid_argument",
            "the length of params.assistant_id",
        ),
        ("run.start", {"assistant_id": NOBODY}, "unknown_error", "404: Thread or assistant"),
        ("run.start", fork(" "), "invalid_argument", "config.configurable.checkpoint_id must be"),
        ("run.start", fork("x"), "invalid_argument", "config.configurable.checkpoint_id must be"),
        ("run.start", tracer(1), "invalid_argument", "params.langsmith_tracer must be of type"),
        ("run.start", tracer({"x": 1}), "invalid_argument", "params.langsmith_tracer.x must be"),
        ("run.start", tracer({"project_name": 1}), "invalid_argument", "params.langsmith_tracer.p"),
        ("input.respond", {}, "invalid_argument", "params.interrupt_id is required"),
        (
            "input.respond",
            {"responses": []},
            "invalid_argument",
            "the length of params.responses must be",
        ),
        (
            "input.respond",
            {"responses": [1]},
            "invalid_argument",
            "params.responses[0] must be of type",
        ),
        (
            "input.respond",
            {"responses": [{}]},
            "invalid_argument",
            "params.responses[0].interrupt_id is",
        ),
        (
            "input.respond",
            {"interrupt_id": "x", "namespace": "y"},
            "invalid_argument",
            "params.namespace must be of type array",
        ),
        ("agent.getTree", {}, "no_such_run", "No active run is bound to this thread."),
        ("subscription.reconnect", {}, "no_such_run", "No active run is bound to this thread."),
        ("subscription.subscribe", {}, "invalid_argument", "channels must be"),
        ("subscription.subscribe", {"channels": []}, "invalid_argument", "channels must be"),
        ("subscription.subscribe", {"channels": ["debug"]}, "invalid_argument", "channels must"),
        ("subscription.unsubscribe", {}, "invalid_argument", "params.subscription_id is required"),
        (
            "subscription.unsubscribe",
            {"subscription_id": "x"},
            "no_such_subscription",
            "Unknown subscription: x",
        ),
    ],
)
def test_a_command_that_cannot_be_followed_gets_an_error(
    client: Client, method: str, params: dict[str, Any], error: str, message: str
) -> None:
    answer = client.command(method, **params)

    assert (answer["type"], answer["id"], answer["error"]) == ("error", 5, error)
    assert answer["message"].startswith(message)


def test_a_tracer_is_taken(client: Client) -> None:
    client.start(langsmith_tracer={"project_name": "p"})

    configurable = client.runs()[0]["kwargs"]["config"]["configurable"]
    assert configurable["__langsmith_project__"] == "p"


def test_the_id_of_a_thread_must_be_a_uuid(client: Client) -> None:
    answer = client.command("run.start", "mine", assistant_id="chat")

    assert (answer["error"], answer["message"]) == ("unknown_error", "422: Invalid thread ID")


def test_over_http_a_subscription_has_no_effect(client: Client) -> None:
    answer = client.command("subscription.subscribe", channels=["values"])

    assert answer["result"]["replayed_events"] == 0
