"""The nodes `agent` and `tools`. No I/O."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mockserver.fake.graph.content_blocks import ContentBlocks
from mockserver.fake.graph.event_log import EventLog
from mockserver.fake.graph.events_mode import Callbacks
from mockserver.fake.graph.message_chunks import create_model_output
from mockserver.fake.graph.metadata import Scope, build_message_metadata
from mockserver.fake.graph.state import State, append_values
from mockserver.fake.graph.stream_modes import StreamModes
from mockserver.fake.id_generator import IdGenerator, create_interrupt_id
from mockserver.fake.messages import message_json
from mockserver.fake.messages.message_json import Message
from mockserver.fake.run_errors import RunFailed, RunInterrupted, RunRefused
from mockserver.fake.run_request import RunRequest
from mockserver.fake.script.model import (
    Custom,
    Fail,
    Interrupt,
    Pause,
    Script,
    Speak,
    ToolCall,
    Update,
    fill_placeholders,
)
from mockserver.fake.script.plan import Visit
from mockserver.fake.script.state_keys import Reducer
from mockserver.fake.server_json import JsonText
from mockserver.formats.json_text import Json, dumps
from mockserver.http.fault import Cut, Stall, StatusFault

_PART_TYPES = (
    *("text", "image_url", "image", "json", "search_result", "custom_tool_call_output"),
    *("document", "file"),
)
"""The types of parts that a tool message may have."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """Runs the nodes of one run; *modes* and *callbacks* emit its events, and *log* keeps its time and faults.

    *answers* are the values with which tasks are resumed, by task, in the order of their interrupts. *last_answer* is the
    placeholder with the last of them in this turn.
    """

    request: RunRequest
    ids: IdGenerator
    script: Script
    log: EventLog
    modes: StreamModes
    callbacks: Callbacks
    answers: dict[str, tuple[Json, ...]] = field(default_factory=dict)
    last_answer: dict[str, str] = field(default_factory=dict)

    def run_agent(self, scope: Scope, state: State, visit: Visit) -> State:
        """Play one *visit* of the script; return the update of the state."""
        update: State = {}
        values = {"message_id": _find_last_id(state)}
        answers = iter(self.answers.get(scope.task, ()))
        keys = self.script.state
        for step in visit.steps:
            match fill_placeholders(step, values | self.last_answer):
                case Speak() as speak:
                    message = self._speak(scope, state, speak)
                    update["messages"] = [message]
                    values["message_id"] = message["id"]
                case Custom(value):
                    self.modes.send("custom", scope.namespace, value)
                case Update(changed):
                    for key, value in changed.items():
                        is_list = key in update and keys.get_reducer(key) is Reducer.APPEND
                        update[key] = append_values(update[key], value) if is_list else value
                case Interrupt(value):
                    self._ask_human(scope, value, answers)
                case Fail(kind, message):
                    raise RunFailed(kind, repr(message) if kind == "KeyError" else message)
                case Pause(seconds):
                    self.log.wait(seconds)
                case Cut() | Stall() as fault:
                    self.log.add_fault(fault)
                case StatusFault() as fault:
                    raise RunRefused(fault)
                case _:
                    raise AssertionError("no visit has Delegate or EnterNode")
        return update

    def run_tools(self, scope: Scope, state: State, calls: tuple[ToolCall, ...]) -> State:
        """Answer the tool calls of the last message with the results of *calls*; return the update of the state."""
        tool_calls = state["messages"][-1]["tool_calls"]
        calls = fill_placeholders(calls, {"message_id": _find_last_id(state)})
        messages: list[Message] = []
        answers = iter(self.answers.get(scope.task, ()))
        for number, (call, one) in enumerate(zip(calls, tool_calls, strict=True)):
            undone = any(later.ask is not None for later in calls[number + 1 :])
            messages.append(self._run_tool(scope, number, call, one, answers, named=not undone))
        return {"messages": messages}

    def _speak(self, scope: Scope, state: State, speak: Speak) -> Message:
        output = create_model_output(speak, self.ids, scope.task)
        called = replace(scope, metadata=speak.metadata)
        model = called.within(output.identity)
        every = self.script.pace.token if speak.every is None else speak.every
        given = {"input": {"messages": [list(state["messages"])]}}
        self.callbacks.emit_model("on_chat_model_start", model, given)
        self.log.wait(self.script.pace.first)
        if self.modes.streams_blocks:
            return _with_name(self._stream_blocks(scope, ContentBlocks(output), every), speak.name)
        if self.modes.streams_tokens:
            metadata = JsonText(dumps(build_message_metadata(self.request, called)))
            for number, (chunk, get_partial) in enumerate(output.split_chunks()):
                self.log.wait(every if number else 0)
                self.callbacks.emit_model("on_chat_model_stream", model, {"chunk": chunk})
                self.modes.send_token(scope, chunk, get_partial, metadata)
        else:
            self.log.wait(every * output.length)
        message = output.build_message(streamed=self.modes.streams_tokens)
        message = _with_name(message, speak.name)
        self.callbacks.emit_model("on_chat_model_end", model, {"output": message, **given})
        return message

    def _stream_blocks(self, scope: Scope, blocks: ContentBlocks, every: float) -> Message:
        """Emit the message in *blocks*, with *every* seconds between two pieces, and return it."""
        for number, piece in enumerate(blocks.split()):
            self.log.wait(every if number else 0)
            for event in piece:
                self.modes.send_block(scope.namespace, event)
        return blocks.build_message()

    def _ask_human(self, scope: Scope, value: Json, answers: Iterator[Json]) -> None:
        """Keep the human's answer to an interrupt; raise RunInterrupted if there is none yet."""
        for answer in answers:
            text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
            self.last_answer["answer"] = text
            return
        identity = create_interrupt_id(scope.path)
        raise RunInterrupted({"value": value, "id": identity, "response_schema": None})

    def _run_tool(
        self,
        scope: Scope,
        number: int,
        call: ToolCall,
        tool_call: Json,
        answers: Iterator[Json],
        *,
        named: bool,
    ) -> Message:
        """Return the message of a tool for the *call*; unless *named*, the message gets its id later."""
        tool = scope.within(self.ids.uuid7("tool", scope.task, number))
        given = {"input": tool_call["args"]}
        self.callbacks.emit_inside_node("on_tool_start", tool, call.tool, given)
        self.modes.send_tool_start(scope, tool_call)
        self.log.wait(self.script.pace.tool)
        try:
            if call.ask is not None:
                self._ask_human(scope, call.ask, answers)
        except RunInterrupted:
            error = {"error": "GraphInterrupt", "message": "the tool waits for an answer"}
            data = {"error": error, **given, "tool_call_id": tool_call["id"]}
            self.callbacks.emit_inside_node("on_tool_error", tool, call.tool, data)
            raise
        result = fill_placeholders(call.result, self.last_answer)
        message = message_json.create_tool_message(
            _to_content(result),
            call.tool,
            tool_call["id"],
            failed=call.failed,
            artifact=fill_placeholders(call.artifact, self.last_answer),
        )
        if (self.modes.streams_tokens and named) or (self.modes.streams_blocks and scope.namespace):
            message["id"] = self.ids.uuid4("message", scope.task, number)
        self.modes.send_tool_end(scope, message)
        self.callbacks.emit_inside_node(
            "on_tool_end", tool, call.tool, {"output": message, **given}
        )
        return message


def _find_last_id(state: State) -> str:
    """Return the id of the last message of the assistant; empty if there is none."""
    said = [one["id"] for one in state.get("messages", ()) if one["type"] == "ai"]
    return said[-1] if said else ""


def _with_name(message: Message, name: str) -> Message:
    """Return *message* of the node *name*, as `create_agent` names its messages: only after they were streamed."""
    return message | {"name": name} if name else message


def _to_content(result: Json) -> Json:
    """Return a tool's result as message content: unchanged if possible, else as JSON text."""
    if isinstance(result, str) or (isinstance(result, list) and all(map(_is_part, result))):
        return result
    return json.dumps(result, ensure_ascii=False)


def _is_part(value: Json) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and value.get("type") in _PART_TYPES)
