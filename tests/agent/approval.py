"""Drafts a reply, then waits for a human to approve it."""

from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt


async def draft(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage("Draft: we ship on Monday.")]}


async def review(state: MessagesState) -> dict[str, Any]:
    question = {
        "question": "Send this reply?",
        "draft": state["messages"][-1].text,
        "choices": ["send", "edit", "drop"],
        "limits": {"characters": 280, "deadline": None},
    }
    decision = interrupt(question)
    return {"messages": [AIMessage(f"The human decided: {decision}")]}


builder = StateGraph(MessagesState)
builder.add_node("draft", draft)
builder.add_node("review", review)
builder.add_edge(START, "draft")
builder.add_edge("draft", "review")

graph = builder.compile()
