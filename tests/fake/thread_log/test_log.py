"""The log of a thread, and what its subscriptions see of it."""

from mockserver.fake.thread_log.filter import Filter
from mockserver.fake.thread_log.log import Subscription, ThreadLog
from tests.fake.thread_log.test_event import event

VALUES = Filter(frozenset(["values"]))


def numbers(log: ThreadLog, since: int = 0) -> list[int]:
    return [one.seq for one in log.after(since)]


def test_events_are_numbered_from_1() -> None:
    log = ThreadLog()
    for _ in range(3):
        log.append(event("values"))

    assert numbers(log) == [1, 2, 3]
    assert numbers(log, since=2) == [3]
    assert log.last_seq == 3


def test_recorded_numbers_are_kept_with_their_gaps() -> None:
    log = ThreadLog()
    for seq in (2, 5, 9):
        log.append(event("values"), seq)
    log.append(event("values"))

    assert numbers(log) == [2, 5, 9, 10]
    assert numbers(log, since=4) == [5, 9, 10]


def test_the_oldest_events_are_dropped() -> None:
    log = ThreadLog(limit=3)
    seen = []
    for _ in range(10):
        log.append(event("values"))
        seen.append(numbers(log))

    assert seen[-1] == [8, 9, 10]
    assert max(map(len, seen)) == 3


def test_a_subscription_sees_the_past_and_then_what_comes() -> None:
    log = ThreadLog()
    log.append(event("values", 1))
    log.append(event("messages", 2))
    subscription = Subscription(log, VALUES)
    past = list(subscription.read())
    log.append(event("values", 3))

    assert [one.seq for one in past] == [1]
    assert [one.seq for one in subscription.read()] == [3]
    assert list(subscription.read()) == []


def test_a_subscription_goes_on_where_its_reader_stopped() -> None:
    log = ThreadLog()
    for number in range(4):
        log.append(event("values", number))
    subscription = Subscription(log, VALUES)
    first = next(subscription.read())

    assert first.seq == 1
    assert [one.seq for one in subscription.read()] == [2, 3, 4]


def test_since_hides_events() -> None:
    log = ThreadLog()
    for number in range(4):
        log.append(event("values", number))
    subscription = Subscription(log, Filter(VALUES.channels, since=2))

    assert [one.seq for one in subscription.read()] == [3, 4]


def test_only_open_subscriptions_see_an_event_that_is_not_lasting() -> None:
    log = ThreadLog()
    early = Subscription(log, VALUES, open_before=True)
    log.append(event("values"), lasting=False)
    late = Subscription(log, VALUES)
    log.append(event("values"), lasting=False)
    log.append(event("values"))

    assert [one.seq for one in early.read()] == [1, 2, 3]
    assert [one.seq for one in late.read()] == [2, 3]
    assert [one.seq for one in Subscription(log, VALUES).read()] == [3]


def test_events_can_be_hidden_afterwards() -> None:
    log = ThreadLog()
    early = Subscription(log, VALUES)
    for _ in range(3):
        log.append(event("values"))
    log.hide_after(1)

    assert [one.seq for one in early.read()] == [1, 2, 3]
    assert [one.seq for one in Subscription(log, VALUES).read()] == [1]
