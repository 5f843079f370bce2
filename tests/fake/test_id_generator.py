from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.fake.id_generator import IdGenerator

words = st.text(st.characters(exclude_characters="\0"), max_size=5)
names = st.lists(words | st.integers(0, 9), max_size=3).map(tuple)
seeds = words
counts = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("identity", "literal"),
    [
        pytest.param(IdGenerator("s").hex("a"), "a947d81400242ae7f9f6aa41f754431e", id="hex"),
        pytest.param(
            IdGenerator("s").uuid4("a"), "a947d814-0024-4ae7-b9f6-aa41f754431e", id="uuid4"
        ),
        pytest.param(
            IdGenerator("s").uuid5("a"), "a947d814-0024-5ae7-b9f6-aa41f754431e", id="uuid5"
        ),
        pytest.param(
            IdGenerator("s").uuid7("a"), "019b76da-a800-7ae7-b9f6-aa41f754431e", id="uuid7"
        ),
        pytest.param(
            IdGenerator("s", 1).uuid7("a"),
            "019b76da-abe8-7d4b-a9b6-5203251607a5",
            id="a second later",
        ),
        pytest.param(
            IdGenerator("\ud800").hex(), "2054b5dacd7942c25ca8317281ab7c0b", id="a lone surrogate"
        ),
    ],
)
def test_ids_are_the_same_for_ever(identity: str, literal: str) -> None:
    assert identity == literal


@given(seeds, counts, names)
def test_uuids_have_their_version_and_variant(
    seed: str, count: int, name: tuple[str | int, ...]
) -> None:
    ids = IdGenerator(seed, count)

    for version, text in ((4, ids.uuid4(*name)), (5, ids.uuid5(*name)), (7, ids.uuid7(*name))):
        identity = UUID(text)
        assert (identity.version, identity.variant, str(identity)) == (version, RFC_4122, text)


@pytest.mark.parametrize(
    ("count", "moment", "time"),
    [
        pytest.param(
            5, "2026-01-01T00:00:02.000000+00:00", "2026-01-01T00:00:05.000000+00:00", id="later"
        ),
        pytest.param(
            0, "2026-01-01T00:00:02.000000+00:00", "2026-01-01T00:00:02.001000+00:00", id="earlier"
        ),
        pytest.param(
            2, "2026-01-01T00:00:02.000000+00:00", "2026-01-01T00:00:02.001000+00:00", id="at once"
        ),
    ],
)
def test_a_change_is_behind_the_one_before(count: int, moment: str, time: str) -> None:
    assert IdGenerator("s", count).time_after(moment) == time


@given(counts, names)
def test_a_uuid7_holds_the_time(count: int, name: tuple[str | int, ...]) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=count)

    milliseconds = UUID(IdGenerator("s", count).uuid7(*name)).int >> 80

    assert milliseconds == moment.timestamp() * 1000


@given(st.sets(st.tuples(seeds, counts, st.lists(words, max_size=3).map(tuple)), min_size=2))
def test_another_seed_count_or_name_gives_another_id(
    names: set[tuple[str, int, tuple[str, ...]]],
) -> None:
    for make in (IdGenerator.hex, IdGenerator.uuid4, IdGenerator.uuid5, IdGenerator.uuid7):
        assert len({make(IdGenerator(seed, count), *name) for seed, count, name in names}) == len(
            names
        )


@pytest.mark.parametrize(
    ("ids", "seconds", "time"),
    [
        pytest.param(
            IdGenerator("s"), 0.0, "2026-01-01T00:00:00.000000+00:00", id="the first request"
        ),
        pytest.param(IdGenerator("s", 61), 0.0, "2026-01-01T00:01:01.000000+00:00", id="the 62nd"),
        pytest.param(IdGenerator("s"), 1.5, "2026-01-01T00:00:01.500000+00:00", id="later"),
    ],
)
def test_times_are_iso_8601(ids: IdGenerator, seconds: float, time: str) -> None:
    assert ids.time(seconds) == time


@given(seeds, counts, st.none() | st.integers(0, 10**6), names)
def test_another_epoch_changes_the_times_only(
    seed: str, count: int, moment: int | None, name: tuple[str | int, ...]
) -> None:
    ids = IdGenerator(seed, count, moment)
    later = IdGenerator(seed, count, moment, datetime(2026, 11, 27, 9, tzinfo=UTC))
    shift = timedelta(days=330, hours=9)

    for make in (IdGenerator.hex, IdGenerator.uuid4, IdGenerator.uuid5, IdGenerator.uuid7):
        assert make(later, *name) == make(ids, *name)
    assert later.uuid6(7, 2, *name) == ids.uuid6(7, 2, *name)
    assert later.milliseconds == ids.milliseconds
    assert later.timestamp() - ids.timestamp() == shift.total_seconds() * 1000
    assert datetime.fromisoformat(later.time()) - datetime.fromisoformat(ids.time()) == shift
    assert later.at(5).time() == "2026-11-27T09:00:05.000000+00:00"
