"""One message of the assistant as events of the channel `messages`: blocks of content, each in pieces. No I/O.

Source: langgraph-api 0.16.7, which makes them with `langchain_core.language_models._compat_bridge`.
"""

from collections.abc import Iterator

from mockserver.fake.graph.message_chunks import ModelOutput
from mockserver.fake.messages import model
from mockserver.fake.messages.model import Message
from mockserver.fake.script.model import Speak
from mockserver.fake.tokens import split_arguments, split_text
from mockserver.formats.json_text import Json, dumps

Events = list[dict[str, Json]]


class ContentBlocks:
    """The message of *output*: reasoning, text and tool calls, in this order."""

    def __init__(self, output: ModelOutput) -> None:
        self._output = output
        self._speak: Speak = output.speak

    def split(self) -> Iterator[Events]:
        """Yield the events that come at the same time, in as many pieces as the model has tokens, and one more."""
        waiting: Events = [{"event": "message-start", "role": "ai", "id": self._output.streamed_id}]
        index = 0
        for kind, text in self._texts():
            waiting.append(_start(index, {"type": kind, kind: ""}))
            for token in split_text(text):
                yield [*waiting, _delta(index, {"type": f"{kind}-delta", kind: token})]
                waiting = []
            index += 1
        for call, identity in zip(self._speak.calls, self._output.calls, strict=True):
            chunk = {"type": "tool_call_chunk", "id": identity, "name": call.tool, "args": ""}
            yield [*waiting, _start(index, {**chunk, "index": self._call_index(index)})]
            waiting = []
            for token in split_arguments(call.args):
                yield [_delta(index, {"type": "tool-call-delta", "args": token})]
            index += 1
        finished = [
            {"event": "content-block-finish", "index": index, "content": block}
            for index, block in enumerate(self._blocks(indexed=bool(self._speak.reasoning)))
        ]
        yield [*waiting, *finished, {"event": "message-finish"}]

    def build_message(self) -> Message:
        """Return the message as the state holds it."""
        calls = [
            model.create_tool_call(call.tool, dict(call.args), identity)
            for call, identity in zip(self._speak.calls, self._output.calls, strict=True)
        ]
        message = model.create_ai_message(
            self._blocks(indexed=True), self._output.streamed_id, calls
        )
        return message | {"response_metadata": {"output_version": "v1"}}

    def _texts(self) -> list[tuple[str, str]]:
        """Return the type and the text of each block that is not a tool call."""
        texts = (("reasoning", self._speak.reasoning), ("text", self._speak.text))
        return [(kind, text) for kind, text in texts if text]

    def _call_index(self, index: int) -> int:
        """Return the number that a model gives to the tool call in the block *index*.

        It counts tool calls alone if its text is a string, and all blocks if its content is a list.
        """
        return index if self._speak.reasoning else index - len(self._texts())

    def _blocks(self, *, indexed: bool) -> list[dict[str, Json]]:
        """Return the finished blocks; those of text have their index if *indexed*."""
        texts = [
            {"type": kind, kind: text, **({"index": index} if indexed else {})}
            for index, (kind, text) in enumerate(self._texts())
        ]
        calls = [
            {"type": "tool_call", "id": identity, "name": call.tool, "args": dict(call.args)}
            for call, identity in zip(self._speak.calls, self._output.calls, strict=True)
        ]
        return texts + calls


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


def _start(index: int, content: dict[str, Json]) -> dict[str, Json]:
    return {"event": "content-block-start", "index": index, "content": content}


def _delta(index: int, delta: dict[str, Json]) -> dict[str, Json]:
    return {"event": "content-block-delta", "index": index, "delta": delta}
