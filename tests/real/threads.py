"""Conversations on threads, each as a function of the server: the real one, or the fake."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tests.real.scenarios import said

Scenario = Callable[["Server"], None]

EVERYTHING = ["values", "updates", "checkpoints", "tasks", "messages-tuple", "custom", "debug"]
STATES = ["values", "updates", "checkpoints"]


class Server(Protocol):
    """A server under test."""

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Return what it answers, as JSON where it is; all answers are compared in the end."""

    def sleep(self, seconds: float) -> None:
        """Let time go by."""


def thread(to: Server, **body: Any) -> str:
    """Make a thread and return its path."""
    return f"/threads/{to.ask('POST', '/threads', body)['thread_id']}"


def run(text: str | None, *modes: str, **body: Any) -> dict[str, Any]:
    """Return the body of a run in which a human says *text*; None, for nothing."""
    given = {} if text is None else {"input": said(text)}
    return {"assistant_id": "scripted", "stream_mode": list(modes or STATES), **given, **body}


def look(to: Server, at: str) -> list[Any]:
    """Read the thread, its state and its runs; return its history."""
    to.ask("GET", at)
    to.ask("GET", f"{at}/state")
    to.ask("GET", f"{at}/runs")
    history: list[Any] = to.ask("POST", f"{at}/history", {"limit": 50})
    return history


def two_turns(to: Server) -> None:
    at = thread(to, metadata={"of": "two turns"})
    look(to, at)
    to.ask("POST", f"{at}/runs/stream", run("hi", *EVERYTHING))
    look(to, at)
    to.ask("POST", f"{at}/runs/stream", run("tools of Paris", *EVERYTHING))
    to.ask("POST", f"{at}/runs/stream", run("two messages", "events"))
    to.ask("POST", f"{at}/runs/stream", run("hi", "messages"))
    to.ask("POST", f"{at}/runs/wait", run("all in one", "values"))
    look(to, at)


def turn_in(*modes: str, text: str = "tools of Paris") -> Scenario:
    def one_more_turn(to: Server) -> None:
        at = thread(to)
        to.ask("POST", f"{at}/runs/wait", run("hi"))
        to.ask("POST", f"{at}/runs/stream", run(text, *modes, stream_resumable=True))

    return one_more_turn


def interrupted(text: str, answer: Any, **how: Any) -> Scenario:
    def interrupt_and_resume(to: Server) -> None:
        at = thread(to)
        to.ask("POST", f"{at}/runs/stream", run(text, *EVERYTHING, **how))
        look(to, at)
        to.ask("GET", f"{at}/state?subgraphs=true")
        to.ask("POST", f"{at}/runs/stream", run(None, *STATES, **how))
        resume = {"command": {"resume": answer}}
        to.ask("POST", f"{at}/runs/stream", run(None, *EVERYTHING, **how, **resume))
        look(to, at)
        to.ask("POST", f"{at}/runs/wait", run(None, **resume))
        to.ask("POST", f"{at}/runs/wait", run("hi"))
        to.ask("GET", at)

    return interrupt_and_resume


