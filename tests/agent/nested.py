"""A graph within a graph, for streams that show subgraphs."""

from typing import Any

from chatmodel import ScriptedChat
from langchain_core.messages import AIMessage
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph

model = ScriptedChat()


async def search(state: MessagesState) -> dict[str, Any]:
    get_stream_writer()({"searching": state["messages"][-1].text})
    return {"messages": [AIMessage("Two pages found.")]}


async def summarize(state: MessagesState) -> dict[str, Any]:
    return {"messages": [await model.ainvoke(state["messages"])]}


async def greet(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage("Handing over to research.")]}


inner = StateGraph(MessagesState)
inner.add_node("search", search)
inner.add_node("summarize", summarize)
inner.add_edge(START, "search")
inner.add_edge("search", "summarize")

outer = StateGraph(MessagesState)
outer.add_node("greet", greet)
outer.add_node("research", inner.compile())
outer.add_edge(START, "greet")
outer.add_edge("greet", "research")

graph = outer.compile()
