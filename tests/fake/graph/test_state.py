import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.fake.graph.state import (
    apply_command,
    apply_input,
    merge_messages,
    merge_update,
    summarize_messages,
)
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.messages.message_json import Message, create_ai_message, create_message
from mockserver.fake.run_errors import RunFailed

IDS = IdGenerator("seed")


def human(text: str, identity: str | None = None) -> Message:
    return create_message("human", text, identity)


def remove(identity: str) -> Message:
    return create_message("remove", "", identity)


A, B, C = human("a", "1"), human("b", "2"), human("c", "3")


@pytest.mark.parametrize(
    ("value", "state"),
    [
        pytest.param({}, {"messages": []}, id="empty"),
        pytest.param({"q": 1}, {"q": 1}, id="no messages"),
        pytest.param(
            {"a": 1, "messages": [A], "b": 2}, {"messages": [A], "a": 1, "b": 2}, id="messages"
        ),
        pytest.param(
            {"messages": "hi"},
            {"messages": [human("hi", "cf6a3896-ed1a-4e91-a8bc-857333062c35")]},
            id="a message without an id",
        ),
    ],
)
def test_the_input_makes_the_first_state(value: Any, state: Any) -> None:
    made = apply_input(value, IDS)

    assert list(made.items()) == list(state.items())


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        pytest.param(None, "EmptyInputError", "Received no input for __start__", id="null"),
        pytest.param(5, "InvalidUpdateError", "Expected an object, got 5", id="a number"),
        pytest.param({"messages": None}, "ValueError", "messages must not be null", id="messages"),
    ],
)
def test_no_graph_takes_any_other_input(value: Any, kind: str, said: str) -> None:
    with pytest.raises(RunFailed, match=re.escape(said)) as rejected:
        apply_input(value, IDS)

    assert rejected.value.kind == kind


def test_an_update_replaces_values_and_adds_messages() -> None:
    state = {"messages": [A], "n": 1, "m": 1}

    assert merge_update(state, {"n": 2, "messages": [B], "k": 3}, IDS, "task") == {
        "messages": [A, B],
        "n": 2,
        "m": 1,
        "k": 3,
    }
    assert merge_update(state, {"n": 2}, IDS, "task") == {"messages": [A], "n": 2, "m": 1}
    assert merge_update({}, {"messages": [A]}, IDS, "task") == {"messages": [A]}


@pytest.mark.parametrize(
    ("new", "after"),
    [
        pytest.param([], [A, B], id="nothing"),
        pytest.param([C], [A, B, C], id="a new one"),
        pytest.param([human("x", "1")], [human("x", "1"), B], id="one that was there"),
        pytest.param([C, human("x", "3")], [A, B, human("x", "3")], id="one that came twice"),
        pytest.param([remove("1")], [B], id="one removed"),
        pytest.param([remove("1"), remove("1")], [B], id="removed twice"),
        pytest.param([remove("1"), human("x", "1")], [human("x", "1"), B], id="and put back"),
        pytest.param([C, remove("__remove_all__"), A], [A], id="all removed"),
    ],
)
def test_messages_are_merged_by_their_ids(new: list[Message], after: list[Message]) -> None:
    assert merge_messages([A, B], new, IDS, "task") == after


def test_what_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(RunFailed, match="no message '3' to delete"):
        merge_messages([A, B], [remove("3")], IDS, "task")


identities = st.none() | st.sampled_from(["1", "2", "3"])
humans = st.builds(human, st.just("x"), identities)
anything = humans | st.builds(remove, st.sampled_from(["1", "2", "3", "__remove_all__"]))


@given(st.lists(humans), st.lists(anything))
def test_ids_stay_unique(first: list[Message], then: list[Message]) -> None:
    before = merge_messages([], first, IDS, "input")
    try:
        after = merge_messages(before, then, IDS, "task")
    except RunFailed:
        return
    known = [message["id"] for message in after]

    assert len(set(known)) == len(known)
    assert None not in known


def test_the_same_place_gives_the_same_ids() -> None:
    one, two, three = (
        merge_messages([], [human("x"), human("x")], IDS, place)
        for place in ("here", "here", "there")
    )

    assert one == two
    assert not {message["id"] for message in one} & {message["id"] for message in three}


@pytest.mark.parametrize(
    ("state", "counted"),
    [
        pytest.param({}, (None, 0, 0), id="no messages at all"),
        pytest.param({"messages": []}, ("", 0, 0), id="none yet"),
        pytest.param({"messages": [A]}, ("a", 1, 0), id="a question"),
        pytest.param({"messages": [A, create_ai_message("x", "9")]}, ("a", 1, 1), id="answered"),
        pytest.param(
            {"messages": [A, create_ai_message("x", "9"), B]}, ("b", 2, 0), id="another question"
        ),
        pytest.param(
            {"messages": [create_ai_message("x", "8"), create_ai_message("x", "9")]},
            ("", 0, 2),
            id="a monologue",
        ),
        pytest.param(
            {"messages": [A, create_message("system", "", "7")]}, ("a", 1, 0), id="others"
        ),
    ],
)
def test_a_conversation_is_counted(state: Any, counted: Any) -> None:
    assert summarize_messages(state) == counted


def test_the_update_of_a_command_is_applied_twice() -> None:
    command = {"update": {"messages": ["hi"], "count": 3}, "goto": "agent"}

    state = apply_command(command, IDS)

    assert [message["content"] for message in state["messages"]] == ["hi", "hi"]
    assert len({message["id"] for message in state["messages"]}) == 2
    assert state["count"] == 3


@pytest.mark.parametrize(
    ("command", "kind", "message"),
    [
        pytest.param({"goto": []}, "UnboundLocalError", "the command is empty", id="nowhere"),
        pytest.param(
            {"update": {"messages": []}},
            "TypeError",
            "a command without `goto` needs a thread",
            id="an update alone",
        ),
        pytest.param(
            {"resume": ""},
            "RuntimeError",
            "a run without a thread cannot be resumed",
            id="a resume",
        ),
        pytest.param(
            {"update": [1], "goto": "agent"},
            "TypeError",
            "the update must be an object or a list of pairs",
            id="an update that is none",
        ),
    ],
)
def test_a_command_that_goes_nowhere_fails(command: Any, kind: str, message: str) -> None:
    with pytest.raises(RunFailed, match=re.escape(message)) as rejected:
        apply_command(command, IDS)

    assert rejected.value.kind == kind
