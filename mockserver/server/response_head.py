"""Replies as they go out over HTTP/1.1: their headers, and whole answers that are made once and sent again and again. No I/O."""

from dataclasses import replace
from urllib.parse import quote

from mockserver.http.messages import OWN_PREFIX, Headers, PrebuiltBody, Reply, standard_reason

_SHARED = (
    ("access-control-expose-headers", "x-pagination-total, x-pagination-next, content-location"),
    ("vary", "Origin"),
)
_FOR_ALL = (("access-control-allow-origin", "*"), *_SHARED)

_REPLACED = ("access-control-", OWN_PREFIX)
BODILESS = (204, 304)
"""Answers of these statuses have no body, and no length either (RFC 9110, section 8.6)."""


def cors(origin: str | None) -> Headers:
    """Return the headers that let a page of *origin* read a response with its credentials; any page without them if it is None."""
    if origin is None:
        return _FOR_ALL
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        *_SHARED,
    )


def readable(reply: Reply, origin: str | None) -> Reply:
    """Return *reply* for a page of *origin*: a copy, since what is made of *reply* is sent to others too."""
    if origin is None:
        return reply
    body = reply.body.body if isinstance(reply.body, PrebuiltBody) else reply.body
    return replace(reply, body=body, origin=origin)


def outgoing(reply: Reply) -> Headers:
    """Return the headers of *reply* and ours: CORS, and where it came from."""
    exchange = quote(reply.exchange, safe="/#") if reply.exchange else ""
    ids = ", ".join(f"{live}={name}" for live, name in reply.id_pairs)
    return (
        *(
            (name, value)
            for name, value in reply.headers
            if not name.startswith(_REPLACED) and name != "vary"
        ),
        *cors(reply.origin),
        ("x-mockserver-source", str(reply.source)),
        *((("x-mockserver-exchange", exchange),) if exchange else ()),
        *((("x-mockserver-ids", ids),) if ids else ()),
    )


def head(reply: Reply, *framing: tuple[str, str], version: str = "1.1") -> bytes:
    """Return the head of *reply*, with the headers that tell its *framing* behind its own."""
    reason = standard_reason(reply.status) if reply.reason is None else reply.reason
    lines = [f"HTTP/{version} {reply.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in (*outgoing(reply), *framing)]
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")


def encoded(reply: Reply) -> Reply:
    """Return *reply*, whose body is bytes, with that in the form in which it goes out; another one as it is."""
    body = reply.body
    if not isinstance(body, bytes) or reply.status in BODILESS:
        return reply
    before = head(reply, ("Content-Length", str(len(body))))
    return replace(reply, body=PrebuiltBody(before + body, len(before)))


def plain(reply: Reply) -> Reply:
    """Return *reply* with the bytes of its body, where they have been `encoded`."""
    return replace(reply, body=reply.body.body) if isinstance(reply.body, PrebuiltBody) else reply
