"""No messages, but values that YAML and JSON like to spell in their own way."""

from typing import Any, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph

FIGURES: dict[str, Any] = {
    "floats": [1e3, 1.0, 1e-7, 1e300, -0.0, 0.1, 5e-324, 1.7976931348623157e308],
    "integers": [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1],
    "empty": {"list": [], "mapping": {}, "text": "", "nested": [[], [{}], [[[]]]]},
    "words": ["no", "on", "null", "~", "1e3", "12:30", "012", "0x1F", "2026-11-22"],
    "literals": [True, False, None],
}


class Figures(TypedDict, total=False):
    question: str
    figures: dict[str, Any]


async def count(state: Figures) -> Figures:
    writer = get_stream_writer()
    for name, figures in FIGURES.items():
        writer({name: figures})
    writer(1e-7)
    writer(None)
    writer("12:30")
    return {"figures": FIGURES}


builder = StateGraph(Figures)
builder.add_node("count", count)
builder.add_edge(START, "count")

graph = builder.compile()
