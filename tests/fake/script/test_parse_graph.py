"""The nodes and the state of a script, and the visits that its rules come to."""

import pytest

from mockserver.errors import ReadError
from mockserver.fake.script.model import Script, Situation
from mockserver.fake.script.parse import parse_script
from mockserver.fake.script.plan import plan_visits
from mockserver.fake.script.state_keys import Reducer, StateKey
from mockserver.fake.script.topology import DEFAULT, END, START


def read(text: str) -> Script:
    return parse_script(text, Script)


def path(text: str, said: str = "hi") -> list[str]:
    """Return the nodes that are visited; `*` for a visit that does something, and the subgraph before a dot."""
    visits = plan_visits(read(text), Situation("agent", said, 1)).visits
    return [
        f"{visit.subgraph}." * bool(visit.subgraph) + visit.node + "*" * bool(visit.steps)
        for visit in visits
    ]


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        pytest.param("rules: [{steps: [{say: a}]}]", ["agent*"], id="no nodes"),
        pytest.param(
            "nodes: [agent, tools, researcher]\nrules: [{steps: [{say: a}]}]",
            ["agent*"],
            id="the default nodes",
        ),
        pytest.param(
            "nodes: [plan, write]\nrules: [{steps: [{say: a}]}]",
            ["plan*", "write"],
            id="a list is walked to its end",
        ),
        pytest.param(
            "nodes: [plan, search, write]\nrules: [{steps: [{node: search, update: {a: 1}}]}]",
            ["plan", "search*", "write"],
            id="and from its start",
        ),
        pytest.param(
            "nodes: [plan, write]\nrules: [{steps: [{node: write, say: a}, {say: b}]}]",
            ["plan", "write*", "write*"],
            id="a step without a node is by that of the step before",
        ),
        pytest.param(
            "nodes: [plan, write]\nrules: [{steps: [{node: write, update: {a: 1}}, {node: write, say: a}, {node: write, custom: 1}]}]",
            ["plan", "write*"],
            id="steps of a node are one visit",
        ),
        pytest.param(
            "nodes: {a: [b, c], b: c, c: __end__}\nrules: [{steps: [{node: c, say: x}]}]",
            ["a", "c*"],
            id="branches take the shortest way",
        ),
        pytest.param(
            "nodes: {__start__: [b, a], a: , b: }\nrules: [{steps: [{node: a, say: x}]}]",
            ["a*"],
            id="several starts",
        ),
        pytest.param(
            "nodes: [plan, write]\nrules: [{steps: [{call: f, result: 1}, {node: write, say: x}]}]",
            ["plan*", "plan", "write*"],
            id="tools return to their caller",
        ),
        pytest.param(
            "nodes: [plan, write]\nrules: [{steps: [{node: plan, call: f, result: 1}, {node: plan, update: {a: 1}}]}]",
            ["plan*", "plan*", "write"],
            id="what follows a call comes after the tools",
        ),
        pytest.param(
            "nodes: [plan, look, write]\nsubgraphs: {look: [a, b]}\nrules: [{steps: [{say: x}]}]",
            ["plan*", "look.a", "look.b", "write"],
            id="a subgraph on the way",
        ),
        pytest.param(
            "nodes: [plan, look]\nsubgraphs: {look: [a, b]}\nrules: [{steps: [{node: look, delegate: [{node: b, say: x}]}]}]",
            ["plan", "look.a", "look.b*"],
            id="a subgraph",
        ),
        pytest.param(
            "nodes: [plan, look]\nrules: [{steps: [{node: look, delegate: [{say: x}]}]}]",
            ["plan", "look.agent*"],
            id="a subgraph with the default nodes",
        ),
        pytest.param(
            "nodes: [chat]\nrules: [{steps: [{say: x}, {delegate: [{say: y}]}, {say: z}]}]",
            ["chat*", "researcher.agent*", "chat*"],
            id="a delegate that names no node",
        ),
        pytest.param(
            "nodes: [plan, write]\nrules: [{when: {human: x}, steps: [{say: x}]}]",
            ["plan", "write"],
            id="no rule",
        ),
    ],
)
def test_a_rule_visits_nodes(text: str, nodes: list[str]) -> None:
    assert path(text) == nodes


def test_calls_may_name_the_node_of_their_tools() -> None:
    topology = read(
        "nodes: [chat, write]\nrules: [{steps: [{calls: [{call: f, result: 1}], tools: do}, {say: a}]}]"
    ).topology

    assert topology.nodes == ("chat", "write", "do")
    assert topology.edges["chat"] == ("write", "do")
    assert topology.edges["do"] == ("chat",)


def test_written_edges_of_tools_stay() -> None:
    text = "nodes: {chat: [tools, write], tools: [chat, write], write: }\nrules: [{steps: [{call: f, result: 1}, {node: write, say: a}]}]"

    assert read(text).topology.edges["tools"] == ("chat", "write")
    assert path(text) == ["chat*", "write*"]


def test_without_nodes_the_graph_is_the_default_one() -> None:
    assert read("rules: [{steps: [{say: a}]}]").topology is DEFAULT
    assert read("nodes:\nrules: [{steps: [{say: a}]}]").topology.edges[START] == ("agent",)


