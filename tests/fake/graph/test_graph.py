"""Which node comes after which, and what is streamed of them in each mode."""

import re
from typing import Any

import pytest

from mockserver.fake.script.model import (
    Custom,
    Delegate,
    Fail,
    Interrupt,
    Rule,
    Script,
    Speak,
    ToolCall,
    Update,
)
from tests.fake.plays import events_of, outline, run_request, script

WEATHER = ToolCall("weather", {"city": "Oslo"}, "cold")
HELLO = script(Speak("Hello you!"))
TOOL = script(Custom("c"), Speak("Wait.", calls=(WEATHER,)), Speak("Cold."))
WITHIN = script(Speak("A."), Delegate((Speak("B.", calls=(WEATHER,)), Speak("C."))), Speak("D."))
ASKS = script(Speak("A."), Interrupt("?"), Speak("B."))
ASKS_WITHIN = script(Speak("A."), Delegate((Speak("B."), Interrupt("?"), Speak("C."))), Speak("D."))
FAILS = script(Speak("A."), Fail("ValueError", "no"))
FAILS_WITHIN = script(Speak("A."), Delegate((Speak("B."), Fail("OSError", "no"))), Speak("D."))


@pytest.mark.parametrize(
    ("played", "nodes"),
    [
        pytest.param(HELLO, ["agent"], id="a message"),
        pytest.param(script(Speak("A."), Speak("B.")), ["agent", "agent"], id="two"),
        pytest.param(TOOL, ["agent", "tools", "agent"], id="a tool"),
        pytest.param(WITHIN, ["agent", "researcher", "agent"], id="a graph within"),
        pytest.param(Script(), ["agent"], id="no rule fits"),
        pytest.param(script(Update({"n": 1})), ["agent"], id="nothing said"),
        pytest.param(ASKS, ["agent", "__interrupt__"], id="an interrupt"),
        pytest.param(FAILS, ["agent", "ValueError"], id="an error"),
    ],
)
def test_the_nodes_follow_the_script(played: Script, nodes: list[str]) -> None:
    said = outline(played, run_request("hi", "updates"))

    assert [line.split(" ", 1)[1] for line in said] == nodes


@pytest.mark.parametrize(
    ("messages", "texts"),
    [
        pytest.param([], ["A.", "B."], id="nobody has said anything"),
        pytest.param(["hi"], ["A.", "B."], id="a question"),
        pytest.param(["hi", ["ai", "A."]], ["B."], id="half answered"),
        pytest.param(["hi", ["ai", "A."], ["ai", "B."]], ["B."], id="answered"),
        pytest.param(["hi", ["ai", "A."], "ho"], ["A.", "B."], id="the next question"),
    ],
)
def test_the_messages_tell_how_far_the_script_has_come(messages: Any, texts: list[str]) -> None:
    said = events_of(script(Speak("A."), Speak("B.")), run_request(messages, "updates"))

    assert [value["agent"]["messages"][0]["content"] for _, value in said] == texts


UNASKED = {"type": "ai", "content": "", "tool_calls": [{"name": "f", "args": {}, "id": "1"}]}


@pytest.mark.parametrize(
    "played",
    [
        pytest.param(Script(), id="no rule"),
        pytest.param(script(Custom(1)), id="a rule without words"),
    ],
)
def test_calls_of_tools_that_the_script_does_not_know_are_left_alone(played: Script) -> None:
    assert outline(played, run_request([UNASKED, UNASKED], "updates")) == ["updates agent"]


@pytest.mark.parametrize(
    ("played", "given", "lines"),
    [
        pytest.param(
            TOOL,
            {},
            [
                *("values 1 messages", "custom c", "updates agent", "values 2 messages"),
                *("updates tools", "values 3 messages", "updates agent", "values 4 messages"),
            ],
            id="a tool",
        ),
        pytest.param(
            WITHIN,
            {},
            [
                *("values 1 messages", "updates agent", "values 2 messages"),
                *("updates researcher", "values 5 messages", "updates agent", "values 6 messages"),
            ],
            id="a graph within, untold",
        ),
        pytest.param(
            WITHIN,
            {"subgraphs": True},
            [
                *("values 1 messages", "updates agent", "values 2 messages"),
                *("values|researcher:<2> 2 messages", "updates|researcher:<2> agent"),
                *("values|researcher:<2> 3 messages", "updates|researcher:<2> tools"),
                *("values|researcher:<2> 4 messages", "updates|researcher:<2> agent"),
                *("values|researcher:<2> 5 messages", "updates researcher"),
                *("values 5 messages", "updates agent", "values 6 messages"),
            ],
            id="a graph within",
        ),
        pytest.param(
            ASKS_WITHIN,
            {"subgraphs": True},
            [
                *("values 1 messages", "updates agent", "values 2 messages"),
                *("values|researcher:<2> 2 messages", "updates|researcher:<2> agent"),
                *("values|researcher:<2> 3 messages", "updates|researcher:<2> __interrupt__"),
                *("values|researcher:<2> 3 messages, interrupted", "updates __interrupt__"),
                "values 2 messages, interrupted",
            ],
            id="an interrupt within",
        ),
        pytest.param(
            FAILS_WITHIN,
            {"subgraphs": True},
            [
                *("values 1 messages", "updates agent", "values 2 messages"),
                *("values|researcher:<2> 2 messages", "updates|researcher:<2> agent"),
                *("values|researcher:<2> 3 messages", "error OSError"),
            ],
            id="an error within",
        ),
        pytest.param(
            script(Update({"n": 2}), Custom("c")),
            {"input": {"n": 1}},
            ["values n", "custom c", "updates agent", "values n"],
            id="a state without messages",
        ),
        pytest.param(HELLO, {"input": {"n": 1}}, ["values n", "updates agent"], id="not for it"),
        pytest.param(
            HELLO, {"input": {}}, ["updates agent", "values 1 messages"], id="an empty input"
        ),
        pytest.param(HELLO, {"input": None}, ["error EmptyInputError"], id="no input"),
        pytest.param(HELLO, {"input": [1]}, ["error InvalidUpdateError"], id="a strange input"),
    ],
)
def test_events_are_streamed_in_order(played: Script, given: Any, lines: list[str]) -> None:
    assert outline(played, run_request("hi", "values", "updates", "custom", **given)) == lines


