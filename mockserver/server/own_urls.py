"""Pages with URLs of the recorded server: a client gets URLs of this server in their place."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from mockserver.errors import UpstreamError
from mockserver.http.messages import (
    Headers,
    PrebuiltBody,
    Reply,
    Request,
    StreamingBody,
    TimedBody,
    first_value,
)
from mockserver.http.server_address import ServerAddress
from mockserver.server.response_writer import without_prebuilt

_PAGE = "text/html"
_TEXT = "text/plain"
_UI = "/ui/"
"""Below it, a LangGraph server gives the pages of a graph's own UI; the JS server calls them plain text."""
_HOST = re.compile(r"[\w.:\[\]-]+")


def is_page(path: str, headers: Headers) -> bool:
    """Return whether *headers* announce a page at *path*, which can have URLs of its server: of what it loads."""
    kind = (first_value(headers, "content-type") or "").lower()
    return kind.startswith(_PAGE) or (path.startswith(_UI) and kind.startswith(_TEXT))


def with_own_urls(reply: Reply, request: Request, start: str) -> Reply:
    """Return *reply*, a page or a redirect, with URLs of this server as the client calls it; *start* stands before the path of *request*.

    Other responses have paths without *start*, as those of a real server below a prefix: the SDKs put them behind their own base URL.
    """
    host = request.header("host") or ""
    if not _HOST.fullmatch(host):
        return reply
    if reply.page_of is not None and request.method != "HEAD":
        reply = _with_own_page(reply, reply.page_of, f"http://{host}{start}")
    if start and 300 <= reply.status < 400:
        headers = tuple(
            (name, _below(value, start, host) if name == "location" else value)
            for name, value in reply.headers
        )
        reply = replace(without_prebuilt(reply), headers=headers)
    return reply


def _below(location: str, start: str, host: str) -> str:
    """Return the *location* of a redirect with *start* before its path, if it is on this server, which the client calls *host*."""
    origin = f"http://{host}"
    path = location.removeprefix(origin)
    if not path.startswith("/") or path.startswith("//"):
        return location
    return f"{origin if path != location else ''}{start}{path}"


def _with_own_page(reply: Reply, address: ServerAddress, url: str) -> Reply:
    match reply.body:
        case TimedBody(steps) as timed:
            replaced = tuple((at, address.replace_in(chunk, url)) for at, chunk in steps)
            return replace(reply, body=replace(timed, steps=replaced))
        case StreamingBody() as live:
            headers = tuple(pair for pair in reply.headers if pair[0] != "content-length")
            chunks = _replace_in_stream(live.chunks, address, url)
            return replace(reply, headers=headers, body=replace(live, chunks=chunks))
        case PrebuiltBody(body=page) | bytes(page):
            return replace(reply, body=address.replace_in(page, url))


async def _replace_in_stream(
    chunks: AsyncGenerator[bytes, None], address: ServerAddress, url: str
) -> AsyncGenerator[bytes, None]:
    """Yield the page in *chunks* as one chunk, since a URL can be spread over several; UpstreamError after it if it is cut."""
    page, error = b"", None
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                page += chunk
        except UpstreamError as raised:
            error = raised
    if page:
        yield address.replace_in(page, url)
    if error is not None:
        raise error
