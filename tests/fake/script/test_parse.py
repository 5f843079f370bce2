import pytest

from mockserver.errors import ReadError
from mockserver.fake.script import parse
from mockserver.fake.script.model import (
    Custom,
    Delegate,
    Fail,
    Interrupt,
    Pause,
    Rule,
    Script,
    ScriptPace,
    Situation,
    Speak,
    Step,
    ToolCall,
    Update,
)
from mockserver.http.fault import Cut, Stall, StatusFault

FORMS = "a text, a list of content blocks, `{file: NAME}` or `{one_of: [TEXT, …]}`"

BUILT_IN = Script((Rule((Speak("built in"),)),), ScriptPace(1.0, 2.0, 3.0))


def read(text: str) -> Script:
    return parse.parse_script(text, lambda: BUILT_IN)


def steps(text: str) -> tuple[Step, ...]:
    """Return the steps of the one rule whose steps are *text*."""
    [rule] = read("rules:\n- steps:\n" + text).rules
    return rule.steps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("  - say: Hello", (Speak("Hello"),), id="say"),
        pytest.param("  - {say: Hello, every: 0.5}", (Speak("Hello", every=0.5),), id="every"),
        pytest.param(
            "  - reason: Hm.\n  - say: Yes.", (Speak("Yes.", reasoning="Hm."),), id="reason and say"
        ),
        pytest.param("  - say: a\n  - say: b", (Speak("a"), Speak("b")), id="two messages"),
        pytest.param(
            "  - say: a\n  - reason: Hm.\n  - say: b",
            (Speak("a"), Speak("b", reasoning="Hm.")),
            id="reasoning begins a message",
        ),
        pytest.param(
            "  - {say: Wait., every: 2}\n  - {call: f, args: {x: 1}, result: [2]}\n  - say: Two.",
            (Speak("Wait.", calls=(ToolCall("f", {"x": 1}, [2]),), every=2.0), Speak("Two.")),
            id="say and call",
        ),
        pytest.param(
            "  - reason: Hm.\n  - {call: f, result: null}\n  - say: b",
            (Speak(reasoning="Hm.", calls=(ToolCall("f", {}, None),)), Speak("b")),
            id="reason and call",
        ),
        pytest.param(
            "  - reason: Hm.\n  - {say: a, every: 1}\n  - {call: f, result: x, ask: May I?}\n  - say: b",
            (Speak("a", "Hm.", (ToolCall("f", {}, "x", "May I?"),), 1.0), Speak("b")),
            id="reason, say and call",
        ),
        pytest.param(
            "  - {call: f, result: 1}\n  - {call: g, result: 2}\n  - say: b",
            (
                Speak(calls=(ToolCall("f", {}, 1),)),
                Speak(calls=(ToolCall("g", {}, 2),)),
                Speak("b"),
            ),
            id="one call after the other",
        ),
        pytest.param(
            "  - calls:\n    - {call: f, result: 1}\n    - {call: g, result: 2}\n  - say: b",
            (Speak(calls=(ToolCall("f", {}, 1), ToolCall("g", {}, 2))), Speak("b")),
            id="two calls at once",
        ),
        pytest.param(
            "  - say: a\n  - pause: 2\n  - {call: f, result: 1}\n  - say: b",
            (Speak("a"), Pause(2.0), Speak(calls=(ToolCall("f", {}, 1),)), Speak("b")),
            id="a pause parts say and call",
        ),
        pytest.param("  - custom: [1, no]", (Custom([1, "no"]),), id="custom"),
        pytest.param("  - custom:", (Custom(None),), id="custom nothing"),
        pytest.param("  - update: {todos: []}", (Update({"todos": []}),), id="update"),
        pytest.param("  - pause: 3600", (Pause(3600.0),), id="pause"),
        pytest.param("  - error: out of luck", (Fail("ValueError", "out of luck"),), id="error"),
        pytest.param(
            "  - error: {type: KeyError, message: x}", (Fail("KeyError", "x"),), id="a typed error"
        ),
        pytest.param(
            "  - error: {type: '{kind}Error'}", (Fail("{kind}Error", ""),), id="a type that varies"
        ),
        pytest.param(
            "  - interrupt: {q: 1}\n  - say: b", (Interrupt({"q": 1}), Speak("b")), id="interrupt"
        ),
        pytest.param(
            "  - say: a\n  - delegate:\n    - say: b\n    - custom: 1\n  - say: c",
            (Speak("a"), Delegate((Speak("b"), Custom(1))), Speak("c")),
            id="delegate",
        ),
        pytest.param(
            "  - say: a\n  - custom: 1\n  - delegate: [{error: x}]\n  - error: y",
            (Speak("a"), Custom(1), Delegate((Fail("ValueError", "x"),)), Fail("ValueError", "y")),
            id="a delegate that fails",
        ),
        pytest.param(
            "  - say: a\n  - custom: 1\n  - update: {b: 2}\n  - pause: 0",
            (Speak("a"), Custom(1), Update({"b": 2}), Pause(0.0)),
            id="what may follow the last say",
        ),
        pytest.param(
            "  - interrupt: a\n  - error: b",
            (Interrupt("a"), Fail("ValueError", "b")),
            id="an error ends it, too",
        ),
        pytest.param(
            "  - {status: 429, headers: {Retry-After: '7'}, body: {detail: slow down}}",
            (StatusFault(429, (("retry-after", "7"),), {"detail": "slow down"}),),
            id="status",
        ),
        pytest.param(
            "  - say: a\n  - stall: 2\n  - cut: true",
            (Speak("a"), Stall(0, 2.0), Cut(0)),
            id="stall and cut",
        ),
    ],
)
def test_steps_are_read(text: str, expected: tuple[Step, ...]) -> None:
    assert steps(text) == expected


