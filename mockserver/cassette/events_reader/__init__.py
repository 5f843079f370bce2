"""Documents in the layout that we write ourselves, read without a YAML parser; any other is declined. No I/O.

What is read here is what the YAML reader would read, or it is not read at all: None then, and the YAML reader is to be asked.
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
