"""Detect a last exchange that is incomplete because the recording was killed. No I/O."""

import re

from mockserver.cassette import yaml_codec
from mockserver.cassette.documents import Document, decode
from mockserver.errors import ReadError

_BEGINNING = b"request:"
_END = b"\n  end: {"
_END_LINE = re.compile(rb"\n  end: \{.*\}[ \t\r]*(?:\n|\Z)")
"""The beginning of a recorded exchange, and the last line of its response."""


def is_truncated(last: Document) -> bool:
    """Return whether the *last* exchange is incomplete; one that was only broken by hand is not."""
    if not may_be_truncated(last):
        return False
    try:
        exchange = yaml_codec.load_exchange(decode(last, last.raw))
    except ReadError:
        return True
    return exchange is not None and exchange.response.end is None


def may_be_truncated(last: Document) -> bool:
    """Return whether the *last* exchange was recorded and has no `end` line; parsing it confirms that it is incomplete."""
    if last.raw.endswith(b"\0"):
        return True  # a power failure may leave zeros
    text = last.raw.removeprefix(b"---").strip()
    recorded = text.startswith(_BEGINNING) or _BEGINNING.startswith(text)
    return recorded and not _has_end(last.raw)


def _has_end(raw: bytes) -> bool:
    at = raw.rfind(_END)
    return at >= 0 and _END_LINE.match(raw, at) is not None
