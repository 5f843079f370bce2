"""Where a run on a thread begins, and what it says there; `tests/real` holds the same beside the real server."""

import re
from typing import Any

import pytest

from mockserver.fake.graph.checkpoint_store import Checkpoint, History
from mockserver.fake.graph.event_log import EventLog
from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.script.model import (
    Delegate,
    Fail,
    Interrupt,
    Rule,
    Script,
    Speak,
    Step,
    ToolCall,
)
from tests.fake.plays import run_request


def rule(human: str, *steps: Step) -> Rule:
    return Rule(steps, re.compile(human))


CALL = ToolCall("send", {"to": "x"}, "Sent: {answer}", ask="Send?")
SCRIPT = Script(
    (
        rule("twice", Interrupt("One?"), Interrupt("Two?"), Speak("So: {answer}")),
        rule("ask", Speak("Well."), Interrupt("?"), Speak("So: {answer}")),
        rule("tool", Speak("Let me.", calls=(CALL,)), Speak("Done.")),
        rule("within", Speak("Over."), Delegate((Interrupt("In?"), Speak("In: {answer}"))), Speak("Back.")),
        rule("fail", Speak("So far."), Fail("ValueError", "no")),
        rule("", Speak("Turn {turn}.")),
    )
)  # fmt: skip


class Thread:
    """A history, and runs on it."""

    def __init__(self) -> None:
        self.history = History()
        self.count = 0

    def run(self, said: Any = None, *modes: str, **given: Any) -> EventLog:
        self.count += 1
        what = {"input": None} if said is None else {"input": {"messages": said}}
        request = run_request(
            "", *(modes or ("updates",)), **{"on_existing_thread": True, **what, **given}
        )
        return RunEngine(SCRIPT).play(
            request, IdGenerator(f"seed {self.count}", 0, self.count), self.history
        )

    def resume(self, answer: Any, *modes: str, **given: Any) -> EventLog:
        return self.run(None, *modes, command={"resume": answer}, **given)

    @property
    def head(self) -> Checkpoint:
        head = self.history.head()
        assert head is not None
        return head

    @property
    def said(self) -> list[str]:
        return [message["content"] for message in self.head.values["messages"]]

    @property
    def points(self) -> list[tuple[int, str, list[str]]]:
        return [
            (one.step, one.metadata["source"], one.next_nodes) for one in self.history.latest()
        ][::-1]


@pytest.fixture
def thread() -> Thread:
    return Thread()


def names(played: EventLog) -> list[str]:
    return [event.name for event in played.events]


def test_a_turn_goes_on_from_the_one_before(thread: Thread) -> None:
    thread.run("hi")
    thread.run("ho")

    assert thread.said == ["hi", "Turn 1.", "ho", "Turn 2."]
    assert thread.points == [
        (-1, "input", ["__start__"]),
        (0, "loop", ["agent"]),
        (1, "loop", []),
        (2, "input", ["__start__"]),
        (3, "loop", ["agent"]),
        (4, "loop", []),
    ]


def test_each_checkpoint_names_the_one_before(thread: Thread) -> None:
    thread.run("hi")
    thread.run("ho")

    points = list(thread.history.latest())
    assert [one.parent for one in points] == [*(one.identity for one in points[1:]), None]


def test_an_interrupt_is_resumed_where_it_was(thread: Thread) -> None:
    thread.run("ask")
    [task] = thread.head.tasks
    thread.resume("yes")

    assert thread.said == ["ask", "Well.", "So: yes"]
    before = thread.history.get(thread.head.parent or "")
    assert before is not None
    [same] = before.tasks
    assert (same.identity, same.interrupts, same.answers) == (task.identity, task.interrupts, ("yes",))  # fmt: skip
    assert same.result is not None


def test_two_interrupts_of_a_task_are_answered_one_after_the_other(thread: Thread) -> None:
    thread.run("twice")
    thread.resume("a")
    [task] = thread.head.tasks
    assert ([one["value"] for one in task.interrupts], task.answers) == (["Two?"], ("a",))
    thread.resume("b")

    assert thread.said == ["twice", "So: b"]


def test_an_answer_may_name_its_interrupt(thread: Thread) -> None:
    thread.run("ask")
    [one] = thread.head.tasks[0].interrupts
    thread.resume({"0" * 32: "no"})
    assert thread.head.next_nodes == ["agent"]
    thread.resume({one["id"]: {"ok": True}})

    assert thread.said[-1] == 'So: {"ok": true}'


def test_an_interrupted_tool_runs_when_it_is_resumed(thread: Thread) -> None:
    thread.run("tool")
    assert thread.head.next_nodes == ["tools"]
    thread.resume("go")

    assert thread.said == ["tool", "Let me.", "Sent: go", "Done."]


