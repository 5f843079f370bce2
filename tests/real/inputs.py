"""The options of a run beside a text and a mode: every setting, command and form of input."""

from collections.abc import Iterator
from typing import Any

from tests.real.scenarios import MODES, said
from tests.real.wire import Ask

ALL = [mode for mode in MODES if mode != "messages"]
KEEPERS = ["debug", "checkpoints", "values"]
ASSISTANT = "fd238eb7-ab9f-578c-83b2-cf96df4460ab"
"""The id of the assistant of the graph `scripted`."""

CONFIG = {
    "metadata": {"bb": 2, "thread_id": "mine"},
    "configurable": {"cc": "x", "dd": {"k": 1}, "user_id": "u", "thread_id": "mine"},
    "tags": ["t1", "t2"],
    "run_name": "mine",
    "max_concurrency": 1,
    "recursion_limit": 50,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "config and metadata": {
        "metadata": {"zz": 1, "aa": "x", "obj": {"q": 1}, "é": "\u2028"},
        "config": CONFIG,
    },
    "a run's name and id": {"config": {"run_name": "mine", "run_id": "5"}},
    "metadata of the server's": {
        "metadata": {"graph_id": "scripted", "langgraph_step": 7, "checkpoint_id": "x"},
        "config": {"metadata": {"created_by": "me", "run_id": "mine", "langgraph_plan": "x"}},
    },
    "metadata that is not text": {"metadata": {"n": None, "f": 1.5, "l": [1], "b": True}},
    "tags within": {"config": {"tags": ["t"]}, "stream_subgraphs": True},
    "context": {"context": {"e": 1, "user_id": "u"}},
    **{f"limit {n}": {"config": {"recursion_limit": n}} for n in (0, 1, 2, 3)},
    "before the tools": {"interrupt_before": ["tools"]},
    "after the agent": {"interrupt_after": ["agent"]},
    "before the researcher": {"interrupt_before": ["researcher"]},
    "after the researcher": {"interrupt_after": ["researcher"], "stream_subgraphs": True},
    "before all": {"interrupt_before": "*"},
    "after all": {"interrupt_after": "*"},
    "before and after": {"interrupt_before": ["nope", "tools"], "interrupt_after": ["researcher"]},
    "the client's own wishes": {
        "on_disconnect": "continue",
        "multitask_strategy": "enqueue",
        "if_not_exists": "create",
        "durability": "exit",
        "unknown": {"key": 1},
    },
    "ids": {"stream_resumable": True},
    "by the assistant's id": {"assistant_id": ASSISTANT},
    "later": {"after_seconds": 1},
}
KEPT: dict[str, dict[str, Any]] = {
    "kept": {},
    "kept, subgraphs": {"stream_subgraphs": True},
    "kept, config": {"config": CONFIG, "metadata": {"n": 2}},
    "kept, stopped before": {"interrupt_before": ["tools", "researcher"]},
    "kept, stopped after": {"interrupt_after": "*"},
    "kept, limit": {"config": {"recursion_limit": 1}},
}

HI = {"role": "human", "content": "hi"}
CALL = {"name": "first", "args": {}, "id": "call_of_mine"}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "content": "one", "tool_call_id": "call_of_mine"}
LONG = " ".join(f"word{n}," for n in range(150))
LANGUAGES = "Ünïcode 你好世界 こんにちは 안녕하세요 مرحبا שלום Привет हिन्दी ไทย"
EMOJI = "👋🏽 👩‍👩‍👧 🏳️‍🌈 1️⃣ e\u0301 \U0001f1ef\U0001f1f5"
CODE = '```js\nconst f = ({a}) => `${a} {message} {answer} {turn} {{graph}} {0}`;\r\n\t"\\"\n```'
ODD = "\u0000\u0001\u007f\u0085\u2028\u2029\ufeff\ud7ff\uffff </script>&amp;"


def messages(*of: Any, **rest: Any) -> dict[str, Any]:
    """Return the input that holds the messages *of*."""
    return {"messages": list(of), **rest}


