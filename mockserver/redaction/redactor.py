"""Remove secrets from exchanges before they are written, and from requests before they are matched or shown. No I/O."""

from collections.abc import Iterable
from dataclasses import replace

from mockserver.cassette.model import Exchange
from mockserver.cassette.recorder import strip_request_headers
from mockserver.errors import SlowPatternError
from mockserver.formats.user_pattern import TimeLimit
from mockserver.http.messages import Request
from mockserver.redaction.credentials import find_credentials
from mockserver.redaction.rewriter import Rewriter
from mockserver.redaction.rules import RedactionRules, parse_rules
from mockserver.redaction.secret_finder import SecretFinder
from mockserver.redaction.secret_names import PLACEHOLDER

__all__ = [
    "PLACEHOLDER",
    "RedactionRules",
    "Redactor",
    "describe",
    "parse_rules",
    "redact_exchange_for_display",
    "redact_for_display",
    "redact_for_matching",
]

NO_RULES = RedactionRules()

EXCHANGE_SECONDS = 2.0
"""The maximum number of seconds for the project's own patterns per exchange; no other request waits for it."""

REQUEST_SECONDS = 0.2
"""The maximum number of seconds for the project's own patterns per request; other requests wait for it."""


class Redactor(Rewriter):
    """Replaces *credentials*, what looks like a secret, and what *rules* say; `count` is the number of replacements.

    SlowPatternError if the project's own patterns take longer than *seconds* for one exchange, or for all other calls together.
    """

    def __init__(
        self,
        credentials: Iterable[str] = (),
        rules: RedactionRules = NO_RULES,
        seconds: float = EXCHANGE_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._secrets = SecretFinder(credentials, rules, TimeLimit(seconds))
        super().__init__(self._secrets)

    def rewrite_exchange(self, exchange: Exchange) -> Exchange:
        """Return *exchange* without secrets, the number of replacements in `redacted`; the same object if there are none."""
        before = self.count
        self._secrets.limit = TimeLimit(self._seconds)
        redacted = super().rewrite_exchange(exchange)
        return (
            replace(redacted, redacted=exchange.redacted + self.count - before)
            if self.count > before
            else exchange
        )


def redact_for_matching(request: Request, rules: RedactionRules) -> Request:
    """Return *request* as a cassette holds it: recorded headers only, and without secrets, such as its own credentials.

    SlowPatternError if a pattern of *rules* takes too long.
    """
    secrets = find_credentials(request.headers, request.path)
    return Redactor(secrets, rules, REQUEST_SECONDS).rewrite_request(strip_request_headers(request))


def redact_for_display(request: Request, rules: RedactionRules) -> Request:
    """Return *request* as a cassette holds it, safe to show.

    If a pattern of *rules* takes too long, path and body are replaced by a placeholder.
    """
    try:
        return redact_for_matching(request, rules)
    except SlowPatternError as error:
        rules.report(f"{error}; the searched request is shown as {PLACEHOLDER}")
        body = PLACEHOLDER.encode() if request.body else b""
        return Request(request.method, f"/{PLACEHOLDER}", (), body)


def redact_exchange_for_display(exchange: Exchange, rules: RedactionRules = NO_RULES) -> Exchange:
    """Return *exchange* safe to show, also one that was written by hand with its own credentials; `redacted` stays."""
    request = exchange.request
    redactor = Redactor(find_credentials(request.headers, request.path), rules)
    return replace(redactor.rewrite_exchange(exchange), redacted=exchange.redacted)


def describe(request: Request) -> str:
    """Return method and path of *request* without secrets, safe for messages and logs."""
    shown = Redactor(find_credentials(request.headers, request.path)).rewrite_request(
        Request("GET", request.path)
    )
    return f"{request.method} {shown.path}"
