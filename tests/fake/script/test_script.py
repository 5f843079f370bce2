import re
from importlib.resources import files

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

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
    fill_placeholders,
)
from mockserver.fake.script.plan import Visit, plan_visits

TEXT = (files("mockserver.fake.script") / "builtin.yaml").read_text(encoding="utf-8")
BUILT_IN = parse.parse_script(TEXT, Script)


def ask(said: str, script: Script = BUILT_IN) -> tuple[Visit, ...]:
    return plan_visits(script, Situation("agent", said, 3)).visits


def rule_of(said: str) -> int:
    """Return the place of the built-in rule that answers *said*."""
    situation = Situation("agent", said, 3)
    return next(i for i, rule in enumerate(BUILT_IN.rules) if rule.match(situation) is not None)


def last_text(visits: tuple[Visit, ...]) -> str:
    return visits[-1].speech.text if visits[-1].speech else ""


def outline(visits: tuple[Visit, ...]) -> str:
    """Return the kinds of steps, visits parted by commas, those of the graph within marked with `>`."""
    return ", ".join(
        "> " * bool(visit.subgraph) + " ".join(kind for step in visit.steps for kind in kinds(step))
        for visit in visits
    )


def kinds(step: Step) -> list[str]:
    if not isinstance(step, Speak):
        return [type(step).__name__.lower()]
    said = ["reason"] * bool(step.reasoning) + ["say"] * bool(step.text)
    return said + ["ask" if call.ask else "call" for call in step.calls]


A, B, C = Speak("a"), Speak("b"), Speak("c")
X = Custom(1)
FAIL = Fail("ValueError", "")


@pytest.mark.parametrize(
    ("steps", "visits"),
    [
        pytest.param((A,), (Visit((A,)),), id="one message"),
        pytest.param((A, B), (Visit((A,)), Visit((B,))), id="two messages"),
        pytest.param((X, A), (Visit((X, A)),), id="what comes before a message belongs to it"),
        pytest.param((A, X, B), (Visit((A,)), Visit((X, B))), id="and what comes between"),
        pytest.param((A, X, X), (Visit((A, X, X)),), id="what comes last belongs to the last"),
        pytest.param((X, X), (Visit((X, X)),), id="no message at all"),
        pytest.param((FAIL,), (Visit((FAIL,)),), id="only a failure"),
        pytest.param((A, X, FAIL), (Visit((A,)), Visit((X, FAIL))), id="a failure undoes nothing"),
        pytest.param(
            (A, X, Delegate((B, C)), A),
            (
                Visit((A, X)),
                Visit((B,), subgraph="researcher"),
                Visit((C,), subgraph="researcher"),
                Visit((A,)),
            ),
            id="a graph within; what comes before it belongs to the message before",
        ),
        pytest.param(
            (A, Interrupt(1), Delegate((B,)), C),
            (Visit((A,)), Visit((Interrupt(1), B), subgraph="researcher"), Visit((C,))),
            id="but not an interrupt",
        ),
        pytest.param(
            (A, Delegate((B, FAIL)), C),
            (
                Visit((A,)),
                Visit((B,), subgraph="researcher"),
                Visit((FAIL,), subgraph="researcher"),
                Visit((C,)),
            ),
            id="a failure within",
        ),
    ],
)
def test_steps_are_cut_into_visits(steps: tuple[Step, ...], visits: tuple[Visit, ...]) -> None:
    assert ask("", Script((Rule(steps),))) == visits


