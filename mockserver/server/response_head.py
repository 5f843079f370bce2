"""The headers of responses over HTTP/1.1, and responses that are encoded once and sent many times. No I/O."""

from dataclasses import replace
from urllib.parse import quote

from mockserver.http.messages import OWN_PREFIX, Headers, PrebuiltBody, Reply, standard_reason

_COMMON = (
    ("access-control-expose-headers", "x-pagination-total, x-pagination-next, content-location"),
    ("vary", "Origin"),
)
_ANY_ORIGIN = (("access-control-allow-origin", "*"), *_COMMON)

_REPLACED_PREFIXES = ("access-control-", OWN_PREFIX)
BODILESS = (204, 304)
"""Responses with these statuses have neither body nor content-length (RFC 9110, section 8.6)."""


def cors(origin: str | None) -> Headers:
    """Return the headers that let pages of *origin* read a response with credentials; if it is None, any page without credentials."""
    if origin is None:
        return _ANY_ORIGIN
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        *_COMMON,
    )


def with_origin(reply: Reply, origin: str | None) -> Reply:
    """Return a copy of *reply* for pages of *origin*; *reply* itself if it is None."""
    if origin is None:
        return reply
    body = reply.body.body if isinstance(reply.body, PrebuiltBody) else reply.body
    return replace(reply, body=body, origin=origin)


def response_headers(reply: Reply) -> Headers:
    """Return the headers of *reply* with ours: CORS, and the source of the response."""
    exchange = quote(reply.exchange, safe="/#") if reply.exchange else ""
    ids = ", ".join(f"{live}={recorded}" for live, recorded in reply.id_pairs)
    return (
        *(
            (name, value)
            for name, value in reply.headers
            if not name.startswith(_REPLACED_PREFIXES) and name != "vary"
        ),
        *cors(reply.origin),
        ("x-mockserver-source", str(reply.source)),
        *((("x-mockserver-exchange", exchange),) if exchange else ()),
        *((("x-mockserver-ids", ids),) if ids else ()),
    )


def encode_head(reply: Reply, *framing: tuple[str, str], version: str = "1.1") -> bytes:
    """Return the bytes of the status line and the headers of *reply*, followed by the *framing* headers."""
    reason = standard_reason(reply.status) if reply.reason is None else reply.reason
    lines = [f"HTTP/{version} {reply.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in (*response_headers(reply), *framing)]
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")


def prebuild(reply: Reply) -> Reply:
    """Return *reply* with its head and body encoded as one piece of bytes; unchanged if its body is a stream."""
    body = reply.body
    if not isinstance(body, bytes) or reply.status in BODILESS:
        return reply
    head = encode_head(reply, ("Content-Length", str(len(body))))
    return replace(reply, body=PrebuiltBody(head + body, len(head)))


def without_prebuilt(reply: Reply) -> Reply:
    """Return *reply* with the plain bytes of its body; this undoes `prebuild`."""
    return replace(reply, body=reply.body.body) if isinstance(reply.body, PrebuiltBody) else reply
