"""A chat model without a network: the last message alone decides what it says."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

UNICODE = (
    "Emoji 👋🏽 👩‍👩‍👧, CJK 你好 こんにちは 안녕,\n"
    "next line \x85 and line separator \u2028 and\n"
    "\ta tab, \"double\" and 'single' quotes, a back\\slash\n"
    "---\n"
    "…and an ümlaut."
)


class ScriptedChat(BaseChatModel):
    """Answers by rule, and streams the answer a word at a time."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=reply(messages))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for message in cut(reply(messages)):
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def reply(messages: Sequence[BaseMessage]) -> AIMessage:
    """Return the answer to a conversation."""
    last = messages[-1]
    if isinstance(last, ToolMessage):
        return AIMessage(f"The tool says: {last.text}")
    said = last.text
    if "weather" in said.lower():
        return AIMessage("Let me look.", tool_calls=[weather_call(said)])
    if "unicode" in said.lower():
        return AIMessage(UNICODE)
    if name := name_in([last]):
        return AIMessage(f"Hello {name}! What would you like to talk about?")
    if "my name" in said.lower():
        name = name_in(messages)
        return AIMessage(f"Your name is {name}." if name else "You did not tell me.")
    return AIMessage(f"You said: {said}")


def cut(message: AIMessage) -> Iterator[AIMessageChunk]:
    """Cut *message* into chunks: its words, then the pieces of its tool calls."""
    for word in re.findall(r"\S+\s*|\s+", message.text):
        yield AIMessageChunk(content=word)
    for index, call in enumerate(message.tool_calls):
        name, identity = call["name"], call["id"]
        yield call_chunk(index, name=name, args="", id=identity)
        for piece in re.findall(r".{1,8}", json.dumps(call["args"])):
            yield call_chunk(index, name=None, args=piece, id=None)


def call_chunk(index: int, *, name: str | None, args: str, id: str | None) -> AIMessageChunk:
    piece = tool_call_chunk(name=name, args=args, id=id, index=index)
    return AIMessageChunk(content="", tool_call_chunks=[piece])


def weather_call(said: str) -> dict[str, Any]:
    city = re.search(r"\bin (\w+)", said)
    args = {"city": city[1] if city else "Berlin"}
    return {"name": "get_weather", "args": args, "id": "call_weather"}


def name_in(messages: Sequence[BaseMessage]) -> str | None:
    """Return the name a human gave in *messages*, if one did."""
    for message in messages:
        found = re.search(r"\bmy name is (\w+)", message.text, re.IGNORECASE)
        if found and isinstance(message, HumanMessage):
            return found[1]
    return None
