"""Which recorded conversations fit a live thread, and what they hold for a request on it. No I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mockserver.cassette.model import Repeat
from mockserver.conversations import ids
from mockserver.conversations.conversation import Conversation, ConversationStart, Identity, Step
from mockserver.conversations.conversation_index import ConversationIndex
from mockserver.conversations.id_map import IdMap
from mockserver.conversations.live_request import LiveRequest, split_checkpoint
from mockserver.conversations.live_threads import LiveThread, LiveThreads
from mockserver.conversations.search_results import SearchHit
from mockserver.conversations.thread_requests import RequestKind
from mockserver.matching.canonical import canonicalize


@dataclass(frozen=True, slots=True)
class Candidates:
    """Those of *conversations* that fit *live_request* in a session with these *threads*."""

    live_request: LiveRequest
    threads: LiveThreads
    conversations: ConversationIndex

    def sort(self, live: LiveThread, conversations: Iterable[Conversation]) -> list[Conversation]:
        """Return those of *conversations* that *live* may play, in the order in which they are taken."""
        plays = self.threads.play_counts
        fitting = [
            one
            for one in conversations
            if (
                one.began is live.began
                or (live.began, one.began) == (ConversationStart.UNSEEN, ConversationStart.CREATED)
            )
            and (one.identity == live.conversation or not is_used_up(one, plays))
        ]
        return sorted(
            fitting,
            key=lambda one: (
                one.identity != live.conversation,
                one.began is not live.began,
                plays[one.identity],
                one.identity != live.created_by,
            ),
        )

    def find_alike(
        self, live: LiveThread, current: Conversation | None, conversations: Iterable[Conversation]
    ) -> Iterator[tuple[Conversation, IdMap]]:
        """Yield those of *conversations* that *live* may play and that answered its turns as *current* did, with the ids of *live* there."""
        for one in self.sort(live, conversations):
            if has_same_turns(current, one, live.progress):
                yield one, self.translate_ids(live, current, one)

    def translate_ids(
        self, live: LiveThread, current: Conversation | None, other: Conversation
    ) -> IdMap:
        """Return what the ids of *live* mean in *other*: ids at the same places in the same responses are the same."""
        if other is current:
            return live.ids
        names = start_id_map(other, live.identity)
        if current is None:
            return names
        get_ids = self.conversations.reader.get_response_ids
        alike = [
            (get_ids(entry), get_ids(other.by_place[place]))
            for place, entry in current.by_place.items()
            if place[0] <= live.progress and place in other.by_place
        ]
        alike += [
            (current.events.get_ids(progress), other.events.get_ids(progress))
            for progress in range(live.progress + 1)
        ]
        for left, right in alike:
            for kind, recorded, wanted in ids.pair_ids(left, right):
                if kind is ids.IdKind.KEPT or recorded in live.ids or not live.play:
                    names.bind(wanted, live.ids.to_live(recorded))
        names.bind(other.thread, live.identity)
        return names

    def find_read(
        self, live: LiveThread, conversation: Conversation, names: IdMap, *, during_run: bool
    ) -> SearchHit | None:
        """Return the read or change of *conversation* for the request at the progress of *live*, or None."""
        key = self.live_request.build_key(names, conversation.rules)
        steps = conversation.reads.get(key, [])
        here = [step for step in steps if step.progress == live.progress]
        if during_run:
            here = [step for step in here if conversation.was_during_run(step) is not False]
        else:
            here = [step for step in here if not conversation.was_during_run(step)] or here
        here = here or self._elsewhere(live, conversation, steps)
        if not here:
            return None
        read_key = (live.progress, during_run, key)
        step = here[min(live.read_counts[read_key], len(here) - 1)]
        return SearchHit(step, live, conversation, names, "kept", read_key=read_key)

    def find_turn_in_other_words(
        self, live: LiveThread, current: Conversation | None, fitting: Iterable[Conversation]
    ) -> SearchHit | None:
        """Return the request as the next turn of *current* or of one of *fitting* that says the same in other words.

        It has an equal assistant of another id, as clients that create equal assistants at the same time get them in recorded order; or it names the
        latest checkpoint of the thread where the other names none, as pages do that have read the history before a turn.
        """
        assistant = self.live_request.assistant
        if assistant is None:
            return None
        either = fitting if current is None else (current, *fitting)
        for one, names in self.find_alike(live, current, either):
            if len(one.turns) <= live.progress:
                continue
            step = one.turns[live.progress]
            equal = IdMap()
            equal.update(names)
            for recorded in step.entry.fingerprint.ids:
                if self.conversations.are_equal_assistants(assistant, recorded):
                    equal.bind(recorded, assistant)
            if self.live_request.matches(step.entry, equal, one.rules):
                why = "differs in the id of an equal assistant"
            elif self._differs_in_latest_checkpoint(one, step, names):
                why = (
                    "differs in the latest checkpoint, which one of the two requests does not name"
                )
            else:
                continue
            return SearchHit(step, live, one, names, why)
        return None

    def _differs_in_latest_checkpoint(
        self, conversation: Conversation, step: Step, names: IdMap
    ) -> bool:
        latest = conversation.find_latest_checkpoint(step.progress - 1)
        if latest is None:
            return False
        recorded = self.conversations.reader.load(step.entry).request
        sent, sent_form = split_checkpoint(self.live_request.build_form(names), conversation.rules)
        kept, kept_form = split_checkpoint(canonicalize(recorded), conversation.rules)
        return {sent, kept} == {None, latest} and sent_form == kept_form

    def find_read_of_another(
        self, live: LiveThread, current: Conversation, *, during_run: bool = False
    ) -> SearchHit | None:
        """Return the read, change or refused turn for the request of a conversation that began with the same turns as *current*, or None."""
        others = self.conversations.find_request(self.live_request.shapes)
        for other, names in self.find_alike(live, current, others):
            if found := self.find_read(live, other, names, during_run=during_run):
                why = f"took over from {current.label}, which has no such request"
                return replace(found, why=why)
        return None

    def _elsewhere(
        self, live: LiveThread, conversation: Conversation, steps: list[Step]
    ) -> list[Step]:
        """Return what was recorded at another progress, if it may be played at that of *live*: one step, or none."""
        if self.live_request.target.kind is RequestKind.CHANGE:
            get_facts = self.conversations.reader.get_facts
            return [step for step in steps if get_facts(step.entry).says_nothing][-1:]
        if self.live_request.target.kind is RequestKind.CREATION:
            creation = conversation.creation_step
            return [creation] if creation and self.live_request.keeps_existing else []
        past = [step for step in steps if step.progress < live.progress]
        return [step for step in past if step.names_past][-1:]


def start_id_map(conversation: Conversation, thread: str) -> IdMap:
    """Return the ids of the live *thread* when it begins to play *conversation*."""
    names = IdMap()
    names.bind(conversation.thread, thread)
    return names


def has_same_turns(current: Conversation | None, other: Conversation, count: int) -> bool:
    """Return whether *other* answered the first *count* turns as *current* did."""
    if current is None or count == 0:
        return True
    return len(other.turns) >= count and other.digest_turns(count) == current.digest_turns(count)


def is_used_up(conversation: Conversation, counts: Counter[Identity]) -> bool:
    """Return whether *conversation* plays once only, and has been counted already."""
    return conversation.first_entry.repeat is Repeat.ERROR and counts[conversation.identity] > 0
