"""Format a cassette: equal exchanges get equal text, and comments stay. No I/O."""

from collections.abc import Sequence
from dataclasses import replace

from mockserver.cassette import playback, yaml_codec
from mockserver.cassette.model import End, Ending, Exchange, Header, Response
from mockserver.cassette.yaml_codec.dump import SEPARATOR
from mockserver.errors import ReadError
from mockserver.matching.canonical import canonicalize
from mockserver.tools.cassette_source import CassetteSource, Part
from mockserver.tools.yaml_comments import insert_comments, insert_comments_on_top


def format_source(source: CassetteSource) -> bytes:
    """Return *source* formatted; a part that is truncated or cannot be read is unchanged."""
    return b"".join(_format_part(part) for part in source.parts)


def join_parts(header: Header, parts: Sequence[Part]) -> bytes:
    """Return the file that consists of *parts*, the one with the *header* first.

    In a recording the last exchange gets an `end`: without it the file would look truncated.
    """
    raws: list[bytes] = []
    for part in parts:
        raw, exchange = part.raw, part.exchange
        is_last = part is parts[-1]
        needs_end = is_last and header.recorded is not None and not part.is_truncated
        if needs_end and exchange is not None and exchange.response.end is None:
            response = replace(exchange.response, end=End())
            raw = rewrite_part(part, replace(exchange, response=response))
        if not is_last and not raw.endswith(b"\n") and exchange is not None:
            # A newline added to the text could become part of a block scalar.
            raw = yaml_codec.dump_exchange(exchange).encode()
        if part.number and not raw.startswith(b"---"):
            raw = SEPARATOR.encode() + raw
        raws.append(raw if raw.endswith(b"\n") or is_last else raw + b"\n")
    return b"".join(raws)


def dump(value: Header | Exchange) -> str:
    """Return the document of *value*."""
    if isinstance(value, Header):
        return yaml_codec.dump_header(value)
    return yaml_codec.dump_exchange(value)


def rewrite_part(part: Part, value: Header | Exchange) -> bytes:
    """Return *value* as text with the comments and the line endings of *part*, which it replaces.

    The text of *part* is returned unchanged if *value* could not be loaded from the new text.
    """
    text = dump(value)
    if text.encode() == part.raw:
        return part.raw
    commented = insert_comments(text, part.text)
    if not _loads_as(value, commented):  # a comment became part of a value
        commented = insert_comments_on_top(text, part.text)
    if not _loads_as(value, commented):
        return part.raw
    raw = commented.encode()
    return raw.replace(b"\n", b"\r\n") if b"\r\n" in part.raw else raw


def strip_times(response: Response) -> tuple[object, ...]:
    """Return what a client receives of *response*, without the times."""
    how = response.end.how if response.end else Ending.CLOSED
    body = playback.encode_body(response.content)
    return response.status, response.reason, response.headers, body, how


def _format_part(part: Part) -> bytes:
    if part.value is None or part.is_truncated:
        return part.raw
    return rewrite_part(part, part.value).replace(b"\r\n", b"\n")


def _loads_as(value: Header | Exchange, text: str) -> bool:
    try:
        if isinstance(value, Header):
            return yaml_codec.load_header(text) == value
        loaded = yaml_codec.load_exchange(text)
    except ReadError:
        return False
    return loaded is not None and _extract_meaning(loaded) == _extract_meaning(value)


def _extract_meaning(exchange: Exchange) -> tuple[object, ...]:
    """Return what formatting must not change: the canonical request, and the response without its times."""
    request = exchange.request
    rest = request.headers, exchange.repeat, exchange.redacted
    return canonicalize(request), *rest, *strip_times(exchange.response)