@pytest.mark.parametrize(
    ("played", "lines"),
    [
        pytest.param(
            HELLO,
            [
                *("debug checkpoint next ['__start__']", "debug checkpoint next ['agent']"),
                *("tasks input agent", "debug task agent"),
                *("tasks result agent", "debug task_result agent", "debug checkpoint next []"),
            ],
            id="a message",
        ),
        pytest.param(
            FAILS,
            [
                *("debug checkpoint next ['__start__']", "debug checkpoint next ['agent']"),
                *("tasks input agent", "debug task agent"),
                *("tasks result agent", "debug task_result agent"),
                "debug checkpoint next ['agent']",
                *("tasks input agent", "debug task agent"),
                *("tasks result agent", "debug task_result agent", "error ValueError"),
            ],
            id="an error",
        ),
        pytest.param(
            ASKS,
            [
                *("debug checkpoint next ['__start__']", "debug checkpoint next ['agent']"),
                *("tasks input agent", "debug task agent"),
                *("tasks result agent", "debug task_result agent"),
                "debug checkpoint next ['agent']",
                *("tasks input agent", "debug task agent"),
                *("tasks result agent", "debug task_result agent"),
            ],
            id="an interrupt",
        ),
    ],
)
def test_tasks_and_checkpoints_are_streamed(played: Script, lines: list[str]) -> None:
    assert outline(played, run_request("hi", "tasks", "debug", on_completion="keep")) == lines


def test_a_run_calls_back() -> None:
    assert outline(TOOL, run_request("hi", "events")) == [
        "events on_chain_start chat",
        "events on_chain_start agent",
        "events on_chat_model_start ChatMockserver",
        *["events on_chat_model_stream ChatMockserver"] * 5,
        "events on_chat_model_end ChatMockserver",
        "events on_chain_start should_continue",
        "events on_chain_end should_continue",
        "events on_chain_stream agent",
        "events on_chain_end agent",
        "events on_chain_start tools",
        "events on_tool_start weather",
        "events on_tool_end weather",
        "events on_chain_stream tools",
        "events on_chain_end tools",
        "events on_chain_start agent",
        "events on_chat_model_start ChatMockserver",
        *["events on_chat_model_stream ChatMockserver"] * 2,
        "events on_chat_model_end ChatMockserver",
        "events on_chain_start should_continue",
        "events on_chain_end should_continue",
        "events on_chain_stream agent",
        "events on_chain_end agent",
        "events on_chain_end chat",
    ]


def test_the_callback_of_a_token_precedes_its_message() -> None:
    """As the real server does: clients that take both wait for the first."""
    assert outline(TOOL, run_request("hi", "events", "messages-tuple"))[3:7] == [
        "events on_chat_model_stream ChatMockserver",
        "messages AIMessageChunk Wait.",
        "events on_chat_model_stream ChatMockserver",
        "messages AIMessageChunk",
    ]


def test_a_graph_within_calls_back_between_its_node_s() -> None:
    lines = [line for line in outline(WITHIN, run_request("hi", "events")) if "model" not in line]

    assert lines[6:10] == [
        "events on_chain_start researcher",
        "events on_chain_start LangGraph",
        "events on_chain_start agent",
        "events on_chain_start should_continue",
    ]
    assert lines.count("events on_chain_end LangGraph") == 1


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        pytest.param({"interrupt_before": ["agent"]}, ["updates __interrupt__"], id="before"),
        pytest.param({"interrupt_before": "*"}, ["updates __interrupt__"], id="before any"),
        pytest.param(
            {"interrupt_before": ["tools"]},
            ["updates agent", "updates __interrupt__"],
            id="before tools",
        ),
        pytest.param(
            {"interrupt_after": ["tools"]},
            ["updates agent", "updates tools", "updates __interrupt__"],
            id="after tools",
        ),
        pytest.param(
            {"interrupt_after": "*"}, ["updates agent", "updates __interrupt__"], id="after any"
        ),
        pytest.param(
            {"interrupt_before": [], "interrupt_after": ["other"]},
            ["updates agent", "updates tools", "updates agent"],
            id="nowhere",
        ),
    ],
)
def test_a_request_may_stop_the_graph(given: Any, lines: list[str]) -> None:
    assert outline(TOOL, run_request("hi", "updates", **given)) == lines


