"""One message of the assistant in chunks, with the partial message after each. No I/O."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from mockserver.fake.graph.partial_json import parse_partial
from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.messages import message_json
from mockserver.fake.messages.message_json import Message
from mockserver.fake.script.message_content import (
    split_arguments,
    split_block,
    split_content,
    split_text,
)
from mockserver.fake.script.model import Speak
from mockserver.formats.json_text import Json

GetPartial = Callable[[], Message]
"""Returns the partial message after a chunk; call it only if needed, because it is slow."""


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """The message that *speak* gives in the model run *identity*."""

    speak: Speak
    identity: str
    calls: tuple[str, ...]
    """The ids of its tool calls."""

    @property
    def run_id(self) -> str:
        """The id that the message gets from the run of the model."""
        return f"lc_run--{self.identity}"

    @property
    def streamed_id(self) -> str:
        return self.speak.id or self.run_id

    @property
    def length(self) -> int:
        arguments = (1 + len(split_arguments(call.args)) for call in self.speak.calls)
        blocks = self.speak.content_blocks
        pieces = map(split_block, blocks) if blocks else [split_text(self.speak.text)]
        return sum(map(len, pieces)) + sum(arguments)

    def build_message(self, *, streamed: bool) -> Message:
        """Return the whole message; if it is not *streamed*, its id ends with `-0`, as on the real server."""
        identity = self.streamed_id if streamed or self.speak.id else f"{self.run_id}-0"
        content = self.speak.content_blocks or self.speak.text
        return message_json.create_ai_message(content, identity, self.tool_calls) | self._end_parts

    @property
    def tool_calls(self) -> list[Json]:
        pairs = zip(self.speak.calls, self.calls, strict=True)
        return [
            message_json.create_tool_call(call.tool, dict(call.args), name) for call, name in pairs
        ]

    def split_chunks(self) -> Iterator[tuple[Message, GetPartial]]:
        """Yield each chunk with a function that returns the partial message."""
        blocks = self.speak.content_blocks
        for piece, arrived in split_content(blocks):
            yield self._create_chunk([piece]), partial(self._build_partial, arrived)
        text = ""
        for token in split_text(self.speak.text) if not blocks else ():
            text += token
            yield self._create_chunk(token), partial(self._build_partial, text)
        for index, call in enumerate(self.speak.calls):
            written = ""
            for token in ("", *split_arguments(call.args)):
                written += token
                get_partial = partial(self._build_partial, blocks or text, index, written)
                yield self._create_call_chunk(index, token), get_partial
        bare = [] if blocks and not self.speak.calls else ""
        # LangChain adds the last chunk, with the id of the run, unless the model sends something in it.
        last_id = self.streamed_id if self._end_parts else self.run_id
        last = message_json.create_chunk(bare, last_id, last=True)
        yield last | self._end_parts, partial(self.build_message, streamed=True)

    @property
    def _end_parts(self) -> Message:
        """What a model sends in its last chunk."""
        parts: Message = {}
        if self.speak.response_metadata:
            parts["response_metadata"] = dict(self.speak.response_metadata)
        if self.speak.usage:
            parts["usage_metadata"] = dict(self.speak.usage)
        return parts

    def _build_partial(self, content: Json, index: int = 0, written: str | None = None) -> Message:
        """Return the message with the calls before *index*, and that call if *written* holds part of its arguments."""
        calls = self.tool_calls[:index]
        if written is not None:
            args = parse_partial(written) if written else {}
            calls.append(
                message_json.create_tool_call(self.speak.calls[index].tool, args, self.calls[index])
            )
        return message_json.create_ai_message(content, self.streamed_id, calls)

    def _create_chunk(self, content: Json) -> Message:
        return message_json.create_chunk(content, self.streamed_id)

    def _create_call_chunk(self, index: int, args: str) -> Message:
        """Return the chunk of the call *index* that brings part of its *args*; the first brings no part, but the name and id."""
        name, identity = (None, None) if args else (self.speak.calls[index].tool, self.calls[index])
        call = {"name": name, "args": args, "id": identity}
        chunk = self._create_chunk("")
        written = parse_partial(args) if args else {}
        if isinstance(written, dict):
            chunk["tool_calls"] = [message_json.create_tool_call(name or "", written, identity)]
        else:
            chunk["invalid_tool_calls"] = [{**call, "error": None, "type": "invalid_tool_call"}]
        chunk["tool_call_chunks"] = [{**call, "index": index, "type": "tool_call_chunk"}]
        return chunk


def create_model_output(speak: Speak, ids: IdGenerator, *scope: str | int) -> ModelOutput:
    """Return the output for *speak*; *scope* makes its ids unique."""
    calls = (f"call_{ids.hex('call', *scope, number)[:24]}" for number in range(len(speak.calls)))
    return ModelOutput(speak, ids.uuid7("model", *scope), tuple(calls))
