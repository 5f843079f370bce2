"""How the page shows responses."""

from typing import Any

import pytest

from mockserver.cassette.model import Body, End, Ending, Response, Stream, TimedEvent
from mockserver.formats.sse import Event
from mockserver.tools.page.exchange_view import view_response


@pytest.mark.parametrize(
    ("response", "view"),
    [
        pytest.param(Response(content=Body(b'{"a": 1}', 1.5)), {"seconds": 1.5, "body": {"a": 1}}, id="JSON"),
        pytest.param(Response(content=Body(b"hi")), {"seconds": 0.0, "text": "hi"}, id="text"),
        pytest.param(Response(content=Body(b"\xff")), {"seconds": 0.0, "base64": "/w=="}, id="bytes"),
        pytest.param(Response(content=Body()), {"seconds": 0.0}, id="nothing"),
        pytest.param(
            Response(
                content=Stream(
                    (
                        TimedEvent(0.5, Event((("event", "values"), ("data", "1"), ("id", "7")))),
                        TimedEvent(0.25, Event((("comment", "heartbeat"),))),
                        TimedEvent(0.0, Event((("event", "end"),))),
                        TimedEvent(0.0, Event((("raw", "x: 1\n\n"),))),
                        TimedEvent(0.0, Event((("base64", "/w=="),))),
                    ),
                    tail=b"event: \xff",
                ),
                end=End(0.25, Ending.OPEN),
            ),
            {
                "seconds": 1.0,
                "events": [
                    {"at": 0.5, "event": "values", "id": "7", "data": 1},
                    {"at": 0.75, "event": "", "text": "heartbeat"},
                    {"at": 0.75, "event": "end", "text": ""},
                    {"at": 0.75, "event": "", "text": "x: 1\n\n"},
                    {"at": 0.75, "event": "", "text": "/w=="},
                    {"at": 0.75, "event": "", "text": "event: \ufffd"},
                ],
                "end": "open",
            },
            id="a stream",
        ),
    ],
)  # fmt: skip
def test_a_response_is_shown(response: Response, view: dict[str, Any]) -> None:
    assert view_response(response) == {"status": 200, "headers": [], **view}
