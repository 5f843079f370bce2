"""Pages with URLs of the recorded server: a client gets URLs of this server in their place."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from mockserver.errors import UpstreamError
from mockserver.http.messages import Headers, Reply, Request, StreamingBody, TimedBody, first_value
from mockserver.http.server_address import ServerAddress

_PAGE = "text/html"
_HOST = re.compile(r"[\w.:\[\]-]+")


def is_page(headers: Headers) -> bool:
    """Return whether *headers* announce a page, which can have URLs of its server: of what it loads."""
    return (first_value(headers, "content-type") or "").lower().startswith(_PAGE)


def with_own_urls(reply: Reply, address: ServerAddress, request: Request) -> Reply:
    """Return *reply*, a page of the server at *address*, with URLs of this server, as the client of *request* calls it."""
    host = request.header("host") or ""
    if request.method == "HEAD" or not _HOST.fullmatch(host):
        return reply
    url = f"http://{host}"
    match reply.body:
        case bytes() as page:
            return replace(reply, body=address.replace_in(page, url))
        case TimedBody(steps) as timed:
            replaced = tuple((at, address.replace_in(chunk, url)) for at, chunk in steps)
            return replace(reply, body=replace(timed, steps=replaced))
        case StreamingBody() as live:
            headers = tuple(pair for pair in reply.headers if pair[0] != "content-length")
            chunks = _replace_in_stream(live.chunks, address, url)
            return replace(reply, headers=headers, body=replace(live, chunks=chunks))
        case _:
            return reply


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
