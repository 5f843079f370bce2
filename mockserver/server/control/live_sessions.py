"""The sessions of a server as the control API shows them, in JSON."""

from collections import Counter

from mockserver.server.journal import Journal
from mockserver.server.responders.replay import ReplayResponder
from mockserver.server.sessions import Session
from mockserver.tools.page.exchange_view import JsonObject


def view_sessions(journal: Journal, replay: ReplayResponder | None) -> JsonObject:
    """Return all sessions, the one with the latest request first: the number of requests in the journal, and the threads."""
    counts = Counter(entry.call.session for entry in journal.entries())
    sessions = dict(replay.sessions.latest_first()) if replay else {}
    names = [*sessions, *(name for name in reversed(counts) if name not in sessions)]
    return {
        "sessions": [
            {
                "session": name,
                "requests": counts[name],
                "threads": (
                    _view_threads(replay, sessions[name]) if replay and name in sessions else []
                ),
            }
            for name in names
        ]
    }


def _view_threads(replay: ReplayResponder, session: Session) -> list[JsonObject]:
    """Return the threads of *session*: those that play recorded conversations, and those of the fake graph."""
    places = replay.threads.describe_places(session)
    threads = dict.fromkeys([*places, *session.database.threads])
    return [
        {"thread": thread, "source": "cassette", **places[thread]}
        if thread in places
        else {"thread": thread, "source": "fake"}
        for thread in threads
    ]
