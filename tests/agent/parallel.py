"""Two nodes that ask at the same time: a run with two interrupts."""

import operator
from typing import Annotated, Any, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt


class Answers(TypedDict, total=False):
    topic: str
    answers: Annotated[list[Any], operator.add]


async def ask_when(state: Answers) -> Answers:
    return {"answers": [interrupt("When?")]}


async def ask_where(state: Answers) -> Answers:
    return {"answers": [interrupt({"question": "Where?"})]}


builder = StateGraph(Answers)
builder.add_node("when", ask_when)
builder.add_node("where", ask_where)
builder.add_edge(START, "when")
builder.add_edge(START, "where")

graph = builder.compile()
