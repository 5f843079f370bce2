"""Who may use the server: web page origins and host names; and how users write these, prefixes and headers. No I/O."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeVar

from mockserver.errors import UsageError
from mockserver.http.messages import is_own_path

T = TypeVar("T")

_HOST = r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)"
_ORIGIN = re.compile(rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://{_HOST}(?::(?P<port>[0-9]{{1,5}}))?")
_NETLOC = re.compile(rf"{_HOST}(?::(?P<port>[0-9]*))?")
_PREFIX = re.compile(r"(?:/[\w.~!$&'()*+,;=:@-]+)*", re.ASCII)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".home.arpa", ".test")
_MAX_SHOWN = 200
"""The maximum number of characters of a name in a message."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a server, in addition to this machine: pages of *origins*, and clients that use one of *hosts* as its name.

    *loopback*: the server is bound to this machine only. *guarded*: it forwards requests with a user's key, so requests of all
    other pages are rejected.
    """

    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    loopback: bool = True
    guarded: bool = False

    def allows_origin(self, text: str) -> bool:
        """Return whether pages of the origin *text*, as a browser sends it, may send credentials."""
        found = _ORIGIN.fullmatch(text)
        if found is None:
            return False
        local = found["scheme"] in _DEFAULT_PORTS and is_loopback(found["host"].strip("[]"))
        return local or _normalize_origin(found) in self.origins

    def check_host(self, netloc: str) -> str | None:
        """Return why a request with the `Host` *netloc* is rejected, or None if it is allowed.

        A page can point its own host name to this server (DNS rebinding), but not an IP address or a name without a dot.
        """
        found = _NETLOC.fullmatch(netloc)
        name = _normalize_host(found["host"]) if found else ""
        if found and (name in self.hosts or is_loopback(name)):
            return None
        if found and not self.loopback and (_parse_address(name) or "." not in name):
            return None
        use = "127.0.0.1 or localhost" if self.loopback else "an IP address"
        shown = name if 0 < len(name) <= _MAX_SHOWN else "NAME"
        return f"the host {_quote(netloc)} is refused: use {use}, or allow it with --allow-host {shown}"

    def check_origin(self, origin: str | None, site: str | None) -> str | None:
        """Return why a request with this `Origin` and `Sec-Fetch-Site` is rejected, or None if it is allowed."""
        if origin is None:
            if site != "cross-site":
                return None
            return "a request of another site's page has no Origin: use fetch, and allow the page with --allow-origin"
        if self.allows_origin(origin):
            return None
        found = _ORIGIN.fullmatch(origin)
        if not found or len(origin) > _MAX_SHOWN:
            return f"a page of the origin {_quote(origin)} may not use the recorder: open it from http://localhost, or use --allow-origin"
        shown = _normalize_origin(found)
        return f"a page of {shown} may not use the recorder: allow it with --allow-origin {shown}"


def is_loopback(host: str) -> bool:
    """Return whether the address or name *host* is a loopback one."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _parse_address(name)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address is not None and address.is_loopback


def is_private(host: str) -> bool:
    """Return whether the address or name *host* is one of this machine or of a private network.

    A name is, if it has no dot, or a suffix that the public name system does not have.
    """
    name = host.lower().removesuffix(".")
    address = _parse_address(name)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address is not None:
        return address.is_private
    return "." not in name or name.endswith(_PRIVATE_SUFFIXES)


def parse_each(parse: Callable[[str], T], texts: Iterable[str], where: str) -> tuple[T, ...]:
    """Return the results of *parse* for *texts*; its UsageError begins with *where*."""
    try:
        return tuple(map(parse, texts))
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def parse_prefix(text: str) -> str:
    """Return the path prefix *text* in normal form: empty, or with a slash at its start only; UsageError if it is not a path."""
    prefix = "/".join(("", *filter(None, text.split("/"))))
    if (text and not text.startswith("/")) or not _PREFIX.fullmatch(prefix):
        raise UsageError(f"{text!r} is not a path prefix: write one such as /api/langgraph")
    if is_own_path(f"{prefix}/"):
        raise UsageError(f"{text!r} is a path of mockserver itself: write another prefix")
    return prefix


def parse_header(text: str) -> tuple[str, str]:
    """Return name and value of the header `Name: value`; UsageError, without *text* as it may be a secret, if it has another form."""
    name, colon, value = text.partition(":")
    name = name.strip()
    if not colon or not name or not name.isascii() or " " in name:
        raise UsageError("write it as 'Name: value'")
    return name, value.strip()


def split_header_lines(text: str) -> list[str]:
    """Return the non-empty lines of *text*, an environment variable that holds several headers."""
    return [line for line in text.splitlines() if line.strip()]


def parse_origin(text: str) -> str:
    """Return the origin *text* in normal form; UsageError if it is not an origin."""
    found = _ORIGIN.fullmatch(text)
    if not found or int(found["port"] or 0) >= 1 << 16 or not _is_host(found["host"]):
        raise UsageError(
            f"{_quote(text.rpartition('@')[2])} is not an origin: write scheme://host or scheme://host:port, such as https://app.example"
        )
    return _normalize_origin(found)


def parse_host(text: str) -> str:
    """Return the host name or address *text* in normal form; UsageError if it is not one."""
    found = _NETLOC.fullmatch(f"[{text}]" if ":" in text and _parse_address(text) else text)
    if not found or found["port"] is not None or not _is_host(found["host"]):
        raise UsageError(
            f"{_quote(text)} is not a name of a host: write it without scheme and port, such as mock.example"
        )
    return _normalize_host(found["host"])


def _normalize_origin(found: re.Match[str]) -> str:
    scheme, name, port = found["scheme"].lower(), _normalize_host(found["host"]), found["port"]
    if ":" in name:
        name = f"[{name}]"
    if port is None or port.lstrip("0") == _DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{name}"
    return f"{scheme}://{name}:{int(port)}"


def _normalize_host(name: str) -> str:
    name = name.strip("[]").lower()
    return str(_parse_address(name) or name)


def _parse_address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _is_host(name: str) -> bool:
    """Return whether *name* is an IPv6 address if it is in brackets."""
    return not name.startswith("[") or isinstance(_parse_address(name.strip("[]")), IPv6Address)


def _quote(text: str) -> str:
    """Return *text* shortened and escaped for a terminal."""
    return ascii(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")
