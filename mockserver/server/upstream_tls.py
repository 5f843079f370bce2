"""TLS to the upstream: which certificates are accepted, and why one is not."""

import os
import ssl
from pathlib import Path

from mockserver.errors import UsageError

_SELF_SIGNED = 18
_UNKNOWN_AUTHORITY = (19, 20, 21)
_NOT_YET_VALID = 9
_EXPIRED = 10
_OTHER_NAME = (62, 64)
"""The verification errors of OpenSSL, as in its `x509_vfy.h`."""

_NOT_TLS = frozenset(
    ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
)
"""What OpenSSL reports if the other side does not speak TLS at all."""

_TRUST = "name the certificate of its authority with --upstream-ca FILE or SSL_CERT_FILE=FILE"
_SKIP = "or skip the check with --upstream-insecure"


def create_context(ca: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """Return a context that accepts the certificates of the system's authorities, of SSL_CERT_FILE, and of the file *ca*.

    If *insecure*, it accepts every certificate. Raise UsageError if *ca* cannot be read.
    """
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except ssl.SSLError:
            raise UsageError(
                f"--upstream-ca {ca}: the file has no certificate in PEM format"
            ) from None
        except OSError as error:
            raise UsageError(
                f"--upstream-ca {ca}: cannot be read: {os.strerror(error.errno or 0)}"
            ) from None
    return context


def explain_error(error: ssl.SSLError, url: str) -> str:
    """Return why there is no TLS connection to the upstream *url*, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(error, url)
    if error.reason in _NOT_TLS:
        return f"the upstream {url} does not speak TLS: must --upstream begin with http://?"
    reason = (error.reason or "no reason given").lower().replace("_", " ")
    return f"the upstream {url} cannot be reached: TLS fails ({reason})"


def _explain_certificate(error: ssl.SSLCertVerificationError, url: str) -> str:
    certificate = f"the certificate of the upstream {url}"
    code = error.verify_code
    if code == _SELF_SIGNED:
        return f"{certificate} is self-signed: name it with --upstream-ca FILE or SSL_CERT_FILE=FILE, {_SKIP}"
    if code in _UNKNOWN_AUTHORITY:
        return f"{certificate} is from an unknown authority, such as that of a company: {_TRUST}, {_SKIP}{_missing_file()}"
    if code in (_NOT_YET_VALID, _EXPIRED):
        state = "has expired" if code == _EXPIRED else "is not valid yet"
        return f"{certificate} {state}: renew it, check the clock of this machine, {_SKIP}"
    if code in _OTHER_NAME:
        return f"{certificate} is for another name: use that name in --upstream, {_SKIP}"
    return f"{certificate} is not accepted ({error.verify_message}): {_TRUST}, {_SKIP}"


def _missing_file() -> str:
    """Return that SSL_CERT_FILE names a file that does not exist, which OpenSSL ignores; else an empty string."""
    name = os.environ.get("SSL_CERT_FILE")
    return f"; SSL_CERT_FILE={name} does not exist" if name and not Path(name).is_file() else ""
