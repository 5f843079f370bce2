"""Answers from the fake graph."""

from collections.abc import Callable

from mockserver.cassette.canonical import canonical
from mockserver.cassette.matching import key
from mockserver.fake.answers import paced
from mockserver.fake.ids import Ids
from mockserver.fake.server.api import Api
from mockserver.fake.server.world import World
from mockserver.messages import Reply, Request, Source, standard_reason
from mockserver.pace import Pace
from mockserver.responders.cassettes import is_browser_noise, session_of
from mockserver.sessions import Sessions


class Fake:
    """Answers every request as the fake graph's server would.

    The same request has the same meaning for all clients, so it gets the same ids from it; asked again in a *session*, it
    gets others. *look* is called before each answer, to see whether its script was edited.
    """

    def __init__(
        self,
        api: Api,
        pace: Pace,
        sessions: Sessions,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._api = api
        self._look = look
        self._pace = pace
        self._sessions = sessions

    async def respond(self, request: Request) -> Reply | None:
        """Return the fake graph's answer."""
        self._look()
        world = self._sessions.keep(session_of(request), World)
        seed = key(canonical(request)).hex()
        answer = self._api.handle(request, Ids(seed, world.count(seed)), world)
        if answer.status < 400:
            world.take(seed)
        return Reply(
            answer.status,
            answer.headers,
            answer.body if isinstance(answer.body, bytes) else paced(answer.body, self._pace),
            standard_reason(answer.status),
            Source.FAKE,
            note=answer.note,
            counted=not is_browser_noise(request),
        )
