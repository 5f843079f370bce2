"""Apply a pace to a recorded response. No I/O, no clock."""

from mockserver.cassette.playback import Playback
from mockserver.http.messages import TimedBody
from mockserver.http.pacing import Pace


def apply_pace(playback: Playback, pace: Pace) -> bytes | TimedBody:
    """Return the body of *playback* at that *pace*; plain bytes if it is sent without delay."""
    if pace.factor is None:
        whole = b"".join([chunk for _, chunk in playback.steps])
        return TimedBody(((0.0, whole),), 0.0, cut=True) if playback.cut else whole
    at, before = 0.0, 0.0
    steps: list[tuple[float, bytes]] = []
    for recorded, chunk in playback.steps:
        at += pace.scale(recorded - before)
        before = recorded
        steps.append((at, chunk))
    if not playback.cut and not at and not playback.end:
        return b"".join(chunk for _, chunk in steps)
    if steps and not playback.streamed and not playback.cut:
        return TimedBody(tuple(steps), at)  # complete with its last byte
    return TimedBody(
        tuple(steps), at + pace.scale(playback.last - before + playback.end), playback.cut
    )
