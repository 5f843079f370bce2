"""Read documents in mockserver's own layout without a YAML parser. No I/O.

The functions return what the YAML reader would return, or None for any other layout; then use the YAML reader.
"""

from mockserver.cassette.events_reader.exchange import (
    Outline,
    RequestHead,
    read_exchange,
    read_head,
    read_outline,
    read_playback,
)

__all__ = ["Outline", "RequestHead", "read_exchange", "read_head", "read_outline", "read_playback"]
