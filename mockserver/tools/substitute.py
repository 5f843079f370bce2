"""Replace one text by another in cassettes, wherever it stands: also where tokens spread it over events. No I/O."""

import re
from collections.abc import Iterator

from mockserver.cassette.model import Stream
from mockserver.errors import UsageError
from mockserver.redaction.rewriter import Rewriter
from mockserver.redaction.text_edits import Span


class Substitution(Rewriter):
    """Replaces the text *old* by *new* in values, keys and names of events; UsageError if they cannot be replaced."""

    def __init__(self, old: str, new: str) -> None:
        if not old:
            raise UsageError("OLD is empty: name the text to replace")
        if old == new:
            raise UsageError("OLD and NEW are the same")
        if "\n" in new or "\r" in new:
            raise UsageError("NEW must be one line")
        super().__init__(_TextFinder(old, new))


class _TextFinder:
    """Finds the text *old*."""

    replaces_names = True

    def __init__(self, old: str, new: str) -> None:
        self.replacement = new
        self._old = old

    def may_match(self, text: str) -> bool:
        """Return whether *text* may hold the text; with escapes, it may be spelled in another way."""
        return self._old in text or "\\" in text or "%" in text

    def may_match_stream(self, stream: Stream) -> bool:
        """Return True: the text may be spread over events."""
        return True

    def spans(self, text: str, *, is_binary: bool = False) -> Iterator[Span]:
        """Return where *text* holds the text to replace."""
        return (found.span() for found in re.finditer(re.escape(self._old), text))

    def covers(self, name: str, value: str) -> bool:
        """Return False: only the text itself is replaced."""
        return False

    def covers_header(self, name: str, value: str) -> bool:
        return False

    def covers_parameter(self, name: str, value: str) -> bool:
        return False

    def covers_number(self, name: str, number: str) -> bool:
        """Return False: numbers are no texts."""
        return False
