"""Messages in scripts: their content in each form, their other parts, and mistakes in them."""

from typing import Any

import pytest

from mockserver.errors import ReadError
from mockserver.fake.script import parse
from mockserver.fake.script.model import Rule, Script, Situation, Speak, ToolCall
from mockserver.fake.script.plan import plan_visits


def read_file(name: str) -> str:
    if name == "binary":
        return b"\xff".decode()
    if name == "empty.md":
        return ""
    if name != "long.md":
        raise FileNotFoundError(2, "No such file or directory")
    return "A long text."


def read(text: str) -> tuple[Rule, ...]:
    return parse.parse_script(text, Script, "script.yaml", read_file).rules


def steps(text: str) -> tuple[Any, ...]:
    """Return the steps of the one rule whose steps are *text*."""
    [rule] = read(f"rules:\n- steps:\n  {text}\n")
    return rule.steps


def test_a_message_may_have_all_its_parts() -> None:
    [speak] = steps(
        "- {say: It rains., id: m1, name: helper, usage: {input_tokens: 11, output_tokens: 3, output_token_details: {reasoning: 2}},"
        " response_metadata: {finish_reason: stop}, metadata: {channel: sms}}"
    )

    assert speak == Speak(
        "It rains.",
        id="m1",
        name="helper",
        usage={
            "input_tokens": 11,
            "output_tokens": 3,
            "total_tokens": 14,
            "output_token_details": {"reasoning": 2},
        },
        response_metadata={"finish_reason": "stop"},
        metadata={"channel": "sms"},
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "- say: [{type: text, text: See}, {type: image, url: x}]",
            Speak(blocks=({"type": "text", "text": "See"}, {"type": "image", "url": "x"})),
            id="blocks",
        ),
        pytest.param("- say: {file: long.md}", Speak("A long text."), id="file"),
        pytest.param("- say: {one_of: [a, b]}", Speak(one_of=("a", "b")), id="one of"),
        pytest.param(
            "- reason: Hm.\n  - {say: {one_of: [a, b]}, id: m1}",
            Speak(reasoning="Hm.", one_of=("a", "b"), id="m1"),
            id="reasoning belongs to the message",
        ),
    ],
)
def test_what_is_said_has_several_forms(text: str, expected: Speak) -> None:
    assert steps(text) == (expected,)


def test_calls_belong_to_the_message_with_its_parts() -> None:
    speak, _ = steps(
        "- {say: [{type: text, text: Look}], id: m1}\n  - {call: find, result: x, artifact: [1], status: error}\n  - say: Done."
    )

    call = ToolCall("find", {}, "x", failed=True, artifact=[1])
    assert speak == Speak(blocks=({"type": "text", "text": "Look"},), id="m1", calls=(call,))


def test_a_subgraph_says_files_too() -> None:
    [_, delegate, _] = steps("- say: a\n  - delegate: [say: {file: long.md}]\n  - say: b")

    assert delegate.steps == (Speak("A long text."),)


MISTAKES = {
    "- say: {file: no.md}": "line 3: file: no.md: No such file or directory",
    "- say: {file: empty.md}": "line 3: file: empty.md: is empty",
    "- say: {file: binary}": "line 3: file: binary: is not UTF-8 text",
    "- say: {file: 1}": "line 3: file must be text, not 1",
    "- say: {fil: long.md}": "line 3: `say` has no key `fil`: did you mean `file`?",
    "- say: {file: long.md, one_of: [a]}": "line 3: `say` with a file has no key `one_of` (valid keys: file)",
    "- say: {one_of: []}": "line 3: `one_of` must be a list of texts",
    "- say: {one_of: [1]}": "line 3: `one_of` must be a list of texts",
    "- say: {one_of: ['']}": "line 3: `one_of` must be a list of texts",
    "- say: [text]": "line 3: a content block is a mapping with a `type`, such as `{type: text, text: Hello}`",
    "- say: [{text: a}]": "line 3: a content block is a mapping with a `type`, such as `{type: text, text: Hello}`",
    "- {say: a, usage: {tokens: 1}}": "line 3: usage has no key `tokens`: did you mean `total_tokens`?",
    "- {say: a, usage: {input_tokens: -1}}": "line 3: input_tokens must be 0 or more",
    "- {say: a, usage: }": "line 3: `usage` is empty",
    "- {say: a, id: 1}": "line 3: id must be text, not 1",
    "- {say: a, metadata: x}": 'line 3: metadata must be a mapping, not "x"',
    "- {call: a, result: b, status: bad}": "line 3: status: write `success` or `error`",
    "- {call: a, fails: b, status: error}": "line 3: a call has fails and status: only one is allowed",
}


