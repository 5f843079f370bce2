"""The documents of a cassette file, read for its index: its header, what is asked in each exchange, and whether the last is torn."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping

from mockserver.cassette import documents, events_reader, yaml_codec
from mockserver.cassette.documents import Document, decode, has_content, single_document
from mockserver.cassette.model import Header, Policy, Repeat
from mockserver.cassette.truncation import is_truncated
from mockserver.errors import ReadError, UsageError
from mockserver.formats.json_text import Json
from mockserver.http.messages import Request
from mockserver.matching.canonical import canonical_form as canonical_form
from mockserver.matching.canonical import canonicalize, integral_to_int
from mockserver.matching.index import Cassette, Entry, RequestFingerprint, fingerprint
from mockserver.matching.keys import IgnoreRules, merge_rules

_RECORDED = b"---\nrequest:"
"""How an exchange begins that was recorded."""

_INTERRUPTED = "(a recording was killed before its first exchange)"

Visitor = Callable[[Document, str, dict[str, Json]], None]
"""Takes an exchange: where it stands, the target of its request, and the canonical form of that."""

_VISITED = RequestFingerprint(0, 0, b"", None, (), ("", ""), array("q"), None)
"""What is known of a request that was to be looked at, and nothing more."""


class NotACassetteError(ReadError):
    """The file does not say that it is a cassette, or holds nothing yet; *why* it is skipped in a folder."""

    def __init__(
        self, message: str, *, file: str | None, why: str, line: int | None = None
    ) -> None:
        super().__init__(message, file=file, line=line)
        self.skip_reason = why


class Reader:
    """Reads the file *name*; *line* tells the line, from 1, that begins at a byte of it.

    Requests that are *known* from before, by the size and mark of what they were read from, are not read again. Each exchange is followed
    by a *rest*; with *look*, it is only to be seen by that. *notes* are the lines to be told; *end* is the byte after the last whole document.
    """

    def __init__(
        self,
        name: str,
        line: Callable[[int], int],
        known: Callable[[IgnoreRules], Mapping[tuple[int, int], RequestFingerprint]],
        look: Visitor | None,
    ) -> None:
        self.notes: list[str] = []
        self.end = 0
        self._name = name
        self._line = line
        self._known = known
        self._look = look

    def read(self, blocks: Iterable[bytes], policy: Policy) -> tuple[Cassette, Header]:
        """Return what stands in the file that comes in *blocks*; ReadError where it cannot be read."""
        header, pending = self._header(documents.split_documents(blocks))
        try:
            in_force = merge_rules(policy.ignore, header.ignore)
        except UsageError as error:
            raise ReadError(str(error), file=self._name) from None
        repeat = policy.repeat_for(header)
        known = self._known(in_force)
        entries: list[Entry] = []
        for place in pending:
            entries += self._entry(place, len(entries) + 1, in_force, repeat, known)
        return Cassette(self._name, in_force, tuple(entries)), header

    def _header(self, places: Iterator[Document]) -> tuple[Header, Iterator[Document]]:
        first = next(places, single_document(b""))
        if not has_content(first.raw):
            first = next(places, first)
        first = documents.strip_partial_separator(first)
        if not first.raw.strip():
            raise NotACassetteError(
                "it is empty: record it again, or delete it",
                file=self._name,
                why=f"it is empty {_INTERRUPTED}",
            )
        if b"mockserver" not in first.raw:
            raise NotACassetteError(
                "not a cassette: it must begin with `mockserver: 1`",
                file=self._name,
                why="it is no cassette (no `mockserver:` in it)",
            )
        try:
            header = yaml_codec.load_header(decode(first, first.raw))
        except ReadError as error:
            fault = locate_error(self._name, self._line, error, first.start)
            if next(places, None) is None and first.raw.startswith(b"mockserver"):
                why = f"its header is torn {_INTERRUPTED}"
                raise NotACassetteError(
                    fault.message, file=fault.file, line=fault.line, why=why
                ) from None
            raise fault from None
        self.end = first.end
        return header, self._counted(self._whole(places) if header.recorded else places)

    def _counted(self, places: Iterator[Document]) -> Iterator[Document]:
        for place in places:
            if place.response_at >= 0 or place.raw.strip(b"-\r\n"):
                self.end = place.end
                yield place

    def _whole(self, places: Iterator[Document]) -> Iterator[Document]:
        """Leave out the last exchange of a recorded file if a kill has torn it."""
        last: Document | None = None
        for place in places:
            if last is not None:
                yield last
            last = place
        if last is None:
            return
        last = documents.strip_partial_separator(last)
        if is_truncated(last):
            self.notes.append(
                f"{self._name}, line {self._line(last.start)}: the last exchange is torn (a recording was killed), skipped"
            )
        else:
            yield last

    def _entry(
        self,
        place: Document,
        number: int,
        in_force: IgnoreRules,
        repeat: Repeat,
        known: Mapping[tuple[int, int], RequestFingerprint],
    ) -> Iterator[Entry]:
        if not place.buffer.startswith(_RECORDED, place.begin) and not has_content(place.raw):
            return
        head = place.head
        start = place.raw if head is None else head
        try:
            told = known.get((len(start), hash(start))) or self._asked(place, start, in_force)
        except ReadError as error:
            raise locate_error(self._name, self._line, error, place.start) from None
        yield Entry(self._name, number, place.start, place.end, told, told.repeat or repeat)

    def _asked(self, place: Document, start: bytes, in_force: IgnoreRules) -> RequestFingerprint:
        """Return what is asked in the document at *place*, of which *start* tells that."""
        own = None
        if place.response_at >= 0 and (head := events_reader.read_head(start)):
            form, target = _form(head, start), head.path
        else:
            request, own = read_request(place)
            form, target = canonicalize(request), request.path
        if self._look is not None:
            self._look(place, target, form)
            return _VISITED
        return fingerprint(form, in_force, start, own)


def read_request(place: Document) -> tuple[Request, Repeat | None]:
    """Return request and `repeat` of the document at *place*; ReadError where it cannot be read."""
    if place.head is not None:
        try:
            found = yaml_codec.load_head(decode(place, place.head))
        except ReadError:
            found = None
        if found is not None:
            return found
    found = yaml_codec.load_head(decode(place, place.raw), whole=True)
    if found is None:
        raise ReadError("an exchange is empty", line=1)
    return found


def locate_error(name: str, line: Callable[[int], int], error: ReadError, start: int) -> ReadError:
    """Return the *error* in the document at byte *start* of the file *name*, with the *line* at which it stands."""
    return error.at(file=name, first_line=line(start))


def _form(head: events_reader.RequestHead, raw: bytes) -> dict[str, Json]:
    """Return the canonical form of the request whose *head* was read from *raw*."""
    body = {"body": head.body[0]} if head.body else {}
    return canonical_form(head.method, head.path, integral_to_int(body) if b".0" in raw else body)
