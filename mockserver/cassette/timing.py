"""When the parts of a recorded answer go out. No I/O, no clock."""

from mockserver.cassette.playback import Playback
from mockserver.http.messages import TimedBody
from mockserver.http.pacing import Pace


def apply_pace(played: Playback, pace: Pace) -> bytes | TimedBody:
    """Return the body of what is *played*, at that *pace*: bytes where it goes out at once."""
    if pace.factor is None:
        whole = b"".join([chunk for _, chunk in played.steps])
        return TimedBody(((0.0, whole),), 0.0, cut=True) if played.cut else whole
    at, before = 0.0, 0.0
    paced: list[tuple[float, bytes]] = []
    for recorded, chunk in played.steps:
        at += pace.scale(recorded - before)
        before = recorded
        paced.append((at, chunk))
    if not played.cut and not at and not played.end:
        return b"".join(chunk for _, chunk in paced)
    if paced and not played.streamed and not played.cut:
        return TimedBody(tuple(paced), at)  # complete with its last byte
    return TimedBody(tuple(paced), at + pace.scale(played.last - before + played.end), played.cut)
