"""The JSON form of an event, and its channels."""

from typing import Any

import pytest

from mockserver.fake.thread_log.event import NumberedEvent, ThreadEvent


def event(method: str, data: Any = None, namespace: tuple[str, ...] = ()) -> ThreadEvent:
    return ThreadEvent("id", method, {"namespace": list(namespace), "timestamp": 1, "data": data})


def test_an_envelope_has_the_keys_of_the_protocol_in_its_order() -> None:
    numbered = NumberedEvent(3, event("values", {"a": 1}))

    assert list(numbered.envelope.items()) == [
        ("type", "event"),
        ("event_id", "id"),
        ("seq", 3),
        ("method", "values"),
        ("params", {"namespace": [], "timestamp": 1, "data": {"a": 1}}),
    ]


@pytest.mark.parametrize(
    ("method", "channel"),
    [
        ("values", "values"),
        ("lifecycle", "lifecycle"),
        ("input.requested", "input"),
        ("input.answered", "input"),
    ],
)
def test_most_channels_are_named_like_the_method(method: str, channel: str) -> None:
    assert event(method).channel == channel


@pytest.mark.parametrize(
    ("method", "data", "channel"),
    [
        pytest.param("custom", {"name": "a", "payload": 1}, "custom:a", id="named"),
        pytest.param("custom", {"payload": 1}, None, id="nameless"),
        pytest.param("custom", "a", None, id="text"),
        pytest.param("values", {"name": "a"}, None, id="another method"),
    ],
)
def test_a_custom_event_with_a_name_has_a_second_channel(
    method: str, data: Any, channel: str | None
) -> None:
    assert event(method, data).custom_channel == channel
