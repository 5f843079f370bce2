"""The client to the real Agent Server."""

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from mockserver.errors import OutOfFilesError, UpstreamError, UsageError, is_out_of_files
from mockserver.formats.json_text import loads
from mockserver.http.messages import (
    CONTROL,
    OWN_PREFIX,
    Headers,
    Request,
    first_value,
    lowercase_names,
    strip_hop_by_hop,
)
from mockserver.redaction.patterns import MIN_LONG_VALUE, find_credentials

_NOT_FORWARDED = frozenset(("host", "content-length", "accept-encoding", "expect"))
# What aiohttp would add by itself; the client's own are forwarded as they came.
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_AT_ONCE = 1 << 19
_INFO_WITHIN = 1.0
_CONNECT_WITHIN = 10.0
# Shorter than the five seconds after which uvicorn closes an idle connection, so that it is never closed under a request.
_KEEPALIVE = 4.0
_SERVER_KEYS = ("version", "langgraph_py_version", "langgraph_js_version")


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer, its body still arriving; *chunks* raises UpstreamError where it breaks off, also by *close*."""

    status: int
    reason: str | None
    headers: Headers
    chunks: AsyncGenerator[bytes, None]
    close: Callable[[], None]


class Upstream:
    """Forwards requests to *url*, *headers* put in the place of the client's own.

    To be closed with `close`. UsageError if *url* is no address of a server.
    """

    def __init__(self, url: str, headers: Headers = ()) -> None:
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            valid, parts = False, urlsplit("")
        if not valid:
            shown = url.rpartition("@")[2]  # without what may be a password
            raise UsageError(
                f"--upstream {shown!r}: write an address such as http://127.0.0.1:2024"
            )
        if parts.query or parts.fragment:
            raise UsageError("--upstream: write the address without a query")
        self._origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._base = parts.path.rstrip("/")
        self.url = self._origin + self._base
        self._headers = tuple((name, value.strip()) for name, value in lowercase_names(headers))
        for name, value in self._headers:
            if CONTROL.search(name + value):
                raise UsageError(
                    f"{name!r} for the upstream has control characters, which no header can have"
                )
        if parts.username and first_value(self._headers, "authorization") is None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers += (("authorization", f"Basic {b64encode(pair.encode()).decode()}"),)
        long = (value for _, value in self._headers if len(value) >= MIN_LONG_VALUE)
        self.secrets = frozenset((*find_credentials(self._headers), *long))
        """What of them no cassette may hold: the credentials, and whatever is no ordinary word."""
        self._session: aiohttp.ClientSession | None = None

    @property
    def credentials(self) -> Headers:
        """The headers that are added to each request."""
        return self._headers

    async def send(self, request: Request) -> Answer:
        """Send *request* and return the head of the answer; UpstreamError where none comes."""
        try:
            response = await self._client().request(
                request.method,
                URL(self.url + request.path, encoded=True),
                headers=self._forwarded(request),
                data=_payload(request.body),
                allow_redirects=False,
                skip_auto_headers=_NOT_ADDED,
            )
        except aiohttp.ClientConnectorError as error:
            if is_out_of_files(error.os_error):
                raise OutOfFilesError from None
            raise UpstreamError(
                f"the upstream {self.url} cannot be reached{_reason(error.os_error)}: "
                "is it running, and is --upstream right?",
                reached=False,
            ) from None
        except aiohttp.ClientResponseError:
            raise UpstreamError(
                f"the upstream {self.url} does not speak HTTP: is --upstream right?",
                reached=False,
            ) from None
        except ValueError as error:
            raise UpstreamError(f"the request cannot be sent: {error}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamError(
                f"the upstream {self.url} broke off before it answered{_reason(error)}"
            ) from None
        _end_with_connection(response)
        headers = tuple(self._answered(lowercase_names(response.headers.items())))
        reason = _readable(response.reason or "")
        return Answer(response.status, reason, headers, self._chunks(response), response.close)

    async def info(self) -> dict[str, str]:
        """Return the versions that `GET /info` tells; empty where it does not answer."""
        try:
            async with asyncio.timeout(_INFO_WITHIN):
                answer = await self.send(Request("GET", "/info"))
                body = b"".join([chunk async for chunk in answer.chunks])
            told: Any = loads(body.decode())
        except (UpstreamError, OutOfFilesError, TimeoutError, ValueError):
            return {}
        if answer.status != 200 or not isinstance(told, dict):
            return {}
        return {key: told[key] for key in _SERVER_KEYS if isinstance(told.get(key), str)}

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_WITHIN),
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=1 << 18,
                max_line_size=1 << 16,
                max_field_size=1 << 16,
                proxy=_proxy(self._origin),
            )
        return self._session

    def _forwarded(self, request: Request) -> CIMultiDict[str]:
        ours = {name for name, _ in self._headers}
        forwarded = (
            (name, value)
            for name, value in strip_hop_by_hop(request.headers)
            if name not in _NOT_FORWARDED and name not in ours and not name.startswith(OWN_PREFIX)
        )
        return CIMultiDict((*forwarded, *self._headers))

    def _here(self, location: str) -> str:
        """Return *location* as a path below here, where it points to the upstream; another one as it is."""
        path = _below(self._base, _below(self._origin, location))
        return path if path == location or path.startswith("/") else f"/{path}"

    def _answered(self, headers: Headers) -> Iterator[tuple[str, str]]:
        """Leave out what no longer holds of the decoded body; a location at the upstream becomes one here."""
        encoded = first_value(headers, "content-encoding") is not None
        for name, raw in strip_hop_by_hop(headers):
            value = _readable(raw)
            if name == "location":
                yield name, self._here(value)
            elif not (encoded and name in ("content-encoding", "content-length")):
                yield name, value

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        content = response.content
        try:
            async for chunk in content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            # What came before the break is still in the reader, which gives nothing out while it holds an exception.
            content.set_exception(None)  # type: ignore[arg-type]
            if rest := content.read_nowait():
                yield rest
            raise UpstreamError(
                f"the upstream broke off in the middle of its answer{_reason(error)}"
            ) from None
        finally:
            response.close()


def _proxy(origin: str) -> str | None:
    """Return the proxy that the environment names for *origin*; aiohttp would look for it with every request, and read netrc."""
    parts = urlsplit(origin)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _payload(body: bytes) -> bytes | BytesIO | None:
    """Return *body* as aiohttp likes it: a large one bit by bit, read in a thread; any other at once, which needs none."""
    if len(body) > _AT_ONCE:
        return BytesIO(body)
    return body or None


def _end_with_connection(response: aiohttp.ClientResponse) -> None:
    """Break the body of *response* when its connection ends before it.

    aiohttp does that itself, but for a chunk that makes no sense: its parser closes and the reader waits for ever.
    """
    connection = response.connection
    if connection is None or connection.protocol is None:
        return
    content = response.content

    def ended(closed: asyncio.Future[None] | None) -> None:
        if closed is not None and not closed.cancelled():
            closed.exception()  # so that it counts as seen
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    closed = connection.protocol.closed
    if closed is None:
        ended(None)
        return

    def whole() -> None:
        closed.remove_done_callback(ended)

    closed.add_done_callback(ended)
    content.on_eof(whole)


def _below(start: str, location: str) -> str:
    """Return what follows *start* in *location* where a part of it ends there, else *location*."""
    rest = location.removeprefix(start)
    return rest if rest[:1] in ("", "/", "?") else location


def _readable(text: str) -> str:
    """Return *text* of a head without control characters, Latin-1 where it is not UTF-8."""
    if text.isprintable():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return CONTROL.sub("", text)


def _reason(error: BaseException) -> str:
    """Say in a few words what *error* of the connection was; empty where there is nothing to say."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__  # type: ignore[assignment]
    number = getattr(error, "errno", None)
    return f" ({os.strerror(number).lower()})" if number and number > 0 else ""
