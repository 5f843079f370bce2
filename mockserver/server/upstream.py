"""The client to the real Agent Server."""

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
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
from mockserver.http.content_coding import Decoder, create_decoder, create_identity, find_codings
from mockserver.http.messages import (
    CONTROL,
    OWN_PREFIX,
    Headers,
    Request,
    first_value,
    lowercase_names,
    strip_hop_by_hop,
)
from mockserver.redaction.credentials import MIN_WORDS, find_credentials
from mockserver.server import aiohttp_private

_NOT_FORWARDED = frozenset(("host", "content-length", "accept-encoding", "expect"))
_CONDITIONS = frozenset(
    (
        *("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"),
        "range",
    )
)
"""Not forwarded with reads: the response, such as a 304 or a fragment, would be replayed to clients that have nothing cached."""
_READS = ("GET", "HEAD", "QUERY")
# Headers that aiohttp would add; those of the client are forwarded unchanged.
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_MAX_INLINE_BODY = 1 << 19
_INFO_TIMEOUT = 1.0
_CONNECT_TIMEOUT = 10.0
_SOCKET_CLOSE_TIMEOUT = 1.0
# uvicorn closes an idle connection after five seconds. We close it earlier, so that no request is sent on a closing connection.
_KEEPALIVE_TIMEOUT = 4.0
_VERSION_KEYS = ("version", "langgraph_py_version", "langgraph_js_version")


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    """A response whose body is still arriving; *chunks* raises UpstreamError if the body is cut, also by *close*."""

    status: int
    reason: str | None
    headers: Headers
    chunks: AsyncGenerator[bytes, None]
    close: Callable[[], None]


