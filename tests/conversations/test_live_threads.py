"""What is played on a live thread: the rules of conversations, one after the other."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mockserver.cassette.model import Exchange, Repeat
from mockserver.conversations.live_threads import MAX_THREADS
from tests.conversations.scenes import Script, Session, exchange, index_conversations, made

T, OTHER, MINE = made(1, 1), made(1, 2), made(1, 77)
CREATE: tuple[str, str, Any] = ("POST", "/threads", {})


def say(text: str) -> dict[str, Any]:
    return {"assistant_id": "agent", "input": {"messages": [{"role": "human", "content": text}]}}


def turn(thread: str, text: str, answer: Any = None, **options: Any) -> Exchange:
    return exchange(
        "POST", f"/threads/{thread}/runs/wait", say(text), {"said": answer or text}, **options
    )


def state(thread: str, shown: Any) -> Exchange:
    return exchange("GET", f"/threads/{thread}/state", None, {"shown": shown})


def created(thread: str, **options: Any) -> Exchange:
    return exchange("POST", "/threads", {}, {"thread_id": thread}, **options)


class Client:
    """A client of *session* on one thread."""

    def __init__(self, session: Session, thread: str | None = None) -> None:
        self.session = session
        self.thread = thread or session.ask(*CREATE)["thread_id"]

    def say(self, text: str) -> Any:
        answer = self.session.ask("POST", f"/threads/{self.thread}/runs/wait", say(text))
        return answer and answer["said"]

    def state(self) -> Any:
        answer = self.session.ask("GET", f"/threads/{self.thread}/state")
        return answer and answer["shown"]

    @property
    def why(self) -> str:
        assert self.session.answer is not None
        return self.session.answer.why


def session(*exchanges: Exchange, **options: Any) -> Session:
    return Session(index_conversations(exchanges), **options)


# Creation


def test_the_creation_played_least_often_is_played_next() -> None:
    played = session(created(T), created(OTHER))

    ids = [played.ask(*CREATE)["thread_id"] for _ in range(5)]

    assert ids[:2] == [T, OTHER]
    assert len(set(ids)) == 5
    assert [one[:14] for one in ids[2:]] == [T[:14], T[:14], T[:14]]


def test_a_client_may_choose_the_id_of_its_thread() -> None:
    body = {"thread_id": T, "if_exists": "do_nothing"}
    played = session(exchange("POST", "/threads", body, {"thread_id": T}), turn(T, "hi"))
    mine = {**body, "thread_id": MINE}

    assert played.ask("POST", "/threads", mine) == {"thread_id": MINE}
    assert Client(played, MINE).say("hi") == "hi"
    # It exists now, and the client makes sure of that again.
    assert played.ask("POST", "/threads", mine) == {"thread_id": MINE}
    # The server would say that it exists.
    assert played.ask("POST", "/threads", {"thread_id": MINE}) is None


def test_an_id_in_use_is_not_reused_for_another_thread() -> None:
    played = session(created(T), turn(T, "hi"))
    Client(played, T).say("hi")

    assert played.ask(*CREATE)["thread_id"] != T


def test_with_repeat_error_each_conversation_plays_once() -> None:
    played = session(created(T, repeat=Repeat.ERROR), turn(T, "hi", repeat=Repeat.ERROR))
    client = Client(played)
    assert client.say("hi") == "hi"

    assert client.say("hi") is None
    assert played.ask(*CREATE) is None
    assert played.refusal == (
        "1 recorded thread matched, each was already created, and `repeat: error` is set"
    )
    assert Client(played, MINE).say("hi") is None


def test_a_deleted_thread_ends() -> None:
    played = session(
        created(T), turn(T, "hi"), exchange("DELETE", f"/threads/{T}", None, {}), created(OTHER)
    )
    client = Client(played)
    client.say("hi")

    assert played.ask("DELETE", f"/threads/{client.thread}") == {}
    assert played.threads.get(client.thread) is None
    assert played.ask(*CREATE)["thread_id"] == OTHER


def test_a_deleted_thread_stays_deleted_in_later_plays() -> None:
    """Another thread that did not exist was recorded, too."""
    played = session(
        exchange("GET", f"/threads/{OTHER}", None, {"detail": "unknown"}, status=404),
        created(T),
        turn(T, "hi"),
        exchange("DELETE", f"/threads/{T}", None, {}),
        exchange("GET", f"/threads/{T}", None, {"detail": "deleted"}, status=404),
        turn(T, "more", "deleted", status=404),
    )
    told: list[Any] = []
    for _ in range(2):
        client = Client(played)
        client.say("hi")
        played.ask("DELETE", f"/threads/{client.thread}")
        told += [played.ask("GET", f"/threads/{client.thread}"), client.say("more")]

    assert told == [{"detail": "deleted"}, "deleted"] * 2


# Which conversation


def test_another_conversation_takes_over_where_the_first_turn_differs() -> None:
    played = session(created(T), turn(T, "one"), created(OTHER), turn(OTHER, "two"))
    client = Client(played)

    assert client.say("two") == "two"
    assert client.why == "took over from a.yaml thread 1: turn 1 differs"
    assert client.thread == T


def test_the_conversation_that_was_played_least_often_takes_over() -> None:
    threads = [made(1, number) for number in range(1, 4)]
    alike = [part for one in threads for part in (created(one), turn(one, "hi", f"hi {one[-1]}"))]
    played = session(created(MINE), turn(MINE, "other"), *alike)

    answers = [Client(played, made(1, 50, number)).say("hi") for number in range(6)]

    assert answers == ["hi 1", "hi 2", "hi 3"] * 2


def two_answers() -> Iterator[Exchange]:
    """Two conversations with the same opening and other answers."""
    for thread, answer, more in ((T, "hello", "one"), (OTHER, "good day", "two")):
        yield created(thread)
        yield turn(thread, "hi", answer)
        yield turn(thread, more)


def test_an_earlier_answer_that_differs_is_a_miss_in_a_replay() -> None:
    played = session(*two_answers())
    client = Client(played)
    client.say("hi")

    assert client.say("two") is None
    assert played.refusal == (
        "a.yaml thread 2 has this turn (a.yaml#6), but answered an earlier one differently than "
        "a.yaml thread 1 (#1-#3), 1 of 2 turns played"
    )


def test_serve_switches_to_the_conversation_that_has_the_turn() -> None:
    played = session(*two_answers(), can_switch=True)
    client = Client(played)
    client.say("hi")

    assert client.say("two") == "two"
    assert played.answer is not None
    assert played.answer.how == "switched"


# Turns


def test_a_later_turn_is_a_miss_that_says_so() -> None:
    played = session(created(T), turn(T, "one"), turn(T, "two"))
    client = Client(played)

    assert client.say("two") is None
    assert played.refusal == (
        "this is turn 2 (a.yaml#3) of a.yaml thread 1 (#1-#3), 0 of 2 turns played; a.yaml#2 comes first"
    )
    assert client.say("one") == "one"


@pytest.mark.parametrize(("can_switch", "named"), [(False, False), (False, True), (True, True)])
def test_a_repeated_turn_takes_the_thread_back(can_switch: bool, named: bool) -> None:
    played = session(
        created(T), turn(T, "one"), turn(T, "two"), turn(T, "three"), can_switch=can_switch
    )
    client = Client(played, MINE if named else None)
    for text in ("one", "two"):
        client.say(text)

    assert client.say("one") == "one"
    assert client.why == "went back"
    assert [client.say("two"), client.say("three")] == ["two", "three"]


def test_serve_leaves_a_repeated_turn_to_the_fake_graph() -> None:
    played = session(created(T), turn(T, "one"), turn(T, "two"), can_switch=True)
    client = Client(played)
    client.say("one")

    assert client.say("one") is None


def test_a_turn_that_was_recorded_twice_plays_twice() -> None:
    played = session(created(T), turn(T, "hi", 1), turn(T, "hi", 2))
    client = Client(played)

    assert [client.say("hi") for _ in range(3)] == [1, 2, 2]


def test_a_refused_turn_is_a_read() -> None:
    refused = turn(T, "bad", "no", status=422)
    played = session(created(T), refused, turn(T, "hi"), turn(T, "more"))
    client = Client(played)

    assert [client.say(text) for text in ("bad", "bad", "hi", "more")] == ["no", "no", "hi", "more"]


def test_a_refused_turn_is_retried() -> None:
    played = session(created(T), turn(T, "hi", "busy", status=409), turn(T, "hi"), turn(T, "more"))

    for client in (Client(played), Client(played, MINE)):
        assert [client.say(text) for text in ("hi", "hi", "more")] == ["busy", "hi", "more"]


def test_a_refused_turn_of_another_thread_is_played() -> None:
    refused = turn(OTHER, "bad", "no", status=422)
    played = session(created(T), created(OTHER), refused, turn(T, "one"), turn(OTHER, "two"))
    first, second = Client(played), Client(played)

    assert first.say("bad") == "no"
    assert "has no such request" in first.why
    assert [first.say("two"), second.say("one")] == ["two", "one"]


def test_a_refused_turn_of_a_thread_with_other_turns_is_not_played() -> None:
    refused = turn(OTHER, "bad", "no", status=422)
    played = session(created(T), turn(T, "one"), created(OTHER), turn(OTHER, "two"), refused)
    client = Client(played)
    client.say("one")

    assert client.say("bad") is None


def asked(thread: str, assistant: str, text: str) -> Exchange:
    body = {**say(text), "assistant_id": assistant}
    return exchange("POST", f"/threads/{thread}/runs/wait", body, {"said": text})


@pytest.mark.parametrize(
    ("other", "change", "said"),
    [
        pytest.param("agent", None, "two", id="equal"),
        pytest.param("another", None, None, id="of another graph"),
        pytest.param("agent", {"name": "b"}, None, id="changed"),
    ],
)
def test_an_assistant_stands_for_an_equal_one(other: str, change: Any, said: Any) -> None:
    first, second = made(4, 1), made(4, 2)
    creations = (
        exchange(
            "POST", "/assistants", {"graph_id": graph}, {"assistant_id": one, "graph_id": graph}
        )
        for one, graph in ((first, "agent"), (second, other))
    )
    changes = [exchange("PATCH", f"/assistants/{second}", change, {})] if change else []
    recorded = (*creations, *changes, created(T), created(OTHER))
    played = session(*recorded, asked(T, first, "one"), asked(OTHER, second, "two"))
    thread = played.ask(*CREATE)["thread_id"]
    body = {**say("two"), "assistant_id": first}

    answer = played.ask("POST", f"/threads/{thread}/runs/wait", body)

    assert (answer and answer["said"]) == said
    if said is None:
        assert played.refusal.startswith("the next turn of a.yaml thread 1")


# Reads


def reading() -> Session:
    return session(
        created(T), state(T, 0), turn(T, "one"), state(T, 1), state(T, "1b"), turn(T, "two"), state(T, 2)
    )  # fmt: skip


def test_reads_are_answered_from_their_progress() -> None:
    client = Client(reading())

    shown = [client.state(), client.state(), client.say("one")]
    shown += [client.state() for _ in range(3)]
    shown += [client.say("two"), client.state()]

    assert shown == [0, 0, "one", 1, "1b", "1b", "two", 2]


def test_each_visit_reads_its_own_progress() -> None:
    played = reading()
    first, second = Client(played), Client(played)
    for text in ("one", "two"):
        first.say(text)

    assert (first.state(), second.state()) == (2, 0)
    second.say("one")
    assert (second.state(), first.state(), second.state()) == (1, 2, "1b")


def test_no_read_is_answered_from_another_progress() -> None:
    played = session(created(T), turn(T, "one"), turn(T, "two"), state(T, 2))
    client = Client(played)
    client.say("one")

    assert client.state() is None
    assert played.refusal == (
        "a.yaml thread 1 (#1-#4), 1 of 2 turns played: recorded as a.yaml#4 after turn 2"
    )


def test_a_read_of_a_run_may_be_an_earlier_one() -> None:
    run = made(2, 1)
    read = exchange("GET", f"/threads/{T}/runs/{run}", None, {"run_id": run})
    played = session(created(T), turn(T, "one"), read, turn(T, "two"))
    client = Client(played)
    for text in ("one", "two"):
        client.say(text)

    assert played.ask("GET", f"/threads/{client.thread}/runs/{run}") == {"run_id": run}


@pytest.mark.parametrize(
    ("moments", "during", "after"),
    [
        pytest.param((0.5, 2.0), "first", "second", id="one in the run, one after it"),
        pytest.param((2.0, 3.0), None, "first", id="both after it"),
        pytest.param((0.2, 0.5), "first", "first", id="both in it"),
        pytest.param((None, None), "first", "first", id="the recording does not say"),
    ],
)
def test_reads_during_a_run_differ_from_those_after_it(
    moments: tuple[float | None, float | None], during: Any, after: Any
) -> None:
    run = turn(T, "one", at=0.1, seconds=1.0)
    reads = [
        exchange("GET", f"/threads/{T}/state", None, {"shown": shown}, at=at)
        for shown, at in zip(("first", "second"), moments, strict=True)
    ]
    played = session(created(T), run, *reads)
    client = Client(played)
    client.say("one")
    live = played.threads.get(client.thread)
    assert live is not None
    live.runs_until = 10.0

    assert client.state() == during
    played.now = 10.0
    assert client.state() == after


# Changes


def test_a_change_with_an_empty_response_plays_at_any_progress() -> None:
    change = exchange("PATCH", f"/threads/{T}", {"metadata": {"a": 1}}, {})
    patched = exchange("PATCH", f"/threads/{T}", {"metadata": {"b": 1}}, {"thread_id": T})
    played = session(created(T), change, patched, turn(T, "one"))
    client = Client(played)
    client.say("one")

    at = f"/threads/{client.thread}"
    assert played.ask("PATCH", at, {"metadata": {"a": 1}}) == {}
    assert played.ask("PATCH", at, {"metadata": {"b": 1}}) is None


# Deep links


def test_a_recorded_id_may_begin_with_a_read() -> None:
    client = Client(reading(), T)
    assert client.state() == 0
    assert client.why == "began under its recorded id"
    assert client.say("one") == "one"


def test_a_recorded_id_may_begin_with_a_later_turn() -> None:
    client = Client(reading(), T)

    assert client.say("two") == "two"
    assert client.state() == 2


def test_an_unknown_id_may_begin_with_what_opened_its_conversation() -> None:
    played = session(state(T, 0), turn(T, "one"), state(T, 1))
    client = Client(played, MINE)

    assert [client.state(), client.say("one"), client.state()] == [0, "one", 1]


def test_other_reads_of_an_unknown_id_are_a_miss() -> None:
    played = reading()

    assert Client(played, MINE).state() is None
    assert played.refusal == (
        f"no recorded conversation begins with this request, and there is no thread {MINE}"
    )


def test_an_id_that_a_response_only_mentions_is_a_miss() -> None:
    mentioned = exchange("GET", f"/threads/{T}", None, {"thread_id": T, "other": OTHER})
    played = session(created(T), mentioned)

    assert Client(played, OTHER).state() is None


def test_a_recorded_id_may_begin_with_a_refused_turn() -> None:
    played = session(created(T), turn(T, "bad", "no", status=422), turn(T, "hi"))
    client = Client(played, T)

    assert [client.say("bad"), client.say("hi")] == ["no", "hi"]


# Ids


def test_ids_change_in_later_plays_and_lead_back() -> None:
    script = Script(1, (("hi", "hello"), ("more", "yes")))
    played = Session(index_conversations(script.exchanges()))
    first, second = played.ask(*CREATE)["thread_id"], played.ask(*CREATE)["thread_id"]
    sent = {"type": "human", "content": "hi", "id": "mine"}
    body = {"assistant_id": "agent", "input": {"messages": [sent]}}

    answers = [
        played.ask("POST", f"/threads/{one}/runs/wait", body)["messages"] for one in (first, second)
    ]
    history = played.ask("POST", f"/threads/{second}/history", {"limit": 10})
    checkpoint = history[0]["checkpoint"]["checkpoint_id"]
    again = {"assistant_id": "agent", "input": {"messages": [{**sent, "content": "more"}]}}
    again["checkpoint"] = {"checkpoint_id": checkpoint}

    assert [messages[0]["id"] for messages in answers] == ["mine", "mine"]
    assert answers[0][1]["id"] == made(4, 1, 0, 2) != answers[1][1]["id"]
    assert checkpoint != made(3, 1, 0)
    assert history[0]["checkpoint"]["thread_id"] == second
    assert played.ask("POST", f"/threads/{second}/runs/wait", again) is not None


def test_interrupts_and_tool_calls_keep_their_ids() -> None:
    interrupt = {"__interrupt__": [{"value": "ok?", "id": "0123456789abcdef" * 2}]}
    called = {
        "type": "ai", "content": "", "id": "m1", "tool_calls": [{"name": "x", "args": {}, "id": "call_1"}],
    }  # fmt: skip
    answer = {**interrupt, "messages": [called]}
    played = session(created(T), exchange("POST", f"/threads/{T}/runs/wait", say("hi"), answer))
    answers = []
    for _ in range(2):
        client = Client(played)
        answers.append(played.ask("POST", f"/threads/{client.thread}/runs/wait", say("hi")))

    assert answers[0] == answer
    assert answers[1]["__interrupt__"] == interrupt["__interrupt__"]
    assert answers[1]["messages"][0]["tool_calls"] == called["tool_calls"]
    assert answers[1]["messages"][0]["id"] != "m1"


def test_an_id_is_the_same_wherever_it_is() -> None:
    """The id of a message holds that of the run of its model, and the checkpoint map of a subgraph those of its checkpoints."""
    run, root, inner = made(2, 5), made(3, 5), made(3, 6)
    answer = {
        "messages": [{"type": "ai", "content": "", "id": f"lc_run--{run}-0"}],
        "run_id": run,
        "parent_checkpoint_id": root,
        "checkpoint": {"checkpoint_id": inner, "checkpoint_map": {"": root, "sub:1": inner}},
    }
    played = session(created(T), exchange("GET", f"/threads/{T}/state", None, answer))
    threads = [Client(played).thread for _ in range(2)]
    first, second = (played.ask("GET", f"/threads/{one}/state", None) for one in threads)

    assert first == answer
    assert second["run_id"] != run
    assert second["messages"][0]["id"] == f"lc_run--{second['run_id']}-0"
    assert second["checkpoint"]["checkpoint_map"] == {
        "": second["parent_checkpoint_id"],
        "sub:1": second["checkpoint"]["checkpoint_id"],
    }


def test_texts_are_left_alone() -> None:
    answer = {
        "thread_id": T,
        "content": T,
        "note": f"on {T}",
        "messages": [{"type": "ai", "content": T}],
    }
    played = session(created(T), exchange("GET", f"/threads/{T}", None, answer))
    Client(played)
    client = Client(played)

    got = played.ask("GET", f"/threads/{client.thread}")

    assert got == {**answer, "thread_id": client.thread}


def test_a_copy_goes_on_with_the_ids_of_its_origin() -> None:
    run = made(2, 1)
    parts = (
        created(T),
        exchange("POST", f"/threads/{T}/runs/wait", say("hi"), {"run_id": run, "said": "hi"}),
        exchange("POST", f"/threads/{T}/copy", None, {"thread_id": OTHER}),
        exchange("GET", f"/threads/{OTHER}/runs/{run}", None, {"run_id": run, "thread_id": OTHER}),
        turn(OTHER, "more"),
    )
    played = session(*parts)
    copies = []
    for _ in range(3):
        client = Client(played)
        mine = played.ask("POST", f"/threads/{client.thread}/runs/wait", say("hi"))["run_id"]
        copied = played.ask("POST", f"/threads/{client.thread}/copy")["thread_id"]
        read = played.ask("GET", f"/threads/{copied}/runs/{mine}")
        assert read == {"run_id": mine, "thread_id": copied}
        assert Client(played, copied).say("more") == "more"
        copies.append(copied)

    assert len(set(copies)) == 3


# The fake graph


def test_what_the_fake_graph_has_changed_is_its_own() -> None:
    played = session(created(T), turn(T, "one"), state(T, 1), can_switch=True)
    client = Client(played)
    played.threads.give_to_fake(client.thread)

    assert client.say("one") is None
    assert client.state() is None


def test_a_thread_that_the_fake_graph_created_may_play_a_conversation() -> None:
    played = session(created(T), state(T, 0), turn(T, "one"), state(T, 1), can_switch=True)
    played.threads.add_created_by_fake(MINE)
    client = Client(played, MINE)

    assert client.state() is None
    assert [client.say("one"), client.state()] == ["one", 1]


# Many threads


def test_the_thread_that_was_unused_for_longest_is_forgotten() -> None:
    played = session(created(T), turn(T, "hi"))
    first = Client(played)
    later = [played.ask(*CREATE)["thread_id"] for _ in range(MAX_THREADS)]

    assert played.threads.get(first.thread) is None
    assert played.threads.get(later[-1]) is not None
    assert first.thread not in later


def test_a_conversation_below_a_path_prefix_is_one_too() -> None:
    prefix = "/api/langgraph"
    parts = [
        replace(one, request=replace(one.request, path=prefix + one.request.path))
        for one in Script(1, (("hi", "hello"),)).exchanges()
    ]
    played = session(*parts)

    threads = [played.ask("POST", f"{prefix}/threads", {})["thread_id"] for _ in range(2)]
    for thread in threads:
        at = f"{prefix}/threads/{thread}"
        assert played.ask("POST", f"{at}/history", {"limit": 10}) == []
        assert played.ask("POST", f"{at}/runs/wait", say("hi"))["messages"]
        [shown] = played.ask("POST", f"{at}/history", {"limit": 10})
        assert shown["checkpoint"]["thread_id"] == thread

    assert played.ask(*CREATE) is None
    assert played.ask("POST", "/other/threads", {}) is None
