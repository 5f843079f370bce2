"""Answers from the fake graph."""

from mockserver.cassette.canonical import canonical
from mockserver.cassette.matching import key
from mockserver.fake.answers import Timed
from mockserver.fake.api import Api
from mockserver.fake.ids import Ids
from mockserver.fake.world import World
from mockserver.messages import Paced, Reply, Request, Source, standard_reason
from mockserver.pace import Pace
from mockserver.responders.cassettes import is_browser_noise, session_of
from mockserver.sessions import Sessions

KEEPALIVE = 5.0
"""Every so many seconds the server says that it is still there, from the start of an answer on."""


class Fake:
    """Answers every request as the fake graph's server would.

    The same request has the same meaning for all clients, so it gets the same ids from it; asked again in a *session*, it
    gets others.
    """

    def __init__(self, api: Api, pace: Pace, sessions: Sessions) -> None:
        self._api = api
        self._pace = pace
        self._sessions = sessions

    async def respond(self, request: Request) -> Reply | None:
        """Return the fake graph's answer."""
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
            counted=not is_browser_noise(request),
        )


def paced(timed: Timed, pace: Pace) -> bytes | Paced:
    """Return the body *timed* at that *pace*: bytes where it goes out at once."""
    steps: list[tuple[float, bytes]] = []
    at = before = 0.0
    tick = KEEPALIVE
    for moment, chunk in (*timed.steps, (timed.end, b"")):
        at += pace.gap(moment - before)
        before = moment
        while tick < at:
            steps.append((tick, timed.keepalive))
            tick += KEEPALIVE
        if steps and steps[-1][0] == at:
            steps[-1] = (at, steps[-1][1] + chunk)
        elif chunk:
            steps.append((at, chunk))
    return Paced(tuple(steps), at) if at else b"".join(chunk for _, chunk in steps)
