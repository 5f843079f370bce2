"""Access rules: which web page origins and host names may use the server. No I/O."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from mockserver.errors import UsageError

_HOST = r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)"
_ORIGIN = re.compile(rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://{_HOST}(?::(?P<port>[0-9]{{1,5}}))?")
_NETLOC = re.compile(rf"{_HOST}(?::(?P<port>[0-9]*))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
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
        return local or _normal_origin(found) in self.origins

    def host_refusal(self, netloc: str) -> str | None:
        """Return why a request with the `Host` *netloc* is rejected, or None if it is allowed.

        A page can point its own host name to this server (DNS rebinding), but not an IP address or a name without a dot.
        """
        found = _NETLOC.fullmatch(netloc)
        name = _normal_host(found["host"]) if found else ""
        if found and (name in self.hosts or is_loopback(name)):
            return None
        if found and not self.loopback and (_address(name) or "." not in name):
            return None
        use = "127.0.0.1 or localhost" if self.loopback else "an IP address"
        shown = name if 0 < len(name) <= _MAX_SHOWN else "NAME"
        return f"the host {_shown(netloc)} is refused: use {use}, or allow it with --allow-host {shown}"

    def page_refusal(self, origin: str | None, site: str | None) -> str | None:
        """Return why a request with this `Origin` and `Sec-Fetch-Site` is rejected, or None if it is allowed."""
        if origin is None:
            if site != "cross-site":
                return None
            return (
                "a request of another site's page without an Origin, such as an image or a link, may not use the recorder: "
                "use fetch, and allow the page's origin with --allow-origin"
            )
        if self.allows_origin(origin):
            return None
        found = _ORIGIN.fullmatch(origin)
        if found and len(origin) <= _MAX_SHOWN:
            shown = _normal_origin(found)
            return (
                f"a page of {shown} may not use the recorder: allow it with --allow-origin {shown}"
            )
        return f"a page of the origin {_shown(origin)} may not use the recorder: open it from http://localhost, or allow its origin with --allow-origin"


def is_loopback(host: str) -> bool:
    """Return whether the address or name *host* is a loopback one."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address is not None and address.is_loopback


def parse_origins(texts: Iterable[str], where: str) -> tuple[str, ...]:
    """Return the origins *texts* in normal form; UsageError, which names *where*, for one that is not an origin."""
    return _parse_each(texts, where, parse_origin)


def parse_hosts(texts: Iterable[str], where: str) -> tuple[str, ...]:
    """Return the host names *texts* in normal form; UsageError, which names *where*, for one that is not a host name."""
    return _parse_each(texts, where, parse_host)


def parse_origin(text: str) -> str:
    """Return the origin *text* in normal form; UsageError if it is not an origin."""
    if text == "*":
        raise UsageError(
            "'*' would allow every web page to use your key: name each origin, such as https://app.example"
        )
    found = _ORIGIN.fullmatch(text)
    if found is None or not _is_port(found["port"]) or not _is_host(found["host"]):
        raise UsageError(
            f"{_shown(text.rpartition('@')[2])} is not an origin: write scheme://host or scheme://host:port, such as https://app.example"
        )
    return _normal_origin(found)


def parse_host(text: str) -> str:
    """Return the host name or address *text* in normal form; UsageError if it is not one."""
    if text == "*":
        raise UsageError(
            "'*' would allow every name, also one that a web page made: name each host"
        )
    found = _NETLOC.fullmatch(f"[{text}]" if isinstance(_address(text), IPv6Address) else text)
    if found is None or found["port"] is not None or not _is_host(found["host"]):
        raise UsageError(
            f"{_shown(text)} is not a name of a host: write it without scheme and port, such as mock.example"
        )
    return _normal_host(found["host"])


def _parse_each(texts: Iterable[str], where: str, read: Callable[[str], str]) -> tuple[str, ...]:
    try:
        return tuple(map(read, texts))
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _normal_origin(found: re.Match[str]) -> str:
    scheme, name, port = found["scheme"].lower(), _normal_host(found["host"]), found["port"]
    if ":" in name:
        name = f"[{name}]"
    if port is None or port.lstrip("0") == _DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{name}"
    return f"{scheme}://{name}:{int(port)}"


def _normal_host(name: str) -> str:
    name = name.strip("[]").lower()
    address = _address(name)
    return str(address) if address else name


def _address(name: str) -> IPv4Address | IPv6Address | None:
    if ":" not in name and not name[-1:].isdigit():
        return None  # faster than an exception
    try:
        return ip_address(name)
    except ValueError:
        return None


def _is_port(port: str | None) -> bool:
    return port is None or int(port) < 1 << 16


def _is_host(name: str) -> bool:
    """Return whether *name* is an IPv6 address if it is in brackets."""
    return not name.startswith("[") or isinstance(_address(name.strip("[]")), IPv6Address)


def _shown(text: str) -> str:
    """Return *text* shortened and escaped for a terminal."""
    return ascii(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")
