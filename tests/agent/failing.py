"""Answers once, then breaks: a run that fails halfway."""

from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph


async def prepare(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage("So far, so good.")]}


async def explode(state: MessagesState) -> dict[str, Any]:
    raise ValueError("kaboom")


builder = StateGraph(MessagesState)
builder.add_node("prepare", prepare)
builder.add_node("explode", explode)
builder.add_edge(START, "prepare")
builder.add_edge("prepare", "explode")

graph = builder.compile()
