"""The twins of scripts that name nodes and state: each is built as its script says, and plays it."""

import operator
from dataclasses import field, make_dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict
from uuid import uuid4

import twin
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.graph import StateGraph, add_messages
from langgraph.prebuilt import ToolCallTransformer
from langgraph.types import interrupt

from mockserver.fake.script import parse
from mockserver.fake.script.model import (
    Custom,
    Fail,
    Interrupt,
    Script,
    Situation,
    Speak,
    Update,
    fill_placeholders,
)
from mockserver.fake.script.plan import Visit, plan_visits
from mockserver.fake.script.state_keys import Reducer
from mockserver.fake.script.topology import START, Topology

TYPES = {
    Reducer.REPLACE: Any,
    Reducer.APPEND: Annotated[list[Any], operator.add],
    Reducer.MESSAGES: Annotated[list[AnyMessage], add_messages],
}


class Twin:
    """The real graph of *script*."""

    def __init__(self, name: str) -> None:
        text = Path(__file__).with_name(f"{name}.yaml").read_text("utf-8")
        self.script = parse.parse_script(text, Script)
        self.state = create_state(self.script)
        self.graph = self.build(self.script.topology, None)

    def plan(self, state: Any, config: RunnableConfig) -> tuple[tuple[Visit, ...], int]:
        """Return the visits of the turn, and how many messages the graph has said in it."""
        messages = read(state, "messages")
        humans = [i for i, message in enumerate(messages) if isinstance(message, HumanMessage)]
        text = messages[humans[-1]].text if humans else ""
        facts = {"input": {"topic": read(state, "topic")}}
        situation = Situation(config["metadata"]["graph_id"], text, len(humans), facts)
        after = messages[humans[-1] + 1 :] if humans else messages
        said = sum(isinstance(message, AIMessage) for message in after)
        return plan_visits(self.script, situation).visits, said

    def find(self, state: Any, config: RunnableConfig, node: str, subgraph: str | None) -> int:
        """Return the place of the visit of *node* at which all that is said has been said before."""
        visits, said = self.plan(state, config)
        return next(
            number
            for number, visit in enumerate(visits)
            if (visit.node, visit.subgraph) == (node, subgraph)
            and sum(one.speech is not None for one in visits[:number]) == said
        )

    def create_node(self, node: str, subgraph: str | None) -> Any:
        async def play(state: self.state, config: RunnableConfig) -> dict[str, Any] | None:
            visits, _ = self.plan(state, config)
            visit = visits[self.find(state, config, node, subgraph)]
            return await self.play(visit, state)

        return play

    async def play(self, visit: Visit, state: Any) -> dict[str, Any] | None:
        update: dict[str, Any] = {}
        answer: dict[str, str] = {}
        for step in visit.steps:
            match fill_placeholders(step, answer):
                case Speak() as speech:
                    model = twin.ChatMockserver(speech=speech, identity=uuid4().hex)
                    update["messages"] = [await model.ainvoke(read(state, "messages"))]
                case Custom(value):
                    get_stream_writer()(value)
                case Update(values):
                    for key, value in values.items():
                        appends = key in update and isinstance(value, list)
                        update[key] = update[key] + value if appends else value
                case Interrupt(value):
                    answer = {"answer": twin.as_text(interrupt(value))}
                case Fail(_, message):
                    raise ValueError(message)
        return update or None

    def create_tools(self, node: str, subgraph: str | None) -> Any:
        async def tools(state: self.state, config: RunnableConfig) -> dict[str, Any]:
            visits, said = self.plan(state, config)
            speech = [visit.speech for visit in visits if visit.speech][said - 1]
            asked = read(state, "messages")[-1].tool_calls
            calls = zip(speech.calls, asked, strict=True)
            return {"messages": [await twin.use(call, one) for call, one in calls]}

        return tools

    def create_route(self, node: str, subgraph: str | None, topology: Topology) -> Any:
        def should_continue(state: self.state, config: RunnableConfig) -> str:
            visits, said = self.plan(state, config)
            messages = read(state, "messages")
            if messages and getattr(messages[-1], "tool_calls", None):
                return next(n for n in topology.get_next_nodes(node) if n in topology.tool_nodes)
            if node in topology.tool_nodes:
                following = [v for v in visits if v.subgraph == subgraph]
                return following[sum(1 for v in following if v.speech and v.speech.calls)].node
            return self.find_next(visits, said, node, subgraph)

        return should_continue

    def find_next(
        self, visits: tuple[Visit, ...], said: int, node: str, subgraph: str | None
    ) -> str:
        """Return the node after the last visit of *node* that can have said all that is said."""
        numbers = [
            number
            for number, visit in enumerate(visits, 1)
            if node in ((visit.node, visit.root_node) if subgraph is None else (visit.node,))
            and visit.root_node == (subgraph or node)
            and sum(one.speech is not None for one in visits[:number]) == said
        ]
        if numbers[-1] == len(visits):
            return "__end__"
        visit = visits[numbers[-1]]
        if subgraph is None:
            return visit.root_node
        return visit.node if visit.subgraph == subgraph else "__end__"

    def build(self, topology: Topology, subgraph: str | None) -> Any:
        builder = StateGraph(self.state)
        for node in topology.nodes:
            if node in topology.subgraphs:
                builder.add_node(node, self.build(topology.subgraphs[node], node))
            elif node in topology.tool_nodes:
                builder.add_node(node, self.create_tools(node, subgraph))
            else:
                builder.add_node(node, self.create_node(node, subgraph))
        for node in (START, *topology.nodes):
            targets = list(topology.get_next_nodes(node))
            if len(targets) == 1:
                builder.add_edge(node, targets[0])
            else:
                route = self.create_route(node, subgraph, topology)
                builder.add_conditional_edges(node, route, targets)
        return builder.compile(transformers=[ToolCallTransformer])


def read(state: Any, name: str) -> Any:
    return state.get(name) if isinstance(state, dict) else getattr(state, name, None)


def create_state(script: Script) -> Any:
    """Return the type of the state: a dataclass if a key has a default, because a TypedDict cannot have one."""
    keys = script.state.keys
    if not any(key.default for key in keys.values()):
        return TypedDict("State", {name: TYPES[key.reducer] for name, key in keys.items()})
    fields = []
    for name, key in keys.items():
        value = field(default_factory=list) if key.is_list else field(default=key.default[0])
        fields.append((name, TYPES[key.reducer], value))
    return make_dataclass("State", fields, kw_only=True)


research = Twin("research").graph
mail = Twin("mail").graph
