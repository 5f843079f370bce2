"""Read exchanges and headers from YAML text; errors carry their line. No I/O."""

from typing import Any, NamedTuple

from mockserver.cassette.model import (
    FORMAT,
    Exchange,
    Header,
    Repeat,
)
from mockserver.cassette.yaml_codec.load_response import (
    BODY_KEYS,
    build_response,
    read,
    read_body,
    read_headers,
)
from mockserver.errors import ReadError
from mockserver.formats import strict_yaml
from mockserver.formats.strict_yaml import (
    Mapping,
    Sequence,
    check_keys,
    get_mapping,
    get_seconds,
    get_typed,
    iter_texts,
)
from mockserver.http.messages import Request

_HEADER_KEYS = ("mockserver", "upstream", "recorded", "server", "ignore", "volatile", "repeat")
_EXCHANGE_KEYS = ("request", "at", "repeat", "redacted", "response")
_REQUEST_KEYS = ("method", "path", "headers", *BODY_KEYS)


def load_header(text: str) -> Header:
    """Return the header in *text*, the first document of a file; ReadError if it is not a header."""
    return build_header(strict_yaml.parse(text))


def build_header(document: Any) -> Header:
    """Return the header in the parsed *document*; ReadError if it is not a header."""
    if not isinstance(document, Mapping) or "mockserver" not in document:
        raise ReadError("not a cassette: it must begin with `mockserver: 1`", line=1)
    version = document["mockserver"]
    line = document.lines["mockserver"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ReadError(f"mockserver: {version!r} is not a format version, write 1", line=line)
    if version > FORMAT:
        raise ReadError(
            f"cassette format {version} is newer than the supported format {FORMAT}",
            line=line,
            fix="update mockserver",
        )
    check_keys(document, _HEADER_KEYS, "the header")
    ignore, volatile = (
        tuple(iter_texts(get_typed(document, key, Sequence) or Sequence(1), key))
        for key in ("ignore", "volatile")
    )
    return Header(
        upstream=get_typed(document, "upstream", str),
        recorded=get_typed(document, "recorded", str),
        server=get_typed(document, "server", Mapping) or {},
        ignore=ignore,
        volatile=volatile,
        repeat=_repeat(document),
    )


def load_exchange(text: str) -> Exchange | None:
    """Return the exchange in the document *text*, or None if it is empty."""
    document = strict_yaml.parse(text)
    return None if document is None else build_exchange(document)


def build_exchange(document: Any) -> Exchange:
    """Return the exchange in the parsed *document*; ReadError if it is not an exchange."""
    head = build_head(document, whole=True)
    return Exchange(head.request, build_response(document), head.repeat, head.redacted, head.at)


def read_exchange(raw: bytes) -> Exchange | None:
    """Return the exchange in the document *raw* without parsing its events as YAML, or None if it has another layout; see `load_response`."""
    return read(raw, build_exchange)


class Head(NamedTuple):
    """What a document holds beside its response."""

    request: Request
    repeat: Repeat | None = None
    at: float | None = None
    redacted: int = 0


def load_head(text: str, *, whole: bool = False) -> Head | None:
    """Return the head of the document *text*, or None if it is empty.

    The response is not read; with *whole* it must exist.
    """
    document = strict_yaml.parse(text)
    return None if document is None else build_head(document, whole=whole)


def build_head(document: Any, *, whole: bool = False) -> Head:
    """Return the head of the parsed *document*; with *whole* it must have a response. ReadError if it is not an exchange."""
    if not isinstance(document, Mapping):
        raise ReadError("an exchange must be a mapping with `request` and `response`", line=1)
    check_keys(document, _EXCHANGE_KEYS, "an exchange")
    for key in ("request", "response") if whole else ("request",):
        if key not in document:
            raise ReadError(f"an exchange needs a `{key}`", line=document.line)
    request, redacted = get_mapping(document, "request"), get_typed(document, "redacted", int)
    return Head(_request(request), _repeat(document), _at(document), redacted or 0)


def _request(part: Mapping) -> Request:
    check_keys(part, _REQUEST_KEYS, "request")
    path = get_typed(part, "path", str)
    if path is None or not path.startswith("/"):
        line = part.lines.get("path", part.line)
        raise ReadError("request.path must be text that begins with /", line=line)
    method = (get_typed(part, "method", str) or "POST").upper()
    return Request(method, path, read_headers(part), read_body(part, "request"))


def _at(part: Mapping) -> float | None:
    return get_seconds(part, "at") if "at" in part else None


def _repeat(part: Mapping) -> Repeat | None:
    name = get_typed(part, "repeat", str)
    if name is None:
        return None
    if name not in list(Repeat):
        raise ReadError(
            f"repeat: {name!r} is none of {', '.join(Repeat)}", line=part.lines["repeat"]
        )
    return Repeat(name)
