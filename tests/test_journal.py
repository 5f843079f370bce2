from mockserver.journal import Journal
from mockserver.messages import SESSION, Reply, Request, Source


def note(journal: Journal, path: str, session: str | None = None, **reply: object) -> None:
    headers = () if session is None else ((SESSION, session),)
    made = Reply(200, **{"exchange": "a.yaml#1", **reply})  # type: ignore[arg-type]
    journal.note("2026-11-24T03:00:00.000+00:00", Request("GET", path, headers), path, made, 0.5)


def paths(journal: Journal, session: str | None = None) -> list[object]:
    return [entry["path"] for entry in journal.entries(session)]


def test_each_request_is_told() -> None:
    journal = Journal()
    note(journal, "/threads/x", "s", names=(("x", "y"),))

    assert journal.entries() == [
        {
            "when": "2026-11-24T03:00:00.000+00:00",
            "session": "s",
            "method": "GET",
            "path": "/threads/x",
            "status": 200,
            "source": "cassette",
            "exchange": "a.yaml#1",
            "ids": {"x": "y"},
            "seconds": 0.5,
        }
    ]


def test_a_miss_has_its_facts() -> None:
    journal = Journal()
    note(journal, "/x", source=Source.MISS, exchange=None, facts={"reason": "no exchange matches"})

    assert journal.entries()[0]["miss"] == {"reason": "no exchange matches"}


def test_sessions_are_told_apart() -> None:
    journal = Journal()
    for path, session in (("/1", "a"), ("/2", None), ("/3", "a")):
        note(journal, path, session)

    assert (paths(journal, "a"), paths(journal, ""), paths(journal)) == (
        ["/1", "/3"],
        ["/2"],
        ["/1", "/2", "/3"],
    )
    journal.clear("a")
    assert paths(journal) == ["/2"]
    journal.clear()
    assert paths(journal) == []


def test_the_oldest_is_forgotten() -> None:
    journal = Journal(kept=2)
    for path in ("/1", "/2", "/3"):
        note(journal, path)

    assert paths(journal) == ["/2", "/3"]
    journal.clear("nobody")
    note(journal, "/4")
    assert paths(journal) == ["/3", "/4"]
