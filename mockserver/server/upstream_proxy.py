"""The proxy for the upstream, as the environment names it: in the way of curl."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from mockserver.errors import UsageError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SEPARATORS = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy: *url*, which can hold a password, and *shown*, the URL without it. The variable *source* names it."""

    url: str
    shown: str
    source: str


def find_proxy(origin: str) -> Proxy | None:
    """Return the proxy for the server at *origin*, or None; raise UsageError if it is not one that we can use.

    aiohttp would look it up for every request, and read netrc.
    """
    server = urlsplit(origin)
    proxies = getproxies()
    kind = server.scheme if proxies.get(server.scheme) else "all"
    text = proxies.get(kind)
    host, port = server.hostname or "", server.port or _DEFAULT_PORTS[server.scheme]
    if not text or _is_excluded(host, port, proxies.get("no", "")):
        return None
    return _parse(text, _find_source(kind))


def _parse(text: str, source: str) -> Proxy:
    """Return the proxy that *text* names, the value of *source*: a URL, or `host:port`."""
    url = text if "://" in text else f"http://{text}"
    scheme, _, rest = url.partition("://")
    shown = f"{scheme}://{rest.rpartition('@')[2].rstrip('/')}"
    if scheme.lower().startswith("socks"):
        raise UsageError(
            f"{source}={shown}: SOCKS proxies are not supported: name an HTTP proxy, or exclude the upstream with NO_PROXY=HOST"
        )
    try:
        parts = urlsplit(url)
        valid = parts.scheme in _DEFAULT_PORTS and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(
            f"{source}={shown}: not the URL of a proxy; write one such as http://proxy.example:3128"
        )
    return Proxy(url, shown, source)


def _find_source(kind: str) -> str:
    """Return the variable that names the proxy for *kind*; without one, it is in the settings of the system."""
    names = (f"{kind}_proxy", f"{kind.upper()}_PROXY")
    return next((name for name in names if os.environ.get(name)), "the system's proxy")


def _is_excluded(host: str, port: int, no_proxy: str) -> bool:
    """Return whether requests to *host* and *port* use no proxy, according to *no_proxy* or to the settings of the system."""
    if not no_proxy:
        return bool(proxy_bypass(host))
    name = host.lower().removesuffix(".")
    return any(
        entry == "*" or (entry_port in ("", str(port)) and _covers(entry, name))
        for entry, entry_port in _split_entries(no_proxy.lower())
    )


def _split_entries(no_proxy: str) -> Iterator[tuple[str, str]]:
    """Yield the names, addresses and networks in *no_proxy*, each with its port or an empty string."""
    for entry in filter(None, _SEPARATORS.split(no_proxy)):
        name, colon, port = entry.rpartition(":")
        has_port = colon and port.isdecimal() and (name.endswith("]") or ":" not in name)
        yield (name, port) if has_port else (entry, "")


def _covers(entry: str, name: str) -> bool:
    """Return whether *entry*, a domain, an address or a network such as 10.0.0.0/8, covers the host *name*."""
    try:
        address = ip_address(name)
    except ValueError:
        domain = entry.removeprefix("*").strip(".")
        return bool(domain) and f".{name}".endswith(f".{domain}")
    try:
        return address in ip_network(entry.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
