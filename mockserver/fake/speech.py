"""One message of the assistant, token by token, and what has been said so far. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass

from mockserver.fake import chat
from mockserver.fake.chat import Message
from mockserver.fake.ids import Ids
from mockserver.fake.partial import partial
from mockserver.fake.script import Speak
from mockserver.fake.tokens import argument_tokens, tokens
from mockserver.jsontext import Json


@dataclass(frozen=True, slots=True)
class Speech:
    """What *speak* says in the model's run *identity*."""

    speak: Speak
    identity: str
    calls: tuple[str, ...]
    """The ids of its tool calls."""

    @property
    def streamed_id(self) -> str:
        """The id of the message where it is streamed."""
        return f"lc_run--{self.identity}"

    @property
    def length(self) -> int:
        """How many tokens it has."""
        arguments = (1 + len(argument_tokens(call.args)) for call in self.speak.calls)
        return len(tokens(self.speak.reasoning)) + len(tokens(self.speak.text)) + sum(arguments)

    def whole(self, *, streamed: bool) -> Message:
        """Return the whole message; not *streamed*, its id says that it is the first of its run."""
        identity = self.streamed_id if streamed else f"{self.streamed_id}-0"
        return chat.ai(_content(self.speak.reasoning, self.speak.text), identity, self._calls())

    def chunks(self) -> Iterator[tuple[Message, Message]]:
        """Yield each piece, and the message as far as it is known with it."""
        reasoning = said = ""
        calls: list[Json] = []
        for token in tokens(self.speak.reasoning):
            reasoning += token
            yield self._chunk(_content(token, "")), self._so_far(reasoning, said, calls)
        for token in tokens(self.speak.text):
            said += token
            piece = _content("", token) if not reasoning else [_block(1, token)]
            yield self._chunk(piece), self._so_far(reasoning, said, calls)
        for index, (call, identity) in enumerate(zip(self.speak.calls, self.calls, strict=True)):
            calls.append(chat.call(call.tool, {}, identity))
            yield (
                self._call_chunk(index, call.tool, "", identity),
                self._so_far(reasoning, said, calls),
            )
            written = ""
            for token in argument_tokens(call.args):
                written += token
                calls[-1] = chat.call(call.tool, partial(written), identity)
                yield (
                    self._call_chunk(index, None, token, None),
                    self._so_far(reasoning, said, calls),
                )
        last = chat.chunk([] if reasoning and not calls else "", self.streamed_id, last=True)
        yield last, self._so_far(reasoning, said, calls)

    def _calls(self) -> list[Json]:
        pairs = zip(self.speak.calls, self.calls, strict=True)
        return [chat.call(call.tool, dict(call.args), identity) for call, identity in pairs]

    def _so_far(self, reasoning: str, said: str, calls: list[Json]) -> Message:
        return chat.ai(_content(reasoning, said), self.streamed_id, calls)

    def _chunk(self, content: Json) -> Message:
        return chat.chunk(content, self.streamed_id)

    def _call_chunk(self, index: int, name: str | None, args: str, identity: str | None) -> Message:
        piece = chat.chunk("", self.streamed_id)
        written = partial(args) if args else {}
        if isinstance(written, dict):
            piece["tool_calls"] = [chat.call(name or "", written, identity)]
        else:
            piece["invalid_tool_calls"] = [
                {
                    "name": name,
                    "args": args,
                    "id": identity,
                    "error": None,
                    "type": "invalid_tool_call",
                }
            ]
        piece["tool_call_chunks"] = [
            {"name": name, "args": args, "id": identity, "index": index, "type": "tool_call_chunk"}
        ]
        return piece


def speech(speak: Speak, ids: Ids, *place: str | int) -> Speech:
    """Return what *speak* says at that *place*."""
    calls = (f"call_{ids.hex('call', *place, number)[:24]}" for number in range(len(speak.calls)))
    return Speech(speak, ids.uuid7("model", *place), tuple(calls))


def _content(reasoning: str, text: str) -> Json:
    """Return the content of a message: its text, or a list of parts where it reasons."""
    if not reasoning:
        return text
    thought = {"type": "reasoning", "reasoning": reasoning, "index": 0}
    return [thought, _block(1, text)] if text else [thought]


def _block(index: int, text: str) -> Json:
    return {"type": "text", "text": text, "index": index}
