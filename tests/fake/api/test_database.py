"""What a session counts; what it makes of assistants and threads is the matter of test_api."""

from mockserver.fake.api.database import ASKED, World


def test_each_request_is_counted() -> None:
    world = World()
    for seed in ("a", "b", "a"):
        world.take(seed)

    assert [world.count(seed) for seed in ("a", "b", "c")] == [2, 1, 0]


def test_the_request_not_asked_for_longest_is_new_again() -> None:
    world = World()
    for seed in ("old", "used", *map(str, range(ASKED - 2)), "used", "new"):
        world.take(seed)

    assert [world.count(seed) for seed in ("old", "used", "new")] == [0, 2, 1]
