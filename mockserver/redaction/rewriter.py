"""Rewrite the values of exchanges, and nothing else: decode, replace within strings, write back. No I/O.

JSON is decoded, also where it is the text of a string, as in the arguments of tool calls. Texts that continue over the events of
a stream are joined. What is not replaced keeps its bytes.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate
from urllib.parse import quote_plus, unquote_plus

from mockserver.cassette.model import Body, Exchange, Response, Stream, TimedEvent, join_chunks
from mockserver.formats.json_scan import Scalar, scan
from mockserver.formats.json_text import dumps
from mockserver.formats.sse import Event
from mockserver.http.messages import Headers, Request
from mockserver.redaction.json_leaves import Leaf, decode_string, leaves
from mockserver.redaction.secret_finder import Finder
from mockserver.redaction.stream_texts import EventBlock, parse_block, stream_edits
from mockserver.redaction.text_edits import Edit, apply_edits, merge_edits, split_edits, whole

_CONTAINERS = ("{", "[", '"')
_MAX_FOUND = 10_000
_URL_HEADERS = ("location", "content-location")
_FORM = re.compile(r"[\w.%\[\]-]+=[^&\s{}<>\"']*(?:&[\w.%\[\]-]+=[^&\s{}<>\"']*)*")
"""A form, such as `user=bob&password=x`."""

_QUERY_SAFE = "/:,;@!*()'~$?"


class Rewriter:
    """Replaces what *finder* finds; `count` is the number of replacements."""

    def __init__(self, finder: Finder) -> None:
        self.count = 0
        self._finder = finder
        self._found: dict[tuple[str, str], list[Edit]] = {}
        """The edits of the strings of one exchange, by name and text: the events of a stream repeat most of theirs."""

    def rewrite_exchange(self, exchange: Exchange) -> Exchange:
        """Return *exchange* rewritten; the same object if nothing was replaced."""
        before = self.count
        request = self.rewrite_request(exchange.request)
        response = self._response(exchange.response)
        self._found.clear()
        if self.count == before:
            return exchange
        return replace(exchange, request=request, response=response)

    def rewrite_request(self, request: Request) -> Request:
        """Return *request* rewritten; the same object if nothing was replaced."""
        before = self.count
        path, body = self._path(request.path), self.rewrite_body(request.body)
        headers = self.rewrite_headers(request.headers)
        return request if self.count == before else Request(request.method, path, headers, body)

    def rewrite_text(self, text: str) -> str:
        """Return *text*, JSON or not, rewritten; the same object if nothing was replaced."""
        if not self._may_match(text):
            return text
        return self._apply(text, self._document_edits(text))

    def _may_match(self, text: str) -> bool:
        lines = _json_lines(text)
        if not lines:
            return self._finder.may_match(text)
        events = (TimedEvent(0.0, Event((("data", line),))) for line in lines)
        return self._finder.may_match_stream(Stream(tuple(events)))

    def rewrite_body(self, raw: bytes) -> bytes:
        """Return a body rewritten; the same object if nothing was replaced."""
        text, encoding = _decode(raw)
        if encoding != "utf-8":
            spans = self._finder.spans(text, is_binary=True)
            edits = [Edit(start, end, self._finder.replacement) for start, end in spans]
            return self._apply(text, edits).encode(encoding, "replace") if edits else raw
        rewritten = self._query(text) if _FORM.fullmatch(text) else self.rewrite_text(text)
        return raw if rewritten is text else rewritten.encode(encoding, "replace")

    def rewrite_headers(self, headers: Headers) -> Headers:
        """Return *headers* rewritten."""
        return tuple((name, self._header(name, value)) for name, value in headers)

    def _header(self, name: str, value: str) -> str:
        if name in _URL_HEADERS:
            return self._path(value)
        return self._value(value, self._finder.covers_header(name, value))

    def _response(self, response: Response) -> Response:
        content = response.content
        if isinstance(content, Stream):
            content = self._stream(content)
        elif content.chunks:
            content = self._chunks(content)
        else:
            content = replace(content, raw=self.rewrite_body(content.raw))
        reason = response.reason and self.rewrite_text(response.reason)
        return replace(
            response, reason=reason, headers=self.rewrite_headers(response.headers), content=content
        )

    def _chunks(self, body: Body) -> Body:
        """Return *body* rewritten, in the same chunks; a secret may continue over several."""
        try:
            texts, encoding = [chunk.raw.decode() for chunk in body.chunks], "utf-8"
        except UnicodeDecodeError:
            texts, encoding = [chunk.raw.decode("latin-1") for chunk in body.chunks], "latin-1"
        text = "".join(texts)
        if not self._may_match(text):
            return body
        edits: list[list[Edit]] = [[] for _ in texts]
        for number, edit in split_edits(merge_edits(self._document_edits(text)), texts):
            edits[number].append(edit)
        rewritten = map(self._apply, texts, edits)
        return join_chunks(
            chunk._replace(raw=new.encode(encoding, "replace"))
            for chunk, new in zip(body.chunks, rewritten, strict=True)
        )

    def _value(self, value: str, is_covered: bool) -> str:
        """Return the *value* of a header or parameter rewritten, as a whole if *is_covered*."""
        if is_covered:
            self.count += 1
            return self._finder.replacement
        return self.rewrite_text(value)

    def _path(self, path: str) -> str:
        target, mark, query = path.partition("?")
        if not mark:
            return self.rewrite_text(path)
        return self.rewrite_text(target) + mark + self._query(query)

    def _query(self, query: str) -> str:
        """Return the pairs of *query*, or of a form, rewritten."""
        pairs = [pair.partition("=") for pair in query.split("&")]
        for number, (name, equals, value) in enumerate(pairs):
            decoded = unquote_plus(value)
            rewritten = self._value(decoded, self._finder.covers_parameter(name, decoded))
            if rewritten != decoded:
                pairs[number] = (name, equals, quote_plus(rewritten, safe=_QUERY_SAFE))
        return "&".join("".join(pair) for pair in pairs)

    def _apply(self, text: str, edits: Iterable[Edit]) -> str:
        merged = [edit for edit in merge_edits(edits) if text[edit.start : edit.end] != edit.text]
        self.count += sum(not edit.is_rest for edit in merged)
        return apply_edits(text, merged) if merged else text

    def _document_edits(self, text: str) -> list[Edit]:
        """Return the edits in *text*, the whole of a body or of the data of an event."""
        root = scan(text)
        if isinstance(root, Scalar):
            return self._leaf_edits(text, Leaf(root, "", (), ()))
        lines = _json_lines(text) if root is None else []
        if not lines:
            return self._text_edits(text)
        blocks = [EventBlock(line, "", whole(line)) for line in lines]
        starts = accumulate(map(len, lines), initial=0)
        return [
            edit._replace(start=start + edit.start, end=start + edit.end)
            for start, edits in zip(
                starts, stream_edits(blocks, self._leaf_edits, self._text_edits), strict=False
            )
            for edit in edits
        ]

    def _text_edits(self, text: str) -> list[Edit]:
        """Return the edits of a decoded string, which may be JSON itself, as the arguments of tool calls are."""
        root = scan(text) if text.lstrip()[:1] in _CONTAINERS else None
        if root is not None:
            return [edit for leaf in leaves(root) for edit in self._leaf_edits(text, leaf)]
        replacement = self._finder.replacement
        return [Edit(start, end, replacement) for start, end in self._finder.spans(text)]

    def _leaf_edits(self, text: str, leaf: Leaf) -> list[Edit]:
        """Return the edits of *text* in its *leaf*."""
        finder, scalar = self._finder, leaf.scalar
        if scalar.is_number and finder.covers_number(leaf.name, scalar.value):
            return [Edit(scalar.start, scalar.end, dumps(finder.replacement))]
        if not scalar.is_string or (leaf.is_key and not finder.replaces_names):
            return []
        edits = self._string_edits(leaf.name, scalar.value)
        if not edits:
            return []
        view = decode_string(text, scalar)
        return [view.to_source(edit) for edit in edits]

    def _string_edits(self, name: str, value: str) -> list[Edit]:
        """Return the edits of the string *value* under *name*."""
        edits = self._found.get((name, value))
        if edits is None:
            if self._finder.covers(name, value):
                edits = [Edit(0, len(value), self._finder.replacement)]
            else:
                edits = self._text_edits(value)
            if len(self._found) >= _MAX_FOUND:
                self._found.clear()
            self._found[name, value] = edits
        return edits

    def _stream(self, stream: Stream) -> Stream:
        tail, encoding = _decode(stream.tail)
        if not stream.tail and not self._finder.may_match_stream(stream):
            return stream
        events = [timed.event for timed in stream.events]
        blocks = [*map(_block, events), parse_block(tail)]
        found = stream_edits(blocks, self._leaf_edits, self._text_edits)
        sources = [
            self._apply(block.source, [*edits, *self._other_edits(block)])
            for block, edits in zip(blocks, found, strict=True)
        ]
        rewritten = tuple(
            timed._replace(event=self._event(timed.event, block, source))
            for timed, block, source in zip(stream.events, blocks[:-1], sources[:-1], strict=True)
        )
        return Stream(rewritten, stream.line_ending, sources[-1].encode(encoding, "replace"))

    def _other_edits(self, block: EventBlock) -> Iterator[Edit]:
        for view in block.other:
            for edit in self._text_edits(view.text):
                yield view.to_source(edit)

    def _event(self, event: Event, block: EventBlock, source: str) -> Event:
        """Return *event*, whose *block* became *source*."""
        fields: list[tuple[str, str]] = []
        for name, text in event.fields:
            match name:
                case "raw" | "data":
                    new = source
                case "base64":
                    new = text if source == block.source else _base64(source)
                case "event" if not self._finder.replaces_names:
                    new = text
                case _:
                    new = self.rewrite_text(text)
            fields.append((name, new))
        return Event(tuple(fields))


def _json_lines(text: str) -> list[str]:
    """Return the lines of *text* if each of them is JSON, such as an event of a stream; else none."""
    lines = text.splitlines(keepends=True) if "\n{" in text else []
    return lines if all(line[:1] in "{\r\n" for line in lines) else []


def _block(event: Event) -> EventBlock:
    fields = dict(event.fields)
    if "raw" in fields:
        return parse_block(fields["raw"])
    if "base64" in fields:
        return parse_block(b64decode(fields["base64"]).decode("latin-1"))
    data = fields.get("data", "")
    return EventBlock(data, fields.get("event", ""), whole(data))


def _base64(text: str) -> str:
    return b64encode(text.encode("latin-1", "replace")).decode()


def _decode(raw: bytes) -> tuple[str, str]:
    """Return *raw* as text, and its encoding."""
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "latin-1"
