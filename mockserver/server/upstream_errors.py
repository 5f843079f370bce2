"""What aiohttp raises if the upstream does not respond, as our errors: what is wrong, and what to do."""

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

import aiohttp

from mockserver.errors import OutOfFilesError, UpstreamError, is_out_of_files
from mockserver.server.upstream_proxy import Proxy
from mockserver.server.upstream_tls import explain_error


@contextmanager
def translate_errors(server: str, proxy: Proxy | None, connect_timeout: float) -> Iterator[None]:
    """Raise UpstreamError or OutOfFilesError for an error of aiohttp while it sends a request to the URL *server* through *proxy*."""
    url = f"{server} (through the proxy {proxy.shown})" if proxy else server
    try:
        yield
    except aiohttp.WSServerHandshakeError as error:
        raise_if_loop(server, error.status, error.headers or {})
        raise UpstreamError(
            f"the upstream {url} refused the WebSocket with status {error.status}",
            status=error.status if error.status >= 400 else 502,
        ) from None
    except aiohttp.ClientConnectorCertificateError as error:
        assert isinstance(error.certificate_error, ssl.SSLError)
        raise UpstreamError(explain_error(error.certificate_error, url), reached=False) from None
    except aiohttp.ClientConnectorSSLError as error:
        assert isinstance(error.os_error, ssl.SSLError)
        raise UpstreamError(explain_error(error.os_error, url), reached=False) from None
    except aiohttp.ClientHttpProxyError as error:
        assert proxy is not None
        raise refused_by_proxy(server, proxy, error.status) from None
    except aiohttp.ClientConnectorError as error:
        if is_out_of_files(error.os_error):
            raise OutOfFilesError from None
        if proxy is not None and isinstance(error, aiohttp.ClientProxyConnectionError):
            raise UpstreamError(
                f"the proxy {proxy.shown} cannot be reached{format_reason(error.os_error)}: correct {proxy.source}, "
                f"or exclude the upstream {server} with NO_PROXY=HOST",
                reached=False,
            ) from None
        raise _unreachable(url, format_reason(error.os_error)) from None
    except aiohttp.ConnectionTimeoutError:
        without_tls = ", or no TLS" if url.startswith("https:") else ""
        raise _unreachable(
            url, f" (no connection within {connect_timeout:g} s{without_tls})"
        ) from None
    except aiohttp.ClientResponseError:
        raise UpstreamError(
            f"the upstream {url} does not speak HTTP: is --upstream right?", reached=False
        ) from None
    except ValueError as error:
        raise UpstreamError(f"the request cannot be sent: {error}") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UpstreamError(
            f"the upstream {url} closed the connection before it responded{format_reason(error)}"
        ) from None


def raise_if_loop(server: str, status: int, headers: Mapping[str, str]) -> None:
    """Raise UpstreamError if the response with this *status* and these *headers* is that of a recorder to its own request."""
    if status == HTTPStatus.LOOP_DETECTED and headers.get("x-mockserver-source") == "error":
        raise UpstreamError(
            f"the upstream {server} leads back to this recorder: --upstream must be the URL of the Agent Server",
            status=status,
        )


def refused_by_proxy(server: str, proxy: Proxy, status: int) -> UpstreamError:
    """Return the error for a *proxy* that does not forward a request to the URL *server*, but responds with *status*."""
    wants = status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
    fix = (
        f"write them in {proxy.source}=http://USER:PASSWORD@HOST:PORT"
        if wants
        else "is it allowed?"
    )
    reason = "wants credentials" if wants else f"does not connect to the upstream {server}"
    return UpstreamError(
        f"the proxy {proxy.shown} {reason} (status {status}): {fix}", reached=False
    )


def format_reason(error: BaseException) -> str:
    """Return the reason of *error* that the operating system or TLS gives, in parentheses, or an empty string."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__  # type: ignore[assignment]
    if isinstance(error, ssl.SSLError):
        return f" ({error.reason.lower().replace('_', ' ')})" if error.reason else ""
    number = getattr(error, "errno", None)
    return f" ({os.strerror(number).lower()})" if number and number > 0 else ""


def _unreachable(url: str, reason: str) -> UpstreamError:
    return UpstreamError(
        f"the upstream {url} cannot be reached{reason}: is it running, and is --upstream right?",
        reached=False,
    )