INPUTS: dict[str, Any] = {
    "long": said(LONG),
    "languages": said(LANGUAGES),
    "emoji": said(EMOJI),
    "code": said(CODE),
    "odd characters": said(ODD),
    "no text": said(""),
    "blank text": said(" \n\t "),
    "text": {"messages": "hi"},
    "texts": messages("hi", "tools of Rom"),
    "one message": {"messages": HI},
    "pairs": messages(["system", "be nice"], ["user", "hi"], ["ai", "yes"], ["human", "reason"]),
    "type": messages({"type": "human", "content": "hi"}),
    "user": messages({"type": "user", "content": "hi"}),
    "role and type": messages({**HI, "type": "ai"}),
    "parts": messages({**HI, "content": [{"type": "text", "text": "tools of"}, {"type": "text", "text": " Rom"}]}),
    "texts as parts": messages({**HI, "content": ["tools ", "of Rom"]}),
    "a picture": messages({**HI, "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "data:,"}}]}),
    "no parts": messages({**HI, "content": []}),
    "null content": messages({**HI, "content": None}),
    "no content": messages({"role": "human"}),
    "content of a wrong type": messages({**HI, "content": 5}),
    "content that is an object": messages({**HI, "content": {"type": "text", "text": "hi"}}),
    "id, name and more": messages({"role": "system", "content": "be nice", "id": "s"}, {**HI, "id": "mine", "name": "bob", "foo": "bar", "additional_kwargs": {"a": 1}}),
    "off the wire": messages({"content": "hi", "additional_kwargs": {}, "response_metadata": {"r": 1}, "type": "human", "name": None, "id": None, "example": False}),
    "roles": messages({**HI, "role": "developer"}, {**HI, "role": "system"}, {"role": "function", "name": "f", "content": "x"}, HI),
    "wrong role": messages({**HI, "role": "nope"}),
    "wrong type": messages({"type": "nope", "content": "hi"}),
    "role in capitals": messages({**HI, "role": "HUMAN"}),
    "no role": messages({"content": "hi"}),
    "a wrong pair": messages(["nope", "hi"]),
    "a number as message": messages(5),
    "null as message": messages(None),
    "a list in the list": messages([HI]),
    "null messages": {"messages": None},
    "a number as messages": {"messages": 5},
    "a tool that was not called": messages(RESULT),
    "a tool without an id": messages({"role": "tool", "content": "x"}),
    "a conversation": messages(HI, {"role": "assistant", "content": "hello", "id": "a"}, {"role": "user", "content": "two messages"}),
    "an answer last": messages(HI, {"role": "assistant", "content": "hello"}),
    "an answer alone": messages({"role": "ai", "content": "lonely"}),
    "a call and its result": messages({**HI, "content": "calls in a row"}, CALLED, RESULT),
    "a call without result": messages({**HI, "content": "calls in a row"}, CALLED),
    "a call as OpenAI has it": messages(HI, {**CALLED, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "first", "arguments": '{"a": 1}'}}]}, {**RESULT, "tool_call_id": "c"}, HI),
    "a call of no rule": messages(HI, CALLED),
    "an answer with usage": messages(HI, {"type": "ai", "content": "x", "usage_metadata": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}}, HI),
    "an artifact": messages(HI, CALLED, {**RESULT, "type": "tool", "artifact": {"a": 1}, "status": "error"}, HI),
    "the same id twice": messages({**HI, "id": "1"}, {"role": "user", "content": "tools of Rom", "id": "1"}),
    "a chunk": messages({"type": "AIMessageChunk", "content": "x"}, HI),
    "a message to remove": messages({**HI, "id": "1"}, {**HI, "id": "2"}, {"type": "remove", "content": "", "id": "1"}),
    "no message to remove": messages(HI, {"role": "remove", "content": "", "id": "nope"}),
    "a removal without id": messages(HI, {"type": "remove", "content": ""}),
    "all messages to remove": messages(HI, {"type": "remove", "content": "", "id": "__remove_all__"}, {**HI, "content": "reason"}),
    "other keys": messages({**HI, "content": "two messages"}, notes=["x"], count=5),
    "other keys first": {"count": 5, "notes": ["x"], **messages(HI)},
    "empty": {},
    "no messages": messages(),
    "a removal without content": messages(HI, {"type": "remove", "id": "1"}),
    "none": None,
    "a number": 5,
    "a text alone": "hi",
    "a list": [1],
    "an empty list": [],
    "true": True,
    "false": False,
    "zero": 0,
}  # fmt: skip
TOLD = {"update": messages(HI)}
COMMANDS: dict[str, dict[str, Any]] = {
    "goto": {"command": {"goto": "agent"}},
    "goto and input": {"command": {"goto": "agent"}, "input": messages(HI)},
    "update": {"command": TOLD},
    "update of another key": {"command": {"update": {"notes": ["x"]}}},
    "update and input": {"command": TOLD, "input": said("reason")},
    "update and goto": {"command": {**TOLD, "goto": "agent"}},
    "update and gotos": {"command": {**TOLD, "goto": ["agent"]}},
    "goto tools": {"command": {"goto": "tools"}},
    "goto the end": {"command": {"goto": "__end__"}},
    "goto nowhere": {"command": {"goto": []}},
    "no update": {"command": {"update": None}},
    "nothing": {"command": {}},
    "nothing and input": {"command": {}, "input": messages(HI)},
    "resume with null": {"command": {"resume": None}},
    "resume with no text": {"command": {"resume": ""}},
    "resume with zero": {"command": {"resume": 0}},
    "resume with nothing": {"command": {"resume": []}},
    "resume and input": {"command": {"resume": None}, "input": messages(HI)},
}
FIGURES: dict[str, Any] = {
    "a question": {"question": "q"},
    "both keys": {
        "question": "q",
        "answer": {"a": [1e300, 0.1, -0.0, 1e16, 10**18, 1e-7, 1e-5, 1.5e-5]},
    },
    "the other key": {"answer": [1]},
    "a null": {"question": None},
    "a text": {"question": CODE + ODD},
}


