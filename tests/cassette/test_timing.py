import pytest

from mockserver.cassette.model import Body, End, Ending, Response, Stream, TimedEvent
from mockserver.cassette.playback import encode_at_pace
from mockserver.errors import UsageError
from mockserver.formats.sse import Event
from mockserver.http.messages import TimedBody
from mockserver.http.pacing import Pace, parse_pace


def event(after: float, text: str) -> TimedEvent:
    return TimedEvent(after, Event((("data", text),)))


STREAM = Response(
    content=Stream((event(0.5, "a"), event(0.0, "b"), event(2.0, "c"))), end=End(0.25)
)
CUT = Response(content=Stream((event(0.5, "a"),), tail=b"dat"), end=End(1.0, Ending.CUT))
WAIT = Response(content=Body(b"{}", 10.5, (5.0, 10.0)), end=End())
A, B, C = b"data: a\r\n\r\n", b"data: b\r\n\r\n", b"data: c\r\n\r\n"


@pytest.mark.parametrize(
    ("speed", "max_gap", "response", "body"),
    [
        pytest.param(
            "recorded", None, STREAM, TimedBody(((0.5, A + B), (2.5, C)), 2.75), id="recorded"
        ),
        pytest.param(
            "2", None, STREAM, TimedBody(((0.25, A + B), (1.25, C)), 1.375), id="twice as fast"
        ),
        pytest.param(
            "recorded", 0.5, STREAM, TimedBody(((0.5, A + B), (1.0, C)), 1.25), id="no long gaps"
        ),
        pytest.param("instant", None, STREAM, A + B + C, id="instant"),
        pytest.param(
            "recorded", None, CUT, TimedBody(((0.5, A + b"dat"),), 1.5, cut=True), id="cut"
        ),
        pytest.param(
            "instant", None, CUT, TimedBody(((0.0, A + b"dat"),), 0.0, cut=True), id="cut at once"
        ),
        pytest.param(
            "recorded",
            None,
            WAIT,
            TimedBody(((5.0, b"\n"), (10.0, b"\n"), (10.5, b"{}")), 10.5),
            id="keepalives",
        ),
        pytest.param("instant", None, WAIT, b"\n\n{}", id="keepalives at once"),
        pytest.param(
            "recorded", None, Response(content=Body(b"{}")), b"{}", id="by hand, without times"
        ),
        pytest.param(
            "recorded",
            None,
            Response(content=Body(b"", 0.5), end=End(0.5)),
            TimedBody((), 1.0),
            id="nothing, late",
        ),
        pytest.param(
            "recorded",
            None,
            Response(content=Body(b"{}", 0.5), end=End(0.5)),
            TimedBody(((0.5, b"{}"),), 0.5),
            id="a body is complete with its last byte",
        ),
        pytest.param(
            "recorded",
            None,
            Response(content=Stream((event(0.5, "a"),)), end=End(0.5)),
            TimedBody(((0.5, A),), 1.0),
            id="a stream is not",
        ),
    ],
)
def test_the_pace_of_an_answer(
    speed: str, max_gap: float | None, response: Response, body: bytes | TimedBody
) -> None:
    assert encode_at_pace(response, parse_pace(speed, max_gap)) == body


def test_a_speed_that_is_none_is_refused() -> None:
    with pytest.raises(
        UsageError, match="--speed fast: write recorded, instant, or a factor such as 4"
    ):
        parse_pace("fast", None)
    with pytest.raises(UsageError, match="--speed 0: write"):
        parse_pace("0", None)


def test_instant_is_a_pace() -> None:
    assert parse_pace("instant", 3.0) == Pace(None)