def test_a_rule_looks_at_message_graph_and_turn() -> None:
    [rule] = read(
        "rules:\n- when: {human: 'I am (?P<größe>.)', graph: agent, turn: 2}\n  steps: [{say: a}]"
    ).rules

    assert rule.match(Situation("agent", "Well, i AM x", 2)) == {"größe": "x"}
    assert rule.match(Situation("other", "I am x", 2)) is None
    assert rule.match(Situation("agent", "I am x", 1)) is None
    assert rule.match(Situation("agent", "You are", 2)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("rules: [{steps: [{say: a}]}]", ScriptPace(0.4, 0.03, 0.6), id="left out"),
        pytest.param(
            "pace: {token: 0.1}\nrules: [{steps: [{say: a}]}]",
            ScriptPace(0.4, 0.1, 0.6),
            id="in part",
        ),
        pytest.param(
            "pace: {first: 0, token: 0, tool: 60}\nrules: [{steps: [{say: a}]}]",
            ScriptPace(0.0, 0.0, 60.0),
            id="as a whole",
        ),
        pytest.param("extends: built-in", ScriptPace(1.0, 2.0, 3.0), id="of what is extended"),
        pytest.param("extends: built-in\npace: {tool: 4}", ScriptPace(1.0, 2.0, 4.0), id="changed"),
    ],
)
def test_the_pace_is_read(text: str, expected: ScriptPace) -> None:
    assert read(text).pace == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("rules: [{steps: [{say: own}]}]", ["own"], id="not extended"),
        pytest.param("extends:\nrules: [{steps: [{say: own}]}]", ["own"], id="extends nothing"),
        pytest.param(
            "extends: built-in\nrules: [{steps: [{say: own}]}]", ["own", "built in"], id="extended"
        ),
        pytest.param("extends: built-in\nrules:", ["built in"], id="no rules of its own"),
    ],
)
def test_own_rules_come_before_the_built_in_ones(text: str, said: list[str]) -> None:
    assert [
        step.text for rule in read(text).rules for step in rule.steps if isinstance(step, Speak)
    ] == said


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("", "line 1: a script is a mapping with `rules`", id="empty"),
        pytest.param("- say: a", "line 1: a script is a mapping with `rules`", id="a list"),
        pytest.param(
            "rules: [\n", "line 2: not YAML: did not find expected node content", id="not YAML"
        ),
        pytest.param(
            "# mine\nrule: []",
            "line 2: a script has no key `rule`: did you mean `rules`?",
            id="a misspelled key",
        ),
        pytest.param(
            "# mine\npace: {}", "line 2: a script needs `rules`, at least one", id="no rules"
        ),
        pytest.param(
            "pace: {}\nrules: []", "line 2: a script needs `rules`, at least one", id="[]"
        ),
        pytest.param(
            "extends: built-in\nrules: []",
            "line 2: a script needs `rules`, at least one",
            id="extended by []",
        ),
        pytest.param("rules: all", 'line 1: rules must be a list, not "all"', id="rules as text"),
        pytest.param(
            "rules: []\nextends: mine.yaml",
            "line 2: extends: write `built-in`, or leave it out",
            id="extends something else",
        ),
        pytest.param(
            "pace: {first: 1, word: 2}\nrules: [{steps: [{say: a}]}]",
            "line 1: pace has no key `word` (valid keys: first, token, tool)",
            id="a misspelled pace",
        ),
        pytest.param(
            "extends: built-in\npace:\n  token: -1",
            "line 3: token must be a time in seconds",
            id="a pace below zero",
        ),
        pytest.param(
            "extends: built-in\npace:\n  token: 61",
            "line 3: token must be at most 60 seconds",
            id="a pace beyond sense",
        ),
    ],
)
def test_a_broken_script_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        read(text)

    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        pytest.param(
            "say: a", "line 2: a rule has no key `say` (valid keys: when, steps)", id="say"
        ),
        pytest.param(
            "hello", "line 2: a rule is a mapping with `when` and `steps`", id="a rule as text"
        ),
        pytest.param("when: {}", "line 2: `steps` must be a list of steps", id="no steps"),
        pytest.param("steps: []", "line 2: `steps` must be a list of steps", id="empty steps"),
        pytest.param(
            "steps: hello", 'line 2: steps must be a list, not "hello"', id="steps as text"
        ),
        pytest.param(
            "when: hello\n  steps: [{say: a}]",
            'line 2: when must be a mapping, not "hello"',
            id="when as text",
        ),
        pytest.param(
            "when:\n    humans: hello\n  steps: [{say: a}]",
            "line 3: when has no key `humans`: did you mean `human`?",
            id="a misspelled when",
        ),
        pytest.param(
            "when: {human: 1}\n  steps: [{say: a}]",
            "line 2: human must be text, not 1",
            id="human as number",
        ),
        pytest.param(
            "when:\n    graph: a\n    human: '(a'\n  steps: [{say: a}]",
            "line 4: human: not a regular expression: "
            "missing ), unterminated subpattern at position 0",
            id="an open group",
        ),
        pytest.param(
            "when: {human: '[[a]]'}\n  steps: [{say: a}]",
            "line 2: human: not a regular expression: Possible nested set at position 1",
            id="a pattern of another dialect",
        ),
        pytest.param(
            "when: {human: 'a{99999999999}'}\n  steps: [{say: a}]",
            "line 2: human: not a regular expression: the repetition number is too large",
            id="endless repetition",
        ),
        pytest.param(
            "when: {human: '(?P<first name>.)'}\n  steps: [{say: a}]",
            "line 2: human: not a regular expression: "
            "bad character in group name 'first name' at position 4",
            id="a group with a space",
        ),
        pytest.param(
            "when: {human: '(?P<name>.)(?P<turn>.)'}\n  steps: [{say: a}]",
            "line 2: human: {turn} is a built-in placeholder: rename the group",
            id="a group whose name is in use",
        ),
        pytest.param(
            "when: {turn: 0}\n  steps: [{say: a}]", "line 2: turn must be 1 or more", id="turn 0"
        ),
        pytest.param(
            "when: {turn: true}\n  steps: [{say: a}]",
            "line 2: turn must be a whole number, not true",
            id="turn as yes",
        ),
    ],
)
def test_a_broken_rule_is_refused_with_its_line(rule: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        read(f"rules:\n- {rule}")

    assert str(caught.value) == complaint


def test_nested_groups_beyond_measure_are_refused() -> None:
    with pytest.raises(ReadError, match=r"^line 1: human: not a regular expression: "):
        read("rules: [{when: {human: '" + "(" * 5000 + ")" * 5000 + "'}, steps: [{say: a}]}]")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            "- hello",
            "line 3: a step is a mapping with one of say, reason, call, calls, custom, update, "
            "interrupt, error, pause, delegate, status, stall, cut; this has none",
            id="a step as text",
        ),
        pytest.param(
            "- say: a\n  - {sya: b, every: 1}",
            "line 4: a step is a mapping with one of say, reason, call, calls, custom, update, "
            "interrupt, error, pause, delegate, status, stall, cut; this has sya, every",
            id="a misspelled step",
        ),
        pytest.param(
            "- call: f\n    result: 1\n    say: a",
            "line 3: a step is a mapping with one of say, reason, call, calls, custom, update, "
            "interrupt, error, pause, delegate, status, stall, cut; this has call, result, say",
            id="two steps in one",
        ),
        pytest.param(
            "- status: 42",
            "line 3: `status` must be a whole number from 200 to 599, not 42",
            id="no status",
        ),
        pytest.param(
            "- say: a\n  - status: 429",
            "line 4: `status` must be the only step of a rule",
            id="a status that comes too late",
        ),
        pytest.param(
            "- say: a\n  - delegate: [{status: 429}]\n  - say: b",
            "line 4: `status` must be the only step of a rule",
            id="a status in a delegate",
        ),
        pytest.param("- say: a\n  - cut: 3", "line 4: write `cut: true`", id="cut after events"),
        pytest.param(
            "- say: a\n  - stall: 1h",
            "line 4: stall must be a time in seconds",
            id="stall in words",
        ),
        pytest.param("- say:", f"line 3: `say` must be {FORMS}", id="say nothing"),
        pytest.param("- say: 42", f"line 3: `say` must be {FORMS}", id="say a number"),
        pytest.param("- reason: ''", "line 3: `reason` must be a text", id="reason nothing"),
        pytest.param(
            "- say: a\n    speed: 2",
            "line 4: a step with `say` has no key `speed` (valid keys: say, every, id, name, usage, metadata, response_metadata, node)",
            id="a misspelled every",
        ),
        pytest.param(
            "- say: a\n    every: fast", "line 4: every must be a time in seconds", id="every fast"
        ),
        pytest.param(
            "- say: a\n    every: 90", "line 4: every must be at most 60 seconds", id="every 90"
        ),
        pytest.param("- pause:", "line 3: pause must be a time in seconds", id="pause nothing"),
        pytest.param("- pause: -1", "line 3: pause must be a time in seconds", id="pause below 0"),
        pytest.param(
            "- pause: 3601", "line 3: pause must be at most 3600 seconds", id="pause over an hour"
        ),
        pytest.param(
            "- call: f\n    args: {}\n  - say: a",
            "line 3: a call needs a `result`: what the tool says (or `fails`: what went wrong)",
            id="a call without result",
        ),
        pytest.param(
            "- {call: f, result: 1, fails: no}\n  - say: a",
            "line 3: a call has result and fails: only one is allowed",
            id="a call that comes to two ends",
        ),
        pytest.param(
            "- {call: f, fails: [no]}\n  - say: a",
            'line 3: fails must be text, not ["no"]',
            id="a failure that is no text",
        ),
        pytest.param(
            "- error: a\n  - say: b",
            "line 4: a step after `error` is never played",
            id="a step behind an error",
        ),
        pytest.param(
            "- call: f\n    result: 1\n    args: [1]\n  - say: a",
            "line 5: args must be a mapping, not [1]",
            id="args as list",
        ),
        pytest.param(
            "- call: {f: 1}\n    result: 1",
            'line 3: call must be text, not {"f":1}',
            id="call as mapping",
        ),
        pytest.param("- calls: []", "line 3: `calls` must be a list of calls", id="no calls"),
        pytest.param(
            "- calls:\n    - {call: f, result: 1}\n    - {tool: g, result: 1}",
            "line 5: `calls` must be a list of calls",
            id="calls of something else",
        ),
        pytest.param("- calls: [f]", "line 3: `calls` must be a list of calls", id="calls as text"),
        pytest.param(
            "- calls:\n    - {call: f, arg: 1, result: 1}",
            "line 4: a call has no key `arg`: did you mean `args`?",
            id="a misspelled args",
        ),
        pytest.param(
            "- update: {messages: []}",
            "line 3: update: write a mapping of state keys to values, without messages",
            id="update messages",
        ),
        pytest.param(
            "- update:",
            "line 3: update: write a mapping of state keys to values, without messages",
            id="update nothing",
        ),
        pytest.param(
            "- update: todos", 'line 3: update must be a mapping, not "todos"', id="update as text"
        ),
        pytest.param(
            "- error: 404",
            "line 3: error: write a message, or type and message",
            id="error as number",
        ),
        pytest.param(
            "- error:\n      kind: ValueError",
            "line 4: error has no key `kind` (valid keys: type, message)",
            id="a misspelled type",
        ),
        pytest.param(
            "- error:\n      message: x\n      type: out of luck",
            "line 5: error: type must be the name of an exception, such as ValueError",
            id="a type in words",
        ),
        pytest.param(
            "- {call: f, result: 1}",
            "line 3: add a `say` after `call`",
            id="a call at the end",
        ),
        pytest.param(
            "- say: a\n  - calls: [{call: f, result: 1}]\n  - pause: 1",
            "line 4: add a `say` after `calls`",
            id="calls at the end",
        ),
        pytest.param("- reason: a", "line 3: add a `say` after `reason`", id="reason alone"),
        pytest.param(
            "- say: a\n  - interrupt: b\n  - custom: 1",
            "line 4: add a `say` after `interrupt`",
            id="an interrupt at the end",
        ),
        pytest.param(
            "- say: a\n  - delegate:\n    - say: b\n  - update: {c: 1}",
            "line 4: add a `say` after `delegate`",
            id="a delegate at the end",
        ),
        pytest.param(
            "- custom: 1\n  - delegate: [{say: a}]\n  - say: b",
            "line 4: a delegate needs a `say` before it",
            id="a delegate at the beginning",
        ),
        pytest.param(
            "- say: a\n  - {call: f, result: 1}\n  - delegate: [{say: b}]\n  - say: c",
            "line 5: a delegate needs a `say` before it",
            id="a delegate behind a call",
        ),
        pytest.param(
            "- say: a\n  - delegate: [{say: b}]\n  - delegate: [{say: c}]\n  - say: d",
            "line 5: a delegate needs a `say` before it",
            id="a delegate behind a delegate",
        ),
        pytest.param(
            "- say: a\n  - delegate:\n    - pause: 1\n  - say: b",
            "line 4: a delegate needs a `say` among its steps",
            id="a delegate that says nothing",
        ),
        pytest.param(
            "- say: a\n  - delegate:\n  - say: b",
            "line 4: `delegate` must be a list of steps",
            id="an empty delegate",
        ),
        pytest.param(
            "- say: a\n  - delegate:\n    - say: b\n    - delegate: [{say: c}]\n    - say: d\n  - say: e",
            "line 6: a delegate cannot contain another delegate",
            id="a delegate in a delegate",
        ),
        pytest.param(
            "- say: a\n  - delegate:\n    - say: b\n    - {call: f, result: 1}\n  - say: c",
            "line 6: add a `say` after `call`",
            id="a call at the end of a delegate",
        ),
        pytest.param(
            "- say: a: b",
            "line 3: not YAML: mapping values are not allowed in this context",
            id="not YAML",
        ),
    ],
)
def test_a_broken_step_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        steps(f"  {text}")

    assert str(caught.value) == complaint
    assert "\n" not in complaint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("- steps: [say: a]\n- steps: [say: b]", 3, id="both talk"),
        pytest.param("- steps: [update: {a: 1}]\n- steps: [update: {b: 1}]", 3, id="neither talks"),
        pytest.param(
            "- when: {turn: 1}\n  steps: [say: a]\n- steps: [say: b]\n- when: {human: c}\n  steps: [update: {c: 1}]",
            5,
            id="behind one that is reached",
        ),
    ],
)
def test_a_rule_that_is_never_played_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(
        ReadError, match=rf"line {line}: this rule is never played: the rule on line"
    ) as raised:
        parse.parse_script(f"rules:\n{text}\n", Script)

    assert str(raised.value).endswith("has no `when`, so it always matches")


def test_a_rule_for_states_may_stand_behind_one_that_always_talks() -> None:
    text = "rules:\n- steps: [say: a]\n- steps: [update: {b: 1}]\n"

    assert [rule.adds_messages for rule in parse.parse_script(text, Script).rules] == [True, False]


def test_a_call_may_fail() -> None:
    text = "rules:\n- steps:\n  - {call: f, fails: no such city}\n  - say: a\n"

    assert parse.parse_script(text, Script).rules[0].steps == (
        Speak(calls=(ToolCall("f", {}, "no such city", failed=True),)),
        Speak("a"),
    )