def test_a_graph_within_goes_on_where_it_was(thread: Thread) -> None:
    thread.run("within", subgraphs=True)
    [task] = thread.head.tasks
    inner = thread.history.head((f"researcher:{task.identity}",))
    assert inner is not None
    assert (inner.next_nodes, inner.outer) == (["agent"], {"": thread.head.identity})
    thread.resume("well", subgraphs=True)

    assert thread.said == ["within", "Over.", "In: well", "Back."]


def test_an_answer_that_nobody_waits_for_changes_nothing(thread: Thread) -> None:
    thread.run("hi")
    played = thread.resume("what?", "values")

    assert names(played) == ["metadata", "values"]
    assert thread.said == ["hi", "Turn 1."]


def test_nothing_to_answer_at_all_is_an_error(thread: Thread) -> None:
    played = thread.resume("what?")

    assert played.error is not None
    assert played.error.payload == {"error": "TypeError", "message": "there is no interrupt to resume"}  # fmt: skip
    assert thread.head.tasks[0].error == "TypeError('there is no interrupt to resume')"


def test_a_new_turn_drops_the_interrupt(thread: Thread) -> None:
    thread.run("ask")
    thread.run("hi")

    assert thread.said == ["ask", "Well.", "hi", "Turn 2."]
    assert thread.head.next_nodes == []


def test_what_failed_is_tried_again_without_an_input(thread: Thread) -> None:
    thread.run("fail")
    assert thread.head.tasks[0].error == "ValueError('no')"
    before = thread.points
    played = thread.run(None)

    assert played.error is not None
    assert thread.points == before


def test_a_stop_that_was_wanted_does_not_stop_again(thread: Thread) -> None:
    for how in ({"interrupt_before": ["agent"]}, {"interrupt_before": "*"}):
        one = Thread()
        one.run("hi", **how)
        assert one.head.next_nodes == ["agent"]
        one.run(None, **how)
        assert one.said == ["hi", "Turn 1."]


def test_a_branch_begins_at_the_checkpoint_that_is_named(thread: Thread) -> None:
    thread.run("hi")
    first = thread.head
    thread.run("ho")
    named = {"config": {"configurable": {"checkpoint_id": first.identity}}}
    thread.run("other", **named)

    assert thread.said == ["hi", "Turn 1.", "other", "Turn 2."]
    branch = list(thread.history.latest())[2]
    assert (branch.metadata["source"], branch.step, branch.parent) == ("input", 2, first.identity)


def test_an_answer_is_made_again_on_a_branch(thread: Thread) -> None:
    thread.run("hi")
    asked_for, start = list(thread.history.latest())[1:3]
    for point, source in ((asked_for, "fork"), (start, "fork")):
        named = {"config": {"configurable": {"checkpoint_id": point.identity}}}
        thread.run(None, **named)
        assert thread.said == ["hi", "Turn 1."]
        fork = next(one for one in thread.history.latest() if one.parent == point.identity)
        assert (fork.metadata["source"], fork.step, fork.next_nodes) == (
            source,
            point.step + 1,
            point.next_nodes,
        )


def test_a_checkpoint_that_there_is_not_is_the_beginning(thread: Thread) -> None:
    thread.run("hi")
    thread.run("ho", config={"configurable": {"checkpoint_id": "unknown"}})

    assert thread.said == ["ho", "Turn 1."]


def test_a_command_changes_the_state_and_goes_somewhere(thread: Thread) -> None:
    thread.run("hi")
    update = {"messages": [{"role": "human", "content": "more"}], "n": 1}
    thread.run(None, command={"update": update})
    assert (thread.said, thread.head.values["n"]) == (["hi", "Turn 1.", "more"], 1)
    thread.run(None, command={"goto": "agent"})
    assert thread.said == ["hi", "Turn 1.", "more", "Turn 2."]
    played = thread.run(None, "values", command={"goto": "nowhere"})
    assert names(played) == ["metadata", "values"]


def test_only_the_last_checkpoint_is_saved_at_exit(thread: Thread) -> None:
    thread.run("hi")
    thread.run("ask", durability="exit")

    assert [step for step, *_ in thread.points] == [-1, 0, 1, 4]
    assert thread.head.parent == list(thread.history.latest())[1].identity


def test_a_run_that_is_deleted_on_completion_saves_nothing() -> None:
    history = History()
    played = RunEngine(SCRIPT).play(run_request("hi", "checkpoints"), IdGenerator("seed"), history)

    assert (history.head(), list(played.checkpoints), names(played)) == (None, [], ["metadata"])