@pytest.mark.parametrize(
    ("rule", "situation", "caught"),
    [
        pytest.param(Rule((A,)), Situation("g", "hi", 1), {}, id="no condition"),
        pytest.param(Rule((A,)), Situation("g", None, 0), None, id="talk, no messages"),
        pytest.param(Rule((A, Delegate((B,)), C)), Situation("g", None, 0), None, id="delegate"),
        pytest.param(Rule((X,)), Situation("g", None, 0), {}, id="no talk, no messages"),
        pytest.param(
            Rule((X,), re.compile("")), Situation("g", None, 0), None, id="human, no messages"
        ),
        pytest.param(Rule((X,), graph="g"), Situation("g", None, 0), {}, id="the graph"),
        pytest.param(Rule((X,), graph="g"), Situation("h", None, 0), None, id="another graph"),
        pytest.param(Rule((A,), turn=2), Situation("g", "hi", 2), {}, id="the turn"),
        pytest.param(Rule((A,), turn=2), Situation("g", "hi", 1), None, id="another turn"),
        pytest.param(Rule((A,), re.compile("ho")), Situation("g", "hi", 1), None, id="not found"),
        pytest.param(
            Rule((A,), re.compile("(?P<a>h)(?P<b>o)?")),
            Situation("g", "oh hi", 1),
            {"a": "h", "b": ""},
            id="groups",
        ),
    ],
)
def test_a_rule_fits_or_not(
    rule: Rule, situation: Situation, caught: dict[str, str] | None
) -> None:
    assert rule.match(situation) == caught


def test_the_first_rule_that_fits_is_played() -> None:
    script = Script((Rule((A,), re.compile("x")), Rule((B,)), Rule((C,))))

    assert ask("x", script) == (Visit((A,)),)
    assert ask("y", script) == (Visit((B,)),)


def test_where_no_rule_fits_nothing_is_played() -> None:
    plan = plan_visits(Script((Rule((A,), re.compile("x")),)), Situation("agent", "y", 3))

    assert (plan.visits, plan.has_rule) == ((Visit(),), False)


def test_placeholders_are_filled_wherever_there_is_text() -> None:
    human = re.compile("I am (?P<name>.*)")
    call = ToolCall("{name}", {"{name}": ["{name}"]}, {"a": "{name}"}, ["{turn}"])
    steps = (
        Speak("{name} {message} {nmae} {}", "{graph}", (call,), 0.5),
        Delegate((Custom({"a": ("{name}",)}), Interrupt("{answer}"))),
        Update({"a": "{name}", "b": 1}),
        Pause(1.0),
        Fail("{name}", "{name}"),
    )

    visits = ask("I am {turn}", Script((Rule(steps, human),)))

    filled_call = ToolCall("{turn}", {"{name}": ["{turn}"]}, {"a": "{turn}"}, ["3"])
    assert visits == (
        Visit((Speak("{turn} I am {turn} {nmae} {}", "agent", (filled_call,), 0.5),)),
        Visit(),
        Visit((Custom({"a": ("{turn}",)}), Interrupt("{answer}")), subgraph="researcher"),
        Visit((Update({"a": "{turn}", "b": 1}), Pause(1.0), Fail("{turn}", "{turn}"))),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("{a}{a}", "AA", id="twice"),
        pytest.param("{größe}", "G", id="a name in any language"),
        pytest.param("{{a}}", "{A}", id="braces around"),
        pytest.param('{"a": {b}}', '{"a": {b}}', id="code"),
        pytest.param("{ a } {a.b} {1}", "{ a } {a.b} {1}", id="other braces"),
        pytest.param(("{a}", 1, None, True), ("A", 1, None, True), id="what is no text"),
    ],
)
def test_only_known_names_in_braces_are_filled(value: object, expected: object) -> None:
    assert fill_placeholders(value, {"a": "A", "größe": "G"}) == expected


