"""Whether the last exchange of a recording breaks off, since a kill has torn it. No I/O."""

import re

from mockserver.cassette import text
from mockserver.cassette.documents import Document, decoded
from mockserver.errors import ReadError

_BEGINNING = b"request:"
_END = b"\n  end: {"
_END_LINE = re.compile(rb"\n  end: \{.*\}[ \t\r]*(?:\n|\Z)")
"""How an exchange begins that was recorded, and how the last line of its response reads."""


def is_torn(last: Document) -> bool:
    """Tell whether the *last* exchange breaks off; one that was only made wrong by hand is no less there for that."""
    if last.raw.endswith(b"\0"):
        return True  # a machine that lost its power leaves zeros
    begun = last.raw.removeprefix(b"---").strip()
    ours = begun.startswith(_BEGINNING) or _BEGINNING.startswith(begun)
    if not ours or _has_end(last.raw):
        return False
    try:
        exchange = text.load_exchange(decoded(last, last.raw))
    except ReadError:
        return True
    return exchange is not None and exchange.response.end is None


def _has_end(raw: bytes) -> bool:
    at = raw.rfind(_END)
    return at >= 0 and _END_LINE.match(raw, at) is not None
