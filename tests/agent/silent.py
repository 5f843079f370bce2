"""Says nothing for as long as it is asked to, so that the server sends heartbeats."""

import asyncio
from typing import TypedDict

from langgraph.graph import START, StateGraph


class Silence(TypedDict, total=False):
    seconds: float
    answer: str


async def wait(state: Silence) -> Silence:
    seconds = state.get("seconds", 0)
    await asyncio.sleep(seconds)
    return {"answer": f"That were {seconds} seconds."}


builder = StateGraph(Silence)
builder.add_node("wait", wait)
builder.add_edge(START, "wait")

graph = builder.compile()
