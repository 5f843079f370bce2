"""Which new conversations of a recording were recorded before. No I/O."""

from mockserver.conversations.conversation import Conversation
from mockserver.conversations.exchange_reader import Load
from mockserver.conversations.recordings import Recordings
from mockserver.matching.index import Cassette, Entry, Index
from mockserver.matching.keys import Key


def find_repeated(cassette: Cassette, old_count: int, load: Load) -> tuple[list[list[Entry]], int]:
    """Return the exchanges of each conversation of *cassette* whose requests are also those of an earlier one, and the number of the others.

    The first *old_count* entries were recorded before; only later ones are returned. Responses do not count: models answer
    differently each time.
    """
    parts = (cassette.entries[:old_count], cassette.entries[old_count:])
    old, new = (
        Recordings(Index((Cassette(cassette.name, cassette.rules, part),)), load) for part in parts
    )
    known = [_collect_places(one) for one in old.conversations]
    repeated: list[list[Entry]] = []
    needed: set[Entry | None] = set()
    kept = 0
    for conversation in new.conversations:
        places = _collect_places(conversation)
        if any(places <= one for one in known):
            repeated.append([entry for entry, _ in conversation.requests])
            if conversation.creation is not None:
                repeated[-1].append(conversation.creation)
        else:
            kept += 1
            needed |= {conversation.creation, *(entry for entry, _ in conversation.requests)}
    return [[entry for entry in entries if entry not in needed] for entries in repeated], kept


def _collect_places(conversation: Conversation) -> set[tuple[int, Key]]:
    """Return the requests of *conversation* without ids, each with the number of turns before it."""
    places = {(step.progress, step.entry.shape) for step in conversation.steps}
    if conversation.creation is not None:
        places.add((0, conversation.creation.shape))
    return places
