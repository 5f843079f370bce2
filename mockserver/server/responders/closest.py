"""Find the recorded run that is closest to one that was not recorded: all is the same, except what the human typed last."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mockserver.conversations.human_messages import (
    find_human_contents,
    get_other_parts,
    read_text,
    replace_human_contents,
    spell_content,
)
from mockserver.conversations.thread_requests import COMMANDS, TURN_PATHS
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching.index import Index
from mockserver.matching.text_similarity import THRESHOLD, measure_similarity
from mockserver.server.responders.exchange_replay import ExchangeHit
from mockserver.server.responders.thread_replay import ThreadHit
from mockserver.server.sessions import Session
from mockserver.store.library import Library

Find = Callable[[Request], ThreadHit | ExchangeHit | None]
"""Returns what is recorded for a request, or None."""

_MAX_SHOWN = 60
"""How many characters of a recorded text the log shows."""


@dataclass(frozen=True, slots=True)
class _Question:
    """The *content* of a recorded human message, the last of a run, and the *likeness* of its text to the one that was typed."""

    content: Json
    likeness: float = 0.0


class ClosestReplay:
    """Finds the closest recorded runs of *library*."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._current: Index | None = None
        self._questions: dict[Index, list[_Question]] = {}

    def find(
        self, request: Request, index: Index, session: Session, find: Find
    ) -> ThreadHit | ExchangeHit | None:
        """Return what *find* finds for *request* with another last human message, the most alike of those in *index*; None if none is.

        Human messages before, which the client sends again, get back their recorded contents.
        """
        typed = find_human_contents(request)
        if not typed:
            return None
        earlier = [session.recorded_contents.get(spell_content(one), one) for one in typed[:-1]]
        for question in self._rank(typed[-1], index):
            recorded = [*earlier, question.content]
            hit = find(replace_human_contents(request, recorded))
            if isinstance(hit, ThreadHit) and not hit.plays_next_turn:
                continue
            if hit is not None:
                session.recorded_contents[spell_content(typed[-1])] = question.content
                pairs = list(zip(recorded, typed, strict=True))
                return hit.as_closest(pairs, _describe(hit, question))
        return None

    def _rank(self, typed: Json, index: Index) -> list[_Question]:
        """Return the questions of *index* that are alike enough to what was *typed*, the most alike first."""
        text, others = read_text(typed), get_other_parts(typed)
        rated = [
            replace(one, likeness=measure_similarity(text, read_text(one.content)))
            for one in self._read_questions(index)
            if get_other_parts(one.content) == others
        ]
        alike = [one for one in rated if one.likeness >= THRESHOLD]
        return sorted(alike, key=lambda one: -one.likeness)

    def _read_questions(self, index: Index) -> list[_Question]:
        """Return the last human message of each run in *index*, in recorded order; each content once."""
        if self._current is not self._library.index:
            self._current = self._library.index
            self._questions.clear()
        if index not in self._questions:
            found: dict[str, _Question] = {}
            for cassette in index.cassettes:
                for entry in cassette.entries:
                    if not entry.route[1].endswith((*TURN_PATHS, COMMANDS)):
                        continue
                    for content in find_human_contents(self._library.load_request(entry))[-1:]:
                        found.setdefault(spell_content(content), _Question(content))
            self._questions[index] = list(found.values())
        return self._questions[index]


def _describe(hit: ThreadHit | ExchangeHit, question: _Question) -> str:
    text = " ".join(read_text(question.content).split())
    shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
    return f"{hit.entry.label} is the closest recorded run, {question.likeness:.0%} alike: {shown}"
