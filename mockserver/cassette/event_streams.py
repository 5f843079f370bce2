"""Which requests are about event streams. No I/O."""

import re

from mockserver.http.messages import Request

_PATH = re.compile(
    r"(?:/[^/?]+)*?(?P<thread>/threads/[^/?]+)/(?P<call>commands|stream/events)/?(?:\?.*)?",
    re.DOTALL,
)


def is_event_stream_request(request: Request) -> bool:
    """Return whether *request* asks for the events of a thread: a stream that never ends by itself."""
    return request.method == "POST" and find_thread(request.path, "stream/events") is not None


def find_thread(path: str, call: str) -> str | None:
    """Return the path of the thread if *path* is *call* on it: `commands` or `stream/events`; else None."""
    found = _PATH.fullmatch(path)
    return found["thread"] if found and found["call"] == call else None
