"""Checks webhook addresses as the real server does, without a network. No I/O."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from mockserver.fake.api.validation import HTTPError


def check(webhook: str) -> None:
    """Raise HTTPError if the real server would reject *webhook*; host names are assumed to resolve."""
    try:
        address = urlsplit(webhook)
        host, _ = address.hostname or "", address.port
    except ValueError as error:
        raise HTTPError(400, str(error)) from None
    if address.scheme not in ("http", "https") or not host or _is_loopback(host):
        raise HTTPError(422, f"Webhook blocked: {webhook} must be http or https, on another host")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
