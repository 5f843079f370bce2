"""The graph most tests talk to: a chat model, and a weather tool when asked for it."""

from typing import Any

from chatmodel import ScriptedChat
from langchain_core.tools import tool
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

model = ScriptedChat()


@tool
async def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    get_stream_writer()({"looking_up": city})
    return f"It is 21 °C and sunny in {city}."


async def agent(state: MessagesState) -> dict[str, Any]:
    messages = state["messages"]
    get_stream_writer()({"reading": len(messages)})
    return {"messages": [await model.ainvoke(messages)]}


builder = StateGraph(MessagesState)
builder.add_node("agent", agent)
builder.add_node("tools", ToolNode([get_weather]))
builder.add_edge(START, "agent")
builder.add_conditional_edges("agent", tools_condition)
builder.add_edge("tools", "agent")

graph = builder.compile()
