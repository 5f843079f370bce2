"""Remove secrets from exchanges before they are written, and from requests before they are matched. No I/O.

First secrets that are spread over the events of a stream. Then in each text: the exact credentials of the request and of
the recorder, their beginnings, fields and parameters with the name of a secret, values with the shape of a key, and the
project's own rules. Headers such as `cookie` and `authorization` are redacted by name.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from mockserver.cassette.model import Exchange, Response, Stream
from mockserver.cassette.recorder import strip_request_headers
from mockserver.errors import SlowPatternError
from mockserver.formats.sse import Event
from mockserver.formats.user_pattern import TimeLimit
from mockserver.http.messages import Headers, Request
from mockserver.redaction import streams
from mockserver.redaction.patterns import (
    FIELD,
    NESTED_HEAD,
    PARAMETER,
    Span,
    fields_named,
    find_credentials,
    is_secret_name,
    match_any,
    may_hold_fields,
    may_hold_parameters,
    nested_fields,
    possible_shapes,
    prefix_patterns,
    spellings_of,
    unescape_json,
)
from mockserver.redaction.prefilter import Prefilter
from mockserver.redaction.rules import RedactionRules, parse_rules

__all__ = [
    "PLACEHOLDER",
    "RedactionRules",
    "Redactor",
    "describe",
    "parse_rules",
    "redact_for_matching",
    "redacted_request",
]

PLACEHOLDER = "REDACTED"
NO_RULES = RedactionRules()

EXCHANGE_SECONDS = 2.0
"""The maximum number of seconds for the project's own patterns per exchange; no other request waits for it."""

REQUEST_SECONDS = 0.2
"""The maximum number of seconds for the project's own patterns per request; other requests wait for it."""

_HARMLESS_VALUES = frozenset((PLACEHOLDER, "true", "false", "null", "none", "None"))