PHRASES = [
    # what `help` offers
    ("Show me a table", "say", "Here is the price list"),
    ("Show me some code", "say", "With the Python SDK"),
    ("Give me a long answer", "say", "# How a request travels"),
    ("Show me markdown", "say", "# A bit of everything"),
    ("Answer in Japanese", "say", "こんにちは"),
    ("Answer in Arabic", "say", "مرحبًا"),
    ("Answer in German", "say", "Guten Tag!"),
    ("Show me emoji", "say", "Here you are: 😀"),
    ("Think about it", "reason say", "I have thought about it."),
    ("What is the weather in Oslo?", "say call, say", "It is **21 °C and sunny** in Oslo,"),
    ("Compare the weather in Oslo and Rome", "say call call, say", "| City "),
    ("Use some tools", "say call, call, say", "Your tea pot"),
    ("Show me a tool that fails", "say call, say", "My tool failed"),
    ("Research mock servers", "say, > say call, > say, say", "My researcher"),
    (
        "Show me your progress",
        "custom pause custom pause custom pause custom say",
        "Done. The stream mode",
    ),
    ("Make a plan", "update say, pause update say, pause update say", "All done."),
    ("Send a mail", "say ask, say", "Done. The tool message shows"),
    ("Ask me something", "say, interrupt say", "You said: {answer}."),
    ("Show me an error", "say, fail", ""),
    ("Fail immediately", "fail", ""),
    ("Answer slowly", "say", "I write slowly now"),
    ("Make a pause", "say, pause say", "Thank you for waiting!"),
    ("Say nothing", "pause", ""),
    ("My name is Ada and I am 36 years old", "say", "Hello Ada! It is nice to meet you, and 36"),
    ("Which turn is this?", "say", "This is **turn 3** on the graph `agent`"),
    ("Tell me a joke", "say", "A client walks up"),
    ("Write a poem", "say", "*Tokens, one by one,"),
    # one word is enough
    ("help", "say", "I am the fake graph of **mockserver**. I play a script"),
    ("table", "say", "Here is the price list"),
    ("Code!", "say", "With the Python SDK"),
    ("long", "say", "# How a request travels"),
    ("error", "say, fail", ""),
    ("slow", "say", "I write slowly now"),
    ("tools", "say call, call, say", "Your tea pot"),
    ("Deutsch", "say", "Guten Tag!"),
    ("pause", "say, pause say", "Thank you for waiting!"),
    ("interrupt", "say, interrupt say", "You said: {answer}."),
    ("approval", "say ask, say", "Done. The tool message shows"),
    ("json", "say", "# A bit of everything"),
    ("latex", "say", "# A bit of everything"),
    ("menu", "say", "I am the fake graph of **mockserver**. I play a script"),
    ("options", "say", "I am the fake graph of **mockserver**. I play a script"),
    ("commands", "say", "I am the fake graph of **mockserver**. I play a script"),
    ("weather", "say", "In which city?"),
    ("How's the weather?", "say", "In which city? Ask me again with one"),
    ("weather, please", "say", "In which city?"),
    ("weather forecast", "say", "In which city?"),
    ("weather in the Hague", "say", "In which city?"),
    ("todos", "update say, pause update say, pause update say", "All done."),
    # small talk
    ("hi", "say", "Hello! 👋"),
    ("Hello", "say", "Hello! 👋"),
    ("hey there!", "say", "Hello! 👋"),
    ("👋🏽", "say", "Hello! 👋"),
    ("Good morning", "say", "Hello! 👋"),
    (
        "Hello! My name is Bagatur and I am 26 years old.",
        "say",
        "Hello Bagatur! It is nice to meet you, and 26 is a fine age",
    ),
    ("My name is Bob. I have 3 cats", "say", "Hello Bob! It is nice to meet you. What"),
    ("I think my name is Jean-Luc", "say", "Hello Jean-Luc!"),
    ("my name's O’Brien", "say", "Hello O’Brien!"),
    ("MY NAME IS ŽOFIE!", "say", "Hello ŽOFIE!"),
    ("my name is राज", "say", "Hello राज!"),
    ("Hi, I'm Ada", "say", "Hi Ada, good to see you!"),
    ("hi i'm bob", "say", "Hi bob, good to see you!"),
    ("Hey, im Bob and I like tea", "say", "Hi Bob, good to see you!"),
    ("Hi, I'm looking for a shop", "say", "Hello! 👋"),
    ("hi, i'm back!", "say", "Hello! 👋"),
    ("What's my name?", "say", "You may have told me"),
    ("Hi! How are you?", "say", "Very well, thank you!"),
    ("Who are you?", "say", "I am the fake graph of **mockserver**. I stand in"),
    ("Are you ChatGPT?", "say", "I am the fake graph of **mockserver**. I stand in"),
    ("Which model are you?", "say", "I am the fake graph of **mockserver**. I stand in"),
    ("who made you?", "say", "I am the fake graph of **mockserver**. I stand in"),
    ("Thanks!", "say", "You are welcome!"),
    ("Nothing, thanks", "say", "You are welcome!"),
    ("bye", "say", "Goodbye!"),
    ("ping", "say", "It works. You reached turn 3"),
    ("", "say", "No text has reached me."),
    (" \n ", "say", "No text has reached me."),
    # which of two
    ("Can you show me a table of prices?", "say", "Here is the price list"),
    ("Hello, please show me a table", "say", "Here is the price list"),
    ("My name is Ada, show me a table", "say", "Here is the price list"),
    ("Show me a table, thanks", "say", "Here is the price list"),
    ("Thanks for the table!", "say", "You are welcome!"),
    ("Thank you, that was helpful", "say", "You are welcome!"),
    ("thank you for nothing, show an error", "say, fail", ""),
    ("No thanks, that is an error in the plan", "say", "You are welcome!"),
    ("Hello! Please throw an exception", "say, fail", ""),
    ("Make it crash, please", "say, fail", ""),
    ("Could you simulate a failure?", "say, fail", ""),
    ("Please fail", "say, fail", ""),
    ("Raise a ValueError", "say, fail", ""),
    ("Show me an error at once", "fail", ""),
    ("Use parallel tools", "say call call, say", "It is half past twelve"),
    ("call two tools at once", "say call call, say", "It is half past twelve"),
    ("Call a tool, please", "say call, call, say", "Your tea pot"),
    ("Show me a failing tool", "say call, say", "My tool failed"),
    ("Show me math", "say", "# A bit of everything"),
    ("Show me html", "say", "# A bit of everything"),
    ("Bitte auf Deutsch", "say", "Guten Tag!"),
    ("Reply in Arabic, please", "say", "مرحبًا"),
    ("Write code that sends a mail", "say", "With the Python SDK"),
    ("Hi, can you help me?", "say", "I am the fake graph of **mockserver**. I play a script"),
    ("What can you do?", "say", "I am the fake graph of **mockserver**. I play a script"),
    ("what do you offer?", "say", "I am the fake graph of **mockserver**. I play a script"),
    ("what tools do you have?", "say", "I am the fake graph of **mockserver**. I play a script"),
    ("show me everything", "say", "I am the fake graph of **mockserver**. I play a script"),
    (
        "Can you help me with some code?",
        "say",
        "I am the fake graph of **mockserver**. I play a script",
    ),
    ("A list of todos", "update say, pause update say, pause update say", "All done."),
    ("Tell me a joke about errors", "say", "A client walks up"),
    ("Send an email to Ada", "say ask, say", "Done. The tool message shows"),
    ("日本語で話してください", "say", "こんにちは"),
    ("How is the weather in the city?", "say", "In which city?"),
    # nothing within other words
    ("Helpful", "say", "You said: “Helpful”"),
    ("Stable vegetables", "say", "You said: “Stable vegetables”"),
    ("Decode it", "say", "You said: “Decode it”"),
    ("Unerring", "say", "You said: “Unerring”"),
    ("A toolbox", "say", "You said: “A toolbox”"),
    ("Slowdown", "say", "You said: “Slowdown”"),
    ("The planet", "say", "You said: “The planet”"),
    ("I forgot my mailbox", "say", "You said: “I forgot my mailbox”"),
    ("His highness", "say", "You said: “His highness”"),
    ("Bypass", "say", "You said: “Bypass”"),
    # ordinary sentences
    ("I think so", "say", "You said: “I think so”"),
    ("Remember to buy milk", "say", "You said: “Remember to buy milk”"),
    ("It has been a long day", "say", "You said: “It has been a long day”"),
    ("Berlin", "say", "You said: “Berlin”"),
    ("I get an error when I log in", "say", "You said: “I get"),
    ("My page fails to load", "say", "You said: “My page"),
    ("My logs show an error", "say", "You said: “My logs"),
    ("Book a table for two", "say", "You said: “Book a table"),
    ("Give me the code for my bank account", "say", "You said: “Give me"),
    ("I love german cars", "say", "You said: “I love"),
    ("My internet is slow", "say", "You said: “My internet"),
    ("The tool broke, and I need an approval", "say", "You said: “The tool"),
    ("They ask me for my password", "say", "You said: “They ask me"),
    ("I got no reply since the interruption", "say", "You said: “I got"),
    ("After the pause we made progress", "say", "You said: “After"),
    ("She speaks Japanese and Arabic", "say", "You said: “She"),
    ("There is a link in my json", "say", "You said: “There"),
    ("What is the error rate of this algorithm?", "say", "You asked: “"),
    ("Can you explain exceptions in Java?", "say", "You asked: “"),
    ("What was the error in my code?", "say", "You asked: “"),
    ("Did you make an error?", "say", "You asked: “"),
    ("Why does it fail at once?", "say", "You asked: “"),
    ("What do you think?", "say", "You asked: “"),
    ("How long is the river?", "say", "You asked: “"),
    ("Hello, how do plants turn light into sugar?", "say", "You asked: “"),
    ("你好吗?", "say", "You asked: “"),
    ("{turn} {answer}", "say", "You said: “{turn} {answer}”"),
    ("one\ntwo", "say", "You said: “one\ntwo”"),
]


