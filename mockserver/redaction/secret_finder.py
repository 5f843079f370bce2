"""Find the secrets in one decoded text. No I/O."""

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from mockserver.cassette.model import Stream
from mockserver.formats.user_pattern import TimeLimit
from mockserver.redaction.credentials import spellings_of
from mockserver.redaction.prefilter import may_match_stream, may_match_text
from mockserver.redaction.rules import RedactionRules
from mockserver.redaction.secret_names import (
    FIRST_WORDS,
    PLACEHOLDER,
    covers_header,
    covers_number,
    covers_parameter,
    covers_value,
    is_harmless,
    is_secret_name,
)
from mockserver.redaction.secret_patterns import find_possible_patterns
from mockserver.redaction.text_edits import Span

PREFIX_LENGTH = 8
"""The minimum length of the beginning of a credential that is recognized at the end of a text."""

_TYPE = r"(?:str(?:ing)?|SecretStr|Optional\[str\])\??(?:[ ]?\|[ ]?\w{1,20})?"
_NAME = re.compile(
    rf"""(?:(?<![\w%.:-])|(?<=[\s"'`]--)|(?<=:)(?<![^\s({{,/]:)|(?<=\$env:))"""
    rf"""(?P<name>(?:(?:{FIRST_WORDS})[ ])?[A-Za-z_%][\w.%\[\]-]*+)"""
    r"""(?P<after>(?:\\*+(?:["'`]|&quot;|&\#(?:3[49]|x2[27]);))?\]?[*_]{0,2}\s*+"""
    rf"""(?:=>|:=|={{1,3}}|:(?:[ ]?{_TYPE}[ ]?=)?|\b(?:is|ist|lautet|est|es|é)\b:?(?=\s))[*_]{{0,2}}\s*+[*_]{{0,2}})""",
    re.IGNORECASE,
)
"""A name and what stands between it and its value: `password: `, `"password": `, `\\"password\\":`, `api_key=`."""

_PREFIX = re.compile(r"""[bfnruBFNRU]{1,2}(?=["'])""")
_QUOTE = re.compile(r"""(?P<slashes>\\*+)(?P<mark>["'`]|&quot;|&#(?:3[49]|x2[27]);)""")
_PARAMETER_VALUE = re.compile(r"""(?:(?![;,]\s*[\w.-]+=)[^\s"'<>\\&`]){0,500}[^\s"'<>\\;,&)\]}`]""")
_REST = re.compile(r"""[^\s"'<>\\;,&`]*+""")
_MAX_VALUE = 500
"""The number of characters of a value that are looked at; the rest of a secret is replaced with it."""

_LOOK_BACK = 200
"""How many characters before a name are searched for the quote that opens its string."""

_MIN_PARAMETER = 4
"""The minimum length of the value in `name=value` outside of a query."""

_PROSE_VALUE = re.compile(
    r"""(?![(*\[{])(?:(?![;,]\s*[\w.-]+[:=])[^\s"'<>\\`]){0,500}[^\s"'<>\\,;.:!?)\]}`*]"""
)
_AUTHORIZATION = re.compile(r"""[\w-]{2,20} +(?P<secret>[^\s"'<>\\;,]{1,500})""")
_COOKIES = re.compile(r"""[^=;\s"'\\]{1,200}=[^\r\n"'\\]*""")
_CALL = re.compile(r"[A-Za-z_$][\w$.]*+[(\[]")
_REFERENCE = re.compile(r"\$?\{|\$\(|%\(|\$[A-Za-z_]|&(?:quot|#(?:3[49]|x2[27]));")
_ATTRIBUTE = re.compile(r"(?:[a-z_]\w*\.)+[A-Za-z_]\w*")
"""Expressions, such as `os.environ["X"]`, `${KEY}` or `self.password`."""

_NOT_A_WORD = re.compile(
    r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z]).{6,}|(?=.*[^\w.:/-]\w).{8,}|(?!\w+://)(?=.*[^A-Za-z]).{16,}|[0-9]{4,}"
)
"""A value in prose that is more than an ordinary word: `password: hunter2`, but not `password: required`."""