@pytest.mark.parametrize(("text", "complaint"), MISTAKES.items(), ids=list(MISTAKES))
def test_a_mistake_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(ReadError) as caught:
        steps(text)

    assert str(caught.value) == complaint


def test_a_script_that_is_in_no_file_names_none() -> None:
    with pytest.raises(ReadError, match="line 2: file: this script is not in a file"):
        parse.parse_script("examples:\n  a: {file: long.md}\n", Script)


EXAMPLES = """\
examples:
  "How far is the moon?": 384,400 km
  Who are you: {one_of: [A mock., A fake.]}
  "?!": Pardon?
  Tell me everything: {file: long.md}
rules:
- steps: [say: no example]
"""


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("How far is the moon?", "384,400 km"),
        ("  how FAR is,  the moon!! ", "384,400 km"),
        ("How far is the moon from here?", "no example"),
        ("tell me everything", "A long text."),
        ("?!", "Pardon?"),
        ("??", "no example"),
    ],
)
@pytest.mark.parametrize("as_list", [False, True])
def test_examples_answer_their_questions(message: str, answer: str, as_list: bool) -> None:
    text = EXAMPLES.replace("\n  ", "\n- ") if as_list else EXAMPLES
    script = parse.parse_script(text, Script, "script.yaml", read_file)

    [visit] = plan_visits(script, Situation("agent", message, 1)).visits

    assert visit.speech == Speak(answer)


def test_examples_need_no_rules() -> None:
    assert len(read("examples: {a: b}")) == 1


@pytest.mark.parametrize("examples", ["[]", "{}", "[{}]", "x", "[x]"])
def test_examples_are_questions_with_answers(examples: str) -> None:
    with pytest.raises(ReadError) as caught:
        read(f"examples: {examples}")

    form = "write questions with their answers, such as `How far is the moon?: 384,400 km`"
    assert str(caught.value) == f"line 1: examples: {form}"


def test_an_answer_to_an_example_is_what_a_say_may_be() -> None:
    with pytest.raises(ReadError) as caught:
        read("examples:\n  a: b\n  c: 1\n")

    forms = "a text, a list of content blocks, `{file: NAME}` or `{one_of: [TEXT, …]}`"
    assert str(caught.value) == f"line 3: `c` must be {forms}"


def test_one_text_of_several_is_chosen_by_message_and_turn() -> None:
    text = "rules:\n- steps:\n  - say: {one_of: [red, green, blue]}\n  - delegate: [say: {one_of: ['{message}', b, c]}]\n  - say: x\n"
    script = parse.parse_script(text, Script)

    def choose(message: str, turn: int) -> list[str]:
        visits = plan_visits(script, Situation("agent", message, turn)).visits
        return [visit.speech.text for visit in visits if visit.speech]

    chosen = [choose(f"message {number}", 1) for number in range(20)]
    assert chosen == [choose(f"message {number}", 1) for number in range(20)]
    assert {first for first, _, _ in chosen} == {"red", "green", "blue"}
    assert len({choose("hi", turn)[0] for turn in range(1, 20)}) == 3
    assert {f"message {n}" for n in range(20)} & {second for _, second, _ in chosen}


def test_the_text_of_a_file_has_placeholders() -> None:
    script = parse.parse_script(
        "rules:\n- steps: [say: {file: x}]\n", Script, None, lambda name: "{message}, {other}"
    )

    [visit] = plan_visits(script, Situation("agent", "hi", 1)).visits

    assert visit.speech == Speak("hi, {other}")
