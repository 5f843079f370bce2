"""Write what recorded runs did as the steps of a rule. No I/O."""

from typing import Any

from mockserver.fake.messages.message_json import get_text
from mockserver.fake.script.state_keys import MESSAGES, Reducer
from mockserver.fake.script.topology import AGENT, TOOLS
from mockserver.formats.json_text import Json
from mockserver.tools.scripts.recorded_runs import Message, RecordedRun, RecordedVisit

Step = dict[str, Any]

_UNFINISHED = ("call", "calls", "interrupt", "reason")
_SPEAKING = ("say", "error", *_UNFINISHED)


class _Steps:
    """Collects the steps of a turn. Each says its node, unless *tool_nodes*, the nodes that only answer calls, is None."""

    def __init__(self, reducers: dict[str, Reducer], tool_nodes: frozenset[str] | None) -> None:
        self.steps: list[Step] = []
        self._reducers = reducers
        self._with_nodes = tool_nodes is not None
        self._tool_nodes = tool_nodes or frozenset()
        self._open_calls: list[tuple[str, Step]] = []
        """The calls without a result so far, by their ids."""
        self._pending: list[Json] = []
        self._last_is_text = False
        self._said: set[str] = set()

    def add_run(self, run: RecordedRun) -> None:
        for visit in run.visits:
            self._add_visit(visit)
        for interrupt in run.interrupts:
            self._add_interrupt(interrupt)
        match run.error:
            case {"error": str(kind), "message": str(message)}:
                self._flush(None)
                self.steps.append({"error": {"type": kind, "message": message}})
            case _:
                pass

    def finish(self) -> list[Step]:
        """Return the steps; a call without a result gets an empty one."""
        if self._pending:
            self._flush(None)
            self.steps.append({"say": "{answer}"})
        for _, call in self._open_calls:
            call["result"] = ""
        speaking = [step for step in self.steps if not step.keys().isdisjoint(_SPEAKING)]
        if speaking and not self._with_nodes and speaking[-1].keys() & set(_UNFINISHED):
            self.steps.append({"node": AGENT, "pause": 0})
        return self.steps

    def _add_visit(self, visit: RecordedVisit) -> None:
        messages = self._drop_known(visit.update.get(MESSAGES, []))
        if visit.node in self._tool_nodes or (messages and all(map(_is_result, messages))):
            for message in messages:
                self._add_result(message, visit.node)
            return
        self._flush(visit.node)
        count = len(self.steps)
        self._add(visit.node, *({"custom": value} for value in visit.custom))
        for message in messages:
            if _is_result(message):
                self._add_result(message, None)
            elif message["type"] == "ai":
                self._add_message(visit.node, message)
        update = {name: self._get_value(name, visit.update) for name in visit.update}
        update.pop(MESSAGES, None)
        if update:
            self._add(visit.node, {"update": update})
        if self._with_nodes and len(self.steps) == count:
            self._add(visit.node, {"pause": 0})

    def _drop_known(self, messages: list[Message]) -> list[Message]:
        """Return those of *messages* that no earlier run of the turn has shown."""
        new = [message for message in messages if str(message.get("id")) not in self._said]
        self._said |= {str(message["id"]) for message in messages if message.get("id")}
        return new

    def _get_value(self, name: str, update: dict[str, Any]) -> Json:
        value = update[name]
        is_list = self._reducers.get(name, Reducer.REPLACE) is not Reducer.REPLACE
        return [value] if is_list and not isinstance(value, list) else value

    def _add_message(self, node: str | None, message: Message) -> None:
        text, reasoning = get_text(message), _get_reasoning(message)
        calls = message["tool_calls"]
        if calls and not text and not reasoning and self._last_is_text:
            self._add(node, {"pause": 0})
        if reasoning:
            self._add(node, {"reason": reasoning})
        if text:
            self._add(node, {"say": text})
        if calls:
            self._add_calls(node, calls)
        self._last_is_text = bool(text) and not calls

    def _add_calls(self, node: str | None, calls: list[dict[str, Any]]) -> None:
        steps = [
            {"call": call["name"]} | ({"args": call["args"]} if call["args"] else {})
            for call in calls
        ]
        if len(steps) == 1:
            steps = [self._get_node(node) | steps[0]]
            self.steps += steps
        else:
            self._add(node, {"calls": steps})
        self._open_calls += [
            (str(call.get("id")), step) for call, step in zip(calls, steps, strict=True)
        ]

    def _add_result(self, message: Message, node: str | None) -> None:
        self._answer_tools(node)
        answered, content = str(message.get("tool_call_id")), message["content"]
        for number, (identity, call) in enumerate(self._open_calls):
            if identity == answered:
                failed = message.get("status") == "error" and isinstance(content, str) and content
                call["fails" if failed else "result"] = content
                del self._open_calls[number]
                return

    def _answer_tools(self, node: str | None) -> None:
        """Say that *node* answers the last calls, if that is not the default."""
        if node in self._tool_nodes and node != TOOLS:
            calling = [step for step in self.steps if "call" in step or "calls" in step]
            if calling:
                calling[-1]["tools"] = node

    def _add_interrupt(self, value: Json) -> None:
        call = next((one for _, one in self._open_calls if "ask" not in one), None)
        if call is not None:
            call["ask"] = value
        else:
            self._pending.append(value)

    def _flush(self, node: str | None) -> None:
        """Add the interrupts that waited for the name of their node."""
        self._add(node, *({"interrupt": value} for value in self._pending))
        self._pending = []

    def _add(self, node: str | None, *steps: Step) -> None:
        for step in steps:
            self.steps.append(self._get_node(node) | step)
            self._last_is_text = False

    def _get_node(self, node: str | None) -> Step:
        return {"node": node} if self._with_nodes and node is not None else {}


def find_tool_nodes(visits: list[RecordedVisit]) -> frozenset[str]:
    """Return the nodes that only answer tool calls."""
    answering: set[str | None] = set()
    others: set[str | None] = set()
    for visit in visits:
        messages = visit.update.get(MESSAGES, [])
        only_results = bool(messages) and all(map(_is_result, messages))
        (answering if only_results else others).add(visit.node)
    return frozenset(node for node in answering - others if node)


def _is_result(message: Message) -> bool:
    return bool(message["type"] == "tool")


def build_steps(
    turn: list[RecordedRun], reducers: dict[str, Reducer], tool_nodes: frozenset[str] | None
) -> list[Step]:
    """Return the steps that play what the runs of *turn* did; without names of nodes if *tool_nodes* is None."""
    steps = _Steps(reducers, tool_nodes)
    for run in turn:
        steps.add_run(run)
    return steps.finish()


def _get_reasoning(message: Message) -> str:
    parts = (part for part in message["content"] if isinstance(part, dict))
    return "".join(part["reasoning"] for part in parts if isinstance(part.get("reasoning"), str))