def runs() -> Iterator[tuple[str, Ask]]:
    """Give all requests of this file, each with its name."""
    mode: str | list[str]
    for name, rest in SETTINGS.items():
        for mode in (["messages", "events"], ALL):
            yield run("stream", f"{name}, delegate", said("delegate"), stream_mode=mode, **rest)
        text = "tools of Paris" if "interrupt_before" in rest else "fail with ValueError"
        yield run("stream", f"{name}, {text}", said(text), stream_mode=ALL, **rest)
        yield run("wait", name, said("two messages"), **rest)
    for name, rest in KEPT.items():
        for text in ("delegate", "tools of Paris", "approve", "fail with ValueError"):
            modes: dict[str, Any] = {"stream_mode": KEEPERS, "on_completion": "keep"}
            yield run("stream", f"{name}, {text}", said(text), **modes, **rest)
    for graph, inputs in (("scripted", INPUTS), ("figures", FIGURES), ("plain", FIGURES)):
        for name, input in inputs.items():
            modes = {"stream_mode": ALL, "on_completion": "keep"}
            yield run("stream", f"{graph}: {name}", input, assistant_id=graph, **modes)
            yield run("wait", f"{graph}: {name}", input, assistant_id=graph)
    for graph in ("figures", "plain"):
        for mode in MODES:
            question = FIGURES["a question"]
            yield run("stream", graph, question, assistant_id=graph, stream_mode=mode)
    for name, body in COMMANDS.items():
        whole = {"input": None, **body}
        requested: tuple[str | list[str], ...] = ("values", "updates", ["values", "updates"])
        # Sent to the tools, the real server starts the agent beside them: what is streamed of it is a race.
        for mode in requested if name == "goto tools" else (*requested, ["debug", "events"]):
            yield run("stream", f"command: {name}", stream_mode=mode, **whole)
        yield run("wait", f"command: {name}", **whole)


def run(how: str, name: str, input: Any, **rest: Any) -> tuple[str, Ask]:
    """Return the request of a run, with its name; no input is left out."""
    modes = rest.get("stream_mode", ())
    mode = "all" if modes is ALL else modes if isinstance(modes, str) else "+".join(modes)
    body = {"assistant_id": "scripted", **({} if input is None else {"input": input}), **rest}
    return f"{how} {name} {mode}".rstrip(), Ask("POST", f"/runs/{how}", body)


ASKS = dict(runs())