@pytest.mark.parametrize(
    ("said", "kinds_of_steps", "first_words"), [pytest.param(*row, id=row[0]) for row in PHRASES]
)
def test_the_built_in_script_answers_what_one_expects(
    said: str, kinds_of_steps: str, first_words: str
) -> None:
    visits = ask(said)

    assert outline(visits) == kinds_of_steps
    assert last_text(visits).startswith(first_words)


def test_every_built_in_rule_is_reached() -> None:
    assert {rule_of(said) for said, _, _ in PHRASES} == set(range(len(BUILT_IN.rules)))


def test_help_offers_each_thing_with_a_phrase_that_brings_it() -> None:
    offers = re.findall("`([^`]+)`", "".join(re.findall(r"(?m)^- .*$", last_text(ask("help")))))

    assert offers == [said for said, _, _ in PHRASES[:27]]
    assert len({rule_of(said) for said in offers}) == len(offers)
    assert not {rule_of("help"), rule_of("huh"), rule_of("huh?")} & {
        rule_of(said) for said in offers
    }


@pytest.mark.parametrize(
    ("said", "city"),
    [
        ("What's the weather in new york today?", "new york"),
        ("weather in SF", "SF"),
        ("weather Berlin", "Berlin"),
        ("Weather New York tomorrow", "New York"),
        ("weather in Oslo in Celsius", "Oslo"),
        ("weather in Port Townsend", "Port Townsend"),
        ("forecast for next Monday in Oslo (Norway)", "Oslo"),
        ("weather for today and tomorrow in Oslo", "Oslo"),
        ("weather forecast for tomorrow in Berlin", "Berlin"),
        ("What will the weather be like in Rio de Janeiro?", "Rio de Janeiro"),
        ("Temperature in St. Gallen, please", "St. Gallen"),
        ("the weather in Tokyo going to be", "Tokyo"),
        ("Weather in Stratford-upon-Avon!", "Stratford-upon-Avon"),
        ("weather in दिल्ली", "दिल्ली"),
        ("What is the weather in Oslo and what should I wear?", "Oslo"),
        ("What is the weather in Oslo today and tomorrow?", "Oslo"),
        ("The weather in Paris? And in Rome?", "Paris"),
    ],
)
def test_the_weather_is_that_of_the_city(said: str, city: str) -> None:
    speech = ask(said)[0].speech

    assert speech is not None
    assert speech.calls == (
        ToolCall(
            "get_weather",
            {"city": city, "units": "metric"},
            {
                "city": city,
                "temperature": 21,
                "sky": "sunny",
                "wind": {"speed": 9, "from": "west"},
            },
        ),
    )


