"""Whether the last exchange of a recording breaks off, since a kill has torn it. No I/O."""

import re

from mockserver.cassette import yaml_codec
from mockserver.cassette.documents import Document, decode
from mockserver.errors import ReadError

_BEGINNING = b"request:"
_END = b"\n  end: {"
_END_LINE = re.compile(rb"\n  end: \{.*\}[ \t\r]*(?:\n|\Z)")
"""How an exchange begins that was recorded, and how the last line of its response reads."""


def is_truncated(last: Document) -> bool:
    """Tell whether the *last* exchange breaks off; one that was only made wrong by hand is no less there for that."""
    if not may_be_truncated(last):
        return False
    try:
        exchange = yaml_codec.load_exchange(decode(last, last.raw))
    except ReadError:
        return True
    return exchange is not None and exchange.response.end is None


def may_be_truncated(last: Document) -> bool:
    """Return whether the *last* exchange was recorded and has no `end` line; it is torn if it has no `end` when it is read, either."""
    if last.raw.endswith(b"\0"):
        return True  # a machine that lost its power leaves zeros
    begun = last.raw.removeprefix(b"---").strip()
    recorded = begun.startswith(_BEGINNING) or _BEGINNING.startswith(begun)
    return recorded and not _has_end(last.raw)


def _has_end(raw: bytes) -> bool:
    at = raw.rfind(_END)
    return at >= 0 and _END_LINE.match(raw, at) is not None
