"""Find what to play for a request on a thread. No I/O, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

from mockserver.cassette.model import Repeat
from mockserver.conversations.candidates import Candidates, has_same_turns, is_used_up, start_id_map
from mockserver.conversations.conversation import Conversation, ConversationStart
from mockserver.conversations.conversation_index import Recordings
from mockserver.conversations.derived_responses import derive_existing_run, derive_run
from mockserver.conversations.id_map import IdMap
from mockserver.conversations.ids import find_message_ids
from mockserver.conversations.live_request import Query, strip_stream_modes
from mockserver.conversations.live_threads import LiveThread, LiveThreads
from mockserver.conversations.search_results import Answer, Refusal
from mockserver.conversations.thread_requests import RequestKind
from mockserver.formats.wording import pluralize
from mockserver.matching.canonical import canonicalize


@dataclass(frozen=True, slots=True)
class Search:
    """What is played for *query* in a session with these *threads*.

    *now* is the time in seconds of any clock. With *can_switch*, the fake graph answers what is not found; so a conversation that has the next turn
    may go on even if its earlier responses differ. With *derives*, responses may be made from recorded ones of the same run.
    """

    query: Query
    threads: LiveThreads
    recordings: Recordings
    now: float
    can_switch: bool = False
    derives: bool = True

    @property
    def candidates(self) -> Candidates:
        return Candidates(self.query, self.threads, self.recordings)

    def run(self) -> Answer | Refusal | None:
        """Return what to play, or why nothing; None if no conversation was created by such a request."""
        target = self.query.target
        if target.kind is RequestKind.CREATION:
            return self._find_creation()
        assert target.thread is not None
        live = self.threads.get(target.thread)
        if live is None:
            return self._begin_thread(target.thread)
        if live.is_fake:
            return Refusal("the fake graph has taken over this thread")
        return self._find_turn(live) if target.kind is RequestKind.TURN else self._find_read(live)

    def _find_creation(self) -> Answer | Refusal | None:
        named = self.query.named_thread
        if named is not None and (live := self.threads.get(named)):
            if live.is_fake:
                return Refusal("the fake graph has taken over this thread")
            return self._find_read(live)
        candidates = self.recordings.find_created(self.query.shapes)
        if not candidates:
            return None
        counts = self.threads.creation_counts
        free = [one for one in candidates if not is_used_up(one, counts)]
        if not free:
            count = pluralize(len(candidates), "recorded thread")
            reason = f"{count} matched, each was already created, and `repeat: error` is set"
            return Refusal(reason, candidates[-1].creation)
        chosen = min(free, key=lambda one: counts[one.identity])
        assert chosen.creation_step is not None
        identity = named or self.threads.create_thread_id(chosen.thread, counts[chosen.identity])
        live = LiveThread(identity, ConversationStart.CREATED, is_named_by_client=named is not None)
        live.created_by = chosen.identity
        names = start_id_map(chosen, identity)
        return Answer(chosen.creation_step, live, chosen, names, "created")

    def _begin_thread(self, thread: str) -> Answer | Refusal:
        """Return what to play for the first request on *thread*."""
        shapes, counts = self.query.shapes, self.threads.play_counts
        known = sorted(
            self.recordings.find_of_thread(self.threads.get_recorded_thread(thread)),
            key=lambda one: counts[one.identity],
        )
        began = known[0].began if known else ConversationStart.UNSEEN
        live = LiveThread(thread, began, is_named_by_client=True)
        is_turn = self.query.target.kind is RequestKind.TURN
        # A turn that was refused is a read.
        opened = self.recordings.find_turn(shapes, 0) if is_turn else []
        opened += self.recordings.find_opened(shapes)
        for one in known or self.candidates.sort(live, opened):
            names = start_id_map(one, thread)
            progress = one.find_first_progress(self.query.build_key(names, one.rules))
            if progress is None or (progress > 0 and not known):
                continue
            if is_used_up(one, counts):
                reason = f"the recorded thread {thread} was already played"
                return Refusal(f"{reason}, and `repeat: error` is set", one.steps[0].entry)
            live.progress = progress
            if known:
                live.began = one.began
            return self._answer_first(live, one, names, is_known=bool(known))
        if is_turn and (derived := self._derive_turn(live, None)):
            return derived
        if known:
            reason = f"the recorded thread {thread} has no such request"
            return Refusal(reason, known[0].first_entry)
        return Refusal(
            f"no recorded conversation begins with this request, and there is no thread {thread}"
        )

    def _answer_first(
        self, live: LiveThread, conversation: Conversation, names: IdMap, *, is_known: bool
    ) -> Answer | Refusal:
        """Return the answer to the first request on *live*, which stands at its progress in *conversation*."""
        why = "began under its recorded id" if is_known else "began with its first request"
        found = self.candidates.find_read(live, conversation, names, during_run=False)
        if found:
            return replace(found, why=why)
        for turn in conversation.turns[live.progress : live.progress + 1]:
            if self.query.fits(turn.entry, names, conversation.rules):
                return Answer(turn, live, conversation, names, why)
        return Refusal("this request was recorded later")

    def _find_turn(self, live: LiveThread) -> Answer | Refusal:
        current, number = self.recordings.get(live.conversation), live.progress
        if current and (found := self._find_next(live, current)):
            return found
        fitting = self.recordings.find_turn(self.query.shapes, number)
        found = (
            self._take_over(live, current, self.candidates.find_alike(live, current, fitting))
            or self.candidates.find_turn_in_other_words(live, current, fitting)
            or (self.candidates.find_read_of_another(live, current) if current else None)
            or self._derive_turn(live, current)
            or (self._find_repeated(live, current) if current else None)
        )
        if found:
            return found
        if current is None:
            return Refusal("no recorded conversation has this turn")
        turn_shapes = current.get_turn_shapes(number)
        others = (one for one in self.candidates.sort(live, fitting) if one is not current)
        other = next((one for one in others if one.get_turn_shapes(number) == turn_shapes), None)
        if self.can_switch and other is not None:
            names = self.candidates.translate_ids(live, current, other)
            if found := self._take_over(live, current, [(other, names)]):
                return replace(found, how="switched")
        return self._refuse_turn(live, current, other)

    def _find_next(self, live: LiveThread, current: Conversation) -> Answer | None:
        """Return the next turn of *current* if it is the request, or a refused turn that was recorded before it; or the last turn if it was cut."""
        turns, number = current.turns, live.progress
        key = self.query.build_key(live.ids, current.rules)
        if (cut := live.cut_turn) and cut.key == key:
            last = turns[number - 1] if 0 < number <= len(turns) else None
            if last is not None and last.entry.key == cut.recorded:  # no edit has replaced it
                why = "was cut before"
                return Answer(last, live, current, live.ids, why, cut.how, cut.response)
        if number < len(turns) and turns[number].entry.key == key:
            refused = [step for step in current.reads.get(key, ()) if step.progress == number]
            if live.read_counts[number, False, key] >= len(refused):
                return Answer(turns[number], live, current, live.ids, "kept")
        return self.candidates.find_read(live, current, live.ids, during_run=False)

    def _find_repeated(self, live: LiveThread, current: Conversation) -> Answer | None:
        """Return the last played turn that is the request, which a client repeats."""
        # A client that follows the thread has seen the events of that turn, and would ignore them.
        is_followed = self.threads.open_streams[live.identity] > 0
        if is_followed or (self.can_switch and not live.is_named_by_client):
            return None
        key = self.query.build_key(live.ids, current.rules)
        for step in reversed(current.turns[: live.progress]):
            if step.entry.key == key and step.entry.repeat is not Repeat.ERROR:
                return Answer(step, live, current, live.ids, "went back")
        return None

    def _take_over(
        self,
        live: LiveThread,
        current: Conversation | None,
        others: Iterable[tuple[Conversation, IdMap]],
    ) -> Answer | None:
        """Return the next turn of one of *others*, with the ids of *live* there, that is the request: the ids in it mean the same there."""
        for other, names in others:
            step = other.turns[live.progress]
            if self.query.fits(step.entry, names, other.rules):
                return Answer(step, live, other, names, _explain_take_over(live, current))
        return None

    def _derive_turn(self, live: LiveThread, current: Conversation | None) -> Answer | None:
        """Return a next turn that differs in its stream modes only, with the response that is made from the recorded one."""
        if not self.derives or not self.query.run_shapes:
            return None
        found = self.recordings.find_run(self.query.run_shapes, live.progress)
        for other, names in self.candidates.find_alike(live, current, found):
            step = other.turns[live.progress]
            exchange = self.recordings.reader.load(step.entry)
            sent, recorded = self.query.build_form(names), canonicalize(exchange.request)
            if strip_stream_modes(sent, other.rules) != strip_stream_modes(recorded, other.rules):
                continue
            response = derive_run(exchange, names.to_recorded_request(self.query.request))
            if response is not None:
                why = "kept" if other is current else _explain_take_over(live, current)
                return Answer(step, live, other, names, why, "derived", response)
        return None

    def _refuse_turn(
        self, live: LiveThread, current: Conversation, other: Conversation | None
    ) -> Refusal:
        number, turns = live.progress, current.turns
        where = current.describe_progress(live.progress)
        key = self.query.build_key(live.ids, current.rules)
        expected = turns[number].entry if number < len(turns) else None
        ahead = next((step for step in turns[number:] if step.entry.key == key), None)
        if ahead is not None and expected is not None:
            reason = f"this is turn {ahead.progress} ({ahead.entry.label}) of {where}; {expected.label} comes first"
        elif other is not None and not has_same_turns(current, other, number):
            reason = f"{other.label} has this turn ({other.turns[number].entry.label}), but answered an earlier one differently than {where}"
        elif expected is not None:
            reason = f"the next turn of {where}, differs"
        else:
            reason = f"{where}: the recording has no further turn"
        last = turns[-1].entry if turns else current.creation
        return Refusal(reason, expected or last, live.ids, current, number)

    def _find_read(self, live: LiveThread) -> Answer | Refusal:
        current = self.recordings.get(live.conversation)
        if current is None:
            return Refusal("no recorded conversation is played on this thread")
        during_run = self.now < live.runs_until
        if found := self.candidates.find_read(live, current, live.ids, during_run=during_run):
            return found
        if found := self.candidates.find_read_of_another(live, current, during_run=during_run):
            return found
        if not during_run and (found := self._derive_read(live, current)):
            return found
        if live.events is not None and during_run and live.runs_until < inf:
            found = self.candidates.find_read(live, current, live.ids, during_run=False)
            if found is not None:
                return replace(found, waits_until=live.runs_until)
        return self._refuse_read(live, current)

    def _derive_read(self, live: LiveThread, current: Conversation) -> Answer | None:
        """Return the response to a request for a run of the last turn that was not recorded, made from the response to the turn."""
        is_of_run = self.query.target.path.startswith("/runs/")
        if not (self.derives and live.progress > 0 and is_of_run):
            return None
        step = current.turns[live.progress - 1]
        if current.was_cancelled(step):
            return None
        request = live.ids.to_recorded_request(self.query.request)
        response = derive_existing_run(self.recordings.reader.load(step.entry), request)
        if response is None:
            return None
        read = replace(step, kind=RequestKind.READ)
        return Answer(read, live, current, live.ids, "kept", "derived", response)

    def _refuse_read(self, live: LiveThread, current: Conversation) -> Refusal:
        where = current.describe_progress(live.progress)
        steps = current.reads.get(self.query.build_key(live.ids, current.rules))
        reason, expected = f"no such request was recorded in {where}", None
        if steps:
            places = (f"{step.entry.label} after turn {step.progress}" for step in steps)
            reason = f"{where}: recorded as {', '.join(dict.fromkeys(places))}"
            expected = steps[0].entry
        return Refusal(reason, expected, live.ids, current, live.progress)


def commit(answer: Answer, search: Search) -> None:
    """Have the thread of *answer*, which *search* found, stand where the answer leaves it."""
    live, threads, query = answer.thread, search.threads, search.query
    threads.record_play(live, answer.conversation, answer.step.kind, answer.progress)
    live.ids = answer.ids
    if answer.read_key is not None:
        live.read_counts[answer.read_key] += 1
    reader = search.recordings.reader
    if sent := find_message_ids(query.request):
        live.bind_message_ids(sent, reader.get_message_ids(answer.entry))
    live.bind_ids(reader.get_response_ids(answer.entry))
    if query.target.path == "/copy" and (copied := search.recordings.find_copied(answer.entry)):
        threads.add_copy(live, copied)
    if query.target.is_deletion:
        threads.remove(live)


def _explain_take_over(live: LiveThread, current: Conversation | None) -> str:
    if current is None:
        return "began with its first request"
    return f"took over from {current.label}: turn {live.progress + 1} differs"