@pytest.mark.parametrize(
    ("said", "cities"),
    [
        ("Compare the weather in Oslo and Rome.", ["Oslo", "Rome"]),
        ("what is the weather in sf and la", ["sf", "la"]),
        ("forecast for Oslo and Rome", ["Oslo", "Rome"]),
        ("temperature in Oslo and in Rome", ["Oslo", "Rome"]),
        ("weather in NYC & LA in Celsius", ["NYC", "LA"]),
        ("weather in Rio de Janeiro vs. New York today", ["Rio de Janeiro", "New York"]),
        ("Weather in São Paulo and Łódź, please", ["São Paulo", "Łódź"]),
    ],
)
def test_the_weather_of_two_cities_is_looked_up_at_once(said: str, cities: list[str]) -> None:
    speech = ask(said)[0].speech

    assert speech is not None
    assert [call.args["city"] for call in speech.calls] == cities


def test_a_mail_asks_for_approval_in_the_shape_that_chat_pages_know() -> None:
    speech = ask("Send a mail")[0].speech

    assert speech is not None
    [call] = speech.calls
    args = {"to": "ada@example.com", "subject": "Hello from agent", "body": "Send a mail"}
    assert call == ToolCall(
        "send_mail",
        args,
        "The human decided: {answer}",
        {
            "action_requests": [
                {"name": "send_mail", "args": args, "description": "Send this mail to Ada?"}
            ],
            "review_configs": [
                {"action_name": "send_mail", "allowed_decisions": ["approve", "edit", "reject"]}
            ],
        },
    )


