"""One message of the assistant as events of the channel `messages`: blocks of content, each in pieces. No I/O.

Source: langgraph-api 0.16.7, which makes them with `langchain_core.language_models._compat_bridge`.
"""

from collections.abc import Iterator

from mockserver.fake.graph.message_chunks import ModelOutput
from mockserver.fake.messages import message_json
from mockserver.fake.messages.message_json import Message
from mockserver.fake.messages.protocol_state import to_protocol_block
from mockserver.fake.script.message_content import Block, split_arguments, split_block
from mockserver.formats.json_text import Json, dumps

Events = list[dict[str, Json]]

_HEAVY = ("args", "data", "output", "transcript", "value")
"""Keys that the start of a block does not have."""


class ContentBlocks:
    """The message of *output*: reasoning, text and tool calls, in this order."""

    def __init__(self, output: ModelOutput) -> None:
        self._output = output
        self._speak = output.speak
        blocks = output.speak.content_blocks
        self._is_list = bool(blocks)
        """Whether the model sends its content as a list of blocks."""
        text = [{"type": "text", "text": self._speak.text}] if self._speak.text else []
        converted = [_convert_block(block) for block in blocks]
        self._contents: list[Block] = [block for block in converted if block is not None] or text
        """The blocks that are not tool calls."""

    def split(self) -> Iterator[Events]:
        """Yield the events that come at the same time, in as many pieces as the model has tokens, and one more."""
        waiting: Events = [{"event": "message-start", "role": "ai", "id": self._output.run_id}]
        for index, block in enumerate(self._contents):
            first, *_ = pieces = split_block({**block, "index": index})
            waiting.append(_start(index, _start_skeleton(first)))
            for piece in pieces:
                yield [*waiting, *_piece_deltas(index, piece)]
                waiting = []
        before = len(self._contents)
        for number, call in enumerate(self._output.tool_calls):
            index = before + number
            chunk = {"type": "tool_call_chunk", "id": call["id"], "name": call["name"], "args": ""}
            # A model counts tool calls alone if its text is a string, and all blocks if its content is a list.
            chunk["index"] = index if self._is_list else number
            yield [*waiting, _start(index, chunk)]
            waiting = []
            for token in split_arguments(call["args"]):
                yield [_delta(index, {"type": "tool-call-delta", "args": token})]
        finished = [
            {"event": "content-block-finish", "index": index, "content": block}
            for index, block in enumerate(self._blocks(indexed=self._is_list))
        ]
        yield [*waiting, *finished, {"event": "message-finish", **self._end_parts()}]

    def build_message(self) -> Message:
        """Return the message as the state holds it; its id is that of the run, also if the script gives it one."""
        blocks, calls = self._blocks(indexed=True), self._output.tool_calls
        message = message_json.create_ai_message(blocks, self._output.run_id, calls)
        usage = {"usage_metadata": dict(self._speak.usage)} if self._speak.usage else {}
        described = {**self._speak.response_metadata, "output_version": "v1"}
        return message | {"response_metadata": described} | usage

    def _end_parts(self) -> dict[str, Json]:
        parts: dict[str, Json] = {}
        if self._speak.usage:
            parts["usage"] = dict(self._speak.usage)
        if self._speak.response_metadata:
            parts["metadata"] = dict(self._speak.response_metadata)
        return parts

    def _blocks(self, *, indexed: bool) -> list[dict[str, Json]]:
        """Return the finished blocks; those of text have their index if *indexed*."""
        texts = [
            {**block, "index": index} if indexed else block
            for index, block in enumerate(self._contents)
        ]
        keys = ("type", "id", "name", "args")
        return [*texts, *({key: call[key] for key in keys} for call in self._output.tool_calls)]


def tool_message_events(message: Message) -> Events:
    """Return the events of the *message* of a tool; without an id, it is named after its call."""
    content, call = message["content"], message["tool_call_id"]
    text = content if isinstance(content, str) else dumps(content)
    block = {"type": "text", "text": text}
    named = {"id": message["id"] or f"tool-{call}", "tool_call_id": call}
    return [
        {"event": "message-start", "role": "tool", **named},
        _start(0, {"type": "text", "text": ""}),
        {"event": "content-block-delta", "index": 0, "content": block},
        {"event": "content-block-finish", "index": 0, "content": block},
        {"event": "message-finish", "metadata": {}},
    ]


def _convert_block(block: Block) -> Json:
    """Return *block* in the protocol's form, None if it has none.

    As with a model of a known provider; with any other model, the server replaces one block that is not standard by the next.
    """
    if block["type"] != "thinking":
        return to_protocol_block(block)
    extras = {n: part for n, part in block.items() if n not in ("type", "thinking", "index")}
    thought = {"type": "reasoning", "reasoning": block.get("thinking", "")}
    return thought | ({"extras": extras} if extras else {})


def _start_skeleton(block: Block) -> Block:
    """Return the first piece of a block without what comes later."""
    kind = block["type"]
    if kind in ("text", "reasoning"):
        left_out = (kind, "index", "annotations")
        return {n: part for n, part in block.items() if n not in left_out} | {kind: ""}
    skeleton = {n: part for n, part in block.items() if n not in _HEAVY}
    return skeleton | ({"value": {}} if kind == "non_standard" else {})


def _piece_deltas(index: int, piece: Block) -> Events:
    """Return the event with the new content of a block; none if all of it comes at the end."""
    kind = piece["type"]
    if kind in ("text", "reasoning"):
        return [_delta(index, {"type": f"{kind}-delta", kind: piece[kind]})]
    if "data" in piece:
        return [_delta(index, {"type": "data-delta", "data": piece["data"]})]
    return []


def _start(index: int, content: dict[str, Json]) -> dict[str, Json]:
    return {"event": "content-block-start", "index": index, "content": content}


def _delta(index: int, delta: dict[str, Json]) -> dict[str, Json]:
    return {"event": "content-block-delta", "index": index, "delta": delta}
