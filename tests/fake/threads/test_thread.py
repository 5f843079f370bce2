"""A thread as time goes by: which run is on, what the thread has come to, and what becomes of what is cancelled."""

import re
from typing import Any

import pytest

from mockserver.fake.graph.graph import RunEngine
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.script.model import (
    Fail,
    Interrupt,
    Pause,
    Rule,
    Script,
    ScriptPace,
    Speak,
    Step,
)
from mockserver.fake.threads.run_readers import (
    CLIENT_LEFT,
    RunOutcomeReader,
    RunStreamReader,
    build_thread_outcome,
)
from mockserver.fake.threads.thread import MAX_CHECKPOINTS, MAX_RUNS, Action, Run, Thread
from tests.fake.plays import run_request

WHY = "because"


def rule(human: str, *steps: Step) -> Rule:
    return Rule(steps, re.compile(human))


SCRIPT = Script(
    (
        rule("slow", Speak("One."), Pause(4.0), Speak("Two.")),
        rule("fail", Speak("So far."), Fail("ValueError", "no")),
        rule("ask", Speak("Well."), Interrupt("?"), Speak("So: {answer}")),
        rule("", Speak("Hi.")),
    ),
    ScriptPace(first=1.0, token=0.0),
)
"""Each message takes a second."""


class Clock:
    """A thread, and who looks at it at which moment."""

    def __init__(self) -> None:
        state: dict[str, Any] = {
            "thread_id": "T",
            "status": "idle",
            "metadata": {},
            "config": {},
            "values": None,
        }
        self.thread = Thread(state)
        self.runs = RunEngine(SCRIPT)
        self.count = 0

    def add(self, said: Any, now: float, *modes: str, delay: float = 0.0, **given: Any) -> Run:
        self.count += 1
        name = f"R{self.count}"
        what = {"input": {"messages": said}} if said is not None else {"input": None}
        request = run_request(
            "", *modes, **{"on_existing_thread": True, "run_id": name, **what, **given}
        )
        run = Run(request, IdGenerator(name), {"updated_at": name}, now + delay)
        self.thread.add(run, self.runs.play, now)
        return run

    def at(self, now: float) -> dict[str, Any]:
        """Return the thread as the API shows it at the moment *now*."""
        self.thread.advance(self.runs.play, now)
        return self.thread.record

    def said(self, now: float) -> list[str]:
        return [message["content"] for message in (self.at(now)["values"] or {"messages": []})["messages"]]  # fmt: skip

    def cancel(self, run: Run, now: float, action: Action = Action.INTERRUPT, why: str | None = WHY) -> None:  # fmt: skip
        self.at(now)
        self.thread.cancel(run, action, now, why)
        self.at(now)

    def stream(self, run: Run, **how: Any) -> RunStreamReader:
        return RunStreamReader(self.thread, run, self.runs.play, **how)

    def outcome(self, run: Run, **how: Any) -> RunOutcomeReader:
        return RunOutcomeReader(self.thread, run, self.runs.play, **how)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class TestTime:
    def test_a_run_takes_its_time(self, clock: Clock) -> None:
        run = clock.add("hi", 100.0)

        assert (run.status, clock.at(100.0)["status"], clock.said(100.9)) == ("running", "busy", [])
        assert (clock.said(101.0), run.status) == (["hi", "Hi."], "success")
        assert clock.thread.record["status"] == "idle"

    def test_its_state_grows_with_it(self, clock: Clock) -> None:
        clock.add("slow", 0.0)

        def steps(now: float) -> list[int]:
            clock.at(now)
            return [one.step for one in clock.thread.history.latest()]

        assert [steps(now) for now in (0.0, 0.9, 1.0, 9.0)] == [[0, -1], [0, -1], [1, 0, -1], [2, 1, 0, -1]]  # fmt: skip

    def test_runs_wait_for_each_other(self, clock: Clock) -> None:
        one, two = clock.add("hi", 0.0), clock.add("hi", 0.5)

        assert (clock.at(0.9)["status"], one.status, two.status) == ("busy", "running", "pending")
        assert (clock.at(1.0)["status"], one.status, two.status) == ("busy", "success", "running")
        assert (clock.said(2.0), two.started_at) == (["hi", "Hi.", "hi", "Hi."], 1.0)

    def test_a_run_may_begin_later(self, clock: Clock) -> None:
        run = clock.add("hi", 0.0, delay=5.0)

        assert (clock.at(4.9)["status"], run.status) == ("busy", "pending")
        assert clock.said(6.0) == ["hi", "Hi."]
        assert (run.started_at, run.ended_at) == (5.0, 6.0)

    def test_a_run_does_not_wait_for_one_that_is_due_later(self, clock: Clock) -> None:
        late, later, run = (
            clock.add(said, 0.0, delay=at) for said, at in (("b", 5.0), ("c", 9.0), ("a", 0.0))
        )

        assert (clock.at(0.5)["status"], run.status, late.status) == ("busy", "running", "pending")
        assert (clock.at(1.0)["status"], run.status, late.status) == ("busy", "success", "pending")
        behind = clock.add("d", 9.0)
        assert clock.said(99.0)[::2] == ["a", "b", "c", "d"]
        assert [one.started_at for one in (late, later, behind)] == [5.0, 9.0, 10.0]

    def test_a_delayed_run_waits_for_one_that_is_on(self, clock: Clock) -> None:
        clock.add("slow", 0.0)
        late, run = clock.add("hi", 0.0, delay=3.0), clock.add("hi", 4.0)

        clock.at(99.0)
        assert (late.started_at, run.started_at) == (6.0, 7.0)

    def test_what_nobody_looks_at_happens_all_the_same(self, clock: Clock) -> None:
        clock.add("hi", 0.0)
        last = clock.add("slow", 0.0, delay=50.0)

        assert clock.said(1e9) == ["hi", "Hi.", "slow", "One.", "Two."]
        assert last.ended_at == 56.0

    def test_times_go_on_behind_what_has_happened(self, clock: Clock) -> None:
        clock.add("slow", 0.0)
        clock.add("hi", 0.0)
        clock.at(100.0)

        times = [one.created_at for one in clock.thread.history.latest()]
        assert times == sorted(times, reverse=True)
        ids = [one.identity for one in clock.thread.history.latest()]
        assert ids == sorted(ids, reverse=True)

    def test_old_runs_and_checkpoints_are_forgotten(self, clock: Clock) -> None:
        for number in range(MAX_CHECKPOINTS // 3 + 10):
            clock.add("hi", number * 10.0, interrupt_before="*")
            clock.at(number * 10.0 + 9)

        assert len(clock.thread.runs) == MAX_RUNS
        assert len(list(clock.thread.history.latest())) <= MAX_CHECKPOINTS


class TestRest:
    def test_an_error_stays_until_the_next_run(self, clock: Clock) -> None:
        run = clock.add("fail", 0.0)

        state = clock.at(9.0)
        assert (run.status, state["status"]) == ("error", "error")
        assert state["error"] == {"error": "ValueError", "message": "no"}
        assert clock.said(9.0) == ["fail", "So far."]
        clock.add("hi", 10.0)
        assert clock.at(20.0) == clock.at(20.0) | {"status": "idle", "error": None}

    def test_an_interrupt_stays_until_it_is_answered(self, clock: Clock) -> None:
        run = clock.add("ask", 0.0)

        state = clock.at(9.0)
        [(task, [one])] = state["interrupts"].items()
        assert (run.status, state["status"], one["value"]) == ("success", "interrupted", "?")
        head = clock.thread.history.head()
        assert head is not None
        assert [one.identity for one in head.tasks] == [task]
        clock.add(None, 10.0, command={"resume": "yes"})
        assert (clock.said(20.0)[-1], clock.at(20.0)["interrupts"]) == ("So: yes", {})

    def test_a_missing_state_is_not_shown(self, clock: Clock) -> None:
        clock.add(None, 0.0)

        state = clock.at(1.0)
        assert state["values"] is None
        assert "interrupts" not in state
        assert state["error"]["error"] == "EmptyInputError"


class TestCancel:
    def test_what_was_done_stays(self, clock: Clock) -> None:
        run = clock.add("slow", 0.0)
        clock.cancel(run, 3.5)

        state = clock.at(99.0)
        assert (run.status, run.ended_at, state["status"]) == ("interrupted", 3.5, "interrupted")
        assert state["error"] == {"error": "UserInterrupt", "message": WHY}
        assert clock.said(99.0) == ["slow", "One."]
        head = clock.thread.history.head()
        assert head is not None
        assert [task.error for task in head.tasks] == ["CancelledError()"]

    def test_nothing_stays_of_what_is_rolled_back(self, clock: Clock) -> None:
        clock.add("hi", 0.0)
        run = clock.add("slow", 10.0)
        clock.cancel(run, 13.5, Action.ROLLBACK)

        state = clock.at(99.0)
        assert (list(clock.thread.runs), state["status"]) == (["R1"], "idle")
        assert state["error"] == {"error": "UserRollback", "message": WHY}
        assert clock.said(99.0) == ["hi", "Hi."]

    def test_what_waits_begins_then(self, clock: Clock) -> None:
        first, second = clock.add("slow", 0.0), clock.add("hi", 0.0)
        clock.cancel(first, 2.0)

        assert (second.status, second.started_at) == ("running", 2.0)

    def test_what_has_not_begun_just_goes(self, clock: Clock) -> None:
        first, second = clock.add("slow", 0.0), clock.add("hi", 0.0)
        clock.cancel(second, 1.0)

        assert (first.status, second.status) == ("running", "interrupted")
        assert clock.said(99.0) == ["slow", "One.", "Two."]
        assert clock.at(99.0)["error"] is None

    def test_what_takes_its_place_is_no_error(self, clock: Clock) -> None:
        run = clock.add("slow", 0.0)
        clock.cancel(run, 3.5, why=None)

        assert clock.at(3.5)["error"] is None
        head = clock.thread.history.head()
        assert head is not None
        assert [task.error for task in head.tasks] == [None]

    def test_a_subscriber_is_notified(self, clock: Clock) -> None:
        run, calls = clock.add("slow", 0.0), []
        reader = clock.stream(run)
        ignore = reader.subscribe(lambda: calls.append("changed"))
        clock.cancel(run, 1.0)
        ignore()
        clock.cancel(clock.add("slow", 2.0), 3.0)

        assert calls == ["changed"]


def names(raw: bytes) -> list[str]:
    return [line.removeprefix("event: ") for line in raw.decode().split("\r\n") if line.startswith("event: ")]  # fmt: skip


class TestReaders:
    def test_a_stream_sends_each_event_at_its_time(self, clock: Clock) -> None:
        reader = clock.stream(clock.add("hi", 0.0, "values"))

        first, after = reader.read(0.0)
        assert (names(first), after) == (["metadata", "values"], 1.0)
        assert reader.read(0.5) == (b"", 1.0)
        last, end = reader.read(1.0)
        assert (names(last), end) == (["values"], None)
        assert reader.read(2.0) == (b"", None)

    def test_all_comes_at_once_to_who_comes_late(self, clock: Clock) -> None:
        raw, end = clock.stream(clock.add("slow", 0.0, "updates")).read(1e6)

        assert (names(raw), end) == (["metadata", "updates", "updates"], None)

    def test_one_waits_until_the_run_begins(self, clock: Clock) -> None:
        clock.add("hi", 0.0)
        reader = clock.stream(clock.add("hi", 0.0, "updates"))

        assert reader.read(0.5) == (b"", 1.0)
        raw, after = reader.read(1.0)
        assert (names(raw), after) == (["metadata"], 2.0)

    def test_one_waits_for_a_run_that_begins_later(self, clock: Clock) -> None:
        reader = clock.stream(clock.add("hi", 0.0, delay=3.0))

        assert reader.read(0.5) == (b"", 3.0)

    def test_nothing_comes_behind_a_cancellation(self, clock: Clock) -> None:
        run = clock.add("slow", 0.0, "updates")
        reader = clock.stream(run)
        reader.read(0.0)
        clock.cancel(run, 3.5)

        raw, end = reader.read(99.0)
        assert (names(raw), end) == (["updates"], None)

    def test_nothing_comes_of_what_never_began(self, clock: Clock) -> None:
        clock.add("slow", 0.0)
        run = clock.add("hi", 0.0)
        reader = clock.stream(run)
        clock.cancel(run, 1.0)

        assert reader.read(2.0) == (b"", None)

    def test_one_may_begin_later_and_hear_of_some_alone(self, clock: Clock) -> None:
        run = clock.add("slow", 0.0, "updates", "values")

        assert names(clock.stream(run, position=2).read(99.0)[0]) == ["updates", "values"] * 2
        assert names(clock.stream(run, names={"values"}).read(99.0)[0]) == ["values"] * 3
        assert clock.stream(run, names=()).read(99.0)[0] == b""

    def test_an_outcome_comes_at_the_end(self, clock: Clock) -> None:
        reader = clock.outcome(clock.add("hi", 0.0))

        assert reader.read(0.5) == (b"", 1.0)
        raw, end = reader.read(1.0)
        assert (raw[:13], end) == (b'{"messages":[', None)

    def test_a_run_without_a_state_returns_that_of_the_thread(self, clock: Clock) -> None:
        reader = clock.outcome(clock.add("hi", 0.0, "custom"))

        assert reader.read(5.0)[0] == build_thread_outcome(clock.thread)
        assert b"Hi." in build_thread_outcome(clock.thread)

    def test_the_outcome_of_a_thread_is_where_it_stands(self, clock: Clock) -> None:
        clock.add("ask", 0.0, "values")
        clock.at(9.0)

        assert build_thread_outcome(clock.thread).startswith(b'{"__interrupt__":[{"id":')
        clock.add("fail", 10.0)
        clock.at(99.0)
        assert build_thread_outcome(clock.thread) == b'{"__error__":{"error":"ValueError","message":"no"}}'  # fmt: skip

    @pytest.mark.parametrize(("cancels", "status"), [(True, "interrupted"), (False, "running")])
    def test_a_run_is_cancelled_with_its_client_on_request(
        self, clock: Clock, cancels: bool, status: str
    ) -> None:
        run = clock.add("slow", 0.0)
        clock.stream(run, cancels=cancels).client_left(2.0)

        assert run.status == status
        assert (clock.thread.record.get("error") or {}).get("message") == (
            CLIENT_LEFT if cancels else None
        )

    def test_who_leaves_at_the_end_changes_nothing(self, clock: Clock) -> None:
        run = clock.add("hi", 0.0)
        clock.stream(run, cancels=True).client_left(2.0)

        assert run.status == "success"
