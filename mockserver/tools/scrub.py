"""Find the secrets that a cassette still holds, and redact them. No I/O."""

from collections.abc import Iterable, Iterator

from mockserver.redaction.credentials import find_credentials
from mockserver.redaction.redactor import RedactionRules, Redactor
from mockserver.tools.rewrite_values import Change, find_changes
from mockserver.tools.source import Part


def find_secrets(part: Part, rules: RedactionRules) -> Iterator[Change]:
    """Yield the values in *part* that look like secrets, or that *rules* define as secret."""
    return find_changes(part, redactor_for(part, rules))


def mask(text: str, rules: RedactionRules) -> str:
    """Return *text*, such as a line of a message, without secrets."""
    return Redactor((), rules).text(text)


def mask_each(texts: Iterable[str], rules: RedactionRules) -> Iterator[str]:
    """Yield each of *texts* without secrets."""
    return map(Redactor((), rules).text, texts)


def redactor_for(part: Part, rules: RedactionRules) -> Redactor:
    """Return what redacts *part*, also the credentials of its own request."""
    if part.exchange is None:
        return Redactor((), rules)
    request = part.exchange.request
    return Redactor(find_credentials(request.headers, request.path), rules)
