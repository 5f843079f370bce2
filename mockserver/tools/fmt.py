"""The one text of a cassette: the same exchanges, the same text, comments included. No I/O."""

from collections.abc import Sequence
from dataclasses import replace

from mockserver.cassette import playback, yaml_codec
from mockserver.cassette.model import End, Exchange, Header
from mockserver.cassette.yaml_codec.dump import SEPARATOR
from mockserver.errors import ReadError
from mockserver.matching.canonical import canonical
from mockserver.tools.comments import with_comments, with_comments_above
from mockserver.tools.source import Part, Source


def formatted(source: Source) -> bytes:
    """Return *source* in its one text; a part that cannot be read, or breaks off, stays as it is."""
    return b"".join(_part(part) for part in source.parts)


def assembled(header: Header, parts: Sequence[Part]) -> bytes:
    """Return the file that holds *parts*, the *header* first.

    In a recorded one the last exchange has to have an `end`, or it would be taken for torn.
    """
    raws: list[bytes] = []
    for part in parts:
        raw, exchange = part.raw, part.exchange
        last = part is parts[-1] and header.recorded is not None
        if last and exchange is not None and exchange.response.end is None and not part.torn:
            ended = replace(exchange, response=replace(exchange.response, end=End()))
            raw = written(part, ended)
        moved = part is not parts[-1] and not raw.endswith(b"\n")
        if moved and exchange is not None:  # a newline at its end would be one of its text
            raw = yaml_codec.dump_exchange(exchange).encode()
        if part.number and not raw.startswith(b"---"):
            raw = SEPARATOR.encode() + raw
        raws.append(raw if raw.endswith(b"\n") or part is parts[-1] else raw + b"\n")
    return b"".join(raws)


def written(part: Part, value: Header | Exchange) -> bytes:
    """Return *value*, which takes the place of what *part* holds, as text with the comments and the line ends of that.

    What *part* holds, where *value* would not be read back from its text.
    """
    told = (
        yaml_codec.dump_header(value)
        if isinstance(value, Header)
        else yaml_codec.dump_exchange(value)
    )
    if told.encode() == part.raw:
        return part.raw
    commented = with_comments(told, part.text)
    if not _is_same(value, commented):  # a comment would be read as something else there
        commented = with_comments_above(told, part.text)
    if not _is_same(value, commented):
        return part.raw
    raw = commented.encode()
    return raw.replace(b"\n", b"\r\n") if b"\r\n" in part.raw else raw


def _part(part: Part) -> bytes:
    value = part.header if part.header is not None else part.exchange
    if value is None or part.torn:
        return part.raw
    return written(part, value).replace(b"\r\n", b"\n")


def _is_same(value: Header | Exchange, told: str) -> bool:
    """Tell whether the text *told* means *value*."""
    try:
        if isinstance(value, Header):
            return yaml_codec.load_header(told) == value
        now = yaml_codec.load_exchange(told)
    except ReadError:
        return False
    return now is not None and _meaning(now) == _meaning(value)


def _meaning(exchange: Exchange) -> tuple[object, ...]:
    """Return what of *exchange* counts: its request by its meaning, its answer by its bytes."""
    response = exchange.response
    return (
        *(canonical(exchange.request), exchange.request.headers, exchange.repeat),
        *(exchange.redacted, response.status, response.reason, response.headers),
        *(playback.encoded(response.content), response.end and response.end.cut),
    )