def resumed_in_events(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/stream", run("approve", "events"))
    to.ask("POST", f"{at}/runs/stream", run(None, "events", command={"resume": "yes"}))


def answered_by_id(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("interrupt"))
    [one] = to.ask("GET", f"{at}/state")["interrupts"]
    for identity in ("0" * 32, one["id"]):
        to.ask("POST", f"{at}/runs/wait", run(None, command={"resume": {identity: "send"}}))


def dropped_interrupt(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("interrupt"))
    to.ask("POST", f"{at}/runs/stream", run("hi"))
    look(to, at)


def command_beside_input(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("interrupt"))
    to.ask("POST", f"{at}/runs/wait", run(None, input={}, command={"resume": [{"type": "accept"}]}))
    to.ask("POST", f"{at}/runs/wait", run("interrupt"))
    to.ask("POST", f"{at}/runs/wait", run(None, input={}, command={"goto": "__end__"}))
    look(to, at)


def branches(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("hi"))
    to.ask("POST", f"{at}/runs/wait", run("two messages"))
    last, second, interrupted, start, end, *_ = look(to, at)
    again = {"checkpoint": interrupted["checkpoint"]}
    to.ask("POST", f"{at}/runs/stream", run(None, input=None, **again))
    to.ask("POST", f"{at}/runs/stream", run("edited", checkpoint=end["checkpoint"]))
    to.ask("POST", f"{at}/runs/stream", run(None, checkpoint_id=start["checkpoint_id"]))
    to.ask("POST", f"{at}/runs/stream", run("on", checkpoint_id=last["checkpoint_id"]))
    look(to, at)
    to.ask("GET", f"{at}/history?limit=3&before={second['checkpoint_id']}")
    to.ask("GET", f"{at}/state/{second['checkpoint_id']}")
    for place in (second["checkpoint"], {"checkpoint_id": second["checkpoint_id"]}, {}):
        to.ask("POST", f"{at}/state/checkpoint", {"checkpoint": place})


def resumed_twice(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("interrupt"))
    [head, *_] = to.ask("POST", f"{at}/history", {"limit": 1})
    for answer in ("send", "drop"):
        command = {"command": {"resume": answer}, "checkpoint": head["checkpoint"]}
        to.ask("POST", f"{at}/runs/stream", run(None, **command))
    look(to, at)


def failing(text: str, **how: Any) -> Scenario:
    def fail_and_go_on(to: Server) -> None:
        at = thread(to)
        to.ask("POST", f"{at}/runs/stream", run(text, *EVERYTHING, **how))
        look(to, at)
        to.ask("POST", f"{at}/runs/wait", run(None))
        to.ask("POST", f"{at}/runs/stream", run("hi"))
        look(to, at)

    return fail_and_go_on


def no_input(to: Server) -> None:
    for body in (
        run(None),
        run(None, input=5),
        run(None, input={}),
        run(None, command={"resume": "x"}),
        run(None, command={"goto": "agent"}),
    ):
        at = thread(to)
        to.ask("POST", f"{at}/runs/stream", body)
        look(to, at)


def commands(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("hi"))
    for command in (
        {"resume": "x"},
        {"update": {"notes": ["z"]}},
        {"goto": "agent"},
        {"goto": ["agent"], "update": {"notes": ["y"]}},
        {"update": [["count", 3]]},
    ):
        to.ask("POST", f"{at}/runs/stream", run(None, command=command))
        to.ask("POST", f"{at}/history", {"limit": 2})


def updates(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/state", {"values": said("x")})
    to.ask("POST", f"{at}/runs/wait", run("hi"))
    ai = {"role": "ai", "content": "put"}
    for body in (
        {"values": {"messages": [ai], "notes": ["n"]}},
        {"values": said("as start"), "as_node": "__start__"},
        {"values": {"messages": [ai]}, "as_node": "agent"},
        {"values": said("as tools"), "as_node": "tools"},
        {"values": None},
        {"values": None, "as_node": "__end__"},
        {"values": None, "as_node": "__copy__"},
        {"values": said("as input"), "as_node": "__input__"},
        {"values": {"notes": ["x"]}, "as_node": "nope"},
        {"values": {"notes": ["x"]}, "as_node": "__end__"},
        {"values": [{"notes": ["l"]}]},
        {},
    ):
        to.ask("POST", f"{at}/state", body)
        to.ask("GET", at)
        to.ask("POST", f"{at}/history", {"limit": 1})
    to.ask("GET", f"{at}/runs")


def updated_branches(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("two messages"))
    _, second, *_ = to.ask("POST", f"{at}/history", {"limit": 5})
    fork = {"values": {"notes": ["fork"]}}
    to.ask("POST", f"{at}/state", {**fork, "checkpoint": second["checkpoint"], "as_node": "agent"})
    to.ask("GET", at)
    to.ask("POST", f"{at}/state", {**fork, "checkpoint_id": second["checkpoint_id"]})
    look(to, at)
    to.ask("POST", f"{at}/runs/stream", run(None))
    look(to, at)


def edited_call(to: Server) -> None:
    """As a page does in which a human edits what the assistant wants to do."""
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("approve"))
    message = to.ask("GET", f"{at}/state")["values"]["messages"][-1]
    message["tool_calls"][0]["args"] = {"to": "somebody else"}
    to.ask("POST", f"{at}/state", {"values": {"messages": [message]}})
    look(to, at)
    to.ask("POST", f"{at}/runs/stream", run(None))
    to.ask("POST", f"{at}/runs/stream", run(None, command={"resume": "ok"}))
    look(to, at)


def stops(to: Server) -> None:
    for how in ({"interrupt_before": ["tools"]}, {"interrupt_after": ["agent"]}):
        at = thread(to)
        to.ask("POST", f"{at}/runs/stream", run("tools of Paris", **how))
        look(to, at)
        to.ask("POST", f"{at}/runs/wait", run(None))
        look(to, at)


def within(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/stream", run("delegate", *EVERYTHING, stream_subgraphs=True))
    look(to, at)
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("ask within"))
    state = to.ask("GET", f"{at}/state?subgraphs=true")
    inner = state["tasks"][0]["state"]["checkpoint"]
    place = {"checkpoint": {"checkpoint_ns": inner["checkpoint_ns"]}}
    to.ask("POST", f"{at}/state/checkpoint", place)
    to.ask("POST", f"{at}/history", {**place, "limit": 10})


def figures(to: Server) -> None:
    at = thread(to)
    for question in ({"question": "?"}, {"question": "again"}, {}):
        body = {"assistant_id": "figures", "input": question, "stream_mode": STATES}
        to.ask("POST", f"{at}/runs/stream", body)
    look(to, at)


def settings(to: Server) -> None:
    at = thread(to, metadata={"a": 1})
    config = {
        "configurable": {"user_id": "7", "model": "m", "n": {"x": 1}},
        "tags": ["t"],
        "metadata": {"cm": 1},
        "recursion_limit": 30,
    }
    to.ask("POST", f"{at}/runs/stream", run("hi", *EVERYTHING, config=config, metadata={"m": 2}))
    look(to, at)
    to.ask("POST", f"{at}/runs/wait", run("hi", context={"c": 1}))
    look(to, at)


def made_by_its_run(to: Server) -> None:
    at = "/threads/6ba7b810-9dad-41d1-80b4-00c04fd430c9"
    to.ask("DELETE", at)
    to.ask("POST", f"{at}/runs/wait", run("hi"))
    created = run("hi", if_not_exists="create", metadata={"m": 1}, config={"metadata": {"cm": 2}})
    to.ask("POST", f"{at}/runs/stream", created)
    look(to, at)
    to.ask("DELETE", at)


def stateless_with_thread(to: Server) -> None:
    created = to.ask("POST", "/runs", run("hi", on_completion="keep", metadata={"x": 1}))
    at = f"/threads/{created['thread_id']}"
    to.ask("GET", f"{at}/runs/{created['run_id']}/join")
    look(to, at)
    to.ask("POST", "/runs/wait", run("hi", on_completion="keep"))
    to.ask("POST", "/runs/stream", run("interrupt", *EVERYTHING, on_completion="keep"))


def at_exit(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/stream", run("tools of Paris", durability="exit"))
    to.ask("POST", f"{at}/runs/wait", run("interrupt", checkpoint_during=False))
    look(to, at)
    to.ask("POST", f"{at}/runs/wait", run(None, command={"resume": "x"}, durability="sync"))
    look(to, at)


def copied(to: Server) -> None:
    at = thread(to, metadata={"m": 1})
    to.ask("POST", f"{at}/runs/wait", run("interrupt"))
    copy = f"/threads/{to.ask('POST', f'{at}/copy')['thread_id']}"
    look(to, copy)
    to.ask("POST", f"{copy}/runs/wait", run(None, command={"resume": "send"}))
    look(to, copy)
    to.ask("GET", at)
    to.ask("DELETE", copy)
    to.ask("GET", copy)
    to.ask("PATCH", at, {"metadata": {"m": {"n": None}, "o": 2}})
    to.ask("POST", "/threads/prune", {"thread_ids": [at.removeprefix("/threads/")]})
    to.ask("GET", at)


def supersteps(to: Server) -> None:
    """The twin's own function for what follows cannot do without a run where a human has spoken; so none does."""
    ai = {"values": {"messages": [{"role": "ai", "content": "so"}]}, "as_node": "agent"}
    notes = {"values": {"notes": ["a"]}, "as_node": "agent"}
    count = {"values": {"count": 1}, "as_node": "tools"}
    several: list[list[list[Any]]] = [[[ai]], [[notes, count]], [[]]]
    for steps in several:
        body = {
            "metadata": {"graph_id": "scripted"},
            "supersteps": [{"updates": one} for one in steps],
        }
        created = to.ask("POST", "/threads", body)
        if "thread_id" in created:
            look(to, f"/threads/{created['thread_id']}")
    to.ask("POST", "/threads", {"supersteps": [{"updates": [ai]}]})


def ids_of(events: str) -> list[str]:
    """Return the ids of *events*, a stream."""
    lines = (line for line in events.split("\r\n") if line.startswith("id: "))
    return [line.removeprefix("id: ") for line in lines]


def joined(to: Server) -> None:
    at = thread(to)
    created = to.ask("POST", f"{at}/runs", run("two messages", "values", stream_resumable=True))
    one = f"{at}/runs/{created['run_id']}"
    to.ask("GET", f"{one}/join")
    to.ask("GET", one)
    events = to.ask("GET", f"{one}/stream", headers={"Last-Event-ID": "-1"})
    to.ask("GET", f"{one}/stream", headers={"Last-Event-ID": ids_of(events)[1]})
    to.ask("GET", f"{one}/stream")
    to.ask("GET", f"{one}/stream?stream_mode=updates", headers={"Last-Event-ID": "-1"})
    created = to.ask("POST", f"{at}/runs", run("fail with ValueError"))
    to.ask("GET", f"{at}/runs/{created['run_id']}/join")
    to.ask("GET", f"{at}/runs/{created['run_id']}/stream", headers={"Last-Event-ID": "-1"})
    for text in ("fail with ValueError", "fail within", "interrupt"):
        body = run(text, "values", stream_resumable=True)
        events = to.ask("POST", f"{at}/runs/stream", body)
        one = f"{at}/runs/{to.ask('GET', f'{at}/runs?limit=1')[0]['run_id']}"
        to.ask("GET", f"{one}/stream")
        for identity in ("-1", "0", "nope", *ids_of(events)):
            to.ask("GET", f"{one}/stream", headers={"Last-Event-ID": identity})
        to.ask("GET", f"{one}/join")
    at = thread(to)
    created = to.ask("POST", f"{at}/runs", run("interrupt"))
    to.ask("GET", f"{at}/runs/{created['run_id']}/join")
    to.ask("GET", f"{at}/runs?status=success&select=status&select=run_id")
    to.ask("GET", f"{at}/runs?limit=0")
    to.ask("DELETE", f"{at}/runs/{created['run_id']}")
    to.ask("GET", f"{at}/runs")
    to.ask("POST", f"{at}/history", {})


def busy(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("hi"))
    created = to.ask("POST", f"{at}/runs", run("now and then", "custom", "values"))
    one = f"{at}/runs/{created['run_id']}"
    to.sleep(4.5)
    to.ask("GET", at)
    to.ask("GET", one)
    to.ask("GET", f"{at}/state")
    to.ask("POST", f"{at}/runs/wait", run("hi", multitask_strategy="reject"))
    to.ask("POST", f"{one}/cancel?wait=true")
    to.ask("GET", at)
    to.ask("GET", one)
    to.ask("POST", f"{at}/history", {"limit": 2})
    to.ask("POST", f"{one}/cancel")
    to.ask("GET", f"{one}/join")
    to.ask("POST", f"{at}/runs/wait", run("hi", "values"))
    look(to, at)


def cancelled_and_joined(to: Server) -> None:
    at = thread(to)
    created = to.ask("POST", f"{at}/runs", run("silence", "values", stream_resumable=True))
    one = f"{at}/runs/{created['run_id']}"
    to.sleep(2.5)
    to.ask("POST", f"{one}/cancel?wait=true")
    for headers in ({}, {"Last-Event-ID": "-1"}, {"Last-Event-ID": "nope"}):
        to.ask("GET", f"{one}/stream", headers=headers)
    to.ask("GET", f"{one}/join")


def rolled_back(to: Server) -> None:
    at = thread(to)
    to.ask("POST", f"{at}/runs/wait", run("hi"))
    created = to.ask("POST", f"{at}/runs", run("silence"))
    to.sleep(2.5)
    to.ask("POST", f"{at}/runs/{created['run_id']}/cancel?wait=true&action=rollback")
    to.ask("GET", f"{at}/runs/{created['run_id']}")
    look(to, at)


def replaced(strategy: str) -> Scenario:
    def replace(to: Server) -> None:
        at = thread(to)
        to.ask("POST", f"{at}/runs", run("silence"))
        to.sleep(2.5)
        to.ask("POST", f"{at}/runs/stream", run("hi", multitask_strategy=strategy))
        to.ask("GET", f"{at}/runs?select=status&select=multitask_strategy")
        look(to, at)

    return replace


def delayed(strategy: str) -> Scenario:
    def delay(to: Server) -> None:
        at = thread(to)
        late = to.ask("POST", f"{at}/runs", run("late", after_seconds=100_000))
        to.ask("POST", f"{at}/runs/wait", run("hi", multitask_strategy=strategy))
        to.ask("GET", f"{at}/runs/{late['run_id']}")
        look(to, at)
        later = to.ask("POST", f"{at}/runs", run("later", after_seconds=200_000))
        to.ask("POST", f"{at}/runs", run("less late", after_seconds=50_000))
        to.ask("GET", f"{at}/runs?select=status&select=run_id")
        to.ask("POST", f"{at}/runs/{later['run_id']}/cancel?wait=true")
        to.ask("GET", f"{at}/runs?select=status&select=run_id")
        to.ask("DELETE", at)

    return delay


def waits(to: Server) -> None:
    at = thread(to)
    for mode in ("updates", "messages-tuple"):
        for text in ("hi", "fail with ValueError", "interrupt"):
            to.ask("POST", f"{at}/runs/wait", run(text, mode))


SCENARIOS: dict[str, Scenario] = {
    "two turns": two_turns,
    **{
        f"a turn in {mode}": turn_in(mode)
        for mode in ("values", "updates", "messages", "messages-tuple", "events", "debug", "tasks")
    },
    "a turn in checkpoints": turn_in("checkpoints", "custom"),
    "a turn in many modes": turn_in("values", "messages-tuple", "updates", "custom"),
    "a message": interrupted("interrupt", "send"),
    "a tool": interrupted("approve", {"ok": True}),
    "the first thing": interrupted("ask first", "me"),
    "a graph within": interrupted("ask within", "yes", stream_subgraphs=True),
    "a graph within, unseen": interrupted("ask within", "yes"),
    "resume in events": resumed_in_events,
    "answer by id": answered_by_id,
    "drop an interrupt": dropped_interrupt,
    "a command beside an input": command_beside_input,
    "branches": branches,
    "resume twice": resumed_twice,
    "fail": failing("fail with ValueError"),
    "fail at once": failing("fail at once"),
    "fail within": failing("fail within", stream_subgraphs=True),
    "no input": no_input,
    "commands": commands,
    "updates": updates,
    "updates of branches": updated_branches,
    "an edited call": edited_call,
    "stops": stops,
    "within": within,
    "figures": figures,
    "settings": settings,
    "a thread that its run makes": made_by_its_run,
    "a stateless run with its thread": stateless_with_thread,
    "durability": at_exit,
    "a copy": copied,
    "supersteps": supersteps,
    "joins": joined,
    "joins after a cancellation": cancelled_and_joined,
    "waits": waits,
    "busy": busy,
    "rollback": rolled_back,
    "replace a run by interrupt": replaced("interrupt"),
    "replace a run by rollback": replaced("rollback"),
    "wait for a run": replaced("enqueue"),
    **{f"delay a run: {how}": delayed(how) for how in ("reject", "interrupt")},
}
