"""The fake graph's twin: the same script, played by a real graph with a chat model, tools and a subgraph."""

import asyncio
import builtins
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, TypedDict
from uuid import uuid4

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool, ToolException
from langgraph.config import get_config, get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolCallTransformer
from langgraph.types import interrupt

from mockserver.fake.script import parse
from mockserver.fake.script.model import (
    Custom,
    Fail,
    Interrupt,
    Pause,
    Script,
    Situation,
    Speak,
    ToolCall,
    Update,
    fill_placeholders,
)
from mockserver.fake.script.plan import Visit, plan_visits
from mockserver.fake.tokens import split_arguments, split_text

SCRIPT = parse.parse_script(Path(__file__).with_name("script.yaml").read_text("utf-8"), Script)


class State(MessagesState, total=False):
    notes: list[str]
    count: int


class Figures(TypedDict, total=False):
    """A state without messages."""

    question: str
    answer: Any


class ChatMockserver(BaseChatModel):
    """Says what it was made for."""

    speech: Any
    identity: str
    """Makes the ids of its calls unlike those of another message."""

    @property
    def _llm_type(self) -> str:
        return "mockserver"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        calls = [
            {"name": call.tool, "args": dict(call.args), "id": f"call_{self.identity}_{index}"}
            for index, call in enumerate(self.speech.calls)
        ]
        message = AIMessage(content(self.speech), tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for message in chunks(self.speech, self.identity):
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def content(speech: Speak) -> Any:
    if not speech.reasoning:
        return speech.text
    blocks = [{"type": "reasoning", "reasoning": speech.reasoning, "index": 0}]
    return [*blocks, {"type": "text", "text": speech.text, "index": 1}] if speech.text else blocks


def chunks(speech: Speak, identity: str) -> Iterator[AIMessageChunk]:
    if speech.reasoning:
        for token in split_text(speech.reasoning):
            yield AIMessageChunk([{"type": "reasoning", "reasoning": token, "index": 0}])
        for token in split_text(speech.text):
            yield AIMessageChunk([{"type": "text", "text": token, "index": 1}])
    else:
        for token in split_text(speech.text):
            yield AIMessageChunk(token)
    for number, call in enumerate(speech.calls):
        # In an event stream a tool call that has the index of another block would replace it.
        index = number + (len(content(speech)) if speech.reasoning and in_event_stream() else 0)
        yield call_chunk(index, call.tool, "", f"call_{identity}_{number}")
        for piece in split_arguments(call.args):
            yield call_chunk(index, None, piece, None)


def in_event_stream() -> bool:
    return "__event_streaming_v2" in get_config()["configurable"]


def call_chunk(index: int, name: str | None, args: str, identity: str | None) -> AIMessageChunk:
    return AIMessageChunk(
        "", tool_call_chunks=[tool_call_chunk(name=name, args=args, id=identity, index=index)]
    )


def visits(state: Any, config: RunnableConfig) -> tuple[tuple[Visit, ...], int]:
    """Return what is to be said after the last human message, and how much of it has been said."""
    graph = config["metadata"]["graph_id"]
    if "messages" not in state:
        return plan_visits(SCRIPT, Situation(graph, None, 0)).visits, 0
    messages = state["messages"]
    humans = [i for i, message in enumerate(messages) if isinstance(message, HumanMessage)]
    after = messages[humans[-1] + 1 :] if humans else messages
    said = messages[humans[-1]].text if humans else ""
    situation = Situation(graph, said, len(humans))
    visits = plan_visits(SCRIPT, situation).visits
    return visits, sum(isinstance(message, AIMessage) for message in after)


async def agent(state: State, config: RunnableConfig) -> dict[str, Any] | None:
    return await play(state, config)


async def figures(state: Figures, config: RunnableConfig) -> dict[str, Any] | None:
    return await play(state, config)


async def play(state: Any, config: RunnableConfig) -> dict[str, Any] | None:
    plan, done = visits(state, config)
    update: dict[str, Any] = {}
    answer: dict[str, str] = {}
    for step in plan[min(done, len(plan) - 1)].steps if plan else ():
        match fill_placeholders(step, answer):
            case Speak() as speech:
                message = await ChatMockserver(speech=speech, identity=uuid4().hex).ainvoke(
                    state["messages"]
                )
                update["messages"] = [message]
            case Custom(value):
                get_stream_writer()(value)
            case Update(values):
                update |= values
            case Interrupt(value):
                answer = {"answer": as_text(interrupt(value))}
            case Fail(kind, message):
                raise getattr(builtins, kind, RuntimeError)(message)
            case Pause(seconds):
                await asyncio.sleep(seconds)
    return update or None


async def tools(state: State, config: RunnableConfig) -> dict[str, Any]:
    plan, done = visits(state, config)
    calls = plan[done - 1].speech.calls
    asked = state["messages"][-1].tool_calls
    return {"messages": [await use(call, one) for call, one in zip(calls, asked, strict=True)]}


async def use(call: ToolCall, asked: Any) -> Any:
    async def run(**args: Any) -> Any:
        answer = {} if call.ask is None else {"answer": as_text(interrupt(call.ask))}
        result = fill_placeholders(call.result, answer)
        if call.failed:
            raise ToolException(result)
        return result

    schema = {"type": "object", "properties": {}}
    tool = StructuredTool.from_function(
        coroutine=run,
        name=call.tool,
        description=call.tool,
        args_schema=schema,
        handle_tool_error=True,
    )
    return await tool.ainvoke({**asked, "type": "tool_call"})


def as_text(said: Any) -> str:
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


def routed(*, inside: bool) -> Any:
    def should_continue(state: State, config: RunnableConfig) -> str:
        plan, done = visits(state, config)
        last = state["messages"][-1] if state["messages"] else None
        if isinstance(last, AIMessage) and last.tool_calls:
            return "tools"
        if not 0 < done < len(plan):
            return END
        if inside:
            return "agent" if plan[done].subgraph else END
        return "researcher" if plan[done].subgraph else "agent"

    return should_continue


def build(route: Any, *others: tuple[str, Any]) -> Any:
    builder = StateGraph(State)
    builder.add_node("agent", agent)
    builder.add_node("tools", tools)
    names = ["agent", "tools", END]
    for name, node in others:
        builder.add_node(name, node)
        builder.add_conditional_edges(name, route, ["agent", name, END])
        names.insert(2, name)
    builder.add_edge(START, "agent")
    builder.add_conditional_edges("agent", route, names)
    builder.add_edge("tools", "agent")
    # As `create_agent` does: without it, event streams show no tools.
    return builder.compile(transformers=[ToolCallTransformer])


graph = build(routed(inside=False), ("researcher", build(routed(inside=True))))


def should_continue(state: Figures) -> str:
    return END


builder = StateGraph(Figures)
builder.add_node("agent", figures)
builder.add_edge(START, "agent")
builder.add_conditional_edges("agent", should_continue, [END])
figures_graph = builder.compile()
