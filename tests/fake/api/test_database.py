"""What a session counts; what it makes of assistants and threads is the matter of test_api."""

from mockserver.fake.api.database import MAX_REQUESTS, Database


def test_each_request_is_counted() -> None:
    database = Database()
    for seed in ("a", "b", "a"):
        database.count_request(seed)

    assert [database.request_count(seed) for seed in ("a", "b", "c")] == [2, 1, 0]


def test_the_least_recent_request_is_forgotten() -> None:
    database = Database()
    for seed in ("old", "used", *map(str, range(MAX_REQUESTS - 2)), "used", "new"):
        database.count_request(seed)

    assert [database.request_count(seed) for seed in ("old", "used", "new")] == [0, 2, 1]
