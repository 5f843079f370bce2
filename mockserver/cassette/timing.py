"""When the parts of a recorded answer go out. No I/O, no clock."""

from mockserver.cassette.model import Body, Response, Stream
from mockserver.cassette.player import steps
from mockserver.messages import Paced
from mockserver.pace import Pace


def timed(response: Response, pace: Pace) -> bytes | Paced:
    """Return the body of *response* at that *pace*: bytes where it goes out at once."""
    chunks = steps(response.content)
    end, cut = response.end, bool(response.end and response.end.cut)
    if pace.factor is None:
        whole = b"".join(chunk for _, chunk in chunks)
        return Paced(((0.0, whole),), 0.0, cut=True) if cut else whole
    at, before = 0.0, 0.0
    paced: list[tuple[float, bytes]] = []
    for recorded, chunk in chunks:
        at += pace.gap(recorded - before)
        before = recorded
        paced.append((at, chunk))
    if not cut and not at and not (end and end.after):
        return b"".join(chunk for _, chunk in paced)
    if isinstance(response.content, Body) and paced and not cut:
        return Paced(tuple(paced), at)  # complete with its last byte
    ends = last(response.content) - before + (end.after if end else 0.0)
    return Paced(tuple(paced), at + pace.gap(ends), cut)


def last(content: Stream | Body) -> float:
    """Return when the last of *content* came, in seconds since the request."""
    match content:
        case Stream(events):
            return sum(timed.after for timed in events)
        case Body(_, after, keepalives):
            return max((after, *keepalives))