RULE = "rules: [{steps: [{say: a}]}]"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            f"{RULE}\nnodes: 5",
            "line 2: nodes must be a list of nodes, or a mapping of each node to those that may follow it",
            id="no nodes",
        ),
        pytest.param(f"{RULE}\nnodes: [1]", "line 2: nodes must be a list of texts", id="numbers"),
        pytest.param(f"{RULE}\nnodes: [a, a]", "line 2: nodes has `a` twice", id="twice"),
        pytest.param(
            f"{RULE}\nnodes: ['a:b']",
            "line 2: nodes: `a:b` cannot be the name of a node",
            id="a colon",
        ),
        pytest.param(
            f"{RULE}\nnodes: [__start__, a]",
            "line 2: nodes: leave out `__start__`, the list begins there",
            id="a list with its start",
        ),
        pytest.param(
            f"{RULE}\nnodes: [tools]",
            "line 2: nodes: begin with a node that is not for tools",
            id="only tools",
        ),
        pytest.param(
            f"{RULE}\nnodes: {{__start__: }}",
            "line 2: nodes: begin with a node that is not for tools",
            id="only the start",
        ),
        pytest.param(
            f"{RULE}\nnodes:\n  a: serach\n  search:",
            "line 3: nodes: `a`: there is no node `serach`: did you mean `search`?",
            id="a misspelled target",
        ),
        pytest.param(
            f"{RULE}\nnodes: {{a: {{b: c}}}}",
            "line 2: nodes: `a` is followed by a node or a list of nodes",
            id="a mapping of mappings",
        ),
        pytest.param(f"{RULE}\nnodes: {{a: a}}", "line 2: no way from `a` to `__end__`", id="endless"),
        pytest.param(f"{RULE}\nsubgraphs: {{a: [b]}}", "line 2: subgraphs needs `nodes`", id="alone"),
        pytest.param(
            f"{RULE}\nnodes: [a]\nsubgraphs: {{b: [b]}}",
            "line 3: subgraphs: there is no node `b` (nodes: a)",
            id="a subgraph of no node",
        ),
        pytest.param(
            "nodes: [plan, write]\nrules:\n- steps:\n  - {node: wirte, say: a}",
            "line 4: node: there is no node `wirte`: did you mean `write`?",
            id="a misspelled node",
        ),
        pytest.param(
            "nodes: [plan, write]\nrules:\n- steps:\n  - {node: write, say: a}\n  - {node: plan, say: a}",
            "line 5: `nodes` has no way from `write` to `plan`",
            id="backwards",
        ),
        pytest.param(
            "nodes: [a]\nsubgraphs: {a: [b, c]}\nrules:\n- steps:\n  - node: a\n    delegate:\n    - {node: c, say: x}\n    - {node: b, say: x}",
            "line 8: `nodes` has no way from `c` to `b`",
            id="backwards within",
        ),
        pytest.param(
            "nodes: [a, tools]\nrules:\n- steps:\n  - {node: tools, say: a}",
            "line 4: node: `tools` answers tool calls",
            id="tools that speak",
        ),
        pytest.param(
            "nodes: [a, b]\nsubgraphs: {b: [c]}\nrules:\n- steps:\n  - {node: b, say: a}",
            "line 5: node: `b` runs a subgraph: use `delegate`",
            id="a subgraph that speaks",
        ),
        pytest.param(
            f"{RULE}\nnodes: [a]\nsubgraphs: {{a: {{b: x}}}}",
            "line 3: subgraphs: a: `b`: there is no node `x` (nodes: b, __end__)",
            id="a target that a subgraph does not have",
        ),
        pytest.param(f"{RULE}\nstate: [a]", 'line 2: state must be a mapping, not ["a"]', id="a list"),
        pytest.param(
            f"{RULE}\nstate: {{a: {{reducer: add}}}}",
            "line 2: reducer must be one of replace, append, messages, not add",
            id="an unknown reducer",
        ),
        pytest.param(
            f"{RULE}\nstate: {{a: {{reducer: append, default: [1]}}}}",
            "line 2: state: `a` has the reducer `append`, so its default must be []",
            id="a list that is not empty",
        ),
        pytest.param(
            f"{RULE}\nstate: {{messages: {{reducer: append}}}}",
            "line 2: state: `messages` must have the reducer `messages`",
            id="messages that are none",
        ),
        pytest.param(
            "state: {a: {reducer: append}}\nrules:\n- steps:\n  - {say: a}\n  - update: {a: 1}",
            "line 5: update: `a` has the reducer `append`: write a list, not 1",
            id="an update of a list",
        ),
    ],
)  # fmt: skip
def test_a_broken_graph_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        read(text)

    assert str(caught.value) == complaint


def test_the_state_is_read() -> None:
    keys = read(
        "state: {a: , b: {default: x}, c: {reducer: append}, d: {default: [], reducer: messages}}\nrules: [{steps: [{update: {a: 1}}]}]"
    ).state

    assert keys.keys == {
        "a": StateKey(),
        "b": StateKey(Reducer.REPLACE, ("x",)),
        "c": StateKey(Reducer.APPEND),
        "d": StateKey(Reducer.MESSAGES),
    }
    assert keys.create_initial() == {"c": [], "d": []}
    assert list(keys.read({"d": [], "z": 1, "a": 1})) == ["a", "b", "d", "z"]


def test_a_state_has_messages_if_a_rule_speaks() -> None:
    assert list(read(f"state: {{a: }}\n{RULE}").state.keys) == ["messages", "a"]
    assert list(read("state: {a: }\nrules: [{steps: [{update: {a: 1}}]}]").state.keys) == ["a"]


def test_a_visit_ends_at_the_end() -> None:
    assert read(f"nodes: [a, b]\n{RULE}").topology.edges["b"] == (END,)
