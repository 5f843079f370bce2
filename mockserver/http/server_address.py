"""URLs that a server gives for itself, in headers and pages, and what becomes of them on another server. No I/O."""

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import SplitResult, urlsplit

from mockserver.http.messages import Headers

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_IN_BRACKETS = re.compile("<([^<>]*)>")
"""A target in the header `link` (RFC 8288)."""


@dataclass(frozen=True)
class ServerAddress:
    """The address of a server at *url*, which can have a path, and neither user nor query."""

    url: str

    @cached_property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def base(self) -> str:
        """The path below which the server is; empty if it is at the root."""
        return self._parts.path.rstrip("/")

    def to_local(self, target: str, requested: str = "") -> str | None:
        """Return *target*, a URL or path that this server gives, as a path on it; None if it leads elsewhere.

        A relative path stays as it is. A URL with the other scheme of HTTP is on this server too, since a server behind a proxy does not know
        how it is called; unless it names the *requested* path, which would be requested again and again.
        """
        try:
            parts = urlsplit(target)
            is_here = not parts.netloc or self._is_here(parts)
        except ValueError:
            return None
        if not is_here or (parts.scheme and not parts.netloc):
            return None
        path = target.partition("//")[2][len(parts.netloc) :] if parts.netloc else target
        if not parts.netloc and not target.startswith("/"):
            return target
        local = self._below_base(path)
        if local is None or (parts.scheme not in ("", self._parts.scheme) and local == requested):
            return None
        return local

    def to_local_headers(self, headers: Headers, requested: str = "") -> Headers:
        """Return the response *headers* with paths in place of URLs of this server."""
        return tuple(
            (name, self._to_local_value(name, value, requested)) for name, value in headers
        )

    def replace_in(self, page: bytes, url: str) -> bytes:
        """Return *page* with the URLs of this server, absolute or without a scheme, as URLs of the server at *url*."""
        scheme, _, rest = url.partition("://")
        raw_scheme, raw_rest = scheme.encode(), rest.encode()

        def replacement(found: re.Match[bytes]) -> bytes:
            given = found["scheme"]
            return (raw_scheme + b":" if given else b"") + b"//" + raw_rest

        return self._pattern.sub(replacement, page)

    def is_in(self, page: bytes) -> bool:
        """Return whether *page* has a URL of this server; a cassette can name one that is none."""
        try:
            is_server = bool(self._parts.hostname)
        except ValueError:
            return False
        return is_server and self._pattern.search(page) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        netloc = re.escape((self._parts.netloc + self.base).encode())
        return re.compile(rb"(?:(?P<scheme>https?):|(?<![\w:/]))//%b(?![\w.:@-])" % netloc, re.I)

    def _is_here(self, parts: SplitResult) -> bool:
        """Return whether the URL *parts* have this host and port; the default ports of both schemes are one."""
        if parts.scheme not in ("", "http", "https") or parts.hostname != self._parts.hostname:
            return False
        port = parts.port or _DEFAULT_PORTS[parts.scheme or self._parts.scheme]
        own = self._parts.port or _DEFAULT_PORTS[self._parts.scheme]
        return port == own or {port, own} == {80, 443}

    def _below_base(self, path: str) -> str | None:
        rest = path.removeprefix(self.base)
        if (self.base and rest == path) or rest[:1] not in ("", "/", "?", "#"):
            return None
        return f"/{rest.lstrip('/')}"

    def _to_local_value(self, name: str, value: str, requested: str) -> str:
        match name:
            case "location" | "content-location":
                local = self.to_local(value, requested)
                return value if local is None else local
            case "link":
                return _IN_BRACKETS.sub(
                    lambda found: (
                        f"<{found[1] if (local := self.to_local(found[1])) is None else local}>"
                    ),
                    value,
                )
            case _:
                return value
