from typing import Any

import pytest

from mockserver.fake.graph.checkpoint_store import History
from mockserver.fake.graph.checkpointer import Checkpointer
from mockserver.fake.graph.metadata import Scope
from mockserver.fake.graph.stream_modes import StreamModes
from mockserver.fake.script.model import Script
from tests.fake.plays import IDS, Log, run_request

RESEARCHER = Scope("R", (), (), "researcher", 2, "T")
AGENT = Scope("R", ("researcher:T",), (), "agent", 1, "U")


class Saved:
    """Checkpoints, and the events they have sent."""

    def __init__(self, *modes: str, **given: Any) -> None:
        request = run_request("hi", *modes, **{"on_completion": "keep", "subgraphs": True, **given})
        self.log = Log()
        self.checkpointer = Checkpointer(
            request, IDS, Script(), History(), self.log, StreamModes(request, IDS, self.log)
        )

    def play(self) -> list[tuple[str, Any]]:
        """Save what a graph and the graph within it do."""
        state = {"messages": [], "n": 1}
        self.checkpointer.save_input((), state)
        self.checkpointer.save_step((), 0, state, RESEARCHER)
        self.checkpointer.save_input(RESEARCHER.path, {"n": 1})
        self.checkpointer.save_step(RESEARCHER.path, 0, {"n": 1}, AGENT)
        self.checkpointer.save_step(RESEARCHER.path, 1, {"n": 2}, None)
        self.checkpointer.save_step((), 1, {"n": 2}, None)
        return self.log.shown


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"on_completion": "delete"}, id="of a thread that is deleted"),
        pytest.param({"modes": ("values",)}, id="in another mode"),
    ],
)
def test_there_are_no_checkpoints(given: Any) -> None:
    assert Saved("checkpoints", "debug", **given).play() == []


def test_each_step_is_saved() -> None:
    events = Saved("checkpoints").play()

    assert [
        (name, one["values"], one["metadata"]["source"], one["metadata"]["step"], one["next"])
        for name, one in events
    ] == [
        ("checkpoints", {"messages": []}, "input", -1, ["__start__"]),
        ("checkpoints", {"messages": [], "n": 1}, "loop", 0, ["researcher"]),
        ("checkpoints|researcher:T", {}, "input", -1, ["__start__"]),
        ("checkpoints|researcher:T", {"n": 1}, "loop", 0, ["agent"]),
        ("checkpoints|researcher:T", {"n": 2}, "loop", 1, []),
        ("checkpoints", {"n": 2}, "loop", 1, []),
    ]


def test_each_checkpoint_names_the_one_before() -> None:
    events = [one for _, one in Saved("checkpoints").play()]
    made = [one["config"]["configurable"]["checkpoint_id"] for one in events]
    parents = [(one["parent_config"] or {}).get("configurable", {}) for one in events]

    assert len(set(made)) == 6
    assert [parent.get("checkpoint_id") for parent in parents] == [
        None,
        made[0],
        None,
        made[2],
        made[3],
        made[1],
    ]


def test_a_graph_within_maps_its_checkpoints_to_those_around_it() -> None:
    events = [one for _, one in Saved("checkpoints", config={"configurable": {"a": 1}}).play()]
    made = [one["config"]["configurable"]["checkpoint_id"] for one in events]

    assert events[0]["config"] == {
        "configurable": {"checkpoint_ns": "", "a": 1, "checkpoint_id": made[0]}
    }
    assert events[0]["metadata"]["parents"] == {}
    assert events[3]["config"] == {
        "configurable": {
            "checkpoint_ns": "researcher:T",
            "a": 1,
            "checkpoint_map": {"": made[1], "researcher:T": made[3]},
            "checkpoint_id": made[3],
        }
    }
    assert events[3]["metadata"]["parents"] == {"": made[1]}


def test_a_task_that_is_a_graph_says_where_its_checkpoints_are() -> None:
    events = [one for _, one in Saved("checkpoints").play()]
    where = {"thread_id": "THREAD", "checkpoint_ns": "researcher:T"}

    assert events[1]["tasks"] == [
        {"id": "T", "name": "researcher", "interrupts": [], "state": {"configurable": where}}
    ]
    assert events[3]["tasks"] == [{"id": "U", "name": "agent", "interrupts": [], "state": None}]


def test_debug_says_more() -> None:
    saved = [one for _, one in Saved("checkpoints").play()]
    debug = [one for _, one in Saved("debug").play()]
    full = [one["payload"] for one in debug]
    made = [one["config"]["configurable"]["checkpoint_id"] for one in full]

    assert [(one["type"], one["step"]) for one in debug] == [
        ("checkpoint", step) for step in (-1, 0, -1, 0, 1, 1)
    ]
    assert [
        {**one, "tasks": None, "checkpoint": None, "parent_checkpoint": None} for one in full
    ] == [{**one, "tasks": None, "checkpoint": None, "parent_checkpoint": None} for one in saved]
    assert (full[0]["checkpoint"], full[0]["parent_checkpoint"]) == (
        {"checkpoint_id": made[0], "thread_id": "THREAD", "checkpoint_ns": ""},
        None,
    )
    assert full[3]["parent_checkpoint"] == {
        "checkpoint_id": made[2],
        "thread_id": "THREAD",
        "checkpoint_ns": "researcher:T",
        "checkpoint_map": {"": made[1], "researcher:T": made[2]},
    }
    assert full[1]["tasks"] == [
        {
            "id": "T",
            "name": "researcher",
            "interrupts": [],
            "checkpoint": {"thread_id": "THREAD", "checkpoint_ns": "researcher:T"},
        }
    ]
    assert full[3]["tasks"] == [{"id": "U", "name": "agent", "interrupts": [], "state": None}]
