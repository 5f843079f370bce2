from typing import Any

import pytest

from mockserver.fake.graph.checkpoint_store import Checkpoint, Task
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.run_errors import RunFailed
from mockserver.fake.script.model import Rule, Script, Speak
from mockserver.fake.threads.update_state import StateUpdate, create_updated_checkpoint

SCRIPT = Script((Rule((Speak("One."), Speak("Two."))),))
HUMAN = {"type": "human", "content": "hi", "id": "1"}
BASE = Checkpoint(
    identity="BASE",
    parent="BEFORE",
    namespace=(),
    outer={},
    values={"messages": [HUMAN], "n": 1},
    step=3,
    node="__start__",
    tasks=(Task("t", "agent", interrupts=({"value": "?", "id": "i"},)),),
)
AI = {"role": "ai", "content": "said"}
CALLING = {"role": "ai", "content": "", "tool_calls": [{"name": "f", "args": {}, "id": "c"}]}


def write(values: Any, node: str | None = None, base: Checkpoint | None = BASE) -> Checkpoint:
    return create_updated_checkpoint(
        StateUpdate(values, node, base), SCRIPT, "g", IdGenerator("seed"), {"graph_id": "g"}
    )


@pytest.mark.parametrize(
    ("values", "node", "source", "following"),
    [
        pytest.param({"n": 2}, None, "update", ["agent"], id="in the place of who was last"),
        pytest.param({"n": 2}, "__start__", "update", ["agent"], id="of the start"),
        pytest.param({"messages": [AI]}, "agent", "update", ["agent"], id="of the agent, who goes on"),
        pytest.param({"messages": [AI, AI]}, "agent", "update", [], id="of the agent, who is done"),
        pytest.param({"messages": [CALLING]}, "agent", "update", ["tools"], id="of the agent, who calls"),
        pytest.param({}, "tools", "update", ["agent"], id="of the tools"),
        pytest.param(None, None, "update", [], id="nothing"),
        pytest.param(None, "__end__", "update", [], id="the end"),
        pytest.param({"messages": [AI]}, "__input__", "input", ["__start__"], id="an input"),
        pytest.param(None, "__copy__", "fork", ["agent"], id="a copy"),
    ],
)  # fmt: skip
def test_what_follows_is_as_behind_the_node(
    values: Any, node: str | None, source: str, following: list[str]
) -> None:
    checkpoint = write(values, node)

    assert (checkpoint.metadata["source"], checkpoint.step, checkpoint.next_nodes) == (
        source,
        4,
        following,
    )
    assert checkpoint.parent == ("BEFORE" if node == "__copy__" else "BASE")


def test_the_values_are_merged_as_those_of_a_node() -> None:
    checkpoint = write({"messages": [{"role": "human", "content": "ho", "id": "1"}, AI], "m": 2})

    said = [(message["id"], message["content"]) for message in checkpoint.values["messages"]]
    assert said[0] == ("1", "ho")
    assert said[1][1] == "said"
    assert {name: checkpoint.values[name] for name in ("n", "m")} == {"n": 1, "m": 2}
    assert BASE.values["messages"] == [HUMAN]


def test_an_input_is_pending_first() -> None:
    checkpoint = write({"messages": [AI]}, "__input__")

    assert checkpoint.values == BASE.values
    assert checkpoint.tasks[0].input == {"messages": [AI]}


def test_the_first_update_of_a_thread_begins_it() -> None:
    assert [(write({}, node, None).step, write({}, node, None).next_nodes) for node in (None, "__input__")] == [
        (0, ["agent"]),
        (-1, ["__start__"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "node", "kind"),
    [
        ({}, "nowhere", "InvalidUpdateError"),
        ({}, "__end__", "InvalidUpdateError"),
        ({}, "__copy__", "InvalidUpdateError"),
        ([{"n": 1}], None, "InvalidUpdateError"),
        ({"messages": [5]}, None, "NotImplementedError"),
    ],
)
def test_what_makes_no_sense_is_refused(values: Any, node: str | None, kind: str) -> None:
    with pytest.raises(RunFailed) as rejected:
        write(values, node)

    assert rejected.value.kind == kind
