"""Find what to play for a request on a thread. No I/O, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

from mockserver.cassette.model import Repeat
from mockserver.conversations.candidates import Candidates, has_same_turns, is_used_up, start_id_map
from mockserver.conversations.conversation import Conversation, ConversationStart
from mockserver.conversations.conversation_index import ConversationIndex
from mockserver.conversations.derived_responses import derive_existing_run, derive_run
from mockserver.conversations.id_map import IdMap
from mockserver.conversations.ids import find_message_ids
from mockserver.conversations.live_request import LiveRequest, strip_stream_modes
from mockserver.conversations.live_threads import LiveThread, LiveThreads
from mockserver.conversations.search_results import SearchHit, SearchMiss
from mockserver.conversations.thread_requests import RequestKind
from mockserver.formats.wording import pluralize
from mockserver.matching.canonical import canonicalize


@dataclass(frozen=True, slots=True)
class Search:
    """What is played for *live_request* in a session with these *threads*.

    *now* is the time in seconds of any clock. With *can_switch*, the fake graph answers what is not found; so a conversation that has the next turn
    may go on even if its earlier responses differ. With *derives*, responses may be made from recorded ones of the same run.
    """

    live_request: LiveRequest
    threads: LiveThreads
    conversations: ConversationIndex
    now: float
    can_switch: bool = False
    derives: bool = True

    @property
    def candidates(self) -> Candidates:
        return Candidates(self.live_request, self.threads, self.conversations)

    def run(self) -> SearchHit | SearchMiss | None:
        """Return what to play, or why nothing; None if no conversation was created by such a request."""
        target = self.live_request.target
        if target.kind is RequestKind.CREATION:
            return self._find_creation()
        assert target.thread is not None
        live = self.threads.get(target.thread)
        if live is None:
            return self._begin_thread(target.thread)
        if live.is_fake:
            return SearchMiss("the fake graph has taken over this thread")
        return self._find_turn(live) if target.kind is RequestKind.TURN else self._find_read(live)

    def _find_creation(self) -> SearchHit | SearchMiss | None:
        named = self.live_request.named_thread
        if named is not None and (live := self.threads.get(named)):
            if live.is_fake:
                return SearchMiss("the fake graph has taken over this thread")
            return self._find_read(live)
        candidates = self.conversations.find_created(self.live_request.shapes)
        if not candidates:
            return None
        counts = self.threads.creation_counts
        free = [one for one in candidates if not is_used_up(one, counts)]
        if not free:
            count = pluralize(len(candidates), "recorded thread")
            reason = f"{count} matched, each was already created, and `repeat: error` is set"
            return SearchMiss(reason, candidates[-1].creation)
        chosen = min(free, key=lambda one: counts[one.identity])
        assert chosen.creation_step is not None
        identity = named or self.threads.create_thread_id(chosen.thread, counts[chosen.identity])
        live = LiveThread(identity, ConversationStart.CREATED, is_named_by_client=named is not None)
        live.created_by = chosen.identity
        names = start_id_map(chosen, identity)
        return SearchHit(chosen.creation_step, live, chosen, names, "created")

    def _begin_thread(self, thread: str) -> SearchHit | SearchMiss:
        """Return what to play for the first request on *thread*."""
        shapes, counts = self.live_request.shapes, self.threads.play_counts
        known = sorted(
            self.conversations.find_of_thread(self.threads.get_recorded_thread(thread)),
            key=lambda one: counts[one.identity],
        )
        began = known[0].began if known else ConversationStart.UNSEEN
        live = LiveThread(thread, began, is_named_by_client=True)
        is_turn = self.live_request.target.kind is RequestKind.TURN
        # A turn that was refused is a read.
        opened = self.conversations.find_turn(shapes, 0) if is_turn else []
        opened += self.conversations.find_opened(shapes)
        for one in known or self.candidates.sort(live, opened):
            names = start_id_map(one, thread)
            progress = one.find_first_progress(self.live_request.build_key(names, one.rules))
            if progress is None or (progress > 0 and not known):
                continue
            if is_used_up(one, counts):
                reason = f"the recorded thread {thread} was already played"
                return SearchMiss(f"{reason}, and `repeat: error` is set", one.steps[0].entry)
            live.progress = progress
            if known:
                live.began = one.began
            return self._answer_first(live, one, names, is_known=bool(known))
        if is_turn and (derived := self._derive_turn(live, None)):
            return derived
        if known:
            reason = f"the recorded thread {thread} has no such request"
            return SearchMiss(reason, known[0].first_entry)
        return SearchMiss(
            f"no recorded conversation begins with this request, and there is no thread {thread}"
        )

    def _answer_first(
        self, live: LiveThread, conversation: Conversation, names: IdMap, *, is_known: bool
    ) -> SearchHit | SearchMiss:
        """Return the hit to the first request on *live*, which stands at its progress in *conversation*."""
        why = "began under its recorded id" if is_known else "began with its first request"
        found = self.candidates.find_read(live, conversation, names, during_run=False)
        if found:
            return replace(found, why=why)
        for turn in conversation.turns[live.progress : live.progress + 1]:
            if self.live_request.matches(turn.entry, names, conversation.rules):
                return SearchHit(turn, live, conversation, names, why)
        return SearchMiss("this request was recorded later")

    def _find_turn(self, live: LiveThread) -> SearchHit | SearchMiss:
        current, number = self.conversations.get(live.conversation), live.progress
        if current and (found := self._find_next(live, current)):
            return found
        fitting = self.conversations.find_turn(self.live_request.shapes, number)
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
            return SearchMiss("no recorded conversation has this turn")
        turn_shapes = current.get_turn_shapes(number)
        others = (one for one in self.candidates.sort(live, fitting) if one is not current)
        other = next((one for one in others if one.get_turn_shapes(number) == turn_shapes), None)
        if self.can_switch and other is not None:
            names = self.candidates.translate_ids(live, current, other)
            if found := self._take_over(live, current, [(other, names)]):
                return replace(found, how="switched")
        return self._refuse_turn(live, current, other)

    def _find_next(self, live: LiveThread, current: Conversation) -> SearchHit | None:
        """Return the next turn of *current* if it is the request, or a refused turn that was recorded before it; or the last turn if it was cut."""
        turns, number = current.turns, live.progress
        key = self.live_request.build_key(live.ids, current.rules)
        if (cut := live.cut_turn) and cut.key == key:
            last = turns[number - 1] if 0 < number <= len(turns) else None
            if last is not None and last.entry.key == cut.recorded:  # no edit has replaced it
                why = "was cut before"
                return SearchHit(last, live, current, live.ids, why, cut.how, cut.response)
        if number < len(turns) and turns[number].entry.key == key:
            refused = [step for step in current.reads.get(key, ()) if step.progress == number]
            if live.read_counts[number, False, key] >= len(refused):
                return SearchHit(turns[number], live, current, live.ids, "kept")
        return self.candidates.find_read(live, current, live.ids, during_run=False)

    def _find_repeated(self, live: LiveThread, current: Conversation) -> SearchHit | None:
        """Return the last played turn that is the request, which a client repeats."""
        # A client that follows the thread has seen the events of that turn, and would ignore them.
        is_followed = self.threads.open_streams[live.identity] > 0
        if is_followed or (self.can_switch and not live.is_named_by_client):
            return None
        key = self.live_request.build_key(live.ids, current.rules)
        for step in reversed(current.turns[: live.progress]):
            if step.entry.key == key and step.entry.repeat is not Repeat.ERROR:
                return SearchHit(step, live, current, live.ids, "went back")
        return None

    def _take_over(
        self,
        live: LiveThread,
        current: Conversation | None,
        others: Iterable[tuple[Conversation, IdMap]],
    ) -> SearchHit | None:
        """Return the next turn of one of *others*, with the ids of *live* there, that is the request: the ids in it mean the same there."""
        for other, names in others:
            step = other.turns[live.progress]
            if self.live_request.matches(step.entry, names, other.rules):
                return SearchHit(step, live, other, names, _explain_take_over(live, current))
        return None

    def _derive_turn(self, live: LiveThread, current: Conversation | None) -> SearchHit | None:
        """Return a next turn that differs in its stream modes only, with the response that is made from the recorded one."""
        if not self.derives or not self.live_request.run_shapes:
            return None
        found = self.conversations.find_run(self.live_request.run_shapes, live.progress)
        for other, names in self.candidates.find_alike(live, current, found):
            step = other.turns[live.progress]
            exchange = self.conversations.reader.load(step.entry)
            sent, recorded = self.live_request.build_form(names), canonicalize(exchange.request)
            if strip_stream_modes(sent, other.rules) != strip_stream_modes(recorded, other.rules):
                continue
            response = derive_run(exchange, names.to_recorded_request(self.live_request.request))
            if response is not None:
                why = "kept" if other is current else _explain_take_over(live, current)
                return SearchHit(step, live, other, names, why, "derived", response)
        return None

    def _refuse_turn(
        self, live: LiveThread, current: Conversation, other: Conversation | None
    ) -> SearchMiss:
        number, turns = live.progress, current.turns
        where = current.describe_progress(live.progress)
        key = self.live_request.build_key(live.ids, current.rules)
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
        return SearchMiss(reason, expected or last, live.ids, current, number)

    def _find_read(self, live: LiveThread) -> SearchHit | SearchMiss:
        current = self.conversations.get(live.conversation)
        if current is None:
            return SearchMiss("no recorded conversation is played on this thread")
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

    def _derive_read(self, live: LiveThread, current: Conversation) -> SearchHit | None:
        """Return the response to a request for a run of the last turn that was not recorded, made from the response to the turn."""
        is_of_run = self.live_request.target.path.startswith("/runs/")
        if not (self.derives and live.progress > 0 and is_of_run):
            return None
        step = current.turns[live.progress - 1]
        if current.was_cancelled(step):
            return None
        request = live.ids.to_recorded_request(self.live_request.request)
        response = derive_existing_run(self.conversations.reader.load(step.entry), request)
        if response is None:
            return None
        read = replace(step, kind=RequestKind.READ)
        return SearchHit(read, live, current, live.ids, "kept", "derived", response)

    def _refuse_read(self, live: LiveThread, current: Conversation) -> SearchMiss:
        where = current.describe_progress(live.progress)
        steps = current.reads.get(self.live_request.build_key(live.ids, current.rules))
        reason, expected = f"no such request was recorded in {where}", None
        if steps:
            places = (f"{step.entry.label} after turn {step.progress}" for step in steps)
            reason = f"{where}: recorded as {', '.join(dict.fromkeys(places))}"
            expected = steps[0].entry
        return SearchMiss(reason, expected, live.ids, current, live.progress)


def advance_thread(hit: SearchHit, search: Search) -> None:
    """Have the thread of *hit*, which *search* found, stand where the hit leaves it."""
    live, threads, live_request = hit.thread, search.threads, search.live_request
    threads.record_play(live, hit.conversation, hit.step.kind, hit.progress)
    live.ids = hit.ids
    if hit.read_key is not None:
        live.read_counts[hit.read_key] += 1
    reader = search.conversations.reader
    if sent := find_message_ids(live_request.request):
        live.bind_message_ids(sent, reader.get_message_ids(hit.entry))
    live.bind_ids(reader.get_response_ids(hit.entry))
    if live_request.target.path == "/copy" and (
        copied := search.conversations.find_copied(hit.entry)
    ):
        threads.add_copy(live, copied)
    if live_request.target.is_deletion:
        threads.remove(live)


def _explain_take_over(live: LiveThread, current: Conversation | None) -> str:
    if current is None:
        return "began with its first request"
    return f"took over from {current.label}: turn {live.progress + 1} differs"
