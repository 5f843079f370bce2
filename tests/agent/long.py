"""Streams as many custom events as it is asked to."""

from typing import TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph


class Series(TypedDict, total=False):
    count: int
    written: int


async def write(state: Series) -> Series:
    writer = get_stream_writer()
    count = state.get("count", 0)
    for number in range(count):
        writer({"number": number, "text": f"event {number} of {count}"})
    return {"written": count}


builder = StateGraph(Series)
builder.add_node("write", write)
builder.add_edge(START, "write")

graph = builder.compile()
