"""A recorded answer as the bytes and times that go out. No I/O, no clock."""

from mockserver import sse
from mockserver.cassette.model import Body, Stream


def encoded(content: Stream | Body) -> bytes:
    """Return the whole body of *content*."""
    return b"".join(chunk for _, chunk in steps(content))


def steps(content: Stream | Body) -> list[tuple[float, bytes]]:
    """Return the chunks of *content* with their times in seconds since the request; those at one time are one."""
    chunks: list[tuple[float, bytes]] = []
    match content:
        case Stream(events, ending, tail):
            at = 0.0
            for timed in events:
                at += timed.after
                chunks.append((at, sse.encode(timed.event, ending)))
            chunks.append((at, tail))
        case Body(raw, after, keepalives):
            chunks += [(at, b"\n") for at in keepalives]
            chunks.append((after, raw))
    return _joined(chunks)


def _joined(chunks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    joined: list[tuple[float, list[bytes]]] = []
    for at, chunk in chunks:
        if not chunk:
            continue
        if joined and joined[-1][0] == at:
            joined[-1][1].append(chunk)
        else:
            joined.append((at, [chunk]))
    return [(at, b"".join(parts)) for at, parts in joined]
