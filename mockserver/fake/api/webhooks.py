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
    if webhook.startswith("/"):
        raise HTTPError(
            422, "Loopback webhooks (relative URLs and localhost) are disabled by default."
        )
    if not host:
        raise HTTPError(422, "Invalid webhook hostname ''")
    if why := _blocked(address.scheme, host):
        raise HTTPError(422, f"Webhook host blocked: {why}")


def _blocked(scheme: str, host: str) -> str | None:
    if scheme not in ("http", "https"):
        return f"scheme '{scheme}' not allowed"
    if host == "localhost":
        return "localhost address"
    try:
        ip = ip_address(host)
    except ValueError:
        return None
    if ip.is_loopback:
        return "loopback IP range" if ip.version == 4 else "blocked IP range"
    return None