class Redactor:
    """Replaces *secrets*, matches of *rules* and matches of the built-in patterns; `count` is the number of replacements.

    SlowPatternError if the project's own patterns take longer than *seconds* for one exchange, or for all other calls together.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        rules: RedactionRules = NO_RULES,
        seconds: float = EXCHANGE_SECONDS,
    ) -> None:
        self.count = 0
        self._secrets = tuple(sorted(set(secrets), key=lambda s: (-len(s), s)))
        forms = spellings_of(self._secrets)
        self._exact = match_any(forms)
        self._beginnings = prefix_patterns(self._secrets)
        self._rules = rules
        # The prefilter does not know these patterns.
        self._search_all = bool(rules.patterns or rules.extra_patterns)
        self._seconds = seconds
        self._limit = TimeLimit(seconds)
        self._prefilter = Prefilter(self._secrets, forms, rules.fields)

    def exchange(self, exchange: Exchange) -> Exchange:
        """Return *exchange* without secrets, the number of replacements in `redacted`."""
        before = self.count
        self._limit = TimeLimit(self._seconds)
        request = self.request(exchange.request)
        response = self._response(exchange.response)
        if self.count == before:
            return exchange
        redacted = exchange.redacted + self.count - before
        return replace(exchange, request=request, response=response, redacted=redacted)

    def request(self, request: Request) -> Request:
        """Return *request* without secrets."""
        path = self._path(request.path)
        body = self._bytes(request.body)
        if path == request.path and body is request.body and not request.headers:
            return request
        return Request(request.method, path, self._headers(request.headers), body)

    def text(self, text: str) -> str:
        """Return *text* without secrets; the same object if there are none."""
        if not self._search_all and not self._prefilter.may_match(text):
            return text
        before = self.count
        redacted = self._text(unescape_json(text))
        return redacted if self.count > before else text

    def _text(self, text: str) -> str:
        if self._exact:
            text = self._substitute(self._exact, text)
        for pattern, secret in self._beginnings:
            text = pattern.sub(partial(self._replace_prefix, secret), text)
        lowered = text.lower()
        if may_hold_fields(lowered):
            text = self._fields(FIELD, NESTED_HEAD, text)
        if may_hold_parameters(lowered):
            text = PARAMETER.sub(self._replace_parameter, text)
        for shape in possible_shapes(lowered):
            text = self._redact_spans(shape.spans(text), text)
        for name in self._rules.fields:
            if name in text:
                text = self._fields(*fields_named(name), text)
        for pattern in self._rules.extra_patterns:
            text = self._substitute(pattern, text)
        for own in self._rules.patterns:
            text = self._redact_spans(own.spans(text, self._limit), text)
        return text

    def _response(self, response: Response) -> Response:
        content = response.content
        if isinstance(content, Stream):
            content = self._stream(content)
        else:
            content = replace(content, raw=self._bytes(content.raw))
        reason = response.reason and self.text(response.reason)
        headers = self._headers(response.headers)
        return replace(response, reason=reason, headers=headers, content=content)

    def _stream(self, stream: Stream) -> Stream:
        if not self._search_all and not self._prefilter.may_match_stream(stream):
            tail = self._bytes(stream.tail)
            return (
                stream if tail == stream.tail else Stream(stream.events, stream.line_ending, tail)
            )
        joined, count = streams.redact_events(list(stream.events), self._find, PLACEHOLDER)
        self.count += count
        events = tuple(timed._replace(event=self._event(timed.event)) for timed in joined)
        return Stream(events, stream.line_ending, self._bytes(stream.tail))

    def _event(self, event: Event) -> Event:
        fields = tuple((name, self._field(name, text)) for name, text in event.fields)
        return event if fields == event.fields else Event(fields)

    def _field(self, name: str, text: str) -> str:
        if name == "base64":
            return b64encode(self._bytes(b64decode(text))).decode()
        return self.text(text)

    def _find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the spans of the secrets in a *text* that was joined from several events."""
        exact = (self._exact,) if self._exact else ()
        for pattern in (*exact, *self._rules.extra_patterns):
            yield from (found.span() for found in pattern.finditer(text))
        for shape in possible_shapes(text.lower()):
            yield from shape.spans(text)
        for own in self._rules.patterns:
            yield from own.spans(text, self._limit)

    def _bytes(self, raw: bytes) -> bytes:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
            redacted = self.text(text)
            return raw if redacted is text else redacted.encode("latin-1")
        redacted = self.text(text)
        return raw if redacted == text else redacted.encode()

    def _path(self, path: str) -> str:
        target, mark, query = path.partition("?")
        pairs = [pair.partition("=") for pair in query.split("&")] if mark else []
        for number, (name, equals, value) in enumerate(pairs):
            if value and value != PLACEHOLDER and is_secret_name(name):
                pairs[number] = (name, equals, PLACEHOLDER)
                self.count += 1
        return self.text(target + mark + "&".join("".join(pair) for pair in pairs))

    def _headers(self, headers: Headers) -> Headers:
        values = "\n".join([value for _, value in headers])
        named = any(is_secret_name(name) for name, _ in headers)
        if not named and not self._search_all and not self._prefilter.may_match(values):
            return headers
        return tuple((name, self._header(name, value)) for name, value in headers)

    def _header(self, name: str, value: str) -> str:
        if is_secret_name(name):
            self.count += value != PLACEHOLDER
            return PLACEHOLDER
        return self.text(value)

    def _substitute(self, pattern: re.Pattern[str], text: str) -> str:
        changed, count = pattern.subn(PLACEHOLDER, text)
        self.count += count
        return changed if count else text

    def _redact_spans(self, spans: Iterable[Span], text: str) -> str:
        """Return *text* with *spans* replaced by the placeholder."""
        parts: list[str] = []
        end = 0
        for start, stop in spans:
            parts += text[end:start], PLACEHOLDER
            end = stop
            self.count += 1
        return "".join((*parts, text[end:])) if parts else text

    def _replace_prefix(self, secret: str, found: re.Match[str]) -> str:
        if found["end"] is None or not secret.startswith(found.group()):
            return found.group()
        self.count += 1
        return PLACEHOLDER

    def _replace_parameter(self, found: re.Match[str]) -> str:
        if _is_harmless(found["text"]):
            return found.group()
        self.count += 1
        return f"{found['head']}{PLACEHOLDER}"

    def _fields(self, plain: re.Pattern[str], nested: re.Pattern[str], text: str) -> str:
        def replace_value(found: re.Match[str]) -> str:
            if _is_harmless(found["text"]):
                return found.group()
            self.count += 1
            return f'{found["head"]}"{PLACEHOLDER}"'

        text = plain.sub(replace_value, text)
        if '\\"' not in text:
            return text
        values = (span for _, span in nested_fields(nested, text))
        return self._redact_spans(
            [(start, end) for start, end in values if not _is_harmless(text[start:end])], text
        )


def redact_for_matching(request: Request, rules: RedactionRules, secrets: Iterable[str]) -> Request:
    """Return *request* as a cassette holds it: recorded headers only, and without *secrets*.

    SlowPatternError if a pattern of *rules* takes too long.
    """
    return Redactor(secrets, rules, REQUEST_SECONDS).request(strip_request_headers(request))


def redacted_request(
    request: Request, rules: RedactionRules, secrets: Iterable[str] | None = None
) -> Request:
    """Return *request* as a cassette holds it, safe to show; *secrets* are its own credentials by default.

    If a pattern of *rules* takes too long, path and body are replaced by a placeholder.
    """
    if secrets is None:
        secrets = find_credentials(request.headers, request.path)
    try:
        return redact_for_matching(request, rules, secrets)
    except SlowPatternError as error:
        rules.report(f"{error}; the searched request is shown as {PLACEHOLDER}")
        body = PLACEHOLDER.encode() if request.body else b""
        return Request(request.method, f"/{PLACEHOLDER}", (), body)


def describe(request: Request) -> str:
    """Return method and path of *request* without secrets, safe for messages and logs."""
    shown = Redactor(find_credentials(request.headers, request.path)).request(
        Request("GET", request.path)
    )
    return f"{request.method} {shown.path}"


def _is_harmless(value: str | None) -> bool:
    """Return whether the *value* of a field is not a secret, or already redacted."""
    return value in _HARMLESS_VALUES or (value or "").startswith(PLACEHOLDER)
