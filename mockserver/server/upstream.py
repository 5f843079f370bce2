"""The client to the real Agent Server."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from mockserver.errors import OutOfFilesError, UpstreamError, UsageError
from mockserver.formats.json_text import loads
from mockserver.http.access import is_private
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
from mockserver.http.server_address import ServerAddress
from mockserver.redaction.credentials import MIN_WORDS, find_credentials
from mockserver.redaction.secret_names import is_credential_header
from mockserver.server import aiohttp_private
from mockserver.server.upstream_errors import (
    format_reason,
    raise_if_loop,
    refused_by_proxy,
    translate_errors,
)
from mockserver.server.upstream_proxy import find_proxy
from mockserver.server.upstream_tls import create_context

_NOT_FORWARDED = frozenset(("host", "content-length", "accept-encoding", "expect", "via"))
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
_EXPOSES = "--upstream-insecure would send {} to any server that answers for the upstream, which is not in a private network: use --upstream-ca FILE"
_VERSION_KEYS = ("version", "langgraph_py_version", "langgraph_js_version")


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    """A response whose body is still arriving; *chunks* raises UpstreamError if the body is cut, also by *close*."""

    status: int
    reason: str | None
    headers: Headers
    chunks: AsyncGenerator[bytes, None]
    close: Callable[[], None]
    redirected_to: str | None = None
    """The server or path that a redirect leads to, if clients do not find it here."""


class Upstream:
    """Forwards requests to *url*; *headers* replace the client's headers of the same names.

    *ca* is a file with certificates that are accepted in addition to the system's; if *insecure*, all are. Then no credentials are sent,
    unless the upstream is in a private network. Close it with `close`. Raise UsageError if an argument is invalid.
    """

    def __init__(
        self, url: str, headers: Headers = (), *, ca: Path | None = None, insecure: bool = False
    ) -> None:
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
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self.address = ServerAddress(self.url)
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
        self.is_unchecked = insecure and parts.scheme == "https"
        """Whether every certificate is accepted."""
        self._is_exposed = self.is_unchecked and not is_private(parts.hostname or "")
        """Whether anyone on the way could read what is sent."""
        if self._is_exposed and (self.secrets or _has_credential(self.headers)):
            raise UsageError(_EXPOSES.format("a credential"))
        self._tls = create_context(ca, insecure=insecure) if parts.scheme == "https" else None
        self.name = f"mockserver-{token_hex(8)}"
        """What `via` calls us in forwarded requests (RFC 9110, section 7.6.3), to recognize those that come back."""
        self._proxy = find_proxy(self.url)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> UpstreamResponse:
        """Send *request* and return the response as soon as its head arrives; raise UpstreamError if there is none."""
        with translate_errors(self.url, self._proxy, _CONNECT_TIMEOUT):
            response = await self._open_session().request(
                request.method,
                URL(self.url + request.path, encoded=True),
                headers=self._select_headers(request),
                data=_create_payload(request.body),
                allow_redirects=False,
                skip_auto_headers=_NOT_ADDED,
            )
            if (
                self._proxy is not None
                and response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
            ):
                response.close()
                raise refused_by_proxy(self.url, self._proxy, response.status)
            raise_if_loop(self.url, response.status, response.headers)
        aiohttp_private.fail_on_disconnect(response)
        received = lowercase_names(response.headers.items())
        codings = find_codings(received)
        decoder = create_decoder(codings)
        headers = tuple(
            (name, value)
            for name, value in self._clean_headers(received, request.path)
            if decoder is None
            or not (name == "content-encoding" or (codings and name == "content-length"))
        )
        reason = CONTROL.sub("", _decode_latin_1(response.reason or ""))
        chunks = self._read_chunks(response, decoder or create_identity())
        return UpstreamResponse(
            response.status,
            reason,
            headers,
            chunks,
            response.close,
            self._find_redirect(request, response),
        )

    async def open_socket(self, request: Request) -> aiohttp.ClientWebSocketResponse[bool]:
        """Open the WebSocket that *request* asks for; raise UpstreamError if the upstream refuses it."""
        headers = self._select_headers(request)
        protocols = headers.popall("sec-websocket-protocol", ())
        for name in [name for name in headers if name.startswith("sec-websocket-")]:
            headers.popall(name, None)
        with translate_errors(self.url, self._proxy, _CONNECT_TIMEOUT):
            return await self._open_session().ws_connect(
                URL(self.url + request.path, encoded=True),
                headers=headers,
                protocols=[one.strip() for text in protocols for one in text.split(",")],
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=_SOCKET_CLOSE_TIMEOUT),
            )

    def has_credential(self, request: Request) -> bool:
        """Return whether *request* is sent with a credential, its own or one of the headers for the upstream."""
        own = _has_credential((*request.headers, *self.headers)) or bool(self.secrets)
        return own or bool(find_credentials((), request.path))

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

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp_private.LenientConnector(
                    limit=0, keepalive_timeout=_KEEPALIVE_TIMEOUT, ssl=self._tls or True
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=1 << 18,
                max_line_size=aiohttp_private.MAX_RESPONSE_FIELD,
                max_field_size=aiohttp_private.MAX_RESPONSE_FIELD,
                max_headers=aiohttp_private.MAX_RESPONSE_FIELDS,
                proxy=self._proxy.url if self._proxy else None,
            )
        return self._session

    def _select_headers(self, request: Request) -> CIMultiDict[str]:
        if self._is_exposed and _has_credential(request.headers):
            raise UpstreamError(_EXPOSES.format("the request, which has a credential,"))
        dropped = _NOT_FORWARDED | {name for name, _ in self.headers}
        if request.method in _READS:
            dropped |= _CONDITIONS
        forwarded = (
            (name, _decode_latin_1(value))  # aiohttp omits bytes that are not UTF-8
            for name, value in strip_hop_by_hop(request.headers)
            if name not in dropped and not name.startswith(OWN_PREFIX)
        )
        before = [value for name, value in request.headers if name == "via"]
        via = ", ".join((*before, f"1.1 {self.name}"))
        return CIMultiDict((*forwarded, *self.headers, ("via", via)))

    def _clean_headers(self, headers: Headers, requested: str) -> Headers:
        """Return the end-to-end *headers* for the client, with paths in place of URLs of the upstream; *requested* is the requested path."""
        cleaned = ((name, CONTROL.sub("", value)) for name, value in strip_hop_by_hop(headers))
        return self.address.to_local_headers(tuple(cleaned), requested)

    def _find_redirect(self, request: Request, response: aiohttp.ClientResponse) -> str | None:
        """Return where *response* redirects *request* to, without a query, if that is not below the URL of the upstream."""
        location = response.headers.get("location")
        if location is None or not 300 <= response.status < 400:
            return None
        if self.address.to_local(location, request.path) is not None:
            return None
        return CONTROL.sub("", _decode_latin_1(location)).partition("?")[0]

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
                f"the upstream closed the connection in the middle of its response{format_reason(error)}"
            ) from None
        finally:
            response.close()


def _has_credential(headers: Headers) -> bool:
    return any(is_credential_header(name) for name, _ in headers)


def _create_payload(body: bytes) -> bytes | BytesIO | None:
    """Return *body* for aiohttp: a large one as a file, which aiohttp sends in pieces from a thread."""
    if len(body) > _MAX_INLINE_BODY:
        return BytesIO(body)
    return body or None


def _decode_latin_1(text: str) -> str:
    """Return *text* of a head, decoded as Latin-1 if it is not UTF-8."""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
