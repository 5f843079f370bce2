from typing import Any

from mockserver.fake.graph.checkpoint_store import Checkpoint, History, Task


def point(identity: str, *namespace: str, run: str = "R", **given: Any) -> Checkpoint:
    made: dict[str, Any] = {
        "identity": identity,
        "parent": None,
        "namespace": namespace,
        "outer": {},
        "values": {},
        "step": 0,
        "node": "agent",
        "metadata": {"run_id": run, "thread_id": "T"},
        **given,
    }
    return Checkpoint(**made)


def test_the_last_checkpoint_of_each_graph_is_its_head() -> None:
    history = History()
    for one in (point("a"), point("b", "x:1"), point("c"), point("d", "x:1")):
        history.put(one)

    heads = [history.head(), history.head(("x:1",)), history.head(("y:1",))]
    assert [head and head.identity for head in heads] == ["c", "d", None]
    assert [one.identity for one in history.latest()] == ["c", "a"]


def test_more_that_is_known_takes_the_place_of_what_was() -> None:
    history = History()
    history.put(point("a", tasks=(Task("t", "agent"), Task("u", "tools"))))
    history.put(point("b"))
    first = history.get("a")
    assert first is not None

    history.put(first.with_task("t", result={"n": 1}, error=None))

    assert [one.identity for one in history.latest()] == ["b", "a"]
    changed = history.get("a")
    assert changed is not None
    assert [task.result for task in changed.tasks] == [{"n": 1}, None]
    assert [task.result for task in first.tasks] == [None, None]


def test_the_first_result_stays() -> None:
    one = point("a", tasks=(Task("t", "agent", result={"n": 1}),))

    [task] = one.with_task("t", result={"n": 2}, error="x").tasks

    assert (task.result, task.error) == ({"n": 1}, "x")


def test_a_copy_goes_its_own_way() -> None:
    history = History()
    history.put(point("a"))
    copy = history.copy()
    copy.put(point("b"))

    assert history.get("b") is None
    assert copy.get("a") is not None


def test_the_checkpoints_of_a_run_can_be_removed() -> None:
    history = History()
    for one in (point("a", run="R"), point("b", run="S"), point("c", "x:1", run="S")):
        history.put(one)
    history.drop_run("S")

    assert [history.get(name) is not None for name in "abc"] == [True, False, False]


def test_a_history_may_become_that_of_another_thread() -> None:
    history = History()
    history.put(point("a"))

    moved = history.for_thread("U").get("a")

    assert moved is not None
    assert moved.metadata == {"run_id": "R", "thread_id": "U"}


def test_the_oldest_are_forgotten_first() -> None:
    history = History()
    for name in "abc":
        history.put(point(name))
    history.drop_oldest(2)

    assert [one.identity for one in history.latest()] == ["c", "b"]


def test_two_checkpoints_can_be_merged() -> None:
    one, more = point("a", parent="p", step=3), point("b", parent="a", step=4, values={"n": 1})

    joined = one.merged_with(more)

    assert (joined.identity, joined.parent, joined.step, joined.values) == ("a", "p", 3, {"n": 1})
