"""How alike two questions are, from 0 to 1, by their words. No I/O."""

import re
from collections import Counter
from difflib import SequenceMatcher
from unicodedata import normalize

THRESHOLD = 0.7
"""Questions that are less alike are different questions."""

_MISSPELLED = 0.75
"""From this share of equal letters on, two words are the same word, one of them misspelled."""

_MAX_COMPARED = 2500
"""Of long texts with more pairs of different words, only equal words count: comparing letters takes too long."""

_STEM_LENGTH = 4
"""A word of that length or more is the same word with another ending: `ship`, `shipping`."""

_SMALL_WEIGHT = 0.15
"""What a word of `_SMALL_WORDS` counts; any other word counts 1."""

_WITHOUT_SPACES = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Japanese and Chinese characters."""

_WORD = re.compile(rf"[{_WITHOUT_SPACES}]|[^\W{_WITHOUT_SPACES}]+")
"""A word; where a language has no spaces, a character."""

_APOSTROPHES = re.compile("(?<=\\w)['\u2019](?=\\w)")

_SMALL_WORDS = frozenset(
    """
    a about am an and any are arent as at be been but by can cant could did do does doing
    done for from get give had has have hello hey hi hows how i id ill im in into is isnt it
    its ive just kindly know let lets like may me might my now of ok on or our please shall
    show so some such tell than thank thanks that thats the their them then there theres
    these this those to today u up us want was we were what whats when whens where wheres
    which who whos whose why will with would you your youre
    """.split()  # noqa: SIM905
)
"""Words that say little about what is asked."""


def measure_similarity(left: str, right: str) -> float:
    """Return how alike the questions are: the share of their words that both have, without case, punctuation and order."""
    words, others = _count_words(left), _count_words(right)
    both = words & others
    total = _weigh(words) + _weigh(others)
    if not total:
        return float(left.strip() == right.strip())
    return (2 * _weigh(both) + _weigh_misspelled(words - both, others - both)) / total


def _count_words(text: str) -> Counter[str]:
    folded = normalize("NFKC", normalize("NFKC", text).casefold())
    return Counter(_WORD.findall(_APOSTROPHES.sub("", folded)))


def _weigh(words: Counter[str]) -> float:
    return sum(_get_weight(word) * count for word, count in words.items())


def _get_weight(word: str) -> float:
    return _SMALL_WEIGHT if word in _SMALL_WORDS else 1.0


def _weigh_misspelled(words: Counter[str], others: Counter[str]) -> float:
    """Return the weight of the pairs of words that differ in their spelling only; each word is in one pair."""
    if words.total() * others.total() > _MAX_COMPARED:
        return 0.0
    remaining = sorted(others.elements())
    weight = 0.0
    for word in sorted(words.elements()):
        rated = [(_compare_letters(word, other), other) for other in remaining]
        ratio, best = max(rated, default=(0.0, ""))
        if ratio >= _MISSPELLED:
            remaining.remove(best)
            weight += ratio * (_get_weight(word) + _get_weight(best))
    return weight


def _compare_letters(word: str, other: str) -> float:
    """Return the share of equal letters; numbers are equal or different."""
    if any(character.isdigit() for character in word + other):
        return 0.0
    short, long = sorted((word, other), key=len)
    if len(short) >= _STEM_LENGTH and long.startswith(short):
        return _MISSPELLED
    return SequenceMatcher(None, short, long, autojunk=False).ratio()