def test_a_tool_that_fails_says_what_went_wrong() -> None:
    speech = ask("Show me a tool that fails")[0].speech

    assert speech is not None
    assert speech.calls == (
        ToolCall(
            "ring_shop", {"number": "555-0100"}, "Nobody answers: the line is dead.", failed=True
        ),
    )


def test_a_pause_is_long_enough_for_a_heartbeat() -> None:
    assert Pause(7.0) in ask("Make a pause")[1].steps


def test_the_long_answer_is_long_and_has_sections() -> None:
    text = last_text(ask("Give me a long answer"))

    assert 400 <= len(text.split()) <= 600
    assert len(re.findall("(?m)^## ", text)) == 7


def test_the_built_in_pace_is_the_default() -> None:
    assert BUILT_IN.pace == ScriptPace()


def test_a_state_without_messages_comes_back() -> None:
    assert BUILT_IN.find_steps(Situation("agent", None, 0)) is None


def test_the_built_in_script_is_yaml_for_any_reader() -> None:
    assert len(yaml.load(TEXT, yaml.SafeLoader)["rules"]) == len(BUILT_IN.rules)


def test_the_built_in_script_is_a_starting_point_for_others() -> None:
    own = "extends: built-in\nrules:\n- when: {human: table}\n  steps: [{say: Mine.}]\n"

    script = parse.parse_script(own, lambda: BUILT_IN)

    assert last_text(ask("a table", script)) == "Mine."
    assert ask("help", script) == ask("help")


WORDS = sorted({word for said, _, _ in PHRASES for word in said.split(" ")})


@given(st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join), st.integers(0, 5))
def test_whatever_is_said_the_visits_can_be_played(said: str, turn: int) -> None:
    visits = plan_visits(BUILT_IN, Situation("agent", said, turn)).visits

    steps = [step for visit in visits for step in visit.steps]
    assert all(sum(isinstance(step, Speak) for step in visit.steps) <= 1 for visit in visits)
    assert all(visit.speech for visit in visits[:-1])
    assert visits[-1].speech or isinstance(steps[-1], Fail | Pause)
    assert not visits[0].subgraph and not visits[-1].subgraph
    assert plan_visits(BUILT_IN, Situation("agent", said, turn)).visits == visits
