"""Write exchanges and headers as YAML text. No I/O."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from mockserver.cassette.model import (
    FORMAT,
    Body,
    Exchange,
    Header,
    Response,
    Stream,
    TimedChunk,
    TimedEvent,
)
from mockserver.cassette.yaml_codec import scalars
from mockserver.formats import sse
from mockserver.formats.json_text import Json, parse_equivalent, parse_exact
from mockserver.http.messages import Headers

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_STRIPPED_BLOCK = "|-\n"
_BLOCK = "|\n"
SEPARATOR = "---\n"

LINE_ENDINGS = {"crlf": sse.CRLF, "lf": sse.LF, "cr": sse.CR}
"""The values of `line_ending`."""


def dump_header(header: Header) -> str:
    """Return the first document of a cassette."""
    return "\n".join([*_header_lines(header), ""])


def dump_exchange(exchange: Exchange) -> str:
    """Return the document of *exchange*, including its separator line."""
    return SEPARATOR + "\n".join([*_exchange_lines(exchange), ""])


def _header_lines(header: Header) -> Iterator[str]:
    yield f"mockserver: {FORMAT}"
    if header.upstream is not None:
        yield f"upstream: {scalars.scalar(header.upstream)}"
    if header.recorded is not None:
        yield f"recorded: {_date(header.recorded)}"
    if header.server:
        yield f"server: {scalars.flow(header.server)}"
    for key, texts in (("ignore", header.ignore), ("volatile", header.volatile)):
        if texts:
            yield f"{key}:"
            yield from scalars.lines(list(texts))
    if header.repeat:
        yield f"repeat: {header.repeat}"


def _exchange_lines(exchange: Exchange) -> Iterator[str]:
    request = exchange.request
    yield "request:"
    yield f"  method: {scalars.scalar(request.method)}"
    yield f"  path: {scalars.scalar(request.path)}"
    if request.headers:
        yield from scalars.lines({"headers": _grouped(request.headers)}, "  ")
    if request.body:
        # Requests are compared by meaning, so their white space is not preserved.
        yield from _body_lines(request.body, parse_equivalent)
    if exchange.at is not None:
        yield f"at: {_seconds(exchange.at)}"
    if exchange.repeat:
        yield f"repeat: {exchange.repeat}"
    if exchange.redacted:
        yield f"redacted: {exchange.redacted}"
    yield "response:"
    yield from _response_lines(exchange.response)


def _response_lines(response: Response) -> Iterator[str]:
    yield f"  status: {response.status}"
    if response.reason is not None:
        yield f"  reason: {scalars.scalar(response.reason)}"
    yield from scalars.lines({"headers": _grouped(response.headers)}, "  ")
    match response.content:
        case Stream() as stream:
            yield from _stream_lines(stream)
        case Body(chunks=(_, *_) as chunks):
            yield "  chunks:"
            for chunk in chunks:
                yield "  - " + "\n    ".join(_chunk_parts(chunk))
        case Body() as body:
            if round(body.after, 6):
                yield f"  after: {_seconds(body.after)}"
            if body.keepalives:
                yield f"  keepalives: [{', '.join(map(_seconds, body.keepalives))}]"
            if body.raw:
                yield from _body_lines(body.raw)
    if response.end:
        yield f"  end: {{after: {_seconds(response.end.after)}, how: {response.end.how}}}"


def _stream_lines(stream: Stream) -> Iterator[str]:
    if stream.line_ending != sse.CRLF:
        yield f"  line_ending: {next(k for k, v in LINE_ENDINGS.items() if v == stream.line_ending)}"
    yield "  events:" if stream.events else "  events: []"
    for timed in stream.events:
        yield "  - " + "\n    ".join(_event_parts(timed))
    if stream.tail:
        try:
            yield f"  tail: {scalars.scalar(stream.tail.decode())}"
        except UnicodeDecodeError:
            yield f"  tail: {{base64: {b64encode(stream.tail).decode()}}}"


def _event_parts(timed: TimedEvent) -> list[str]:
    after = _seconds(timed.after)
    parts = [f"after: {after}"] if after != "0" else []
    for name, text in timed.event.fields:
        if name == "data":
            parts.append(f"data: {scalars.block(text, '      ')}")
        elif name == "retry" and text.isdecimal() and text.isascii():
            parts.append(f"retry: {text}")
        else:
            parts.append(f"{name}: {scalars.scalar(text)}")
    return parts


def _chunk_parts(chunk: TimedChunk) -> list[str]:
    after = _seconds(chunk.after)
    parts = [f"after: {after}"] if after != "0" else []
    try:
        text = chunk.raw.decode()
    except UnicodeDecodeError:
        return [*parts, f"base64: {b64encode(chunk.raw).decode()}"]
    block = scalars.block(text.removesuffix("\n"), "      ")
    if text.endswith("\n") and block.startswith(_STRIPPED_BLOCK):
        block = _BLOCK + block.removeprefix(_STRIPPED_BLOCK)
    elif text.endswith("\n"):
        block = scalars.scalar(text)
    return [*parts, f"text: {block}"]


def _body_lines(
    raw: bytes, parse: Callable[[str], tuple[Json] | None] = parse_exact
) -> Iterator[str]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        yield f"  base64: {b64encode(raw).decode()}"
        return
    structure = parse(text)
    if structure and scalars.fits(structure[0]):
        yield from scalars.lines({"body": structure[0]}, "  ")
    else:
        yield f"  text: {scalars.block(text, '    ')}"


def _grouped(headers: Headers) -> dict[str, Any]:
    grouped: dict[str, Any] = {}
    for name, text in headers:
        value = _header_value(text)
        if name not in grouped:
            grouped[name] = value
        elif isinstance(grouped[name], list):
            grouped[name].append(value)
        else:
            grouped[name] = [grouped[name], value]
    return grouped


def _header_value(text: str) -> str | dict[str, str]:
    """Return *text*, or its bytes as base64 if they are not UTF-8."""
    if text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(raw).decode()}


@lru_cache(maxsize=1024)
def _seconds(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _date(text: str) -> str:
    """Return *text* unquoted if it is a time in our own format."""
    return text if _TIME.fullmatch(text) else scalars.scalar(text)
