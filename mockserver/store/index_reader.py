"""Read a cassette file for its index: the header, the request of each exchange, and whether the last exchange is incomplete."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from mockserver.cassette import documents, yaml_codec
from mockserver.cassette.documents import Document, decode, has_content, single_document
from mockserver.cassette.model import Header, Policy
from mockserver.cassette.truncation import is_truncated
from mockserver.cassette.yaml_codec import fast_yaml
from mockserver.errors import ReadError, SlowPatternError
from mockserver.formats import strict_yaml
from mockserver.formats.json_text import Json
from mockserver.matching.canonical import canonical_form, canonicalize, integral_to_int
from mockserver.matching.index import Cassette, Entry, RequestFingerprint, fingerprint
from mockserver.matching.rules import MatchRules, build_header, merge_rules

_RECORDED = b"---\nrequest:"
"""The first bytes of a recorded exchange."""

_INTEGRAL = re.compile(rb"\.0|[0-9][eE][+-]?[0-9]+$", re.MULTILINE)
"""What a number is written with that may be the same as a whole number: 1.0, 1e3."""

_INTERRUPTED = "(a recording was killed before its first exchange)"


class NotACassetteError(ReadError):
    """The file is not a cassette, or is empty; *skip_reason* is why a folder skips it."""

    def __init__(self, file: str, message: str, skip_reason: str, line: int | None = None) -> None:
        super().__init__(message, file=file, line=line)
        self.skip_reason = skip_reason


class IndexReader:
    """Reads the file *name*; *line* returns the number (from 1) of the line that begins at a byte.

    The fingerprints of requests that *previous*, the version read before, also holds are not computed again. *notes* are messages for the user; *end* is the byte after the last complete document.
    """

    def __init__(self, name: str, line: Callable[[int], int], previous: Cassette | None) -> None:
        self.notes: list[str] = []
        self.end = 0
        self._name = name
        self._line = line
        self._previous = previous

    def read(self, blocks: Iterable[bytes], policy: Policy) -> tuple[Cassette, Header]:
        """Return the index and the header of the file that comes in *blocks*; ReadError if it cannot be read."""
        header, pending = self._header(documents.split_documents(blocks))
        rules = merge_rules(policy, header)
        repeat = policy.get_repeat(header)
        known = self._known_fingerprints(rules)
        entries: list[Entry] = []
        for document in pending:
            if document.buffer.startswith(_RECORDED, document.begin) or has_content(document.raw):
                found = self._fingerprint(document, rules, known)
                number, start, end = len(entries) + 1, document.start, document.end
                entries.append(Entry(self._name, number, start, end, found, found.repeat or repeat))
        return Cassette(self._name, rules, tuple(entries)), header

    def _known_fingerprints(self, rules: MatchRules) -> dict[tuple[int, int], RequestFingerprint]:
        """Return the fingerprints of the previous version by raw size and raw hash; empty if its rules differ from *rules*."""
        if self._previous is None or self._previous.rules != rules:
            return {}
        fingerprints = (entry.fingerprint for entry in self._previous.entries)
        return {(one.raw_size, one.raw_hash): one for one in fingerprints}

    def _header(self, parts: Iterator[Document]) -> tuple[Header, Iterator[Document]]:
        first = next(parts, single_document(b""))
        if not has_content(first.raw):
            first = next(parts, first)
        first = documents.strip_partial_separator(first)
        if not first.raw.strip():
            raise NotACassetteError(
                self._name,
                "the file is empty: record it again, or delete it",
                f"it is empty {_INTERRUPTED}",
            )
        if b"mockserver" not in first.raw:
            raise NotACassetteError(
                self._name,
                "not a cassette: it must begin with `mockserver: 1`",
                "it is not a cassette (no `mockserver:` key)",
            )
        try:
            header = build_header(strict_yaml.parse(decode(first, first.raw)))
        except ReadError as error:
            located = locate_error(self._name, self._line, error, first.start)
            if next(parts, None) is None and first.raw.startswith(b"mockserver"):
                skip_reason = f"its header is incomplete {_INTERRUPTED}"
                raise NotACassetteError(
                    self._name, located.message, skip_reason, located.line
                ) from None
            raise located from None
        self.end = first.end
        return header, self._non_empty(
            self._without_incomplete(parts) if header.recorded else parts
        )

    def _non_empty(self, parts: Iterator[Document]) -> Iterator[Document]:
        for document in parts:
            if document.response_at >= 0 or document.raw.strip(b"-\r\n"):
                self.end = document.end
                yield document

    def _without_incomplete(self, parts: Iterator[Document]) -> Iterator[Document]:
        """Yield all documents except a last one that a killed recording left incomplete."""
        last: Document | None = None
        for document in parts:
            if last is not None:
                yield last
            last = document
        if last is None:
            return
        last = documents.strip_partial_separator(last)
        if is_truncated(last):
            self.notes.append(
                f"{self._name}, line {self._line(last.start)}: the last exchange is incomplete (a recording was killed), skipped"
            )
        else:
            yield last

    def _fingerprint(
        self,
        document: Document,
        rules: MatchRules,
        known: Mapping[tuple[int, int], RequestFingerprint],
    ) -> RequestFingerprint:
        """Return the fingerprint of the request in *document*, if possible one of the *known* ones."""
        head = document.head
        raw = document.raw if head is None else head
        if found := known.get((len(raw), hash(raw))):
            return found
        try:
            form, rest = _read_form(document, raw)
            return fingerprint(form, rules, raw, rest.repeat, rest.at)
        except SlowPatternError as error:
            problem = ReadError(str(error))
        except ReadError as error:
            problem = error
        raise locate_error(self._name, self._line, problem, document.start) from None


def _read_form(document: Document, raw: bytes) -> tuple[dict[str, Json], yaml_codec.Head]:
    """Return the canonical form of the request in *document*, which begins with *raw*, and what else stands beside the response."""
    parsed = fast_yaml.read_mapping(raw) if document.head is not None else None
    match parsed:
        case {"request": {"body": body, **rest} as request} if rest.keys() <= {"method", "path"}:
            # Most requests. Their bodies need not be written as JSON, and parsed again.
            del request["body"]
            head = yaml_codec.build_head(parsed)
            body = integral_to_int(body) if _INTEGRAL.search(raw) else body
            return canonical_form(head.request.method, head.request.path, {"body": body}), head
        case _:
            head = read_head(document)
            return canonicalize(head.request), head


def read_head(document: Document) -> yaml_codec.Head:
    """Return what *document* holds beside its response; ReadError if it cannot be read."""
    if document.head is not None:
        if parsed := fast_yaml.read_mapping(document.head):
            return yaml_codec.build_head(parsed)
        try:
            found = yaml_codec.load_head(decode(document, document.head))
        except ReadError:
            found = None
        if found is not None:
            return found
    found = yaml_codec.load_head(decode(document, document.raw), whole=True)
    if found is None:
        raise ReadError("an exchange is empty", line=1)
    return found


def locate_error(name: str, line: Callable[[int], int], error: ReadError, start: int) -> ReadError:
    """Return *error*, which is in the document at byte *start* of the file *name*, with its file and *line*."""
    return error.at(file=name, first_line=line(start))
