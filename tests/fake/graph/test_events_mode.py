from dataclasses import replace
from typing import Any

import pytest

from mockserver.fake.graph.events_mode import Callbacks
from mockserver.fake.graph.metadata import Scope
from tests.fake.plays import Log, run_request

PLACE = Scope("R", (), ("P",), "agent", 2, "T")


class Heard:
    """Callbacks, and the events they have sent."""

    def __init__(self, *modes: str, subgraphs: bool = False, **config: Any) -> None:
        self._log = Log()
        request = run_request("hi", *modes, subgraphs=subgraphs, config=config)
        self.callbacks = Callbacks(request, self._log)

    @property
    def events(self) -> list[Any]:
        return [event for _, event in self._log.shown]


def everything(callbacks: Callbacks) -> None:
    callbacks.emit_graph("on_chain_start", PLACE, {"input": {"n": 0}})
    callbacks.emit_node("on_chain_start", PLACE, {"input": {"n": 1}})
    callbacks.emit_model("on_chat_model_start", PLACE, {"input": {"n": 2}})
    callbacks.emit_model("on_chat_model_stream", PLACE, {"chunk": {"c": 1}})
    callbacks.emit_inside_node("on_tool_start", PLACE, "weather", {"input": {}})
    callbacks.emit_inside_node("on_tool_error", PLACE, "weather", {"error": {}})
    callbacks.emit_route(PLACE, {"n": 3}, "tools")
    callbacks.emit_node("on_chain_stream", PLACE, {"chunk": None})


def test_every_callback_is_an_event() -> None:
    heard = Heard("events")
    everything(heard.callbacks)

    assert [(e["event"], e["name"], e["tags"], e["data"]) for e in heard.events] == [
        ("on_chain_start", "chat", [], {"input": {"n": 0}}),
        ("on_chain_start", "agent", ["graph:step:2"], {"input": {"n": 1}}),
        ("on_chat_model_start", "ChatMockserver", ["seq:step:1"], {"input": {"n": 2}}),
        ("on_chat_model_stream", "ChatMockserver", ["seq:step:1"], {"chunk": {"c": 1}}),
        ("on_tool_start", "weather", ["seq:step:1"], {"input": {}}),
        ("on_tool_error", "weather", ["seq:step:1"], {"error": {}}),
        ("on_chain_start", "should_continue", ["seq:step:3"], {"input": {"n": 3}}),
        (
            "on_chain_end",
            "should_continue",
            ["seq:step:3"],
            {"output": "tools", "input": {"n": 3}},
        ),
        ("on_chain_stream", "agent", ["graph:step:2"], {"chunk": None}),
    ]
    assert {event["run_id"] for event in heard.events} == {"R"}
    assert [event["parent_ids"] for event in heard.events] == [["P"]] * 9


def test_without_the_mode_there_are_no_events() -> None:
    heard = Heard("values", "messages")
    everything(heard.callbacks)

    assert heard.events == []


@pytest.mark.parametrize(
    ("event", "keys"),
    [
        pytest.param(
            "on_chain_start",
            ["event", "data", "name", "tags", "run_id", "metadata", "parent_ids"],
            id="what begins",
        ),
        pytest.param(
            "on_chain_stream",
            ["event", "run_id", "name", "tags", "metadata", "data", "parent_ids"],
            id="what a node returns",
        ),
        pytest.param(
            "on_chat_model_stream",
            ["event", "data", "run_id", "name", "tags", "metadata", "parent_ids"],
            id="tokens",
        ),
        pytest.param(
            "on_tool_error",
            ["event", "data", "run_id", "name", "tags", "metadata", "parent_ids"],
            id="what ends",
        ),
    ],
)
def test_the_keys_stand_in_the_server_s_order(event: str, keys: list[str]) -> None:
    heard = Heard("events")
    everything(heard.callbacks)

    assert {tuple(one) for one in heard.events if one["event"] == event} == {tuple(keys)}


def test_the_request_gives_the_run_a_name_and_tags() -> None:
    heard = Heard("events", run_name="mine", tags=["t"])
    heard.callbacks.emit_graph("on_chain_start", PLACE, {"input": None})
    heard.callbacks.emit_node("on_chain_start", PLACE, {"input": {}})

    assert [(event["name"], event["tags"]) for event in heard.events] == [
        ("mine", ["t"]),
        ("agent", ["graph:step:2", "t"]),
    ]


def test_each_part_has_its_own_metadata() -> None:
    heard = Heard("events")
    everything(heard.callbacks)
    of_graph, of_node, of_model, _, of_tool, *_ = [event["metadata"] for event in heard.events]

    assert "langgraph_step" not in of_graph
    assert of_node["langgraph_step"] == 2
    assert of_tool["checkpoint_ns"] == "agent:T"
    assert of_model["ls_provider"] == "mockserver"


@pytest.mark.parametrize(
    ("modes", "subgraphs", "tagged"),
    [
        pytest.param(("events",), True, [False, False], id="alone"),
        pytest.param(("events", "messages"), False, [True, False], id="streamed too"),
        pytest.param(("events", "messages-tuple"), True, [True, True], id="within too"),
    ],
)
def test_the_model_s_metadata_have_tags_where_it_streams_too(
    modes: tuple[str, ...], subgraphs: bool, tagged: list[bool]
) -> None:
    heard = Heard(*modes, subgraphs=subgraphs, tags=["t"])
    heard.callbacks.emit_model("on_chat_model_start", PLACE, {})
    within = replace(PLACE, namespace=("researcher:X",))
    heard.callbacks.emit_model("on_chat_model_start", within, {})

    assert ["tags" in event["metadata"] for event in heard.events] == tagged