_FIELDS = {
    "orm-data": r"""(?i:form-data);\s{0,9}name="?(?P<name>[^"\r\n;]{1,200})"?[^\r\n]{0,500}+"""
    r"""(?:\r?\n[^\r\n]{1,500}+){0,20}+\r?\n\r?\n(?P<value>.*?)(?=\r?\n--|\Z)""",
    "</": r"<(?:[\w-]{1,40}:)?(?P<name>[\w.-]{1,80})(?:\s[^<>]{0,200})?>(?P<value>[^<>]{1,500})</",
    "alue": r"""(?i:\b(?:name|key)\\?["']?\s?[=:]\s?\\?["']?(?P<name>[\w.-]{1,80})\\?["']?,?\s{1,20}\\?["']?value\\?["']?)"""
    r"""\s?[=:]\s?\\?["']?(?P<value>[^\s"'<>\\]{1,500})""",
    "(": r"""\w\(["'](?P<name>[\w.-]{1,80})["'], ?["'](?P<word>[^\s"'\\]{6,500})["']""",
    "et": r"""(?:\bs|S)et_?(?P<name>\w{1,80})\(["'](?P<word>[^\s"'\\]{6,500})["']""",
    "--": r"""(?<![\w-])--(?P<name>[\w-]{1,80}) ["']?(?P<word>[^\s"'\\]{1,500})""",
    "ENV ": r"""\bENV (?P<name>[\w-]{1,80}) ["']?(?P<word>[^\s"'\\]{1,500})""",
}
"""Where a name and its value stand in other ways: forms, XML, YAML, calls and commands; by a text that these hold.

The group `word` is a value that is a secret only if it is more than an ordinary word."""


class Finder(Protocol):
    """What a `Rewriter` replaces."""

    replacement: str
    replaces_names: bool
    """Whether keys of JSON objects and names of events are searched too."""

    def may_match(self, text: str) -> bool:
        """Return whether *text* may hold something; a fast check without false negatives."""

    def may_match_stream(self, stream: Stream) -> bool:
        """Return whether the events of *stream* may, alone or together."""

    def spans(self, text: str, *, is_binary: bool = False) -> Iterable[Span]:
        """Yield what is replaced in a decoded *text* that is not JSON; the spans may overlap.

        If it *is_binary*, its characters are bytes that are no text.
        """

    def covers(self, name: str, value: str) -> bool:
        """Return whether the *value* under *name* is replaced as a whole."""

    def covers_header(self, name: str, value: str) -> bool:
        """Return whether the *value* of the header *name* is replaced as a whole."""

    def covers_parameter(self, name: str, value: str) -> bool:
        """Return whether the *value* of the query parameter *name* is replaced as a whole."""

    def covers_number(self, name: str, number: str) -> bool:
        """Return whether the *number* under *name* is replaced."""


