import pytest

from mockserver.cassette.event_streams import find_thread, is_event_stream_request
from mockserver.http.messages import Request


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/threads/t1/stream/events", True),
        ("POST", "/base/threads/t1/stream/events/?a=1", True),
        ("GET", "/threads/t1/stream/events", False),
        ("POST", "/threads/t1/stream", False),
        ("POST", "/threads/t1/commands", False),
        ("POST", "/threads/stream/events", False),
    ],
)
def test_event_streams_are_recognized(method: str, path: str, expected: bool) -> None:
    assert is_event_stream_request(Request(method, path)) is expected


def test_the_thread_of_a_command_is_found() -> None:
    assert find_thread("/threads/t1/commands", "commands") == "/threads/t1"
    assert find_thread("/threads/t1/commands", "stream/events") is None
