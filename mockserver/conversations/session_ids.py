"""The ids of a session in requests that are not on a thread, such as searches and stateless runs. No I/O."""

from dataclasses import dataclass, field

from mockserver.conversations.id_map import IdMap, rename_reply, rename_request
from mockserver.conversations.ids import find_message_ids, find_request_ids
from mockserver.conversations.live_threads import LiveThreads
from mockserver.http.messages import Reply, Request


@dataclass(slots=True)
class SessionIds:
    """Ids of assistants and messages that stand for recorded ones in a session; its live threads add theirs."""

    own: IdMap = field(default_factory=IdMap)
    used: set[str] = field(default_factory=set)
    """The recorded ids that requests used unchanged."""

    def to_recorded_request(self, request: Request, threads: LiveThreads) -> Request:
        """Return *request* with the recorded ids in place of the live ones."""
        maps = self._maps(threads)
        if not maps:
            return request

        def recorded(live: str) -> str | None:
            return next((one for names in maps if (one := names.to_recorded(live)) != live), None)

        renamed = rename_request(request, recorded)
        return request if renamed == request else renamed

    def to_live_reply(self, reply: Reply, threads: LiveThreads, pairs: dict[str, str]) -> Reply:
        """Return *reply* with live ids in place of the recorded ones.

        The *pairs* of its request, live to recorded, come first. Of several threads, that with the last turn counts.
        """
        maps = self._maps(threads)
        if not maps:
            return reply
        requested = {recorded: live for live, recorded in pairs.items()}

        def live(known: str) -> str | None:
            if known in requested:
                return requested[known]
            held = next((names.to_live(known) for names in maps if known in names), None)
            return threads.reserve(known) if held is None else held

        return rename_reply(reply, live)

    def may_bind(self, pairs: dict[str, str]) -> bool:
        """Return whether each live id of *pairs*, live to recorded, can stand for that recorded one, and nothing else does."""
        return all(
            self.own.to_recorded(live) in (live, recorded)
            and self.own.to_live(recorded) in (live, recorded)
            and (live == recorded or recorded not in self.used)
            for live, recorded in pairs.items()
        )

    def bind(self, pairs: dict[str, str], threads: LiveThreads) -> None:
        """Have each live id of *pairs* stand for the recorded one, except those of *threads*: others may stand for the same ones."""
        maps = self._maps(threads)
        for live, recorded in pairs.items():
            if live == recorded:
                self.used.add(recorded)
            elif all(names.to_recorded(live) != recorded for names in maps):
                self.own.bind(recorded, live)

    def find_pairs(self, request: Request, recorded: Request) -> dict[str, str]:
        """Return the ids in *request* that are others in *recorded*, the same request with recorded ids: live to recorded."""
        if recorded is request:
            return {}
        both = zip(find_request_ids(request), find_request_ids(recorded), strict=True)
        return {live: one for live, one in both if live != one}

    def bind_messages(self, sent: Request, recorded: Request) -> None:
        """Have the ids that the client made for the messages in *sent* stand for those at the same places in *recorded*."""
        both = zip(find_message_ids(sent), find_message_ids(recorded), strict=False)
        for live, one in both:
            if live and one and live != one:
                self.own.bind(one, live)

    def _maps(self, threads: LiveThreads) -> list[IdMap]:
        maps = [self.own, *(live.ids for live in threads.sort_latest_first())]
        return [names for names in maps if names.renames]