class Upstream:
    """Forwards requests to *url*; *headers* replace the client's headers of the same names.

    Close it with `close`. Raise UsageError if *url* is not the URL of a server.
    """

    def __init__(self, url: str, headers: Headers = ()) -> None:
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            valid, parts = False, urlsplit("")
        if not valid:
            shown = url.rpartition("@")[2]  # the part before it may hold a password
            raise UsageError(
                f"--upstream {shown!r}: not a URL of a server; write one such as http://127.0.0.1:2024"
            )
        if parts.query or parts.fragment:
            raise UsageError("--upstream: write the URL without a query")
        self._origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._base = parts.path.rstrip("/")
        self.url = self._origin + self._base
        self.headers = tuple((name, value.strip()) for name, value in lowercase_names(headers))
        for name, value in self.headers:
            if CONTROL.search(name + value):
                raise UsageError(
                    f"{name!r} for the upstream contains control characters, which are not allowed in headers"
                )
        if parts.username and first_value(self.headers, "authorization") is None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self.headers += (("authorization", f"Basic {b64encode(pair.encode()).decode()}"),)
        long = (value for _, value in self.headers if len(value) >= MIN_WORDS)
        self.secrets = frozenset((*find_credentials(self.headers), *long))
        """The header values that no cassette may hold: credentials, and values too long for an ordinary word."""
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> UpstreamResponse:
        """Send *request* and return the response as soon as its head arrives; raise UpstreamError if there is none."""
        with self._translate_errors():
            response = await self._open_session().request(
                request.method,
                URL(self.url + request.path, encoded=True),
                headers=self._select_headers(request),
                data=_create_payload(request.body),
                allow_redirects=False,
                skip_auto_headers=_NOT_ADDED,
            )
        aiohttp_private.fail_on_disconnect(response)
        received = lowercase_names(response.headers.items())
        codings = find_codings(received)
        decoder = create_decoder(codings)
        headers = tuple(
            (name, value)
            for name, value in self._clean_headers(received)
            if decoder is None
            or not (name == "content-encoding" or (codings and name == "content-length"))
        )
        reason = CONTROL.sub("", _decode_latin_1(response.reason or ""))
        chunks = self._read_chunks(response, decoder or create_identity())
        return UpstreamResponse(response.status, reason, headers, chunks, response.close)

    async def open_socket(self, request: Request) -> aiohttp.ClientWebSocketResponse[bool]:
        """Open the WebSocket that *request* asks for; raise UpstreamError if the upstream refuses it."""
        headers = self._select_headers(request)
        protocols = headers.popall("sec-websocket-protocol", ())
        for name in [name for name in headers if name.startswith("sec-websocket-")]:
            headers.popall(name, None)
        with self._translate_errors():
            return await self._open_session().ws_connect(
                URL(self.url + request.path, encoded=True),
                headers=headers,
                protocols=[one.strip() for text in protocols for one in text.split(",")],
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=_SOCKET_CLOSE_TIMEOUT),
            )

    async def fetch_info(self) -> dict[str, str]:
        """Return the versions from `GET /info`; an empty dict if that fails."""
        try:
            async with asyncio.timeout(_INFO_TIMEOUT):
                response = await self.send(Request("GET", "/info"))
                body = b"".join([chunk async for chunk in response.chunks])
            info: Any = loads(body.decode())
        except (UpstreamError, OutOfFilesError, TimeoutError, ValueError):
            return {}
        if response.status != 200 or not isinstance(info, dict):
            return {}
        return {key: info[key] for key in _VERSION_KEYS if isinstance(info.get(key), str)}

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise UpstreamError or OutOfFilesError for an error of aiohttp."""
        try:
            yield
        except aiohttp.WSServerHandshakeError as error:
            raise UpstreamError(
                f"the upstream {self.url} refused the WebSocket with status {error.status}",
                status=error.status if error.status >= 400 else 502,
            ) from None
        except aiohttp.ClientConnectorError as error:
            if is_out_of_files(error.os_error):
                raise OutOfFilesError from None
            raise UpstreamError(
                f"the upstream {self.url} cannot be reached{_format_reason(error.os_error)}: "
                "is it running, and is --upstream right?",
                reached=False,
            ) from None
        except aiohttp.ClientResponseError:
            raise UpstreamError(
                f"the upstream {self.url} does not speak HTTP: is --upstream right?", reached=False
            ) from None
        except ValueError as error:
            raise UpstreamError(f"the request cannot be sent: {error}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamError(
                f"the upstream {self.url} closed the connection before it responded{_format_reason(error)}"
            ) from None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp_private.LenientConnector(
                    limit=0, keepalive_timeout=_KEEPALIVE_TIMEOUT
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=1 << 18,
                max_line_size=aiohttp_private.MAX_RESPONSE_FIELD,
                max_field_size=aiohttp_private.MAX_RESPONSE_FIELD,
                max_headers=aiohttp_private.MAX_RESPONSE_FIELDS,
                proxy=_find_proxy(self._origin),
            )
        return self._session

    def _select_headers(self, request: Request) -> CIMultiDict[str]:
        dropped = _NOT_FORWARDED | {name for name, _ in self.headers}
        if request.method in _READS:
            dropped |= _CONDITIONS
        forwarded = (
            (name, _decode_latin_1(value))  # aiohttp omits bytes that are not UTF-8
            for name, value in strip_hop_by_hop(request.headers)
            if name not in dropped and not name.startswith(OWN_PREFIX)
        )
        return CIMultiDict((*forwarded, *self.headers))

    def _to_local(self, location: str) -> str:
        """Return *location* as a path on this server if it points to the upstream, else unchanged."""
        path = _strip_prefix(self._base, _strip_prefix(self._origin, location))
        return path if path == location or path.startswith("/") else f"/{path}"

    def _clean_headers(self, headers: Headers) -> Iterator[tuple[str, str]]:
        """Yield the end-to-end headers, with local locations."""
        for name, raw in strip_hop_by_hop(headers):
            value = CONTROL.sub("", raw)
            if name == "location":
                yield name, self._to_local(value)
            else:
                yield name, value

    async def _read_chunks(
        self, response: aiohttp.ClientResponse, decoder: Decoder
    ) -> AsyncGenerator[bytes, None]:
        content = response.content
        try:
            async for chunk in content.iter_any():
                if text := decoder.decode(chunk):
                    yield text
                if decoder.is_broken:
                    raise UpstreamError("the upstream sent a damaged compressed body")
            if not decoder.is_complete:
                raise UpstreamError("the upstream sent an incomplete compressed body")
        except (aiohttp.ClientError, OSError) as error:
            if rest := decoder.decode(aiohttp_private.read_rest(content)):
                yield rest
            raise UpstreamError(
                f"the upstream closed the connection in the middle of its response{_format_reason(error)}"
            ) from None
        finally:
            response.close()


def _find_proxy(origin: str) -> str | None:
    """Return the proxy for *origin* from the environment; aiohttp would look it up for every request, and read netrc."""
    parts = urlsplit(origin)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _create_payload(body: bytes) -> bytes | BytesIO | None:
    """Return *body* for aiohttp: a large one as a file, which aiohttp sends in pieces from a thread."""
    if len(body) > _MAX_INLINE_BODY:
        return BytesIO(body)
    return body or None


def _strip_prefix(start: str, location: str) -> str:
    """Return *location* without the prefix *start* if a path segment ends there, else *location*."""
    rest = location.removeprefix(start)
    return rest if rest[:1] in ("", "/", "?") else location


def _decode_latin_1(text: str) -> str:
    """Return *text* of a head, decoded as Latin-1 if it is not UTF-8."""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _format_reason(error: BaseException) -> str:
    """Return the operating system's reason of *error* in parentheses, or an empty string."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__  # type: ignore[assignment]
    number = getattr(error, "errno", None)
    return f" ({os.strerror(number).lower()})" if number and number > 0 else ""
