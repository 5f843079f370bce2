"""How alike questions are: rewordings are, other questions are not."""

import pytest

from mockserver.matching.text_similarity import THRESHOLD, measure_similarity

REWORDINGS = {
    "What is the weather in Oslo?": (
        "whats the weather in oslo",
        "Tell me the weather in Oslo, please",
        "Oslo weather?",
        "What's the wether in Olso?",
    ),
    "When do you ship?": ("WHEN DO YOU SHIP", "When will you ship it?", "when are you shipping?"),
    "How do I reset my password?": (
        "how can I reset my password?",
        "I want to reset my pasword",
        "I forgot my password, how do I reset it?",
    ),
    "Summarize the quarterly report": (
        "please summarise the quarterly report",
        "Can you summarize the quarterly report for me?",
        "Give me a summary of the quarterly report",
    ),
    "Which customers are at risk of leaving?": (
        "which customers are at risk?",
        "Customers at risk of leaving",
        "What customers risk leaving us?",
    ),
    "Write an email to Ada about the delay": (
        "write a mail to Ada about the delay",
        "Email Ada about the delay",
        "Draft an email to Ada about the delay",
    ),
    "How far is the moon?": ("how far away is the moon", "How far is it to the moon?"),
    "Compare the prices of Oslo and Bergen": (
        "compare prices in bergen and oslo",
        "Compare Bergen and Oslo prices",
        "Please, compare the prices of Oslo & Bergen!",
    ),
    "Wie wird das Wetter morgen in Berlin?": (
        "wie wird morgen das wetter in berlin",
        "Wie ist das Wetter morgen in Berlin",
    ),
    "東京の天気はどうですか？": (
        "東京の天気はどうですか?",
        "東京の天気は?",
        "今日の東京の天気はどうですか",
        "トウキョウの天気はどうですか",
    ),
}
OTHERS = (
    *("What is the capital of France?", "What is the time in Oslo?", "Tell me a joke"),
    *("What is the weather in Bergen?", "How do I delete my account?", "How old is the moon?"),
    *("Which customers are new?", "Write a poem", "Wie alt ist Berlin?", "Who are you?"),
    *("大阪のホテルはどこですか", "asdf", "", "?!"),
)
PAIRS = [(question, one) for question, reworded in REWORDINGS.items() for one in reworded]


def test_there_are_thirty_rewordings_of_ten_questions() -> None:
    assert (len(REWORDINGS), len(PAIRS)) == (10, 30)


@pytest.mark.parametrize(("question", "reworded"), PAIRS, ids=[one for _, one in PAIRS])
def test_a_rewording_is_most_alike_to_its_question(question: str, reworded: str) -> None:
    rated = {one: measure_similarity(one, reworded) for one in REWORDINGS}

    assert max(rated, key=rated.__getitem__) == question
    assert rated[question] >= THRESHOLD
    assert sum(likeness >= THRESHOLD for likeness in rated.values()) == 1


@pytest.mark.parametrize("other", OTHERS)
def test_another_question_is_not_alike(other: str) -> None:
    assert all(measure_similarity(one, other) < THRESHOLD for one in REWORDINGS)


@pytest.mark.parametrize("question", [*REWORDINGS, "?!", ""])
def test_a_question_equals_itself(question: str) -> None:
    assert measure_similarity(question, question) == 1.0


def test_the_order_of_the_questions_makes_no_difference() -> None:
    for question, reworded in PAIRS:
        assert measure_similarity(question, reworded) == measure_similarity(reworded, question)


def test_numbers_are_never_misspelled() -> None:
    assert measure_similarity("Where is order 4711?", "Where is order 4712?") < THRESHOLD
    assert measure_similarity("Where is order A-4711?", "where is order a 4711") == 1.0


def test_long_texts_are_compared_by_equal_words() -> None:
    """The letters of each word with those of each other word would take minutes."""
    left, right = (" ".join(f"{name}word{'x' * (n % 7)}{chr(97 + n % 26)}" for n in range(2000)) for name in "ab")  # fmt: skip

    assert measure_similarity(left, right) == 0
    assert measure_similarity(left, left) == 1