@pytest.mark.parametrize(
    ("limit", "lines"),
    [
        pytest.param(0, ["error ValueError"], id="none"),
        pytest.param(1, ["updates agent", "error GraphRecursionError"], id="too few"),
        pytest.param(
            3,
            ["updates agent", "updates tools", "updates agent", "error GraphRecursionError"],
            id="the end is a step too",
        ),
        pytest.param(4, ["updates agent", "updates tools", "updates agent"], id="enough"),
    ],
)
def test_a_request_may_limit_the_steps(limit: int, lines: list[str]) -> None:
    assert outline(TOOL, run_request("hi", "updates", config={"recursion_limit": limit})) == lines


def test_the_limit_holds_within_too() -> None:
    lines = outline(WITHIN, run_request("hi", "updates", config={"recursion_limit": 3}))

    assert lines == ["updates agent", "error GraphRecursionError"]


@pytest.mark.parametrize(
    ("modes", "subgraphs", "known"),
    [
        pytest.param(("updates",), False, True, id="updates"),
        pytest.param(("updates",), True, False, id="with subgraphs"),
        pytest.param(("updates", "custom"), False, False, id="with custom"),
        pytest.param(("updates", "messages"), True, True, id="streaming"),
    ],
)
def test_in_a_hurry_what_a_tool_said_has_no_id_yet(
    modes: tuple[str, ...], subgraphs: bool, known: bool
) -> None:
    said = events_of(TOOL, run_request("hi", *modes, subgraphs=subgraphs))
    [message] = next(value["tools"]["messages"] for _, value in said if "tools" in value)

    assert (message["id"] is not None) is known


def test_the_rule_is_chosen_by_the_last_human_message_the_graph_and_the_turn() -> None:
    rules = Script(
        (
            Rule((Speak("Bye {name}."),), re.compile(r"bye (?P<name>\w+)")),
            Rule((Speak("Turn {turn}."),), turn=2),
            Rule((Speak("On {graph}: {message}"),), graph="chat"),
        )
    )

    def answer(*messages: str) -> str:
        *_, (_, value) = events_of(rules, run_request(list(messages)))
        return str(value["messages"][-1]["content"])

    assert [answer("bye Bob"), answer("a", "b"), answer("a")] == [
        "Bye Bob.",
        "Turn 2.",
        "On chat: a",
    ]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param(
            {"interrupt_before": 5},
            {"error": "TypeError", "message": "the nodes to stop at must be a list or `*`"},
            id="nodes that are a number",
        ),
        pytest.param(
            {"interrupt_before": True},
            {"error": "TypeError", "message": "the nodes to stop at must be a list or `*`"},
            id="nodes that are true",
        ),
        pytest.param(
            {"durability": "sync"},
            {"error": "AttributeError", "message": "the durability `sync` needs a thread"},
            id="durable without a thread",
        ),
    ],
)
def test_settings_that_cannot_be_played_are_an_error(
    given: dict[str, Any], error: dict[str, str]
) -> None:
    assert events_of(script(Speak("a")), run_request(["hi"], "updates", **given)) == [
        ("error", error)
    ]


def test_a_run_on_a_thread_may_be_durable() -> None:
    request = run_request(["hi"], "updates", durability="sync", on_completion="keep")

    assert [name for name, _ in events_of(script(Speak("a")), request)] == ["updates"]


@pytest.mark.parametrize(
    ("modes", "before"),
    [
        pytest.param(("messages-tuple",), "checkpoint_ns", id="without events"),
        pytest.param(("messages-tuple", "events"), "run_id", id="beside events"),
    ],
)
def test_the_model_that_a_request_names_is_in_the_metadata(
    modes: tuple[str, ...], before: str
) -> None:
    request = run_request(["hi"], *modes, config={"configurable": {"model": "gpt"}})

    said = next(data for name, data in events_of(script(Speak("a")), request) if name == "messages")

    keys = list(said[1])
    assert said[1]["model"] == "gpt"
    assert keys[keys.index("model") + 1] == before


def test_a_message_that_an_interrupt_holds_back_has_no_id() -> None:
    calls = (ToolCall("f", {}, "x"), ToolCall("g", {}, "y", ask="May I?"))

    events = events_of(script(Speak(calls=calls), Speak("a")), run_request(["hi"], "events"))

    [ended] = [data for _, data in events if data["event"] == "on_tool_end"]
    assert ended["data"]["output"]["id"] is None


def test_a_command_that_goes_to_the_tools_has_none_to_call() -> None:
    events = events_of(TOOL, run_request([], "tasks", command={"goto": "tools"}))

    assert [data.get("name") for _, data in events] == ["tools", "tools", None]
    assert events[-1] == (
        "error",
        {"error": "IndexError", "message": "An internal error occurred"},
    )