class SecretFinder:
    """Finds *credentials* in every spelling, what looks like a secret, and what the project's *rules* say.

    SlowPatternError if the project's own patterns exceed `limit`.
    """

    replacement = PLACEHOLDER
    replaces_names = False

    def __init__(self, credentials: Iterable[str], rules: RedactionRules, limit: TimeLimit) -> None:
        self.limit = limit
        self._credentials = tuple(sorted(set(credentials), key=lambda one: (-len(one), one)))
        self._spellings = spellings_of(self._credentials)
        self._rules = rules
        begins = (one[:PREFIX_LENGTH] for one in self._credentials if len(one) > PREFIX_LENGTH)
        self._words = tuple({*self._spellings, *begins, *rules.fields})

    def may_match(self, text: str) -> bool:
        """Return whether *text* may hold a secret."""
        return bool(self._rules.patterns) or may_match_text(text, self._words)

    def may_match_stream(self, stream: Stream) -> bool:
        """Return whether the events of *stream* may hold a secret."""
        return bool(self._rules.patterns) or may_match_stream(stream, self._words)

    def covers(self, name: str, value: str) -> bool:
        """Return whether *value* is a secret because of its *name*."""
        if name in self._rules.fields:
            return bool(value) and not value.startswith(PLACEHOLDER)
        return covers_value(name, value)

    def covers_header(self, name: str, value: str) -> bool:
        """Return whether *value* is a secret because of its header's *name*."""
        return covers_header(name, value)

    def covers_parameter(self, name: str, value: str) -> bool:
        """Return whether *value* is a secret because of its parameter's *name*."""
        return self.covers(name, value) or covers_parameter(name, value)

    def covers_number(self, name: str, number: str) -> bool:
        """Return whether *number* is a secret because of its *name*, a rule of the project or a credential of digits."""
        return (
            name in self._rules.fields
            or covers_number(name, number)
            or number in self._credentials
            or any(pattern.spans(number, self.limit) for pattern in self._rules.patterns)
        )

    def spans(self, text: str, *, is_binary: bool = False) -> Iterator[Span]:
        """Yield the spans of the secrets in *text*; bytes that are no text have no names."""
        yield from self._credential_spans(text)
        for known in find_possible_patterns(text):
            yield from known.spans(text)
        if not is_binary:
            yield from self._named_spans(text)
        for hint, form in _FIELDS.items():
            for field in re.finditer(form, text, re.DOTALL) if hint in text else ():
                value = field[field.lastgroup or "value"]
                is_secret = field.lastgroup == "value" or _is_secret_word(value)
                if is_secret and self.covers(field["name"], value):
                    yield field.span(field.lastgroup or "value")
        for pattern in self._rules.patterns:
            yield from pattern.spans(text, self.limit)

    def _credential_spans(self, text: str) -> Iterator[Span]:
        for spelling in self._spellings:
            start = text.find(spelling)
            while start >= 0:
                yield start, start + len(spelling)
                start = text.find(spelling, start + len(spelling))
        for credential in self._credentials:
            # A stream that repeats a growing text, or one that is cut, ends with the beginning of a credential.
            start = text.rfind(credential[:PREFIX_LENGTH], max(0, len(text) - len(credential) + 1))
            if start >= 0 and credential.startswith(text[start:]):
                yield start, len(text)

    def _named_spans(self, text: str) -> Iterator[Span]:
        """Yield the values of `name: value`, `name=value` and `"name": "value"` with the name of a secret."""
        position = 0
        while found := _NAME.search(text, position):
            position = found.end()
            if not (is_secret_name(found["name"]) or found["name"] in self._rules.fields):
                continue
            span = self._quoted_value(text, found) or self._bare_value(text, found)
            if span is not None:
                yield span
                position = max(position, span[1])

    def _quoted_value(self, text: str, found: re.Match[str]) -> Span | None:
        prefix = _PREFIX.match(text, found.end())
        opening = _QUOTE.match(text, prefix.end() if prefix else found.end())
        if opening is None or _is_closing(text, found, opening["mark"]):
            return None
        start, end = opening.end(), len(text)  # a text that is cut has no closing quote
        for quote in _QUOTE.finditer(text, start):
            if _closes(quote, opening):
                end = quote.start() if opening["slashes"] else quote.start("mark")
                break
        return (start, end) if self.covers(found["name"], text[start:end]) else None

    def _bare_value(self, text: str, found: re.Match[str]) -> Span | None:
        name, at = found["name"], found.end()
        lowered = name.lower()
        if lowered.endswith("authorization") and (token := _AUTHORIZATION.match(text, at)):
            return token.span("secret") if _is_secret_word(token["secret"]) else None
        if lowered.endswith("cookie") and (cookies := _COOKIES.match(text, at)):
            return None if is_harmless(cookies[0]) else cookies.span()
        is_parameter = found["after"] == "="
        value = (_PARAMETER_VALUE if is_parameter else _PROSE_VALUE).match(text, at)
        if value is None or _ATTRIBUTE.fullmatch(value[0]):
            return None
        if _CALL.match(text, at) or _REFERENCE.match(text, at):
            return None
        if is_parameter:
            is_in_query = text[found.start() - 1 : found.start()] in ("?", "&")
            is_secret = is_in_query or len(value[0]) >= _MIN_PARAMETER
        else:
            is_secret = _is_secret_word(value[0])
        if not is_secret or not self.covers(name, value[0]):
            return None
        rest = _REST.match(text, value.end()) if len(value[0]) > _MAX_VALUE else None
        return at, rest.end() if rest else value.end()


def _is_closing(text: str, found: re.Match[str], mark: str) -> bool:
    """Return whether the quote *mark* behind a name closes a string that holds the name, as in `input("Password: ")`."""
    if mark in found["after"]:
        return False
    start = max(0, found.start() - _LOOK_BACK)
    is_within = text.count(mark, start, found.start()) % 2 == 1
    return is_within if mark == '"' else text[found.start() - 1 : found.start()] == mark


def _closes(quote: re.Match[str], opening: re.Match[str]) -> bool:
    """Return whether *quote* ends the string that *opening* begins; within JSON in a string, both are escaped alike."""
    slashes = len(quote["slashes"])
    is_alike = slashes == len(opening["slashes"]) if opening["slashes"] else slashes % 2 == 0
    return is_alike and quote["mark"] == opening["mark"]


def _is_secret_word(value: str) -> bool:
    return _NOT_A_WORD.fullmatch(value) is not None and not is_harmless(value)
