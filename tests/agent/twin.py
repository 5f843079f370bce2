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
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool, ToolException
from langgraph.config import get_config, get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolCallTransformer
from langgraph.types import interrupt

from mockserver.fake.script import parse
from mockserver.fake.script.message_content import split_arguments, split_block, split_text
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
        message = AIMessage(
            content(self.speech),
            id=self.speech.id or None,
            tool_calls=calls,
            response_metadata=dict(self.speech.response_metadata),
            usage_metadata=self.speech.usage,
        )
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
    return speech.content_blocks or speech.text


def chunks(speech: Speak, identity: str) -> Iterator[AIMessageChunk]:
    """Yield the message in pieces, each with its id, and at the end what a model knows only then."""
    for chunk in content_chunks(speech, identity):
        yield chunk.model_copy(update={"id": speech.id or None})
    if speech.usage or speech.response_metadata:
        yield AIMessageChunk(
            [] if speech.content_blocks and not speech.calls else "",
            id=speech.id or None,
            response_metadata=dict(speech.response_metadata),
            usage_metadata=speech.usage,
            chunk_position="last",
        )


def content_chunks(speech: Speak, identity: str) -> Iterator[AIMessageChunk]:
    for block in speech.content_blocks:
        for piece in split_block(block):
            yield AIMessageChunk([piece])
    for token in split_text(speech.text) if not speech.content_blocks else ():
        yield AIMessageChunk(token)
    for number, call in enumerate(speech.calls):
        # In an event stream a tool call that has the index of another block would replace it.
        is_list = speech.content_blocks and in_event_stream()
        index = number + (len(speech.content_blocks) if is_list else 0)
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
    known = {"message_id": last_id(state)}
    for step in plan[min(done, len(plan) - 1)].steps if plan else ():
        match fill_placeholders(step, known):
            case Speak() as speech:
                # With a config of its own, the call gets the namespace of the node in a subgraph, too.
                own: Any = {"metadata": dict(speech.metadata)} if speech.metadata else None
                model = ChatMockserver(speech=speech, identity=uuid4().hex)
                message = await model.ainvoke(state["messages"], own)
                if speech.name:
                    message.name = speech.name  # as `create_agent` does
                update["messages"] = [message]
                known["message_id"] = message.id
            case Custom(value):
                get_stream_writer()(value)
            case Update(values):
                update |= values
            case Interrupt(value):
                known["answer"] = as_text(interrupt(value))
            case Fail(kind, message):
                raise getattr(builtins, kind, RuntimeError)(message)
            case Pause(seconds):
                await asyncio.sleep(seconds)
    return update or None


async def tools(state: State, config: RunnableConfig) -> dict[str, Any]:
    plan, done = visits(state, config)
    calls = fill_placeholders(plan[done - 1].speech.calls, {"message_id": last_id(state)})
    asked = state["messages"][-1].tool_calls
    return {"messages": [await use(call, one) for call, one in zip(calls, asked, strict=True)]}


async def use(call: ToolCall, asked: Any) -> Any:
    async def run(**args: Any) -> Any:
        answer = {} if call.ask is None else {"answer": as_text(interrupt(call.ask))}
        result = fill_placeholders(call.result, answer)
        if call.artifact is not None or (call.failed and not isinstance(result, str)):
            return tool_message(call, asked, result)
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


def tool_message(call: ToolCall, asked: Any, result: Any) -> ToolMessage:
    return ToolMessage(
        result if isinstance(result, str) else json.dumps(result, ensure_ascii=False),
        name=call.tool,
        tool_call_id=asked["id"],
        artifact=call.artifact,
        status="error" if call.failed else "success",
    )


def last_id(state: Any) -> str:
    """Return the id of the last message of the assistant, empty if there is none."""
    said = [one.id for one in state.get("messages", ()) if isinstance(one, AIMessage)]
    return said[-1] if said else ""


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
